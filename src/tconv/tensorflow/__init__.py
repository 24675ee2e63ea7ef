"""Transposed convolutions with `tf.nn`'s signatures, and the settings that TensorFlow refuses on a CPU.

Made of TensorFlow's own operations: they run wherever TensorFlow does, under `tf.function` and XLA, are
differentiable to any order, and export to a SavedModel. Beyond `tf.nn`: dilations (with strides or without), groups,
channels-first arrays on a CPU.
"""

from ..errors import MissingExtra

try:
    import tensorflow as _tensorflow  # noqa: F401
except ImportError:
    raise MissingExtra("tconv.tensorflow", "tensorflow", "tensorflow") from None

from .functions import conv1d_transpose, conv2d_transpose, conv3d_transpose, conv_transpose

__all__ = ["conv1d_transpose", "conv2d_transpose", "conv3d_transpose", "conv_transpose"]

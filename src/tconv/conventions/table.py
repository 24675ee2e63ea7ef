"""The tables of all conventions: of transposed convolutions, and of convolutions."""

from __future__ import annotations

from .convention import Convention
from .coreml import COREML, COREML_CONV
from .equinox import EQUINOX, EQUINOX_CONV
from .flax import FLAX, FLAX_CONV
from .jax import JAX, JAX_CONV
from .keras import KERAS, KERAS_CONV
from .mxnet import MXNET, MXNET_CONV
from .onnx import ONNX, ONNX_CONV
from .openvino import OPENVINO, OPENVINO_CONV
from .tensorflow import TENSORFLOW, TENSORFLOW_CONV
from .tensorrt import TENSORRT, TENSORRT_CONV
from .tflite import TFLITE, TFLITE_CONV
from .torch import TORCH, TORCH_CONV

__all__ = ["CONVENTIONS", "CONVOLUTIONS", "table"]

CONVENTIONS: dict[str, Convention] = {
    row.name: row
    for row in (KERAS, TENSORFLOW, TORCH, JAX, FLAX, EQUINOX, ONNX, OPENVINO, MXNET, COREML, TFLITE, TENSORRT)
}
"""Each framework's transposed convolution."""

CONVOLUTIONS: dict[str, Convention] = {
    row.name: row
    for row in (KERAS_CONV, TENSORFLOW_CONV, TORCH_CONV, JAX_CONV, FLAX_CONV, EQUINOX_CONV, ONNX_CONV, OPENVINO_CONV,
                MXNET_CONV, COREML_CONV, TFLITE_CONV, TENSORRT_CONV)
}
"""Each framework's convolution, under the same names."""


def table(transposed: bool) -> dict[str, Convention]:
    """The table of one direction."""
    return CONVENTIONS if transposed else CONVOLUTIONS

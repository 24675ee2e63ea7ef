"""The table of all conventions."""

from __future__ import annotations

from .convention import Convention
from .documented import COREML, MXNET, TENSORRT, TFLITE
from .equinox import EQUINOX
from .flax import FLAX
from .jax import JAX
from .keras import KERAS
from .onnx import ONNX
from .openvino import OPENVINO
from .tensorflow import TENSORFLOW
from .torch import TORCH

__all__ = ["CONVENTIONS"]

CONVENTIONS: dict[str, Convention] = {
    row.name: row
    for row in (KERAS, TENSORFLOW, TORCH, JAX, FLAX, EQUINOX, ONNX, OPENVINO, MXNET, COREML, TFLITE, TENSORRT)
}

"""The peers of single layers."""

from __future__ import annotations

from ..cases import DTYPES, PASSES
from ..facts import FROZEN
from .peer import Peer

__all__ = ["PEERS"]

ROOM = __package__
ALL = tuple(PASSES)
TORCH = {"torch": "torch"}

PEERS = (
    Peer("tconv", f"{ROOM}.ours", {}, ALL, DTYPES, ours=True),
    Peer("tconv packed", f"{ROOM}.ours_packed", {}, ("forward",), kernels=FROZEN, ours=True),
    Peer("tconv.torch", f"{ROOM}.ours_torch", TORCH, ALL, DTYPES, ours=True),
    Peer("PyTorch", f"{ROOM}.pytorch", TORCH, ALL, DTYPES),
    Peer("PyTorch channels_last", f"{ROOM}.pytorch_last", TORCH, ALL, DTYPES),
    Peer("PyTorch compiled, frozen", f"{ROOM}.pytorch_frozen", TORCH, ("forward",), DTYPES, FROZEN,
         environment={"TORCHINDUCTOR_FREEZING": "1"}),
    Peer("ONNX Runtime", f"{ROOM}.onnxruntime", {"onnx": "onnx", "onnxruntime": "onnxruntime"}, ("forward",),
         kernels=FROZEN),
    Peer("OpenVINO", f"{ROOM}.openvino", {"openvino": "openvino"}, ("forward",), DTYPES, FROZEN),
    Peer("JAX", f"{ROOM}.jax", {"jax": "jax", "jaxlib": "jaxlib"}, ALL, DTYPES),
    Peer("TensorFlow", f"{ROOM}.tensorflow", {"tensorflow": "tensorflow"}, ALL),
)

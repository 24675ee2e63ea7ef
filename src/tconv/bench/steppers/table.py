"""The peers of whole training steps."""

from __future__ import annotations

from ..cases import DTYPES
from ..peers.peer import Peer
from ..steps import STEP

__all__ = ["STEPPERS"]

ROOM = __package__
BACKENDS = {"JAX": "jax", "PyTorch": "torch", "TensorFlow": "tensorflow"}
TORCH = {"torch": "torch"}


def _keras(name: str, module: str, backend: str, *, ours: bool) -> Peer:
    return Peer(name, f"{ROOM}.{module}", {"keras": "keras", backend: backend}, (STEP,), DTYPES, ours=ours,
                environment={"KERAS_BACKEND": backend})


STEPPERS = (
    *(_keras(f"tconv.keras on {name}", "our_keras", backend, ours=True) for name, backend in BACKENDS.items()
      if backend != "tensorflow"),
    Peer("tconv.torch", f"{ROOM}.our_pytorch", TORCH, (STEP,), DTYPES, ours=True),
    *(_keras(f"Keras on {name}", "keras", backend, ours=False) for name, backend in BACKENDS.items()),
    Peer("PyTorch", f"{ROOM}.pytorch", TORCH, (STEP,), DTYPES),
    Peer("PyTorch channels_last", f"{ROOM}.pytorch_last", TORCH, (STEP,), DTYPES),
    Peer("PyTorch compiled", f"{ROOM}.pytorch_compiled", TORCH, (STEP,), DTYPES),
)

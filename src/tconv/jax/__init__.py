"""`lax.conv_transpose` and convolution for JAX: the same words, on the engine on CPUs, `lax` itself elsewhere."""

from ..errors import MissingExtra

try:
    import jax as _jax  # noqa: F401
except ImportError:
    raise MissingExtra("tconv.jax", "jax", "jax") from None

from .functional import conv, conv_transpose
from .primitives import plain

__all__ = ["conv", "conv_transpose", "plain"]

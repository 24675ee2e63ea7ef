"""PyTorch's convolutions and transposed convolutions, drop-in: the same arguments, parameters and numbers, faster.

>>> import torch
>>> conv_transpose1d(torch.ones(1, 1, 2), torch.ones(1, 1, 3), stride=2)
tensor([[[1., 1., 2., 1., 1.]]])
"""

from ..errors import MissingExtra

try:
    import torch as _torch  # noqa: F401
except ImportError:
    raise MissingExtra("tconv.torch", "torch", "torch") from None

from .accelerate import accelerate
from .functional import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d
from .modules import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .threads import share as _share

__all__ = [
    "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "accelerate", "conv1d",
    "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
]

_share()

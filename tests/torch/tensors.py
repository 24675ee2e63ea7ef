"""The tests' channels-last integer arrays as PyTorch's channels-first tensors, and back."""

import numpy as np
import torch


def tensor(array, dtype=torch.float32, grad=False):
    """`(N, *I, C)` as `(N, C, *I)`, plain in memory."""
    return torch.tensor(np.moveaxis(np.asarray(array), -1, 1).copy(), dtype=dtype, requires_grad=grad)


def weight(array, dtype=torch.float32, grad=False):
    """`(*K, D / groups, C)` as `(C, D / groups, *K)`."""
    return torch.tensor(np.moveaxis(array, (-1, -2), (0, 1)).copy(), dtype=dtype, requires_grad=grad)


def vector(array, dtype=torch.float32, grad=False):
    """A bias."""
    return torch.tensor(array, dtype=dtype, requires_grad=grad)


def array(tensor):
    """`(N, C, *I)` as `(N, *I, C)`."""
    return np.moveaxis(tensor.detach().numpy(), 1, -1)


def kernel(tensor):
    """`(C, D / groups, *K)` as `(*K, D / groups, C)`."""
    return np.moveaxis(tensor.detach().numpy(), (0, 1), (-1, -2))


def lasting(tensor):
    """The same tensor with its channels side by side in memory."""
    return tensor.detach().movedim(1, -1).contiguous().movedim(-1, 1).requires_grad_(tensor.requires_grad)

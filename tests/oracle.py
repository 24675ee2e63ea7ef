"""The independent truth: the relation `fine = coarse * stride + tap * dilation - lo`, in loops and exact integers.

Imports nothing of the package. Everything is compared with it, by value.
"""

from itertools import product

import numpy as np


def _meetings(kernel, stride, dilation, lo, coarse, fine):
    """Every (coarse cell, tap, fine cell) that the relation joins."""
    for cell in product(*map(range, coarse)):
        for tap in product(*map(range, kernel)):
            at = tuple(i * s + t * d - low for i, s, t, d, low in zip(cell, stride, tap, dilation, lo, strict=True))
            if all(0 <= o < size for o, size in zip(at, fine, strict=True)):
                yield cell, tap, at


def _channels(coarse_channels, fine_channels, groups):
    """Every (coarse channel, fine channel, kernel row) that a grouping joins."""
    ins, outs = coarse_channels // groups, fine_channels // groups
    for c in range(coarse_channels):
        for row in range(outs):
            yield c, c // ins * outs + row, row


def conv_transpose(x, w, *, stride, dilation, lo, fine, groups=1):
    """x (N, *coarse, C), w (*K, D / groups, C) -> (N, *fine, D), as exact Python integers."""
    rank = len(stride)
    y = np.zeros((x.shape[0], *fine, w.shape[-2] * groups), object)
    for cell, tap, at in _meetings(w.shape[:rank], stride, dilation, lo, x.shape[1:-1], fine):
        for c, d, row in _channels(w.shape[-1], w.shape[-2] * groups, groups):
            for n in range(x.shape[0]):
                y[(n, *at, d)] += int(x[(n, *cell, c)]) * int(w[(*tap, row, c)])
    return y


def conv(y, w, *, stride, dilation, lo, coarse, groups=1):
    """y (N, *fine, D), w (*K, D / groups, C) -> (N, *coarse, C), as exact Python integers."""
    rank = len(stride)
    x = np.zeros((y.shape[0], *coarse, w.shape[-1]), object)
    for cell, tap, at in _meetings(w.shape[:rank], stride, dilation, lo, coarse, y.shape[1:-1]):
        for c, d, row in _channels(w.shape[-1], w.shape[-2] * groups, groups):
            for n in range(y.shape[0]):
                x[(n, *cell, c)] += int(y[(n, *at, d)]) * int(w[(*tap, row, c)])
    return x


def kernel_gradient(y, x, *, kernel, stride, dilation, lo, groups=1):
    """y (N, *fine, D), x (N, *coarse, C) -> (*K, D / groups, C), as exact Python integers."""
    w = np.zeros((*kernel, y.shape[-1] // groups, x.shape[-1]), object)
    for cell, tap, at in _meetings(kernel, stride, dilation, lo, x.shape[1:-1], y.shape[1:-1]):
        for c, d, row in _channels(x.shape[-1], y.shape[-1], groups):
            for n in range(x.shape[0]):
                w[(*tap, row, c)] += int(y[(n, *at, d)]) * int(x[(n, *cell, c)])
    return w

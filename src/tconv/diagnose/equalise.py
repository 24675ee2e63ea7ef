"""The smallest change of a kernel that gives every phase the same gain."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import SettingError, ShapeError
from ..geometry import Spec
from ..methods.channels import Array
from .gains import checked, gains, taps_by_phase

__all__ = ["equalised"]


def equalised(kernel: ArrayLike, spec: Spec, *, flat: ArrayLike | None = None) -> Array:
    """The nearest kernel under which every phase has the gain that the phases have in the mean.

    A phase that lacks `m` shares it among its `n` taps, `m / n` each: of all changes with that sum, the one with the
    least sum of squares (Lagrange: a change that is not equal on all taps of a phase has a part that does nothing to
    the gain). The mean gain, and so the picture's brightness, stays.

    Args:
        kernel: of a transposed convolution, shape `(*K, D / groups, C)`.
        spec: the setting.
        flat: what the layer's input is in the mean, shape `(C,)`. With it only this one input has to come out flat,
            and not each channel by itself: far fewer conditions, and a far smaller change.

    Returns:
        The kernel, same shape, in the dtype of `kernel` (float64 for integers).

    Raises:
        SettingError: if the kernel leaves a phase without taps: no kernel of that size can fill the hole.
        ShapeError: if the kernel or `flat` does not fit the setting.

    >>> equalised(np.array([1.0, 2, 4]).reshape(3, 1, 1), Spec.of(kernel=(3,), stride=2)).ravel()
    array([0.25, 3.5 , 3.25])
    """
    given = np.asarray(kernel)
    kernel = checked("equalised", kernel, spec).copy()
    share = _share(flat, kernel.shape[-1], spec.groups)
    lacking = _lacking(gains(kernel, spec), spec, share)
    for phase, taps in taps_by_phase(spec).items():
        if not taps:
            raise SettingError(f"equalised: phase {phase} of {spec.axes} gets no tap at all; take a kernel of at least "
                               "the stride on every axis.")
        for tap in taps:
            kernel[tap] += lacking[phase] / len(taps)
    return kernel.astype(given.dtype if given.dtype.kind == "f" else float)


def _share(flat: ArrayLike | None, channels: int, groups: int) -> Array | None:
    """How a group's lack is dealt out to its channels: along `flat`, so that `flat` sees all of it."""
    if flat is None:
        return None
    flat = np.asarray(flat, float)
    if flat.shape != (channels,):
        raise ShapeError(f"equalised: flat has shape {flat.shape}, but the kernel takes {channels} channels.")
    rows = flat.reshape(groups, -1)
    energy = np.square(rows).sum(axis=1, keepdims=True)
    return np.stack([rows, np.divide(rows, energy, out=np.zeros_like(rows), where=energy > 0)])


def _lacking(found: Array, spec: Spec, share: Array | None) -> Array:
    """What each phase's gains lack to the mean of all phases."""
    lacking = found.mean(axis=tuple(range(spec.rank)), keepdims=True) - found
    if share is None:
        return lacking
    flat, dealt = share
    rows = lacking.reshape(*lacking.shape[:-1], *flat.shape)
    return (np.einsum("...gc,gc->...g", rows, flat)[..., None] * dealt).reshape(lacking.shape)

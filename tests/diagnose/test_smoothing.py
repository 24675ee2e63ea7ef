"""Blurs folded into kernels: equal to the blur of the full result, and blind at the period's frequencies."""

from itertools import product

import numpy as np
import pytest

from tconv.diagnose import gains, smoothed, unevenness
from tconv.diagnose.smoothing import BLURS
from tconv.errors import SettingError, ShapeError
from tconv.geometry import Spec, problem_from_coarse
from tconv.methods import scatter

SETTINGS = {
    "pairs": Spec.of((4, 4), stride=2, crop=1),
    "cut at the end": Spec.of((3,), stride=2, crop=((0, 1),)),
    "dilated": Spec.of((3,), stride=2, dilation=3, crop=2),
    "grown": Spec.of((2,), stride=3, crop=((0, -1),)),
    "grouped": Spec.of((4, 3), stride=(2, 1), crop=1, groups=2),
}


def blurred(full, taps, axis):
    """A full convolution along one axis, sum by sum."""
    full = np.moveaxis(full, axis, 0)
    out = np.zeros((len(full) + len(taps) - 1, *full.shape[1:]))
    for at, row in enumerate(full):
        for shift, tap in enumerate(taps):
            out[at + shift] += tap * row
    return np.moveaxis(out, 0, axis)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("blur", BLURS)
def test_the_layer_gives_the_blurred_full_result_with_as_much_cut_off(name, blur):
    spec, numbers = SETTINGS[name], np.random.default_rng(0)
    kernel = numbers.normal(size=(*(axis.kernel for axis in spec.axes), 2, 4))
    x = numbers.normal(size=(1, *(5,) * spec.rank, 4))
    bare = Spec(tuple(type(axis)(axis.kernel, axis.stride, axis.dilation) for axis in spec.axes), spec.groups)
    full = scatter(x, kernel, problem_from_coarse(bare, x.shape[1:-1]))
    for number, axis in enumerate(spec.axes):
        full = blurred(full, BLURS[blur](axis.stride), number + 1)
    found = smoothed(kernel, spec, blur=blur)
    size = problem_from_coarse(spec, x.shape[1:-1]).fine
    for setting in found.settings:
        made = scatter(x, found.kernel, problem_from_coarse(setting, x.shape[1:-1]))
        padded = np.pad(full, [(0, 0), *((0, max(-axis.hi, 0)) for axis in setting.axes), (0, 0)])
        cut = tuple(slice(axis.lo, axis.lo + fine) for axis, fine in zip(setting.axes, size, strict=True))
        assert made.shape[1:-1] == size
        assert np.allclose(made, padded[(slice(None), *cut)], atol=1e-12)


@pytest.mark.parametrize("period", [2, 4, 6])
def test_all_phases_of_the_stride_have_the_same_gain_after_a_blur_of_its_multiples(period):
    spec = SETTINGS["pairs"]
    kernel = np.random.default_rng(1).normal(size=(4, 4, 3, 5))
    found = smoothed(kernel, spec, period=period)
    assert unevenness(gains(kernel, spec), 2) > 0.1
    assert unevenness(gains(found.kernel, found.settings[0]), 2) < 1e-12
    assert np.allclose(found.kernel.sum(axis=(0, 1)), kernel.sum(axis=(0, 1)))


def test_an_even_blur_may_move_either_way_and_a_tent_moves_nothing():
    spec = SETTINGS["pairs"]
    kernel = np.ones((4, 4, 1, 1))
    crops = [tuple(axis.crop for axis in setting.axes) for setting in smoothed(kernel, spec).settings]
    assert crops == list(product([(1, 2), (2, 1)], repeat=2))
    (tent,) = smoothed(kernel, spec, blur="tent").settings
    assert [axis.crop for axis in tent.axes] == [(2, 2), (2, 2)]


def test_what_is_no_blur_is_said():
    spec, kernel = Spec.of((4,), stride=2), np.ones((4, 1, 1))
    with pytest.raises(SettingError, match="blur is 'gauss', but has to be one of box, tent"):
        smoothed(kernel, spec, blur="gauss")
    with pytest.raises(SettingError, match="period is 1, but has to be a whole number >= 2"):
        smoothed(kernel, spec, period=1)
    with pytest.raises(ShapeError, match=r"the kernel has shape \(3, 1, 1\)"):
        smoothed(kernel[:3], spec)

"""Transposed convolutions in other words: equal in every sample, or as near as can be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tconv
from tconv.errors import SettingError, ShapeError
from tconv.geometry import Spec
from tconv.resize import (
    pixel_shuffle,
    resize_conv_as_transposed,
    transposed_as_resize_conv,
    transposed_as_subpixel,
)
from tests.strategies import cases


@given(cases())
def test_a_sub_pixel_convolution_equals_the_transposed_one(case):
    problem = case.problem
    if problem.rank > 3 or 0 in (*problem.coarse, *problem.fine):
        return
    wanted = tconv.conv_transpose(case.x, case.kernel, **case.settings)
    found = transposed_as_subpixel(case.kernel, Spec(problem.axes, problem.groups))
    pads = [axis.crop for axis in found.spec.axes]
    x = np.pad(case.x, [(0, 0), *[(max(lo, 0), max(hi, 0)) for lo, hi in pads], (0, 0)])
    x = x[(slice(None), *(slice(max(-lo, 0), size - max(-hi, 0)) for (lo, hi), size in zip(pads, x.shape[1:])))]
    y = pixel_shuffle(_gathered(x, found.kernel, problem.groups), found.factor, order="CRD")
    y = y[(slice(None), *(slice(0, size - trim) for size, trim in zip(y.shape[1:], found.trim)))]
    assert np.array_equal(y, wanted)


def _gathered(x, kernel, groups):
    """A convolution with stride 1 and no padding, kernel `(*Q, C / groups, D)`."""
    *taps, ins, outs = kernel.shape
    sizes = [size - tap + 1 for size, tap in zip(x.shape[1:], taps)]
    out = np.zeros((len(x), *sizes, outs), np.result_type(x, kernel))
    for tap in np.ndindex(*taps):
        part = x[(slice(None), *(slice(at, at + size) for at, size in zip(tap, sizes)))]
        for group in range(groups):
            some = slice(group * outs // groups, (group + 1) * outs // groups)
            out[..., some] += part[..., group * ins : (group + 1) * ins] @ kernel[tap][:, some]
    return out


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 2), st.integers(0, 2**32 - 1))
def test_what_was_a_resize_and_a_convolution_becomes_the_same_pair_again(factor, size, groups, seed):
    kernel = np.random.default_rng(seed).integers(-4, 5, (size, size, 2, 2 * groups)).astype(float)
    stamp, spec = resize_conv_as_transposed(kernel, factor, groups=groups)
    pair = transposed_as_resize_conv(stamp, spec)
    assert np.allclose(pair.kernel, kernel, atol=1e-9)
    assert pair.rest == pytest.approx(0, abs=1e-9)
    assert [axis.crop for axis in pair.spec.axes] == [((size - 1) // 2, size // 2)] * 2


def test_the_nearest_pair_is_nearer_than_others_and_says_how_far_it_is():
    numbers = np.random.default_rng(0)
    kernel, spec = numbers.normal(size=(4, 4, 2, 3)), Spec.of((4, 4), stride=2, crop=1)
    pair = transposed_as_resize_conv(kernel, spec)
    stamp, _ = resize_conv_as_transposed(pair.kernel, 2)
    rest = np.linalg.norm(stamp - kernel)
    assert pair.rest == pytest.approx(rest / np.linalg.norm(kernel))
    for _ in range(20):
        other, _ = resize_conv_as_transposed(pair.kernel + numbers.normal(scale=0.01, size=pair.kernel.shape), 2)
        assert np.linalg.norm(other - kernel) > rest


def test_what_has_no_pair_is_said():
    with pytest.raises(SettingError, match="needs dilation 1 and a kernel of at least the stride"):
        transposed_as_resize_conv(np.ones((2, 1, 1)), Spec.of((2,), stride=3))
    with pytest.raises(ShapeError, match="the kernel has shape"):
        transposed_as_subpixel(np.ones((2, 1, 1)), Spec.of((3,), stride=2))

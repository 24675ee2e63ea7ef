"""Nearest, then a convolution, is one transposed convolution."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tconv import conv_transpose
from tconv.errors import SettingError, ShapeError
from tconv.resize import resize, resize_conv_as_transposed
from tests import oracle


def resized_then_convolved(x, kernel, factor, groups):
    fine = resize(x, factor=factor)
    lo = [(k - 1) // 2 for k in kernel.shape[:-2]]
    ones = [1] * len(lo)
    return oracle.conv(fine, kernel, stride=ones, dilation=ones, lo=lo, coarse=fine.shape[1:-1], groups=groups)


def transposed(x, kernel, factor, groups):
    stamp, setting = resize_conv_as_transposed(kernel, factor, groups=groups)
    return conv_transpose(x, stamp, stride=[axis.stride for axis in setting.axes],
                          crop=[axis.crop for axis in setting.axes], groups=setting.groups)


@st.composite
def problems(draw):
    rank = draw(st.integers(1, 3))
    groups = draw(st.sampled_from([1, 2]))
    sizes = [draw(st.integers(1, 4 if rank < 3 else 2)) for _ in range(rank)]
    taps = [draw(st.integers(1, 6 if rank < 3 else 3)) for _ in range(rank)]
    factor = [draw(st.integers(1, 4 if rank < 3 else 2)) for _ in range(rank)]
    ins, outs = (draw(st.integers(1, 2)) for _ in range(2))
    numbers = np.random.default_rng(draw(st.integers(0, 999)))
    x = numbers.integers(-9, 10, (1, *sizes, ins * groups))
    return x, numbers.integers(-9, 10, (*taps, ins, outs * groups)), factor, groups


@given(problems())
def test_a_resize_and_a_convolution_are_one_transposed_convolution(problem):
    assert np.array_equal(transposed(*problem), resized_then_convolved(*problem))


@given(problems(), st.data())
def test_any_zeros_around_the_repeated_cells_become_the_crop(problem, data):
    x, kernel, factor, groups = problem
    fine = resize(x, factor=factor)
    ends = lambda k, f: data.draw(st.tuples(*[st.integers(-f + 1, k)] * 2))  # noqa: E731
    rows = [ends(k, f) for k, f in zip(kernel.shape, factor)]
    sizes = [n + lo + hi - k + 1 for n, (lo, hi), k in zip(fine.shape[1:], rows, kernel.shape)]
    assume(min(sizes) > 0)
    stamp, setting = resize_conv_as_transposed(kernel, factor, groups=groups, padding=rows)
    ones = [1] * len(rows)
    want = oracle.conv(fine, kernel, stride=ones, dilation=ones, lo=[lo for lo, _ in rows], coarse=sizes, groups=groups)
    got = conv_transpose(x, stamp, stride=factor, crop=[axis.crop for axis in setting.axes], groups=groups)
    assert np.array_equal(got, want)


def test_three_by_three_behind_a_doubling_is_four_by_four_with_stride_two_and_crop_one():
    kernel = np.arange(9).reshape(3, 3, 1, 1)
    stamp, setting = resize_conv_as_transposed(kernel, 2)
    flipped, expected = kernel[::-1, ::-1, 0, 0], np.zeros((4, 4), int)
    for i, j in itertools.product(range(2), repeat=2):
        expected[i:i + 3, j:j + 3] += flipped
    assert np.array_equal(stamp[:, :, 0, 0], expected)
    assert [(axis.stride, axis.crop) for axis in setting.axes] == [(2, (1, 1))] * 2


@pytest.mark.parametrize(("shape", "factor", "groups", "error", "says"), [
    ((3, 1, 1), 0, 1, SettingError, "factor is 0"),
    ((3, 1, 1), (2, 2), 1, SettingError, "2 values for 1 axis"),
    ((3, 1, 1), 2, 0, SettingError, "groups is 0"),
    ((3, 1, 3), 2, 2, ShapeError, "3 channels out"),
    ((3, 1), 2, 1, ShapeError, r"the kernel has shape \(3, 1\)"),
    ((0, 1, 1), 2, 1, ShapeError, "none of them empty"),
])
def test_what_cannot_be_is_said_in_a_sentence(shape, factor, groups, error, says):
    with pytest.raises(error, match=says):
        resize_conv_as_transposed(np.zeros(shape), factor, groups=groups)

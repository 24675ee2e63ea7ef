"""Initial kernels, judged by what the layers that hold them do."""

import numpy as np
import pytest

from tconv import conv, conv_transpose
from tconv.errors import SettingError, ShapeError
from tconv.initialize import DISTRIBUTIONS, bilinear, fans, icnr, icnr_transposed, variance_scaling
from tconv.resize import ORDERS, pixel_shuffle, resize


def whole_numbers(shape, seed=0):
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(np.float32)


@pytest.mark.parametrize(("size", "taps"), [
    (1, [1]), (2, [0.5, 0.5]), (3, [0.5, 1, 0.5]), (4, [0.25, 0.75, 0.75, 0.25]), (5, np.array([1, 2, 3, 2, 1]) / 3),
    (6, np.array([1, 3, 5, 5, 3, 1]) / 6)])
def test_bilinear_taps_are_a_triangle_about_the_middle(size, taps):
    np.testing.assert_allclose(bilinear((size,), 1, dtype=np.float64).ravel(), taps, atol=1e-15)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("stride", [2, 3])
def test_a_bilinear_layer_resizes_bilinearly_away_from_the_ends(rank, groups, stride):
    x = whole_numbers((2, *(4, 5, 4)[:rank], 4)).astype(np.float64)
    taps = 2 * stride - stride % 2
    kernel = bilinear((taps,) * rank, 4, groups=groups, dtype=np.float64)
    assert kernel.shape == (taps,) * rank + (4 // groups, 4)
    y = conv_transpose(x, kernel, stride=stride, crop=(taps - stride) // 2, groups=groups)
    inner = (slice(None), *(slice(stride, -stride),) * rank)
    np.testing.assert_allclose(y[inner], resize(x, factor=stride, interpolation="bilinear")[inner], atol=1e-12)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("taps", "factor"), [((3,), 3), ((3, 2), (2, 3)), ((2, 1, 2), 2)])
def test_behind_icnr_a_shuffle_is_a_nearest_resize_of_the_small_convolution(order, taps, factor):
    x, kernel = whole_numbers((2, *(4,) * len(taps), 3)), whole_numbers((*taps, 3, 2), seed=1)
    y = pixel_shuffle(conv(x, icnr(kernel, factor, order=order)), factor, order=order)
    assert np.array_equal(y, resize(conv(x, kernel), factor=factor))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("taps", "stride"), [((2,), 3), ((3, 2), (2, 3)), ((2, 1, 2), 2)])
def test_a_repeated_kernel_is_a_nearest_resize_of_the_small_one(taps, stride, groups):
    x, kernel = whole_numbers((2, *(3,) * len(taps), 4)), whole_numbers((*taps, 2, 4), seed=1)
    y = conv_transpose(x, icnr_transposed(kernel, stride), stride=stride, groups=groups)
    assert np.array_equal(y, resize(conv_transpose(x, kernel, groups=groups), factor=stride))


def test_a_repeated_kernel_keeps_a_flat_picture_flat():
    kernel = icnr_transposed(whole_numbers((2, 3, 2, 3)), (2, 3))
    y = conv_transpose(np.ones((1, 6, 6, 3), np.float32), kernel, stride=(2, 3))[:, 2:-2, 6:-6]
    assert y.any()
    assert np.array_equal(y, np.broadcast_to(y[:, :1, :1], y.shape))


def test_fans_count_the_taps_of_a_phase():
    assert fans((3, 3, 5, 7), stride=2) == (7 * 1.5 * 1.5, 5 * 9)
    assert fans((3, 3, 5, 7), stride=2, transposed=False) == (5 * 9, 7 * 1.5 * 1.5)
    assert fans((2, 3, 8), stride=3, groups=4) == (2 * 2 / 3, 6)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize(("taps", "stride", "groups"), [((4, 4), 2, 1), ((3, 3), 2, 1), ((5,), 3, 2), ((2, 2), 3, 1)])
def test_the_variance_of_the_result_is_that_of_the_input(taps, stride, groups, distribution):
    numbers = np.random.default_rng(1)
    shape = (*taps, 64 // groups, 128)
    kernel = variance_scaling(shape, stride=stride, groups=groups, distribution=distribution, seed=2)
    x = numbers.standard_normal((2, *(24,) * len(taps), 128)).astype(np.float32)
    crop = [(k, k - k % stride) for k in taps]
    y = conv_transpose(x, kernel, stride=stride, groups=groups, crop=crop)
    assert y.var() == pytest.approx(1, rel=0.1)


def test_the_variance_of_a_convolutions_result_is_that_of_its_input():
    kernel = variance_scaling((3, 3, 64, 32), stride=2, transposed=False, scale=2, seed=0)
    x = np.random.default_rng(1).standard_normal((4, 33, 33, 64)).astype(np.float32)
    assert conv(x, kernel, stride=2).var() == pytest.approx(2, rel=0.1)


def test_the_variance_of_an_input_gradient_is_scaled_by_fan_out():
    kernel = variance_scaling((4, 4, 64, 32), stride=2, mode="fan_out", seed=0)
    gradient = np.random.default_rng(1).standard_normal((4, 34, 34, 64)).astype(np.float32)
    assert conv(gradient, kernel, stride=2).var() == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_seed_gives_the_same_kernel_of_the_promised_variance(distribution):
    draw = [variance_scaling((50, 40, 30), distribution=distribution, mode="fan_avg", seed=3) for _ in range(2)]
    assert np.array_equal(*draw)
    assert draw[0].dtype == np.float32
    fan = (30 * 50 + 40 * 50) / 2
    assert draw[0].var() * fan == pytest.approx(1, rel=0.03)
    assert abs(draw[0].mean()) < 3 / np.sqrt(60_000 * fan)


@pytest.mark.parametrize(("call", "error", "says"), [
    (lambda: bilinear((0,), 1), SettingError, "kernel_size is 0"),
    (lambda: bilinear((), 1), SettingError, "give one axis or more"),
    (lambda: bilinear((4,), 3, groups=2), SettingError, "groups that divide"),
    (lambda: icnr(np.ones((3, 1, 1)), 0), SettingError, "factor is 0"),
    (lambda: icnr(np.ones((3, 1, 1)), 2, order="x"), SettingError, "order is 'x'"),
    (lambda: icnr(np.ones((3, 1)), 2), ShapeError, r"the kernel has shape \(3, 1\)"),
    (lambda: icnr_transposed(np.ones((3, 1, 1)), (2, 2)), SettingError, "2 values for 1 axis"),
    (lambda: fans((3, 4)), SettingError, r"shape is \(3, 4\)"),
    (lambda: fans((3, 4, 5), groups=2), SettingError, "groups is 2"),
    (lambda: fans((3, 4, 5), stride=0), SettingError, "stride is 0"),
    (lambda: variance_scaling((3, 4, 5), mode="fan"), SettingError, "mode is 'fan'"),
    (lambda: variance_scaling((3, 4, 5), distribution="cauchy"), SettingError, "distribution is 'cauchy'"),
    (lambda: variance_scaling((3, 4, 5), scale=float("nan")), SettingError, "scale is nan"),
])
def test_what_cannot_be_is_said_in_a_sentence(call, error, says):
    with pytest.raises(error, match=says):
        call()

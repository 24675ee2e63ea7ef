"""Gains of phases, patterns through stacks, and the smallest change that makes gains even."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tconv
from tconv.diagnose import Stage, equalised, gains, pattern, shuffle_gains, unevenness
from tconv.errors import SettingError, ShapeError
from tconv.geometry import Spec
from tconv.resize import pixel_shuffle

from .. import strategies  # noqa: F401  its profile gives examples time

INTEGERS = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@st.composite
def layers(draw, *, filled=False):
    rank = draw(st.integers(1, 2))
    stride = [draw(st.integers(1, 3)) for _ in range(rank)]
    kernel = [draw(st.integers(s if filled else 1, 5)) for s in stride]
    dilation = [1 if filled else draw(st.integers(1, 2)) for _ in range(rank)]
    groups, fine, coarse = draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    spec = Spec.of(kernel, stride=stride, dilation=dilation, groups=groups)
    numbers = draw(INTEGERS)
    return numbers.integers(-4, 5, (*kernel, fine, coarse * groups)).astype(float), spec


def ones_through(kernel, spec, channel):
    """Ones in one channel, through the layer: the fine cells of the middle, phase by phase."""
    sizes = [4 * axis.reach for axis in spec.axes]
    x = np.zeros((1, *sizes, kernel.shape[-1]))
    x[..., channel] = 1
    y = tconv.conv_transpose(x, kernel, stride=[a.stride for a in spec.axes], dilation=[a.dilation for a in spec.axes],
                             groups=spec.groups)
    middle = tuple(slice(2 * axis.reach * axis.stride, (2 * axis.reach + 1) * axis.stride) for axis in spec.axes)
    return y[0][middle]


@given(layers())
def test_gains_are_what_ones_become_in_the_middle(layer):
    kernel, spec = layer
    found, fine = gains(kernel, spec), kernel.shape[-2]
    for channel in range(kernel.shape[-1]):
        group = channel * spec.groups // kernel.shape[-1]
        seen = ones_through(kernel, spec, channel)
        assert np.array_equal(seen[..., group * fine : (group + 1) * fine], found[..., channel])


@pytest.mark.parametrize("order", ["DCR", "CRD"])
def test_gains_of_a_shuffle_are_what_ones_become_behind_it(order):
    kernel = np.random.default_rng(0).integers(-4, 5, (3, 3, 2, 12)).astype(float)
    y = tconv.conv(np.ones((1, 9, 9, 2)), kernel.swapaxes(-1, -2).swapaxes(-1, -2))
    y = pixel_shuffle(y, 2, order=order)
    assert np.array_equal(y[0, 4:6, 4:6], shuffle_gains(kernel, 2, order=order).sum(axis=-1))


@given(layers(filled=True))
def test_an_equalised_kernel_gives_every_phase_the_mean_gain(layer):
    kernel, spec = layer
    even = gains(equalised(kernel, spec), spec)
    mean = gains(kernel, spec).mean(axis=tuple(range(spec.rank)))
    assert np.allclose(even, mean, atol=1e-12)


@given(layers(filled=True), INTEGERS)
def test_no_other_change_that_evens_the_gains_is_as_small(layer, numbers):
    kernel, spec = layer
    change = equalised(kernel, spec) - kernel
    other = numbers.normal(size=kernel.shape)
    idle = equalised(other, spec) - other  # moves gains: take that part away, and the gains stay as they were
    still = other + idle - gains(other, spec).mean(axis=tuple(range(spec.rank))) / _taps_met(spec)[..., None, None]
    assert np.allclose(gains(still, spec), 0, atol=1e-10)
    assert abs((change * still).sum()) < 1e-9


def _taps_met(spec):
    """For each tap, how many taps its phase has."""
    counts = gains(np.ones((*(axis.kernel for axis in spec.axes), 1, spec.groups)), spec)[..., 0, 0]
    return np.array([counts[tuple(t * a.dilation % a.stride for t, a in zip(tap, spec.axes))]
                     for tap in product(*(range(axis.kernel) for axis in spec.axes))]).reshape(
        [axis.kernel for axis in spec.axes])


@given(layers(filled=True), INTEGERS)
def test_with_a_mean_input_only_that_input_comes_out_flat_and_less_is_changed(layer, numbers):
    kernel, spec = layer
    flat = numbers.uniform(0.5, 2, kernel.shape[-1])
    changed = equalised(kernel, spec, flat=flat)
    got = pattern(flat, [Stage(changed, spec)])
    assert np.allclose(got, got.mean(axis=tuple(range(spec.rank))), atol=1e-10)
    assert np.linalg.norm(changed - kernel) <= np.linalg.norm(equalised(kernel, spec) - kernel) + 1e-12


@given(layers(), INTEGERS)
def test_a_pattern_is_what_a_stack_makes_of_a_flat_input_in_the_middle(layer, numbers):
    kernel, spec = layer
    flat = numbers.integers(-3, 4, kernel.shape[-1]).astype(float)
    outs = kernel.shape[-2] * spec.groups
    second = numbers.integers(-3, 4, (*([3] * spec.rank), outs, 2)).astype(float)
    stages = [Stage(kernel, spec, bias=np.arange(outs), activation=lambda y: np.maximum(y, 0)),
              Stage(second, Spec.of([3] * spec.rank), transposed=False)]
    x = np.tile(flat, (1, *([24] * spec.rank), 1))
    y = tconv.conv_transpose(x, kernel, stride=[a.stride for a in spec.axes], dilation=[a.dilation for a in spec.axes],
                             groups=spec.groups) + np.arange(outs)
    y = tconv.conv(np.maximum(y, 0), second)
    middle = tuple(slice(12 * axis.stride, 13 * axis.stride) for axis in spec.axes)
    assert np.array_equal(pattern(flat, stages), y[0][middle])


def test_unevenness_is_nothing_for_even_gains_and_one_where_the_pattern_is_as_strong_as_the_rest():
    assert unevenness(np.ones((2, 2, 3)), 2) == 0
    assert unevenness(np.array([2.0, 0.0]), 1) == 1
    assert unevenness(np.array([1.0, -1.0]), 1) == np.inf


def test_a_hole_in_the_grid_cannot_be_evened():
    with pytest.raises(SettingError, match="gets no tap at all; take a kernel of at least the stride"):
        equalised(np.ones((2, 1, 1)), Spec.of((2,), stride=3))


def test_arrays_that_do_not_fit_are_told_apart():
    with pytest.raises(ShapeError, match="kernel has shape"):
        gains(np.ones((3, 1, 1)), Spec.of((4,), stride=2))
    with pytest.raises(ShapeError, match="flat has shape"):
        equalised(np.ones((4, 1, 2)), Spec.of((4,), stride=2), flat=[1.0])
    with pytest.raises(ShapeError, match="a layer takes 2 channels"):
        pattern([1.0], [Stage(np.ones((4, 1, 2)), Spec.of((4,), stride=2))])
    with pytest.raises(ShapeError, match="stages is empty"):
        pattern([1.0], [])

"""The way back through a bias and an activation: exact sums, the slopes of the definition, the same for any threads."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tconv import engine, methods
from tconv.engine.room import room
from tests.strategies import integers

pytestmark = pytest.mark.skipif(not engine.available(), reason="the portable package; build with a C++ compiler")

SLOPES = {
    None: lambda y, slope: np.ones_like(y),
    "relu": lambda y, slope: (y > 0).astype(y.dtype),
    "leaky_relu": lambda y, slope: np.where(y > 0, 1, slope),
    "sigmoid": lambda y, slope: y * (1 - y),
    "tanh": lambda y, slope: 1 - y * y,
}
SHAPES = st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(1, 70))


def bits(array):
    """Of bfloat16 numbers, for those that need no rounding."""
    return (np.ascontiguousarray(array, np.float32).view(np.uint32) >> 16).astype(np.uint16)


def numbers(bits):
    """And back."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


@given(SHAPES, st.sampled_from([None, "relu", "leaky_relu"]), st.booleans(), st.booleans())
@example((1, 900, 33), "relu", True, False)
@example((64, 5000, 3), None, True, False)
@example((64, 500, 24), "relu", True, True)
@example((1, 2, 4111), "leaky_relu", True, False)
@example((50, 784, 1), "relu", True, False)
def test_whole_numbers_come_out_exactly(shape, activation, bias, halves):
    gradient = integers(1, shape, most=4).astype(np.float32)
    result = integers(2, shape, most=4).astype(np.float32)
    want = gradient * SLOPES[activation](result, np.float32(0.5))
    total = want.sum((0, 1))
    if halves:
        gradient, result = bits(gradient), bits(result)
    kept = gradient.copy(), result.copy()
    before, sums = engine.before_finish(gradient, result, activation, 0.5, bias=bias)
    assert before.dtype == gradient.dtype
    assert np.array_equal(numbers(before) if halves else before, want)
    assert sums is None if not bias else np.array_equal(sums, total)
    assert np.array_equal(gradient, kept[0])
    assert np.array_equal(result, kept[1])


@pytest.mark.parametrize("activation", [name for name in SLOPES if name])
def test_the_slope_is_that_of_the_activation(activation):
    assert activation in engine.TOLD
    sums = np.random.default_rng(0).normal(size=(7, 90, 5))
    near = 1e-6
    beside = [methods.activate(activation, sums + step, 0.2) for step in (near, -near)]
    rise = (beside[0] - beside[1]) / (2 * near)
    gradient = np.random.default_rng(1).normal(size=sums.shape)
    result = methods.activate(activation, sums, 0.2).astype(np.float32)
    before, bias = engine.before_finish(gradient.astype(np.float32), result, activation, 0.2)
    assert np.allclose(before, gradient * rise, atol=2e-6)
    assert np.allclose(bias, (gradient * rise).sum((0, 1)), atol=2e-5)


@pytest.mark.parametrize("threads", [2, 3])
def test_the_sums_are_the_same_to_the_bit_on_any_number_of_threads(threads):
    gradient = np.random.default_rng(0).normal(size=(200, 1000, 7)).astype(np.float32)
    result = np.random.default_rng(1).normal(size=gradient.shape).astype(np.float32)
    try:
        engine.set_threads(1)
        alone = engine.before_finish(gradient, result, "tanh")
        engine.set_threads(threads)
        together = engine.before_finish(gradient, result, "tanh")
    finally:
        engine.set_threads(None)
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))
    exact = (gradient.astype(np.float64) * (1 - result.astype(np.float64) ** 2)).sum((0, 1))
    assert np.allclose(alone[1], exact, rtol=1e-6)


def test_what_a_rectifier_cut_off_stays_so_beside_an_infinite_gradient():
    gradient = np.array([[[np.inf], [np.nan], [np.inf], [-np.inf]]], np.float32)
    result = np.array([[[0.0], [0.0], [3.0], [np.nan]]], np.float32)
    before, _ = engine.before_finish(gradient, result, "relu")
    assert before.ravel().tolist() == [0.0, 0.0, np.inf, -np.inf]


def test_large_results_take_the_memory_of_those_before_them():
    floats = engine._native.streams_from() // 4 + 5
    shape = (1, floats, 1)
    first = room(shape)
    place, part = first.ctypes.data, first[:, 3:4]
    del first
    beside = room(shape)
    assert beside.ctypes.data != place  # a view holds it
    del part
    again = room(shape)
    assert again.ctypes.data == place
    assert again.ctypes.data % engine._native.LINE == 0

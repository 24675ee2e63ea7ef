"""Results that are larger than the caches are stored past them, and are the same to the bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tconv import engine, methods
from tconv.geometry import Extent, Spec, problem_from_coarse
from tests import strategies
from tests.engine.native import taken_as
from tests.engine.test_engine import arrays

pytestmark = pytest.mark.skipif(not engine.available(), reason="the portable package; build with a C++ compiler")

SAME = problem_from_coarse(Spec.of((3, 3), crop=1), (64, 64))


def on_a_line(shape, floats_after=0):
    """An array that begins with a line of memory, or so many floats after it."""
    count = int(np.prod(shape))
    room = np.full(count + 32, np.nan, np.float32)
    first = -room.ctypes.data % 64 // 4 + floats_after
    return room[first:first + count].reshape(shape)


@pytest.mark.parametrize("channels", [16, 32, 48, 64])
@pytest.mark.parametrize("floats_after", [0, 1])
@given(problem=strategies.problems(ranks=(2,), grouped=False), activation=st.sampled_from((None, "relu")))
def test_stored_past_the_caches_they_are_the_same(channels, floats_after, problem, activation):
    numbers = engine.numbers(problem, 3, channels, channels)
    x, y, w = arrays(problem, channels, channels, 3)
    bias = np.arange(channels, dtype=np.float32) - channels // 2
    wants = methods.columns(x, w, problem) + bias
    wants = methods.activate(activation, wants) if activation else wants
    gradient = on_a_line(w.shape, floats_after)
    out, back = (on_a_line((3, *sizes, channels), floats_after) for sizes in (problem.fine, problem.coarse))
    with taken_as("streams_from", 0):
        engine._native.conv_transpose(numbers, x, w, out, *engine.finish(bias, activation, 0.0))
        engine._native.conv(numbers, y, w, back)
        engine._native.kernel_gradient(numbers, y, x, gradient)
    assert np.array_equal(out, wants)
    assert np.array_equal(back, methods.conv(y, w, problem))
    assert np.array_equal(gradient, methods.kernel_gradient(y, x, problem))


@pytest.fixture
def large_caches():
    with taken_as("streams_from", 32 << 20):
        yield


def test_only_what_is_larger_than_the_caches_is_stored_past_them(large_caches):
    said = {batch: engine.plan("conv", SAME, Extent(batch, 64, 64)).streams for batch in (1, 31, 32)}
    wide = engine.plan("conv", SAME, Extent(1, 64, 64)).tile[1] * 4 % 64 == 0  # a panel is so many lines
    assert said == {1: False, 31: False, 32: wide}
    assert "past the caches" in str(engine.plan("conv", SAME, Extent(32, 64, 64))) or not wide
    assert not engine.plan("conv", SAME, Extent(99, 40, 40)).streams  # 160 bytes a pixel: lines would be cut


def test_a_kernel_that_few_places_make_is_stored_past_them_too(large_caches):
    few = problem_from_coarse(Spec.of((4, 4), stride=2, crop=1), (2, 2))
    assert [engine.plan("kernel_gradient", few, Extent(1, 1024, fine)).streams for fine in (256, 512)] == [False, True]
    y, x = np.ones((1, 4, 4, 512), np.float32), np.ones((1, 2, 2, 1024), np.float32)
    gradient = engine.kernel_gradient(y, x, few)
    assert gradient.ctypes.data % engine._native.LINE == 0
    assert (gradient == methods.kernel_gradient(y[..., :1], x[..., :1], few)).all()


def test_a_large_array_begins_with_a_line_of_memory():
    x, kernel = np.ones((20, 64, 64, 1), np.float32), np.ones((3, 3, 128, 1), np.float32)
    out = engine.conv_transpose(x, kernel, SAME)
    assert out.nbytes > engine._native.streams_from()
    assert out.ctypes.data % engine._native.LINE == 0
    assert (out[:, 1:-1, 1:-1] == 9).all()
    assert (out[:, 0, 0] == 4).all()

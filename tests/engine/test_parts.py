"""Long products are summed part by part: exact on whole numbers, and the same to the bit for any number of threads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tconv import engine, methods
from tconv.geometry import Extent, Spec, problem_from_coarse
from tests import strategies
from tests.engine.native import taken_as
from tests.engine.test_engine import TABLE, arrays

pytestmark = pytest.mark.skipif(not engine.available(), reason="the portable package; build with a C++ compiler")

DEEP = problem_from_coarse(Spec.of((4, 4), stride=2, crop=1), (8, 8)), Extent(1, 1024, 512)


def check(problem, ins, outs, batch, size):
    x, y, w = arrays(problem, ins, outs, batch)
    with taken_as("near_bytes", size):
        for kernel in (w, engine.pack(w)):
            assert np.array_equal(engine.conv_transpose(x, kernel, problem), methods.columns(x, w, problem))
            assert np.array_equal(engine.conv(y, kernel, problem), methods.conv(y, w, problem))


@pytest.mark.parametrize("size", [0, 1 << 10, 16 << 10])
@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), TABLE)
def test_parts_are_exact_on_whole_numbers(problem, ins, outs, batch, size):
    check(problem, ins, outs, batch, size)


def test_these_tests_meet_parts():
    with taken_as("near_bytes", 0):
        plans = [engine.plan(name, problem, Extent(batch, ins, outs)) for name in ("conv_transpose", "conv")
                 for problem, ins, outs, batch in TABLE]
    assert sum(plan.in_parts for plan in plans) >= 5


@given(problem=strategies.problems(), channels=st.sampled_from([(1, 1), (3, 70), (65, 2), (40, 130)]),
       size=st.sampled_from([0, 1 << 10, 16 << 10]))
def test_parts_of_any_problem_are_exact_on_whole_numbers(problem, channels, size):
    ins, outs = (count * problem.groups for count in channels)
    check(problem, ins, outs, 2, size)


@pytest.mark.parametrize("size", [0, 1 << 10, 256 << 10])
@pytest.mark.parametrize("side", [5, 8])
def test_the_same_to_the_bit_for_any_number_of_threads(size, side):
    problem = problem_from_coarse(Spec.of((4, 4), stride=2, crop=1), (side, side))
    rng = np.random.default_rng(side)
    x = rng.standard_normal((7, *problem.coarse, 300), np.float32)
    y = rng.standard_normal((7, *problem.fine, 200), np.float32)
    w = rng.standard_normal((*problem.kernel, 200, 300), np.float32)
    results = []
    try:
        with taken_as("near_bytes", size):
            for threads in (1, 2, 3, 5):
                engine.set_threads(threads)
                results.append((engine.conv_transpose(x, w, problem), engine.conv(y, w, problem)))
    finally:
        engine.set_threads(None)
    for fine, coarse in results[1:]:
        assert np.array_equal(fine, results[0][0])
        assert np.array_equal(coarse, results[0][1])


def test_a_large_kernel_that_is_used_once_is_laid_out_part_by_part():
    assert engine.plan("conv_transpose", *DEEP).in_parts
    assert "laid out anew, part by part" in str(engine.plan("conv", *DEEP))
    many = problem_from_coarse(Spec.of((4, 4), stride=2, crop=1), (64, 64)), Extent(1, 1024, 512)
    few = DEEP[0], Extent(1, 32, 32)
    assert not any(engine.plan(name, *case).in_parts for name in ("conv_transpose", "conv") for case in (many, few))

"""The least change of results that takes a pattern out of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tconv
import tconv.diagnose
import tconv.initialize
from tconv.diagnose import Stage, diagnosis, least_change, pattern, unevenness
from tconv.diagnose.least_change import _columns, _kernel, _power
from tconv.diagnose.moments import moments
from tconv.diagnose.spectrum import patch_powers
from tconv.errors import ShapeError, SizeError
from tconv.geometry import Spec, problem_from_coarse

from .test_diagnosis import coloured


def run(x, kernel, problem):
    crop = tuple(zip(problem.lo, problem.hi))
    return tconv.conv_transpose(x, kernel, stride=problem.stride, dilation=problem.dilation, crop=crop,
                                groups=problem.groups)


@st.composite
def cases(draw):
    rank = draw(st.integers(1, 2))
    groups, stride = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    kernel = tuple(draw(st.integers(1, 5)) for _ in range(rank))
    dilation, lo = draw(st.integers(1, 2)), draw(st.integers(-1, 1))
    spec = Spec.of(kernel, stride=stride, dilation=dilation, crop=((lo, 0),) * rank, groups=groups)
    problem = problem_from_coarse(spec, (20,) * rank)
    numbers = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return problem, numbers.normal(size=(3, *problem.coarse, 2 * groups)), numbers.normal(size=(*kernel, 2, 2 * groups))


@settings(max_examples=30, deadline=None)
@given(cases())
def test_the_forms_give_the_energy_and_the_power_of_what_the_kernel_makes(case):
    problem, x, kernel = case
    patch = (16,) * problem.rank
    forms = moments(x, problem, patch=patch, bins=[(8,) * problem.rank, (4, *[0] * (problem.rank - 1))])
    columns, y = _columns(kernel, problem.groups), run(x, kernel, problem)
    assert np.array_equal(_kernel(columns, kernel.shape, problem.groups), kernel)
    assert _power(columns, forms.energy) == pytest.approx(np.square(y).mean(), rel=1e-5)
    power = np.mean([one for sample in y for one in patch_powers(sample, patch)], axis=0)
    wanted = [power[(8,) * problem.rank], power[(4, *[0] * (problem.rank - 1))]]
    assert _power(columns, forms.waves) == pytest.approx(wanted, rel=1e-4)


def layer(seed=0, channels=4, fine=2):
    """Natural inputs of a layer whose kernel prints a pattern."""
    numbers = np.random.default_rng(seed)
    x = np.stack([np.concatenate([coloured((16, 16), 9999 * seed + 10 * n + c) for c in range(channels)], axis=-1)
                  for n in range(512)]) + 2
    problem = problem_from_coarse(Spec.of((4, 4), stride=2, crop=1), (16, 16))
    return x, numbers.normal(size=(4, 4, fine, channels)) / 8 + 0.1, problem


def test_the_pattern_is_gone_from_the_results_of_other_inputs_too():
    x, kernel, problem = layer()
    change, fresh = least_change(kernel, x[:256], problem, periods=(2,)), x[256:]
    before, after = (diagnosis(run(fresh, each, problem), periods=(2,)).period(2) for each in (kernel, change.kernel))
    assert before.found
    assert not after.found
    assert after.excess < before.excess / 8
    flat = x.mean(axis=(0, 1, 2))
    apart, left = (unevenness(pattern(flat, [Stage(each, Spec(problem.axes))]), 2) for each in (kernel, change.kernel))
    assert left < apart / 10


def test_the_results_stay_nearer_than_after_any_other_cure_that_is_as_good():
    x, kernel, problem = layer(1)
    change = least_change(kernel, x, problem, periods=(2,))
    even = tconv.diagnose.equalised(kernel, Spec(problem.axes))
    y = run(x, kernel, problem)
    moved, moved_by_gains = (np.square(run(x, each, problem) - y).mean() for each in (change.kernel, even))
    assert moved < moved_by_gains
    assert change.difference == pytest.approx(moved / np.square(y).mean(), rel=1e-3)


def test_energies_are_those_of_the_results():
    x, kernel, problem = layer(2)
    change = least_change(kernel, x, problem, periods=(2, 4))
    for each, said in ((kernel, change.before), (change.kernel, change.after)):
        found = diagnosis(run(x, each, problem), periods=(2, 4))
        assert said == pytest.approx(sum(period.energy for period in found.periods), rel=1e-3)
    assert change.after <= change.natural * 1.03


def test_a_kernel_without_a_pattern_stays():
    x, _, problem = layer(3)
    smooth = tconv.initialize.bilinear((4, 4), 4)
    change = least_change(smooth, x, problem, periods=(2,))
    assert change.moved < 0.05


def test_what_cannot_be_solved_is_said():
    x, kernel, problem = layer()
    with pytest.raises(ShapeError, match="coarse array has shape"):
        least_change(kernel, x[:, :5], problem, periods=(2,))
    with pytest.raises(ShapeError, match="a period of 8 takes 64"):
        least_change(kernel, x, problem, periods=(8,))
    with pytest.raises(SizeError, match="at most 4096 are solved for at once"):
        least_change(np.ones((4, 4, 1, 300)), np.ones((1, 16, 16, 300)), problem, periods=(2,))

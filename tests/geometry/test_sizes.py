"""Sizes both ways, against counting on the two grids."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tconv.errors import SettingError, ShapeError
from tconv.geometry import (
    Axis,
    Problem,
    Spec,
    coarse_sizes,
    fine_sizes,
    problem_from_coarse,
    problem_from_fine,
    solve,
    solve_axis,
)
from tests.strategies import axes, problems


def stamped(axis, coarse):
    """Fine cells from the first to the last that the stamps of `coarse` cells reach, by laying them."""
    return 1 + max(cell * axis.stride + tap * axis.dilation for cell in range(coarse) for tap in range(axis.kernel))


def places(axis, fine):
    """Coarse cells whose kernel lies within the padded fine grid, by trying one after the other."""
    padded, cell = fine + axis.lo + axis.hi, 0
    while cell * axis.stride + (axis.kernel - 1) * axis.dilation < padded:
        cell += 1
    return cell


@given(drawn=axes(empty=False))
def test_the_fine_size_is_what_the_stamps_reach_less_the_crop(drawn):
    axis, coarse = drawn
    assert axis.full(coarse) == stamped(axis, coarse)
    assert axis.fine(coarse) == stamped(axis, coarse) - axis.lo - axis.hi


@given(drawn=axes(empty=False), fine=st.integers(1, 40))
def test_the_coarse_size_is_how_often_the_kernel_fits(drawn, fine):
    axis, _ = drawn
    if places(axis, fine) == 0:
        with pytest.raises(ShapeError, match=f"but {fine} samples padded by .* bring the padding to"):
            axis.coarse(fine)
    else:
        assert axis.coarse(fine) == places(axis, fine)


@given(drawn=axes(empty=False))
def test_the_sizes_that_lead_to_a_size_are_all_that_do(drawn):
    axis, coarse = drawn
    fine = axis.fine(coarse)
    assert coarse_sizes(axis, fine) == tuple(c for c in range(1, 60) if stamped(axis, c) - axis.lo - axis.hi == fine)
    assert fine_sizes(axis, coarse) == tuple(f for f in range(1, 100) if places(axis, f) == coarse)


@given(problem=problems())
def test_a_problem_gives_back_the_axes_that_make_it(problem):
    assert tuple(map(Axis.fine, problem.axes, problem.coarse)) == problem.fine
    assert problem_from_coarse(Spec(problem.axes, problem.groups), problem.coarse) == problem
    assert len({problem, problem_from_coarse(Spec(problem.axes, problem.groups), problem.coarse)}) == 1


@given(problem=problems(empty=False))
def test_both_layers_have_the_same_problem(problem):
    assert problem_from_fine(Spec(problem.axes, problem.groups), problem.fine) == problem


@given(problem=problems())
def test_a_span_pairs_the_cells_that_a_tap_joins(problem):
    for axis, (k, s, d, lo, coarse, fine) in enumerate(zip(
            problem.kernel, problem.stride, problem.dilation, problem.lo, problem.coarse, problem.fine, strict=True)):
        for tap in range(k):
            of, into = problem.span(axis, tap)
            met = [(c, c * s + tap * d - lo) for c in range(coarse) if 0 <= c * s + tap * d - lo < fine]
            assert list(zip(range(coarse)[of], range(fine)[into], strict=True)) == met


def test_output_size_reaches_the_sizes_that_share_a_coarse_one():
    spec = Spec.of(kernel=(3,), stride=2, crop=1)
    assert problem_from_coarse(spec, (4,)).fine == (7,)
    assert problem_from_coarse(spec, (4,), output_size=8) == Problem((3,), (2,), (1,), (1,), (4,), (8,))
    assert problem_from_coarse(spec, (4,), output_size=8).hi == (0,)
    assert problem_from_fine(spec, (7,)).coarse == problem_from_fine(spec, (8,)).coarse == (4,)
    with pytest.raises(ShapeError, match="output_size is 9 on axis 0, but 4 samples can give 7 to 8"):
        problem_from_coarse(spec, (4,), output_size=9)


def found(solutions):
    return [(s.axis.kernel, s.axis.stride, s.axis.dilation, s.axis.crop) for s in solutions]


def test_solve_finds_every_setting_that_fits_and_no_other():
    kernels, strides, dilations = range(1, 6), range(1, 4), range(1, 3)
    crops = [(0, -2), (0, -1), (0, 0)] + [(n + up, n + 1 - up) for n in range(12) for up in (0, 1)]
    crops += [(n, n) for n in range(1, 12)]
    for coarse, fine in product(range(1, 5), range(1, 13)):
        want = {
            (k, s, d, (lo, hi)) for k, s, d, (lo, hi) in product(kernels, strides, dilations, crops)
            if stamped(Axis(k, s, d), coarse) - lo - hi == fine and max(lo, hi) <= (k - 1) * d and -hi < max(s, d)
        }
        got = found(solve_axis(coarse, fine, kernels=kernels, strides=strides, dilations=dilations))
        assert len(got) == len(set(got))
        assert set(got) == want


def test_solve_tries_the_strides_near_the_ratio_and_kernels_up_to_twice_the_stride():
    tried = found(solve_axis(4, 22))
    assert {stride for _, stride, _, _ in tried} == {5, 6}
    assert max(kernel for kernel, stride, _, _ in tried if stride == 6) == 12


def test_solve_puts_even_overlap_first_and_says_what_each_setting_is():
    solutions = solve_axis(7, 14, kernels=(1, 2, 3, 4), strides=(2,))
    assert [s.rank for s in solutions] == sorted(s.rank for s in solutions)
    assert {(s.axis.kernel, s.axis.crop): (s.overlap, s.verdict) for s in solutions} == {
        (2, (0, 0)): ((1, 1), "even overlap"),
        (4, (1, 1)): ((2, 2), "even overlap"),
        (3, (0, 1)): ((2, 1), "uneven overlap: invites a checkerboard"),
        (3, (1, 0)): ((2, 1), "uneven overlap: invites a checkerboard"),
        (1, (0, -1)): ((1, 0), "holes: some outputs get nothing but the bias"),
    }


def test_solve_takes_each_axis_by_itself():
    assert solve((7, 5), (14, 15)) == (solve_axis(7, 14), solve_axis(5, 15))
    assert solve(7, 14) == (solve_axis(7, 14),)


@pytest.mark.parametrize(("call", "error", "pattern"), [
    (lambda: Axis(0), SettingError, "Axis: kernel is 0, but has to be a whole number >= 1"),
    (lambda: Axis(3, crop=(1,)), SettingError, r"Axis: crop is \(1,\), but has to be one number or a pair"),
    (lambda: Axis(3, crop=2).fine(2), ShapeError, r"crop \(2, 2\) leaves nothing of the full size 4 that 2"),
    (lambda: Spec(()), SettingError, r"Spec: axes is \(\), but has to be one Axis or more"),
    (lambda: Spec((3,)), SettingError, r"Spec: axes is \(3,\), but has to be one Axis or more"),
    (lambda: Spec.of(3), SettingError, r"Spec: kernel is 3, .* one entry per axis, as \(3, 3\)"),
    (lambda: Spec.of((3,), groups=0), SettingError, "Spec: groups is 0, but has to be a whole number >= 1"),
    (lambda: problem_from_coarse(Spec.of((3,)), (1, 2)), ShapeError, r"coarse is \(1, 2\), 2 values for 1 axis; give"),
    (lambda: problem_from_coarse(Spec.of((3,)), (-1,)), ShapeError, "coarse is -1, but has to be a whole number >= 0"),
    (lambda: problem_from_coarse(Spec.of((3,)), (2.0,)), ShapeError, "coarse is 2.0, but has to be a whole number"),
    (lambda: problem_from_fine(Spec.of((3,)), (float("nan"),)), ShapeError, "fine is nan, but has to be a whole"),
    (lambda: problem_from_fine(Spec.of((3,)), (2,)), ShapeError, "over 3 samples, but 2 samples .* to 1 or more"),
    (lambda: solve((7,), (14, 14)), ShapeError, r"coarse is \(7,\) and fine is \(14, 14\); give equally many sizes"),
    (lambda: solve((), ()), ShapeError, "give equally many sizes, one per axis"),
    (lambda: solve((0,), (14,)), SettingError, "solve: coarse is 0, but has to be a whole number >= 1"),
    (lambda: solve((7,), (7.5,)), SettingError, "solve: fine is 7.5, but has to be a whole number >= 1"),
    (lambda: solve((7,), (14,), kernels=(0,)), SettingError, "kernel is 0, but has to be a whole number >= 1"),
    (lambda: solve((7,), (14,), strides=(0,)), SettingError, "stride is 0, but has to be a whole number >= 1"),
    (lambda: solve(1, 10**9), ShapeError, "more than 1000 times coarse, 1; give the kernels to try"),
])
def test_what_cannot_be_is_refused_with_its_value_and_a_cure(call, error, pattern):
    with pytest.raises(error, match=pattern):
        call()

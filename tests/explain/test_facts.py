"""The facts of an explanation: every view of every layer gives the oracle's numbers, cell by cell."""

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings

from tconv.errors import ShapeError, SizeError
from tconv.explain import explain, stack
from tconv.explain.facts import LARGEST
from tconv.geometry import Axis, Spec, cost, problem_from_coarse, problem_from_fine
from tconv.geometry.problem import Extent

from .. import oracle
from ..strategies import cases, integers


def both(case):
    """A case's two layers, told, each with the oracle's result before the bias."""
    problem = case.problem
    up = oracle.conv_transpose(case.x[:1], case.kernel, fine=problem.fine, **case.relation)[0]
    down = oracle.conv(case.y[:1], case.kernel, coarse=problem.coarse, **case.relation)[0]
    yield explain(case.x, case.kernel, problem=problem), up
    yield explain(case.y, case.kernel, problem=problem, transposed=False), down


def small(**kinds):
    return cases(empty=False, channels=2, **kinds)


@given(case=cases())
def test_the_result_is_the_oracle_s_with_its_bias(case):
    if not len(case.x):
        return
    for told, want in both(case):
        assert told.result.tolist() == want.tolist()
    biased = explain(case.x, case.kernel, problem=case.problem, bias=case.bias)
    assert (biased.result == next(both(case))[1] + case.bias).all()


@given(case=small())
def test_the_stamps_add_up_to_the_result_and_what_is_cropped_lies_outside(case):
    for told, want in both(case):
        view = told.distribute
        laid = view.after()
        kept = tuple(slice(start, start + size) for start, size in view.kept)
        assert (laid[kept] == want).all()
        for stamp in view.steps:
            for piece in stamp.pieces:
                inside = tuple(p - start for p, (start, _) in zip(piece.place, view.kept, strict=True))
                fits = all(0 <= p < size for p, (_, size) in zip(inside, view.kept, strict=True))
                assert piece.target == (inside if fits else None)


@given(case=small())
def test_every_window_over_the_grid_times_the_kernel_is_a_cell_of_the_result(case):
    for told, want in both(case):
        assume(told.work["collect"].executed <= LARGEST)  # few taps with wide gaps stuff a grid beyond what is told
        view, groups = told.collect, case.problem.groups
        for number, step in enumerate(view.steps):
            assert step.values.tolist() == want[step.index].tolist()
            covered = view.covered(number)
            assert covered.shape == (*case.problem.kernel, told.channels[0])
            if groups == 1:
                letters = "dc,c->d" if told.transposed else "dc,d->c"
                taps = product(*map(range, case.problem.kernel))
                total = sum(np.einsum(letters, view.kernel[tap], covered[tap]) for tap in taps)
                assert total.tolist() == step.values.tolist()


@settings(max_examples=20)
@given(case=small())
def test_the_grid_holds_every_input_cell_it_needs_at_real_places_and_zeros_elsewhere(case):
    for told, _ in both(case):
        view = told.collect
        assert not view.grid[~view.real].any()
        for index in np.ndindex(told.sizes[1]):
            for term in told.cell(index).terms:
                assert term.added == (not view.real[term.place])
                assert term.x == view.grid[(*term.place, term.channel)]


@settings(max_examples=40)
@given(case=small())
def test_every_cell_is_the_sum_of_its_real_terms_and_names_them_as_the_relation_does(case):
    problem = case.problem
    for told, want in both(case):
        for index in np.ndindex(told.sizes[1]):
            for channel in range(told.channels[1]):
                cell = told.cell(index, channel)
                assert cell.value == sum(term.product for term in cell.terms) == want[(*index, channel)]
                assert all(term.product == 0 for term in cell.terms if term.added)
                for term in cell.real:
                    coarse, fine = (term.cell, index) if told.transposed else (index, term.cell)
                    rows = zip(coarse, problem.stride, term.tap, problem.dilation, problem.lo, strict=True)
                    assert fine == tuple(i * s + t * d - lo for i, s, t, d, lo in rows)


@given(case=small())
def test_the_matrix_times_the_input_is_the_result_and_the_other_layer_s_is_its_transpose(case):
    (up, fine), (down, coarse) = both(case)
    assume(fine.size * coarse.size <= 10**6)
    assert up.matrix.result.tolist() == fine.ravel().tolist()
    assert down.matrix.result.tolist() == coarse.ravel().tolist()
    assert up.matrix.array.tolist() == down.matrix.array.T.tolist()
    assert up.matrix.taps.tolist() == down.matrix.taps.T.tolist()


@given(case=small())
def test_the_phases_interleave_to_a_transposed_convolution_and_add_up_to_a_convolution(case):
    (up, fine), (down, coarse) = both(case)
    whole = np.full(fine.shape, None)
    for number, part in enumerate(up.phases.parts):
        assert (whole[part.cells] == np.array(None)).all()
        whole[part.cells] = part.result
        assert (up.phases.interleaving[part.cells] == number).all()
    assert whole.tolist() == fine.tolist()
    assert sum(part.result for part in down.phases.parts).tolist() == coarse.tolist()
    assert sum(part.input.size for part in down.phases.parts) == down.x.size


@given(case=small())
def test_the_gradients_are_the_oracle_s(case):
    problem = case.problem
    (up, _), (down, _) = both(case)
    x, y = case.x[:1], case.y[:1]
    want = oracle.kernel_gradient(y, x, kernel=problem.kernel, **case.relation)
    assert up.kernel_gradient(y).result.tolist() == want.tolist()
    assert down.kernel_gradient(x).result.tolist() == want.tolist()
    assert up.input_gradient(y).result.tolist() == down.result.tolist()
    assert down.input_gradient(x).result.tolist() == up.result.tolist()
    gradient = up.kernel_gradient(y)
    for at in np.ndindex(want.shape):
        tap = gradient.tap(at[:-2], *at[-2:])
        assert tap.value == sum(one.product for one in tap.meetings) == want[at]


@settings(max_examples=20)
@given(case=small())
def test_the_work_counts_what_is_of_use(case):
    (up, _), (down, _) = both(case)
    extent = Extent(1, up.channels[0], up.channels[1])
    for told in (up, down):
        real = sum(len(told.cell(index, channel).real) for index in np.ndindex(told.sizes[1])
                   for channel in range(told.channels[1]))
        terms = sum(len(told.cell(index, channel).terms) for index in np.ndindex(told.sizes[1])
                    for channel in range(told.channels[1]))
        assert real == cost(case.problem, extent).multiply_adds == told.work["collect"].useful
        assert told.work["collect"].executed == terms
        assert told.work["matrix"].executed == told.matrix.array.size
        assert all(0 <= count.share <= 1 for count in told.work.values())


@given(case=small(grouped=False))
def test_the_overlap_is_what_ones_under_ones_become(case):
    problem = case.problem
    ones = explain(np.ones(problem.coarse, int), np.ones(problem.kernel, int), problem=problem)
    assert ones.overlap.counts.tolist() == ones.result[..., 0].tolist()


@given(first=small(ranks=(2,), grouped=False), seed=small(ranks=(1,)))
def test_a_stack_counts_the_paths_as_ones_under_ones_do(first, seed):
    spec = Spec(first.problem.axes)
    again = Spec((Axis(2, 1), Axis(3, 2)))
    counted = stack([(spec, True), (again, True)], first.problem.coarse)
    one = problem_from_coarse(spec, first.problem.coarse)
    two = problem_from_coarse(again, one.fine)
    x = explain(np.ones(one.coarse, int), np.ones(one.kernel, int), problem=one).result
    y = explain(x, np.ones((*two.kernel, 1, 1), int), problem=two).result
    assert [counts.tolist() for counts in counted.counts[1:]] == [x[..., 0].tolist(), y[..., 0].tolist()]


def test_a_stack_goes_down_and_up_again():
    down, up = Spec.of(kernel=(3,), stride=2, crop=1), Spec.of(kernel=(4,), stride=2, crop=1)
    counted = stack([(down, False), (up, True)], (8,))
    assert counted.sizes == ((8,), (4,), (8,))
    assert counted.axes[1:] == (((2, 3, 3, 3),), ((2, 5, 5, 6, 6, 6, 6, 3),))


@settings(max_examples=8)
@given(case=small())
def test_json_holds_the_numbers_and_reads_back(case):
    for told, want in both(case):
        read = json.loads(json.dumps(told.json()))
        assert read["result"] == want.tolist()
        assert read["matrix"]["result"] == want.ravel().tolist()
        assert [cell["value"] for cell in read["cells"]] == want.ravel().tolist()


def test_plain_lists_are_one_channel():
    told = explain([[1, 2], [3, 4]], [[0, 1], [1, 0]], problem=problem_from_coarse(Spec.of(kernel=(2, 2)), (2, 2)))
    assert told.result[..., 0].tolist() == [[0, 1, 2], [1, 5, 4], [3, 4, 0]]


@pytest.mark.parametrize(("x", "kernel", "match"), [
    ([[1, 2], [3]], [[1, 1], [1, 1]], "x is no array"),
    ([["a", "b"]], [[1, 1], [1, 1]], "x has dtype"),
    ([[1, np.nan], [3, 4]], [[1, 1], [1, 1]], "x has a number that is not finite"),
    ([[1, 2], [3, 2**53]], [[1, 1], [1, 1]], "can give results of .* keep them under 2\\*\\*53"),
    ([[1, 2, 3]], [[1, 1], [1, 1]], "the coarse array has shape"),
    ([[1, 2], [3, 4]], [[1, 1, 1]], "the kernel has shape"),
])
def test_what_does_not_fit_is_named(x, kernel, match):
    with pytest.raises(ShapeError, match=match):
        explain(x, kernel, problem=problem_from_coarse(Spec.of(kernel=(2, 2)), (2, 2)))


def test_a_cell_a_channel_and_a_bias_have_to_exist():
    problem = problem_from_coarse(Spec.of(kernel=(2,)), (2,))
    told = explain([1, 2], [1, 1], problem=problem)
    with pytest.raises(ShapeError, match=r"cell is \(3,\), but the result has sizes \(3,\)"):
        told.cell((3,))
    with pytest.raises(ShapeError, match="channel is 1, but the result has 1"):
        told.cell((0,), 1)
    with pytest.raises(ShapeError, match=r"bias has shape \(2,\)"):
        explain([1, 2], [1, 1], problem=problem, bias=[1, 2])
    with pytest.raises(ShapeError, match="upstream has shape"):
        told.input_gradient([1, 2])


def test_what_is_too_large_to_tell_names_the_limit_and_offers_the_summary():
    spec = Spec.of(kernel=(9, 9))
    told = explain(np.ones((300, 300)), np.ones((9, 9)), problem=problem_from_coarse(spec, (300, 300)))
    for view in ("distribute", "collect", "matrix"):
        with pytest.raises(SizeError, match=r"more than \d,000,000.*the view 'summary'"):
            getattr(told, view)
    assert told.work["collect"].useful == 300 * 300 * 81


def test_a_rest_that_no_window_reaches_is_left_out_of_the_grid():
    told = explain(integers(1, (6,)), [1, 1, 1], problem=problem_from_fine(Spec.of(kernel=(3,), stride=2), (6,)),
                   transposed=False)
    assert told.collect.grid.shape == (5, 1)
    assert replace(told, transposed=False).result.shape == (2, 1)

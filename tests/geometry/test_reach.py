"""Which cells meet which, against the oracle's computations."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tconv import methods
from tconv.geometry import (
    Axis,
    Layer,
    Spec,
    coverage,
    overlap,
    problem_from_coarse,
    problem_from_fine,
    receptive_field,
    sources,
    targets,
)
from tests import oracle
from tests.strategies import axes, problems


def stamp(axis, coarse, cell, tap, fine):
    """The fine cells that one lit cell under one lit tap reaches, by computation."""
    x, kernel = np.zeros((1, coarse, 1), int), np.zeros((axis.kernel, 1, 1), int)
    x[0, cell], kernel[tap] = 1, 1
    y = oracle.conv_transpose(x, kernel, stride=(axis.stride,), dilation=(axis.dilation,), lo=(axis.lo,), fine=(fine,))
    return np.flatnonzero(y).tolist()


@given(drawn=axes(room=20, empty=False))
def test_sources_and_targets_are_the_pairs_that_the_computation_joins(drawn):
    axis, coarse = drawn
    fine = axis.fine(coarse)
    joined = [(cell, tap, at) for cell in range(coarse) for tap in range(axis.kernel)
              for at in stamp(axis, coarse, cell, tap, fine)]
    for at in range(fine):
        want = sorted(((c, t) for c, t, o in joined if o == at), key=lambda pair: pair[1])
        assert sources(axis, at, coarse=coarse) == tuple(want)
    for cell in range(coarse):
        assert targets(axis, cell, fine=fine) == tuple((o, t) for c, t, o in joined if c == cell)


@given(problem=problems())
def test_coverage_is_what_ones_under_ones_give(problem):
    for axis, counts in enumerate(coverage(problem)):
        x, kernel = np.ones((1, problem.coarse[axis], 1), int), np.ones((problem.kernel[axis], 1, 1), int)
        y = oracle.conv_transpose(x, kernel, stride=(problem.stride[axis],), dilation=(problem.dilation[axis],),
                                  lo=(problem.lo[axis],), fine=(problem.fine[axis],))
        assert counts == tuple(y.ravel())


@given(drawn=axes())
def test_overlap_is_the_coverage_of_each_phase_away_from_the_ends(drawn):
    axis, _ = drawn
    inner = coverage(problem_from_coarse(Spec((axis,)), (60,)))[0]
    middle = 30 * axis.stride - axis.lo  # of phase 0
    assert inner[middle:middle + axis.stride] == overlap(axis)
    assert sum(overlap(axis)) == axis.kernel


@st.composite
def layers(draw):
    kernel, stride, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    crop = (draw(st.integers(-2, 2)), draw(st.integers(-2, 2)))
    return Layer(Axis(kernel, stride, dilation, crop), draw(st.booleans()))


def seen(stack, size):
    """For every output of a stack on `size` inputs, whether it depends on each, by running it with kernels of ones."""
    signal = np.eye(size, dtype=bool)[..., None]
    for layer in stack:
        spec, kernel = Spec((layer.axis,)), np.ones((layer.axis.kernel, 1, 1), np.int64)
        if layer.transposed:
            out = methods.phases(signal.astype(np.int64), kernel, problem_from_coarse(spec, signal.shape[1:2]))
        else:
            out = methods.conv(signal.astype(np.int64), kernel, problem_from_fine(spec, signal.shape[1:2]))
        signal = out > 0
    return signal[..., 0].T


@given(stack=st.lists(layers(), max_size=3))
def test_the_receptive_field_of_a_stack_is_what_its_outputs_depend_on(stack):
    sight, depends = receptive_field(stack), seen(stack, 240)
    middle = len(depends) // 2
    for out in range(middle, middle + 1 + min(2 * sight.period, len(depends) // 8)):
        times, phase = divmod(out, sight.period)
        assert [cell + times * sight.shift for cell in sight.cells[phase]] == np.flatnonzero(depends[out]).tolist()


def test_the_receptive_field_counts_from_the_first_to_the_last_cell_seen():
    assert receptive_field([]).sizes == (1,)
    assert receptive_field([Layer(Axis(3)), Layer(Axis(3))]).sizes == (5,)
    assert receptive_field([Layer(Axis(3, 2)), Layer(Axis(3))]).sizes == (7,)
    assert receptive_field([Layer(Axis(3, 2), transposed=True)]).cells == ((-1, 0), (0,))
    assert receptive_field([Layer(Axis(1, 2), transposed=True)]).sizes == (1, 0)
    down, up = Layer(Axis(2, 2)), Layer(Axis(2, 2), transposed=True)
    assert receptive_field([down, up]) == receptive_field([down, up, Layer(Axis(1))])
    assert receptive_field([down, up]).cells == ((0, 1), (0, 1))

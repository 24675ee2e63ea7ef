"""What is true of the three contractions, whoever computes them: laws to hold a `Family` to, case by case.

A test draws a case, and asserts each law of `LAWS` on it:

    @pytest.mark.parametrize("law", LAWS)
    @given(case=cases())
    def test_it_obeys(law, case):
        LAWS[law](family, case)
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial, reduce
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from tconv.geometry import Problem

from . import oracle
from .strategies import Case, integers

Contraction = Callable[[np.ndarray, np.ndarray, Problem], Any]


class Family(NamedTuple):
    """One implementation: `conv_transpose(x, kernel, problem)`, `conv(y, kernel, problem)`, and
    `kernel_gradient(y, x, problem)`, on integer arrays or on what it makes of them."""

    conv_transpose: Contraction
    conv: Contraction
    kernel_gradient: Contraction


def assert_equal(got: Any, want: Any) -> None:
    """Same shape and same whole numbers, whatever the dtypes."""
    got = np.asarray(got)
    assert got.shape == want.shape
    assert (got == want).all(), f"got {got.tolist()}, want {want.tolist()}"


def equals_the_oracle(family: Family, case: Case) -> None:
    p, x, y, kernel = case.problem, case.x, case.y, case.kernel
    assert_equal(family.conv_transpose(x, kernel, p), oracle.conv_transpose(x, kernel, fine=p.fine, **case.relation))
    assert_equal(family.conv(y, kernel, p), oracle.conv(y, kernel, coarse=p.coarse, **case.relation))
    assert_equal(family.kernel_gradient(y, x, p), oracle.kernel_gradient(y, x, kernel=p.kernel, **case.relation))


def is_linear_in_each_argument(family: Family, case: Case) -> None:
    for contraction, a, b in _calls(family, case):
        more_a, more_b = integers(0, a.shape, most=3), integers(1, b.shape, most=3)
        run = partial(_run, contraction, case.problem)
        assert_equal(run(2 * a - 3 * more_a, b), 2 * run(a, b) - 3 * run(more_a, b))
        assert_equal(run(a, 2 * b - 3 * more_b), 2 * run(a, b) - 3 * run(a, more_b))


def the_three_are_adjoint(family: Family, case: Case) -> None:
    p, x, y, kernel = case.problem, case.x, case.y, case.kernel
    scattered = _inner(family.conv_transpose(x, kernel, p), y)
    assert scattered == _inner(x, family.conv(y, kernel, p)) == _inner(kernel, family.kernel_gradient(y, x, p))


def the_jacobians_are_transposes(family: Family, case: Case) -> None:
    p, kernel = case.problem, case.kernel
    ins, outs = (*p.coarse, case.x.shape[-1]), (*p.fine, case.y.shape[-1])
    if max(prod(ins), prod(outs)) > 300:
        return  # a matrix too large to be quick
    scatter = np.asarray(family.conv_transpose(_basis(ins), kernel, p)).reshape(prod(ins), prod(outs))
    gather = np.asarray(family.conv(_basis(outs), kernel, p)).reshape(prod(outs), prod(ins))
    assert_equal(scatter, gather.T)


def phases_interleave(family: Family, case: Case) -> None:
    p = case.problem
    whole = np.asarray(family.conv_transpose(case.x, case.kernel, p))
    for phase in product(*map(range, p.stride)):
        taps = [np.arange(k) * d % s == r for k, d, s, r in zip(p.kernel, p.dilation, p.stride, phase, strict=True)]
        cells = [(np.arange(size) + lo) % s == r for size, lo, s, r in zip(p.fine, p.lo, p.stride, phase, strict=True)]
        only = case.kernel * reduce(np.multiply.outer, taps)[..., None, None]
        assert_equal(family.conv_transpose(case.x, only, p), whole * reduce(np.multiply.outer, cells)[..., None])


def cropping_takes_the_middle_of_the_full_result(family: Family, case: Case) -> None:
    p = case.problem
    if 0 in p.coarse:
        return  # nothing to crop
    full = tuple((i - 1) * s + (k - 1) * d + 1
                 for i, s, k, d in zip(p.coarse, p.stride, p.kernel, p.dilation, strict=True))
    result = np.asarray(family.conv_transpose(case.x, case.kernel, replace(p, lo=(0,) * p.rank, fine=full)))
    ring = 40  # wider than any crop can grow
    grown = np.pad(result, [(0, 0), *((ring, ring) for _ in full), (0, 0)])
    middle = tuple(slice(ring + lo, ring + lo + size) for lo, size in zip(p.lo, p.fine, strict=True))
    assert_equal(family.conv_transpose(case.x, case.kernel, p), grown[:, *middle])


def groups_are_block_diagonal(family: Family, case: Case) -> None:
    p, groups = case.problem, case.problem.groups
    alone = replace(p, groups=1)
    x, y, kernel = (np.split(array, groups, axis=-1) for array in (case.x, case.y, case.kernel))
    side_by_side = [
        (family.conv_transpose(case.x, case.kernel, p), map(family.conv_transpose, x, kernel, [alone] * groups)),
        (family.conv(case.y, case.kernel, p), map(family.conv, y, kernel, [alone] * groups)),
        (family.kernel_gradient(case.y, case.x, p), map(family.kernel_gradient, y, x, [alone] * groups)),
    ]
    for together, parts in side_by_side:
        assert_equal(together, np.concatenate([np.asarray(part) for part in parts], axis=-1))


def a_delta_in_gives_the_kernel_out_at_its_place(family: Family, case: Case) -> None:
    p = case.problem
    if case.x.size == 0:
        return  # no cell to light
    kernel = np.arange(1, case.kernel.size + 1).reshape(case.kernel.shape)
    at = tuple(size // 2 for size in p.coarse)
    channel = case.x.shape[-1] - 1
    delta = np.zeros_like(case.x)
    delta[(0, *at, channel)] = 1
    want = np.zeros_like(case.y)
    for tap in product(*map(range, p.kernel)):
        place = tuple(i * s + t * d - lo
                      for i, s, t, d, lo in zip(at, p.stride, tap, p.dilation, p.lo, strict=True))
        if all(0 <= cell < size for cell, size in zip(place, p.fine, strict=True)):
            want[(0, *place, slice(-case.kernel.shape[-2], None))] = kernel[(*tap, slice(None), channel)]
    assert_equal(family.conv_transpose(delta, kernel, p), want)


def images_of_a_batch_do_not_meet(family: Family, case: Case) -> None:
    p = case.problem
    scattered, gathered = family.conv_transpose(case.x, case.kernel, p), family.conv(case.y, case.kernel, p)
    for n in range(len(case.x)):
        assert_equal(family.conv_transpose(case.x[n:n + 1], case.kernel, p), np.asarray(scattered)[n:n + 1])
        assert_equal(family.conv(case.y[n:n + 1], case.kernel, p), np.asarray(gathered)[n:n + 1])


def memory_layout_does_not_matter_and_arguments_stay_as_they_are(family: Family, case: Case) -> None:
    for contraction, a, b in _calls(family, case):
        want = np.asarray(contraction(a, b, case.problem))
        kept = a.copy(), b.copy()
        for view in (_columns_first, _every_other, _backwards):
            assert_equal(contraction(view(a), view(b), case.problem), want)
        assert_equal(a, kept[0])
        assert_equal(b, kept[1])


LAWS: dict[str, Callable[[Family, Case], None]] = {law.__name__: law for law in (
    equals_the_oracle,
    is_linear_in_each_argument,
    the_three_are_adjoint,
    the_jacobians_are_transposes,
    phases_interleave,
    cropping_takes_the_middle_of_the_full_result,
    groups_are_block_diagonal,
    a_delta_in_gives_the_kernel_out_at_its_place,
    images_of_a_batch_do_not_meet,
    memory_layout_does_not_matter_and_arguments_stay_as_they_are,
)}


def _calls(family: Family, case: Case) -> tuple[tuple[Contraction, np.ndarray, np.ndarray], ...]:
    return ((family.conv_transpose, case.x, case.kernel), (family.conv, case.y, case.kernel),
            (family.kernel_gradient, case.y, case.x))


def _run(contraction: Contraction, problem: Problem, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(contraction(a, b, problem))


def _inner(a: Any, b: Any) -> int:
    return int((np.asarray(a).astype(np.int64) * np.asarray(b).astype(np.int64)).sum())


def _basis(shape: tuple[int, ...]) -> np.ndarray:
    """Every array of this shape that has a single one, as a batch."""
    return np.eye(prod(shape), dtype=np.int64).reshape(prod(shape), *shape)


def _columns_first(array: np.ndarray) -> np.ndarray:
    return _frozen(np.asfortranarray(array))


def _every_other(array: np.ndarray) -> np.ndarray:
    return _frozen(np.repeat(array, 2, axis=-1)[..., ::2])


def _backwards(array: np.ndarray) -> np.ndarray:
    return _frozen(array[..., ::-1].copy()[..., ::-1])


def _frozen(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array

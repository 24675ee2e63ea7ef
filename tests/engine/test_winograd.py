"""Winograd's tiles: exact on whole numbers wherever they can be taken, little farther off on others, only if asked."""

import numpy as np
import pytest
from hypothesis import given

from tconv import engine, methods
from tconv.engine.calls import CONTRACTIONS
from tconv.geometry import Extent, Problem, Spec, problem_from_coarse
from tests import strategies
from tests.engine.test_engine import TABLE, arrays, guarded

pytestmark = pytest.mark.skipif(not engine.available(), reason="the portable package; build with a C++ compiler")

WHEREVER_POSSIBLE = 2  # for tests: the compiled part's word, which `set_winograd` does not give out
MORE = [
    (Problem((6, 6), (2, 2), (1, 1), (2, 2), (9, 9), (18, 18)), 12, 20, 3),
    (Problem((3, 4), (1, 2), (1, 1), (1, 1), (9, 9), (9, 18)), 12, 20, 3),
    (Problem((3, 3), (1, 1), (1, 1), (-2, 5), (9, 9), (9, 18)), 5, 3, 3),
    (Problem((3, 3, 2), (2, 1, 1), (1, 1, 1), (1, 1, 0), (4, 5, 6), (8, 5, 7)), 9, 10, 2),
    (Problem((3, 3), (1, 1), (1, 1), (1, 1), (2, 1), (2, 1)), 24, 16, 40),
]
TILED = [row for row in TABLE + MORE if row[0].rank > 1 and row[0].groups == 1]
LARGE = problem_from_coarse(Spec.of((3, 3), crop=1), (64, 64)), Extent(1, 128, 128)


@pytest.fixture
def tiles():
    """Tiles wherever they are possible, in this test."""
    engine._native.set_winograd(WHEREVER_POSSIBLE)
    yield
    engine._native.set_winograd(0)


def forms(problem, ins, outs, batch):
    return [engine.plan(name, problem, Extent(batch, ins, outs)).form for name in CONTRACTIONS]


@pytest.mark.parametrize("activation", [None, "leaky_relu"])
@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), TILED)
def test_tiles_are_exact_on_whole_numbers(tiles, problem, ins, outs, batch, activation):
    x, y, w = arrays(problem, ins, outs, batch)
    fine_bias, coarse_bias = np.arange(outs, dtype=np.float32) - 3, np.arange(ins, dtype=np.float32) - 3
    after = (lambda a: methods.activate(activation, a, 0.5)) if activation else (lambda a: a)
    assert np.array_equal(engine.conv_transpose(x, w, problem, fine_bias, activation, 0.5),
                          after(methods.columns(x, w, problem) + fine_bias))
    assert np.array_equal(engine.conv(y, w, problem, coarse_bias, activation, 0.5),
                          after(methods.conv(y, w, problem) + coarse_bias))
    assert np.array_equal(engine.kernel_gradient(y, x, problem), methods.kernel_gradient(y, x, problem))


def test_most_settings_that_decoders_have_can_be_tiled(tiles):
    for kernel, stride in ((3, 1), (4, 2), (5, 2), (6, 2), (9, 3)):
        problem = problem_from_coarse(Spec.of((kernel, kernel), stride=stride), (8, 8))
        assert forms(problem, 16, 16, 2) == ["winograd"] * 3, (kernel, stride)
    assert sum("winograd" in forms(*row) for row in TILED) >= 14


@given(case=strategies.cases(ranks=(2, 3), grouped=False))
def test_tiles_are_exact_on_every_setting(case):
    problem = case.problem
    x, y, kernel = (array.astype(np.float32) for array in (case.x, case.y, case.kernel))
    engine._native.set_winograd(WHEREVER_POSSIBLE)
    try:
        assert np.array_equal(engine.conv_transpose(x, kernel, problem), methods.columns(x, kernel, problem))
        assert np.array_equal(engine.conv(y, kernel, problem), methods.conv(y, kernel, problem))
        assert np.array_equal(engine.kernel_gradient(y, x, problem), methods.kernel_gradient(y, x, problem))
    finally:
        engine._native.set_winograd(0)


@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), TILED)
def test_the_number_of_threads_changes_no_bit_of_tiles(tiles, problem, ins, outs, batch):
    rng = np.random.default_rng(0)
    x, y, w = (rng.standard_normal(a.shape, np.float32) for a in arrays(problem, ins, outs, batch))
    channels_first = np.moveaxis(np.moveaxis(w, (-1, -2), (0, 1)).copy(), (0, 1), (-1, -2))
    results = []
    try:
        for count, kernel in ((1, w), (2, w), (5, channels_first)):
            engine.set_threads(count)
            results.append((engine.conv_transpose(x, kernel, problem), engine.conv(y, kernel, problem),
                            engine.kernel_gradient(y, x, problem)))
    finally:
        engine.set_threads(None)
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize(("kernel", "stride", "crop", "size", "ins", "outs"), [
    (4, 2, 1, 8, 512, 256), (4, 2, 1, 16, 128, 64), (5, 2, 2, 12, 64, 32), (3, 1, 1, 8, 512, 512), (6, 2, 2, 9, 32, 32),
    (9, 3, 4, 11, 24, 8), (3, 1, 1, 24, 8, 8)])
def test_the_error_against_float64_is_little_larger_than_without_tiles(kernel, stride, crop, size, ins, outs):
    problem = problem_from_coarse(Spec.of((kernel, kernel), stride=stride, crop=crop), (size, size))
    rng = np.random.default_rng(0)
    shapes = (2, size, size, ins), (2, *problem.fine, outs), (kernel, kernel, outs, ins)
    x, y, w = (rng.standard_normal(shape, np.float32) for shape in shapes)
    double = [array.astype(np.float64) for array in (x, y, w)]
    wants = (methods.columns(double[0], double[2], problem), methods.conv(double[1], double[2], problem),
             methods.kernel_gradient(double[1], double[0], problem))

    def errors(mode):
        engine._native.set_winograd(mode)
        try:
            gots = (engine.conv_transpose(x, w, problem), engine.conv(y, w, problem),
                    engine.kernel_gradient(y, x, problem))
        finally:
            engine._native.set_winograd(0)
        return [np.linalg.norm(got - want) / np.linalg.norm(want) for got, want in zip(gots, wants, strict=True)]

    for tiled, direct in zip(errors(WHEREVER_POSSIBLE), errors(0), strict=True):
        assert 0 < tiled <= max(2.5 * direct, 2.4e-7)
        assert tiled < 6e-7


def test_no_number_beyond_the_arrays_is_read_into_a_tile(tiles):
    problem, ins, outs, batch = TABLE[5]
    x, y, w = arrays(problem, ins, outs, batch)
    gx, gy, gw = guarded(x, y, w)
    assert np.array_equal(engine.conv_transpose(gx, gw, problem), methods.columns(x, w, problem))
    assert np.array_equal(engine.conv(gy, gw, problem), methods.conv(y, w, problem))
    assert np.array_equal(engine.kernel_gradient(gy, gx, problem), methods.kernel_gradient(y, x, problem))


def test_a_number_that_is_none_stays_within_the_tiles_that_it_meets(tiles):
    problem = problem_from_coarse(Spec.of((3, 3)), (10, 10))
    x, _, w = arrays(problem, 8, 8, 2)
    x[0, 5, 5, 3] = np.nan
    spoilt = np.isnan(engine.conv_transpose(x, np.abs(w) + 1, problem)).any(-1)
    assert spoilt[0, 5:8, 5:8].all()
    spared = spoilt[0, :3], spoilt[0, 10:], spoilt[0, :, :3], spoilt[0, :, 10:], spoilt[1]
    assert not any(part.any() for part in spared)


def test_tiles_are_taken_only_if_asked_for_and_where_they_win():
    assert not engine.winograd()
    assert engine.plan("conv", *LARGE).form != "winograd"
    engine.set_winograd(True)
    try:
        plan = engine.plan("conv", *LARGE)
        assert engine.winograd()
        assert (plan.form, plan.products) == ("winograd", 16)
        assert 1.9 < plan.efficiency <= 2.25
        small = problem_from_coarse(Spec.of((4, 4), stride=2, crop=1), (2, 2))
        assert engine.plan("conv", small, Extent(1, 512, 512)).form != "winograd"
    finally:
        engine.set_winograd(False)

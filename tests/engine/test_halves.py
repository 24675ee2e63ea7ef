"""Arrays of bfloat16: summed in float32 and rounded once, whichever way they go and by whichever instructions."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tconv import engine, methods
from tconv.engine.plans import FORMS
from tconv.errors import SettingError
from tconv.geometry import Extent, Problem, Spec, problem_from_coarse
from tests import strategies
from tests.engine.test_engine import TABLE, arrays
from tests.engine.test_kernel_order import FEW, all_three, in_pytorch_s_order, on_threads

pytestmark = pytest.mark.skipif(not engine.available(), reason="the portable package; build with a C++ compiler")
bfloat16 = pytest.importorskip("ml_dtypes", reason="pip install ml_dtypes").bfloat16

FASTEST, HALVES, SINGLES = range(3)  # for tests: the compiled part's words for the ways that such arrays go
MORE = [
    (Problem((4, 4), (2, 2), (1, 1), (1, 1), (4, 4), (8, 8)), 1024, 64, 1),
    (Problem((3, 3), (1, 1), (1, 1), (1, 1), (24, 24), (24, 24)), 16, 32, 4),
    (Problem((3, 2), (2, 2), (1, 2), (1, 1), (1, 3), (1, 5)), 40, 100, 1),
    (Problem((3,), (2,), (3,), (4,), (70,), (133,)), 33, 48, 2),
    (Problem((5, 4), (2, 2), (1, 1), (2, 1), (20, 31), (41, 60)), 48, 3, 2),
    (Problem((3, 3), (1, 1), (2, 1), (2, 1), (30, 40), (30, 40)), 1, 40, 3),
    (Problem((3, 3), (1, 1), (1, 1), (0, 0), (26, 26), (28, 28)), 24, 8, 9),
]
LAYERS = [row for row in TABLE + MORE if row[0].groups == 1]


@pytest.fixture(params=[FASTEST, HALVES, SINGLES], ids=["fastest", "halves", "singles"])
def way(request):
    """Each way that such arrays can go, in one test after the other."""
    engine._native.set_half_way(request.param)
    yield request.param
    engine._native.set_half_way(FASTEST)


def halves(*singles):
    return [array.astype(bfloat16) for array in singles]


def same(got, want):
    """Whether an array of bfloat16 is the other one, rounded once."""
    return got.dtype == bfloat16 and np.array_equal(got.astype(np.float32), want.astype(bfloat16).astype(np.float32))


@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), TABLE + MORE)
def test_sums_of_whole_numbers_are_exact_and_rounded_once(way, problem, ins, outs, batch):
    x, y, w = arrays(problem, ins, outs, batch)
    half_x, half_y, half_w = halves(x, y, w)
    fine_bias, coarse_bias = np.arange(y.shape[-1]) - 3.0, np.arange(x.shape[-1]) - 3.0
    assert same(engine.conv_transpose(half_x, half_w, problem, fine_bias, "leaky_relu", 0.5),
                methods.activate("leaky_relu", methods.columns(x, w, problem) + fine_bias, 0.5))
    assert same(engine.conv(half_y, half_w, problem, coarse_bias), methods.conv(y, w, problem) + coarse_bias)
    assert same(engine.kernel_gradient(half_y, half_x, problem), methods.kernel_gradient(y, x, problem))


@given(problem=strategies.problems(), batch=st.integers(1, 4), ins=st.sampled_from([1, 3, 16, 34]),
       outs=st.sampled_from([1, 2, 7, 32, 40]), which=st.sampled_from([FASTEST, HALVES, SINGLES]))
def test_any_problem_is_exact(problem, batch, ins, outs, which):
    x, y, w = arrays(problem, ins, outs, batch)
    half_x, half_y, half_w = halves(x, y, w)
    engine._native.set_half_way(which)
    try:
        assert same(engine.conv_transpose(half_x, half_w, problem), methods.columns(x, w, problem))
        assert same(engine.conv(half_y, half_w, problem), methods.conv(y, w, problem))
        assert same(engine.kernel_gradient(half_y, half_x, problem), methods.kernel_gradient(y, x, problem))
    finally:
        engine._native.set_half_way(FASTEST)


@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), [*FEW, *LAYERS[1::4]])
def test_kernels_in_pytorch_s_order_give_the_same(way, problem, ins, outs, batch):
    x, y, w = arrays(problem, ins, outs, batch)
    half_x, half_y, half_w = halves(x, y, w)
    kernel = in_pytorch_s_order(half_w)
    fine_bias, coarse_bias = np.arange(y.shape[-1]) - 3.0, np.arange(x.shape[-1]) - 3.0
    assert same(engine.conv_transpose(half_x, kernel, problem, fine_bias, "leaky_relu", 0.5),
                methods.activate("leaky_relu", methods.columns(x, w, problem) + fine_bias, 0.5))
    assert same(engine.conv(half_y, kernel, problem, coarse_bias, "relu"),
                methods.activate("relu", methods.conv(y, w, problem) + coarse_bias))
    gradient = engine.kernel_gradient(half_y, half_x, problem, channels_first=True)
    assert same(gradient, methods.kernel_gradient(y, x, problem))
    assert np.moveaxis(gradient, (-1, -2), (0, 1)).flags.c_contiguous


@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), FEW)
def test_in_pytorch_s_order_the_number_of_threads_changes_no_bit(problem, ins, outs, batch):
    rng = np.random.default_rng(0)
    x, y, w = halves(*(rng.standard_normal(a.shape, np.float32) for a in arrays(problem, ins, outs, batch)))
    first, *others = on_threads(1, 2, 5, run=lambda: all_three(x, y, in_pytorch_s_order(w), problem))
    for other in others:
        assert all(np.array_equal(a.view(np.uint16), b.view(np.uint16)) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), FEW)
@pytest.mark.parametrize("spoilt", [np.inf, np.nan])
def test_in_pytorch_s_order_what_is_not_finite_goes_where_the_definition_sends_it(problem, ins, outs, batch, spoilt):
    for which in range(2):  # a coarse number, a fine one
        given = arrays(problem, ins, outs, batch)
        given[which].flat[0] = spoilt
        x, y, w = given
        half_x, half_y, half_w = halves(x, y, w)
        kernel = in_pytorch_s_order(half_w)
        with np.errstate(invalid="ignore"):
            cases = [(engine.conv_transpose(half_x, kernel, problem), methods.columns(x, w, problem)),
                     (engine.conv(half_y, kernel, problem, activation="relu"),
                      methods.activate("relu", methods.conv(y, w, problem)))]
            if which != 0:  # a coarse number meets the zeros around an array
                cases.append((engine.kernel_gradient(half_y, half_x, problem, channels_first=True),
                              methods.kernel_gradient(y, x, problem)))
        for got, want in cases:
            assert np.array_equal(got.astype(np.float32), want.astype(bfloat16).astype(np.float32), equal_nan=True)


@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), LAYERS[::3])
def test_kernels_are_read_as_they_lie(way, problem, ins, outs, batch):
    x, y, w = arrays(problem, ins, outs, batch)
    half_x, half_y, half_w = halves(x, y, w)
    *taps, rows, columns = w.shape
    larger = np.full((*taps, rows + 2, columns + 3), np.nan, bfloat16)
    larger[..., 1:-1, 2:-1] = half_w
    first = np.moveaxis(np.moveaxis(half_w, (-1, -2), (0, 1)).copy(), (0, 1), (-1, -2))
    for kernel in (larger[..., 1:-1, 2:-1], first):
        assert same(engine.conv_transpose(half_x, kernel, problem), methods.columns(x, w, problem))
        assert same(engine.conv(half_y, kernel, problem), methods.conv(y, w, problem))
    got = engine.kernel_gradient(half_y, half_x, problem, channels_first=True)
    assert same(got, methods.kernel_gradient(y, x, problem))
    assert np.moveaxis(got, (-1, -2), (0, 1)).flags.c_contiguous


@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), [*LAYERS[::2], *MORE[-3:]])
def test_the_number_of_threads_changes_no_bit(way, problem, ins, outs, batch):
    rng = np.random.default_rng(0)
    x, y, w = halves(*(rng.standard_normal(a.shape, np.float32) for a in arrays(problem, ins, outs, batch)))
    results = []
    try:
        for count in (1, 2, 5):
            engine.set_threads(count)
            results.append([engine.conv_transpose(x, w, problem), engine.conv(y, w, problem),
                            engine.kernel_gradient(y, x, problem)])
    finally:
        engine.set_threads(None)
    for other in results[1:]:
        assert all(np.array_equal(a.view(np.uint16), b.view(np.uint16)) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), [LAYERS[3], LAYERS[8], *MORE[:2], *MORE[-3:]])
def test_what_is_lost_is_the_rounding_of_the_result(way, problem, ins, outs, batch):
    rng = np.random.default_rng(0)
    x, y, w = halves(*(rng.standard_normal(a.shape, np.float32) for a in arrays(problem, ins, outs, batch)))
    wide_x, wide_y, wide_w = (a.astype(np.float64) for a in (x, y, w))
    for got, true in ((engine.conv_transpose(x, w, problem), methods.columns(wide_x, wide_w, problem)),
                      (engine.conv(y, w, problem), methods.conv(wide_y, wide_w, problem)),
                      (engine.kernel_gradient(y, x, problem), methods.kernel_gradient(wide_y, wide_x, problem))):
        rounding = np.linalg.norm(true.astype(bfloat16).astype(np.float64) - true)
        assert np.linalg.norm(got.astype(np.float64) - true) <= 1.001 * rounding


@pytest.mark.parametrize(("ins", "outs"), [(16, 16), (24, 1), (2, 24)])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("cell", [(0, 0), (5, 0), (7, 8)])
def test_what_is_not_finite_reaches_just_what_the_definition_says(way, value, cell, ins, outs):
    problem = problem_from_coarse(Spec.of((3, 3)), (6, 7))
    rng = np.random.default_rng(0)
    shapes = ((2, 6, 7, ins), (2, 8, 9, outs), (3, 3, outs, ins))
    x, y, w = (rng.uniform(1, 2, shape).astype(np.float32) for shape in shapes)
    spoilt_x, spoilt_y = x.copy(), y.copy()
    spoilt_x[(1, *np.minimum(cell, (5, 6)), ins // 2)] = spoilt_y[(1, *cell, outs // 2)] = value
    half_x, half_y, half_w, half_spoilt_x, half_spoilt_y = halves(x, y, w, spoilt_x, spoilt_y)
    with np.errstate(invalid="ignore"):
        for got, want in (
            (engine.conv(half_spoilt_y, half_w, problem), methods.conv(spoilt_y, w, problem)),
            (engine.conv_transpose(half_spoilt_x, half_w, problem), methods.columns(spoilt_x, w, problem)),
            (engine.kernel_gradient(half_spoilt_y, half_x, problem), methods.kernel_gradient(spoilt_y, x, problem)),
            (engine.kernel_gradient(half_y, half_spoilt_x, problem), methods.kernel_gradient(y, spoilt_x, problem)),
        ):
            assert np.array_equal(np.isfinite(got.astype(np.float32)), np.isfinite(want))


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512", "amx"])
def test_every_instruction_set_gives_the_same(level):
    program = """
import sys, numpy as np, ml_dtypes
from tconv import engine
from tests.engine.test_engine import TABLE, arrays
engine._native.set_half_way(1)
sums = []
for problem, ins, outs, batch in TABLE:
    x, y, w = (array.astype(ml_dtypes.bfloat16) for array in arrays(problem, ins, outs, batch))
    for result in (engine.conv_transpose(x, w, problem), engine.conv(y, w, problem),
                   engine.kernel_gradient(y, x, problem)):
        sums.append(float(np.abs(result.astype(np.float64)).sum()))
print(engine.half_isa(), hash(tuple(sums)))
"""
    said = [subprocess.run([sys.executable, "-c", program], env=os.environ | {"TCONV_ISA": one}, capture_output=True,
                           text=True, check=True).stdout.split() for one in (level, "baseline")]
    assert said[0][1] == said[1][1]
    assert said[0][0] == ("amx" if level == "amx" and engine.half_isa() == "amx" else "vectors")


def test_the_bits_of_bfloat16_serve_where_numpy_has_no_such_dtype():
    x, _, w = halves(*arrays(*TABLE[3]))
    bits = engine.conv_transpose(x.view(np.uint16), w.view(np.uint16), TABLE[3][0])
    assert bits.dtype == np.uint16
    assert np.array_equal(bits, engine.conv_transpose(x, w, TABLE[3][0]).view(np.uint16))


WAYS = {
    "windows": ("conv_transpose", Extent(4, 64, 32), (32, 32)),
    "copied rows": ("conv_transpose", Extent(32, 256, 128), (4, 4)),
    "runs": ("kernel_gradient", Extent(4, 512, 512), (8, 8)),
    "shifts": ("kernel_gradient", Extent(32, 16, 32), (24, 24)),
    "taps": ("kernel_gradient", Extent(32, 64, 3), (32, 32)),
}


@pytest.mark.parametrize("form", WAYS)
def test_a_plan_says_how_bfloat16_goes_and_why(form):
    contraction, extent, sizes = WAYS[form]
    problem = problem_from_coarse(Spec.of((4, 4), stride=2, crop=1), sizes)
    engine._native.set_half_way(HALVES)
    try:
        plan = engine.plan(contraction, problem, extent, "bfloat16")
    finally:
        engine._native.set_half_way(FASTEST)
    assert (plan.form, plan.tile, plan.isa) == (form, (32, 32), engine.half_isa())
    assert FORMS[form] in str(plan)
    assert plan.executed >= plan.useful


def test_there_are_plans_for_two_dtypes():
    problem = problem_from_coarse(Spec.of((4, 4), stride=2), (8, 8))
    with pytest.raises(SettingError, match=r"dtype is 'int8', but has to be one of float32, bfloat16"):
        engine.plan("conv", problem, Extent(1, 8, 8), "int8")

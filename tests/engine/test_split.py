"""Float32 numbers in bfloat16 parts: exact on whole numbers, no farther off on others than the direct way, if asked."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tconv import engine, methods
from tconv.geometry import Extent, Problem, Spec, problem_from_coarse
from tests import strategies
from tests.engine.test_engine import TABLE, arrays, guarded

pytestmark = pytest.mark.skipif(not engine.available(), reason="the portable package; build with a C++ compiler")

LAYERWISE = ("conv_transpose", "conv")
WHEREVER_POSSIBLE = 2  # for tests: the compiled part's word, which `set_split` does not give out
MORE = [
    (Problem((4, 4), (2, 2), (1, 1), (1, 1), (4, 4), (8, 8)), 96, 40, 5),
    (Problem((3, 3), (1, 1), (1, 1), (1, 1), (24, 24), (24, 24)), 16, 32, 4),
    (Problem((3, 2), (2, 2), (1, 2), (1, 1), (1, 3), (1, 5)), 40, 100, 1),
    (Problem((3,), (2,), (3,), (4,), (70,), (133,)), 33, 48, 2),
]
LAYERS = [row for row in TABLE + MORE if row[0].groups == 1]


@pytest.fixture
def parts():
    """Parts wherever they are possible, in this test."""
    engine._native.set_split(WHEREVER_POSSIBLE)
    yield
    engine._native.set_split(0)


@pytest.mark.parametrize("activation", [None, "leaky_relu"])
@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), LAYERS)
def test_parts_are_exact_on_whole_numbers(parts, problem, ins, outs, batch, activation):
    x, y, w = arrays(problem, ins, outs, batch)
    fine_bias, coarse_bias = np.arange(outs, dtype=np.float32) - 3, np.arange(ins, dtype=np.float32) - 3
    after = (lambda a: methods.activate(activation, a, 0.5)) if activation else (lambda a: a)
    assert [engine.plan(name, problem, Extent(batch, ins, outs)).form for name in LAYERWISE] == ["split"] * 2
    assert np.array_equal(engine.conv_transpose(x, w, problem, fine_bias, activation, 0.5),
                          after(methods.columns(x, w, problem) + fine_bias))
    assert np.array_equal(engine.conv(y, w, problem, coarse_bias, activation, 0.5),
                          after(methods.conv(y, w, problem) + coarse_bias))


@given(problem=strategies.problems(), batch=st.integers(1, 4), ins=st.sampled_from([1, 3, 16, 34]),
       outs=st.sampled_from([1, 2, 7, 32, 40]))
def test_parts_are_exact_on_every_setting(problem, batch, ins, outs):
    x, y, w = arrays(problem, ins, outs, batch)
    engine._native.set_split(WHEREVER_POSSIBLE)
    try:
        assert np.array_equal(engine.conv_transpose(x, w, problem), methods.columns(x, w, problem))
        assert np.array_equal(engine.conv(y, w, problem), methods.conv(y, w, problem))
    finally:
        engine._native.set_split(0)


@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), LAYERS[::2])
def test_the_number_of_threads_changes_no_bit_of_parts(parts, problem, ins, outs, batch):
    rng = np.random.default_rng(0)
    x, y, w = (rng.standard_normal(a.shape, np.float32) for a in arrays(problem, ins, outs, batch))
    channels_first = np.moveaxis(np.moveaxis(w, (-1, -2), (0, 1)).copy(), (0, 1), (-1, -2))
    results = []
    try:
        for count, kernel in ((1, w), (2, engine.pack(w)), (5, channels_first)):
            engine.set_threads(count)
            results.append((engine.conv_transpose(x, kernel, problem), engine.conv(y, kernel, problem)))
    finally:
        engine.set_threads(None)
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("scale", [1.0, 1e-12, 1e12])
@pytest.mark.parametrize(("kernel", "stride", "crop", "size", "ins", "outs"), [
    (4, 2, 1, 8, 512, 256), (4, 2, 1, 16, 128, 64), (5, 2, 2, 12, 64, 32), (3, 1, 1, 8, 512, 512),
    (2, 2, 0, 16, 256, 128), (3, 2, 1, 24, 16, 48)])
def test_the_error_against_float64_is_that_of_float32(kernel, stride, crop, size, ins, outs, scale):
    problem = problem_from_coarse(Spec.of((kernel, kernel), stride=stride, crop=crop), (size, size))
    rng = np.random.default_rng(0)
    shapes = (2, size, size, ins), (2, *problem.fine, outs), (kernel, kernel, outs, ins)
    x, y, w = (rng.standard_normal(shape, np.float32) * np.float32(scale) for shape in shapes)
    double = [array.astype(np.float64) for array in (x, y, w)]
    wants = methods.columns(double[0], double[2], problem), methods.conv(double[1], double[2], problem)

    def errors(mode):
        engine._native.set_split(mode)
        try:
            gots = engine.conv_transpose(x, w, problem), engine.conv(y, w, problem)
        finally:
            engine._native.set_split(0)
        return [np.linalg.norm(got - want) / np.linalg.norm(want) for got, want in zip(gots, wants, strict=True)]

    for parts, direct in zip(errors(WHEREVER_POSSIBLE), errors(0), strict=True):
        assert 0 < parts <= max(1.5 * direct, 2.4e-7)
        assert parts < 4e-7


def test_whole_numbers_of_many_digits_are_as_float32_has_them(parts):
    """Each of 24 bits, met by one, and sums of products of 9 bits each: three parts hold them all."""
    rng = np.random.default_rng(0)
    double = problem_from_coarse(Spec.of((2,), stride=2), (40,))
    numbers = rng.integers(-2**24, 2**24, (3, 40, 20)).astype(np.float32)
    kernel = np.broadcast_to(np.eye(20, dtype=np.float32), (2, 20, 20))
    assert np.array_equal(engine.conv_transpose(numbers, kernel, double), np.repeat(numbers, 2, 1))
    problem = problem_from_coarse(Spec.of((3, 3)), (9, 9))
    x, y, w = (rng.integers(-511, 512, shape).astype(np.float32)
               for shape in ((2, 9, 9, 3), (2, *problem.fine, 3), (3, 3, 3, 3)))
    assert np.array_equal(engine.conv_transpose(x, w, problem), methods.columns(x, w, problem))
    assert np.array_equal(engine.conv(y, w, problem), methods.conv(y, w, problem))


def test_no_number_beyond_the_arrays_is_read_into_a_part(parts):
    problem, ins, outs, batch = TABLE[5]
    x, y, w = arrays(problem, ins, outs, batch)
    gx, gy, gw = guarded(x, y, w)
    assert np.array_equal(engine.conv_transpose(gx, gw, problem), methods.columns(x, w, problem))
    assert np.array_equal(engine.conv(gy, gw, problem), methods.conv(y, w, problem))


@pytest.mark.parametrize("value", [np.nan, np.inf, np.float32(3.4e38)])
def test_what_has_no_parts_becomes_nan_where_it_is_met_and_nowhere_else(parts, value):
    problem = problem_from_coarse(Spec.of((3, 3)), (10, 10))
    x, _, w = arrays(problem, 8, 8, 2)
    w = np.abs(w) + 1
    x[0, 5, 5, 3] = value
    spoilt = np.isnan(engine.conv_transpose(x, w, problem))
    assert spoilt[0, 5:8, 5:8].all()
    assert spoilt.sum() == 9 * 8


def test_parts_are_taken_only_if_asked_for_and_where_they_win():
    large = problem_from_coarse(Spec.of((3, 3), crop=1), (64, 64)), Extent(1, 128, 128)
    assert not engine.split()
    assert engine.plan("conv", *large).form != "split"
    engine.set_split(True)
    try:
        plan = engine.plan("conv", *large)
        assert engine.split()
        assert (plan.form == "split") == (engine.half_isa() == "amx")
        assert "six count" in str(plan) or plan.form != "split"
        small = problem_from_coarse(Spec.of((4, 4), stride=2, crop=1), (2, 2))
        assert engine.plan("conv", small, Extent(1, 512, 512)).form != "split"
    finally:
        engine.set_split(False)


@pytest.mark.parametrize("isa", ["baseline", "avx2", "avx512"])
def test_parts_are_exact_by_vectors_too(isa):
    """Where the processor has no instructions for bfloat16 numbers, in a process of its own."""
    environment = os.environ | {"TCONV_ISA": isa}
    code = "from tconv import engine; print(engine.isa(), engine.half_isa())"
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    if said.stdout.split() != [isa, "vectors"]:
        pytest.skip(f"this processor does not have {isa}")
    here = f"{__file__}::test_parts_are_exact_on_whole_numbers"
    done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", here], env=environment,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    assert f"{2 * len(LAYERS)} passed" in done.stdout

"""A bias and an activation that are applied while a result is stored: the same as applied afterwards."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest

from tconv import conv, conv_transpose, engine, methods
from tconv.errors import SettingError
from tconv.geometry import Spec, problem_from_coarse
from tests.engine.test_engine import TABLE, arrays

pytestmark = pytest.mark.skipif(not engine.available(), reason="the compiled part is not installed")

WITH_NEGATIVES = np.concatenate([np.linspace(-12, 12, 4801), np.geomspace(1e-30, 100, 999),
                                 -np.geomspace(1e-30, 100, 999), [0.0]]).astype(np.float32)


def through(activation, values, slope=0.0):
    """An activation of values as the engine applies it: a layer with one tap of one."""
    problem = problem_from_coarse(Spec.of((1,)), (len(values),))
    return engine.conv_transpose(values.reshape(1, -1, 1), np.ones((1, 1, 1), np.float32), problem, None, activation,
                                 slope).ravel()


@pytest.mark.parametrize("activation", [None, "relu", "leaky_relu"])
@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), TABLE)
def test_fused_is_exactly_what_is_done_afterwards(problem, ins, outs, batch, activation):
    rng = np.random.default_rng(0)
    x, y, w = arrays(problem, ins, outs, batch)
    fine_bias, coarse_bias = (rng.integers(-9, 9, count).astype(np.float32) for count in (y.shape[-1], x.shape[-1]))
    after = (lambda a: methods.activate(activation, a, 0.5)) if activation else (lambda a: a)
    assert np.array_equal(engine.conv_transpose(x, w, problem, fine_bias, activation, 0.5),
                          after(methods.columns(x, w, problem) + fine_bias))
    assert np.array_equal(engine.conv(y, w, problem, coarse_bias, activation, 0.5),
                          after(methods.conv(y, w, problem) + coarse_bias))


@pytest.mark.parametrize("activation", list(methods.ACTIVATIONS))
def test_every_activation_is_that_of_float64_to_a_few_roundings(activation):
    want = methods.activate(activation, WITH_NEGATIVES.astype(np.float64), 0.25)
    got = through(activation, WITH_NEGATIVES, 0.25)
    # e^-t of a rounded t loses t roundings, and in the GELU's left tail t is x * x and more.
    roundings = 6 + 2 * np.where(WITH_NEGATIVES < 0, np.minimum(WITH_NEGATIVES.astype(np.float64) ** 2, 100), 0)
    assert np.all(np.abs(got - want) <= roundings * 6e-8 * np.abs(want) + 1e-35)


@pytest.mark.parametrize("activation", list(methods.ACTIVATIONS))
def test_what_is_not_a_number_stays_so_and_infinity_has_its_limit(activation):
    got = through(activation, np.array([np.nan, np.inf], np.float32))
    assert np.isnan(got[0])
    assert got[1] == (1 if activation in ("sigmoid", "tanh") else math.inf)


def test_places_that_no_tap_reaches_hold_the_activation_of_the_bias():
    x = np.ones((1, 2, 1), np.float32)
    got = conv_transpose(x, np.ones((1, 2, 1), np.float32), [1, -2], activation="leaky_relu", slope=0.5, stride=3)
    assert got[0].tolist() == [[2, -0.5], [1, -1], [1, -1], [2, -0.5]]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_the_public_functions_take_an_activation_in_every_dtype(dtype):
    x, w = np.arange(-3, 3).reshape(1, 6, 1).astype(dtype), np.ones((2, 1, 1), dtype)
    assert conv(x, w, activation="relu").ravel().tolist() == [0, 0, 0, 1, 3]
    assert np.allclose(conv(x, w, [0.5], activation="tanh").ravel(), np.tanh(np.array([-4.5, -2.5, -0.5, 1.5, 3.5])))


@pytest.mark.parametrize("function", [conv, conv_transpose])
def test_an_activation_that_is_none_is_refused(function):
    with pytest.raises(SettingError, match="activation is 'swish', but has to be one of relu, leaky_relu, sigmoid"):
        function(np.ones((1, 3, 1)), np.ones((1, 1, 1)), activation="swish")
    with pytest.raises(SettingError, match="activation is 'relu', but the arrays are complex"):
        function(np.ones((1, 3, 1)) * 1j, np.ones((1, 1, 1)), activation="relu")


@pytest.mark.parametrize("isa", ["baseline", "avx2"])
def test_the_other_instruction_sets_agree(isa):
    code = """
from tests.engine import test_finish as t
for activation in t.methods.ACTIVATIONS:
    t.test_every_activation_is_that_of_float64_to_a_few_roundings(activation)
    t.test_what_is_not_a_number_stays_so_and_infinity_has_its_limit(activation)
for row in t.TABLE:
    t.test_fused_is_exactly_what_is_done_afterwards(*row, "relu")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False,
                          env=os.environ | {"TCONV_ISA": isa})
    assert done.returncode == 0, done.stderr

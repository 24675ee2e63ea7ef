"""A layer with its bias and activation in one operation: the same as one after the other, derivatives included."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given

jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402

from tconv.errors import ShapeError  # noqa: E402
from tconv.geometry import Spec, problem_from_coarse  # noqa: E402
from tconv.jax import finished, operations  # noqa: E402
from tests import oracle, strategies  # noqa: E402

PROBLEM = problem_from_coarse(Spec.of((3, 2), stride=2, crop=((1, 0), (0, -1)), groups=2), (4, 5))
SLOPE = 0.25


def arrays(problem=PROBLEM, batch=2, coarse=6, fine=4):
    rng = np.random.default_rng(0)
    make = lambda *shape: jnp.asarray(rng.integers(-3, 4, shape), jnp.float32)  # noqa: E731
    return (make(batch, *problem.coarse, coarse), make(batch, *problem.fine, fine),
            make(*problem.kernel, fine // problem.groups, coarse), make(coarse), make(fine))


def both(layer, activation, with_bias=True):
    """The layer at once and step by step, as functions of array, kernel and bias; and arguments."""
    x, y, kernel, coarse_bias, fine_bias = arrays()
    array, bias = (x, fine_bias) if layer == "conv_transpose" else (y, coarse_bias)

    def at_once(array, kernel, bias):
        return getattr(finished, layer)(array, kernel, bias if with_bias else None, PROBLEM, activation, SLOPE)

    def apart(array, kernel, bias):
        total = getattr(operations, layer)(array, kernel, PROBLEM)
        return finished.ACTIVATIONS[activation](total + bias if with_bias else total, SLOPE)

    return at_once, apart, (array / 8, kernel / 4, bias / 4)


EVERY = pytest.mark.parametrize(("layer", "activation"), [(layer, name) for layer in ("conv_transpose", "conv")
                                                          for name in finished.ACTIVATIONS])


@EVERY
@pytest.mark.parametrize("with_bias", [True, False])
def test_values_are_those_of_one_after_the_other(layer, activation, with_bias):
    at_once, apart, args = both(layer, activation, with_bias)
    np.testing.assert_allclose(at_once(*args), apart(*args), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(jax.jit(at_once)(*args), apart(*args), rtol=1e-5, atol=1e-6)


@EVERY
def test_gradients_by_whichever_arguments_are_those_of_one_after_the_other(layer, activation):
    at_once, apart, args = both(layer, activation)
    weigh = lambda out: (out * jnp.arange(out.size).reshape(out.shape) / out.size).sum()  # noqa: E731
    for by in ((0,), (1,), (2,), (1, 2), (0, 1, 2)):
        got = jax.jit(jax.grad(lambda *a: weigh(at_once(*a)), by))(*args)
        want = jax.grad(lambda *a: weigh(apart(*a)), by)(*args)
        for mine, theirs in zip(got, want, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=2e-4, atol=2e-5)


@EVERY
def test_forward_mode_and_second_derivatives_are_there(layer, activation):
    at_once, apart, args = both(layer, activation)
    for mine, theirs in zip(jax.jvp(at_once, args, args), jax.jvp(apart, args, args), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)

    def curvature(layer):
        slope = jax.grad(lambda kernel: jnp.sin(layer(args[0], kernel, args[2])).sum())
        return jax.jvp(slope, args[1:2], args[1:2])[1]

    np.testing.assert_allclose(curvature(at_once), curvature(apart), rtol=1e-3, atol=1e-3)


@EVERY
def test_gradients_of_gradients_are_there(layer, activation):
    at_once, apart, args = both(layer, activation)

    def steepness(layer):
        slopes = jax.grad(lambda *a: jnp.sin(layer(*a)).sum(), (0, 1, 2))
        return jax.grad(lambda *a: sum((part ** 2).sum() for part in slopes(*a)), (0, 1, 2))(*args)

    for mine, theirs in zip(steepness(at_once), steepness(apart), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=2e-3, atol=1e-3 * np.abs(theirs).max())


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "sigmoid", "tanh"])
def test_the_gradient_of_a_mapped_layer_is_a_loop(activation):
    at_once, _, args = both("conv", activation)
    slopes = jax.grad(lambda *a: jnp.cos(at_once(*a)).sum(), (0, 2))
    many = tuple(jnp.stack([a, 2 * a, a - 1]) for a in args)
    got = jax.vmap(slopes)(*many)
    for i in range(3):
        for mine, theirs in zip(got, slopes(*(a[i] for a in many)), strict=True):
            np.testing.assert_allclose(mine[i], theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_the_way_back_through_activation_and_bias_is_one_operation(activation, dtype):
    at_once, apart, args = both("conv_transpose", activation)
    args = tuple(array.astype(dtype) for array in args)
    loss = lambda layer: lambda *a: (layer(*a).astype(jnp.float32) ** 2).sum()  # noqa: E731
    back = jax.jit(jax.grad(loss(at_once), (0, 1, 2)))
    text = back.lower(*args).as_text()
    assert text.count(f"@tconv_back_{'bf16' if dtype == 'bfloat16' else 'f32'}(") == 1
    assert "stablehlo.reduce" not in text
    near = {"rtol": 2**-6, "atol": 2**-4} if dtype == "bfloat16" else {"rtol": 2e-4, "atol": 2e-5}
    want = jax.grad(loss(apart), (0, 1, 2))(*(array.astype(jnp.float32) for array in args))
    for mine, theirs in zip(back(*args), want, strict=True):
        assert mine.dtype == dtype
        np.testing.assert_allclose(mine.astype(jnp.float32), theirs, **near)


def test_at_zero_a_leaky_relu_has_the_slope_that_it_has_in_jax():
    at_once, apart, (x, kernel, bias) = both("conv", "leaky_relu")
    slope = lambda layer: jax.grad(lambda bias: layer(0 * x, kernel, bias).sum())(0 * bias)  # noqa: E731
    assert np.array_equal(slope(at_once), slope(apart))


@pytest.mark.parametrize("axes", [(0, None, None), (None, 0, None), (None, None, 0), (0, 0, 0)])
def test_a_mapped_layer_is_a_loop(axes):
    at_once, _, args = both("conv_transpose", "relu")
    args = tuple(a if axis is None else jnp.stack([a, 2 * a, a - 1]) for a, axis in zip(args, axes, strict=True))
    want = [at_once(*(a if axis is None else a[i] for a, axis in zip(args, axes, strict=True))) for i in range(3)]
    np.testing.assert_allclose(jax.vmap(at_once, axes)(*args), want, rtol=1e-5, atol=1e-6)


@strategies.share(0.25)
@given(problem=strategies.problems())
def test_integers_come_out_exactly(problem):
    groups = problem.groups
    x, y, kernel, coarse_bias, fine_bias = arrays(problem, 1, 2 * groups, groups)
    setting = {"stride": problem.stride, "dilation": problem.dilation, "lo": problem.lo, "groups": groups}
    fine = oracle.conv_transpose(np.array(x), np.array(kernel), fine=problem.fine, **setting) + np.array(fine_bias)
    coarse = oracle.conv(np.array(y), np.array(kernel), coarse=problem.coarse, **setting) + np.array(coarse_bias)
    assert np.array_equal(finished.conv_transpose(x, kernel, fine_bias, problem, "relu"), np.maximum(fine, 0))
    assert np.array_equal(finished.conv(y, kernel, coarse_bias, problem, None), coarse)


def test_sixteen_bits_are_finished_in_float32_and_rounded_once():
    x, _, kernel, _, bias = (array / 7 for array in arrays())
    halves = [array.astype(jnp.bfloat16) for array in (x, kernel, bias)]
    wide = finished.conv_transpose(*(array.astype(jnp.float32) for array in halves), PROBLEM, "gelu")
    got = finished.conv_transpose(*halves, PROBLEM, "gelu")
    assert got.dtype == jnp.bfloat16
    assert jnp.allclose(got.astype(jnp.float32), wide, rtol=2**-8, atol=1e-6)  # other orders of a sum may round apart


def test_a_gradient_that_nobody_asks_for_is_not_computed():
    x, _, kernel, _, bias = arrays()
    loss = lambda kernel: finished.conv_transpose(x, kernel, bias, PROBLEM, "relu").sum()  # noqa: E731
    text = jax.jit(jax.grad(loss)).lower(kernel).as_text()
    assert text.count("@tconv_conv_transpose_finished") == 1
    assert text.count("@tconv_kernel_gradient_f32(") == 1
    assert "@tconv_conv_f32(" not in text
    assert "@tconv_conv_transpose_f32(" not in text


def test_what_is_exported_is_made_of_lax_alone():
    x, _, kernel, _, bias = arrays()
    layer = jax.jit(partial(finished.conv_transpose, problem=PROBLEM, activation="relu"))
    slopes = jax.jit(jax.grad(lambda bias: layer(x, kernel, bias).sum()))
    for function, args in ((layer, (x, kernel, bias)), (slopes, (bias,))):
        assert "tconv" not in jax.export.export(function)(*args).mlir_module().replace("tconv/", "")


def test_arrays_that_do_not_fit_are_refused():
    x, _, kernel, _, bias = arrays()
    with pytest.raises(ShapeError, match="conv_transpose: the coarse array has shape"):
        finished.conv_transpose(x[:, 1:], kernel, bias, PROBLEM, "relu")

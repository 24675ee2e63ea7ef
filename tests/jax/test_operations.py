"""The three contractions equal the oracle in JAX, on the engine and as `lax`, under every transform, to any order."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402
from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from jax.test_util import check_grads  # noqa: E402

from tconv import engine, methods  # noqa: E402
from tconv.errors import ShapeError, SizeError  # noqa: E402
from tconv.geometry import Problem, Spec, problem_from_coarse  # noqa: E402
from tconv.jax import operations, plain  # noqa: E402
from tests import oracle  # noqa: E402
from tests.laws import assert_equal  # noqa: E402
from tests.strategies import cases, integers, share  # noqa: E402

# Every example compiles: few of them make a minute.
few = share(0.1)
CHECKED = problem_from_coarse(
    Spec.of(kernel=(3, 2), stride=(2, 1), dilation=(1, 2), crop=((0, 1), (-1, 2)), groups=2), (3, 2))


def floats(*arrays):
    return [jnp.asarray(array, jnp.float32) for array in arrays]


def checked(seed=0):
    """Coarse, fine and kernel for `CHECKED`."""
    shapes = (2, *CHECKED.coarse, 4), (2, *CHECKED.fine, 2), (*CHECKED.kernel, 1, 4)
    return floats(*(integers(seed + i, shape, most=3) for i, shape in enumerate(shapes)))


@few
@given(cases())
def test_each_contraction_equals_the_oracle(case):
    p, (x, y, w) = case.problem, floats(case.x, case.y, case.kernel)
    assert_equal(operations.conv_transpose(x, w, p),
                 oracle.conv_transpose(case.x, case.kernel, fine=p.fine, **case.relation))
    assert_equal(operations.conv(y, w, p), oracle.conv(case.y, case.kernel, coarse=p.coarse, **case.relation))
    assert_equal(operations.kernel_gradient(y, x, p),
                 oracle.kernel_gradient(case.y, case.x, kernel=p.kernel, **case.relation))


@few
@given(cases(), st.sampled_from(["int32", "bfloat16", "float16"]))
def test_other_dtypes_are_exact_where_they_hold_the_result(case, dtype):
    p = case.problem
    x, y, w = (jnp.asarray(np.sign(array), dtype) for array in (case.x, case.y, case.kernel))
    signs = [np.sign(array) for array in (case.x, case.y, case.kernel)]
    assert_equal(operations.conv_transpose(x, w, p), methods.columns(signs[0], signs[2], p))
    assert_equal(operations.conv(y, w, p), methods.conv(signs[1], signs[2], p))
    assert_equal(operations.kernel_gradient(y, x, p), methods.kernel_gradient(signs[1], signs[0], p))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_sixteen_bits_are_summed_in_float32_on_the_engine_and_rounded_once(dtype):
    x, y, w = (array.astype(dtype) / 7 for array in checked())
    for run, a, b in ((operations.conv_transpose, x, w), (operations.conv, y, w), (operations.kernel_gradient, y, x)):
        many = jax.jit(run, static_argnums=2)
        wide = many(a.astype(jnp.float32), b.astype(jnp.float32), CHECKED)
        got = many(a, b, CHECKED)
        assert got.dtype == dtype
        within = {"bfloat16": 2**-8, "float16": 2**-11}[dtype]  # other orders of a sum may be rounded apart
        assert jnp.allclose(got.astype(jnp.float32), wide, rtol=within, atol=1e-6)
        assert "tconv_" in many.lower(a, b, CHECKED).as_text()
        assert jax.vjp(lambda a, b, run=run: run(a, b, CHECKED), a, b)[1](got)[0].dtype == dtype


@few
@given(cases(empty=False))
def test_gradients_under_jit_equal_the_oracle(case):
    p, (x, y, w) = case.problem, floats(case.x, case.y, case.kernel)
    inner = jax.jit(jax.grad(lambda x, w: jnp.vdot(operations.conv_transpose(x, w, p), y), (0, 1)))
    gx, gw = inner(x, w)
    assert_equal(gx, methods.conv(case.y, case.kernel, p))
    assert_equal(gw, methods.kernel_gradient(case.y, case.x, p))
    gy, gw = jax.jit(jax.grad(lambda y, w: jnp.vdot(operations.conv(y, w, p), x), (0, 1)))(y, w)
    assert_equal(gy, methods.columns(case.x, case.kernel, p))
    assert_equal(gw, methods.kernel_gradient(case.y, case.x, p))
    gy, gx = jax.jit(jax.grad(lambda y, x: jnp.vdot(operations.kernel_gradient(y, x, p), w), (0, 1)))(y, x)
    assert_equal(gy, methods.columns(case.x, case.kernel, p))
    assert_equal(gx, methods.conv(case.y, case.kernel, p))


@few
@given(cases(empty=False), st.sampled_from([(0, None), (None, 0), (0, 0), (1, -1), (-1, 1)]))
def test_vmap_over_either_argument_or_both_is_a_loop(case, axes):
    p = case.problem
    for run, a, b in ((operations.conv_transpose, case.x, case.kernel), (operations.conv, case.y, case.kernel),
                      (operations.kernel_gradient, case.y, case.x)):
        many = [array if axis is None else np.stack([array, 2 * array + 1, -array], axis)
                for array, axis in zip((a, b), axes, strict=True)]
        got = jax.vmap(lambda a, b, run=run: run(a, b, p), in_axes=axes)(*floats(*many))
        for i in range(3):
            one = [array if axis is None else np.take(array, i, axis) for array, axis in zip(many, axes, strict=True)]
            assert_equal(got[i], np.asarray(run(*floats(*one), p)))


def test_the_jacobian_of_the_transposed_layer_is_the_transpose_of_the_convolutions():
    x, y, w = checked()
    scatter = jax.jacrev(lambda x: operations.conv_transpose(x, w, CHECKED))(x).reshape(y.size, x.size)
    gather = jax.jacfwd(lambda y: operations.conv(y, w, CHECKED))(y).reshape(x.size, y.size)
    assert_equal(scatter, np.asarray(gather).T)


def test_forward_and_reverse_modes_agree_to_the_second_order():
    x, y, w = checked()

    def energy(x, w):
        return jnp.sum(jnp.sin(0.1 * operations.conv_transpose(x, w, CHECKED)) * y)

    hessian = jax.hessian(energy, (0, 1))(x, w)
    reverse = jax.jacrev(jax.jacrev(energy, (0, 1)), (0, 1))(x, w)
    for got, want in zip(jax.tree.leaves(hessian), jax.tree.leaves(reverse), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
    check_grads(energy, (x / 4, w / 4), order=2, modes=("fwd", "rev"), atol=0.05, rtol=0.05)


def test_a_scan_runs_the_layer_at_each_step():
    same = problem_from_coarse(Spec.of(kernel=(3,), crop=1), (5,))
    x, w = integers(0, (1, 5, 2), most=2), integers(1, (3, 2, 2), most=1)
    step = jax.jit(lambda x, w: jax.lax.scan(lambda c, _: (operations.conv_transpose(c, w, same), None), x, None, 4))
    last, _ = step(*floats(x, w))
    for _ in range(4):
        x = methods.columns(x, w, same)
    assert_equal(last, x)


def test_gradients_flow_through_a_scan_and_a_remat():
    same = problem_from_coarse(Spec.of(kernel=(3,), crop=1), (5,))
    x, w = floats(integers(0, (1, 5, 2), most=2), integers(1, (3, 2, 2), most=1))
    step = jax.checkpoint(lambda c, w: operations.conv_transpose(c, w, same))
    scanned = jax.grad(lambda w: jax.lax.scan(lambda c, _: (step(c, w), None), x, None, 3)[0].sum())(w)
    straight = jax.grad(lambda w: step(step(step(x, w), w), w).sum())(w)
    assert_equal(scanned, np.asarray(straight))


@pytest.mark.skipif(not engine.available(), reason="the portable package calls nothing")
def test_on_a_cpu_the_engine_is_called_and_in_an_export_it_is_not():
    x, _, w = checked()
    run = jax.jit(lambda x, w: operations.conv_transpose(x, w, CHECKED))
    assert "custom_call @tconv_conv_transpose" in run.lower(x, w).as_text()
    exported = jax.export.export(run)(x, w)
    assert "custom_call @tconv" not in exported.mlir_module()
    read = jax.export.deserialize(exported.serialize())
    assert_equal(read.call(x, w), np.asarray(run(x, w)))


def test_within_plain_everything_is_lax_and_gives_the_same():
    x, _, w = checked()
    want = np.asarray(operations.conv_transpose(x, w, CHECKED))
    with plain():
        lowered = jax.jit(lambda x, w: operations.conv_transpose(x, w, CHECKED)).lower(x, w)
    assert "custom_call @tconv" not in lowered.as_text()
    assert_equal(lowered.compile()(x, w), want)


def test_it_lowers_for_a_gpu_and_a_tpu_as_lax():
    x, y, w = checked()

    def step(x, w):
        return jax.grad(lambda x, w: jnp.vdot(operations.conv_transpose(x, w, CHECKED), y), (0, 1))(x, w)

    for platform in ("cuda", "tpu"):
        text = jax.export.export(jax.jit(step), platforms=[platform])(x, w).mlir_module()
        assert "custom_call @tconv" not in text
        assert "stablehlo.convolution" in text


def test_wrong_arrays_are_refused_with_their_shapes():
    x, y, w = checked()
    with pytest.raises(ShapeError, match=r"conv_transpose: the coarse array has shape .* but the problem wants"):
        operations.conv_transpose(y, w, CHECKED)
    with pytest.raises(ShapeError, match=r"conv: the fine array has 2 channels, but the kernel takes 4"):
        operations.conv(y, jnp.ones((3, 2, 2, 4)), CHECKED)
    del x


def test_an_absurd_size_is_refused_before_anything_is_made():
    absurd = Problem((3,), (2**40,), (1,), (0,), (9,), (2**43,))
    with pytest.raises(SizeError, match=r"GiB"):
        operations.conv_transpose(jnp.ones((1, 9, 1)), jnp.ones((3, 1, 1)), absurd)


def test_groups_with_a_negative_crop_are_right_as_lax_too():
    problem = Problem((1, 1), (1, 1), (1, 1), (0, -1), (1, 4), (1, 4), 2)
    x, y = integers(0, (2, 1, 4, 2)), integers(1, (2, 1, 4, 2))
    with plain():
        got = jax.jit(lambda y, x: operations.kernel_gradient(y, x, problem))(*floats(y, x))
    assert_equal(got, methods.kernel_gradient(y, x, problem))

"""`tconv.jax` means by its arguments what `jax.lax` means by the same: values compared, layouts and gradients too."""

import random

import numpy as np
import pytest

jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402

import tconv.jax  # noqa: E402
from tconv import methods  # noqa: E402
from tconv.errors import SettingError, ShapeError  # noqa: E402
from tconv.geometry import Spec, problem_from_coarse  # noqa: E402
from tests import oracle  # noqa: E402
from tests.laws import assert_equal  # noqa: E402
from tests.strategies import integers  # noqa: E402


def drawn(draw, rank):
    """Kernel sizes, strides, dilations, sizes, channels."""
    def each(most):
        return tuple(draw.randint(1, most) for _ in range(rank))

    sizes = tuple(draw.randint(3, 6 if rank < 3 else 4) for _ in range(rank))
    return each(4), each(3), each(3), sizes, draw.randint(1, 3)


def floats(seed, *shapes):
    return [jnp.asarray(integers(seed + i, shape, most=4), jnp.float32) for i, shape in enumerate(shapes)]


def count(quick, full):
    return [*range(quick), *(pytest.param(i, marks=pytest.mark.verify) for i in range(quick, full))]


@pytest.mark.parametrize("seed", count(75, 1000))
def test_conv_transpose_is_that_of_lax(seed):
    draw = random.Random(seed)
    rank = draw.choice([1, 1, 2, 3])
    kernel, strides, dilation, sizes, ins = drawn(draw, rank)
    reach = [(k - 1) * d for k, d in zip(kernel, dilation)]
    consistent, turned = draw.random() < 0.5, draw.random() < 0.5
    pads = [(draw.randint(0, r), draw.randint(0, r)) for r in reach]
    padding = draw.choice(["SAME", "VALID", pads, pads])
    channels = (2, ins) if turned else (ins, 2)
    x, w = floats(seed, (2, *sizes, ins), (*kernel, *channels))
    settings = {"rhs_dilation": dilation, "transpose_kernel": turned, "use_consistent_padding": consistent}
    want = lax.conv_transpose(x, w, strides, padding, **settings)
    if 0 in want.shape:
        pytest.skip("the crop leaves nothing")
    assert_equal(tconv.jax.conv_transpose(x, w, strides, padding, **settings), np.asarray(want))


@pytest.mark.parametrize("seed", count(75, 1000))
def test_conv_is_that_of_lax(seed):
    draw = random.Random(seed)
    rank = draw.choice([1, 1, 2, 3])
    kernel, strides, dilation, sizes, ins = drawn(draw, rank)
    sizes = tuple(size + (k - 1) * d for size, k, d in zip(sizes, kernel, dilation))
    groups = draw.choice([1, 2])
    padding = draw.choice(["SAME", "VALID", "SAME_LOWER", [(draw.randint(0, 3), draw.randint(0, 3)) for _ in kernel]])
    x, w = floats(seed, (2, ins * groups, *sizes), (2 * groups, ins, *kernel))
    settings = {"rhs_dilation": dilation, "feature_group_count": groups}
    want = lax.conv_general_dilated(x, w, strides, padding, **settings)
    assert_equal(tconv.jax.conv(x, w, strides, padding, **settings), np.asarray(want))


def test_negative_padding_cuts_as_the_oracle_says():
    """XLA's CPU kernels (jaxlib 0.10) give other numbers for this convolution, so `lax` is no judge of it."""
    x, w = floats(0, (2, 8, 3), (3, 3, 2))
    got = tconv.jax.conv(x, w, (1,), [(-1, 1)], dimension_numbers=("NWC", "WIO", "NWC"))
    settings = {"stride": (1,), "dilation": (1,), "lo": (-1,), "coarse": (6,)}
    assert_equal(got, oracle.conv(np.asarray(x), np.asarray(w), **settings).astype(float))


@pytest.mark.parametrize("layouts", [("NCHW", "OIHW", "NCHW"), ("NHWC", "HWIO", "NCHW"), ("HNCW", "IWOH", "CWHN")])
def test_layouts_are_those_of_lax(layouts):
    numbers = dict(zip("NCHW", (2, 3, 5, 4))), {"I": 3, "O": 4, "H": 3, "W": 2}
    x, w = floats(0, [numbers[0][c] for c in layouts[0]], [numbers[1][c] for c in layouts[1]])
    for ours, theirs in ((tconv.jax.conv, lax.conv_general_dilated), (tconv.jax.conv_transpose, lax.conv_transpose)):
        got, want = (run(x, w, (2, 1), "SAME", dimension_numbers=layouts) for run in (ours, theirs))
        assert_equal(got, np.asarray(want))


def test_groups_and_output_padding_are_what_the_kernel_says():
    x, w = floats(0, (2, 5, 6), (3, 2, 6))
    got = tconv.jax.conv_transpose(x, w, (2,), "VALID", transpose_kernel=True, feature_group_count=2, output_padding=1)
    problem = problem_from_coarse(Spec.of((3,), stride=2, crop=((0, -1),), groups=2), (5,))
    assert_equal(got, methods.columns(np.asarray(x), np.asarray(w), problem))
    turned = jnp.flip(w.reshape(3, 2, 2, 3).transpose(0, 3, 2, 1).reshape(3, 3, 4), 0)
    assert_equal(tconv.jax.conv_transpose(x, turned, (2,), "VALID", feature_group_count=2, output_padding=1),
                 np.asarray(got))


def test_gradients_are_those_of_lax():
    x, w = floats(0, (2, 5, 4, 3), (3, 3, 3, 2))
    for padding in ("SAME", "VALID"):
        mine, theirs = (
            jax.grad(lambda x, w, run=run, how=padding: jnp.sum(run(x, w, (2, 2), how) ** 2), (0, 1))(x, w)
            for run in (tconv.jax.conv_transpose, lax.conv_transpose))
        for got, want in zip(mine, theirs, strict=True):
            assert_equal(got, np.asarray(want))


def test_a_stretched_input_goes_to_lax_as_it_is():
    x, w = floats(0, (1, 2, 5), (3, 2, 3))
    settings = {"lhs_dilation": (2,), "rhs_dilation": (1,)}
    want = lax.conv_general_dilated(x, w, (1,), [(1, 0)], **settings)
    assert_equal(tconv.jax.conv(x, w, (1,), [(1, 0)], **settings), np.asarray(want))


def test_the_preferred_element_type_is_the_results():
    x, w = floats(0, (1, 4, 2), (3, 2, 3))
    got = tconv.jax.conv_transpose(x.astype(jnp.bfloat16), w.astype(jnp.bfloat16), (2,), "SAME",
                                   preferred_element_type=jnp.float32)
    assert got.dtype == jnp.float32
    assert_equal(got, np.asarray(lax.conv_transpose(x, w, (2,), "SAME")))


@pytest.mark.parametrize(("change", "error", "words"), [
    ({"strides": (0,)}, SettingError, r"stride is 0, but has to be a whole number >= 1"),
    ({"strides": (2, 2)}, SettingError, r"stride is \(2, 2\), 2 values for 1 axis"),
    ({"padding": "FULL"}, SettingError, r"'FULL'"),
    ({"feature_group_count": 2}, ShapeError, r"groups=2"),
])
def test_what_cannot_be_is_refused_in_a_sentence(change, error, words):
    x, w = floats(0, (1, 4, 3), (3, 1, 3))
    arguments = {"strides": (2,), "padding": "SAME", "transpose_kernel": True} | change
    with pytest.raises(error, match=words):
        tconv.jax.conv_transpose(x, w, **arguments)

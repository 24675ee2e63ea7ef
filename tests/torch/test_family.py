"""The three contractions equal the oracle, and so do their gradients, of every order and under every transform."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from torch.autograd import forward_ad, gradcheck, gradgradcheck  # noqa: E402

from tconv.geometry import Spec, problem_from_coarse  # noqa: E402
from tconv.torch import family  # noqa: E402
from tests import oracle  # noqa: E402
from tests.strategies import cases  # noqa: E402
from tests.torch.tensors import array, kernel, lasting, tensor, vector, weight  # noqa: E402

DTYPES = st.sampled_from([torch.float32, torch.float64])
GRADCHECKED = problem_from_coarse(
    Spec.of(kernel=(3, 2), stride=(2, 1), dilation=(1, 2), crop=((0, 1), (-1, 2)), groups=2), (3, 2)
)


@pytest.fixture
def triple():
    """Coarse, fine and kernel for `GRADCHECKED`, and a bias for each layer."""
    generator = torch.Generator().manual_seed(0)
    problem = GRADCHECKED
    shapes = ((2, 4, *problem.coarse), (2, 2, *problem.fine), (4, 1, *problem.kernel), (2,), (4,))
    return [torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True) for shape in shapes]


@given(cases(), DTYPES, st.booleans())
def test_conv_transpose_and_its_gradients_equal_the_oracle(case, dtype, last):
    problem = case.problem
    x, w, b = tensor(case.x, dtype, True), weight(case.kernel, dtype, True), vector(case.bias, dtype, True)
    x = lasting(x) if last else x
    y = family.conv_transpose(x, w, problem, b)
    want = oracle.conv_transpose(case.x, case.kernel, fine=problem.fine, **case.relation) + case.bias
    assert np.array_equal(array(y), want)
    grads = torch.autograd.grad(y, (x, w, b), tensor(case.y, dtype))
    assert np.array_equal(array(grads[0]), oracle.conv(case.y, case.kernel, coarse=problem.coarse, **case.relation))
    back = oracle.kernel_gradient(case.y, case.x, kernel=problem.kernel, **case.relation)
    assert np.array_equal(kernel(grads[1]), back)
    assert np.array_equal(grads[2].numpy(), case.y.sum(tuple(range(case.y.ndim - 1))))


@given(cases(), DTYPES, st.booleans())
def test_conv_and_its_gradients_equal_the_oracle(case, dtype, last):
    problem = case.problem
    y, w = tensor(case.y, dtype, True), weight(case.kernel, dtype, True)
    y = lasting(y) if last else y
    b = vector(np.arange(case.x.shape[-1]), dtype, True)
    x = family.conv(y, w, problem, b)
    want = oracle.conv(case.y, case.kernel, coarse=problem.coarse, **case.relation)
    assert np.array_equal(array(x), want + np.arange(case.x.shape[-1]))
    grads = torch.autograd.grad(x, (y, w, b), tensor(case.x, dtype))
    want = oracle.conv_transpose(case.x, case.kernel, fine=problem.fine, **case.relation)
    assert np.array_equal(array(grads[0]), want)
    back = oracle.kernel_gradient(case.y, case.x, kernel=problem.kernel, **case.relation)
    assert np.array_equal(kernel(grads[1]), back)
    assert np.array_equal(grads[2].numpy(), case.x.sum(tuple(range(case.x.ndim - 1))))


@given(cases(), DTYPES)
def test_the_gradients_of_the_kernel_gradient_equal_the_oracle(case, dtype):
    problem = case.problem
    y, x = tensor(case.y, dtype, True), tensor(case.x, dtype, True)
    w = family.kernel_gradient(y, x, problem)
    assert np.array_equal(kernel(w), oracle.kernel_gradient(case.y, case.x, kernel=problem.kernel, **case.relation))
    grads = torch.autograd.grad(w, (y, x), weight(case.kernel, dtype))
    want = oracle.conv_transpose(case.x, case.kernel, fine=problem.fine, **case.relation)
    assert np.array_equal(array(grads[0]), want)
    assert np.array_equal(array(grads[1]), oracle.conv(case.y, case.kernel, coarse=problem.coarse, **case.relation))


def test_gradients_of_both_orders_equal_finite_differences(triple):
    x, y, w, fine_bias, coarse_bias = triple
    checks = (
        (lambda x, w, b: family.conv_transpose(x, w, GRADCHECKED, b), (x, w, fine_bias)),
        (lambda y, w, b: family.conv(y, w, GRADCHECKED, b), (y, w, coarse_bias)),
        (lambda y, x: family.kernel_gradient(y, x, GRADCHECKED), (y, x)),
    )
    for function, arguments in checks:
        assert gradcheck(function, arguments, check_batched_grad=True)
        assert gradgradcheck(function, arguments, check_batched_grad=True)


def test_the_jacobian_of_one_layer_is_the_transpose_of_the_others(triple):
    x, y, w = (part.detach() for part in triple[:3])
    up = torch.func.jacrev(lambda x: family.conv_transpose(x, w, GRADCHECKED))(x).reshape(y.numel(), x.numel())
    down = torch.func.jacrev(lambda y: family.conv(y, w, GRADCHECKED))(y).reshape(x.numel(), y.numel())
    assert torch.equal(up, down.T)


def test_func_grad_is_what_backward_gives(triple):
    x, _, w, b, _ = triple

    def loss(x, w, b):
        return family.conv_transpose(x, w, GRADCHECKED, b).square().sum()

    for here, there in zip(torch.func.grad(loss, (0, 1, 2))(x, w, b), torch.autograd.grad(loss(x, w, b), (x, w, b))):
        assert torch.allclose(here, there)


@settings(max_examples=30)
@given(cases(empty=False), st.sampled_from([(0, None, None), (None, 0, None), (None, None, 0), (0, 0, None), (1, -1, 0),
                                            (None, 1, 0), (2, 0, 0), (-1, None, 0)]), st.booleans())
def test_vmap_is_a_loop(case, in_dims, transposed):
    problem = case.problem
    function, grid = (family.conv_transpose, case.x) if transposed else (family.conv, case.y)
    bias = case.bias if transposed else np.arange(case.x.shape[-1])
    parts = [tensor(grid), weight(case.kernel), vector(bias)]
    mapped = [part if dim is None else torch.stack([part, 2 * part + 1, 0 * part - 3], dim)
              for part, dim in zip(parts, in_dims)]
    got = torch.vmap(lambda a, w, b: function(a, w, problem, b), in_dims)(*mapped)
    for index in range(3):
        here = [part if dim is None else part.select(dim, index) for part, dim in zip(mapped, in_dims)]
        assert torch.equal(got[index], function(here[0], here[1], problem, here[2]))


@settings(max_examples=30)
@given(cases(empty=False), st.sampled_from([(0, None), (None, 0), (0, 0), (1, -1)]))
def test_vmap_of_the_kernel_gradient_is_a_loop(case, in_dims):
    parts = [tensor(case.y), tensor(case.x)]
    mapped = [part if dim is None else torch.stack([part, 2 * part + 1], dim) for part, dim in zip(parts, in_dims)]
    got = torch.vmap(lambda y, x: family.kernel_gradient(y, x, case.problem), in_dims)(*mapped)
    for index in range(2):
        here = [part if dim is None else part.select(dim, index) for part, dim in zip(mapped, in_dims)]
        assert torch.equal(got[index], family.kernel_gradient(*here, case.problem))


def test_per_sample_gradients_are_those_of_single_samples(triple):
    x, _, w, _, _ = (part.detach() for part in triple)

    def loss(w, sample):
        return family.conv_transpose(sample[None], w, GRADCHECKED).square().sum()

    got = torch.vmap(torch.func.grad(loss), (None, 0))(w, x)
    assert torch.allclose(got, torch.stack([torch.func.grad(loss)(w, sample) for sample in x]))


def test_forward_mode_is_refused_by_the_family(triple):
    x, _, w, _, _ = (part.detach() for part in triple)
    with pytest.raises(NotImplementedError, match="jvp"):
        torch.func.jvp(lambda x: family.conv_transpose(x, w, GRADCHECKED), (x,), (x,))
    with forward_ad.dual_level(), pytest.raises(NotImplementedError, match="jvp"):
        family.conv_transpose(forward_ad.make_dual(x, x), w, GRADCHECKED)

"""The functions say what PyTorch's say, and more: values, layouts, dtypes, errors."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

import tconv.torch as tt  # noqa: E402
from tconv import SettingError, ShapeError, SizeError, engine  # noqa: E402
from tconv.torch import halves, operations  # noqa: E402
from tests import oracle  # noqa: E402
from tests.strategies import cases, integers  # noqa: E402
from tests.torch.tensors import array, lasting, tensor, vector, weight  # noqa: E402

TRANSPOSED = {1: tt.conv_transpose1d, 2: tt.conv_transpose2d, 3: tt.conv_transpose3d}
ORDINARY = {1: tt.conv1d, 2: tt.conv2d, 3: tt.conv3d}
LAST = {1: None, 2: torch.channels_last, 3: torch.channels_last_3d}


def drawn(seed, shape, dtype=torch.float32):
    return torch.tensor(integers(seed, shape), dtype=dtype)


@given(cases(empty=False, larger=False), st.sampled_from([torch.float32, torch.float64]))
def test_pairs_of_any_sign_crop_as_the_oracle_does(case, dtype):
    problem = case.problem
    settings = {"stride": problem.stride, "dilation": problem.dilation, "groups": problem.groups,
                "padding": [list(axis.crop) for axis in problem.axes]}
    arguments = (tensor(case.x, dtype), weight(case.kernel, dtype), vector(case.bias, dtype))
    want = oracle.conv_transpose(case.x, case.kernel, fine=problem.fine, **case.relation) + case.bias
    assert np.array_equal(array(TRANSPOSED[problem.rank](*arguments, **settings)), want)


@given(cases(empty=False), st.sampled_from([torch.float32, torch.float64]))
def test_convolutions_padded_by_pairs_equal_the_oracle(case, dtype):
    problem = case.problem
    got = ORDINARY[problem.rank](tensor(case.y, dtype), weight(case.kernel, dtype), None, problem.stride,
                                 tuple(axis.crop for axis in problem.axes), problem.dilation, problem.groups)
    assert np.array_equal(array(got), oracle.conv(case.y, case.kernel, coarse=problem.coarse, **case.relation))


def parity(seed, dtype=torch.float32):
    """A random setting that PyTorch can say, as arguments for both layers."""
    rng = np.random.default_rng(seed)
    rank, groups = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    kernel, stride, dilation = (tuple(map(int, rng.integers(1, most, rank))) for most in (5, 4, 4))
    size = tuple(map(int, rng.integers(2, 7 - rank, rank)))
    full = [(i - 1) * s + (k - 1) * d + 1 for i, s, k, d in zip(size, stride, kernel, dilation)]
    padding = tuple(int(rng.integers(0, min(k + 1, (n + 1) // 2))) for n, k in zip(full, kernel))
    more = tuple(int(rng.integers(0, max(s, d))) for s, d in zip(stride, dilation))
    batch = (int(rng.integers(1, 3)),) if rng.integers(5) else ()
    x = drawn(seed, (*batch, 2 * groups, *size), dtype)
    w, b = drawn(seed + 1, (2 * groups, 3, *kernel), dtype), drawn(seed + 2, (3 * groups,), dtype)
    w2, b2 = drawn(seed + 1, (3 * groups, 2, *kernel), dtype), drawn(seed + 2, (3 * groups,), dtype)
    y = drawn(seed + 3, (*batch, 2 * groups, *full), dtype)
    return rank, (x, w, b, stride, padding, more, groups, dilation), (y, w2, b2, stride, padding, dilation, groups)


@pytest.mark.parametrize("seed", [*range(200), *(pytest.param(n, marks=pytest.mark.verify) for n in range(200, 2000))])
def test_values_and_gradients_are_pytorchs(seed):
    rank, up, down = parity(seed)
    theirs = {"up": getattr(F, f"conv_transpose{rank}d"), "down": getattr(F, f"conv{rank}d")}
    for ours, reference, (x, w, b, *rest) in ((TRANSPOSED, "up", up), (ORDINARY, "down", down)):
        parts = [part.requires_grad_() for part in (x, w, b)]
        here, there = ours[rank](*parts, *rest), theirs[reference](*parts, *rest)
        assert torch.equal(here, there)
        grad = drawn(seed, here.shape)
        for one, other in zip(torch.autograd.grad(here, parts, grad), torch.autograd.grad(there, parts, grad)):
            assert torch.equal(one, other)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.complex64])
@pytest.mark.parametrize("seed", range(10))
def test_other_dtypes_go_through_pytorch(seed, dtype, monkeypatch):
    monkeypatch.setattr(halves, "WANTED", False)  # as on a processor with instructions for 16 bits
    rank, up, down = parity(seed, dtype)
    assert torch.equal(TRANSPOSED[rank](*up), getattr(F, f"conv_transpose{rank}d")(*up))
    assert torch.equal(ORDINARY[rank](*down), getattr(F, f"conv{rank}d")(*down))


@pytest.fixture
def every_half(monkeypatch):
    """The engine takes numbers of 16 bits, whatever instructions the processor has for them."""
    if engine.available():
        monkeypatch.setattr(halves, "WANTED", {torch.bfloat16, torch.float16})
        monkeypatch.setattr(halves, "SERVED", (torch.float32, torch.bfloat16))
        monkeypatch.setattr(operations, "SERVED", (torch.float32, torch.bfloat16))


def rounded_once(got, wide):
    """Whether numbers of 16 bits are float32 sums, rounded; another order of a sum may cross the middle between two."""
    return torch.allclose(got.float(), wide, rtol={torch.bfloat16: 2**-8, torch.float16: 2**-11}[got.dtype], atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("seed", range(10))
def test_sixteen_bits_are_summed_in_float32_and_rounded_once(seed, dtype, every_half):
    rank, (x, w, bias, *up), _ = parity(seed, dtype)
    x, w, bias = x / 7, w / 7, None if bias is None else bias / 7
    got = TRANSPOSED[rank](x, w, bias, *up)
    wide = TRANSPOSED[rank](x.float(), w.float(), None if bias is None else bias.float(), *up)
    assert got.dtype == dtype
    assert rounded_once(got, wide)
    weight = w.clone().requires_grad_()
    TRANSPOSED[rank](x, weight, bias, *up).float().sum().backward()
    assert weight.grad.dtype == dtype


@pytest.mark.parametrize("seed", range(20))
def test_the_portable_package_gives_the_same(seed, monkeypatch):
    rank, up, down = parity(seed)
    want = TRANSPOSED[rank](*up), ORDINARY[rank](*down)
    monkeypatch.setattr(engine, "available", lambda: False)
    assert torch.equal(TRANSPOSED[rank](*up), want[0])
    assert torch.equal(ORDINARY[rank](*down), want[1])


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("x_last", [False, True])
@pytest.mark.parametrize("w_last", [False, True])
def test_results_lie_in_memory_as_pytorchs_do(rank, x_last, w_last):
    x, w = drawn(0, (2, 4, *(5,) * rank)), drawn(1, (4, 4, *(3,) * rank))
    x = x.contiguous(memory_format=LAST[rank]) if x_last else x
    w = w.contiguous(memory_format=LAST[rank]) if w_last else w
    x.requires_grad_()
    for ours, name in ((TRANSPOSED[rank], f"conv_transpose{rank}d"), (ORDINARY[rank], f"conv{rank}d")):
        theirs = getattr(F, name)
        here, there = ours(x, w, stride=2), theirs(x, w, stride=2)
        assert here.stride() == there.stride()
        assert torch.equal(here, there)
        grads = torch.autograd.grad(here, x, there.detach()), torch.autograd.grad(there, x, there.detach())
        assert grads[0][0].stride() == grads[1][0].stride()


def test_sequences_with_channels_side_by_side_stay_so():
    x, w = lasting(drawn(0, (2, 4, 5))), drawn(1, (4, 3, 3))
    here = tt.conv_transpose1d(x, w)
    assert here.stride() == (21, 1, 3)
    assert torch.equal(here, F.conv_transpose1d(x, w))


def test_results_may_be_changed_in_place():
    x, w = drawn(0, (2, 4, 5, 5)), drawn(1, (4, 3, 3, 3)).requires_grad_()
    for memory in (torch.contiguous_format, torch.channels_last):
        here, = torch.autograd.grad(tt.conv_transpose2d(x.contiguous(memory_format=memory), w).relu_().sum(), w)
        there, = torch.autograd.grad(F.conv_transpose2d(x, w).relu().sum(), w)
        assert torch.equal(here, there)


def test_slices_expansions_and_negations_are_read_as_they_are():
    w = drawn(1, (4, 3, 3, 3))
    whole = drawn(0, (2, 8, 9, 9))
    negated = torch.complex(whole, whole).conj().imag
    for x in (whole[:, ::2, 1:6, ::3], whole[:1, :4].expand(3, -1, -1, -1), negated[:, :4], whole.flip(2)[:, 2:6],
              whole.transpose(2, 3)[:, :4]):
        assert torch.equal(tt.conv_transpose2d(x, w, stride=2), F.conv_transpose2d(x, w, stride=2))


def test_same_leaves_input_times_stride_with_the_odd_sample_cut_at_the_end():
    x, w = drawn(0, (1, 2, 5)), drawn(1, (2, 3, 4))
    full = F.conv_transpose1d(x, w, stride=3)
    assert torch.equal(tt.conv_transpose1d(x, w, stride=3, padding="same"), full[..., :-1])
    x = drawn(2, (1, 2, 7))
    w = drawn(3, (3, 2, 4))
    assert torch.equal(tt.conv1d(x, w, stride=2, padding="same"), F.conv1d(F.pad(x, (1, 2)), w, stride=2))
    assert torch.equal(tt.conv1d(x, w, padding="same"), F.conv1d(x, w, padding="same"))


@pytest.mark.parametrize("size", [9, 10, 11])
def test_an_output_size_stands_for_an_output_padding(size):
    x, w = drawn(0, (2, 3, 4, 4)), drawn(1, (3, 2, 2, 2))
    want = F.conv_transpose2d(x, w, None, 3, 1, (size - 9, 0))
    for wanted in ((size, 9), [size, 9], torch.Size((2, 2, size, 9))):
        assert torch.equal(tt.conv_transpose2d(x, w, None, 3, 1, output_size=wanted), want)


def test_forward_mode_is_pytorchs_own():
    x, w, tangent = drawn(0, (2, 3, 4)), drawn(1, (3, 2, 3)), drawn(2, (2, 3, 4))
    value, change = torch.func.jvp(lambda x: tt.conv_transpose1d(x, w, stride=2), (x,), (tangent,))
    assert torch.equal(value, F.conv_transpose1d(x, w, stride=2))
    assert torch.equal(change, F.conv_transpose1d(tangent, w, stride=2))
    here = torch.func.hessian(lambda x: tt.conv1d(x, w[:2]).pow(3).sum())(x[:1, :2, :3])
    assert torch.equal(here, torch.func.hessian(lambda x: F.conv1d(x, w[:2]).pow(3).sum())(x[:1, :2, :3]))


def test_transforms_see_the_functions_gradients():
    x, w = drawn(0, (3, 2, 4)), drawn(1, (2, 2, 3))
    for ours, theirs in ((tt.conv_transpose1d, F.conv_transpose1d), (tt.conv1d, F.conv1d)):
        for transform in (torch.func.jacrev, lambda f: torch.func.grad(lambda *a: f(*a).square().sum()),
                          lambda f: torch.vmap(f, (0, None)), lambda f: torch.vmap(torch.func.jacrev(f, 1), (0, None))):
            assert torch.equal(transform(ours)(x, w), transform(theirs)(x, w))


@pytest.mark.parametrize("wanted", [True, False])
def test_autocast_follows_pytorch(wanted, every_half, monkeypatch):
    if not wanted:
        monkeypatch.setattr(halves, "WANTED", set())
    x, w = drawn(0, (2, 3, 5, 5)), drawn(1, (3, 2, 3, 3)).requires_grad_()
    for ours, theirs in ((tt.conv_transpose2d, F.conv_transpose2d), (tt.conv2d, F.conv2d)):
        v = w if ours is tt.conv_transpose2d else w.transpose(0, 1)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            here, there = ours(x, v), theirs(x, v)
        assert here.dtype == there.dtype == torch.bfloat16
        half = [array.bfloat16().float() for array in (x, v)]
        assert rounded_once(here, ours(*half)) if wanted else torch.equal(here, there)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        crop = tt.conv_transpose2d(x, w, padding=((0, 1), (-1, 0)))
        assert crop.dtype == torch.bfloat16
    here.sum().backward()
    assert w.grad.dtype == torch.float32


def test_meta_tensors_give_shapes_of_any_size():
    x, w = torch.empty(2**10, 4, 2**14, 2**14, device="meta"), torch.empty(4, 3, 4, 4, device="meta")
    assert tt.conv_transpose2d(x, w, stride=2, padding="same").shape == (2**10, 3, 2**15, 2**15)
    assert tt.conv2d(x, w.transpose(0, 1), padding=((0, 1), (1, 1))).shape == (2**10, 3, 2**14 - 2, 2**14 - 1)


W = torch.zeros(4, 2, 3, 3)
X = torch.zeros(1, 4, 5, 5)


@pytest.mark.parametrize(("call", "error", "match"), [
    (lambda: tt.conv_transpose2d(X[:, :3], W), ShapeError, r"transpose2d: input has 3 channels .* takes 4 \(axis 0"),
    (lambda: tt.conv2d(X[:, :3], W, groups=2), ShapeError, r"input has 3 channels .* takes 4 \(axis 1 .* groups=2\)"),
    (lambda: tt.conv_transpose2d(X, W, groups=3), ShapeError, r"4 channels .* do not fall into groups=3"),
    (lambda: tt.conv2d(X, torch.zeros(4, 4, 3)), ShapeError, r"weight has shape \(4, 4, 3\), but has to be"),
    (lambda: tt.conv_transpose2d(X[0, 0], W), ShapeError, r"input has shape \(5, 5\), but has to be \(N, C, \*I\)"),
    (lambda: tt.conv_transpose2d(X.numpy(), W), ShapeError, r"input is of type ndarray, .* torch.as_tensor"),
    (lambda: tt.conv_transpose2d(X, W, torch.zeros(3)), ShapeError, r"bias has shape \(3,\), .* give \(2,\)"),
    (lambda: tt.conv_transpose2d(X, W, stride=0), SettingError, r"stride is 0, but has to be a whole number >= 1"),
    (lambda: tt.conv2d(X, W, groups=2, dilation=-1), SettingError, r"dilation is -1"),
    (lambda: tt.conv2d(X, W, groups=0), SettingError, r"groups is 0"),
    (lambda: tt.conv_transpose2d(X, W, stride=float("nan")), SettingError, r"stride is nan"),
    (lambda: tt.conv_transpose2d(X, W, stride=(1, 2, 3)), SettingError, r"stride is \(1, 2, 3\), 3 values for 2 axes"),
    (lambda: tt.conv_transpose2d(X, W, padding="valid"), SettingError, r"padding is 'valid', but has to be 'same'"),
    (lambda: tt.conv_transpose2d(X, W, padding=4), ShapeError, r"crop \(4, 4\) leaves nothing"),
    (lambda: tt.conv_transpose2d(X, W, output_padding=1), SettingError, r"output_padding is 1, but has to be less"),
    (lambda: tt.conv_transpose2d(X, W, None, 2, output_size=(11, 13)), ShapeError, r"output_size is 13 .* 11 to 12"),
    (lambda: tt.conv2d(X[..., :1], torch.zeros(4, 4, 3, 3)), ShapeError, r"the kernel reaches over 3 samples"),
    (lambda: tt.conv_transpose2d(X, W, stride=10**7), SizeError, r"conv_transpose2d: .* GiB; this machine has"),
    (lambda: tt.conv_transpose2d(X.double(), W.double(), stride=10**7), SizeError, r"conv_transpose2d: .* GiB"),
    (lambda: tt.conv2d(X, W.expand(4, 2, 3, 3), groups=2, padding=10**7), SizeError, r"conv2d: .* GiB; this machine"),
])
def test_what_does_not_fit_is_one_sentence(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_a_call_seen_before_is_checked_as_the_first_one_was():
    for _ in range(2):
        with pytest.raises(ShapeError, match="leaves nothing"):
            tt.conv_transpose2d(X, W, padding=[4, 4])
        assert tt.conv_transpose2d(X, W, stride=[1, 1]).shape == (1, 2, 7, 7)

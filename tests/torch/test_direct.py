"""Tensors that the engine is told by their addresses: whatever order in memory they have, whatever is still to be done
to them.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import tconv.torch as tt
from tconv import engine
from tconv.engine.compiled import native
from tconv.errors import ShapeError
from tconv.torch import direct, problems
from tconv.torch.activations import NOTHING
from tconv.torch.kept import keep

pytestmark = pytest.mark.skipif(not engine.available(), reason="needs the compiled part")


def drawn(seed, shape, dtype=torch.float32):
    return torch.from_numpy(np.random.default_rng(seed).integers(-4, 5, shape).astype(np.float32)).to(dtype)


def negated(tensor):
    """The negative of a tensor, with the sign still to be applied."""
    pending = torch.complex(tensor, tensor).conj().imag
    assert pending.is_neg()
    return pending


KERNELS = {
    "plain": lambda w: w,
    "channels last": lambda w: w.contiguous(memory_format=torch.channels_last),
    "as the engine has it": lambda w: w.permute(2, 3, 1, 0).contiguous().permute(3, 2, 0, 1),
    "turned": lambda w: w.transpose(2, 3),
    "flipped in memory": lambda w: w.transpose(0, 1).contiguous().transpose(0, 1),
    "every second tap of another": lambda w: torch.stack((w, w + 1), -1).flatten(3)[..., ::2],
    "part of a larger one": lambda w: F.pad(w, (1, 2, 1, 0))[..., 1:, 1:-2],
    "one tap for all": lambda w: w[..., :1, :1].expand_as(w),
    "negative to be": negated,
}


@pytest.mark.parametrize("lies", KERNELS)
@pytest.mark.parametrize("groups", [1, 2])
def test_kernels_are_read_as_they_lie(lies, groups):
    x, w = drawn(0, (2, 4, 5, 6)), KERNELS[lies](drawn(1, (4, 6, 3, 3)))
    assert torch.equal(tt.conv_transpose2d(x, w, stride=2, groups=groups),
                       F.conv_transpose2d(x, w, stride=2, groups=groups))
    y = drawn(2, (2, 6 * groups, 9, 8))
    assert torch.equal(tt.conv2d(y, w, stride=2, groups=groups), F.conv2d(y, w, stride=2, groups=groups))


@pytest.mark.parametrize("bias", [drawn(3, (12,))[::2], drawn(3, (1,)).expand(6), negated(drawn(3, (6,)))],
                         ids=["apart", "one for all", "negative to be"])
def test_biases_are_read_as_they_lie(bias):
    x, w = drawn(0, (2, 4, 5)), drawn(1, (4, 6, 3))
    assert torch.equal(tt.conv_transpose1d(x, w, bias), F.conv_transpose1d(x, w, bias))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_result_that_goes_where_one_before_it_was_is_that_of_a_small_one(dtype):
    before = native.streams_from()
    x, w, b = drawn(0, (2, 4, 5, 6), dtype), drawn(1, (4, 6, 3, 3), dtype), drawn(2, (6,), dtype)
    for memory in (torch.contiguous_format, torch.channels_last):
        given = x.contiguous(memory_format=memory)
        usual = tt.conv_transpose2d(given, w, b, stride=2)
        try:
            native.set_streams_from(4)
            again = tt.conv_transpose2d(given, w, b, stride=2)
        finally:
            native.set_streams_from(before)
        assert torch.equal(usual, again)
        assert usual.stride() == again.stride()
        assert again.dtype is dtype
        wide = F.conv_transpose2d(x.float(), w.float(), b.float(), stride=2)
        assert torch.equal(usual, wide.to(dtype))


@pytest.mark.parametrize("shape", [(0, 4, 5, 5), (2, 4, 0, 5)])
def test_nothing_is_read_where_nothing_is(shape):
    x, w, b = torch.zeros(shape), drawn(1, (4, 6, 3, 3)), drawn(2, (6,))
    result = tt.conv_transpose2d(x, w, b, padding=0 if shape[2] else (-1, -1))
    assert result.shape[0] == shape[0]
    assert torch.equal(result, b[:, None, None].expand_as(result))


def test_a_kept_weight_gives_the_same_and_is_laid_out_again_after_a_change():
    x, w = drawn(0, (2, 4, 5, 6)), drawn(1, (4, 6, 3, 3))
    keep(w)
    assert torch.equal(tt.conv_transpose2d(x, w), F.conv_transpose2d(x, w))
    w.mul_(2)
    assert torch.equal(tt.conv_transpose2d(x, w), F.conv_transpose2d(x, w))


def test_shapes_that_do_not_fit_never_reach_memory():
    problem = problems.transposed(1, (1, 0, 0, 1, 1, None), torch.ones(1, 2, 3), torch.ones(2, 2, 2), None)
    for x, w, why in (((1, 2, 4), (2, 2, 2), "the coarse array has shape"), ((1, 3, 3), (2, 2, 2), "has 3 channels"),
                      ((1, 2, 3), (2, 2, 3), "the kernel has shape")):
        with pytest.raises(ShapeError, match=why):
            direct.layer("conv_transpose", torch.ones(x), torch.ones(w), None, problem, NOTHING, False)


def test_results_lie_as_pytorch_s_do():
    for shape, memory in (((2, 4, 5), torch.contiguous_format), ((2, 4, 5, 6), torch.channels_last),
                          ((2, 4, 3, 5, 6), torch.channels_last_3d)):
        rank = len(shape) - 2
        x, w = drawn(0, shape), drawn(1, (shape[1], 3, *(2,) * rank))
        here = getattr(tt, f"conv_transpose{rank}d")(x.contiguous(memory_format=memory), w)
        assert here.is_contiguous(memory_format=memory)
        assert torch.equal(here, getattr(F, f"conv_transpose{rank}d")(x, w))

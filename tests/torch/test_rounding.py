"""Against float64, the engine is at most half as far off again as PyTorch, or within four roundings of float32."""

import pytest

torch = pytest.importorskip("torch")

import tconv.torch.functional as F  # noqa: E402

SETTINGS = [  # channels, sizes, kernel, stride, padding
    (512, 256, (4, 4), 4, 2, 1), (64, 32, (16, 16), 4, 2, 1), (128, 3, (16, 16), 4, 2, 1), (1, 64, (28, 28), 3, 1, 1),
    (21, 21, (9, 9), 16, 8, 4), (48, 96, (16,), 16, 8, 4), (32, 16, (4, 6, 5), 3, 2, 1), (256, 128, (2, 2), 5, 2, 2),
]


def contractions(function, x, w, y, **setting):
    """A transposed convolution's result and its two gradients."""
    x, w = x.clone().requires_grad_(), w.clone().requires_grad_()
    out = function(x, w, **setting)
    return [out.detach(), *torch.autograd.grad(out, (x, w), y.to(out))]


@pytest.mark.parametrize(("ins", "outs", "sizes", "kernel", "stride", "padding"), SETTINGS)
def test_the_error_is_of_the_size_of_pytorch_s(ins, outs, sizes, kernel, stride, padding):
    draw = torch.Generator().manual_seed(0)
    rank, setting = len(sizes), {"stride": stride, "padding": padding}
    x = torch.randn(2, ins, *sizes, generator=draw)
    w = torch.randn(ins, outs, *[kernel] * rank, generator=draw)
    theirs = getattr(torch.nn.functional, f"conv_transpose{rank}d")
    y = torch.randn(theirs(x[:1], w, **setting).shape[1:], generator=draw).expand(2, *[-1] * (rank + 1)).contiguous()
    exact = contractions(theirs, x.double(), w.double(), y, **setting)
    got = contractions(getattr(F, f"conv_transpose{rank}d"), x, w, y, **setting)
    peer = contractions(theirs, x, w, y, **setting)
    for true, mine, other in zip(exact, got, peer, strict=True):
        assert (mine - true).norm() <= max(1.5 * (other - true).norm(), 2.4e-7 * true.norm())

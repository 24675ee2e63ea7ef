"""Tensors copied from one layout into the other by the engine: PyTorch's own copy, sooner."""

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

import tconv.torch as tt  # noqa: E402
from tconv import engine  # noqa: E402
from tconv.torch import memory  # noqa: E402
from tests.engine.native import taken_as  # noqa: E402

pytestmark = pytest.mark.skipif(not engine.available(), reason="the portable package; build with a C++ compiler")

# Channels and cells that fill vectors of every width, and not; large ones, of which several threads copy parts.
SHAPES = [(3, channels, cells) for channels in (1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 33, 70)
          for cells in (1, 2, 5, 8, 15, 16, 17, 31, 64, 65)]
SHAPES += [(1, 3, 300, 301), (2, 5, 127, 129), (1, 160, 33, 33), (1, 600, 9, 9), (70, 16, 7, 5), (2, 64, 8, 8, 9)]
DTYPES = [torch.float32, torch.bfloat16]


@pytest.fixture(params=[1, 2, 5])
def threads(request):
    engine.set_threads(request.param)
    yield request.param
    engine.set_threads(None)


@pytest.fixture(params=[4, 2**40], ids=["past the caches", "through the caches"])
def past(request):
    with taken_as("streams_from", request.param):
        yield


def numbers(shape, dtype):
    return torch.arange(torch.Size(shape).numel()).reshape(shape).to(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_copies_are_those_of_pytorch(monkeypatch, threads, past, dtype):
    monkeypatch.setattr(memory, "SMALL", 1)
    monkeypatch.setattr(memory, "WORTH", 1)
    for shape in SHAPES:
        plain = numbers(shape, dtype)
        last = memory.lying_last(plain)
        assert torch.equal(last, plain)
        assert memory.lies_last(last)
        again = memory.lying_plain(last)
        assert torch.equal(again, plain)
        assert again.is_contiguous()


@pytest.mark.parametrize("dtype", [torch.int32, torch.int16])
@pytest.mark.parametrize("begin", [0, 1, 3])
def test_nothing_is_written_beside_an_image(dtype, begin):
    """Wherever it begins; on the numbers as they are, which the compiled part takes for floats."""
    for shape in SHAPES:
        images, rows, columns = shape[0], shape[1], torch.Size(shape[2:]).numel()
        count = images * rows * columns
        given, guarded = numbers((images, rows, columns), dtype), torch.full((count + 2 * 64,), -7, dtype=dtype)
        out = guarded[32 + begin:32 + begin + count]
        engine.images_at(given.data_ptr(), images, rows, columns, out.data_ptr(), halves=dtype is torch.int16)
        assert torch.equal(out.view(images, columns, rows), given.movedim(-1, -2))
        assert (guarded[:32 + begin] == -7).all()
        assert (guarded[32 + begin + count:] == -7).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0, 16, 40, 40), (2, 0, 40, 40), (2, 16, 0, 40), (2, 16, 40)])
def test_what_has_no_numbers_or_few_is_copied_too(dtype, shape):
    plain = torch.zeros(shape, dtype=dtype)
    assert memory.lying_last(plain).shape == plain.shape
    assert memory.lying_plain(memory.lying_last(plain)).is_contiguous()


def test_who_asks_for_a_gradient_has_it():
    x = torch.randn(2, 16, 40, 40, requires_grad=True)
    (memory.lying_last(x) * 3).sum().backward()
    assert (x.grad == 3).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_layers_of_plain_tensors_give_what_pytorch_s_give(dtype):
    x, w = torch.randn(2, 16, 40, 40), torch.randn(16, 24, 4, 4)
    got = tt.conv_transpose2d(x.to(dtype), w.to(dtype), stride=2, padding=1)
    assert got.is_contiguous()
    want = F.conv_transpose2d(x.to(dtype).double(), w.to(dtype).double(), stride=2, padding=1)
    assert torch.allclose(got.double(), want, rtol=1e-2, atol=1e-1 if dtype is torch.bfloat16 else 1e-3)

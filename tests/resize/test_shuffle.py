"""Pixel shuffle and its inverse, in both channel orders."""

import importlib

import numpy as np
import pytest

from tconv.errors import SettingError, ShapeError
from tconv.resize import ORDERS, pixel_shuffle, pixel_unshuffle


def numbered(*shape):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("sizes", "factor"), [((3,), 4), ((2, 3), 2), ((2, 3), (3, 1)), ((1, 2, 2), (2, 1, 3))])
def test_every_channel_goes_to_its_place_in_the_block(order, sizes, factor):
    factors = factor if isinstance(factor, tuple) else (factor,) * len(sizes)
    block, channels = int(np.prod(factors)), 2
    x = numbered(2, *sizes, block * channels)
    y = pixel_shuffle(x, factor, order=order)
    assert y.shape == (2, *(i * f for i, f in zip(sizes, factors, strict=True)), channels)
    for cell in np.ndindex(*y.shape[1:-1]):
        coarse, within = zip(*(divmod(i, f) for i, f in zip(cell, factors, strict=True)), strict=True)
        place = int(np.ravel_multi_index(within, factors))
        for c in range(channels):
            depth = place * channels + c if order == "DCR" else c * block + place
            assert np.array_equal(y[(slice(None), *cell, c)], x[(slice(None), *coarse, depth)])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("sizes", "factor"), [((3,), 4), ((2, 3), (3, 2)), ((1, 2, 2), 2)])
def test_unshuffling_undoes_shuffling(order, sizes, factor):
    block = int(np.prod(factor if isinstance(factor, tuple) else (factor,) * len(sizes)))
    x = numbered(2, *sizes, block * 3)
    assert np.array_equal(pixel_unshuffle(pixel_shuffle(x, factor, order=order), factor, order=order), x)


def test_channel_major_order_is_pytorchs():
    torch = pytest.importorskip("torch")
    x = numbered(2, 3, 4, 18)
    first = torch.from_numpy(x).permute(0, 3, 1, 2)
    shuffled = torch.nn.functional.pixel_shuffle(first, 3)
    assert np.array_equal(pixel_shuffle(x, 3, order="CRD"), shuffled.permute(0, 2, 3, 1).numpy())
    back = torch.nn.functional.pixel_unshuffle(shuffled, 3).permute(0, 2, 3, 1).numpy()
    assert np.array_equal(pixel_unshuffle(shuffled.permute(0, 2, 3, 1).numpy(), 3, order="CRD"), back)


def test_place_major_order_is_tensorflows():
    tensorflow = pytest.importorskip("tensorflow")
    x = numbered(2, 3, 4, 18)
    y = tensorflow.nn.depth_to_space(x, 3).numpy()
    assert np.array_equal(pixel_shuffle(x, 3), y)
    assert np.array_equal(pixel_unshuffle(y, 3), tensorflow.nn.space_to_depth(y, 3).numpy())


@pytest.mark.parametrize(("module", "operation", "ours", "least"), [
    ("depthtospace", "DepthToSpace", pixel_shuffle, 2),
    ("spacetodepth", "SpaceToDepth", pixel_unshuffle, 1),
])
def test_both_orders_are_those_of_the_onnx_cases(monkeypatch, module, operation, ours, least):
    pytest.importorskip("onnx")
    cases = importlib.import_module(f"onnx.backend.test.case.node.{module}")
    seen = []
    monkeypatch.setattr(cases, "expect", lambda node, inputs, outputs, name: seen.append((node, inputs[0], outputs[0])))
    for name, export in vars(getattr(cases, operation)).items():
        if name.startswith("export"):
            export.__func__()
    assert len(seen) >= least
    for node, x, y in seen:
        settings = {a.name: a.i if a.name == "blocksize" else a.s.decode() for a in node.attribute}
        got = ours(np.moveaxis(x, 1, -1), settings["blocksize"], order=settings.get("mode", "DCR"))
        assert np.array_equal(np.moveaxis(got, -1, 1), y)


@pytest.mark.parametrize(("shuffle", "factor", "order", "error", "says"), [
    (pixel_shuffle, 0, "DCR", SettingError, "factor is 0"),
    (pixel_shuffle, 2, "RGB", SettingError, "order is 'RGB'"),
    (pixel_shuffle, (2, 2, 2), "DCR", SettingError, "3 values for 2 axes"),
    (pixel_shuffle, 2, "DCR", ShapeError, r"6 channels .* multiple of 4"),
    (pixel_unshuffle, 3, "DCR", ShapeError, r"blocks of \(3, 3\) do not fill"),
])
def test_what_cannot_be_is_said_in_a_sentence(shuffle, factor, order, error, says):
    with pytest.raises(error, match=says):
        shuffle(numbered(1, 4, 3, 6), factor, order=order)


def test_an_array_without_sizes_is_refused():
    with pytest.raises(ShapeError, match="x has shape"):
        pixel_shuffle(numbered(2, 4), 2)

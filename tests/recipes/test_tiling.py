"""A picture in tiles is the picture whole: exactly where sums are exact."""

import numpy as np
import pytest

pytest.importorskip("keras")

import keras

from tconv.errors import UnsupportedError
from tconv.keras import Conv2D, Conv2DTranspose, ResizeConv, SubpixelConv, UpSampling2D
from tconv.recipes.tiling import Reach, tiled

L = keras.layers
FEW = (0, 1, 3, 5, 7)  # one U-net, whose many layers take long to compile, and four chains


def whole_numbers(model, draw):
    for variable in model.variables:
        if "seed" not in variable.path:
            variable.assign(draw.integers(-1, 2, variable.shape))


def unet(draw):
    """Halved and doubled once or twice, with what was kept beside what comes back."""
    taken = x = L.Input((None, None, 1))
    kept = []
    scales = int(draw.integers(1, 3))
    for _ in range(scales):
        x = Conv2D(2, int(draw.integers(1, 5)), padding="same", activation="relu")(x)
        kept.append(x)
        way = [L.MaxPooling2D(2, padding="same"), L.AveragePooling2D(2, padding="same"),
               Conv2D(2, int(draw.integers(2, 5)), strides=2, padding="same")]
        x = way[draw.integers(3)](x)
    for one in reversed(kept):
        kernel = int(draw.integers(2, 6))
        way = [Conv2DTranspose(2, kernel, strides=2, padding="same"), ResizeConv(2, kernel), SubpixelConv(2, kernel),
               UpSampling2D(2)]
        x = way[draw.integers(4)](x)
        x = L.Concatenate()([x, one])
    return keras.Model(taken, Conv2D(1, 3, padding="same")(x)), 2**scales


def chain(draw):
    """Convolutions and transposed ones, strided and dilated, padded by name or not at all."""
    layers = [keras.Input((None, None, 1))]
    for _ in range(int(draw.integers(1, 5))):
        kernel, stride = int(draw.integers(1, 5)), int(draw.integers(1, 4))
        padding = ["same", "valid"][draw.integers(2)]
        dilation = int(draw.integers(1, 3)) if stride == 1 else 1
        kind = [Conv2D, Conv2DTranspose][draw.integers(2)]
        layers.append(kind(2, kernel, strides=stride, padding=padding, dilation_rate=dilation, activation="relu"))
    return keras.Sequential(layers), 1


def drawn(seed):
    """A random network with whole numbers in it, and a picture of a random size."""
    draw = np.random.default_rng(seed)
    model, unit = [unet, chain][seed % 2](draw)
    whole_numbers(model, draw)
    size = draw.integers(24, 60, 2) // unit * unit
    return model, np.float32(draw.integers(-1, 2, (*size, 1))), int(draw.integers(3, 20))


def given(model):
    return lambda window: keras.ops.convert_to_numpy(model(window, training=False))


def check(seed):
    model, image, tile = drawn(seed)
    assert np.array_equal(tiled(model, image, tile=tile, run=given(model)), given(model)(image[None])[0])


@pytest.mark.parametrize("seed", FEW)
def test_tiles_equal_the_whole_exactly(seed):
    check(seed)


@pytest.mark.verify
@pytest.mark.parametrize("seed", sorted({*range(104)} - {*FEW}))
def test_so_do_those_of_a_hundred_random_networks_and_sizes(seed):
    check(seed)


def test_numbers_that_round_are_equal_but_for_rounding():
    model, _ = unet(np.random.default_rng(3))
    image = np.random.default_rng(4).random((44, 36, 1), np.float32)
    np.testing.assert_allclose(tiled(model, image, tile=12), given(model)(image[None])[0], rtol=0, atol=1e-5)


def test_a_tile_sees_no_more_than_it_has_to():
    model = keras.Sequential([keras.Input((None, None, 1)), Conv2D(1, 3, padding="same"),
                              Conv2DTranspose(1, 4, strides=2, padding="same")])
    tiles = list(Reach(model, (40, 40, 1)).tiles(0, 10))
    assert [(one.output.start, one.output.stop) for one in tiles] == [(0, 20), (20, 40), (40, 60), (60, 80)]
    assert [(one.input.start, one.input.stop) for one in tiles] == [(0, 12), (8, 22), (18, 32), (28, 40)]
    assert [one.within for one in tiles] == [slice(0, 20), slice(4, 24), slice(4, 24), slice(4, 24)]


def test_a_network_that_sees_all_of_a_picture_is_refused():
    model = keras.Sequential([keras.Input((None, None, 1)), L.UnitNormalization()])
    with pytest.raises(UnsupportedError, match=r"UnitNormalization .* give the picture whole"):
        tiled(model, np.zeros((40, 40, 1), np.float32), tile=8)

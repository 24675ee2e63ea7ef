"""Upsampling layers on whatever backend Keras has: equal to Keras' own, to PyTorch's and to our NumPy functions."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from tconv import conv_transpose  # noqa: E402
from tconv import resize as plain  # noqa: E402
from tconv.errors import SettingError, ShapeError  # noqa: E402
from tconv.keras import resize_conv as convolving  # noqa: E402
from tconv.keras import upsampling as layers  # noqa: E402

BACKEND = keras.backend.backend()
GRIDS = {1: (5,), 2: (3, 4), 3: (2, 3, 4)}
CONVENTION = BACKEND if BACKEND in plain.CONVENTIONS else "keras"


def whole_numbers(shape, seed=0):
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(np.float32)


def values(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def pictures(rank, channels, data_format="channels_last"):
    x = whole_numbers((2, *GRIDS[rank], channels))
    return np.ascontiguousarray(np.moveaxis(x, -1, 1)) if data_format == "channels_first" else x


def last(array, data_format):
    return np.moveaxis(array, 1, -1) if data_format == "channels_first" else array


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("size", [2, (2, 3), (1, 4)])
@pytest.mark.parametrize("interpolation", plain.INTERPOLATIONS)
def test_two_dimensions_equal_keras(interpolation, size, data_format):
    x = pictures(2, 3, data_format)
    ours = layers.UpSampling2D(size, data_format=data_format, interpolation=interpolation)
    if BACKEND == "torch" and interpolation.startswith("lanczos"):
        theirs = np.moveaxis(plain.resize(last(x, data_format), factor=size, interpolation=interpolation),
                             *((-1, 1) if data_format == "channels_first" else (-1, -1)))
        np.testing.assert_allclose(values(ours(x)), theirs, atol=1e-4)
    else:
        theirs = keras.layers.UpSampling2D(size, data_format=data_format, interpolation=interpolation)
        assert np.array_equal(values(ours(x)), values(theirs(x)))
    assert ours.compute_output_shape(x.shape) == ours(x).shape


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_one_and_three_dimensions_equal_keras(data_format):
    x = pictures(3, 2, data_format)
    ours = layers.UpSampling3D((2, 1, 3), data_format)
    theirs = keras.layers.UpSampling3D((2, 1, 3), data_format)
    assert np.array_equal(values(ours(x)), values(theirs(x)))
    line = pictures(1, 2)
    assert np.array_equal(values(layers.UpSampling1D(3)(line)), values(keras.layers.UpSampling1D(3)(line)))


@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("interpolation", plain.INTERPOLATIONS)
def test_other_ranks_interpolate_axis_by_axis(rank, interpolation, data_format):
    x, size = pictures(rank, 2, data_format), (2, 3, 2)[:rank]
    layer = getattr(layers, f"UpSampling{rank}D")(size if rank > 1 else 2, data_format, interpolation)
    convention = "keras" if interpolation == "nearest" or interpolation.startswith("lanczos") else CONVENTION
    expected = plain.resize(last(x, data_format), factor=size, interpolation=interpolation, convention=convention)
    np.testing.assert_allclose(last(values(layer(x)), data_format), expected, atol=1e-4)
    assert layer.compute_output_shape(x.shape) == tuple(layer(x).shape)


def test_sizes_that_are_not_known_yet_stay_open():
    assert layers.UpSampling2D((2, 3)).compute_output_shape((None, None, 4, 5)) == (None, None, 12, 5)
    layer = layers.UpSampling3D(2, interpolation="bilinear")
    model = keras.Sequential([keras.Input((None, None, None, 1)), layer])
    assert model.output_shape == (None, None, None, None, 1)
    assert model.predict(np.ones((1, 2, 3, 2, 1), np.float32), verbose=0).shape == (1, 4, 6, 4, 1)


@pytest.mark.parametrize("order", plain.ORDERS)
@pytest.mark.parametrize("size", [(3,), (2, 3), (2, 1, 2)])
def test_shuffling_equals_the_plain_one(order, size):
    x = whole_numbers((2, *GRIDS[len(size)], int(np.prod(size)) * 2))
    assert np.array_equal(values(layers.pixel_shuffle(keras.ops.convert_to_tensor(x), size, order)),
                          plain.pixel_shuffle(x, size, order=order))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_resize_conv_is_a_resize_and_a_convolution(rank, data_format):
    x = pictures(rank, 2, data_format)
    layer = convolving.ResizeConv(3, 3, 2, data_format, kernel_initializer="random_normal", bias_initializer="ones")
    y = values(layer(x))
    stamp, setting = plain.resize_conv_as_transposed(values(layer.convolution.kernel), 2)
    expected = conv_transpose(last(x, data_format), stamp, np.ones(3, np.float32), stride=2,
                              crop=[axis.crop for axis in setting.axes])
    np.testing.assert_allclose(last(y, data_format), expected, atol=1e-4)
    assert layer.compute_output_shape(x.shape) == y.shape


@pytest.mark.parametrize("order", plain.ORDERS)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(("rank", "size"), [(1, 3), (2, (2, 3)), (3, 2)])
def test_subpixel_conv_starts_as_a_nearest_resize(rank, size, order, data_format):
    x = pictures(rank, 2, data_format)
    layer = convolving.SubpixelConv(2, 3, size, data_format, order)
    y = last(values(layer(x)), data_format)
    firsts = y[(slice(None), *(slice(None, None, s) for s in np.broadcast_to(size, rank)))]
    assert y.std() > 0.1
    np.testing.assert_allclose(y, plain.resize(firsts, factor=size), atol=1e-5)
    assert layer.compute_output_shape(x.shape) == tuple(layer(x).shape)


def test_subpixel_conv_is_a_convolution_and_pytorchs_shuffle():
    torch = pytest.importorskip("torch")
    x = whole_numbers((2, 4, 5, 3))
    layer = convolving.SubpixelConv(2, 3, 2, order="CRD", kernel_initializer="random_normal")
    y = values(layer(x))
    weight = torch.tensor(values(layer.convolution.kernel)).permute(3, 2, 0, 1)
    flat = torch.nn.functional.conv2d(torch.from_numpy(x).permute(0, 3, 1, 2), weight, padding=1)
    expected = torch.nn.functional.pixel_shuffle(flat, 2).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(y, expected, atol=1e-4)


MADE = {
    "UpSampling1D": lambda: layers.UpSampling1D(3, interpolation="bicubic"),
    "UpSampling2D": lambda: layers.UpSampling2D((2, 3), interpolation="bilinear", name="up"),
    "UpSampling3D": lambda: layers.UpSampling3D((1, 2, 3), "channels_first"),
    "ResizeConv": lambda: convolving.ResizeConv(4, (3, 2), (2, 1), interpolation="bilinear", activation="relu",
                                                kernel_regularizer=keras.regularizers.L2(0.1), use_bias=False),
    "SubpixelConv": lambda: convolving.SubpixelConv(4, 3, 2, order="CRD", kernel_initializer="he_normal"),
}


@pytest.mark.parametrize("name", MADE)
def test_a_config_makes_the_same_layer_again(name):
    layer = MADE[name]()
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer)
    assert (again.name, again.get_config()) == (layer.name, layer.get_config())


def test_a_model_is_saved_and_loaded_whole(tmp_path):
    model = keras.Sequential([
        keras.Input((4, 5, 3)), convolving.SubpixelConv(4, 3, 2, activation="relu"),
        layers.UpSampling2D(2, interpolation="bicubic"),
        convolving.ResizeConv(2, 3, (1, 2), activation=keras.activations.tanh)])
    assert model.output_shape == (None, 16, 40, 2)
    model.save(tmp_path / "model.keras")
    x = whole_numbers((2, 4, 5, 3))
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_both_layers_train():
    model = keras.Sequential([keras.Input((4, 4, 1)), convolving.SubpixelConv(4, 3, 2), convolving.ResizeConv(1, 3, 1)])
    model.compile("adam", "mse")
    x = whole_numbers((8, 4, 4, 1)) / 9
    y = plain.resize(x, factor=2, interpolation="bilinear")
    losses = model.fit(x, y, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("interpolation", plain.INTERPOLATIONS)
def test_gradients_pass_through_in_mixed_precision(interpolation):
    convolution = keras.layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones", dtype="mixed_bfloat16")
    model = keras.Sequential([keras.Input((4, 4, 1)), convolution,
                              layers.UpSampling2D(2, interpolation=interpolation, dtype="mixed_bfloat16")])
    model.compile(keras.optimizers.SGD(2.0**-6), loss=lambda y, p: keras.ops.sum(p))
    model.fit(np.ones((1, 4, 4, 1), np.float32), np.ones((1, 8, 8, 1), np.float32), verbose=0)
    assert values(convolution.kernel).item() == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(("make", "error", "says"), [
    (lambda: layers.UpSampling2D(0), SettingError, "UpSampling2D: size is 0"),
    (lambda: layers.UpSampling1D(1.5), SettingError, "UpSampling1D: size is 1.5"),
    (lambda: layers.UpSampling2D((2, 2, 2)), SettingError, "3 values for 2 axes"),
    (lambda: layers.UpSampling2D(2, interpolation="cubic"), SettingError, "interpolation is 'cubic'.*bicubic"),
    (lambda: layers.UpSampling2D(2, "channels"), SettingError, "data_format is 'channels'"),
    (lambda: convolving.ResizeConv(0, 3), SettingError, "filters is 0"),
    (lambda: convolving.ResizeConv(1, 3, 0), SettingError, "size is 0"),
    (lambda: convolving.SubpixelConv(1, 3, order="RGB"), SettingError, "order is 'RGB'"),
    (lambda: convolving.ResizeConv(1, 3).compute_output_shape((1, 3, 3, 3, 3, 1)), ShapeError, "4 spatial axes"),
    (lambda: convolving.SubpixelConv(1, 3).compute_output_shape((1, 3)), ShapeError, "has to have a batch"),
])
def test_what_cannot_be_is_said_in_a_sentence(make, error, says):
    with pytest.raises(error, match=says):
        make()

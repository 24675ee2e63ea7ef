"""Max pooling with remembered places and its unpooling, against Keras' pooling and PyTorch's unpooling."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from tconv.errors import SettingError, ShapeError  # noqa: E402
from tconv.keras.unpooling import MaxPoolingWithIndices, MaxUnpooling, max_unpool  # noqa: E402

GRIDS = {1: (7,), 2: (6, 7), 3: (4, 5, 6)}
WINDOWS = [(2, None), (3, 2), (2, 3), (3, 1)]
RANKS = [1, 2, pytest.param(3, marks=pytest.mark.verify)]


def distinct(shape, seed=0):
    """Odd numbers, so none of them zero."""
    return np.random.default_rng(seed).permutation(int(np.prod(shape))).reshape(shape).astype(np.float32) * 2 - 99


def values(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor))


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("pool", "strides"), WINDOWS)
def test_the_values_are_those_of_keras(rank, padding, pool, strides):
    x = distinct((2, *GRIDS[rank], 3))
    got, places = map(values, MaxPoolingWithIndices(pool, strides, padding)(x))
    theirs = getattr(keras.layers, f"MaxPooling{rank}D")(pool, strides, padding)(x)
    assert np.array_equal(got, values(theirs))
    flat = x.reshape(2, -1, 3)
    assert np.array_equal(np.take_along_axis(flat, places.reshape(2, -1, 3), 1).reshape(got.shape), got)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize(("pool", "strides"), WINDOWS)
def test_places_and_unpooling_are_those_of_pytorch(rank, pool, strides):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    x = distinct((2, 3, *GRIDS[rank]))
    settings = {"kernel_size": pool, "stride": strides}
    theirs, where = getattr(functional, f"max_pool{rank}d")(torch.from_numpy(x), return_indices=True, **settings)
    got, places = MaxPoolingWithIndices(pool, strides, data_format="channels_first")(x)
    assert np.array_equal(values(got), theirs.numpy())
    assert np.array_equal(values(places), where.numpy())
    back = getattr(functional, f"max_unpool{rank}d")(theirs, where, output_size=GRIDS[rank], **settings).numpy()
    ours = values(MaxUnpooling(pool, strides, data_format="channels_first", output_size=GRIDS[rank])(got, places))
    shared = np.zeros((2, 3, int(np.prod(GRIDS[rank]))))
    for n, c in np.ndindex(2, 3):
        np.add.at(shared[n, c], where[n, c].numpy().ravel(), 1)
    assert np.array_equal(ours, back * np.maximum(shared, 1).reshape(back.shape))
    assert (shared.max() > 1) == (strides is not None and pool > strides)


def test_of_equal_values_the_first_is_remembered():
    _, places = MaxPoolingWithIndices(2)(np.ones((1, 2, 4, 1), np.float32))
    assert values(places).ravel().tolist() == [0, 2]


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_the_usual_size_comes_back_by_itself(padding):
    x = distinct((1, 6, 8, 2))
    got, places = MaxPoolingWithIndices(2, padding=padding)(x)
    y = values(MaxUnpooling(2, padding=padding)(got, places))
    assert y.shape == x.shape
    assert np.array_equal(y[y != 0], x[y != 0])
    assert np.array_equal(values(MaxPoolingWithIndices(2)(np.where(y == 0, -999, y))[0]), values(got))


def test_values_with_one_place_are_added():
    x, places = np.array([[[1.0], [2.0], [4.0]]], np.float32), np.array([[[3], [0], [3]]], np.int32)
    assert values(max_unpool(keras.ops.convert_to_tensor(x), places, (5,))).ravel().tolist() == [2, 0, 0, 5, 0]


def test_a_deconvnet_is_built_by_the_functional_api_saved_and_loaded(tmp_path):
    entry = keras.Input((None, None, 2))
    pooled, places = MaxPoolingWithIndices(2)(entry)
    assert pooled.shape == places.shape == (None, None, None, 2)
    assert places.dtype == "int32"
    model = keras.Model(entry, MaxUnpooling(2)(pooled, places))
    x = distinct((3, 4, 6, 2))
    y = model.predict(x, verbose=0)
    assert np.array_equal(y[y != 0], x[y != 0])
    assert (y != 0).sum() == 3 * 2 * 3 * 2
    model.save(tmp_path / "model.keras")
    assert np.array_equal(keras.saving.load_model(tmp_path / "model.keras").predict(x, verbose=0), y)


def test_the_gradient_goes_to_the_remembered_place():
    x, dense = keras.Input((4, 4, 1)), keras.layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones")
    pooled, places = MaxPoolingWithIndices(2)(dense(x))
    model = keras.Model(x, MaxUnpooling(2)(pooled, places))
    model.compile(keras.optimizers.SGD(1.0), loss=lambda true, got: keras.ops.sum(got))
    array = distinct((1, 4, 4, 1))
    maxima = array.reshape(2, 2, 2, 2).max((1, 3)).sum()
    model.fit(array, array, verbose=0)
    assert 1 - values(dense.kernel).item() == maxima


@pytest.mark.parametrize("made", [MaxPoolingWithIndices((2, 3), 2, "same", "channels_first"),
                                  MaxUnpooling((2, 3), 2, output_size=(5, 7))])
def test_a_config_makes_the_same_layer_again(made):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
    assert type(again) is type(made)
    assert again.get_config() == made.get_config()


@pytest.mark.parametrize(("make", "error", "says"), [
    (lambda: MaxPoolingWithIndices(0)(distinct((1, 4, 1))), SettingError, "pool_size is 0"),
    (lambda: MaxPoolingWithIndices((2, 2))(distinct((1, 4, 1))), SettingError, "2 values for 1 axis"),
    (lambda: MaxPoolingWithIndices(2, padding="full"), SettingError, "padding is 'full'"),
    (lambda: MaxPoolingWithIndices(5)(keras.Input((4, 4, 1))), ShapeError, "does not fit"),
    (lambda: MaxPoolingWithIndices(5)(distinct((1, 4, 1))), ShapeError, "does not fit"),
    (lambda: MaxUnpooling(output_size=(0,)), SettingError, "output_size is 0"),
    (lambda: MaxUnpooling()(distinct((1, 4, 1)), np.zeros((1, 3, 1), np.int32)), ShapeError, "have to be the same"),
])
def test_what_cannot_be_is_said_in_a_sentence(make, error, says):
    with pytest.raises(error, match=says):
        make()

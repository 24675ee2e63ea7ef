"""A trained network as files that others run: the same numbers, from programs that know nothing of this package."""

import numpy as np
import pytest

pytest.importorskip("keras")

import keras

from tconv.errors import DataError, UnsupportedError
from tconv.keras import Conv2D, Conv2DTranspose, ResizeConv, SubpixelConv, UpSampling2D
from tconv.keras.crop_like import CropLike
from tconv.recipes.autoencoder import narrow, network
from tconv.recipes.export import FORMATS, export

L = keras.layers


def everything():
    """Each layer that recipes are built of, at sizes that stay open."""
    taken = x = L.Input((None, None, 3))
    x = Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x)
    x = L.PReLU(shared_axes=(1, 2))(L.BatchNormalization()(x))
    kept = x
    x = L.MaxPooling2D(2, padding="same")(x)
    x = Conv2D(8, 3, dilation_rate=2, padding="same", groups=2, activation="leaky_relu")(x)
    x = CropLike()([Conv2DTranspose(4, 3, strides=2, padding="same")(L.Dropout(0.5)(x)), kept])
    x = L.Concatenate()([x, kept, Conv2D(2, 4, padding="same")(kept)])
    x = L.LeakyReLU(0.1)(ResizeConv(4, 3, activation="relu")(x))
    x = L.Add()([x, SubpixelConv(4, 3)(kept), UpSampling2D(2)(Conv2D(4, 1)(kept))])
    return keras.Model(taken, L.Softmax()(Conv2DTranspose(3, 5, strides=3, padding="same")(x)))


def generator():
    return keras.Sequential([keras.Input((7,)), L.Dense(3 * 3 * 4), L.Reshape((3, 3, 4)), L.ReLU(),
                             Conv2DTranspose(2, 4, strides=2, padding="same", activation="tanh"), L.Flatten(),
                             L.Dense(5)])


MODELS = {"the article's": network, "tied": lambda: narrow((4, 4), (2, 3), tied=True), "everything": everything,
          "generator": generator}


def shaken(model):
    """Weights that are not what layers begin with, so that a mean or a bias that is lost is seen."""
    draw = np.random.default_rng(0)
    for variable in model.weights:
        if "seed" not in variable.path:
            variable.assign(draw.uniform(0.01, 0.15, variable.shape))
    return model


@pytest.mark.parametrize("name", MODELS)
def test_onnx_runtime_gives_the_same_numbers(name, tmp_path):
    pytest.importorskip("onnxruntime")
    assert export(shaken(MODELS[name]()), tmp_path / "model.onnx", "onnx").difference < 1e-5


@pytest.mark.parametrize("name", ["tied", pytest.param("generator", marks=pytest.mark.verify),
                                  pytest.param("the article's", marks=pytest.mark.verify)])
def test_keras_alone_gives_the_same_numbers(name, tmp_path):
    assert export(shaken(MODELS[name]()), tmp_path / "model.keras", "keras").difference < 1e-5


def test_shuffles_and_resizes_have_stock_layers(tmp_path):
    model = shaken(keras.Sequential([keras.Input((None, None, 2)), ResizeConv(4, 3), SubpixelConv(2, 3),
                                     SubpixelConv(2, 3, order="CRD")]))
    assert export(model, tmp_path / "model.keras", "keras").difference < 1e-5


@pytest.mark.verify
def test_tensorflow_alone_gives_the_same_numbers(tmp_path):
    pytest.importorskip("tensorflow")
    assert export(shaken(narrow((4, 4), (3,))), tmp_path / "model", "savedmodel").difference < 1e-5


def test_what_no_stock_layer_can_is_said(tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 2)), Conv2DTranspose(2, 3, groups=2)])
    with pytest.raises(UnsupportedError, match="has groups, which Keras' own layer has not; export to onnx instead"):
        export(model, tmp_path / "model.keras", "keras")
    model = keras.Sequential([keras.Input((8, 8, 2)), L.UnitNormalization()])
    with pytest.raises(UnsupportedError, match=r"UnitNormalization .* is not known in ONNX here; export to keras"):
        export(model, tmp_path / "model.onnx", "onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_gives_other_numbers_is_not_passed_off(tmp_path, monkeypatch):
    monkeypatch.setitem(FORMATS, "onnx", FORMATS["onnx"].__class__(".onnx", FORMATS["onnx"].write,
                                                                    lambda _, inputs: inputs))
    with pytest.raises(DataError, match="gives other numbers than the network"):
        export(network(), tmp_path / "model.onnx", "onnx")

"""A frozen Keras model computes what the model did, with fewer layers."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")
ours = pytest.importorskip("tconv.keras")
layers = keras.layers


def integers(*shape, seed=0):
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32)


def whole(model):
    """Small whole numbers for weights, and statistics that divide evenly."""
    for number, weight in enumerate(model.weights):
        weight.assign(0.25 * np.ones(weight.shape) if weight.name == "moving_variance" else
                      integers(*weight.shape, seed=number))
    return model


def chain(*stack, grid=(6, 5), channels=2, first=False):
    shape = (channels, *grid) if first else (*grid, channels)
    return whole(keras.Sequential([keras.Input(shape), *stack]))


def norm(**options):
    return layers.BatchNormalization(epsilon=0.0, **options)


@pytest.mark.parametrize(("stack", "kinds"), [
    (lambda: [layers.Conv2D(3, 3), norm(), layers.ReLU()], ["Conv2D"]),
    (lambda: [layers.Conv2D(4, 3, strides=2, padding="same", groups=2, use_bias=False), norm()], ["Conv2D"]),
    (lambda: [layers.Conv2DTranspose(3, 3, strides=2, padding="same"), norm(scale=False), layers.LeakyReLU(0.5)],
     ["Conv2DTranspose"]),
    (lambda: [ours.Conv2DTranspose(4, 4, strides=2, padding=1, groups=2), norm(center=False)], ["Conv2DTranspose"]),
    (lambda: [layers.UpSampling2D(), layers.Conv2D(3, 3, padding="same", activation="relu")], ["Conv2DTranspose"]),
    (lambda: [layers.UpSampling2D((2, 3)), layers.ZeroPadding2D(((1, 0), (2, 1))), layers.Conv2D(3, (3, 2)), norm()],
     ["Conv2DTranspose"]),
    (lambda: [layers.UpSampling2D(interpolation="bilinear"), layers.Conv2D(3, 3)], ["UpSampling2D", "Conv2D"]),
    (lambda: [layers.UpSampling2D(), layers.Conv2D(3, 3, strides=2)], ["UpSampling2D", "Conv2D"]),
    (lambda: [ours.ResizeConv(3, 3, size=2), norm()], ["Conv2DTranspose", "BatchNormalization"]),
    (lambda: [layers.Conv2D(3, 3, activation="relu"), norm()], ["Conv2D", "BatchNormalization"]),
    (lambda: [layers.Conv2D(3, 3), layers.Dropout(0.5), layers.ReLU(max_value=6)], ["Conv2D", "Dropout", "ReLU"]),
])
def test_neighbours_go_into_the_convolution(stack, kinds):
    model = chain(*stack())
    made = ours.accelerate(model, freeze=True)
    x = integers(2, 6, 5, 2)
    np.testing.assert_allclose(made.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-4)
    assert [type(layer).__name__ for layer in made.layers] == kinds
    assert not made.trainable_weights


def test_one_axis_causal_and_three_and_channels_first():
    line = chain(layers.UpSampling1D(3), layers.Conv1D(3, 4, padding="causal"), norm(), grid=(5,))
    volume = chain(layers.UpSampling3D(), layers.Conv3D(2, 3, padding="same"), grid=(2, 3, 2))
    first = chain(layers.ZeroPadding2D(1, data_format="channels_first"),
                  layers.Conv2D(3, 3, data_format="channels_first"), norm(axis=1), layers.ReLU(), first=True)
    for model, x in ((line, integers(2, 5, 2)), (volume, integers(1, 2, 3, 2, 2))):
        made = ours.accelerate(model, freeze=True)
        assert len(made.layers) == 1
        np.testing.assert_array_equal(made.predict(x, verbose=0), model.predict(x, verbose=0))
    made = ours.accelerate(first, freeze=True)
    assert len(made.layers) == 1
    assert made.layers[0].padding == ((1, 1), (1, 1))
    x = integers(2, 2, 6, 5)
    given = ours.accelerate(first).predict(x, verbose=0)
    np.testing.assert_allclose(made.predict(x, verbose=0), given, atol=1e-4)


def test_branches_shared_layers_and_models_within_models():
    inputs = keras.Input((8, 8, 1))
    shared = layers.Conv2D(1, 3, padding="same")
    seen = layers.Conv2D(2, 3, padding="same")(inputs)
    inner = chain(layers.UpSampling2D(), layers.Conv2D(2, 3, padding="same"), layers.ReLU(), grid=(8, 8))
    x = layers.ReLU()(shared(layers.ReLU()(shared(inputs))))
    x = layers.Concatenate()([x, layers.BatchNormalization(epsilon=0.0)(seen), seen])
    x = inner(layers.ReLU()(layers.Conv2D(2, 1)(x)))
    model = whole(keras.Model(inputs, [x, seen]))
    before = [np.array(weight) for weight in model.get_weights()]
    made = ours.accelerate(model, freeze=True)
    for got, want in zip(made.predict(integers(2, 8, 8, 1), verbose=0), model.predict(integers(2, 8, 8, 1), verbose=0)):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-3)
    kinds = [type(layer).__name__ for layer in made._flatten_layers()]
    assert kinds.count("Conv2DTranspose") == 1
    assert kinds.count("BatchNormalization") == 1
    assert kinds.count("ReLU") == 2
    for was, now in zip(before, model.get_weights()):
        np.testing.assert_array_equal(was, now)


def test_a_frozen_model_is_saved_and_loaded(tmp_path):
    made = ours.accelerate(chain(layers.UpSampling2D(), layers.Conv2D(3, 3), norm(), layers.LeakyReLU(0.5)),
                           freeze=True)
    made.save(tmp_path / "frozen.keras")
    again = keras.saving.load_model(tmp_path / "frozen.keras")
    x = integers(1, 6, 5, 2)
    np.testing.assert_array_equal(again.predict(x, verbose=0), made.predict(x, verbose=0))

"""`accelerate`: the same architecture and weights, our layers, whatever the model is made of."""

import numpy as np
import pytest

from tconv.errors import UnsupportedError

keras = pytest.importorskip("keras")
ours = pytest.importorskip("tconv.keras")
layers = keras.layers


def integers(*shape, seed=0):
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32)


@keras.saving.register_keras_serializable("tests")
class Block(layers.Layer):
    """A layer that makes its convolution itself."""

    def __init__(self, filters, **options):
        super().__init__(**options)
        self.filters = filters
        self.convolution = layers.Conv2D(filters, 3, padding="same")

    def build(self, shape):
        self.convolution.build(shape)

    def call(self, x):
        return x + self.convolution(x)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


@keras.saving.register_keras_serializable("tests")
class Own(keras.Model):
    """A model of a class of its own."""

    def __init__(self, **options):
        super().__init__(**options)
        self.block = Block(1)

    def build(self, shape):
        self.block.build(shape)

    def call(self, x):
        return self.block(x)


def sequential():
    return keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3, strides=2, padding="same"),
                             layers.Conv2DTranspose(1, 3, strides=2, padding="same")])


def branching():
    inputs = keras.Input((8, 8, 1))
    shared = layers.Conv2D(1, 3, padding="same", name="shared")
    x = layers.Concatenate()([shared(shared(inputs)), sequential()(inputs)])
    return keras.Model(inputs, layers.Lambda(lambda x: 2 * x)(layers.Conv2DTranspose(1, 2, strides=2)(x)))


def wrapping():
    return keras.Sequential([keras.Input((8, 8, 1)), layers.TimeDistributed(layers.Conv1D(2, 3))])


def containing():
    return keras.Sequential([keras.Input((8, 8, 1)), Block(1)])


def own():
    model = Own()
    model.build((None, 8, 8, 1))
    return model


MODELS = {"sequential": (sequential, 2), "branching, shared, nested": (branching, 4), "wrapping": (wrapping, 1),
          "containing": (containing, 1), "of its own class": (own, 1)}


@pytest.mark.parametrize(("make", "count"), MODELS.values(), ids=MODELS)
def test_the_twin_has_our_layers_and_the_same_values(make, count):
    model = make()
    model.set_weights([integers(*v.shape, seed=number) for number, v in enumerate(model.weights)])
    before = [type(layer) for layer in model._flatten_layers()]
    twin = ours.accelerate(model)
    kinds = [type(layer) for layer in twin._flatten_layers()]
    assert sum(kind.__module__.startswith("tconv.") for kind in kinds) == count
    assert not {layers.Conv1D, layers.Conv2D, layers.Conv2DTranspose} & set(kinds)
    assert [type(layer) for layer in model._flatten_layers()] == before
    x = integers(2, 8, 8, 1)
    np.testing.assert_array_equal(twin.predict(x, verbose=0), model.predict(x, verbose=0))


def test_a_shared_layer_stays_shared():
    model = branching()
    assert len(ours.accelerate(model).weights) == len(model.weights)


def test_the_twin_is_trained_without_the_other():
    model = sequential()
    twin = ours.accelerate(model)
    before = model.get_weights()
    twin.compile("sgd", "mse")
    twin.fit(integers(4, 8, 8, 1), integers(4, 8, 8, 1, seed=1), verbose=0)
    for was, now, trained in zip(before, model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)
        assert (trained != was).any()


def test_a_compiled_model_gives_a_compiled_one():
    model = sequential()
    model.compile(keras.optimizers.Adam(0.25), "mse")
    twin = ours.accelerate(model)
    assert twin.compiled
    assert float(keras.ops.convert_to_numpy(twin.optimizer.learning_rate)) == 0.25


def test_a_twin_is_saved_and_loaded(tmp_path):
    twin = ours.accelerate(sequential())
    twin.save(tmp_path / "twin.keras")
    again = keras.saving.load_model(tmp_path / "twin.keras")
    assert [type(layer) for layer in again.layers] == [ours.Conv2D, ours.Conv2DTranspose]
    x = integers(2, 8, 8, 1)
    np.testing.assert_array_equal(again.predict(x, verbose=0), twin.predict(x, verbose=0))


def test_a_layer_of_the_twin_takes_an_output_size():
    twin = ours.accelerate(sequential())
    assert twin.layers[1](integers(1, 4, 4, 2), output_size=7).shape == (1, 7, 7, 1)


def test_a_subclass_of_a_convolution_is_left_as_it_is():
    class Loud(layers.Conv2D):
        pass

    twin = ours.accelerate(keras.Sequential([keras.Input((8, 8, 1)), Loud(1, 3)]))
    assert type(twin.layers[0]) is Loud


def test_a_model_that_keras_cannot_copy_is_refused():
    class Closed(keras.Model):
        def __init__(self, filters):
            super().__init__()
            self.convolution = layers.Conv2D(filters.pop(), 3)

        def call(self, x):
            return self.convolution(x)

    model = Closed({1})
    model(integers(1, 8, 8, 1))
    with pytest.raises(UnsupportedError, match=r"accelerate: Keras cannot copy .* of class Closed"):
        ours.accelerate(model)

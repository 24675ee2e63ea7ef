"""Drop-in: the same signatures, variables, config, files and errors as Keras' own layers, on whatever backend runs."""

import inspect

import numpy as np
import pytest

from tconv.errors import SettingError, ShapeError

keras = pytest.importorskip("keras")
ours = pytest.importorskip("tconv.keras")

KINDS = [f"Conv{rank}D{kind}" for rank in (1, 2, 3) for kind in ("", "Transpose")]


def integers(*shape, seed=0):
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32)


def numpy(array):
    return keras.ops.convert_to_numpy(array)


def images(name, channels=2):
    return integers(2, *(5,) * int(name[4]), channels)


def filled(model):
    model.set_weights([integers(*v.shape, seed=number) for number, v in enumerate(model.weights)])
    return model


def network(room):
    return keras.Sequential([keras.Input((6, 6, 1)), room.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
                             room.Conv2DTranspose(1, 3, strides=2, padding="same")])


@pytest.mark.parametrize("name", KINDS)
def test_arguments_have_keras_names_order_and_defaults(name):
    values = {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1, "groups": 2,
              "data_format": "channels_first", "activation": "relu", "use_bias": False, "kernel_initializer": "ones",
              "bias_initializer": "ones", "kernel_regularizer": "l1", "bias_regularizer": "l2"}
    named = [p for p in inspect.signature(getattr(keras.layers, name)).parameters.values() if p.kind != p.VAR_KEYWORD]
    positional = [values.get(p.name, p.default) for p in named]
    theirs, mine = (getattr(room, name)(*positional, name="conv").get_config() for room in (keras.layers, ours))
    assert mine == {"groups": 1, **theirs}
    bare = getattr(keras.layers, name)(2, 3).get_config(), getattr(ours, name)(2, 3, name="conv").get_config()
    assert {**bare[1], "name": bare[0]["name"]} == {"groups": 1, **bare[0]}


@pytest.mark.parametrize("name", KINDS)
def test_variables_have_keras_names_shapes_and_paths(name):
    theirs, mine = (getattr(room, name)(4, 3, name="layer") for room in (keras.layers, ours))
    for layer in (theirs, mine):
        layer.build(images(name).shape)
    assert [(v.name, v.path, v.shape) for v in mine.weights] == [(v.name, v.path, v.shape) for v in theirs.weights]
    assert isinstance(mine, type(theirs))


@pytest.mark.parametrize("name", KINDS)
def test_a_config_makes_the_same_layer_again(name):
    padding = (1, 2) if name[4] == "1" else (1,) * int(name[4])
    layer = getattr(ours, name)(4, 3, strides=2, dilation_rate=2, padding=padding, groups=2, activation="relu")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()


def test_padding_and_groups_survive_a_saved_file(tmp_path):
    model = filled(keras.Sequential([keras.Input((5, 6, 4)),
                                     ours.Conv2D(4, 3, padding=(1, (0, 2)), strides=2, groups=2),
                                     ours.Conv2DTranspose(2, 4, strides=2, padding=((1, 0), (0, 1)), groups=2)]))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert [type(layer) for layer in again.layers] == [ours.Conv2D, ours.Conv2DTranspose]
    np.testing.assert_array_equal(again.predict(integers(2, 5, 6, 4), verbose=0),
                                  model.predict(integers(2, 5, 6, 4), verbose=0))


@pytest.mark.parametrize("direction", ["to ours", "to Keras'"])
def test_weights_go_both_ways_by_hand_and_by_file(direction, tmp_path):
    rooms = (keras.layers, ours) if direction == "to ours" else (ours, keras.layers)
    giver, by_hand, by_file = filled(network(rooms[0])), network(rooms[1]), network(rooms[1])
    by_hand.set_weights(giver.get_weights())
    giver.save_weights(tmp_path / "a.weights.h5")
    by_file.load_weights(tmp_path / "a.weights.h5")
    x = integers(2, 6, 6, 1)
    for taker in (by_hand, by_file):
        np.testing.assert_array_equal(taker.predict(x, verbose=0), giver.predict(x, verbose=0))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_shapes_with_open_sizes_are_those_of_keras(name, padding):
    theirs, mine = (getattr(room, name)(4, 3, strides=2, padding=padding) for room in (keras.layers, ours))
    for sizes in ((None,), (7,)):
        shape = (None, *sizes * int(name[4]), 2)
        assert mine.compute_output_shape(shape) == tuple(theirs.compute_output_shape(shape))


def test_a_symbolic_call_with_an_output_size_has_its_shape():
    inputs = keras.Input((3, 3, 2))
    outputs = ours.Conv2DTranspose(4, 3, strides=2, padding="same")(inputs, output_size=(5, 6))
    assert outputs.shape == (None, 5, 6, 4)
    assert keras.Model(inputs, outputs)(integers(2, 3, 3, 2)).shape == (2, 5, 6, 4)


def test_lora_is_inherited():
    layer = ours.Conv2D(3, 3)
    layer.build((None, 5, 5, 2))
    before = numpy(layer(images("Conv2D")))
    layer.enable_lora(2)
    assert [v.name for v in layer.trainable_variables] == ["bias", "lora_kernel_a", "lora_kernel_b"]
    np.testing.assert_array_equal(numpy(layer(images("Conv2D"))), before)
    layer.lora_kernel_a.assign(integers(*layer.lora_kernel_a.shape))
    layer.lora_kernel_b.assign(integers(*layer.lora_kernel_b.shape, seed=1))
    theirs = keras.layers.Conv2D(3, 3)
    theirs.build((None, 5, 5, 2))
    theirs.set_weights([numpy(layer.kernel), numpy(layer.bias)])
    np.testing.assert_allclose(numpy(layer(images("Conv2D"))), numpy(theirs(images("Conv2D"))), rtol=1e-4, atol=1e-4)


def test_the_layers_room_is_all_of_keras_layers_with_ours_in_place():
    from tconv.keras import layers
    from tconv.keras.layers import Convolution2DTranspose, Dense

    assert Dense is keras.layers.Dense
    assert Convolution2DTranspose is layers.Conv2DTranspose is ours.Conv2DTranspose
    assert set(dir(layers)) >= {name for name in dir(keras.layers) if not name.startswith("_")}
    assert ours.Sequential is keras.Sequential
    with pytest.raises(AttributeError, match="NoSuchLayer"):
        _ = layers.NoSuchLayer


def test_channels_first_with_as_many_columns_as_channels_puts_the_bias_on_the_channels():
    """Keras' own layer puts it on the columns there, on TensorFlow."""
    layer = ours.Conv2D(3, 1, data_format="channels_first")
    layer.build((None, 1, 3, 3))
    layer.set_weights([np.zeros((1, 1, 1, 3), np.float32), np.arange(3, dtype=np.float32)])
    np.testing.assert_array_equal(numpy(layer(integers(1, 1, 3, 3)))[0, :, 0, 0], [0, 1, 2])


@pytest.mark.parametrize(("name", "arguments", "error", "message"), [
    ("Conv2DTranspose", {"groups": 3}, SettingError, "filters is 4, which does not fall into groups=3"),
    ("Conv2DTranspose", {"groups": 0}, SettingError, "groups is 0"),
    ("Conv2DTranspose", {"padding": "causal"}, ValueError, "padding"),
    ("Conv2DTranspose", {"padding": (1, 2, 3)}, SettingError, "padding is"),
    ("Conv2DTranspose", {"dilation_rate": 0}, SettingError, "dilation_rate is 0"),
    ("Conv2DTranspose", {"output_padding": 2, "strides": 2}, ValueError, "output_padding"),
    ("Conv2D", {"dilation_rate": (1, 2, 3)}, SettingError, "dilation_rate is"),
    ("Conv2D", {"padding": 1.5}, SettingError, "crop is 1.5"),
    ("Conv2D", {"strides": 0}, ValueError, "strides"),
])
def test_settings_that_no_layer_can_have_are_refused(name, arguments, error, message):
    with pytest.raises(error, match=message):
        getattr(ours, name)(4, 3, **arguments)


@pytest.mark.parametrize(("name", "arguments", "shape", "message"), [
    ("Conv2DTranspose", {"groups": 2}, (1, 4, 4, 3), "channel count is 3"),
    ("Conv2DTranspose", {}, (1, 4, 4, 4, 3), "the input has shape"),
    ("Conv2DTranspose", {"padding": 3}, (1, 1, 1, 2), "leaves nothing"),
    ("Conv2D", {"padding": 1}, (1, 0, 4, 2), ""),
    ("Conv2D", {"kernel_size": 5}, (1, 4, 4, 2), "the kernel reaches over 5 samples, but 4 samples"),
])
def test_inputs_that_do_not_fit_are_refused(name, arguments, shape, message):
    layer = getattr(ours, name)(**{"filters": 4, "kernel_size": 3, **arguments})
    if not message:
        assert layer.compute_output_shape(shape) == (1, 0, 4, 4)
        return
    with pytest.raises((ShapeError, SettingError), match=message):
        layer(np.zeros(shape, np.float32))


def test_an_output_size_out_of_reach_is_refused():
    layer = ours.Conv2DTranspose(4, 3, strides=2, padding=1)
    with pytest.raises(ShapeError, match="output_size is 7 on axis 0, but 3 samples give 5 to 6"):
        layer(np.zeros((1, 3, 3, 2), np.float32), output_size=7)

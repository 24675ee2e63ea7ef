"""Models trained on PyTorch before Keras 3.15.0 compute again what they computed then.

`keras_before_3_15.json` holds what Keras 3.14.0 on PyTorch gave, layer by layer.
"""

import json
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from tconv import SettingError, UnsupportedError  # noqa: E402
from tconv.convert import changes, migrated  # noqa: E402

layers = keras.layers
OLD = json.loads(Path(__file__).with_name("keras_before_3_15.json").read_text())["layers"]
UNCHANGED = [(4, 2, None), (2, 3, None), (5, 3, 0)]


def said(row):
    return f"{row['kernel_size']}, {row['strides']}, {row['output_padding']}"


@pytest.mark.parametrize("row", OLD, ids=said)
def test_a_layer_gives_again_what_the_old_keras_gave(row):
    kind = getattr(layers, f"Conv{row['rank']}DTranspose")
    x = np.array(row["x"], np.float32)
    model = keras.Sequential([keras.Input(x.shape[1:]), kind(
        2, row["kernel_size"], strides=row["strides"], padding="same", output_padding=row["output_padding"])])
    model.set_weights([np.array(row["kernel"]), np.array(row["bias"])])
    want = np.array(row["y"])
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(migrated(model)(x)), want)
    agree = np.array_equal(keras.ops.convert_to_numpy(model(x)), want)
    assert agree == (not changes(model))
    assert agree == ((row["kernel_size"], row["strides"], row["output_padding"]) in UNCHANGED)


def nested():
    inner = keras.Sequential([keras.Input((4, 4, 2)), layers.Conv2DTranspose(2, 3, strides=2, padding="same")],
                             name="inner")
    inputs = keras.Input((4, 4, 2))
    x = layers.BatchNormalization()(inner(inputs))
    return keras.Model(inputs, layers.Conv2DTranspose(1, 5, strides=2, padding="same", name="last")(x))


def test_every_layer_of_a_model_that_changes_is_told_and_the_others_keep_their_weights():
    model = nested()
    assert [str(change) for change in changes(model)] == [
        "conv2d_transpose: a zero tap behind the kernel, 3x3 to 4x4".replace(
            "conv2d_transpose", model.get_layer("inner").layers[0].name),
        "last: a zero tap behind the kernel, 5x5 to 6x6"]
    model.set_weights([np.random.default_rng(0).uniform(0.5, 1.5, w.shape) for w in model.get_weights()])
    new = migrated(model)
    assert [w.shape for w in new.get_layer("last").get_weights()] == [(6, 6, 1, 2), (1,)]
    assert not changes(new)
    norm, was = (next(one for one in m.layers if isinstance(one, layers.BatchNormalization)) for m in (new, model))
    for a, b in zip(norm.get_weights(), was.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_a_model_on_which_both_agree_is_copied_as_it_is():
    model = keras.Sequential([keras.Input((4, 4, 2)), layers.Conv2DTranspose(3, 4, strides=2, padding="same"),
                              layers.Conv2DTranspose(3, 3, strides=2), layers.Conv2D(1, 3)])
    assert changes(model) == ()
    for a, b in zip(migrated(model).get_weights(), model.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_what_cannot_be_is_said_in_a_sentence():
    with pytest.raises(SettingError, match="migrated: model is of type int"):
        migrated(3)
    hidden = keras.Sequential([keras.Input((2, 4, 2)), layers.TimeDistributed(
        layers.Conv1DTranspose(1, 3, strides=2, padding="same", name="inside"))])
    with pytest.raises(UnsupportedError, match="migrated: inside lies within a layer"):
        migrated(hidden)
    even = keras.Sequential([keras.Input((4, 2)), layers.Conv1DTranspose(1, 4, padding="same", name="even")])
    for model in (even, keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2DTranspose(
            1, (3, 4), strides=(2, 3), padding="same", output_padding=1, name="even")])):
        with pytest.raises(UnsupportedError, match=r"no layer of Keras' own has the old meaning of even; .*tconv"):
            changes(model)

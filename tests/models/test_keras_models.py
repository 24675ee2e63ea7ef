"""Keras models: stored and live, functional, sequential and of a class of their own, with Keras' layers and ours."""

import pytest

pytest.importorskip("keras", reason="needs Keras: pip install 'tconv[keras]'")

import keras
from keras import layers

import tconv.keras as ours
from tconv.models import inspect, read

ONES = {"kernel_initializer": "ones"}  # random numbers take a compiler's time for each shape


def axes(fact):
    return [(axis.kernel, axis.stride, axis.crop) for axis in fact.spec.axes]


def decoder(size=8):
    inputs = keras.Input((size, size, 4))
    x = layers.Conv2DTranspose(6, 3, strides=2, padding="same", activation="relu", **ONES)(inputs)
    x = layers.BatchNormalization()(x)
    inner = keras.Sequential([layers.UpSampling2D(2), layers.Conv2D(5, 3, padding="same", **ONES)], name="inner")
    x = inner(x)
    return keras.Model(inputs, layers.UpSampling2D((1, 2), interpolation="bilinear")(x))


def told(found):
    return [(fact.where, fact.kind, fact.input, fact.output, fact.channels, fact.multiply_adds, fact.activation)
            for fact in found.upsampling]


WANT = [
    ("conv2d_transpose", "conv_transpose", (8, 8), (16, 16), (4, 6), 23**2 * 24, "relu"),
    ("inner/conv2d", "resize_conv", (16, 16), (32, 32), (6, 5), 94**2 * 30, ""),
    ("up_sampling2d_1", "resize", (32, 32), (32, 64), (5, 5), 0, ""),
]


@pytest.fixture(autouse=True)
def _afresh():
    keras.utils.clear_session()


def test_a_functional_model_with_a_model_inside_is_read():
    model = decoder()
    found = read(model)
    assert told(found) == WANT
    assert axes(found.layers[0]) == [(3, 2, (0, 1))] * 2
    assert (found.layers[0].kernel == keras.ops.convert_to_numpy(model.layers[1].kernel)).all()
    assert found.parameters == model.count_params()


def test_a_file_is_read_like_the_model(tmp_path):
    model = decoder()
    model.save(tmp_path / "decoder.keras")
    assert told(read(tmp_path / "decoder.keras")) == WANT


def test_open_sizes_are_given():
    inputs = keras.Input((None, None, 4))
    x = layers.Conv2D(6, 3, strides=2, padding="same", **ONES)(inputs)
    model = keras.Model(inputs, layers.Conv2DTranspose(2, 4, strides=2, padding="same", **ONES)(x))
    (fact,) = read(model).upsampling
    assert (fact.multiply_adds, axes(fact)) == (None, [(4, 2, (1, 1))] * 2)
    (fact,) = read(model, shape=(1, 16, 10, 4)).upsampling
    assert (fact.input, fact.output, fact.multiply_adds) == ((8, 5), (16, 10), 30 * 18 * 12)


def test_our_own_layers_are_read():
    inputs = keras.Input((6, 6, 4))
    x = ours.ResizeConv(6, 3, 2, **ONES)(inputs)
    x = ours.SubpixelConv(5, 3, 2, activation="relu")(x)
    last = ours.Conv2DTranspose(4, 5, strides=2, padding=((1, 2), (0, 0)), **ONES)
    model = keras.Model(inputs, last(x))
    resized, dealt, up = read(model).upsampling
    assert (resized.kind, resized.input, resized.resized, resized.output) == ("resize_conv", (6, 6), (12, 12), (12, 12))
    assert (dealt.kind, dealt.channels, dealt.output, dealt.order, dealt.activation) == (
        "conv_shuffle", (6, 5), (24, 24), "DCR", "relu")
    assert (axes(up), up.output) == ([(5, 2, (1, 2)), (5, 2, (0, 0))], (48, 51))
    assert inspect(model).layers[1].ripple < 1e-6  # it starts with every phase alike


class Block(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.first = layers.SeparableConv2D(6, 3, padding="same", depthwise_initializer="ones",
                                            pointwise_initializer="ones")
        self.second = layers.DepthwiseConv2D(3, strides=2, padding="same", activation="gelu",
                                             depthwise_initializer="ones")

    def build(self, shape):
        self.first.build(shape)
        self.second.build((*shape[:-1], 6))

    def call(self, x):
        return self.second(self.first(x))


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.block, self.up = Block(name="block"), layers.Conv2DTranspose(3, 2, strides=2, name="up", **ONES)

    def call(self, x):
        return self.up(self.block(x))


def test_classes_of_ones_own_are_traced():
    model = Own()
    model(keras.Input((8, 8, 4)))
    found = read(model)
    assert [(fact.kind, fact.groups, fact.input, fact.output, fact.activation) for fact in found.layers] == [
        ("conv", 4, (8, 8), (8, 8), ""), ("conv", 1, (8, 8), (8, 8), ""), ("conv", 6, (8, 8), (4, 4), "gelu"),
        ("conv_transpose", 1, (4, 4), (8, 8), "")]
    assert [fact.multiply_adds for fact in found.layers] == [22**2 * 4, 64 * 24, 11**2 * 6, 64 * 18]


def test_channels_first_is_read_too():
    model = keras.Sequential([keras.Input((4, 5, 7)), layers.Conv2DTranspose(
        3, 2, strides=2, data_format="channels_first", **ONES)])
    (fact,) = read(model).upsampling
    assert (fact.input, fact.output, fact.channels) == ((5, 7), (10, 14), (4, 3))


def test_a_model_that_is_not_built_says_so():
    found = read(keras.Sequential([layers.Conv1DTranspose(3, 4, strides=2)]))
    assert "build it" in found.notes[0]

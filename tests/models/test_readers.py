"""The same layers, said in every way that a model can say them, are the same facts."""

import numpy as np
import pytest

from tconv.models import read
from tests.models.graphs import integers, model, node


def only(proto, **options):
    (fact,) = read(proto, **options).upsampling
    return fact


def axes(fact):
    return [(axis.kernel, axis.stride, axis.dilation, axis.crop) for axis in fact.spec.axes]


ONNX_SETTINGS = {
    "pads": ({"pads": [1, 1, 1, 1]}, (1, 1)),
    "output_padding": ({"pads": [1, 1, 1, 1], "output_padding": [1, 1]}, (1, 0)),
    "same upper": ({"auto_pad": "SAME_UPPER"}, (0, 1)),
    "same lower": ({"auto_pad": "SAME_LOWER"}, (1, 0)),
    "output shape": ({"output_shape": [10, 10]}, (1, 0)),
    "valid": ({"auto_pad": "VALID"}, (0, 0)),
}


@pytest.mark.parametrize("name", ONNX_SETTINGS)
def test_every_way_to_crop_in_onnx_comes_to_a_crop(name):
    words, crop = ONNX_SETTINGS[name]
    fact = only(model([node("ConvTranspose", "x w", "y", strides=[2, 2], **words)], [("w", integers((4, 6, 3, 3)))]))
    assert axes(fact) == [(3, 2, 1, crop)] * 2
    assert fact.output == (11 - sum(crop),) * 2
    assert fact.arguments["strides"] == [2, 2]


def test_what_stands_around_a_layer_belongs_to_it():
    ones = np.ones(6, np.float32)
    nodes = [node("ConvTranspose", "x w", "a", name="up"), node("Add", "a bias", "b"),
             node("BatchNormalization", "b scale shift mean variance", "c", name="bn", epsilon=0.0),
             node("Sigmoid", "c", "gate"), node("Mul", "c gate", "y", name="silu")]
    weights = [("w", integers((4, 6, 2, 2))), ("bias", np.arange(6, dtype=np.float32).reshape(1, 6, 1, 1)),
               ("scale", 3 * ones), ("shift", 5 * ones), ("mean", 2 * ones), ("variance", 4 * ones)]
    fact = only(model(nodes, weights))
    assert (fact.where, fact.activation, fact.parts) == ("up", "silu", ("up", "Add:b", "bn", "silu"))
    assert fact.bias.tolist() == [0, 1, 2, 3, 4, 5]
    assert (fact.norm.scale.tolist(), fact.norm.shift.tolist()) == ([1.5] * 6, [2.0] * 6)
    assert fact.norm.folds


def test_what_another_node_takes_too_is_not_fused():
    nodes = [node("ConvTranspose", "x w", "a"), node("Relu", "a", "b"), node("Add", "a b", "y")]
    fact = only(model(nodes, [("w", integers((4, 6, 2, 2)))]))
    assert (fact.activation, fact.parts) == ("", (fact.where,))


def resized(mode="nearest", **attributes):
    made = node("Resize", "x none scales", "big", mode=mode, **attributes)
    made.input[1] = ""
    return made


SCALES = ("scales", np.array([1, 1, 2, 3], np.float32))


def test_a_resize_and_the_convolution_behind_it_are_one_layer():
    nodes = [resized(), node("Pad", "big pads", "wide", mode="reflect"), node("Conv", "wide w", "y", name="conv")]
    fact = only(model(nodes, [SCALES, ("pads", np.array([0, 0, 1, 1, 0, 0, 1, 1])), ("w", integers((6, 4, 3, 3)))]))
    assert (fact.kind, fact.where, fact.padding, fact.scale) == ("resize_conv", "conv", "reflect", (2, 3))
    assert (fact.input, fact.resized, fact.output) == ((5, 5), (10, 15), (10, 15))
    assert fact.multiply_adds == 10 * 15 * 9 * 24  # a reflected border holds numbers, and all are multiplied
    assert axes(fact) == [(3, 1, 1, (1, 1))] * 2


def test_a_convolution_and_the_shuffle_behind_it_are_one_layer():
    nodes = [node("Conv", "x w", "a", name="conv"), node("Relu", "a", "b"), node("DepthToSpace", "b", "y", blocksize=2)]
    fact = only(model(nodes, [("w", integers((12, 4, 1, 1)))]))
    assert (fact.kind, fact.channels, fact.shuffle, fact.order) == ("conv_shuffle", (4, 3), (2, 2), "DCR")
    assert (fact.input, fact.output, fact.activation, fact.multiply_adds) == ((5, 5), (10, 10), "relu", 25 * 48)


def test_nearest_by_concatenation_is_found_by_moving_numbers():
    nodes = [node("Unsqueeze", "x five", "a"), node("Concat", "a a", "b", axis=4), node("Reshape", "b wide", "c"),
             node("Unsqueeze", "c three", "d"), node("Concat", "d d", "e", axis=3), node("Reshape", "e both", "y")]
    weights = [("five", np.array([4])), ("three", np.array([3])), ("wide", np.array([1, 4, 5, 10])),
               ("both", np.array([1, 4, 10, 10]))]
    fact = only(model(nodes, weights))
    assert (fact.kind, fact.scale, fact.resize.way, fact.resize.interpolation) == (
        "resize", (2, 2), "concatenation", "nearest")


@pytest.mark.parametrize(("order", "split", "turn"), [
    ("DCR", [1, 2, 2, 3, 5, 5], [0, 3, 4, 1, 5, 2]), ("CRD", [1, 3, 2, 2, 5, 5], [0, 1, 4, 2, 5, 3])])
def test_a_pixel_shuffle_by_reshapes_is_found_by_moving_numbers(order, split, turn):
    nodes = [node("Reshape", "x split", "a"), node("Transpose", "a", "b", perm=turn), node("Reshape", "b whole", "y")]
    weights = [("split", np.array(split)), ("whole", np.array([1, 3, 10, 10]))]
    fact = only(model(nodes, weights, given=("x", (1, 12, 5, 5))))
    assert (fact.kind, fact.shuffle, fact.order) == ("shuffle", (2, 2), order)


def test_tiles_side_by_side_are_no_resize():
    nodes = [node("Concat", "x x", "y", axis=3)]
    assert read(model(nodes)).upsampling == ()


def test_constants_quantised_weights_and_functions_are_seen_through():
    nodes = [node("DequantizeLinear", "q scale zero", "w", axis=1), node("ConvTranspose", "x w", "y")]
    weights = [("q", np.full((4, 2, 2, 2), 5, np.int8)), ("scale", np.array([0.5, 2], np.float32)),
               ("zero", np.array([1, 0], np.int8))]
    fact = only(model(nodes, weights))
    assert fact.kernel[0, 0].tolist() == [[2.0] * 4, [10.0] * 4]


def test_a_kernel_that_the_model_computes_is_not_known_but_its_layer_is():
    nodes = [node("Mul", "w style", "v"), node("ConvTranspose", "x v", "y", strides=[2, 2])]
    proto = model(nodes, [("w", integers((4, 6, 3, 3)))], given=[("x", (1, 4, 5, 5)), ("style", (4, 1, 1, 1))])
    fact = only(proto)
    assert fact.kernel is None
    assert (axes(fact), fact.channels, fact.output, fact.multiply_adds) == (
        [(3, 2, 1, (0, 0))] * 2, (4, 6), (11, 11), 15**2 * 24)


def test_unknown_operators_in_the_rest_are_let_be():
    made = node("Magic", "x", "a")
    made.domain = "somewhere.else"
    proto = model([made, node("ConvTranspose", "a w", "y", strides=[2, 2])], [("w", integers((4, 6, 3, 3)))])
    proto.opset_import.add(domain="somewhere.else", version=1)
    fact = only(proto)
    assert (axes(fact), fact.channels, fact.input) == ([(3, 2, 1, (0, 0))] * 2, (4, 6), ())
    assert only(proto, shape={"a": (1, 4, 7, 7)}).output == (15, 15)


def test_reading_changes_nothing():
    proto = model([node("ConvTranspose", "x w", "y")], [("w", integers((4, 6, 3, 3)))], given=("x", (1, 4, "h", "w")))
    before = proto.SerializeToString()
    assert only(proto, shape=(1, 4, 8, 9)).output == (10, 11)
    assert proto.SerializeToString() == before

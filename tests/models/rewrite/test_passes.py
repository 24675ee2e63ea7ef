"""Each pass by itself: what it finds, what it leaves alone, and what the model says afterwards."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx and onnxruntime: pip install 'tconv[onnx]'")
pytest.importorskip("onnxruntime", reason="needs onnx and onnxruntime: pip install 'tconv[onnx]'")

from onnx import helper, numpy_helper

from tconv.models.rewrite import PASSES
from tconv.models.rewrite.graph import Graph, attributes, inferred
from tconv.models.rewrite.session import Runner
from tests.models.rewrite.graphs import model

RNG = np.random.default_rng(0)


def integers(*shape):
    return RNG.integers(-3, 4, shape).astype(np.float32)


def node(op, *inputs, to="y", **said):
    return helper.make_node(op, inputs, [to], **said)


def up(*inputs, to="y", **said):
    return node("ConvTranspose", *inputs, to=to, **said)


def done(name, before, way=None):
    """A model after one pass did all that it can, and whether it still computes the same."""
    graph = Graph(before, inferred(before))
    while (site := next(iter(PASSES[name].sites(graph)), None)) is not None:
        part = graph.part(site.where)
        site.ways[way or next(iter(site.ways))](part)
        graph.replace(site.nodes, part)
    after = graph.to_model()
    shape = [one.dim_value or 5 for one in before.graph.input[0].type.tensor_type.shape.dim]
    feed = {"x": integers(*shape)}
    for original, new in zip(Runner(before)(feed), Runner(after)(feed), strict=True):
        np.testing.assert_array_equal(new, original)
    return after


def found(name, before):
    return len(list(PASSES[name].sites(Graph(before, inferred(before)))))


def operators(after):
    return [one.op_type for one in after.graph.node]


def numbers(after):
    return {one.name: numpy_helper.to_array(one) for one in after.graph.initializer}


OPEN = [1, 2, "h", "w"]


def test_auto_pad_becomes_the_pads_that_it_stands_for_with_the_odd_one_at_the_end():
    before = model([up("x", "k", auto_pad="SAME_UPPER", strides=[2, 2])], {"k": integers(2, 3, 3, 3)}, OPEN)
    after = done("auto-pad", before)
    said = attributes(after.graph.node[0])
    assert "auto_pad" not in said
    assert (said["pads"], said["strides"]) == ([0, 0, 1, 1], [2, 2])


def test_a_kernel_smaller_than_the_stride_keeps_its_auto_pad_since_runtimes_disagree_on_it():
    before = model([up("x", "k", auto_pad="SAME_UPPER", strides=[3, 3])], {"k": integers(2, 3, 2, 2)}, OPEN)
    assert not any(found(name, before) for name in PASSES)


def test_output_shape_becomes_pads_where_the_size_is_fixed_and_stays_where_it_is_open():
    nodes, kernel = [up("x", "k", output_shape=[9, 10], strides=[2, 2])], {"k": integers(2, 3, 4, 4)}
    said = attributes(done("output-shape", model(nodes, kernel, [1, 2, 4, 5])).graph.node[0])
    assert "output_shape" not in said
    assert said["pads"] == [1, 1, 0, 1]
    assert found("output-shape", model(nodes, kernel, OPEN)) == 0


def test_output_padding_is_taken_off_the_pad_at_the_end():
    before = model([up("x", "k", pads=[1, 1, 1, 1], output_padding=[1, 1], strides=[2, 2])],
                   {"k": integers(2, 3, 3, 3)}, OPEN)
    said = attributes(done("output-padding", before).graph.node[0])
    assert said["pads"] == [1, 1, 0, 0]
    assert "output_padding" not in said


def test_output_padding_stays_where_there_is_nothing_to_take_it_off():
    before = model([up("x", "k", output_padding=[1, 1], strides=[2, 2])], {"k": integers(2, 3, 2, 2)}, OPEN)
    assert found("output-padding", before) == 0


def test_zero_taps_make_pads_even_and_output_padding_needless():
    before = model([up("x", "k", pads=[1, 1, 1, 1], output_padding=[1, 1], strides=[2, 2])],
                   {"k": integers(2, 3, 3, 3)}, OPEN)
    after = done("zero-tap", before)
    said = attributes(after.graph.node[0])
    assert (said["kernel_shape"], said["pads"]) == ([4, 4], [1, 1, 1, 1])
    assert "output_padding" not in said
    (kernel,) = numbers(after).values()
    assert not kernel[:, :, 3].any()
    assert not kernel[..., 3].any()


@pytest.mark.parametrize(("start", "end", "pads"), [(1, -2, [1, 0, 2, 0]), (0, 2**63 - 1, [0, 0, 0, 0]),
                                                     (3, 2**31 - 1, [3, 0, 0, 0])])
def test_a_slice_is_a_crop(start, end, pads):
    before = model([up("x", "k", to="a"), node("Slice", "a", "start", "end", "axes")],
                   {"k": integers(2, 3, 4, 4), "start": np.array([start]), "end": np.array([end]),
                    "axes": np.array([2])}, OPEN)
    after = done("crop", before)
    assert operators(after) == ["ConvTranspose"]
    assert attributes(after.graph.node[0])["pads"] == pads


def test_a_slice_to_a_place_stays_where_the_size_is_open():
    nodes = [up("x", "k", to="a"), node("Slice", "a", "start", "end", "axes")]
    arrays = {"k": integers(2, 3, 4, 4), "start": np.array([1]), "end": np.array([6]), "axes": np.array([3])}
    assert found("crop", model(nodes, arrays, OPEN)) == 0
    said = attributes(done("crop", model(nodes, arrays, [1, 2, 4, 5])).graph.node[0])
    assert said["pads"] == [0, 1, 0, 2]


@pytest.mark.parametrize(("mode", "value", "count"), [("constant", 0, 1), ("constant", 2, 0), ("edge", 0, 0)])
def test_only_zeros_become_pads(mode, value, count):
    pads = np.array([0, 0, 1, 2, 0, 0, 0, 1])
    before = model([node("Pad", "x", "pads", "value", to="a", mode=mode), node("Conv", "a", "k", pads=[1, 0, 0, 0])],
                   {"k": integers(3, 2, 2, 2), "pads": pads, "value": np.float32(value)}, OPEN)
    assert found("pad", before) == count
    if count:
        assert attributes(done("pad", before).graph.node[0])["pads"] == [2, 2, 0, 1]


@pytest.mark.parametrize("op", ["Conv", "ConvTranspose"])
@pytest.mark.parametrize("groups", [1, 2])
def test_a_batch_norm_is_in_the_kernel_of_each_group(op, groups):
    shape = (6, 4 // groups, 3, 3) if op == "Conv" else (4, 6 // groups, 3, 3)
    arrays = {"k": integers(*shape), "b": integers(6), "gamma": integers(6), "beta": integers(6), "mean": integers(6),
              "variance": 4.0 ** integers(6)}
    before = model([node(op, "x", "k", "b", to="a", group=groups),
                    node("BatchNormalization", "a", "gamma", "beta", "mean", "variance", epsilon=0.0)],
                   arrays, [1, 4, "h", "w"])
    assert operators(done("batch-norm", before)) == [op]


@pytest.mark.parametrize(("name", "op", "turned"), [("scale", "Mul", False), ("scale", "Mul", True),
                                                    ("scale", "Div", False), ("bias", "Add", True),
                                                    ("bias", "Sub", False), ("bias", "Sub", True)])
@pytest.mark.parametrize("shape", [(), (1,), (3, 1, 1), (1, 3, 1, 1)])
def test_what_is_multiplied_and_added_by_channel_is_in_the_layer(name, op, turned, shape):
    pair = ["n", "a"] if turned else ["a", "n"]
    before = model([up("x", "k", to="a", strides=[2, 2]), node(op, *pair)],
                   {"k": integers(2, 3, 3, 3), "n": np.float32(2.0 ** RNG.integers(-1, 3, shape))}, OPEN)
    assert operators(done(name, before)) == ["ConvTranspose"]


@pytest.mark.parametrize("shape", [(3,), (1, 1, 3, 3), (3, 1, 1, 1)])
def test_what_is_multiplied_along_another_axis_stays(shape):
    before = model([up("x", "k", to="a"), node("Mul", "a", "n")], {"k": integers(2, 3, 1, 1), "n": integers(*shape)},
                   OPEN)
    assert found("scale", before) == 0


def test_a_value_that_somebody_else_sees_stays():
    nodes = [up("x", "k", to="a"), node("Mul", "a", "n")]
    arrays = {"k": integers(2, 3, 2, 2), "n": integers(1, 3, 1, 1)}
    assert found("scale", model(nodes, arrays, OPEN)) == 1
    assert found("scale", model(nodes, arrays, OPEN, outputs=("a", "y"))) == 0
    assert found("scale", model([*nodes, node("Relu", "a", to="z")], arrays, OPEN, outputs=("y", "z"))) == 0


def test_a_value_that_a_nested_graph_sees_stays():
    body = helper.make_graph([node("Identity", "a", to="inner")], "body", [],
                             [helper.make_empty_tensor_value_info("inner")])
    nodes = [up("x", "k", to="a"), node("Mul", "a", "n"), node("If", "yes", to="z", then_branch=body, else_branch=body)]
    arrays = {"k": integers(2, 3, 2, 2), "n": integers(1, 3, 1, 1), "yes": np.array(True)}
    assert found("scale", model(nodes, arrays, OPEN, outputs=("y", "z"))) == 0


def test_a_kernel_of_two_layers_is_changed_for_one_only():
    before = model([up("x", "k", to="a"), node("Mul", "a", "n", to="b"), up("b", "k")],
                   {"k": integers(2, 2, 2, 2), "n": np.float32(2)}, OPEN)
    after = done("scale", before)
    first, second = (numbers(after)[one.input[1]] for one in after.graph.node)
    np.testing.assert_array_equal(first, 2 * second)


def test_an_input_with_a_default_is_no_constant():
    before = model([up("x", "k")], {"k": integers(2, 2, 2, 2)}, OPEN)
    before.graph.input.append(helper.make_tensor_value_info("k", 1, [2, 2, 2, 2]))
    assert not any(found(name, before) for name in PASSES)


def test_a_diagonal_kernel_becomes_a_group_for_each_channel():
    kernel = integers(4, 4, 4, 4) * np.eye(4, dtype=np.float32)[:, :, None, None]
    after = done("channels-apart", model([up("x", "k", strides=[2, 2])], {"k": kernel}, [1, 4, "h", "w"]))
    assert attributes(after.graph.node[0])["group"] == 4
    (held,) = numbers(after).values()
    np.testing.assert_array_equal(held[:, 0], kernel[range(4), range(4)])


@pytest.mark.parametrize("way", ["last axis first", "first axis first"])
def test_a_product_of_taps_becomes_a_layer_for_each_axis(way):
    taps = np.array([1, 3, 4, 3, 1], np.float32)
    kernel = np.broadcast_to(np.outer(taps, taps[:4]), (2, 1, 5, 4)).copy()
    before = model([up("x", "k", "b", strides=[4, 3], group=2, pads=[0, 1, 2, 3])],
                   {"k": kernel, "b": integers(2)}, OPEN)
    after = done("separable", before, way)
    assert sorted(array.shape for array in numbers(after).values()) == [(2,), (2, 1, 1, 4), (2, 1, 5, 1)]


def test_a_kernel_that_is_no_product_stays():
    assert found("separable", model([up("x", "k", group=2)], {"k": integers(2, 1, 5, 5)}, OPEN)) == 0


@pytest.mark.parametrize(("scales", "ways"), [((2, 2), 5), ((3, 2), 3), ((1, 4), 3)])
def test_repeated_cells_under_a_convolution_are_one_step(scales, ways):
    before = model([node("Resize", "x", "", "scales", to="a", mode="nearest", nearest_mode="floor",
                         coordinate_transformation_mode="asymmetric"),
                    node("Conv", "a", "k", "b", to="c", pads=[1, 1, 1, 1]), node("Relu", "c")],
                   {"k": integers(3, 2, 3, 3), "b": integers(3), "scales": np.array([1, 1, *scales], np.float32)}, OPEN)
    site = next(iter(PASSES["resize-conv"].sites(Graph(before, inferred(before)))))
    assert len(site.ways) == ways
    for way in site.ways:
        assert "Resize" not in operators(done("resize-conv", before, way))


def test_three_by_three_after_two_times_has_two_by_two_taps_in_each_phase():
    before = model([node("Resize", "x", "", "scales", to="a", mode="nearest", nearest_mode="floor",
                         coordinate_transformation_mode="asymmetric"), node("Conv", "a", "k", pads=[1, 1, 1, 1])],
                   {"k": integers(3, 2, 3, 3), "scales": np.array([1, 1, 2, 2], np.float32)}, OPEN)
    after = done("resize-conv", before, "a convolution for each phase, transposes")
    kernels = [array for array in numbers(after).values() if array.ndim == 4]
    assert [kernel.shape for kernel in kernels] == [(3, 2, 2, 2)] * 4
    assert sum(kernel.size for kernel in kernels) * 2.25 == 4 * 3 * 2 * 9


@pytest.mark.parametrize(("mode", "rounding", "count"), [
    ("asymmetric", "floor", 1), ("half_pixel", "round_prefer_floor", 1), ("half_pixel", "round_prefer_ceil", 1),
    ("asymmetric", "ceil", 0), ("asymmetric", "round_prefer_ceil", 0), ("align_corners", "floor", 0)])
def test_only_a_resize_that_repeats_cells_is_taken_for_one(mode, rounding, count):
    before = model([node("Resize", "x", "", "scales", to="a", mode="nearest", nearest_mode=rounding,
                         coordinate_transformation_mode=mode), node("Conv", "a", "k")],
                   {"k": integers(3, 2, 3, 3), "scales": np.array([1, 1, 2, 2], np.float32)}, OPEN)
    assert found("resize-conv", before) == count
    if count:
        done("resize-conv", before)


@pytest.mark.parametrize(("taps", "stride", "name"), [(2, 2, "blocks"), (3, 3, "blocks"), (1, 2, "blocks"),
                                                      (4, 2, "phases"), (3, 2, "phases"), (5, 2, "phases"),
                                                      (10, 5, "phases")])
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
def test_every_way_to_deal_out_phases_is_the_transposed_convolution(taps, stride, name, rank, groups):
    pads = [0 if taps <= stride else (taps - stride) // 2] * 2 * rank
    before = model([up("x", "k", "b", to="a", strides=[stride] * rank, group=groups, pads=pads), node("Relu", "a")],
                   {"k": integers(2, 4 // groups, *(taps,) * rank), "b": integers(4)}, [2, 2, *"abc"[:rank]])
    site = next(iter(PASSES[name].sites(Graph(before, inferred(before)))))
    for way in site.ways:
        assert "ConvTranspose" not in operators(done(name, before, way))


def test_a_kernel_as_large_as_the_stride_becomes_a_convolution_of_one_tap_and_depth_to_space():
    before = model([up("x", "k", strides=[2, 2])], {"k": integers(2, 3, 2, 2)}, OPEN)
    after = done("blocks", before)
    assert operators(after) == ["Conv", "DepthToSpace"]
    assert attributes(after.graph.node[0])["kernel_shape"] == [1, 1]

"""What is said of layers, and what it rests on: patterns, costs of cures, portability."""

import math

import numpy as np
import pytest

from tconv.geometry import Spec
from tconv.models import LayerFact, Norm, Resize, inspect
from tconv.models.findings import findings, ripple
from tconv.models.portability import ports
from tests.models.graphs import integers, model, node, run


def up(kernel, stride=2, crop=0, size=6, channels=(4, 6), **more):
    taps = (kernel,) * 2
    fact = LayerFact("up", "conv_transpose", "ConvTranspose", Spec.of(taps, stride=stride, crop=crop),
                     channels=channels, kernel=integers((*taps, channels[1], channels[0])), **more)
    return fact.at((size, size))


def kinds(fact):
    return [finding.kind for finding in findings(fact)]


def test_each_geometry_is_judged():
    assert kinds(up(3)) == ["overlap", "gains"]
    assert kinds(up(3, crop=((0, 1), (0, 1)))) == ["overlap", "gains", "asymmetric"]
    assert kinds(up(2, stride=3)) == ["overlap"]
    assert findings(up(2, stride=3))[0].level == "fault"
    assert kinds(up(4, crop=1)) == ["gains"]
    assert kinds(up(2)) == ["gains", "disjoint"]
    assert kinds(up(3, stride=1, crop=1)) == ["cropped"]


def test_the_cost_of_another_kernel_is_that_of_the_layer_of_the_same_size():
    found = findings(up(3, crop=((0, 1), (0, 1))))[0]
    assert found.multiply_adds == 17**2 * 24
    assert [cure.multiply_adds for cure in found.cures] == [17**2 * 24, 22**2 * 24, 12**2 * 9 * 24]


def test_a_kernel_of_equal_phases_prints_nothing_and_its_pattern_is_what_a_run_shows():
    kernel = np.ones((4, 3, 4, 4), np.float32) * integers((4, 3, 1, 1), 5)
    even = model([node("ConvTranspose", "x w", "y", strides=[2, 2])], [("w", kernel)], given=("x", (1, 4, 9, 9)))
    assert inspect(even).layers[0].ripple < 1e-6
    kernel = integers((4, 3, 4, 4), 6)
    proto = model([node("ConvTranspose", "x w", "y", strides=[2, 2])], [("w", kernel)], given=("x", (1, 4, 9, 9)))
    answers = []
    for channel in range(4):  # a flat input in one channel at a time: the middle shows the phases
        x = np.zeros((1, 4, 9, 9), np.float32)
        x[:, channel] = 1
        answers.append(run(proto, x=x)[0, :, 8:10, 8:10])
    shown = np.stack(answers)
    mean = shown.mean((2, 3), keepdims=True)
    want = math.sqrt(np.square(shown - mean).mean((2, 3)).sum() / np.square(mean).sum())
    assert inspect(proto).layers[0].ripple == pytest.approx(want)


def test_a_kernel_of_what_is_no_number_is_a_fault():
    fact = up(4, crop=1)
    fact.kernel[0, 0] = np.nan
    assert (findings(fact)[0].kind, findings(fact)[0].level, ripple(fact)) == ("broken", "fault", None)


def test_the_stack_prints_what_a_run_of_it_shows():
    """Two layers with a norm and activations, on large flat inputs: the middle shows one period."""
    rng = np.random.default_rng(3)
    first, second, third = (rng.standard_normal(shape).astype(np.float32) for shape in
                            ((4, 6, 4, 4), (5, 6, 3, 3), (5, 2, 4, 4)))
    scale, shift, mean, variance = (rng.uniform(0.5, 2, 6).astype(np.float32) for _ in range(4))
    resize = node("Resize", "b none scales", "c", mode="nearest")
    resize.input[1] = ""
    nodes = [node("ConvTranspose", "x first", "a", name="first", strides=[2, 2], pads=[1, 1, 1, 1]),
             node("BatchNormalization", "a scale shift mean variance", "n"), node("Relu", "n", "b"), resize,
             node("Conv", "c second", "d", pads=[1, 1, 1, 1]), node("Tanh", "d", "e"),
             node("ConvTranspose", "e third", "y", name="third", strides=[2, 2])]
    weights = [("first", first), ("second", second), ("third", third), ("scale", scale), ("shift", shift),
               ("mean", mean), ("variance", variance), ("scales", np.array([1, 1, 2, 2], np.float32))]
    proto = model(nodes, weights, given=("x", (16, 4, 12, 12)))
    told = inspect(proto).printed
    assert (told.first, told.last, told.period) == ("first", "third", (8, 8))
    flat = np.random.default_rng(0).standard_normal((16, 4)).astype(np.float32)
    shown = run(proto, x=np.broadcast_to(flat[:, :, None, None], (16, 4, 12, 12)).copy())[:, :, 40:48, 40:48]
    mean = shown.mean((2, 3), keepdims=True)
    strengths = np.square(shown - mean).mean((2, 3)).sum(1) / np.square(mean).sum((1, 2, 3))
    assert told.ripple == pytest.approx(math.sqrt(strengths.mean()), rel=1e-3)


def test_a_nearest_resize_and_a_convolution_cost_less_as_phases():
    """Up to the ends 2.25 times less: of 9 products with copies 4 are left."""
    spec = Spec.of((3, 3), crop=1)
    fact = LayerFact("c", "resize_conv", "Conv", spec, channels=(4, 6), kernel=integers((3, 3, 4, 6)),
                     resize=Resize("r", "nearest", (2, 2))).at((100, 100))
    (found,) = findings(fact)
    assert (found.kind, found.multiply_adds, found.cures[0].multiply_adds) == ("copies", 598**2 * 24, 398**2 * 24)
    mirrored = LayerFact("c", "resize_conv", "Conv", spec, channels=(4, 6), padding="reflect",
                         resize=Resize("r", "nearest", (2, 2))).at((100, 100))
    assert (findings(mirrored), mirrored.multiply_adds) == ((), 200**2 * 9 * 24)


def test_what_stands_behind_a_layer_is_to_be_folded():
    norm = Norm("bn", "batch", np.ones(6), np.zeros(6))
    assert kinds(up(4, stride=1, norm=norm, bias=np.zeros(6))) == ["fold", "idle bias"]
    assert kinds(up(4, stride=1, norm=Norm("n", "instance"))) == []


PORTS = {
    "even": (4, 1, {"keras": "native", "torch": "native", "onnx": "native", "tflite": "native"}),
    "keras' same": (3, (0, 1), {"keras": "native", "torch": "kernel", "onnx": "native", "onnxruntime-cuda": "cpu"}),
    "torch's output_padding": (3, (1, 0), {"torch": "native", "keras": "kernel", "onnxruntime-cuda": "cpu"}),
}


@pytest.mark.parametrize("name", PORTS)
def test_frameworks_are_told_apart(name):
    kernel, crop, want = PORTS[name]
    fact = up(kernel, crop=(crop, crop) if isinstance(crop, tuple) else crop)
    found = {port.target: port.kind for port in ports(fact)}
    assert {target: found[target] for target in want} == want


@pytest.mark.parametrize(("arguments", "target"), [
    ({"auto_pad": "SAME_UPPER"}, "onnxruntime <= 1.12"), ({"output_shape": [12, 12]}, "openvino <= 2025.3"),
    ({"padding": "same", "kernel_size": (3, 3)}, "keras < 3.15 on torch"),
])
def test_words_whose_meaning_changed_are_named(arguments, target):
    fact = up(3, crop=((0, 1), (0, 1)), arguments=arguments)
    assert target in [port.target for port in ports(fact) if port.kind == "differs"]
    assert target not in [port.target for port in ports(up(4, crop=1, arguments=arguments))]


def test_a_stack_with_a_layer_that_is_not_followed_is_not_judged():
    resize = node("Resize", "x none scales", "a", mode="nearest")
    resize.input[1] = ""
    nodes = [resize, node("Conv", "a first", "b"), node("Conv", "b second", "c"),
             node("DepthToSpace", "c", "d", blocksize=2), node("Conv", "d third", "y")]
    weights = [("scales", np.array([1, 1, 2, 2], np.float32)), ("first", integers((6, 4, 3, 3))),
               ("second", integers((12, 6, 1, 1))), ("third", integers((2, 3, 1, 1)))]
    found = inspect(model(nodes, weights))
    assert [layer.fact.kind for layer in found.layers] == ["resize_conv", "conv_shuffle"]
    assert found.printed is None

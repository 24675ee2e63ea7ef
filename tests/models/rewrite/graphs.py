"""Random ONNX graphs of decoders' layers, with whole numbers inside: what is equal is equal to the bit."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
MOST = 5000  # times that a graph may make its grid finer in all
WAYS_TO_RESIZE = (("asymmetric", "floor"), ("half_pixel", "round_prefer_floor"), ("half_pixel", "round_prefer_ceil"),
                  ("pytorch_half_pixel", "floor"), ("asymmetric", "round_prefer_floor"), ("asymmetric", "ceil"))


def model(nodes, numbers, shape, outputs=("y",), opset=OPSET, version=9):
    """A model of float32 with one input `x`; sizes that are text are left open."""
    graph = helper.make_graph(
        nodes, "test", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in numbers.items()])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    made.ir_version = version
    return made


class Drawing:
    """A graph that grows by one random layer after another."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.rank = int(self.rng.choice([1, 2, 2, 2, 3]))
        self.channels = self.first = self.whole(1, 4) * self.whole(1, 2)
        self.nodes, self.numbers, self.value, self.outputs = [], {}, "x", []
        self.size = [self.whole(3, 6) for _ in range(self.rank)]
        self.open = bool(self.rng.random() < 0.5)
        self.growth = 1

    def whole(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def chance(self, share):
        return bool(self.rng.random() < share)

    def number(self, array):
        name = f"n{len(self.numbers)}"
        self.numbers[name] = np.asarray(array)
        if self.chance(0.2) and self.numbers[name].dtype == np.float32:  # some exporters say all numbers so
            value = numpy_helper.from_array(self.numbers.pop(name))
            self.nodes.append(helper.make_node("Constant", [], [name], value=value))
            self.numbers[f"unused{len(self.numbers)}"] = np.zeros(1, np.float32)
        return name

    def integers(self, *shape, low=-2, high=2):
        return self.rng.integers(low, high + 1, shape).astype(np.float32)

    def node(self, op, inputs, **said):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=f"{op}{len(self.nodes)}", **said))
        self.value = name

    def kernel(self, ins, outs, groups, taps):
        """For a transposed layer; sometimes with zeros between channels."""
        kernel = self.integers(ins, outs // groups, *taps)
        if groups == 1 and ins == outs and self.chance(0.4):
            kernel *= np.eye(ins, dtype=np.float32).reshape(ins, ins, *(1,) * self.rank)
        return kernel

    def grows(self, times):
        """Whether there is room for a layer that makes the grid so many times finer."""
        self.growth *= times
        return self.growth < MOST

    def transposed(self):
        groups = 2 if self.channels % 2 == 0 and self.chance(0.4) else 1
        outs = self.channels if self.chance(0.4) else groups * self.whole(1, 3)
        alike = self.chance(0.5)
        axes = [(self.whole(1, 5), self.whole(1, 4), self.whole(1, 2)) for _ in range(self.rank)]
        taps, strides, dilations = zip(*(axes[:1] * self.rank if alike else axes))
        if not self.grows(np.prod(strides)):
            return
        said = {"strides": strides, "dilations": dilations, "group": groups, "kernel_shape": taps}
        how = self.rng.choice(["pads", "pads", "pads", "auto_pad", "output_shape"])
        reaches = [(tap - 1) * dilation + 1 for tap, dilation in zip(taps, dilations)]
        if how == "pads":
            said["pads"] = [self.whole(0, reach // 2 + 1) for reach in (*reaches, *reaches)]
        if how == "auto_pad":
            said["auto_pad"] = str(self.rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID"]))
        if how == "output_shape":
            full = [(size - 1) * stride + reach for size, stride, reach in zip(self.size, strides, reaches)]
            said["output_shape"] = [max(size - self.whole(0, 2), 1) for size in full]
            said["auto_pad"] = str(self.rng.choice(["NOTSET", "SAME_UPPER", "SAME_LOWER"]))
            self.open = False
        if (how == "pads" or said.get("auto_pad") == "VALID") and self.chance(0.4):
            said["output_padding"] = [self.whole(0, min(stride - 1, 2)) for stride in strides]
        bias = [self.number(self.integers(outs))] if self.chance(0.5) else []
        kernel = self.number(self.kernel(self.channels, outs, groups, taps))
        self.node("ConvTranspose", [self.value, kernel, *bias], **said)
        self.channels = outs

    def interpolated(self):
        """Each channel by itself, its kernel a product of taps."""
        taps, strides = [self.whole(4, 6), self.whole(4, 6)], [self.whole(1, 4), self.whole(1, 4)]
        if self.rank != 2 or not self.grows(np.prod(strides)):
            return
        kernel = self.integers(self.channels, 1, taps[0], 1) * self.integers(self.channels, 1, 1, taps[1])
        if self.chance(0.5):
            kernel = kernel * np.eye(self.channels, dtype=np.float32).reshape(self.channels, -1, 1, 1)
        said = {"group": self.channels} if kernel.shape[1] == 1 else {}
        self.node("ConvTranspose", [self.value, self.number(kernel)], kernel_shape=taps, strides=strides,
                  pads=[self.whole(0, 3) for _ in range(4)], **said)

    def convolution(self, strided=True):
        groups = 2 if self.channels % 2 == 0 and self.chance(0.3) else 1
        outs = groups * self.whole(1, 3)
        taps = [self.whole(1, 4) for _ in range(self.rank)]
        said = {"group": groups, "kernel_shape": taps, "dilations": [self.whole(1, 2) for _ in taps],
                "strides": [self.whole(1, 2) if strided and self.chance(0.2) else 1 for _ in taps]}
        if self.chance(0.2):
            said["auto_pad"] = str(self.rng.choice(["SAME_UPPER", "SAME_LOWER"]))
            said["dilations"] = [1] * self.rank
        else:
            said["pads"] = [self.whole(0, 3) for _ in taps * 2]
        kernel = self.number(self.integers(outs, self.channels // groups, *taps))
        bias = [self.number(self.integers(outs))] if self.chance(0.5) else []
        self.node("Conv", [self.value, kernel, *bias], **said)
        self.channels = outs

    def resized(self):
        mode, rounding = WAYS_TO_RESIZE[self.whole(0, len(WAYS_TO_RESIZE) - 1)]
        factors = [self.whole(1, 4) for _ in range(self.rank)]
        if not self.grows(np.prod(factors)):
            return
        scales = self.number(np.array([1, 1, *factors], np.float32))
        self.node("Resize", [self.value, "", scales], mode="nearest", coordinate_transformation_mode=mode,
                  nearest_mode=rounding)
        self.convolution(strided=False)

    def padded(self):
        pads = [0, 0, *(self.whole(0, 2) for _ in range(self.rank))]
        ends = [0, 0, *(self.whole(0, 2) for _ in range(self.rank))]
        mode = str(self.rng.choice(["constant", "constant", "edge"]))
        value = [self.number(np.float32(self.whole(0, 1)))] if self.chance(0.5) else []
        self.node("Pad", [self.value, self.number(np.array(pads + ends)), *value], mode=mode)
        self.convolution()

    def scaled(self):
        shape = (1, self.channels, *(1,) * self.rank) if self.chance(0.7) else ()
        op = str(self.rng.choice(["Mul", "Add", "Sub", "Div"]))
        array = 2.0 ** self.rng.integers(-1, 2, shape) if op in ("Mul", "Div") else self.integers(*shape)
        pair = [self.value, self.number(np.float32(array))]
        self.node(op, pair[::-1] if op != "Div" and self.chance(0.3) else pair)

    def normalised(self):
        variance = 4.0 ** self.integers(self.channels, low=-1, high=1)
        names = [self.number(self.integers(self.channels)) for _ in range(3)] + [self.number(np.float32(variance))]
        self.node("BatchNormalization", [self.value, *names], epsilon=0.0)

    def sliced(self):
        axis = self.whole(2, 1 + self.rank)
        start, end = self.whole(0, 2), int(self.rng.choice([-1, -2, 2**31 - 1, 2**63 - 1]))
        arrays = ([start], [end], [axis if self.chance(0.7) else axis - self.rank - 2])
        self.node("Slice", [self.value, *(self.number(np.array(array)) for array in arrays)])

    def activated(self):
        op, said = (("Relu", {}), ("LeakyRelu", {"alpha": 0.5}), ("Abs", {}))[self.whole(0, 2)]
        self.node(op, [self.value], **said)

    def looked_at(self):
        """Somebody else takes the value too: it has to stay."""
        if self.value != "x" and self.chance(0.5):
            self.outputs.append(self.value)
        else:
            self.node("Add", [self.value, self.value])

    def done(self):
        names = [*dict.fromkeys([*self.outputs, self.value])]
        sizes = [f"s{axis}" if self.open else size for axis, size in enumerate(self.size)]
        return model(self.nodes, self.numbers, ["n" if self.open else 2, self.first, *sizes], names)


STEPS = (("transposed", 5), ("interpolated", 2), ("resized", 4), ("convolution", 2), ("padded", 2), ("scaled", 4),
         ("normalised", 3), ("sliced", 3), ("activated", 3), ("looked_at", 1))


def drawn(seed):
    """One random graph; it may be one that no runtime takes."""
    drawing = Drawing(seed)
    names, weights = zip(*STEPS)
    for name in drawing.rng.choice(names, drawing.whole(1, 6), p=np.array(weights) / sum(weights)):
        getattr(drawing, name)()
    return drawing.done()

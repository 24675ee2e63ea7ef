"""PyTorch's operations, as `torch.export` writes them, in our words; imports no PyTorch."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..conventions import CONVENTIONS, CONVOLUTIONS
from ..errors import TconvError
from .chains import Pad, Shuffle
from .facts import Norm, Resize
from .graph import MALFORMED, Convolution, Graph, Node, Shape, Weight

__all__ = ["Call", "Ref", "graph"]


@dataclass(frozen=True, slots=True)
class Ref:
    """A value, by its name."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One operation.

    Args:
        target: as `conv2d`, without its namespace and its overload.
        arguments: by the names in its signature; those with their default may be missing.
        outputs: the values that it gives.
        where: its place in the model.
    """

    target: str
    arguments: Mapping[str, Any]
    outputs: tuple[str, ...]
    where: str


Weights = Mapping[str, Callable[[], Weight]]


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """A call with what it is about to hand."""

    call: Call
    weights: Weights
    shapes: Mapping[str, Shape]

    def get(self, *names: str, default: Any = None) -> Any:
        """The first of these arguments that is there."""
        return next((self.call.arguments[name] for name in names if self.call.arguments.get(name) is not None), default)

    def weight(self, name: str) -> Weight | None:
        """An argument that is a weight."""
        said = self.get(name)
        return self.weights[said.name]() if isinstance(said, Ref) and said.name in self.weights else None

    def shape(self, *names: str) -> Shape:
        """An argument's shape."""
        said = self.get(*names)
        return self.shapes.get(said.name, ()) if isinstance(said, Ref) else ()

    @property
    def result(self) -> Shape:
        """The shape of what it gives."""
        return self.shapes.get(self.call.outputs[0], ())


def graph(calls: Sequence[Call], shapes: Mapping[str, Shape], inputs: Sequence[str], outputs: Sequence[str],
          weights: Weights, itemsizes: Mapping[str, int]) -> Graph:
    """Calls in the order in which they run, as a graph in our words.

    Args:
        calls: the operations.
        shapes: of all values, as far as they are known.
        inputs: values that the model is given.
        outputs: values that it gives.
        weights: by value, what gives a weight when it is wanted.
        itemsizes: bytes of one number, by value.
    """
    known = dict(weights)
    nodes = []
    for call in calls:
        told = _Told(call, known, shapes)
        if call.target == "_weight_norm" and told.weight("v") and told.weight("g"):
            known[call.outputs[0]] = _normed(told)
            continue
        taken = tuple(ref.name for ref in _refs(call.arguments.values()) if ref.name not in known)
        if not taken and all(isinstance(value, Ref) for value in call.arguments.values()) and call.arguments:
            continue  # of weights alone, and nothing that is looked at
        op, data = _row(told) if call.target.rstrip("_") in ROWS else (_plain(call.target.rstrip("_")), None)
        nodes.append(Node(call.where, op, call.target, taken, call.outputs, data))
    return Graph(tuple(nodes), shapes, tuple(inputs), tuple(outputs), itemsizes=itemsizes)


def _row(told: _Told) -> tuple[str, Any]:
    """What an operation becomes; one with other arguments than it should have is let be."""
    try:
        return ROWS[told.call.target.rstrip("_")](told)
    except TconvError:
        raise
    except MALFORMED:
        return "other", None


def _refs(values: Any) -> Iterator[Ref]:
    for value in values:
        if isinstance(value, Ref):
            yield value
        elif isinstance(value, list | tuple):
            yield from _refs(value)


def _normed(told: _Told) -> Callable[[], Weight]:
    """A weight whose length is a parameter of its own."""
    direction, length = told.weight("v"), told.weight("g")
    dim = told.get("dim", default=0)

    def made() -> Weight:
        assert direction is not None
        assert length is not None
        axes = tuple(axis for axis in range(direction.value.ndim) if axis != dim)
        norm = np.sqrt((direction.value**2).sum(axes, keepdims=True))
        return Weight("", direction.value * (length.value / norm))

    return made


def _listed(value: Any, rank: int) -> Any:
    """One value for each axis, of a list of one, or of all."""
    if isinstance(value, list | tuple):
        return tuple(value) * (rank if len(value) == 1 else 1)
    return value


Row = Callable[[_Told], tuple[str, Any]]


def _convolution(told: _Told) -> tuple[str, Any]:
    transposed = "transpose" in told.call.target or bool(told.get("transposed"))
    row = (CONVENTIONS if transposed else CONVOLUTIONS)["torch"]
    kernel, bias = told.weight("weight"), told.weight("bias")
    shape = kernel.value.shape if kernel else told.shape("weight")
    rank, groups = len(shape) - 2, told.get("groups", default=1)
    arguments = {"kernel_size": tuple(shape[2:]), "groups": groups,
                 **{name: _listed(told.get(name, default=default), rank)
                    for name, default in (("stride", 1), ("padding", 0), ("dilation", 1))}}
    if transposed:
        arguments["output_padding"] = _listed(told.get("output_padding", default=0), rank)
    outs, ins = (shape[1] * groups, shape[0]) if transposed else (shape[0], shape[1] * groups)  # type: ignore[operator]
    canonical = None if kernel is None else Weight(kernel.name, row.kernel_from(kernel.value, arguments))
    return "conv_transpose" if transposed else "conv", Convolution(
        lambda sizes: row.read(arguments, sizes), arguments, canonical, bias, (ins, outs))


def _resize(told: _Told) -> tuple[str, Any]:
    """`upsample_nearest2d` and its kin; sizes that are given leave the factor to the shapes."""
    name = told.call.target.lstrip("_").removeprefix("upsample_").rstrip("123d")
    scales = told.get("scale_factors") if told.get("output_size") is None else None
    factor = None if scales is None else tuple(int(s) if float(s).is_integer() else float(s) for s in scales)
    exact = name == "nearest_exact"
    interpolation = {"linear": "bilinear", "trilinear": "bilinear", "nearest_exact": "nearest"}.get(name, name)
    corners = "align_corners" if told.get("align_corners") else "half_pixel"
    return "resize", Resize(told.call.where, interpolation, factor,
                            corners if exact or interpolation != "nearest" else "asymmetric")


def _shuffle(told: _Told) -> tuple[str, Any]:
    factor = operator.index(told.get("upscale_factor"))
    return "shuffle", Shuffle((factor, factor), "CRD")


def _batch_norm(told: _Told) -> tuple[str, Any]:
    mean, variance = told.weight("running_mean"), told.weight("running_var")
    if mean is None or variance is None or told.get("training"):
        return "norm", Norm(told.call.where, "batch")
    gamma, beta = told.weight("weight"), told.weight("bias")
    scale = 1 / np.sqrt(variance.value.astype(np.float64) + told.get("eps", default=1e-5))
    scale = scale if gamma is None else gamma.value * scale
    return "norm", Norm(told.call.where, "batch", scale, (0 if beta is None else beta.value) - mean.value * scale)


def _data_norm(told: _Told) -> tuple[str, Any]:
    return "norm", Norm(told.call.where, told.call.target.removesuffix("_norm"))


def _pad(told: _Told) -> tuple[str, Any]:
    flat, rank = told.get("pad", "padding"), len(told.result) - 2
    mode = {"reflection": "reflect", "replication": "edge", "replicate": "edge", "pad": "constant", "circular": "wrap"}
    name = told.get("mode", default=told.call.target.split("_")[0])
    if told.get("value", default=0) or len(flat) > 2 * rank:
        return "other", None
    pairs = [*zip(flat[::2], flat[1::2], strict=True), *((0, 0),) * (rank - len(flat) // 2)][::-1]
    return "pad", Pad(tuple(pairs), mode.get(name, name))


def _slice(told: _Told) -> tuple[str, Any]:
    """A cut at the ends of a spatial axis; other slices are found by their shapes."""
    shape = told.shape("self")
    rank, dim = len(shape), told.get("dim", default=0)
    dim = dim + rank if dim < 0 else dim
    size, start, end = shape[dim] if rank else None, told.get("start", default=0), told.get("end")
    if rank < 3 or dim < 2 or told.get("step", default=1) != 1 or size is None:
        return "other", None
    kept = range(size)[start:end]
    pairs = [(0, 0)] * (rank - 2)
    pairs[dim - 2] = (-kept.start, kept.stop - size)
    return "cut", Pad(tuple(pairs), "constant")


def _pool(told: _Told) -> tuple[str, Any]:
    rank = len(told.shape("self")) - 2
    kernel = _listed(told.get("kernel_size"), rank)
    words: dict[str, Any] = {"kernel_size": kernel, "stride": _listed(told.get("stride") or kernel, rank),
                             "padding": _listed(told.get("padding", default=0), rank),
                             "dilation": _listed(told.get("dilation", default=1), rank)}
    return "pool", lambda sizes: CONVOLUTIONS["torch"].read(words, sizes)


def _with_constant(told: _Told) -> tuple[str, Any]:
    """Addition and multiplication by one number for each channel, or by one for all."""
    kind = "scale" if told.call.target.startswith("mul") else "shift"
    weight, rank = told.weight("other"), len(told.result) - 2
    number = told.get("other")
    if told.get("alpha", default=1) != 1 or rank < 1:
        return "each", None
    if isinstance(number, int | float):
        return kind, np.array([float(number)])
    if weight is None or not _channelwise(weight.value.shape, rank):
        return "each", "mul" if kind == "scale" else None
    return kind, weight.value.ravel()


def _channelwise(shape: tuple[int, ...], rank: int) -> bool:
    padded = (1,) * (rank + 2 - len(shape)) + shape
    return len(padded) == rank + 2 and padded[0] == 1 and set(padded[2:]) <= {1}


def _activation(told: _Told) -> tuple[str, Any]:
    return "activation", ACTIVATIONS[told.call.target.rstrip("_")]


def _cat(told: _Told) -> tuple[str, Any]:
    return "concat", told.get("dim", default=0)


def _reshaped(told: _Told) -> tuple[str, Any]:
    shape = told.result
    sizes = tuple(-1 if size is None else size for size in shape)
    return ("other", None) if not shape or sizes.count(-1) > 1 else ("move", lambda x: x.reshape(sizes))


def _expanded(told: _Told) -> tuple[str, Any]:
    shape: Any = told.result
    return ("other", None) if not shape or None in shape else ("move", lambda x: np.broadcast_to(x, shape))


def _permuted(told: _Told) -> tuple[str, Any]:
    order = told.get("dims")
    return "move", lambda x: np.transpose(x, order)


def _swapped(told: _Told) -> tuple[str, Any]:
    a, b = told.get("dim0"), told.get("dim1")
    return "move", lambda x: np.swapaxes(x, a, b)


def _tiled(told: _Told) -> tuple[str, Any]:
    times = told.get("repeats", "dims")
    return "move", lambda x: np.tile(x, times)


def _repeated(told: _Told) -> tuple[str, Any]:
    times, dim = told.get("repeats"), told.get("dim")
    return ("move", lambda x: np.repeat(x, times, dim)) if isinstance(times, int) else ("other", None)


def _stacked(told: _Told) -> tuple[str, Any]:
    dim, names = told.get("dim", default=0), [ref.name for ref in _refs([told.get("tensors")])]
    return "move", lambda *taken: np.stack(taken if len(taken) == len(names) else taken * len(names), dim)


def _plain(target: str) -> str:
    return "each" if target in EACH else "same" if target in SAME else "other"


ACTIVATIONS: dict[str, str] = {
    **{name: name for name in ("relu", "leaky_relu", "prelu", "tanh", "sigmoid", "elu", "selu", "softplus", "gelu",
                               "mish", "silu", "celu", "softmax", "relu6", "rrelu")},
    "hardswish": "hard_swish", "hardsigmoid": "hard_sigmoid", "clamp": "clip", "hardtanh": "clip",
}
EACH = {"add", "sub", "mul", "div", "pow", "exp", "log", "sqrt", "abs", "neg", "rsub", "maximum", "minimum", "where",
        "sin", "cos", "erf", "square", "reciprocal", "softsign", "threshold", "lerp", "addcmul", "rsqrt", "sign"}
SAME = {"dropout", "alias", "detach", "contiguous", "clone", "to", "_to_copy", "feature_dropout", "alpha_dropout",
        "lift_fresh_copy", "type_as"}
RANKS = (1, 2, 3)
ROWS: dict[str, Row] = {
    **{f"{name}{rank}d": _convolution for name in ("conv", "conv_transpose") for rank in RANKS},
    "convolution": _convolution, "_convolution": _convolution,
    **{f"{name}{rank}d": _resize for name in ("upsample_nearest", "_upsample_nearest_exact") for rank in RANKS},
    "upsample_linear1d": _resize, "upsample_bilinear2d": _resize, "upsample_trilinear3d": _resize,
    "upsample_bicubic2d": _resize, "pixel_shuffle": _shuffle, "batch_norm": _batch_norm,
    **dict.fromkeys(("instance_norm", "group_norm", "layer_norm"), _data_norm),
    "slice": _slice, "pad": _pad, "constant_pad_nd": _pad,
    **{f"{name}_pad{rank}d": _pad for name in ("reflection", "replication") for rank in RANKS},
    **{f"{name}_pool{rank}d": _pool for name in ("max", "avg") for rank in RANKS},
    "add": _with_constant, "mul": _with_constant, "cat": _cat, "concat": _cat,
    **dict.fromkeys(("reshape", "view", "_unsafe_view", "unsqueeze", "squeeze", "flatten", "unflatten"), _reshaped),
    "expand": _expanded, "permute": _permuted, "transpose": _swapped, "repeat": _tiled, "tile": _tiled,
    "repeat_interleave": _repeated, "stack": _stacked, **dict.fromkeys(ACTIVATIONS, _activation),
}
"""What each operation becomes; what is not here stays a node of its own."""

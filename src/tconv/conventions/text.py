"""A layer as people write it down, to the framework, the layer and its arguments; literals only, nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from ..errors import SettingError
from ..geometry import per_axis
from .convention import Arguments, Convention, Layer
from .table import CONVENTIONS, CONVOLUTIONS

__all__ = ["framework", "parse", "read"]

ALIASES = {"tf": "tensorflow", "lax": "jax", "linen": "flax", "eqx": "equinox", "ov": "openvino", "pytorch": "torch",
           "mx": "mxnet", "coremltools": "coreml", "mil": "coreml", "trt": "tensorrt", "lite": "tflite"}
NAMED = {"lhs", "rhs", "input", "filters", "data", "x", "weight", "weights", "bias", "in_channels",
         "out_channels", "features", "num_filter", "key", "rngs", "dtype", "param_dtype",
         "in_features", "out_features"}


def parse(text: str) -> tuple[str, str, Arguments]:
    """What a line says: the framework, its layer's name, and the arguments by name.

    Args:
        text: the framework's name and a call, `"keras Conv2DTranspose(64, 3, strides=2)"`, or a call with the
            framework in front, `"torch.nn.ConvTranspose2d(128, 64, 3)"`. Arguments are literals; arrays and channels
            may be names.

    Returns:
        The key in `CONVENTIONS`, the layer, and its arguments, the kernel with a number for each axis. An argument that
        is a name is left out.

    Raises:
        SettingError: if the line is no such call.

    >>> parse("keras Conv1DTranspose(64, 3, strides=2)")
    ('keras', 'Conv1DTranspose', {'filters': 64, 'kernel_size': (3,), 'strides': 2})
    """
    row, layer, arguments = read(text)
    return row.name, layer.name, arguments


def read(text: str) -> tuple[Convention, Layer, Arguments]:
    """What a line says, as `parse` does, with the row and the layer themselves.

    >>> read("torch Conv1d(8, 64, 3)")[0].transposed
    False
    """
    word, call = _split(text)
    path = ast.unparse(call.func).split(".")
    name = _framework(text, [word, *path[:-1]] if word else path[:-1])
    path[-1], call = _node(path[-1], call)
    row, layer = _layer(name, ".".join(path[-2:]), path[-1])
    return row, layer, _with_kernel(row, layer, _arguments(name, layer, call))


def framework(word: str) -> str | None:
    """The key in `CONVENTIONS` that a name stands for, as `tf` for `tensorflow`; None if it stands for none."""
    name = ALIASES.get(word.lower(), word.lower())
    return name if name in CONVENTIONS else None


def _node(name: str, call: ast.Call) -> tuple[str, ast.Call]:
    """The operator of an ONNX node, which is written as a call of `make_node`; other calls as they are."""
    first = call.args[0] if call.args else None
    if name == "make_node" and isinstance(first, ast.Constant) and isinstance(first.value, str):
        return first.value, ast.Call(call.func, [], call.keywords)
    return name, call


def _split(text: str) -> tuple[str, ast.Call]:
    """The word in front, if there is one, and the call."""
    word, _, rest = text.strip().partition(" ")
    for front, line in (("", text.strip()), (word, rest.strip())):
        try:
            node = ast.parse(line, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            return front, node
    raise SettingError(f"convert: {text!r} is no layer; write the framework and a call, as in "
                       "\"keras Conv2DTranspose(64, 3, strides=2, padding='same')\".")


def _framework(text: str, words: list[str]) -> str:
    known = [name for name in map(framework, words) if name is not None]
    if not known:
        raise SettingError(f"convert: {text!r} names no framework; write one of {', '.join(CONVENTIONS)} in front of "
                           "the layer.")
    return known[-1]


def _layer(name: str, qualified: str, written: str) -> tuple[Convention, Layer]:
    rows = (CONVENTIONS[name], CONVOLUTIONS[name])
    found = {layer.name: (row, layer) for row in rows for layer in row.layers}
    if qualified in found:
        return found[qualified]
    if written not in found:
        raise SettingError(f"convert: {written!r} is no convolution of {name}{_nearest(written, found)}; it has "
                           f"{', '.join(found)}.")
    return found[written]


def _nearest(written: str | None, known: Iterable[str]) -> str:
    """The most alike of the known names, as a remark."""
    near = get_close_matches((written or "").lower(), {name.lower(): name for name in known}, 1)
    return f" (is {next(name for name in known if name.lower() == near[0])} meant?)" if near else ""


def _arguments(where: str, layer: Layer, call: ast.Call) -> Arguments:
    if len(call.args) > len(layer.parameters):
        raise SettingError(f"{where}: {layer.name} got {len(call.args)} positional arguments, but has "
                           f"{len(layer.parameters)}.")
    said: dict[str, ast.expr] = dict(zip(layer.parameters, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg not in layer.parameters:
            raise SettingError(f"{where}: {layer.name} has no argument {keyword.arg!r}"
                               f"{_nearest(keyword.arg, layer.parameters)}; it has {', '.join(layer.parameters)}.")
        if keyword.arg in said:
            raise SettingError(f"{where}: {layer.name} got the argument {keyword.arg!r} twice; give it once.")
        said[keyword.arg] = keyword.value
    unknown = {name for name, node in said.items() if isinstance(node, ast.Name) and name in NAMED}
    bias = {"bias": "bias" in said} if layer.function else {}
    return {name: _literal(where, name, node) for name, node in said.items() if name not in unknown} | bias


def _literal(where: str, name: str, node: ast.expr) -> Any:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise SettingError(f"{where}: {name} is {ast.unparse(node)}, but has to be written out: a number, a word in "
                           f"quotes, or a tuple of these.") from None
    return value


def _with_kernel(convention: Convention, layer: Layer, arguments: Arguments) -> Arguments:
    """The arguments with one kernel entry per axis, from the layer's name or from how many entries others have."""
    key = convention.kernel_argument
    if key not in arguments:
        raise SettingError(f"{convention.name}: {layer.name} needs {key}, the taps per axis; add {key}=(3, 3), say.")
    rank = layer.rank or arguments.get("num_spatial_dims")
    if rank is None and not isinstance(arguments[key], tuple | list):
        raise SettingError(f"{convention.name}: {key} is {arguments[key]!r}, and the layer's name does not say how "
                           f"many axes there are; give one number for each, as in (3, 3).")
    return arguments | {key: tuple(per_axis(convention.name, key, arguments[key], rank or len(arguments[key])))}

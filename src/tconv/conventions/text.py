"""A layer as people write it down, to the framework, the layer and its arguments; literals only, nothing is run."""

from __future__ import annotations

import ast
from typing import Any

from ..errors import SettingError
from ..geometry import per_axis
from .convention import Arguments, Convention, Layer
from .table import CONVENTIONS

__all__ = ["parse"]

ALIASES = {"tf": "tensorflow", "lax": "jax", "linen": "flax", "eqx": "equinox", "ov": "openvino", "pytorch": "torch"}
NAMED = {"lhs", "rhs", "input", "filters", "data", "x", "weight", "weights", "in_channels", "out_channels", "features",
         "num_filter", "key", "dtype", "param_dtype"}


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
    word, call = _split(text)
    path = ast.unparse(call.func).split(".")
    convention = _framework(text, [word, *path[:-1]] if word else path[:-1])
    layer = _layer(convention, path[-1])
    return convention.name, layer.name, _with_kernel(convention, layer, _arguments(convention.name, layer, call))


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


def _framework(text: str, words: list[str]) -> Convention:
    found = [ALIASES.get(word.lower(), word.lower()) for word in words]
    known = [name for name in found if name in CONVENTIONS]
    if not known:
        raise SettingError(f"convert: {text!r} names no framework; write one of {', '.join(CONVENTIONS)} in front of "
                           "the layer.")
    return CONVENTIONS[known[-1]]


def _layer(convention: Convention, name: str) -> Layer:
    for layer in convention.layers:
        if layer.name == name:
            return layer
    known = ", ".join(layer.name for layer in convention.layers)
    raise SettingError(f"convert: {name!r} is no transposed convolution of {convention.name}; it has {known}.")


def _arguments(where: str, layer: Layer, call: ast.Call) -> Arguments:
    if len(call.args) > len(layer.parameters):
        raise SettingError(f"{where}: {layer.name} got {len(call.args)} positional arguments, but has "
                           f"{len(layer.parameters)}.")
    said: dict[str, ast.expr] = dict(zip(layer.parameters, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg not in layer.parameters:
            raise SettingError(f"{where}: {layer.name} has no argument {keyword.arg!r}; it has "
                               f"{', '.join(layer.parameters)}.")
        if keyword.arg in said:
            raise SettingError(f"{where}: {layer.name} got the argument {keyword.arg!r} twice; give it once.")
        said[keyword.arg] = keyword.value
    unknown = {name for name, node in said.items() if isinstance(node, ast.Name) and name in NAMED}
    return {name: _literal(where, name, node) for name, node in said.items() if name not in unknown}


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

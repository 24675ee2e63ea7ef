"""PyTorch modules and exported programs in memory: traced without running, and left as they were."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram

from ..errors import ShapeError, UnsupportedError
from . import pt2
from .aten import Call, Ref, graph
from .chains import layers
from .facts import ModelFacts
from .graph import Graph, Shape, Weight
from .recognise import recognised
from .sizes import sized

__all__ = ["read"]

GUESSES = (64, 32, 16, 4, 1, 224, 256)  # sizes to trace with while the real ones are not known


def read(model: Any, shapes: Mapping[str, Shape]) -> ModelFacts:
    """What a PyTorch module or an exported program holds.

    Args:
        model: a module, a program in memory, or the path of a stored one.
        shapes: of the inputs, in order or by name; "" is the only one.

    Raises:
        ShapeError: if the module does not run with these shapes.
        UnsupportedError: if PyTorch cannot trace the module.
    """
    if isinstance(model, Path):
        return pt2.read(model, shapes)
    notes: list[str] = []
    if isinstance(model, ExportedProgram):
        made = sized(_graph(model), shapes)
        source = "ExportedProgram"
    else:
        made, source = _traced(model, shapes, notes), type(model).__name__
    made = recognised(made)
    state = model.state_dict
    held = state.values() if isinstance(model, ExportedProgram) else state().values()
    return ModelFacts(source, "torch", layers(made, notes), made, _count(held), tuple(notes))


def _count(held: Iterable[torch.Tensor]) -> int:
    """Numbers in parameters and buffers, counters left out."""
    return sum(one.numel() for one in held if one.is_floating_point())


def _traced(module: nn.Module, shapes: Mapping[str, Shape], notes: list[str]) -> Graph:
    if shapes:
        try:
            return _graph(_exported(module, list(shapes.values())))
        except Exception as error:
            given = ", ".join(map(str, shapes.values()))
            raise ShapeError(f"shape: {type(module).__name__} cannot be traced with {given}: {_first(error)}") from None
    failed = ""
    for shape in _guesses(module):
        try:
            made = _graph(_exported(module, [shape]))
        except Exception as error:
            failed = failed or _first(error)
            continue
        notes.append("Sizes are not known, since the module does not say its input's; give shape=(N, C, ...).")
        return Graph(made.nodes, {}, made.inputs, made.outputs)
    raise UnsupportedError(f"read: {type(module).__name__} cannot be traced without its input's shape "
                           f"({failed or 'it has no convolution'}); give shape=(N, C, ...).")


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _guesses(module: nn.Module) -> Iterator[Shape]:
    """Shapes that a module may take, by its first convolution."""
    for layer in module.modules():
        if isinstance(layer, nn.modules.conv._ConvNd):
            for size in GUESSES:
                yield (1, layer.in_channels, *(size,) * len(layer.kernel_size))
            return


@contextmanager
def _at_rest(module: nn.Module) -> Iterator[None]:
    """The module as it is when it is used, and afterwards as it was."""
    before = {layer: layer.training for layer in module.modules()}
    try:
        for layer in before:
            layer.training = False
        yield
    finally:
        for layer, training in before.items():
            layer.training = training


def _exported(module: nn.Module, shapes: Sequence[Any]) -> ExportedProgram:
    """The module as a program, traced with arrays that have sizes and no numbers."""
    first = next(module.parameters(), torch.zeros(()))
    with _at_rest(module), torch.no_grad(), torch._subclasses.FakeTensorMode(allow_non_fake_inputs=True):
        inputs = tuple(torch.empty(shape, dtype=first.dtype, device=first.device) for shape in shapes)
    with _at_rest(module), torch.no_grad():
        return torch.export.export(module, inputs, strict=False)


def _graph(program: ExportedProgram) -> Graph:
    signature = program.graph_signature
    named = {**signature.inputs_to_parameters, **signature.inputs_to_buffers,
             **signature.inputs_to_lifted_tensor_constants}
    held = {**program.state_dict, **program.constants}
    weights = {name: _weight(held, full) for name, full in named.items()}
    values = {node.name: node.meta["val"] for node in program.graph.nodes
              if isinstance(node.meta.get("val"), torch.Tensor)}
    shapes = {name: tuple(size if isinstance(size, int) else None for size in value.shape)
              for name, value in values.items()}
    itemsizes = {name: value.element_size() for name, value in values.items()}
    inputs = [name for name in signature.user_inputs if isinstance(name, str)]
    outputs = [name for name in signature.user_outputs if isinstance(name, str)]
    return graph(list(_calls(program)), shapes, inputs, outputs, weights, itemsizes)


def _weight(held: Mapping[str, torch.Tensor], name: str) -> Callable[[], Weight]:
    def made() -> Weight:
        value = held[name].detach().cpu()
        return Weight(name, (value.float() if value.dtype == torch.bfloat16 else value).numpy())

    return made


def _calls(program: ExportedProgram) -> Iterator[Call]:
    taken: set[str] = set()
    for node in program.graph.nodes:
        if node.op != "call_function":
            continue
        if node.target is operator.getitem:
            yield Call("getitem", {"self": Ref(node.args[0].name)}, (node.name,), node.name)
            continue
        schema = getattr(node.target, "_schema", None)
        names = [argument.name for argument in schema.arguments] if schema else []
        names += [f"argument {number}" for number in range(len(names), len(node.args))]
        arguments = {name: _value(value) for name, value in zip(names, node.args, strict=False)}
        arguments |= {name: _value(value) for name, value in node.kwargs.items()}
        where = _where(node)
        where = where if where not in taken else f"{where}#{node.name}"
        taken.add(where)
        yield Call(pt2._bare(f"torch.ops.{node.target}"), arguments, (node.name,), where)


def _where(node: Any) -> str:
    stack = node.meta.get("nn_module_stack")
    path, kind = list(stack.values())[-1] if stack else ("", "")
    kind = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
    return path if path and kind.startswith("torch.nn.") else f"{path}.{node.name}".lstrip(".")


def _value(value: Any) -> Any:
    if isinstance(value, torch.fx.Node):
        return Ref(value.name)
    if isinstance(value, list | tuple):
        return [_value(one) for one in value]
    return None if isinstance(value, torch.SymInt) else value

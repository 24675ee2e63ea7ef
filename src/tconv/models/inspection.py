"""All that `tconv inspect` knows about a model, as facts: drawn elsewhere, as a table, a page or JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..geometry import Axis
from .facts import KINDS, WAYS, LayerFact, ModelFacts
from .findings import LEVELS, Finding, findings, ripple
from .portability import Port, ports
from .reading import read
from .sight import Sights, sights
from .stack import Printed, printed

__all__ = ["Inspected", "Inspection", "inspect"]


@dataclass(frozen=True, slots=True, eq=False)
class Inspected:
    """One layer, judged.

    Args:
        fact: what it is.
        ripple: the pattern that its kernel prints on a flat input, relative to what is below it; None without a kernel.
        ports: what frameworks and runtimes make of it.
        findings: what to do about it.
        seen: per axis, the fewest and the most cells of its input from the first to the last that one cell of the
            model's output sees; () where that cannot be told.
    """

    fact: LayerFact
    ripple: float | None
    ports: tuple[Port, ...]
    findings: tuple[Finding, ...]
    seen: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """A model, judged.

    Args:
        model: what was read.
        layers: its upsampling layers, or all convolutions if there are none.
        seen: by input, per axis the fewest and the most cells that one cell of the output sees.
        printed: the pattern that random flat inputs come out with at the end of the chain of layers; None where that
            cannot be told.
        through: operations that let every cell see everything, beside which `seen` is counted.
        notes: sentences on what is not known.
    """

    model: ModelFacts
    layers: tuple[Inspected, ...]
    seen: Mapping[str, tuple[tuple[int, int], ...]]
    through: tuple[str, ...]
    notes: tuple[str, ...]
    printed: Printed | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of all layers, the worst first."""
        found = [finding for layer in self.layers for finding in layer.findings]
        return tuple(sorted(found, key=lambda finding: list(LEVELS).index(finding.level)))

    def total(self, name: str) -> int | None:
        """The sum of a number over all layers shown; None where one is not known."""
        values = [getattr(layer.fact, name) for layer in self.layers]
        return None if None in values else sum(values)

    def executed(self, way: str) -> int | None:
        """Multiply-adds of all layers shown by one of `WAYS`; None where a layer's are not known."""
        counts = [layer.fact.executed.get(way, layer.fact.executed.get("columns")) for layer in self.layers
                  if layer.fact.spec is not None]
        return None if None in counts else sum(count for count in counts if count is not None)

    def json(self) -> dict[str, Any]:
        """The same, for programs."""
        return {
            "source": self.model.source, "framework": self.model.framework, "parameters": self.model.parameters,
            "layers": [_layer(layer) for layer in self.layers],
            "convolutions": sum(layer.spec is not None for layer in self.model.layers),
            "total": {"parameters": self.total("parameters"), "multiply_adds": self.total("multiply_adds"),
                      "bytes": self.total("bytes"), "executed": {way: self.executed(way) for way in WAYS}},
            "receptive_field": {"inputs": self.seen, "whole_input_through": self.through},
            "pattern": None if self.printed is None else asdict(self.printed),
            "findings": [asdict(finding) for finding in self.findings],
            "notes": self.notes,
        }


def inspect(model: Any, *, shape: Sequence[int] | Mapping[str, Sequence[int]] | None = None, every: bool = False,
            ) -> Inspection:
    """Read a model and judge its upsampling layers.

    Args:
        model: as for `read`, or what `read` gave.
        shape: as for `read`.
        every: all convolutions too.

    Raises:
        TconvError: as `read`.
    """
    facts = model if isinstance(model, ModelFacts) else read(model, shape=shape)
    shown = facts.layers if every else facts.upsampling or facts.layers
    rank = max((len(layer.spec.axes) for layer in facts.layers if layer.spec is not None), default=0)
    looked = [sights(facts.graph, axis) for axis in range(rank)]
    layers = tuple(Inspected(fact, ripple(fact), ports(fact), findings(fact), _span(facts, looked, fact))
                   for fact in shown)
    seen = {name: span for name in facts.graph.inputs if (span := _spans(looked, name))}
    through = tuple(dict.fromkeys(where for look in looked if look is not None for where in look.through))
    return Inspection(facts, layers, seen, through, (*facts.notes, *_wanted(facts, shown)), printed(facts))


def _span(facts: ModelFacts, looked: Sequence[Sights | None], fact: LayerFact) -> tuple[tuple[int, int], ...]:
    """What the output sees of a layer's input."""
    first = next((node for node in facts.graph.nodes if node.where in fact.parts), None)
    return () if first is None or not first.inputs else _spans(looked, first.inputs[0])


def _spans(looked: Sequence[Sights | None], value: str) -> tuple[tuple[int, int], ...]:
    rows = [look.sizes.get(value) if look is not None else None for look in looked]
    return () if not rows or None in rows else tuple((min(row), max(row)) for row in rows if row is not None)


def _wanted(facts: ModelFacts, shown: Sequence[LayerFact]) -> tuple[str, ...]:
    """Which sizes to give, where layers have none."""
    if all(fact.sized for fact in shown) or not facts.graph.shapes:
        return ()
    open_at = [value for value in facts.graph.inputs if None in facts.graph.shapes.get(value, (None,))]
    graph, names = facts.graph, []
    for fact in shown:
        first = next((node for node in graph.nodes if node.where in fact.parts), None)
        if not fact.sized and first is not None and first.inputs:
            names.append(_frontier(facts, first.inputs[0]))
    name = next(iter(names), None)
    if open_at:
        said = " ".join(f"--shape {_quoted(value, facts.graph.shapes.get(value, ()))}" for value in open_at)
        return (f"Sizes are open, so costs are not known; give them: {said}",)
    if name is None:
        return ()
    return (f"The sizes of {name!r} depend on the data, so costs behind it are not known; give them: --shape "
            f"{_quoted(name, facts.graph.shapes.get(name, ()))}",)


def _frontier(facts: ModelFacts, value: str) -> str:
    """The first value on the way to this one whose sizes are not known although those before it are."""
    makers = {made: node for node in facts.graph.nodes for made in node.outputs}
    while value in makers:
        before = [one for one in makers[value].inputs if None in facts.graph.shapes.get(one, (None,))]
        if not before or makers[value].op == "other":
            return value
        value = before[0]
    return value


def _quoted(name: str, shape: tuple[int | None, ...]) -> str:
    sizes = "x".join("?" if size is None else str(size) for size in shape) or "?"
    return f"{name}={sizes}"


def _layer(layer: Inspected) -> dict[str, Any]:
    fact = layer.fact
    cost = {"multiply_adds": fact.multiply_adds, "executed": dict(fact.executed), "bytes": fact.bytes,
            "parameters": fact.parameters}
    return {
        "where": fact.where, "kind": fact.kind, "what": KINDS[fact.kind], "says": fact.says,
        "setting": None if fact.spec is None else {
            "axes": [_axis(axis) for axis in fact.spec.axes], "groups": fact.spec.groups},
        "input": fact.input, "output": fact.output, "channels": fact.channels, "batch": fact.batch,
        "scale": fact.scale, "resize": None if fact.resize is None else asdict(fact.resize),
        "shuffle": None if fact.shuffle is None else {"factor": fact.shuffle, "order": fact.order},
        "padding": fact.padding, "bias": fact.bias is not None,
        "norm": None if fact.norm is None else {"kind": fact.norm.kind, "where": fact.norm.where,
                                                "folds": fact.norm.folds},
        "activation": fact.activation, "weight": fact.weight, "parts": fact.parts, "cost": cost,
        "overlap": fact.overlap, "ripple": layer.ripple, "seen_by_output": layer.seen,
        "portability": [asdict(port) for port in layer.ports],
    }


def _axis(axis: Axis) -> dict[str, Any]:
    return {"kernel": axis.kernel, "stride": axis.stride, "dilation": axis.dilation, "crop": axis.crop}

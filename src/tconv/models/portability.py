"""Where else a layer can live: which frameworks have words for it, and where its meaning or its speed changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..conventions import Channels, spell
from ..conventions.table import table
from ..errors import TconvError
from ..geometry import Axis
from .facts import LayerFact

__all__ = ["KINDS", "Port", "ports"]

KINDS = {
    "native": "has words for it",
    "kernel": "has words for an equal layer with another kernel",
    "slice": "has words for it with a cut or a pad beside it",
    "none": "has no words for it",
    "cpu": "falls back to the CPU",
    "differs": "may silently compute something else",
}
"""What a target makes of a layer, the best first."""


@dataclass(frozen=True, slots=True)
class Port:
    """What one target makes of a layer.

    Args:
        target: a framework, or one that runs models.
        kind: a key in `KINDS`.
        says: the line of code, or what happens.
        cure: what to do to the kernel or around the layer; empty where nothing is to be done.
        run: False where this was read in a documentation, and not run.
    """

    target: str
    kind: str
    says: str
    cure: str = ""
    run: bool = True


def ports(fact: LayerFact) -> tuple[Port, ...]:
    """A layer in every framework of the tables, and what is known of those that run models."""
    if fact.spec is None or fact.padding != "zeros":
        return ()
    return (*(_port(name, fact) for name in table(fact.transposed)),
            *(Port(one.target, one.kind, one.says, one.cure, run=False) for one in WARNINGS if one.fits(fact)))


def _port(name: str, fact: LayerFact) -> Port:
    assert fact.spec is not None
    row = table(fact.transposed)[name]
    grid = fact.input if fact.transposed else fact.resized
    sizes: tuple[int, ...] | None = grid if grid and None not in grid else None  # type: ignore[assignment]
    bias = None if fact.kernel is None else fact.bias is not None
    try:
        found = spell(row, fact.spec, Channels(*fact.channels, bias), sizes)
    except TconvError as error:
        return Port(name, "none", str(error).partition(": ")[2], run=row.run)
    kind = "native" if found.exact else "kernel" if found.rewrites else "slice"
    return Port(name, kind, found.code, found.alternative, row.run)


@dataclass(frozen=True, slots=True)
class Warning:
    """What is known of one target: for which layers, what happens, and the cure."""

    target: str
    kind: str
    fits: Callable[[LayerFact], bool]
    says: str
    cure: str


def _axes(fact: LayerFact) -> tuple[Axis, ...]:
    return () if fact.spec is None else fact.spec.axes


def _uneven_pads(fact: LayerFact) -> bool:
    return any(axis.lo != max(axis.hi, 0) for axis in _axes(fact))


def _named_upper(fact: LayerFact) -> bool:
    odd = any((axis.lo + axis.hi) % 2 for axis in _axes(fact))
    return fact.transposed and odd and str(fact.arguments.get("auto_pad", "")).startswith("SAME")


def _by_shape(fact: LayerFact) -> bool:
    odd = any((axis.lo + axis.hi) % 2 for axis in _axes(fact))
    return fact.transposed and odd and bool(fact.arguments.get("output_shape"))


def _shifted_on_torch(fact: LayerFact) -> bool:
    return (fact.transposed and str(fact.arguments.get("padding", "")) == "same" and "kernel_size" in fact.arguments
            and any((axis.reach - axis.stride) % 2 and axis.reach > axis.stride for axis in _axes(fact)))


def _wide_growth(fact: LayerFact) -> bool:
    return fact.transposed and any(-axis.hi >= axis.stride for axis in _axes(fact))


TAP = "one zero tap makes both pads alike, and the results the same (tconv optimize)"
WARNINGS = (
    Warning("onnxruntime-cuda", "cpu", _uneven_pads,
            "its pads differ at the two ends, which the CUDA provider refuses: the node runs on the CPU", TAP),
    Warning("onnxruntime <= 1.12", "differs", _named_upper,
            "auto_pad puts the odd cropped sample at the other end there: the same size, values shifted by one",
            "write the pads out (tconv optimize)"),
    Warning("openvino <= 2025.3", "differs", _named_upper,
            "auto_pad means the other end there: the same size, values shifted by one",
            "write the pads out (tconv optimize)"),
    Warning("openvino <= 2025.3", "differs", _by_shape,
            "output_shape leaves the odd cropped sample at the other end there: values shifted by one",
            "write the pads out (tconv optimize)"),
    Warning("keras < 3.15 on torch", "differs", _shifted_on_torch,
            "'same' was cropped at the other end there: the same size, values shifted by one",
            "train and use it on one side of that version, or convert the checkpoint"),
    Warning("onnxruntime", "none", _wide_growth, "output_padding has to be less than the stride there",
            "pad the result, or put zero taps around the kernel"),
)
"""What the tables of words do not say: meanings that changed, and devices that refuse."""

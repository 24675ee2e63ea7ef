"""What is known of a model in few words, for tables in a terminal and on a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .facts import LayerFact
from .findings import Cure, Finding
from .inspection import Inspected, Inspection

__all__ = [
    "Advice", "advice", "grid", "many", "named", "overlap", "pattern", "portable", "said", "setting", "short", "span",
    "targets", "through",
]


def short(values: Iterable[object]) -> str:
    """One value if all axes have the same, else all with crosses between.

    >>> short((2, 2)), short((2, 1))
    ('2', '2x1')
    """
    said = [str(value) for value in values]
    return said[0] if len(set(said)) == 1 else "x".join(said)


def grid(sizes: Sequence[int | None]) -> str:
    """Sizes with crosses between, and question marks for those that are not known.

    >>> grid((None, 8)), grid(())
    ('?x8', '?')
    """
    return "x".join("?" if size is None else str(size) for size in sizes) or "?"


def many(number: int | None) -> str:
    """A count, or a question mark."""
    return "?" if number is None else f"{number:,}"


def named(where: str, says: str = "") -> str:
    """A place without what every layer's has.

    >>> named("/dec/ups.0/ConvTranspose", "ConvTranspose")
    'dec/ups.0'
    """
    return where.strip("/").removesuffix(f"/{says}")


def setting(fact: LayerFact) -> str:
    """What a layer is in one line: of its setting what differs from 1 and 0.

    >>> from tconv.geometry import Spec
    >>> setting(LayerFact("", "conv_transpose", "", Spec.of((4, 4), stride=2, crop=1)))
    'transposed k4 s2 c1'
    """
    parts = []
    if fact.resize is not None:
        factor = "" if fact.resize.factor is None else f" x{short(fact.resize.factor)}"
        parts.append(f"{fact.resize.interpolation}{factor}")
    if fact.spec is not None:
        axes = fact.spec.axes
        parts.append("transposed" if fact.transposed else "conv")
        parts.append(f"k{short(axis.kernel for axis in axes)}")
        strides, dilations = [axis.stride for axis in axes], [axis.dilation for axis in axes]
        parts += [f"{letter}{short(values)}" for letter, values in (("s", strides), ("d", dilations))
                  if set(values) != {1}]
        crops = [f"{axis.lo}" if axis.lo == axis.hi else f"{axis.lo}:{axis.hi}" for axis in axes]
        parts += [f"{'c' if fact.transposed else 'p'}{short(crops)}"] if set(crops) != {"0"} else []
        parts += [f"g{fact.groups}"] if fact.groups > 1 else []
    if fact.shuffle is not None:
        parts.append(f"shuffle {short(fact.shuffle)}")
    return " ".join(parts)


def overlap(fact: LayerFact) -> str:
    """Taps that meet in each phase, per axis; a long row of the same is said once.

    >>> from tconv.geometry import Spec
    >>> overlap(LayerFact("", "conv_transpose", "", Spec.of((3, 3), stride=2)))
    '2:1'
    """
    if fact.spec is None or not fact.transposed:
        return ""
    return short(":".join(map(str, axis)) if len(set(axis)) > 1 else f"{axis[0]}" for axis in fact.overlap)


def pattern(layer: Inspected) -> str:
    """The pattern that a kernel prints on a flat input, in percent."""
    if layer.ripple is None or all(times == 1 for times in layer.fact.scale):
        return ""
    return "0" if layer.ripple < 1e-6 else f"{layer.ripple:.2%}" if layer.ripple < 0.1 else f"{layer.ripple:.0%}"


def span(seen: Sequence[tuple[int, int]]) -> str:
    """How many cells are seen along each axis: one number, or from the fewest to the most."""
    return short(f"{low}" if low == high else f"{low}-{high}" for low, high in seen) if seen else ""


def said(found: Inspection) -> str:
    """The model in one line."""
    convolutions = sum(layer.spec is not None for layer in found.model.layers)
    upsampling = len(found.model.upsampling)
    parts = [found.model.framework, f"{found.model.parameters:,} parameters",
             f"{upsampling} upsampling layer{'s' * (upsampling != 1)}",
             f"{convolutions} convolution{'s' * (convolutions != 1)} in all"]
    parts += [f"an output sees {span(seen)} of {name}" for name, seen in found.seen.items()]
    if found.seen and found.through:
        parts.append(f"and all of it through {found.through[-1]}")
    return ", ".join(parts)


def through(found: Inspection) -> str:
    """What becomes of patterns through the whole chain, as a sentence; "" where that is not known."""
    told = found.printed
    if told is None or told.ripple < 1e-6:
        return ""
    strength = f"{told.ripple:.2%}" if told.ripple < 0.1 else f"{told.ripple:.0%}"
    return (f"through the stack: a flat input of {named(told.first)} comes out of {named(told.last)} with a pattern of "
            f"period {short(told.period)}, {strength} beside its mean (random inputs, activations included)")


def targets(found: Inspection) -> tuple[list[str], list[str]]:
    """The targets that have words for every layer, and the others."""
    ports = [port for layer in found.layers for port in layer.ports]
    less = dict.fromkeys(port.target for port in ports if port.kind != "native")
    return [name for name in dict.fromkeys(port.target for port in ports) if name not in less], list(less)


def portable(found: Inspection) -> Iterator[str]:
    """What each target makes of the layers: one line for those that have words for all, and one for each other."""
    native, others = targets(found)
    if native:
        yield f"portable as it is: {', '.join(native)}"
    for target in others:
        rows = [(layer, port) for layer in found.layers for port in layer.ports
                if port.target == target and port.kind != "native"]
        for what in dict.fromkeys(port.cure if port.kind in ("kernel", "slice") else port.says for _, port in rows):
            names = [named(layer.fact.where, layer.fact.says) for layer, port in rows if what in (port.cure, port.says)]
            yield f"{target}: {', '.join(names[:4])}{f' and {len(names) - 4} more' * (len(names) > 4)}: {what}"


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing that is so of several layers, and what to do about all of them.

    Args:
        level, says: as in `Finding`.
        layers: each with how much of it there is.
        cures: in words, each with its cost.
    """

    level: str
    says: str
    layers: tuple[tuple[str, str], ...]
    cures: tuple[str, ...]


def advice(found: Inspection) -> tuple[Advice, ...]:
    """The findings, alike ones together, the worst first."""
    places = {layer.fact.where: named(layer.fact.where, layer.fact.says) for layer in found.layers}
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in found.findings:
        groups.setdefault((finding.level, finding.says, *(cure.says for cure in finding.cures)), []).append(finding)
    return tuple(Advice(group[0].level, group[0].says, tuple((places[one.where], one.amount) for one in group),
                        tuple(_priced(rows) for rows in zip(*([(one, cure) for cure in one.cures] for one in group))))
                 for group in groups.values())


def _priced(rows: Sequence[tuple[Finding, Cure]]) -> str:
    """A cure with its cost: what the layers take after it, beside what they take now."""
    says = rows[0][1].says
    if any(cure.multiply_adds is None or not finding.multiply_adds for finding, cure in rows):
        return says
    now = sum(finding.multiply_adds or 0 for finding, _ in rows)
    then = sum(cure.multiply_adds or 0 for _, cure in rows)
    return says if now == then else f"{says} ({then / now:.2f} times the multiply-adds: {then:,})"

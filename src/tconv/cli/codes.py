"""A setting that was found: what it costs, and its code in every framework."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console

from ..conventions import Channels, spell
from ..conventions.steps import lines
from ..conventions.table import table
from ..errors import UnsupportedError
from ..geometry import Cost, Extent, Setting, cost

__all__ = ["Choice", "as_data", "say"]

LARGE = 12  # samples along an axis, from which a layer is shown as a summary


@dataclass(frozen=True)
class Choice:
    """What the settings are for.

    Args:
        coarse: sizes of the coarse grid.
        transposed: whether a transposed convolution is wanted.
        channels: in and out, or None.
        batch: images in the cost.
    """

    coarse: tuple[int, ...]
    transposed: bool
    channels: tuple[int, int] | None
    batch: int

    def ends(self, fine: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The sizes that go in, and those that come out."""
        return (self.coarse, fine) if self.transposed else (fine, self.coarse)

    @property
    def headings(self) -> tuple[str, ...]:
        """Names of the costs; without channels, the work of one pair of channels."""
        return ("multiply-adds", "bytes", "parameters") if self.channels else ("multiply-adds a channel pair",)

    def cost(self, setting: Setting) -> Cost:
        """What one pass takes; without channels, with one on either side."""
        ins, outs = self.channels or (setting.groups, setting.groups)
        extent = Extent(self.batch, *((ins, outs) if self.transposed else (outs, ins)))
        return cost(setting.problem(self.coarse), extent)

    def parameters(self, setting: Setting) -> int:
        """Numbers that the layer learns, a bias for each channel that comes out among them."""
        return self.cost(setting).parameters + (self.channels or (0, setting.groups))[1]

    def costs(self, setting: Setting) -> tuple[str, ...]:
        """The costs as text, one for each of `headings`."""
        found = self.cost(setting)
        if self.channels is None:
            return (f"{found.multiply_adds // setting.groups:,}",)
        return f"{found.multiply_adds:,}", f"{found.bytes:,}", f"{self.parameters(setting):,}"


def explained(choice: Choice, setting: Setting) -> str:
    """The command that works the setting out with numbers."""
    problem = setting.problem(choice.coarse)
    given = problem.coarse if choice.transposed else problem.fine
    axes = setting.spec.axes
    words = ["tconv explain", "--input", "x".join(map(str, given)), "--kernel", "x".join(map(str, problem.kernel))]
    for name, values in (("stride", [a.stride for a in axes]), ("dilation", [a.dilation for a in axes])):
        words += [f"--{name}", ",".join(map(str, values if len(set(values)) > 1 else values[:1]))] * (max(values) > 1)
    ends = [f"{a.lo}:{a.hi}" if a.lo != a.hi else str(a.lo) for a in axes]
    if set(ends) != {"0"}:
        words.append(f"--padding={','.join(ends if len(set(ends)) > 1 else ends[:1])}")
    words += [f"--groups {setting.groups}"] * (setting.groups > 1)
    words += ["--conv"] * (not choice.transposed) + ["--view summary"] * (max(problem.coarse) > LARGE)
    return " ".join(words)


def codes(choice: Choice, setting: Setting) -> dict[str, dict[str, Any]]:
    """Every framework's code, or an exactly equal layer's, or why there is none."""
    problem = setting.problem(choice.coarse)
    found: dict[str, dict[str, Any]] = {}
    channels = Channels(*(choice.channels or (None, None)))
    for name, row in table(choice.transposed).items():
        try:
            one = spell(row, problem, channels)
        except UnsupportedError as error:
            found[name] = {"code": None, "exact": False, "alternative": str(error), "kernel": [], "run": row.run}
            continue
        changed = one.steps[:len(one.rewrites)]
        found[name] = {"code": one.code, "exact": one.exact, "alternative": one.alternative,
                       "kernel": list(lines(changed, "kernel")), "run": row.run}
    return found


def as_data(choice: Choice, setting: Setting) -> dict[str, Any]:
    """One setting for a program."""
    spec = setting.spec
    return {
        **{name: [getattr(axis, name) for axis in spec.axes] for name in ("kernel", "stride", "dilation", "crop")},
        "groups": spec.groups, "overlap": [one.overlap for one in setting.solutions],
        "verdict": setting.verdict(transposed=choice.transposed),
        "cost": asdict(choice.cost(setting)) | {"parameters": choice.parameters(setting)},
        "explain": explained(choice, setting), "codes": codes(choice, setting),
    }


def say(console: Console, choice: Choice, setting: Setting) -> None:
    """One setting for a reader: each framework's code, and what else it takes to be exact."""
    found = codes(choice, setting)
    wide = max(map(len, found)) + 2
    for name, one in found.items():
        first, *rest = (one["code"] or f"no words for it: {one['alternative']}").split("\n")
        remark = "" if one["run"] or not one["code"] else "  # as documented, not run"
        console.print(f"{name:{wide}}{first}{remark}", markup=False, soft_wrap=True)
        equal = [f"exactly equal: {one['alternative']}"] * bool(one["code"] and one["alternative"])
        for line, style in [*((line, "") for line in rest), *((line, "dim") for line in (*equal, *one["kernel"]))]:
            console.print(f"{'':{wide}}{line}", markup=False, soft_wrap=True, style=style)
    console.print(f"\nWorked out with numbers: {explained(choice, setting)}", markup=False, soft_wrap=True)

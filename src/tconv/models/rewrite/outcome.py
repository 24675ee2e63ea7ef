"""What came of rewriting a model."""

from __future__ import annotations

from dataclasses import dataclass

from onnx import ModelProto

from .compare import Difference

__all__ = ["Outcome", "Step"]


@dataclass(frozen=True)
class Step:
    """One place that a pass found.

    Args:
        name: the pass.
        where: the node that came out of it before.
        way: how it is done now, or would be.
        kept: whether it is.
        before, after: seconds of the place with its neighbours, as it was and in this way; None where it was not timed.
        why: a sentence on why it is not kept, or "".
        output: the value that comes out.
    """

    name: str
    where: str
    way: str
    kept: bool
    before: float | None = None
    after: float | None = None
    why: str = ""
    output: str = ""

    @property
    def gain(self) -> float | None:
        """How many times as fast the place is."""
        return self.before / self.after if self.before and self.after else None


@dataclass(frozen=True, eq=False)
class Outcome:
    """A rewritten model, and what is known of it.

    Args:
        model: the result.
        steps: every place that was looked at.
        difference: the largest of any output on any inputs.
        before, after: median seconds of the whole, original and result; None where it was not timed.
        sizes: the inputs' shapes that were run, one text for each run; empty where the whole could not be run here.
        notes: sentences on what was left out, and why.
    """

    model: ModelProto
    steps: tuple[Step, ...]
    difference: Difference
    before: float | None
    after: float | None
    sizes: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything is done in another way."""
        return any(step.kept for step in self.steps)

    @property
    def gain(self) -> float | None:
        """How many times as fast the whole is."""
        return self.before / self.after if self.before and self.after else None

"""The story in a table."""

from __future__ import annotations

from ..cells import Index
from ..facts import Explanation
from ..picture import Picture, Story, table
from ..summary import Summary, crosses, summarize

__all__ = ["summary", "summary_story"]


def summary(told: Explanation, channel: int, cell: Index | None) -> Story:
    """Sizes, overlap and work in a table."""
    return summary_story(summarize(told.problem, told.transposed, told.channels))


def summary_story(facts: Summary) -> Story:
    """The same from the sizes alone."""
    what = "Transposed convolution" if facts.transposed else "Convolution"
    before, after = (facts.problem.coarse, facts.problem.fine) if facts.transposed else (
        facts.problem.fine, facts.problem.coarse)
    about = f"{what} from {crosses(before)} to {crosses(after)}."
    return Story("summary", "Summary", about, Picture(((table("", facts.rows),),)))

"""The page's numbers are Python's: all four ways, the coverage, and what is drawn in every cell."""

import re

import numpy as np
import pytest

from tconv.geometry import coverage
from tests.studio.states import draw
from tests.studio.waiting import settle

COUNT = 300
DRAWN = 12
WAYS = ("distribute", "collect", "matrix", "phases")


def test_three_hundred_random_layers_are_cell_for_cell_what_the_oracle_says(studio):
    states = draw(COUNT, seed=1)
    found = studio.evaluate("states => states.map(studio.compute)", [state.address for state in states])
    for state, page in zip(states, found, strict=True):
        assert (page["complaints"], page["wrong"]) == ([], None), state.address
        want = state.result
        assert page["shape"]["output"][-want.ndim:] == list(want.shape)
        for way in WAYS:
            assert page["results"][way] == want.ravel().tolist(), (way, state.address)
        assert [tuple(counts) for counts in page["coverage"][-state.problem.rank:]] == list(coverage(state.problem))


def test_the_cells_that_are_drawn_hold_those_numbers(opened):
    page = opened()
    for state in draw(DRAWN, seed=2):
        page.evaluate("text => { studio.app.open(text); studio.app.flush(); }", state.address)
        for channel in range(state.said["outs"]):
            page.evaluate("channel => { studio.app.show('outChannel', channel); studio.app.flush(); }", channel)
            want = state.result[..., channel]
            assert drawn(page, ".plane-output .grid") == want.ravel().tolist(), state.address
            assert_parts_interleave_to(page, state, want)


def assert_parts_interleave_to(page, state, want):
    """The cells of all phases together are those of the output, or for a convolution of the input."""
    values = want if state.said["kind"] == "transposed" else state.x[0, ..., 0]
    parts = drawn(page, ".view-phases .part .grid.fine")
    assert sorted(parts) == sorted(values.ravel().tolist()), state.address


def drawn(page, grid):
    texts = page.eval_on_selector_all(f"{grid} .cell", "cells => cells.map(cell => cell.textContent)")
    return [int(text.replace("−", "-")) for text in texts]


def test_each_step_of_distribute_adds_one_stamp(opened):
    page = opened("size=2&kernel=3&stride=2&x=1,2,3,4&w=ones&walk=input")
    for step in range(5):
        page.evaluate("step => { studio.app.go(step); studio.app.flush(); }", step)
        want = np.zeros((5, 5), int)
        for cell in range(step):
            row, column = divmod(cell, 2)
            want[2 * row:2 * row + 3, 2 * column:2 * column + 3] += cell + 1
        assert drawn(page, ".plane-output .grid") == want.ravel().tolist()
        assert drawn(page, ".view-distribute .grid.fine") == want.ravel().tolist()


def test_each_step_of_collect_makes_one_output_cell(opened):
    page = opened("rank=1&size=3&kernel=3&stride=2&x=1,2,3&w=1,10,100&walk=output")
    page.evaluate("() => { studio.app.go(5); studio.app.flush(); }")
    assert page.locator(".plane-output .cell").all_text_contents() == ["1", "10", "102", "20", "203", "", ""]
    read = page.eval_on_selector_all(".view-collect .grid.coarse .cell", "cells => cells.map(c => "
                                     "c.className.includes('under'))")
    assert [place for place, under in enumerate(read) if under] == [4, 5, 6]
    assert page.locator(".view-collect .grid.kernel .cell").all_text_contents() == ["100", "10", "1"]


def test_the_four_views_follow_one_cell(opened):
    page = opened("rank=1&size=3&kernel=3&stride=2&x=1,2,3&w=1,10,100")
    page.locator(".plane-output .cell").nth(2).hover()
    page.wait_for_selector(".plane-output .cell.at")
    settle(page)
    grids = {"input": ".plane-input .grid", "kernel": ".plane-kernel .grid", "ring": ".view-distribute .grid.fine",
             "stuffed": ".view-collect .grid.coarse", "flipped": ".view-collect .grid.kernel"}
    marked = "cells => cells.map((cell, i) => /\\b(hit|at)\\b/.test(cell.className) ? i : -1).filter(i => i >= 0)"
    hits = {name: page.eval_on_selector_all(f"{grid} .cell", marked) for name, grid in grids.items()}
    assert hits == {"input": [0, 1], "kernel": [0, 2], "ring": [2], "stuffed": [2, 4], "flipped": [0, 2]}
    assert page.locator(".formula").inner_text() == "y[2] = 2·1 + 1·100 = 102"
    assert page.locator(".relation").inner_text().endswith("2 = 1 · 2 + 0 · 1 − 0")


@pytest.mark.parametrize(("grid", "says"), [
    ("input", r"x\[1\] = 2 goes into y\[2\] \+= 2·1, y\[3\] \+= 2·10, y\[4\] \+= 2·100"),
    ("kernel", r"k\[1\] = 10 joins 3 pairs: x\[0\] and y\[1\], x\[1\] and y\[3\], x\[2\] and y\[5\]"),
])
def test_a_cell_tells_what_it_makes(opened, grid, says):
    page = opened("rank=1&size=3&kernel=3&stride=2&x=1,2,3&w=1,10,100")
    page.locator(f".plane-{grid} .cell").nth(1).hover()
    page.wait_for_selector(f".plane-{grid} .cell.at")
    settle(page)
    assert re.fullmatch(says, page.locator(".formula").inner_text())


def test_a_tap_shows_what_made_a_cell(opened):
    page = opened("rank=1&size=3&kernel=3&stride=2&x=1,2,3&w=1,10,100", has_touch=True,
                  viewport={"width": 390, "height": 800})
    page.locator(".plane-output .cell").nth(2).tap()
    page.wait_for_selector(".plane-output .cell.at")
    settle(page)
    assert page.locator(".formula").inner_text() == "y[2] = 2·1 + 1·100 = 102"

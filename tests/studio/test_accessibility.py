"""The page without a mouse, and as a checker of accessibility sees it, at three widths in light and dark."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.studio.waiting import settle, until

TABS = ("layer", "overlap", "sizes", "code", "image", "quiz")
WIDTHS = (390, 900, 1600)
STATE = "ins=2&outs=2&lo=1&hi=1"


@pytest.fixture(scope="module")
def axe():
    """The source of axe-core."""
    spec = find_spec("axe_playwright_python")
    if spec is None:
        pytest.skip("needs axe-core: pip install axe-playwright-python")
    return (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize(("scheme", "width"), [
    ("light", 1600), ("dark", 390), *(pytest.param(scheme, width, marks=pytest.mark.verify) for scheme, width in (
        ("light", 390), ("light", 900), ("dark", 900), ("dark", 1600)))])
def test_a_checker_finds_no_fault(opened, axe, scheme, width):
    page = opened(STATE, color_scheme=scheme, reduced_motion="reduce", viewport={"width": width, "height": 900})
    page.evaluate(axe + ";0")
    for tab in TABS:
        page.evaluate("tab => { studio.app.change({tab}); studio.app.go(4); studio.app.flush(); }", tab)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => "
                              "[v.impact, v.id, v.nodes[0].html]))")
        assert [fault for fault in found if fault[0] in ("serious", "critical")] == [], tab


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(opened, width, tmp_path):
    page = opened("size=16&kernel=4&lo=1&hi=1", viewport={"width": width, "height": 900})
    for tab in TABS:
        page.evaluate("tab => { studio.app.change({tab}); studio.app.flush(); }", tab)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
        picture = page.screenshot(path=tmp_path / f"{tab}.png")
        assert len(picture) > 5000


def test_the_whole_page_works_by_the_keyboard_alone(opened):
    page = opened("rank=1&size=3&kernel=3&stride=2&x=1,2,3&w=1,10,100", viewport={"width": 390, "height": 900})
    reached = walk(page)
    for name in ("Skip to the layer", "Copy link", "Layer", "Settings", "Play", "Step", "Steps a second",
                 "Edit the input as text"):
        assert name in reached, name
    assert sum(name.startswith(("Input, ", "Output, ", "Kernel, ")) for name in reached) == 3


def walk(page):
    """The names of all places that Tab comes to, in order."""
    names = []
    for _ in range(80):
        page.keyboard.press("Tab")
        name = page.evaluate("""() => { const e = document.activeElement; if (e === document.body) return null;
            const outline = getComputedStyle(e.type === 'radio' ? e.nextElementSibling : e);
            if (outline.outlineStyle === 'none') throw new Error('no ring: ' + e.outerHTML);
            return (e.closest('[role=grid]') ?? e).getAttribute('aria-label') ?? e.textContent.trim(); }""")
        if name is None:
            break
        names.append(name)
    return names


def test_arrow_keys_move_over_cells_and_the_formula_is_spoken(opened):
    page = opened("rank=1&size=3&kernel=3&stride=2&x=1,2,3&w=1,10,100")
    page.locator(".plane-output .cell").first.focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    until(page, "document.getElementById('live').textContent === 'y[2] = 2 times 1 + 1 times 100 = 102'")
    page.keyboard.press("End")
    until(page, "document.getElementById('live').textContent === 'y[6] = 3 times 100 = 300'")
    page.keyboard.press("Home")
    until(page, "document.getElementById('live').textContent === 'y[0] = 1 times 1 = 1'")


def test_a_value_is_changed_by_the_keyboard_alone(opened):
    page = opened("rank=1&size=3&kernel=1&stride=1&x=1,2,3&w=ones")
    page.locator(".plane-input .cell").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.keyboard.type("-4")
    page.keyboard.press("Enter")
    settle(page)
    assert page.evaluate("studio.app.y") == [1, -4, 3]
    assert page.evaluate("document.activeElement.textContent") == "−4"


def test_arrow_keys_move_over_the_matrix(opened):
    page = opened("rank=1&size=2&kernel=2&stride=1&x=1,2&w=3,4")
    page.get_by_role("application").focus()
    page.keyboard.press("ArrowDown")
    until(page, "document.getElementById('live').textContent === 'Row 1, column 0: weight 4'")
    page.keyboard.press("ArrowDown")
    until(page, "document.getElementById('live').textContent === 'Row 2, column 0: empty'")


def test_arrow_keys_move_over_the_tabs(studio):
    studio.get_by_role("tab", name="Layer").focus()
    for name in ("Overlap", "Sizes", "Code", "Image", "Quiz", "Layer"):
        studio.keyboard.press("ArrowRight")
        tab = studio.get_by_role("tab", name=name)
        assert studio.evaluate("document.activeElement.textContent") == name
        settle(studio)
        assert tab.get_attribute("aria-selected") == "true"
        assert studio.locator(f"#{name.lower()}").is_visible()

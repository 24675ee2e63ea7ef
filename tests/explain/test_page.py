"""The page in a browser: its views, its steps, the keyboard, no word from the console."""

import pytest

from tconv.explain import render
from tconv.geometry import Spec

pytest.importorskip("jinja2", reason="needs Jinja2: pip install jinja2")


@pytest.fixture(scope="module")
def page(chromium, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "layer.html"
    told = Spec.of(kernel=(3, 3), stride=2, crop=((1, 0), (1, 0))).explain([[1, 2], [3, 4]])
    file.write_text(render(told, "collect", "html"))
    opened, said = chromium.new_page(), []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto(file.as_uri())
    yield opened
    assert said == []
    opened.close()


def shown(page):
    """The views that can be seen, and the captions of the steps that can."""
    sections = page.evaluate("[...document.querySelectorAll('section')].filter(e => e.offsetParent).map(e => e.id)")
    steps = page.evaluate("[...document.querySelectorAll('.frame')].filter(e => e.offsetParent)"
                          ".map(e => e.querySelector('desc').textContent)")
    return sections, steps


def test_the_page_opens_at_the_view_that_was_asked_for_and_at_its_first_step(page):
    sections, steps = shown(page)
    assert sections == ["collect"]
    assert steps == ["Result (0, 0): 1×5 = 5. 8 of its 9 products are with added zeros."]


def test_every_view_is_one_click_away(page):
    for view in ("distribute", "matrix", "phases", "cell", "overlap", "gradient", "summary"):
        page.click(f"nav a[href='#{view}']")
        page.wait_for_function(f"document.querySelector('nav a[aria-current]').hash === '#{view}'")
        assert shown(page)[0] == [view]


def test_buttons_and_the_keyboard_walk_through_the_steps_and_round_the_end(page):
    page.click("nav a[href='#distribute']")
    player = page.locator("#distribute .player")
    player.locator("[data-move='1']").click()
    assert shown(page)[1] == [
        "Input (0, 1) is 2. It times the kernel is added at rows -1 to 1, columns 1 to 3 of the result. "
        "The crop takes 3 of its 9 numbers."]
    player.locator("input").focus()
    page.keyboard.press("ArrowRight")
    assert player.locator("output").inner_text() == "step 3 of 4"
    player.locator("[data-move='-1']").press("Enter")
    assert player.locator("output").inner_text() == "step 2 of 4"
    for _ in range(3):
        player.locator("[data-move='1']").click()
    assert player.locator("output").inner_text() == "step 1 of 4"


def test_play_goes_on_by_itself_until_it_is_paused(page):
    page.click("nav a[href='#distribute']")
    player = page.locator("#distribute .player")
    player.locator("[data-play]").click()
    page.wait_for_function("document.querySelector('#distribute output').value !== 'step 1 of 4'", timeout=5000)
    assert player.locator("[data-play]").inner_text() == "Pause"
    player.locator("[data-play]").click()
    assert player.locator("[data-play]").inner_text() == "Play"


def test_the_cropped_cells_are_hatched_though_other_pictures_are_hidden(page):
    page.click("nav a[href='#distribute']")
    missing = page.evaluate("""[...document.querySelectorAll('#distribute rect.tc-crop')].filter(rect =>
        !rect.closest('svg').querySelector(getComputedStyle(rect).fill.match(/#[\\w-]+/)[0])).length""")
    assert missing == 0


@pytest.mark.parametrize("width", [360, 800, 1400])
def test_no_width_makes_the_page_scroll_sideways(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width

"""Overlap, sizes and pictures: the numbers of Python, and every control used."""

import os

import numpy as np
import pytest

import tconv
from tconv.geometry import coverage, solve_axis
from tconv.resize import resize
from tests.studio.states import draw
from tests.studio.test_states import drawn
from tests.studio.waiting import settle, until


def ones(size, *shape):
    return np.ones((1, size, *shape), int)


def test_every_setting_between_two_sizes_is_python_s(studio):
    for coarse, fine in ((7, 28), (5, 10), (4, 4), (3, 17), (8, 5), (1, 9), (6, 13)):
        for dilations in ((1,), (1, 2, 3)):
            found = studio.evaluate("([coarse, fine, dilations]) => studio.solveAxis(coarse, fine, {dilations})",
                                    [coarse, fine, list(dilations)])
            want = solve_axis(coarse, fine, dilations=dilations)
            assert [(row["axis"], row["overlap"], row["verdict"]["text"]) for row in found] == [
                ({"kernel": one.axis.kernel, "stride": one.axis.stride, "dilation": one.axis.dilation,
                  "lo": one.axis.lo, "hi": one.axis.hi}, list(one.overlap), one.verdict) for one in want]


def test_the_solver_takes_sizes_narrows_them_and_hands_a_setting_to_the_layer(opened):
    page = opened("tab=sizes")
    page.locator("#goal-from").fill("5x6")
    page.locator("#goal-to").fill("10x18")
    page.get_by_role("button", name="Solve").click()
    settle(page)
    assert page.locator(".tables h3").all_inner_texts() == [
        "5 to 10 along the rows: 13 settings", "6 to 18 along the columns: 9 settings"]
    page.get_by_label("Even overlap only").check()
    settle(page)
    for verdict in page.locator("td.words").all_inner_texts():
        assert verdict.startswith("even overlap")
    page.get_by_label("Dilation 2 and 3 as well").check()
    settle(page)
    page.locator("table").first.get_by_role("button", name="Use").first.click()
    settle(page)
    page.get_by_role("tab", name="Sizes").click()
    settle(page)
    page.locator("table").nth(1).get_by_role("button", name="Use").first.click()
    settle(page)
    assert page.evaluate("studio.app.problem.axes.map(axis => [axis.coarse, axis.fine])") == [[5, 10], [6, 18]]


@pytest.mark.parametrize(("goal", "says"), [
    ("7 to many", "To is “many”, which is no number; type one such as 3, -0.5 or 1e-2."),
    ("0 to 7", "From is 0; give a whole number from 1 to 4,096."),
    ("1 to 4000", "To is 4000, more than 1000 times From, 1; take a smaller step."),
    ("1x2x3 to 7", "From is “1x2x3”; give one size, or two with an x between, as 7x5."),
])
def test_sizes_that_are_none_are_a_sentence(opened, goal, says):
    page = opened("tab=sizes")
    for label, text in zip(("From", "to"), goal.split(" to "), strict=True):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Solve").click()
    settle(page)
    assert page.locator("#sizes .wrong").inner_text() == says


def test_the_overlap_of_a_layer_is_drawn_as_python_counts_it(opened):
    page = opened()
    for state in draw(12, seed=8):
        page.evaluate("text => { studio.app.open(text + '&tab=overlap'); studio.app.flush(); }", state.address)
        counts = coverage(state.problem)
        first = page.locator("#overlap .bars").first.get_attribute("aria-label")
        assert first.split(": ")[-1] == " ".join(map(str, counts[0]))
        if len(counts) == 2:
            assert drawn(page, "#overlap .grid") == np.outer(*counts).ravel().tolist()


def stack_of(way, counts, kernel, stride, crop):
    """One layer of a stack of ones, by the package's own functions."""
    ones_ = np.ones((kernel, 1, 1), int)
    same = ((kernel - 1) // 2, kernel // 2)
    if way == "transposed":
        return tconv.conv_transpose(counts, ones_, stride=stride, crop=crop)
    if way == "divisible":
        taps = -(-kernel // stride) * stride
        lo = (taps - stride) // 2
        return tconv.conv_transpose(counts, np.ones((taps, 1, 1), int), stride=stride, crop=((lo, taps - stride - lo),))
    if way == "resize":
        return tconv.conv(resize(counts, factor=stride), ones_, crop=(same,))
    return resize(tconv.conv(counts, ones_, crop=(same,)), factor=stride)


@pytest.mark.parametrize("way", ["transposed", "divisible", "resize", "shuffle"])
@pytest.mark.parametrize("layers", [[(3, 2, 0)] * 3, [(5, 2, 1), (4, 3, 0)], [(1, 2, 0), (3, 1, 1)]])
def test_a_stack_s_counts_are_those_of_the_package(studio, way, layers):
    found = studio.evaluate("([way, layers]) => studio.stackCounts(6, layers, way)",
                            [way, [dict(zip(("kernel", "stride", "crop"), layer, strict=True)) for layer in layers]])
    counts = ones(6, 1)
    for got, layer in zip(found[1:], layers, strict=True):
        counts = stack_of(way, counts, *layer)
        assert got == counts.ravel().tolist()


def test_the_stack_is_edited_and_every_cure_is_even(opened):
    page = opened("tab=overlap&stack=3/2/0,3/2/0")
    page.get_by_role("button", name="Add a layer").click()
    for label, text in (("Layer 3, kernel", "5"), ("Layer 1, crop", "1")):
        settle(page)
        page.get_by_label(label).fill(text)
        page.keyboard.press("Tab")
    settle(page)
    page.get_by_role("button", name="Remove layer 2").click()
    page.get_by_label("Input size", exact=True).and_(page.locator("#stack-from")).fill("8")
    page.keyboard.press("Enter")
    settle(page)
    assert page.evaluate("[studio.app.state.stack, studio.app.state.from]") == ["3/2/1,5/2/0", 8]
    assert "differ by" in page.locator(".half p.quiet").first.inner_text()
    for cure in ("A kernel that the stride divides", "Resize, then convolve", "Convolve, then pixel shuffle"):
        page.get_by_role("radio", name=cure).check()
        settle(page)
        after = page.locator("#overlap-stack ~ .halves .half p.quiet").nth(1)
        assert after.inner_text().endswith("the counts are even.")
    page.get_by_label("Layer 1, stride").fill("0")
    page.keyboard.press("Tab")
    assert page.locator("#notice").inner_text() == "Layer 1, stride is 0; give a whole number from 1 to 8."


def test_a_stack_that_grows_too_large_is_a_sentence(opened):
    page = opened("tab=overlap&stack=4/8/0,4/8/0,4/8/0&from=10")
    assert "are too many to draw, up to 1,024 are" in page.locator("#overlap .warn").last.inner_text()


def test_an_image_goes_through_the_layer(opened, tmp_path):
    image = pytest.importorskip("PIL.Image", reason="needs Pillow: pip install pillow")
    pixels = np.random.default_rng(0).integers(0, 40, (5, 7, 3)).astype(np.uint8)
    image.fromarray(pixels).save(tmp_path / "small.png")
    kernel = np.array([1, 2, 0, 3]).reshape(2, 2, 1, 1)
    page = opened("tab=image&kernel=2&stride=2x1&lo=1x0&w=1,2,0,3")
    page.get_by_role("radio", name="As it comes").check()
    page.locator("#image-file").set_input_files(str(tmp_path / "small.png"))
    until(page, "document.querySelector('#image figcaption').textContent.includes('small.png')")
    shown = page.evaluate("""() => { const c = document.querySelectorAll('#image canvas')[1];
        return [c.height, c.width, Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)]; }""")
    want = tconv.conv_transpose(np.moveaxis(pixels, -1, 0)[..., None].astype(int), kernel, stride=(2, 1),
                                crop=((1, 0), (0, 0)))
    want = np.moveaxis(want[..., 0], 0, -1)
    got = np.array(shown[2]).reshape(shown[0], shown[1], 4)[..., :3]
    assert (got == want).all()
    for name in ("Kept", "Stretched"):
        page.get_by_role("radio", name=name).check()
    page.get_by_label("Longest side").select_option("128")
    page.get_by_role("button", name="The scene").click()
    until(page, "document.querySelectorAll('#image figure').length === 3")


LARGE = "size=16&kernel=3&stride=2&x=digits.1"
STEPS = """async ([from, to]) => { for (let i = from; i < to; i++) { studio.app.go(i);
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))); } }"""


def test_a_step_changes_only_the_cells_that_it_reaches(opened):
    """Of about 5,400 cells a step changes those of two stamps in six grids: what makes it fast."""
    page = opened(LARGE, viewport={"width": 1600, "height": 1000})
    page.evaluate(STEPS, [0, 40])
    changes = page.evaluate("""() => { const seen = new MutationObserver(() => {});
        seen.observe(document.getElementById('layer'), {subtree: true, attributes: true, characterData: true,
            childList: true});
        studio.app.go(40); studio.app.flush();
        const cells = new Set(seen.takeRecords().map(({target}) => target.parentElement?.closest('.cell') ?? target));
        return [...cells].filter(node => node.classList?.contains('cell')).length; }""")
    assert 20 < changes < 150


@pytest.mark.verify
def test_sixteen_cells_are_played_at_sixty_steps_a_second(opened):
    """The time of the page's main thread, in the best of a few stretches; what is drawn needs no more threads."""
    if os.getloadavg()[0] > (os.cpu_count() or 1) / 2:
        pytest.skip("needs a machine at rest: other programs are using it")
    page = opened(LARGE, viewport={"width": 1600, "height": 1000})
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def reading():
        metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        return page.evaluate("studio.app.step"), metrics["TaskDuration"]

    page.get_by_label("Steps a second").select_option("60")
    page.get_by_role("button", name="To the start").click()
    page.get_by_role("button", name="Play").click()
    readings = []
    for step in range(30, 230, 25):
        until(page, f"studio.app.step >= {step}")
        readings.append(reading())
    steps, seconds = np.diff(readings, axis=0).T
    assert min(seconds / steps) < 1 / 60

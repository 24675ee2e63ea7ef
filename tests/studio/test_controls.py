"""Every control of the page is used, and does what it says."""

import numpy as np
import pytest

import tconv
from tests.studio.test_states import drawn
from tests.studio.waiting import settle, until

SETTINGS = {"size": "Input size", "kernel": "Kernel", "stride": "Stride", "dilation": "Dilation",
            "lo": "Crop at the start", "hi": "Crop at the end"}
OUTPUT = ".plane-output .grid"


def result(page):
    settle(page)
    return page.evaluate("studio.app.y")


@pytest.mark.parametrize("name", SETTINGS)
def test_each_slider_and_each_number_sets_both_axes(studio, name):
    slider = studio.get_by_label(SETTINGS[name], exact=True).and_(studio.locator("input[type=range]"))
    slider.focus()
    before = studio.evaluate(f"studio.app.state.{name}")[0]
    studio.keyboard.press("ArrowRight")
    assert studio.evaluate(f"studio.app.state.{name}") == [before + 1] * 2
    number = studio.get_by_label(f"{SETTINGS[name]}, number")
    settle(studio)
    assert number.input_value() == str(before + 1)
    number.fill("2")
    number.press("Enter")
    assert studio.evaluate(f"studio.app.state.{name}") == [2, 2]
    assert studio.locator("#notice").is_hidden()


def test_output_padding_gives_cells_back_at_the_end(studio):
    studio.get_by_label("Output padding, number").fill("1")
    studio.keyboard.press("Enter")
    settle(studio)
    want = tconv.conv_transpose(np.arange(1, 10).reshape(1, 3, 3, 1), np.arange(1, 10).reshape(3, 3, 1, 1), stride=2,
                                crop=((0, -1), (0, -1)))
    assert drawn(studio, OUTPUT) == want.ravel().tolist()
    assert want.shape[1] == 8


def test_rows_and_columns_have_their_own_settings_when_they_are_not_alike(studio):
    studio.get_by_label("Rows and columns alike").uncheck()
    studio.get_by_label("Stride, columns, number").fill("3")
    studio.keyboard.press("Enter")
    assert studio.evaluate("studio.app.state.stride") == [2, 3]
    settle(studio)
    studio.get_by_label("Rows and columns alike").check()
    assert studio.evaluate("studio.app.state.stride") == [2, 2]


def test_channels_and_groups_make_planes_to_choose_from(studio):
    studio.get_by_text("Channels and groups").click()
    for label, value in (("Channels in", "4"), ("Channels out", "2"), ("Groups", "2")):
        studio.get_by_label(f"{label}, number").fill(value)
        studio.keyboard.press("Enter")
    settle(studio)
    x, kernel = (np.array(studio.evaluate(f"studio.app.{name}")) for name in "xw")
    want = tconv.conv_transpose(x.reshape(1, 3, 3, 4), kernel.reshape(3, 3, 1, 4), stride=2, groups=2)[0]
    studio.locator(".plane-output .chip").nth(1).click()
    settle(studio)
    assert drawn(studio, OUTPUT) == want[..., 1].ravel().tolist()
    assert studio.locator(".view-distribute .label").inner_text() == "not joined: another group"
    studio.locator(".plane-input .chip").nth(2).click()
    settle(studio)
    assert drawn(studio, ".plane-kernel .grid") == kernel.reshape(3, 3, 1, 4)[..., 0, 2].ravel().tolist()


def test_the_layer_may_be_a_convolution_and_have_one_axis(studio):
    studio.get_by_role("radio", name="Convolution").check()
    assert result(studio) == [sum((i + 1) ** 2 for i in range(9))]
    studio.get_by_role("radio", name="1-D").check()
    assert result(studio) == [1 + 4 + 9]
    studio.get_by_role("radio", name="Transposed").check()
    studio.get_by_role("radio", name="2-D").check()
    assert len(result(studio)) == 49


def test_every_example_and_every_filling_can_be_chosen(studio):
    for select in ("#example", "#fill-x", "#fill-w"):
        values = studio.eval_on_selector_all(f"{select} option", "all => all.map(option => option.value)")
        for value in set(values) - {"", "own"}:
            studio.locator(select).select_option(value)
            settle(studio)
            ways = studio.evaluate("studio.app.results()")
            assert all(ways["distribute"] == pytest.approx(way) for way in ways.values())
            assert studio.locator("#notice").is_hidden()


def test_cells_are_edited_where_they_are(studio):
    studio.locator(".plane-input .cell").nth(4).dblclick()
    studio.keyboard.type("-2.5")
    studio.keyboard.press("Tab")
    studio.keyboard.type("7")
    studio.keyboard.press("Enter")
    assert studio.evaluate("studio.app.x") == [1, 2, 3, 4, -2.5, 7, 7, 8, 9]
    studio.locator(".plane-kernel .cell").first.focus()
    studio.keyboard.type("9")
    studio.keyboard.press("Escape")
    assert studio.evaluate("studio.app.w")[0] == 1
    studio.locator(".plane-kernel .cell").first.dblclick()
    studio.keyboard.type("100")
    studio.keyboard.press("Enter")
    assert studio.evaluate("studio.app.w")[0] == 100
    assert studio.evaluate("studio.app.y")[0] == 100


def test_a_pasted_table_brings_its_size(studio):
    studio.get_by_role("button", name="Edit the input as text").click()
    area = studio.get_by_role("textbox", name="Values of the input")
    assert area.input_value() == "1 2 3\n4 5 6\n7 8 9"
    area.fill("[[1, 0, -1, 2],\n [3; 4; 5; 6]]")
    studio.get_by_role("button", name="Use these values").locator("visible=true").click()
    assert studio.evaluate("[studio.app.state.size, studio.app.x]") == [[2, 4], [1, 0, -1, 2, 3, 4, 5, 6]]
    settle(studio)
    studio.get_by_role("button", name="Edit the kernel as text").click()
    studio.get_by_role("textbox", name="Values of the kernel").fill("1\t2")
    studio.get_by_role("button", name="Use these values").locator("visible=true").click()
    assert studio.evaluate("[studio.app.state.kernel, studio.app.w]") == [[1, 2], [1, 2]]


def test_the_steps_can_be_played_paused_stepped_and_scrubbed(studio):
    def step():
        return studio.evaluate("studio.app.step")

    for name, want in (("To the start", 0), ("One step on", 1), ("One step on", 2), ("One step back", 1),
                       ("To the end", 9)):
        studio.get_by_role("button", name=name).click()
        assert step() == want, name
    studio.get_by_label("Step", exact=True).fill("4")
    assert step() == 4
    studio.get_by_role("radio", name="output cells").check()
    settle(studio)
    assert (step(), studio.evaluate("studio.app.steps")) == (0, 49)
    studio.get_by_label("Steps a second").select_option("12")
    studio.get_by_role("button", name="Play").click()
    until(studio, "studio.app.step > 2")
    studio.get_by_role("button", name="Pause").click()
    held = step()
    studio.wait_for_timeout(250)
    assert 2 < step() == held < 49
    studio.get_by_label("Steps a second").select_option("60")
    studio.get_by_role("button", name="Play").click()
    until(studio, "studio.app.step === 49 && !studio.app.playing")
    studio.get_by_role("radio", name="input cells").check()


def test_the_address_holds_the_state_and_follows_it(studio):
    studio.get_by_label("Stride, number").fill("3")
    studio.keyboard.press("Enter")
    until(studio, "location.hash === '#stride=3'")
    studio.evaluate("location.hash = 'rank=1&size=2&kernel=2&stride=2&x=5,7&w=1,-1&tab=code&code=numpy'")
    until(studio, "studio.app.state.rank === 1")
    assert studio.evaluate("studio.app.y") == [5, -5, 7, -7]
    settle(studio)
    assert studio.get_by_role("tab", name="NumPy").get_attribute("aria-selected") == "true"


def test_every_state_comes_back_from_its_own_address(studio):
    from tests.studio.states import draw

    for state in draw(40, seed=9):
        text = studio.evaluate("text => studio.encoded(studio.decoded(text).state)", state.address)
        again = studio.evaluate("text => studio.encoded(studio.decoded(text).state)", text)
        assert again == text
        assert studio.evaluate("text => studio.compute(text).results.matrix", text) == state.result.ravel().tolist()


def test_the_link_is_copied(opened):
    page = opened("stride=3", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    until(page, "document.getElementById('link').dataset.done === 'copied'")
    assert page.evaluate("navigator.clipboard.readText()").endswith("/#stride=3")


def test_the_colours_are_light_dark_or_the_system_s(opened):
    page = opened(color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    button = page.get_by_role("button", name="Colours")
    button.click()
    light = page.evaluate(ground)
    button.click()
    assert light != dark == page.evaluate(ground)
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_less_motion_plays_two_steps_a_second(opened):
    page = opened(reduced_motion="reduce")
    page.get_by_label("Steps a second").select_option("60")
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(700)
    assert page.evaluate("studio.app.step") <= 2

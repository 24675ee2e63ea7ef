"""What cannot be is a sentence with its cure in the page; nothing breaks, and nothing from the address becomes HTML."""

import pytest

from tests.studio.waiting import settle

NOTICE = "#notice"


def noticed(page):
    settle(page)
    assert page.locator(NOTICE).is_visible()
    return page.locator(NOTICE).inner_text()


@pytest.mark.parametrize(("address", "says"), [
    ("size=abc", "In the address: Input size is “abc”, which is no number; type one such as 3, -0.5 or 1e-2."),
    ("stride=0", "In the address: Stride is 0; give a whole number from 1 to 32."),
    ("kernel=2.5", "In the address: Kernel is 2.5; give a whole number from 1 to 32."),
    ("stride=1x2x3", "In the address: stride has 3 values for 2 axes; give one for all, or 2."),
    ("x=1,2", "In the address: the input has 2 values, but the setting takes 9; it counts from 1 instead."),
    ("w=1,two", "In the address: Kernel value 2 is “two”, which is no number; type one such as 3, -0.5 or 1e-2."),
    ("x=constructor", "In the address: Input value 1 is “constructor”, which is no number; type one such as 3, "
     "-0.5 or 1e-2."),
    ("kind=deconv", "In the address: kind is “deconv”, but has to be one of transposed, conv."),
    ("tab=__proto__", "In the address: tab is “__proto__”, but has to be one of layer, overlap, sizes, code, "
     "image, quiz."),
    ("stack=3", "In the address: The stack is no list of layers; write kernel/stride/crop for each, such as "
     "4/2/1,3/1/1."),
    ("goal=7to70x7", "In the address: From and To have different numbers of axes; give both one size, or both two."),
    ("ins=3&groups=2&outs=2", "3 channels in do not fall into 2 groups; take a number of groups that divides both."),
    ("lo=4&hi=4", "The crop, 4 and 4, leaves nothing of the full size 7 along the rows; crop less than 7 in all."),
    ("kind=conv&kernel=5", "The kernel reaches further than the padded input along the rows; take a smaller kernel or "
                           "dilation, or more padding."),
    ("more=2", "Output padding is 2 along the rows, but has to be less than the stride or the dilation; take 1 or "
     "less, or a smaller crop."),
    ("size=100", "The coarse grid has 10,000 cells, and this page draws up to 4,096. Take a smaller size or "
     "stride, or read the summary."),
    ("size=60", "The fine grid has 14,641 cells, and this page draws up to 4,096. Take a smaller size or stride, "
     "or read the summary."),
    ("lo=60&hi=60&size=40&stride=4", "Before the crop the grid has 25,281 cells, and this page draws up to 8,192. "
     "Take a smaller crop or dilation, or read the summary."),
])
def test_a_bad_address_is_a_sentence_with_its_cure(again, address, says):
    again.evaluate("text => studio.app.open(text)", address)
    assert noticed(again) == says


def test_a_layer_that_is_too_large_to_draw_has_its_summary(opened):
    page = opened("size=500&kernel=4&stride=4")
    assert not page.locator(".stage").is_visible()
    summary = page.locator(".summary").inner_text().split("\n")
    assert "500 × 500 → 2,000 × 2,000" in summary
    assert "4,000,000" in summary
    page.get_by_label("Input size, number").fill("4")
    page.keyboard.press("Enter")
    settle(page)
    assert page.locator(".stage").is_visible()
    assert not page.locator(NOTICE).is_visible()


@pytest.mark.parametrize("tab", ["overlap", "sizes", "code", "image", "quiz"])
def test_no_part_of_the_page_breaks_on_a_layer_that_is_none(again, tab):
    again.evaluate("text => studio.app.open(text)", f"lo=9&tab={tab}")
    assert "leaves nothing" in noticed(again)
    assert again.locator(f"#{tab}").is_visible()


@pytest.mark.parametrize(("text", "says"), [
    ("abc", "the value is “abc”, which is no number; type one such as 3, -0.5 or 1e-2."),
    ("1,5", "the value is “1,5”, which is no number; type one such as 3, -0.5 or 1e-2."),
    ("1e99", "the value is 1e99; type a number between −1e12 and 1e12."),
    ("", "the value is “”, which is no number; type one such as 3, -0.5 or 1e-2."),
])
def test_a_cell_that_is_no_number_keeps_what_was_typed_and_says_so(again, text, says):
    again.locator(".plane-input .cell").first.dblclick()
    again.keyboard.press("Control+A")
    again.keyboard.press("Delete")
    again.keyboard.type(text)
    again.keyboard.press("Enter")
    assert noticed(again) == says
    assert again.locator(".typed").input_value() == text
    again.keyboard.press("Escape")
    assert again.evaluate("studio.app.x[0]") == 1


@pytest.mark.parametrize(("text", "says"), [
    ("1 2\n3", "Line 2 has 1 value, line 1 has 2; give every line as many."),
    ("1 2\n3 x", "Line 2, value 2 is “x”, which is no number; type one such as 3, -0.5 or 1e-2."),
    (" \n", "The table is empty; give lines of numbers, such as “1 2” and “3 4”."),
    (" ".join(["1"] * 5000), "The table is 1 × 5000; this page takes up to 4096 along an axis."),
])
def test_a_table_that_is_none_is_a_sentence(again, text, says):
    again.get_by_role("button", name="Edit the input as text").click()
    again.get_by_role("textbox", name="Values of the input").fill(text)
    again.get_by_role("button", name="Use these values").locator("visible=true").click()
    assert again.locator("dialog[open] .wrong").inner_text() == says
    again.get_by_role("button", name="Cancel").locator("visible=true").click()
    assert again.evaluate("studio.app.x") == list(range(1, 10))


def test_two_lines_are_no_input_of_one_axis(opened):
    page = opened("rank=1")
    page.get_by_role("button", name="Edit the input as text").click()
    page.get_by_role("textbox", name="Values of the input").fill("1 2\n3 4")
    page.get_by_role("button", name="Use these values").locator("visible=true").click()
    assert page.locator("dialog[open] .wrong").inner_text() == (
        "The table has 2 lines, but the layer has one axis; give one line, or choose 2-D.")


@pytest.mark.parametrize("typed", ["0", "-1", "1.5", "9999", "many"])
def test_a_number_out_of_range_is_a_sentence_and_changes_nothing(again, typed):
    number = again.get_by_label("Stride, number")
    number.fill(typed)
    number.press("Enter")
    assert noticed(again).startswith("Stride is ")
    assert number.get_attribute("aria-invalid") == "true"
    assert again.evaluate("studio.app.state.stride") == [2, 2]


@pytest.mark.parametrize("name", ["kind", "x", "w", "goal", "stack", "size", "tab", "code", "nonsense"])
def test_nothing_from_the_address_becomes_html(opened, name):
    page = opened(f"{name}=%3Cimg%20src%3Dx%20onerror%3D%22globalThis.hit%3D1%22%3E%3Cscript%3Ehit%3D1%3C/script%3E")
    assert page.evaluate("[globalThis.hit, document.querySelectorAll('img').length]") == [None, 0]


def test_a_file_that_is_no_image_is_a_sentence(opened):
    page = opened("tab=image")
    page.locator("#image-file").set_input_files({"name": "notes.png", "mimeType": "image/png", "buffer": b"none"})
    wrong = page.locator("#image .wrong")
    wrong.get_by_text("notes.png is no image").wait_for()
    assert wrong.inner_text() == "notes.png is no image that this browser reads; give a PNG, JPEG, WebP, GIF or SVG."

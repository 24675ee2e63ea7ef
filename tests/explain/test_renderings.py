"""Text, SVG, GIF, HTML and JSON: golden files, and every rendering read back to the facts."""

import json
import re
from dataclasses import replace
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings

from tconv.errors import SettingError, ShapeError, SizeError
from tconv.explain import RENDERERS, VIEWS, explain, numbered, render
from tconv.explain.layout import scene
from tconv.explain.render import Choice, drawn, scenes, story
from tconv.explain.svg import png
from tconv.explain.theme import DARK, LIGHT, ROLES, mix
from tconv.geometry import Spec

from ..strategies import cases

STAMPS = Spec.of(kernel=(3, 3), stride=2, crop=((1, 0), (1, 0))).explain([[1, 2], [3, 4]])
SQUARE = Spec.of(kernel=(2, 2), stride=2).explain([[1, 2], [3, 4]], bias=[10])
WINDOW = Spec.of(kernel=(3, 3)).explain([[4, 5, 8, 7], [1, 8, 8, 8], [3, 6, 6, 4], [6, 5, 7, 8]],
                                        [[1, 4, 1], [1, 4, 3], [3, 3, 1]], transposed=False)
STRIDED = Spec.of(kernel=(3,), stride=2, crop=1).explain([1, 2, 3, 4, 5], [1, -2, 1], transposed=False)
LINE = Spec.of(kernel=(3,), stride=2, crop=((-1, 1),)).explain([1, 2, 3], [1, 0.5, 0.25])
VOLUME = Spec.of(kernel=(2, 2, 2), stride=1).explain(numbered((2, 2, 2)))
CHANNELS = Spec.of(kernel=(2,), stride=2).explain([[1, 2], [3, 4]], [[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
GROUPS = Spec.of(kernel=(2,), groups=2).explain([[1, 2], [3, 4]], [[[1, 2]], [[3, 4]]])

CASES = {"stamps": STAMPS, "square": SQUARE, "window": WINDOW, "strided": STRIDED, "line": LINE, "volume": VOLUME,
         "channels": CHANNELS, "groups": GROUPS}

GOLDEN = [("stamps", view) for view in VIEWS] + [
    ("window", "distribute"), ("window", "collect"), ("window", "phases"), ("window", "gradient"),
    ("strided", "collect"), ("strided", "phases"), ("line", "distribute"), ("line", "cell"), ("square", "cell"),
    ("volume", "distribute"), ("channels", "collect"), ("groups", "matrix"),
]


@pytest.mark.parametrize(("name", "view"), GOLDEN)
def test_the_text_is_as_it_was_read(golden, name, view):
    golden(f"{name}-{view}.txt", render(CASES[name], view))


@pytest.mark.parametrize(("name", "view"), [("stamps", view) for view in VIEWS] + [("window", "collect"),
                                                                                   ("line", "distribute")])
def test_the_svg_is_as_it_was_looked_at(golden, name, view):
    golden(f"{name}-{view}.svg", render(CASES[name], view, "svg"))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_of_every_case_has_a_text_and_a_picture_of_every_step(name, view):
    told = CASES[name]
    for channel in range(told.channels[1]):
        found = story(told, Choice(view, channel))
        assert found.about.endswith(".")
        assert render(told, view, channel=channel)
        assert ElementTree.fromstring(render(told, view, "svg", channel=channel)).tag.endswith("svg")
        sizes = {(one.width, one.height) for one in scenes(found)}
        assert len(sizes) == 1


def grids(text, title):
    """The numbers of the first panel under this title: rows of what its columns hold, marks taken off."""
    lines = text.splitlines()
    at, start = next((number, line.index(title)) for number, line in enumerate(lines) if title in line)
    rows = []
    for line in lines[at + 1:]:
        cells = re.findall(r"-?[\d.]+", line[start - 1:].replace("·", " "))
        if not cells:
            break
        rows.append([float(cell) for cell in cells])
    return rows


@settings(max_examples=25)
@given(case=cases(empty=False, channels=1, ranks=(1, 2), grouped=False))
def test_the_result_read_back_from_the_text_is_the_oracle_s(case):
    told = explain(case.x, case.kernel, problem=case.problem)
    if max(told.result.shape) > 24 or told.collect.grid.size > 2000:
        return
    title = "result, fine"
    whole = render(told, "cell", cell=(0,) * case.problem.rank)
    read = grids(whole, title)
    assert read == told.result[..., 0].reshape(-1, told.result.shape[-2]).tolist()


def boxes(document, title):
    """The numbers of an SVG's panel under this title, by place: those drawn below the title and above the next one."""
    root = ElementTree.fromstring(document)
    texts = [one for one in root.iter() if one.tag.endswith("text")]
    head = next(one for one in texts if one.text == title)
    x, y = float(head.get("x")), float(head.get("y"))
    cells = [one for one in texts if (one.get("class") or "").startswith("tc-n") and float(one.get("y")) > y
             and float(one.get("x")) >= x]
    return [float(one.text) for one in sorted(cells, key=lambda one: (float(one.get("y")), float(one.get("x"))))]


@settings(max_examples=25)
@given(case=cases(empty=False, channels=1, ranks=(1, 2), grouped=False))
def test_the_counts_read_back_from_the_svg_are_the_overlap(case):
    told = explain(case.x, case.kernel, problem=case.problem)
    counts = told.overlap.counts
    if max(counts.shape) > 24:
        return
    read = boxes(render(told, "overlap", "svg"), "products that meet in each fine cell")
    assert read[:counts.size] == counts.ravel().tolist()


def test_the_result_read_back_from_the_svg_is_the_result():
    assert boxes(render(STAMPS, "cell", "svg"), "result, fine")[:16] == STAMPS.result.ravel().tolist()
    assert boxes(render(WINDOW, "cell", "svg"), "result, coarse")[:4] == [122, 148, 126, 134]


def test_an_svg_stands_alone_and_says_what_it_shows():
    document = render(STAMPS, "distribute", "svg")
    root = ElementTree.fromstring(document)
    space = "{http://www.w3.org/2000/svg}"
    width, height = root.get("width"), root.get("height")
    assert root.get("viewBox") == f"0 0 {width} {height}"
    assert root.get("role") == "img"
    assert root.get("aria-labelledby").split() == [root.find(f"{space}{name}").get("id") for name in ("title", "desc")]
    assert root.find(f"{space}desc").text.endswith("leaves 4×4.")
    assert "prefers-color-scheme:dark" in document
    assert not re.search(r'(href|src)="(?!data:)', document)
    marks = [one for one in root.iter(f"{space}rect") if "tc-ground" not in one.get("class")]
    for one in marks:
        assert float(one.get("x")) >= 0
        assert float(one.get("x")) + float(one.get("width")) <= float(width)
        assert float(one.get("y")) + float(one.get("height")) <= float(height)


def test_two_pictures_on_one_page_have_names_of_their_own():
    ids = [re.findall(r'id="(t[0-9a-f]{8}-[td])"', render(STAMPS, view, "svg")) for view in ("distribute", "collect")]
    assert len({name for found in ids for name in found}) == 4


def test_a_theme_can_be_fixed():
    for theme, page in (("light", LIGHT), ("dark", DARK)):
        document = render(STAMPS, "collect", "svg", theme=theme)
        assert "prefers-color-scheme" not in document
        assert page.ground in document


def contrast(first, second):
    """How many times brighter the brighter of two colours is, as WCAG 2 counts it."""
    def brightness(colour):
        parts = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((brightness(first), brightness(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("page", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_can_be_read_on_its_ground(page):
    assert contrast(page.quiet, page.ground) > 4.5
    for role in set(ROLES) - {"plain", "empty", "added", "crop"}:
        assert contrast(page.title(role), page.ground) > 4.5, role
        assert contrast(page.ground, page.solid(role)) > 4.5, role
        assert contrast(page.ink, page.soft(role)) > 7, role
    assert mix("#FFFFFF", "#000000", 0.5) == "#808080"


@pytest.mark.parametrize("name", CASES)
def test_a_gif_has_a_frame_for_each_step(name):
    image = pytest.importorskip("PIL.Image", reason="pip install pillow")
    made = render(CASES[name], "phases", "gif")
    with image.open(BytesIO(made)) as opened:
        assert opened.n_frames == len(CASES[name].phases.parts)
        assert opened.info["loop"] == 0
        first = np.asarray(opened.convert("RGB"))
        assert len(np.unique(first.reshape(-1, 3), axis=0)) > 10
        if opened.n_frames > 1:
            opened.seek(1)
            assert (np.asarray(opened.convert("RGB")) != first).any()


def test_a_gif_can_be_dark_and_a_still_view_is_one_frame():
    image = pytest.importorskip("PIL.Image", reason="pip install pillow")
    with image.open(BytesIO(render(STAMPS, "overlap", "gif", theme="dark"))) as opened:
        assert opened.n_frames == 1
        assert max(opened.convert("RGB").getpixel((2, 2))) < 40


@pytest.mark.parametrize("name", CASES)
def test_a_page_holds_the_facts_and_every_step_of_every_view(name):
    pytest.importorskip("jinja2", reason="pip install jinja2")
    told = CASES[name]
    document = render(told, "collect", "html")
    facts = json.loads(re.search(r'<script type="application/json" id="facts">(.*?)</script>', document, re.S).group(1))
    assert facts["result"] == told.result.tolist()
    assert facts == json.loads(render(told, format="json"))
    assert re.findall(r'<section id="(\w+)"', document) == list(VIEWS)
    steps = sum(story(told, Choice(view)).steps for view in VIEWS)
    assert document.count('<figure class="frame') == steps
    assert not re.search(r'(?:href|src)="(?!#|data:)', document)


def test_a_page_cannot_be_broken_out_of():
    pytest.importorskip("jinja2", reason="pip install jinja2")
    document = render(STAMPS, "cell", "html")
    assert document.count("</script>") == 2


def test_one_step_can_be_drawn_by_itself():
    alone = drawn(story(STAMPS, Choice("distribute", step=2)))
    assert "Input (1, 0) is 3." in alone
    assert render(STAMPS, "distribute", "svg", step=2) == alone


def test_a_large_plane_is_shades_that_hold_the_values():
    told = Spec.of(kernel=(2, 2), stride=2).explain(numbered((20, 20)), np.ones((2, 2), int))
    image = pytest.importorskip("PIL.Image", reason="pip install pillow")
    document = render(told, "cell", "svg")
    data = re.search(r"data:image/png;base64,([^\"]+)", document).group(1)
    import base64

    shades = np.asarray(image.open(BytesIO(base64.b64decode(data))))
    assert shades.tolist() == np.round((told.result[..., 0] - 1) / 8 * 255).tolist()
    assert np.asarray(image.open(BytesIO(png(((0.0, 1.0), (0.5, 0.0)))))).tolist() == [[0, 255], [128, 0]]
    assert "█" in render(told, "cell")


def test_text_for_a_terminal_differs_from_plain_text_only_in_its_colours():
    for view in VIEWS:
        plain, coloured = render(STAMPS, view), render(STAMPS, view, colour=True)
        assert "\033[" in coloured
        bare = re.sub(r"\033\[[\d;]*m", "", coloured)
        assert [line.rstrip() for line in bare.splitlines()] == [line.rstrip() for line in plain.splitlines()]


def test_what_is_too_large_to_draw_offers_the_summary():
    told = Spec.of(kernel=(3, 3), stride=2).explain(numbered((11, 11)))
    with pytest.raises(SizeError, match=r"has 121 steps here, more than 100.*the view 'summary'"):
        render(told, "distribute", "text")
    assert render(told, "summary")
    assert render(told, "distribute", "svg")
    assert "Input (0, 3) is 4" in render(told, "distribute", step=3)
    wide = Spec.of(kernel=(2,)).explain(numbered((600,)))
    with pytest.raises(SizeError, match=r"at most 512 samples can be drawn.*the view 'summary'"):
        render(wide, "overlap", "svg")


def test_more_than_three_axes_are_told_in_numbers_and_drawn_in_none():
    told = Spec.of(kernel=(2, 2, 2, 2)).explain(numbered((2, 2, 2, 2)))
    with pytest.raises(SizeError, match="1 to 3 axes"):
        render(told, "overlap", "svg")
    assert json.loads(render(told, format="json"))["result"] == told.result.tolist()


@pytest.mark.parametrize(("wanted", "match"), [
    ({"view": "sideways"}, "view is 'sideways', but has to be one of distribute, collect"),
    ({"format": "png"}, "format is 'png', but has to be one of text, json"),
    ({"theme": "pink"}, "theme is 'pink', but has to be one of auto"),
    ({"step": 9}, "step is 9, but the view 'distribute' has steps 0 to 3"),
    ({"view": "overlap", "step": 0}, "the view 'overlap' has no steps"),
])
def test_what_there_is_not_is_refused_with_what_there_is(wanted, match):
    with pytest.raises(SettingError, match=match):
        render(STAMPS, **wanted)
    with pytest.raises(ShapeError, match="channel is 1, but the result has 1"):
        render(STAMPS, channel=1)


def test_every_renderer_has_a_suffix_of_its_own():
    assert len({renderer.suffix for renderer in RENDERERS.values()}) == len(RENDERERS)


def test_a_caption_is_wrapped_inside_its_picture():
    long = replace(STAMPS, kernel=STAMPS.kernel)
    page = scene(story(long, Choice("cell", cell=(2, 2))).still, "title")
    assert all(words.x + len(words.text) * words.size * 0.4 < page.width for words in page.words)

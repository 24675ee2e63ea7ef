"""The report: facts first, then one page that needs nothing else."""

import dataclasses
import json
from html.parser import HTMLParser

import numpy as np
import pytest

pytest.importorskip("jinja2")
pytest.importorskip("PIL")

from tconv.recipes.checkpoint import Epoch
from tconv.report import LayerFacts, Machine, Pictures, RunFacts, page, sheet
from tconv.report.curves import chart
from tconv.report.layers import Geometry

PLAIN = Geometry((3, 3), (1, 1), ((0, 0), (0, 0)), ((1,), (1,)))
FACTS = RunFacts(
    recipe="autoencoder",
    source="digits & <letters>",
    images=(48_000, 12_000, 10_000),
    settings={"filters": [32, 16, 8], "epochs": 2, "batch_size": 1000, "seed": 0, "learning_rate": 0.002,
              "backend": "jax", "data": None, "limit": None},
    history=(Epoch(1, 0.25, 0.1, 20.0), Epoch(2, 0.09, 0.08, 16.0)),
    test_loss=0.06049,
    parameters=609,
    code=(22, 22, 8),
    layers=(LayerFacts("conv2d", "Conv2D", (28, 28, 1), (26, 26, 32), 320, PLAIN, 194_688, 100, 2.0),
            LayerFacts("conv2d_1", "Conv2D", (28, 28, 32), (28, 28, 1), 289,
                       dataclasses.replace(PLAIN, crop=((1, 1), (1, 1))), 215_168, 100, 4.0)),
    gflops=123.4,
    machine=Machine("Linux x86_64", "a processor", 2, 2, "avx512"),
    versions={"tconv": "0.1.0", "python": "3.11.7"},
    finished="2026-01-02T03:04+00:00",
)
IMAGES = np.arange(3 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(3, 28, 28)
PICTURES = Pictures((IMAGES, 255 - IMAGES), (IMAGES[:1], IMAGES[:1]))


class Reader(HTMLParser):
    """Collects addresses and text, and checks that what is opened is closed."""

    VOID = frozenset({"meta", "img", "link", "br", "line", "circle", "polyline"})

    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.text = [], [], ""

    def handle_starttag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("src", "href", "action")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(html):
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return reader


def test_the_page_needs_nothing_but_itself():
    html = page(FACTS, PICTURES)
    reader = read(html)
    assert len(reader.addresses) == 8
    assert all(address.startswith("data:image/png;base64,") for address in reader.addresses)
    assert "<script" not in html
    assert "url(" not in html
    assert "http" not in html


def test_the_page_says_the_facts():
    text = " ".join(read(page(FACTS, PICTURES)).text.split())
    for said in ("0.0605", "36 s", "3,000", "609", "22×22×8 = 3,872 numbers",
                 "4.9 times as many as it has pixels", "409,856", "19.5", "a processor", "avx512", "digits & <letters>",
                 "--filters 32,16,8 --epochs 2 --batch-size 1000 --seed 0 --learning-rate 0.002 --backend jax"):
        assert said in text, said


def test_a_code_that_is_smaller_than_the_image_is_said_to_be():
    text = read(page(dataclasses.replace(FACTS, code=(14, 14, 1)), PICTURES)).text
    assert "25 % of the pixels" in text


def test_the_json_holds_what_a_program_wants():
    plain = json.loads(FACTS.json())
    assert plain["test_loss"] == 0.06049
    assert plain["seconds"] == 36.0
    assert plain["layers"][0]["gflops"] == 2 * 194_688 * 100 / 2.0 / 1e6
    assert plain["history"][1] == {"epoch": 2, "loss": 0.09, "val_loss": 0.08, "seconds": 16.0}


LOSSES = [[(0.3, 0.1)], [(0.69, 0.69)] * 3, [(9.0, 1e-12), (1e-3, 2.0)], [(1 / n, 2 / n) for n in range(1, 200)]]


@pytest.mark.parametrize("losses", LOSSES)
def test_every_point_of_a_curve_lies_within_its_frame(losses):
    drawn = chart([Epoch(number, *pair, 1.0) for number, pair in enumerate(losses, start=1)])
    for line in drawn.lines:
        assert len(line.points) == len(losses)
        for x, y, _, _ in line.points:
            assert drawn.left <= x <= drawn.right
            assert drawn.top - 1e-9 <= y <= drawn.bottom + 1e-9
    assert len({text for _, text in drawn.up}) == len(drawn.up) >= 2


def test_a_lower_loss_is_drawn_lower():
    points = chart(FACTS.history).lines[0].points
    assert points[1][1] > points[0][1]


def test_a_sheet_puts_each_result_under_its_image():
    made = sheet(IMAGES, 255 - IMAGES, scale=1)
    assert made.shape == (57, 86)
    assert (made[:28, 29:57] == IMAGES[1]).all()
    assert (made[29:, 58:] == 255 - IMAGES[2]).all()
    assert (sheet(IMAGES, IMAGES, scale=3)[1::3, 1::3] == sheet(IMAGES, IMAGES, scale=1)).all()

"""The report: facts first, then one page that needs nothing else."""

import dataclasses
import json
from html.parser import HTMLParser

import numpy as np
import pytest

pytest.importorskip("jinja2")
pytest.importorskip("PIL")

from tconv.recipes import Animation, Figure, Gallery, Plot, Table
from tconv.recipes.checkpoint import Epoch
from tconv.report import LayerFacts, Machine, RunFacts, page, sheet
from tconv.report.checkerboard import Enlarging
from tconv.report.curves import chart, history_chart
from tconv.report.layers import Geometry

PLAIN = Geometry((3, 3), (1, 1), ((0, 0), (0, 0)), ((1,), (1,)))
FACTS = RunFacts(
    recipe="autoencoder",
    title="Digits & <letters>",
    says="Seven layers learned.",
    source="digits & <letters>",
    counts={"to train": 48_000, "to validate": 12_000, "to test": 10_000},
    settings={"filters": [32, 16, 8], "epochs": 2, "data": None},
    command="tconv train autoencoder --data 'a & <b>'",
    history=(Epoch(1, {"loss": 0.25, "val_loss": 0.1, "accuracy": 0.5}, 20.0),
             Epoch(2, {"loss": 0.09, "val_loss": 0.08, "accuracy": 0.75}, 16.0)),
    metrics={"loss": "binary cross-entropy", "accuracy": "accuracy on fakes", "absent": "never measured"},
    figures=[Figure("binary cross-entropy", 0.06049, "10,000 test images", better="lower", digits=4,
                    baselines={"one grey": 0.3}),
             Figure("PSNR", 31.416, "12 photographs", unit="dB")],
    parameters=609,
    layers=(LayerFacts("conv2d", "Conv2D", (28, 28, 1), (26, 26, 32), 320, PLAIN, 194_688, 100, 2.0),
            LayerFacts("conv2d_1", "Conv2D", (28, 28, 32), (28, 28, 1), 289,
                       dataclasses.replace(PLAIN, crop=((1, 1), (1, 1))), 215_168, 100, 4.0)),
    gflops=123.4,
    machine=Machine("Linux x86_64", "a processor", 2, 2, "avx512"),
    versions={"tconv": "0.1.0", "python": "3.11.7"},
    finished="2026-01-02T03:04+00:00",
    enlarging=(Enlarging("up", "Conv2DTranspose", (2, 2), ((2, 1), (2, 1)), 0.125),),
)
IMAGES = np.arange(3 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(3, 28, 28)
COLOURS = np.stack([IMAGES] * 3, axis=-1)
SECTIONS = [
    Gallery("Given <back>", "Three.", ("input", "output"), list(zip(IMAGES, 255 - IMAGES))),
    Gallery("Enlarged", "One.", ("bicubic", "ours", "original"), [tuple(COLOURS)], across=1),
    Animation("Growing", "By epoch.", COLOURS),
    Plot("ROC", "By threshold.", "false alarms", "found", {"ours": ([0, 0.5, 1], [0, 0.9, 1])},
         marks={"the threshold": (0.1, 0.5)}),
    Table("By class", "Each.", ("class", "IoU"), [("cat & <dog>", "0.91")]),
]


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
    html = page(FACTS, SECTIONS)
    reader = read(html)
    assert len(reader.addresses) == 6 + 3 + 1
    assert all(address.startswith(("data:image/png;base64,", "data:image/gif;base64,")) for address in reader.addresses)
    assert "<script" not in html
    assert "url(" not in html
    assert "http" not in html


def test_the_page_says_the_facts():
    text = " ".join(read(page(FACTS, SECTIONS)).text.split())
    for said in ("Digits & <letters>", "0.0605", "one grey 0.3000", "31.42 dB", "36 s", "3,000", "609", "409,856",
                 "19.5", "a processor", "avx512", "accuracy on fakes", "Given <back>", "bicubic", "the threshold",
                 "cat & <dog>", "2:1 × 2:1", "0.1250", "tconv train autoencoder --data 'a & <b>'"):
        assert said in text, said
    assert "never measured" not in text


def test_pictures_come_first():
    text = read(page(FACTS, SECTIONS[::-1])).text
    places = [text.index(word) for word in ("Growing", "Enlarged", "Given", "How good it is", "By class", "ROC",
                                            "How it learned", "The layers", "How to get it again")]
    assert places == sorted(places)


def test_a_step_that_is_more_than_forward_and_backward_claims_no_throughput_in_operations():
    assert "GFLOP/s of useful work" not in page(dataclasses.replace(FACTS, gflops=None), SECTIONS)


def test_the_json_holds_what_a_program_wants():
    plain = json.loads(FACTS.json())
    assert plain["figures"][0]["value"] == 0.06049
    assert plain["seconds"] == 36.0
    assert plain["layers"][0]["gflops"] == 2 * 194_688 * 100 / 2.0 / 1e6
    assert plain["history"][1] == {"epoch": 2, "metrics": {"loss": 0.09, "val_loss": 0.08, "accuracy": 0.75},
                                   "seconds": 16.0}


LOSSES = [[(0.3, 0.1)], [(0.69, 0.69)] * 3, [(9.0, 1e-12), (1e-3, 2.0)], [(1 / n, 2 / n) for n in range(1, 200)]]


def within(drawn):
    for line in (*drawn.lines, *drawn.dots):
        for x, y, _, _ in line.points:
            assert drawn.left - 1e-9 <= x <= drawn.right + 1e-9
            assert drawn.top - 1e-9 <= y <= drawn.bottom + 1e-9
    assert len({text for _, text in drawn.up}) == len(drawn.up) >= 2


@pytest.mark.parametrize("losses", LOSSES)
def test_every_point_of_a_curve_lies_within_its_frame(losses):
    history = [Epoch(number, {"loss": a, "val_loss": b}, 1.0) for number, (a, b) in enumerate(losses, start=1)]
    drawn = history_chart(history, "loss", "loss")
    assert [len(line.points) for line in drawn.lines] == [len(losses)] * 2
    within(drawn)


VALUES = [[0.0, 1.0], [-5.0, 5.0], [20.0, 31.7, 30.0], [1e-6, 1e-6], [0.0, 0.0], [12345.0, 99999.0]]


@pytest.mark.parametrize("log", ["", "x", "y", "xy"])
@pytest.mark.parametrize("values", VALUES)
def test_so_does_every_point_of_a_plot(values, log):
    within(chart({"a": (values, values[::-1])}, x="x", y="y", log=log, dots={"b": (values[0], values[-1])}))


def test_a_lower_loss_is_drawn_lower():
    for name in ("loss", "accuracy"):
        first, second = history_chart(FACTS.history, name, "").lines[-1].points
        assert (first[3] > second[3]) == (first[1] < second[1])


def test_a_training_without_validation_is_one_curve():
    assert [line.name for line in history_chart(FACTS.history, "accuracy", "").lines] == ["training"]


def test_a_sheet_puts_each_result_under_its_image():
    made = sheet(IMAGES, 255 - IMAGES, scale=1)
    assert made.shape == (57, 86)
    assert (made[:28, 29:57] == IMAGES[1]).all()
    assert (made[29:, 58:] == 255 - IMAGES[2]).all()
    assert (sheet(IMAGES, IMAGES, scale=3)[1::3, 1::3] == sheet(IMAGES, IMAGES, scale=1)).all()


def test_layers_that_enlarge_are_judged_by_their_kernels():
    keras = pytest.importorskip("keras")
    from tconv.keras import Conv2D, Conv2DTranspose, ResizeConv, SubpixelConv
    from tconv.report.checkerboard import enlarging

    model = keras.Sequential([
        keras.Input((4, 4, 1)), Conv2D(1, 3, padding="same"),
        Conv2DTranspose(1, 3, strides=2, kernel_initializer="ones"),
        Conv2DTranspose(1, 4, strides=2, kernel_initializer="ones"), SubpixelConv(1, 3), ResizeConv(1, 3)])
    found = enlarging(model)
    assert [layer.kind for layer in found] == ["Conv2DTranspose", "Conv2DTranspose", "SubpixelConv", "ResizeConv"]
    assert [layer.overlap for layer in found] == [((2, 1), (2, 1)), ((2, 2), (2, 2)), (), ()]
    # Phases of 4, 2, 2 and 1 taps: mean 9/4, so that (49 + 1 + 1 + 25) / 16 / 4 stands over 81 / 16.
    assert found[0].unevenness == pytest.approx(76 / 4 / 81)
    assert found[1].unevenness == 0
    assert found[2].unevenness == pytest.approx(0, abs=1e-9)

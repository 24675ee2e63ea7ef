"""Results: ratios and limits as they are defined, and as JSON."""

import json
from dataclasses import replace
from xml.etree.ElementTree import fromstring

import pytest

from tconv import TconvError
from tconv.bench import Limits, fill, layers_picture, pictures, read, section, step_picture, summaries, write
from tconv.bench.page import BEGIN, END
from tconv.geometry import Cost


def test_results_go_through_json(results, tmp_path):
    write(results, tmp_path / "results.json")
    assert read(tmp_path / "results.json") == results
    told = json.loads(results.json())
    assert told["rows"][0]["ratio"] == {"live": 2.0, "frozen": 0.8}
    assert told["rows"][0]["fraction"] == pytest.approx(0.514)


def test_a_ratio_is_that_to_the_best_peer_of_the_same_kind(results):
    win, loss, _ = results.rows
    assert (win.ratio("live"), win.best("live").peer) == (2.0, "JAX")
    assert (win.ratio("frozen"), win.best("frozen").peer) == (0.8, "ONNX Runtime")
    assert (loss.ratio("live"), loss.ratio("frozen")) == (0.5, None)


def test_what_we_froze_is_compared_with_what_they_froze(results):
    win = results.rows[0]
    ours = replace(win.timings[0], peer="tconv frozen", kernels="frozen", milliseconds=0.2)
    both = replace(win, timings=(*win.timings, ours))
    assert (both.ratio("frozen"), both.ratio("live"), both.fraction) == (2.0, 2.0, 0.257 / 0.2)


@pytest.mark.parametrize(("cost", "seconds"), [
    (Cost(100_000_000_000, 0, 2**28, 0), 1.0),  # arithmetic: 2e11 operations at 2e11 a second
    (Cost(1, 0, 2**28, 0), 2**28 / 25e9),  # bytes, at what reading reaches, the better of both
    (Cost(1, 0, 2**10, 0), 2**10 / 100e9),
    (Cost(0, 0, 2**23, 0), 2**23 / 62.5e9),  # half way between both sizes, by their logarithms
    (Cost(100_000_000_000, 0, 0, 0), 1.0),
])
def test_the_limit_is_the_longer_of_arithmetic_and_bytes(results, cost, seconds):
    assert results.limits[0].seconds(cost, "float32") == pytest.approx(seconds)


def test_bfloat16_has_a_peak_of_its_own_where_there_is_one(results):
    tiles = replace(results.limits[0], bfloat16=2e12)
    assert tiles.seconds(Cost(10**12, 0, 0, 0), "bfloat16") == 1.0
    assert results.limits[0].seconds(Cost(10**11, 0, 0, 0), "bfloat16") == 1.0
    assert Limits.of(json.loads(json.dumps({**json.loads(results.json())["limits"][0]}))) == results.limits[0]


def test_a_summary_counts_all_layers(results):
    live, frozen = summaries(results)
    assert (live.kernels, live.ratio, live.least, live.won, live.layers) == ("live", 1.0, (0.5, "unet <3>"), 1, 2)
    assert (frozen.kernels, frozen.ratio, frozen.won, frozen.layers) == ("frozen", pytest.approx(0.8), 0, 1)
    assert live.fraction == pytest.approx((0.514 * 0.134) ** 0.5)


@pytest.mark.parametrize(("text", "says"), [
    ("{", "is not JSON"), ("[]", "holds no results"), ("{}", "holds no results"), ('{"format": 99}', "has format 99"),
    ('{"format": 1, "rows": [{}]}', "holds no results")])
def test_what_are_no_results_is_refused(tmp_path, text, says):
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(TconvError, match=says):
        read(tmp_path / "results.json")


def test_missing_results_are_refused(tmp_path):
    with pytest.raises(TconvError, match="cannot be read"):
        read(tmp_path / "none.json")


def test_every_picture_is_a_document_that_says_in_words_what_it_shows(results):
    drawn = pictures(results)
    assert list(drawn) == ["forward-float32-2.svg", "mnist-autoencoder-float32-2.svg"]
    for svg in drawn.values():
        root = fromstring(svg)
        names = {element.tag.split("}")[1] for element in root}
        assert {"title", "desc", "style"} <= names
        assert "prefers-color-scheme:dark" in svg


def test_a_peer_lies_where_its_time_beside_ours_puts_it(results):
    svg = layers_picture(results, passing="forward", threads=2)
    assert "unet &lt;3&gt;" in svg
    assert "JAX: 1 ms, 2.00 times ours" in svg
    assert "PyTorch: 5 ms, 0.50 times ours" in svg
    assert "dcgan-2 2.00; unet &lt;3&gt; 0.50" in svg


def test_a_step_that_is_far_too_long_is_cut_off_and_says_so(results):
    svg = step_picture(results.rows[2])
    words = "9,000 ms (beyond the picture)"
    place, = (element for element in fromstring(svg).iter() if element.text == words)
    letter = 6.6  # units: a wide one at this size, in most fonts
    assert float(place.get("x")) + letter * len("99,000 ms (beyond the picture)") < float(fromstring(svg).get("width"))
    assert "300 ms<" in svg


def test_a_picture_of_what_was_not_measured_is_refused(results):
    with pytest.raises(TconvError, match="has no kernel gradient of float32 on 2 threads"):
        layers_picture(results, passing="kernel gradient", threads=2)


def test_a_page_shows_wins_and_losses_alike(results):
    text = section(results, "benchmarks")
    for words in ("| layer | tconv | × live | × frozen | limit | PyTorch | JAX | ONNX Runtime |",
                  "| `dcgan-2` | 0.5 | 2.00 | 0.80 | 51% | 2 | 1 | **0.4** |",
                  "| `unet <3>` | 10 | 0.50 |  | 13% | **5** |  |  |",
                  "`unet <3>` 0.50 (PyTorch)", "- TensorFlow: not installed: pip install tensorflow (`dcgan-2` f",
                  "tconv.keras on JAX takes 300 ms, the best peer, PyTorch, 900 ms: 3.00 times as fast",
                  "](benchmarks/forward-float32-2.svg)", "more than 5% in 1 of 2 tasks"):
        assert words in text


def test_a_page_is_filled_between_its_marks_and_again(results, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"# Before\n\n{BEGIN}\nfrom yesterday\n{END}\n\nafter\n")
    fill(page, results)
    first = page.read_text()
    fill(page, results)
    assert page.read_text() == first
    assert first.startswith("# Before\n")
    assert first.endswith("\n\nafter\n")
    assert "yesterday" not in first
    assert (tmp_path / "page" / "forward-float32-2.svg").exists()


def test_a_page_without_marks_is_left_as_it_is(results, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Before\n")
    with pytest.raises(TconvError, match=r"has no lines .* between which the results go"):
        fill(page, results)
    assert page.read_text() == "# Before\n"

"""`tconv explain`: what is typed becomes the layer and the numbers it says, and a mistake one sentence."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import tconv
from tconv.cli import explain as verb
from tconv.cli.options import plain
from tconv.errors import MissingExtra, TconvError
from tconv.explain.asked import Asked, told
from tconv.explain.numbers import image, numbered, read

COMMAND = [sys.executable, "-m", "tconv", "explain"]


def process(*words):
    return subprocess.run([*COMMAND, *map(str, words)], capture_output=True, text=True, check=False, timeout=60)


def run(capsys, *words):
    """What the verb prints, in this process."""
    said = plain(verb.OPTIONS, words)
    assert said is not None, words
    verb.explain(**said)
    return capsys.readouterr().out


@pytest.mark.parametrize(("text", "values"), [
    ("1 2; 3 4", [[1, 2], [3, 4]]),
    ("1,2;3,4;", [[1, 2], [3, 4]]),
    ("[[1,2],[3,4]]", [[1, 2], [3, 4]]),
    ("1 2 3", [1, 2, 3]),
    ("[1.5, -2]", [1.5, -2]),
    ("[[[1, 2]], [[3, 4]]]", [[[1, 2]], [[3, 4]]]),
])
def test_values_are_read(text, values):
    assert read("input", text).tolist() == values


@pytest.mark.parametrize(("text", "sizes"), [("4x4", (4, 4)), ("5", (5,)), ("2X3x4", (2, 3, 4)), ("4×5", (4, 5))])
def test_sizes_are_read(text, sizes):
    assert read("input", text) == sizes


def test_made_up_numbers_count_to_nine_and_begin_again():
    assert numbered((2, 6)).tolist() == [[1, 2, 3, 4, 5, 6], [7, 8, 9, 1, 2, 3]]


@pytest.mark.parametrize(("asked", "kind", "settings"), [
    (Asked("3x3", "2x2", stride="2"), "up", {"stride": 2}),
    (Asked("3x3", "2x3", stride="2,1", padding="1,0"), "up", {"stride": (2, 1), "crop": (1, 0)}),
    (Asked("3x3", "3", stride="2", padding="1", output_padding="1"), "up", {"stride": 2, "crop": ((1, 0), (1, 0))}),
    (Asked("3x3", "3", stride="2", padding="0:1"), "up", {"stride": 2, "crop": ((0, 1), (0, 1))}),
    (Asked("3x3", "3", stride="2", padding="same"), "up", {"stride": 2, "crop": ((0, 1), (0, 1))}),
    (Asked("3x3", "2", stride="3", padding="same"), "up", {"stride": 3, "crop": ((0, -1), (0, -1))}),
    (Asked("3x3", "2", dilation="2", padding="valid"), "up", {"dilation": 2}),
    (Asked("5x5", "3", stride="2", conv=True), "down", {"stride": 2}),
    (Asked("6x6", "3", stride="2", padding="same", conv=True), "down", {"stride": 2, "crop": ((0, 1), (0, 1))}),
    (Asked("5x4", "3x2", padding="1,0:1", conv=True), "down", {"crop": ((1, 1), (0, 1))}),
    (Asked("3x3", keras="Conv2DTranspose(1, 3, strides=2, padding='same')"), "up", {"stride": 2,
                                                                                   "crop": ((0, 1), (0, 1))}),
    (Asked("3x3", torch="ConvTranspose2d(8, 4, 3, stride=2, padding=1, output_padding=1)"), "up",
     {"stride": 2, "crop": ((1, 0), (1, 0))}),
    (Asked("4x4", keras="Conv2D(1, 3, strides=2, padding='same')"), "down", {"stride": 2, "crop": ((0, 1), (0, 1))}),
    (Asked("4x4", torch="Conv2d(1, 1, 3, stride=2, padding=1)"), "down", {"stride": 2, "crop": 1}),
])
def test_what_is_typed_is_the_layer_it_says(asked, kind, settings):
    made = told(asked)
    x, kernel = numbered(asked.sizes)[None, ..., None], numbered(made.problem.kernel)[..., None, None]
    want = (tconv.conv_transpose if kind == "up" else tconv.conv)(x, kernel, **settings)
    assert made.result.tolist() == want[0].tolist()
    assert asked.ordinary == (kind == "down")


def test_each_group_has_a_channel_with_numbers_of_its_own():
    made = told(Asked("2x2", "2x2", groups=2))
    x = np.stack([numbered((2, 2)), numbered((2, 2)) + 1], axis=-1)[None]
    kernel = np.repeat(numbered((2, 2))[..., None, None], 2, axis=-1)
    assert made.result.tolist() == tconv.conv_transpose(x, kernel, groups=2)[0].tolist()


@pytest.mark.parametrize(("words", "match"), [
    (["--input", "1 2; 3"], r"input: '1 2; 3' has rows of different lengths"),
    (["--input", "1 two"], r"'two' is no number; give values as '1 2; 3 4'"),
    (["--input", "1 nan"], "not all finite numbers"),
    (["--input", "[[1, 2], [3"], "cannot be read as values"),
    (["--input", "['a']"], "not all finite numbers"),
    (["--input", "0x3"], "has a size of 0"),
    (["--input", "3x3", "--kernel", "2x2x2"], "kernel: has 3 axes, but the input has 2"),
    (["--kernel", "1 2 3"], "kernel: has 1 axes, but the input has 2"),
    (["--stride", "two"], "stride: is 'two', but has to be as in 2, or 2,1 by axis"),
    (["--stride", "1,2,3"], "stride is .* 3 values for 2 axes"),
    (["--padding", "a"], "or 0:1 for start and end, or same, or valid"),
    (["--padding", "3"], "crop .* leaves nothing"),
    (["--output-padding", "2"], "output_padding: is 2 on axis 0, but has to be at least 0 and less than the stride"),
    (["--conv", "--input", "4x4", "--output-padding", "1"], "only a transposed convolution has it"),
    (["--conv", "--kernel", "9x9"], "the kernel reaches over 9 samples"),
    (["--keras", "Conv2DTranspose(1, 3)", "--torch", "ConvTranspose2d(1, 1, 3)"], "--keras and --torch both say"),
    (["--keras", "Conv2DTranspose(1, 3)", "--stride", "2"], "--stride and --keras both say the layer; say it once"),
    (["--keras", "Conv2DTranspose(1, 3)", "--kernel", "1 2; 3 4"], "the layer's kernel has"),
    (["--keras", "Dense(3)"], "'Dense' is no"),
    (["--keras", "Conv2DTranspose(1, 3)", "--conv"], "--conv and Conv2DTranspose say different layers"),
    (["--keras", "Conv1DTranspose(1, 3)"], "Conv1DTranspose has 1 axis, but the input has 2, 2x2"),
    (["--view", "sideways"], "view is 'sideways'"),
    (["--as", "png"], "as is 'png', but has to be one of text, json"),
    (["-o", "picture.png"], r"'picture.png' says by its name no form"),
    (["--cell", "a", "--view", "cell"], "cell: is 'a'"),
    (["--cell", "9,9", "--view", "cell"], r"cell is \(9, 9\), but the result has sizes"),
    (["--step", "0"], "steps count from 1"),
    (["--input", "200x200"], "more than 100; take smaller sizes, one step .--step., or the view 'summary'"),
    (["--input", "99999x99999"], "take smaller sizes, or the view 'summary'"),
    (["--input", "missing.png"], "missing.png: cannot be read .No such file"),
])
def test_a_mistake_is_one_sentence_with_the_cure(capsys, words, match):
    pytest.importorskip("PIL", reason="pip install pillow")
    with pytest.raises(TconvError, match=match) as raised:
        run(capsys, *words)
    assert "\n" not in str(raised.value)


def test_the_summary_tells_what_is_too_large_for_anything_else(capsys):
    text = run(capsys, "--input", "99999x99999", "--kernel", "4x4", "--stride", "2", "--padding", "1",
               "--view", "summary")
    assert "199998×199998" in text
    assert "(99999 - 1) × 2 + (4 - 1) × 1 + 1 - 1 - 1 = 199998" in text
    assert "even" in text


def test_the_summary_of_a_spelled_layer_counts_its_channels(capsys):
    layer = "ConvTranspose2d(128, 64, 4, stride=2, padding=1)"
    text = run(capsys, "--input", "7x7", "--torch", layer, "--view", "summary")
    assert "128 channels" in text
    assert "131,072" in text
    told_so = process("--input", "2x2", "--torch", layer)
    assert told_so.stderr == ("Shown with 1 channel on either side; the layer has 128 and 64, which --view summary "
                              "counts.\n")


def test_an_image_is_read_as_grey_values(tmp_path, capsys):
    pillow = pytest.importorskip("PIL.Image", reason="pip install pillow")
    path = tmp_path / "grey.png"
    pillow.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).save(path)
    assert image(str(path)).tolist() == np.arange(12).reshape(3, 4).tolist()
    found = json.loads(run(capsys, "--input", str(path), "--kernel", "1x1", "--as", "json"))
    assert [[cell[0] for cell in row] for row in found["x"]] == np.arange(12).reshape(3, 4).tolist()
    path.write_bytes(b"no image")
    with pytest.raises(TconvError, match="is no image that can be read; give a PNG"):
        image(str(path))


@pytest.mark.parametrize("form", ["text", "json", "svg", "gif", "html", "xlsx"])
def test_every_form_is_written_whole_under_the_name_that_says_it(tmp_path, capsys, form):
    suffix = verb.RENDERERS[form].suffix
    path = tmp_path / f"layer.{suffix}"
    try:
        said = run(capsys, "--view", "phases", "-o", str(path))
    except MissingExtra as error:
        pytest.skip(str(error))
    assert said.startswith(f"{path}: ")
    starts = {"gif": b"GIF89a", "svg": b"<svg", "html": b"<!doctype html>", "xlsx": b"PK", "json": b"{",
              "text": b"Phases"}
    assert path.read_bytes().startswith(starts[form])
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_form_for_files_is_not_poured_into_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with pytest.raises(TconvError, match=r"say where to with -o NAME\.gif"):
        run(capsys, "--as", "gif")


def test_the_process_answers_and_refuses():
    done = process("--input", "1 2; 3 4", "--kernel", "0 1; 1 0")
    assert (done.returncode, done.stderr) == (0, "")
    assert " 1   5   4" in done.stdout.replace("  ", "  ") or "1  5  4" in done.stdout
    wrong = process("--stride", "two")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "tconv: stride: is 'two', but has to be as in 2, or 2,1 by axis.\n"


def test_a_terminal_without_unicode_and_a_reader_that_leaves_are_no_trouble():
    ascii_terminal = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ascii_only = subprocess.run(COMMAND, capture_output=True, check=False, env=ascii_terminal)
    assert (ascii_only.returncode, ascii_only.stderr) == (0, b"")
    assert b"1 ? kernel" in ascii_only.stdout
    line = f"{sys.executable} -m tconv explain --input 9x9 --kernel 3x3 --as json | head -c 10"
    cut = subprocess.run(line, shell=True, capture_output=True, check=False)
    assert (cut.stdout, cut.stderr) == (b'{"operatio', b"")


def test_what_is_not_plain_is_left_to_typer():
    pytest.importorskip("typer", reason="pip install 'tconv[cli]'")
    assert "--output-padding" in process("--help").stdout
    for words in (["--bogus"], ["--step", "x"], ["--input"]):
        wrong = process(*words)
        assert (wrong.returncode, wrong.stdout) == (2, "")
        assert "Traceback" not in wrong.stderr


def test_both_readers_of_the_command_line_say_the_same():
    runner = pytest.importorskip("typer.testing", reason="pip install 'tconv[cli]'").CliRunner()
    from tconv.cli.app import app

    words = ["--input", "1 2; 3 4", "--kernel=2x2", "-s", "2", "--view", "collect"]
    typed = runner.invoke(app, ["explain", *words])
    assert typed.exit_code == 0, typed.output
    assert typed.output == process(*words).stdout


def test_a_small_case_imports_nothing_that_takes_its_time():
    probe = ("import sys; sys.argv = ['tconv', 'explain']; from tconv.cli import main; main(); "
             "print(*sys.modules, file=sys.stderr)")
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stderr.split()}
    assert not loaded & {"typer", "rich", "jinja2", "PIL", "openpyxl", "scipy", "torch", "jax", "keras", "pydantic"}
    assert "tconv.conventions" not in done.stderr.split()

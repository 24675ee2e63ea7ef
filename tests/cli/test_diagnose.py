"""`tconv diagnose` on files: what is found, drawn, and refused."""

import json
import wave

import numpy as np
import pytest
from typer.testing import CliRunner

from tconv.cli.app import app
from tconv.recipes.pictures import png

from ..diagnose.test_diagnosis import coloured


def run(*words):
    return CliRunner().invoke(app, ["diagnose", *map(str, words)])


def grey(seed, board=0.0):
    pixels = coloured((64, 64), seed)[..., 0]
    stripes = board * (-1.0) ** np.add.outer(np.arange(64), np.arange(64))
    return np.uint8(np.clip(128 + 20 * pixels / pixels.std() + stripes, 0, 255))


def test_pictures_with_a_board_are_found_and_those_without_are_not(tmp_path):
    for name, board in (("even", 0), ("board", 4)):
        (tmp_path / name).mkdir()
        for seed in range(12):
            (tmp_path / name / f"{seed}.png").write_bytes(png(grey(seed, board)))
    even, board = (json.loads(run(tmp_path / name, "--json").stdout) for name in ("even", "board"))
    assert [row["found"] for row in even["periods"]] == [False, False, False]
    assert [row["found"] for row in board["periods"]] == [True, False, False]
    assert board["periods"][0]["peaks"][0]["frequency"] == ["1/2", "1/2"]
    drawn = run(tmp_path / "board", "--against", tmp_path / "even", "-o", tmp_path / "spectrum.svg")
    assert drawn.exit_code == 0, drawn.output
    assert "a pattern" in drawn.stdout
    assert "against" in drawn.stdout
    assert "period 2: found" in (tmp_path / "spectrum.svg").read_text()
    assert run(tmp_path / "board", "-o", tmp_path / "spectrum.svg").exit_code != 0


def test_sound_is_read_and_drawn_as_a_curve(tmp_path):
    noise = coloured((16384,), 3, fall=0.5)[:, 0]
    tone = np.sin(2 * np.pi * np.arange(16384) / 8)
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setparams((1, 2, 22050, 0, "NONE", ""))
        file.writeframes(np.int16(2000 * noise / noise.std() + 3000 * tone).tobytes())
    result = run(tmp_path / "tone.wav", "--period", "8", "-o", tmp_path / "spectrum.svg", "--json")
    assert json.loads(result.stdout)["periods"][0]["found"]
    assert "<polyline" in (tmp_path / "spectrum.svg").read_text()


@pytest.mark.parametrize(("words", "said"), [
    (("gone.png",), "there is no such file"),
    (("text.txt",), "is no picture"),
    (("flat.npy",), "has to be numbers of shape"),
    (("broken.wav",), "cannot be read as sound"),
    (("good.npy", "--period", "1"), "period is 1, but has to be a whole number >= 2"),
    (("good.npy", "--period", "64"), "a period of 64 takes 512"),
    (("good.npy", "-o", "a.png"), "ending in .svg"),
])
def test_what_cannot_be_diagnosed_is_one_sentence(tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("no picture")
    (tmp_path / "broken.wav").write_bytes(b"RIFF0000WAVE")
    np.save(tmp_path / "flat.npy", np.zeros(5))
    np.save(tmp_path / "good.npy", np.zeros((2, 64, 64, 1)))
    result = run(*words)
    assert result.exit_code != 0
    assert said in str(result.exception)

"""A tiny training and what the command line does with it, in this process: events, codes and back, other formats."""

import json

import numpy as np
import pytest

pytest.importorskip("keras")
pytest.importorskip("PIL")

from PIL import Image
from typer.testing import CliRunner

from tconv.cli.app import app
from tconv.errors import DataError, SettingError
from tconv.recipes import checkpoint, restore

TRAINED = ("train", "autoencoder", "--task", "compress", "--filters", "3,4", "--code", "2,3", "--batch-size", 2,
           "--learning-rate", 0.03)


def tconv(*words):
    result = CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(12):
        seen = np.zeros((28, 28), np.uint8)
        seen[2 + number : 14 + number, 6 : 22 - number] = 255
        Image.fromarray(seen).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def run(pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "mine"
    tconv(*TRAINED, "--data", pictures, "--epochs", 2, "--out", folder)
    return folder


def files(folder, end):
    return sorted(folder.glob(f"*{end}"))


def test_a_picture_s_code_comes_back_as_what_the_network_makes_of_the_picture(run, pictures, tmp_path):
    codes, back, whole = (tmp_path / name for name in ("codes", "back", "whole"))
    lines = [json.loads(line) for line in tconv("apply", run, pictures, "-o", codes, "--encode", "--json").splitlines()]
    assert [line["written"] for line in lines] == [[str(path)] for path in files(codes, "-code.npy")]
    found = np.array([np.load(path) for path in files(codes, ".npy")])
    assert (found.shape, found.dtype) == ((12, 3), np.float32)
    assert np.ptp(found, axis=0).min() > 0
    tconv("apply", run, codes, "-o", back, "--decode")
    tconv("apply", run, pictures, "-o", whole)
    made = [np.array([Image.open(path) for path in files(folder, end)], int)
            for folder, end in ((back, "-decoded.png"), (whole, "-reconstructed.png"))]
    assert made[0].shape == (12, 28, 28)
    assert np.abs(made[0] - made[1]).max() <= 1
    assert np.ptp(made[0]) > 2


def test_a_code_that_is_none_is_named_and_the_others_are_opened(run, tmp_path):
    np.save(tmp_path / "good.npy", np.float32([1, -1]))
    np.save(tmp_path / "long.npy", np.float32([1, -1, 2, 0]))
    result = CliRunner().invoke(app, ["apply", str(run), str(tmp_path), "-o", str(tmp_path / "back"), "--decode"])
    assert result.exit_code == 1
    assert "has to be 1 to 3 numbers in a row" in result.stderr
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["good-decoded.png"]


FORMS = {"onnx": "model.onnx", "keras": "stock.keras", "savedmodel": "savedmodel"}


@pytest.mark.parametrize("form", ["onnx", *(pytest.param(form, marks=pytest.mark.verify)
                                            for form in ("keras", "savedmodel"))])
def test_a_run_goes_to_a_file_beside_it_that_gives_the_same_numbers(form, run, tmp_path):
    pytest.importorskip({"onnx": "onnxruntime", "keras": "keras", "savedmodel": "tensorflow"}[form])
    from tconv.recipes.export import FORMATS

    place = tmp_path / FORMS[form]
    assert f"{place}: gives the same numbers" in tconv("export", run, "--to", form, "-o", place)
    x = np.random.default_rng(1).random((3, 28, 28, 1), np.float32)
    (theirs,) = FORMATS[form].run(place, [x])
    ours = np.asarray(restore(run)[1].model.predict_on_batch(x))
    assert np.ptp(ours) > 0.01
    np.testing.assert_allclose(theirs, ours, atol=1e-5)


BAD = {
    "another format": (["--to", "coreml"], SettingError, "to is 'coreml', but has to be one of onnx, keras, savedm"),
    "another end": (["--to", "onnx", "-o", "m.keras"], SettingError, "out is m.keras, .* has to end in .onnx"),
    "in the way": (["--to", "onnx", "-o", "{run}/model.keras"], DataError, "is there already; give another --out"),
}


@pytest.mark.parametrize("case", BAD)
def test_an_export_that_cannot_be_is_refused(case, run):
    words, kind, says = BAD[case]
    with pytest.raises(kind, match=says):
        tconv("export", run, *(word.format(run=run) for word in words))


def test_a_resumed_training_writes_no_event_twice(pictures, tmp_path):
    pytest.importorskip("tensorboardX")
    from tests.report.test_tensorboard import scalars

    tconv(*TRAINED, "--data", pictures, "--epochs", 2, "--out", tmp_path / "run", "--tensorboard")
    assert [step for step, _ in scalars(tmp_path / "run")["loss/training"]] == [1, 2]
    tconv("train", "autoencoder", "--resume", tmp_path / "run", "--epochs", 3, "--tensorboard")
    history = checkpoint.read(tmp_path / "run").history
    assert len(history) == 3
    for name, tag in (("loss", "loss/training"), ("val_loss", "loss/validation")):
        assert scalars(tmp_path / "run")[tag] == [(e.epoch, np.float32(e.metrics[name])) for e in history]

"""`tconv convert --migrate`: old Keras checkpoints from file to file, with values, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer", reason="needs typer and rich: pip install 'tconv[cli]'")
keras = pytest.importorskip("keras", reason="needs Keras: pip install 'tconv[keras]'")

from typer.testing import CliRunner  # noqa: E402

from tconv.cli.app import app  # noqa: E402

OLD = json.loads((Path(__file__).parents[1] / "convert/keras_before_3_15.json").read_text())["layers"]
ROW = next(row for row in OLD if (row["kernel_size"], row["strides"]) == ([3, 4], 2))


def invoked(*words):
    return CliRunner().invoke(app, ["convert", *map(str, words)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An old model, and one on which both versions agree."""
    place = tmp_path_factory.mktemp("models")
    model = keras.Sequential([keras.Input(np.shape(ROW["x"])[1:]), keras.layers.Conv2DTranspose(
        2, (3, 4), strides=2, padding="same", name="up")])
    model.set_weights([np.array(ROW["kernel"]), np.array(ROW["bias"])])
    model.save(place / "old.keras")
    keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2DTranspose(2, 4, strides=2, padding="same")]).save(
        place / "same.keras")
    return place


def test_the_new_file_gives_what_the_old_keras_gave_and_the_old_one_stays(folder):
    before = (folder / "old.keras").read_bytes()
    result = invoked(folder / "old.keras", "--migrate", "-o", folder / "new.keras")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[0] == "up: a zero tap behind the kernel, 3x4 to 4x4"
    assert result.output.splitlines()[-1] == f"written: {folder / 'new.keras'}"
    made = keras.models.load_model(folder / "new.keras")(np.array(ROW["x"], np.float32))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(made), np.array(ROW["y"]))
    assert (folder / "old.keras").read_bytes() == before


def test_where_nothing_changes_nothing_is_written(folder):
    result = invoked(folder / "same.keras", "--migrate", "-o", folder / "none.keras", "--json")
    assert json.loads(result.stdout)["written"] is None
    assert json.loads(result.stdout)["changes"] == []
    assert not (folder / "none.keras").exists()


def test_what_cannot_be_migrated_is_said_before_any_work(folder, tmp_path):
    old = folder / "old.keras"
    (tmp_path / "a.h5").touch()
    (tmp_path / "there.keras").touch()
    for words, said in (((old, "--migrate"), "--out: is wanted with --migrate"),
                        ((old, "--migrate", "-o", old), "is the model itself"),
                        ((old, "--migrate", "-o", tmp_path / "there.keras"), "--overwrite"),
                        ((old, "--migrate", "-o", tmp_path / "a.onnx"), "goes from .keras to .keras"),
                        ((tmp_path / "a.h5", "--migrate", "-o", tmp_path / "b.keras"), "tconv.convert.migrated"),
                        ((tmp_path / "gone.keras", "--migrate", "-o", tmp_path / "b.keras"), "is not there"),
                        ((tmp_path / "there.keras", "--migrate", "-o", tmp_path / "b.keras"), "there.keras"),
                        ((old, "--migrate", "-o", tmp_path / "b.keras", "--to", "torch"), "--to: is 'torch'"),
                        (("keras Conv2DTranspose(8, 3)",), "--to: is wanted, one of keras"),
                        (("keras Conv2DTranspose(8, 3)", "--to", "torch", "-o", "a"), "--migrate only")):
        result = invoked(*words)
        assert result.exit_code != 0
        assert said in str(result.exception), (said, result.exception)
    assert not (tmp_path / "b.keras").exists()

"""A process that is killed at any moment, without warning, loses at most an epoch and no bit of the result."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")
pytest.importorskip("PIL")

from PIL import Image

from tconv.recipes import RECIPES, checkpoint, resume, start, use_backend

SOURCE = str(Path(checkpoint.__file__).parents[2])
SCRIPT = """
import json, sys
from pathlib import Path
from tconv.recipes import RECIPES, resume, start, training
training.SECONDS_BETWEEN_CHECKPOINTS = 0
name, settings, run = sys.argv[1], json.loads(sys.argv[2]), Path(sys.argv[3])
(resume(run) if (run / "checkpoint.npz").exists() else start(RECIPES[name].settings(**settings), run)).train()
"""


def greys(folder):
    for number in range(24):
        Image.effect_noise((28, 28), 20 + 8 * number).save(folder / f"{number:02}.png")


def photographs(folder):
    for number in range(5):
        Image.effect_noise((40, 36), 20 + 8 * number).convert("RGB").save(folder / f"{number}.png")


def cells(folder):
    """Bright spots, of an odd size; the mask is where they are."""
    draw = np.random.default_rng(0)
    for part in ("images", "masks"):
        (folder / part).mkdir()
    for number in range(5):
        seen = draw.integers(0, 90, (27, 35), np.uint8)
        seen[number : number + 9, 8 : 20 + number] += 120
        Image.fromarray(seen).save(folder / "images" / f"{number}.png")
        Image.fromarray(np.uint8(seen > 110) * 255).save(folder / "masks" / f"{number}.png")


CASES = {
    "autoencoder": (greys, {"filters": [2], "batch_size": 6}),
    "segmentation": (cells, {"filters": [2, 3], "batch_size": 4, "crop": 16, "crops": 12}),
    "superres": (photographs, {"network": "espcn", "batch_size": 2, "patch": 16, "patches": 6}),
}


class Case:
    """A recipe on a few pictures, and how its training ends when nothing happens to it."""

    def __init__(self, name, epochs, folder):
        draw, settings = CASES[name]
        (folder / "data").mkdir(parents=True)
        draw(folder / "data")
        self.name, self.epochs = name, epochs
        self.settings = settings | {"epochs": epochs, "data": str(folder / "data"), "backend": use_backend()}
        self.undisturbed = start(RECIPES[name].settings(**self.settings), folder / "undisturbed").train().saved

    def training(self, run):
        command = [sys.executable, "-c", SCRIPT, self.name, json.dumps(self.settings), str(run)]
        return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": SOURCE})


def done(run):
    try:
        return len(checkpoint.read(run).history)
    except ValueError:
        return -1


def kill_after(process, run, epochs, seconds):
    """Wait for so many epochs and a moment more, then kill."""
    while process.poll() is None and done(run) < epochs:
        time.sleep(0.03)  # reading a checkpoint costs the training its processor
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()


def check(case, run, kills, seed):
    draw, cut_short = random.Random(seed), 0
    for _ in range(kills):
        process = case.training(run)
        kill_after(process, run, max(done(run), 0) + draw.randint(0, 2), draw.uniform(0, 0.1))
        cut_short += done(run) < case.epochs
    assert cut_short
    result = resume(run).train().saved
    assert [v.tobytes() for v in result.variables] == [v.tobytes() for v in case.undisturbed.variables]
    assert [e.metrics for e in result.history] == [e.metrics for e in case.undisturbed.history]


@pytest.mark.parametrize("name", ["autoencoder", *(pytest.param(name, marks=pytest.mark.verify) for name in
                                                   ("segmentation", "superres"))])
def test_a_killed_and_resumed_training_ends_like_an_undisturbed_one_to_the_bit(name, tmp_path):
    check(Case(name, 40, tmp_path), tmp_path / "run", kills=1, seed=0)  # far more epochs than the kill waits for


@pytest.mark.verify
@pytest.mark.parametrize("name", CASES)
def test_so_does_one_that_is_killed_again_and_again(name, tmp_path):
    check(Case(name, 30, tmp_path), tmp_path / "run", kills=15, seed=1)

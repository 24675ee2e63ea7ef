"""A process that is killed at any moment, without warning, loses at most an epoch and no bit of the result."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("keras")
pytest.importorskip("PIL")

from PIL import Image

from tconv.recipes import checkpoint, start, use_backend
from tconv.recipes.autoencoder import Settings

EPOCHS = 30
SOURCE = str(Path(checkpoint.__file__).parents[2])
SCRIPT = """
import json, sys
from pathlib import Path
from tconv.recipes import resume, start, training
from tconv.recipes.autoencoder import Settings
training.SECONDS_BETWEEN_CHECKPOINTS = 0
settings, run = json.loads(sys.argv[1]), Path(sys.argv[2])
(resume(run) if (run / "checkpoint.npz").exists() else start(Settings(**settings), run)).train()
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(24):
        Image.effect_noise((28, 28), 20 + 8 * number).save(folder / f"{number:02}.png")
    return {"data": str(folder), "filters": [2], "batch_size": 6, "epochs": EPOCHS, "backend": use_backend()}


@pytest.fixture(scope="module")
def undisturbed(settings, tmp_path_factory):
    return start(Settings(**settings), tmp_path_factory.mktemp("undisturbed")).train().saved


def training(settings, run):
    command = [sys.executable, "-c", SCRIPT, json.dumps(settings), str(run)]
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": SOURCE})


def done(run):
    try:
        return len(checkpoint.read(run).history)
    except ValueError:
        return -1


def kill_after(process, run, epochs, seconds):
    """Wait for so many epochs and a moment more, then kill."""
    while process.poll() is None and done(run) < epochs:
        time.sleep(0.01)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()


def check(settings, undisturbed, run, kills, seed):
    draw, cut_short = random.Random(seed), 0
    for _ in range(kills):
        process = training(settings, run)
        kill_after(process, run, max(done(run), 0) + draw.randint(0, 2), draw.uniform(0, 0.1))
        cut_short += done(run) < EPOCHS
    assert cut_short
    assert training(settings, run).wait() == 0
    result = checkpoint.read(run)
    assert [v.tobytes() for v in result.variables] == [v.tobytes() for v in undisturbed.variables]
    assert [e.metrics for e in result.history] == [e.metrics for e in undisturbed.history]


def test_a_killed_and_resumed_training_ends_like_an_undisturbed_one_to_the_bit(settings, undisturbed, tmp_path):
    check(settings, undisturbed, tmp_path, kills=1, seed=0)


@pytest.mark.verify
def test_so_does_one_that_is_killed_again_and_again(settings, undisturbed, tmp_path):
    check(settings, undisturbed, tmp_path, kills=15, seed=1)

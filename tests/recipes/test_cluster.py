"""Files shared out over the workers of a Ray cluster: the same results, also when a worker is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ray", reason="needs Ray: pip install 'tconv[ray]'")
pytest.importorskip("keras")

from PIL import Image

from tconv.errors import MissingExtra, RankError, SettingError
from tconv.recipes import autoencoder, cluster, start
from tconv.recipes.applying import apply, jobs
from tconv.recipes.cluster import apply_on_ray

COMMAND = [sys.executable, "-m", "tconv", "apply"]
COUNT = 40


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    draw = np.random.default_rng(0)
    for number in range(COUNT):
        Image.fromarray(draw.integers(0, 256, (28, 28), np.uint8)).save(folder / f"{number:03}.png")
    (folder / "bad.png").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    data = tmp_path_factory.mktemp("data") / "few.npz"
    images = np.random.default_rng(1).integers(0, 256, (30, 28, 28), np.uint8)
    np.savez(data, x_train=images, x_test=images[:5])
    start(autoencoder.Settings(filters=(2,), epochs=1, data=str(data), backend="jax"), folder)
    return folder


@pytest.fixture(scope="module")
def expected(run, pictures, tmp_path_factory):
    """What this process alone makes of the pictures."""
    from tconv.recipes import restore

    recipe, trained = restore(run)
    folder = tmp_path_factory.mktemp("alone")
    list(apply(next(iter(recipe.uses.values())), trained, jobs(sorted(pictures.iterdir())), folder))
    return contents(folder)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def workers(parent):
    """The processes of a Ray cluster below this one that do the work."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            told = (path / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if "ray::MapWorker" in told and parent in _above(int(path.name)):
            found.append(int(path.name))
    return found


def _above(process):
    above = set()
    while process > 1:
        try:
            process = int((Path("/proc") / str(process) / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            break
        above.add(process)
    return above


def test_a_cluster_of_this_machine_gives_the_same_files_and_names_the_broken_one(run, pictures, expected, tmp_path):
    command = [*COMMAND, run, pictures, "-o", tmp_path / "seen", "--ray", "local"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert f"1 of {COUNT + 1} inputs gave nothing: {pictures / 'bad.png'}" in done.stderr
    assert contents(tmp_path / "seen") == expected
    assert [line.split(" ")[0] for line in done.stdout.splitlines()] == [
        str(path) for path in sorted(pictures.iterdir()) if path.name != "bad.png"]


@pytest.mark.verify
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the workers in /proc, which only Linux has")
def test_what_a_killed_worker_left_is_done_again(run, pictures, expected, tmp_path):
    command = [*COMMAND, run, pictures, "-o", tmp_path / "seen", "--ray", "local"]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    killed = []
    while process.poll() is None and not killed:
        killed = workers(process.pid)[:1]
        time.sleep(0.02)
    assert killed, process.communicate()[1]
    os.kill(killed[0], signal.SIGKILL)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 1, said
    assert contents(tmp_path / "seen") == expected


def test_without_ray_or_an_address_the_cure_is_named(run, tmp_path, monkeypatch):
    with pytest.raises(SettingError, match="the address after --ray is empty"):
        list(apply_on_ray(" ", run, "reconstruct", [], tmp_path))
    monkeypatch.setattr(cluster, "find_spec", lambda package: None)
    with pytest.raises(MissingExtra, match=r"pip install 'tconv\[ray\]'"):
        list(apply_on_ray("local", run, "reconstruct", [], tmp_path))


def test_a_cluster_that_does_not_answer_is_one_sentence(run, tmp_path):
    with pytest.raises(RankError, match=r"no Ray cluster answers at '127\.0\.0\.1:9'"):
        list(apply_on_ray("127.0.0.1:9", run, "reconstruct", jobs([Path("a.png")]), tmp_path))

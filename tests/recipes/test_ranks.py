"""Training in two processes: the same curve as in one, and what happens when one does not come, errs or dies."""

import dataclasses
import os
import queue
import random
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

pytest.importorskip("keras")
pytest.importorskip("jax")

from tconv.errors import RankError, SettingError
from tconv.recipes import Ranks, checkpoint, pulse
from tconv.recipes.autoencoder import Settings

NAMES = ("KERAS_DISTRIBUTION_JOB_ADDRESSES", "KERAS_DISTRIBUTION_NUM_PROCESSES", "KERAS_DISTRIBUTION_PROCESS_ID")
GAN = ["gan", "--filters", "4,2", "--latent", "3", "--batch-size", "20"]
AUTOENCODER = ["autoencoder", "--filters", "3,2", "--batch-size", "40"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def begin(rank, port, *arguments):
    """One of two processes."""
    told = dict(zip(NAMES, (f"127.0.0.1:{port}", "2", str(rank)), strict=True))
    command = [sys.executable, "-m", "tconv", "train", *map(str, arguments), "--distributed"]
    return subprocess.Popen(command, env=os.environ | {"KERAS_BACKEND": "jax"} | told, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def ended(process):
    _, said = process.communicate(timeout=300)
    return process.returncode, said


def both(*arguments):
    port = free_port()
    return [begin(rank, port, *arguments) for rank in (0, 1)]


def trained(*arguments):
    for code, said in map(ended, both(*arguments)):
        assert code == 0, said


def alone(*arguments):
    command = [sys.executable, "-m", "tconv", "train", *map(str, arguments)]
    done = subprocess.run(command, env=os.environ | {"KERAS_BACKEND": "jax"}, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Few, and the last batch of an epoch has an odd number."""
    path = tmp_path_factory.mktemp("digits") / "few.npz"
    images = np.random.default_rng(0).integers(0, 256, (250, 28, 28), np.uint8)
    np.savez(path, x_train=images[:225] // 2, x_test=images[225:] // 2)
    return path


def curves(folder):
    return [epoch.metrics for epoch in checkpoint.read(folder).history]


def the_same_curve(recipe, digits, folder):
    for run in (alone, trained):
        run(*recipe, "--data", digits, "--epochs", 3, "--seed", 3, "--out", folder / run.__name__)
    one, two = curves(folder / "alone"), curves(folder / "trained")
    assert len(one) == len(two) == 3
    for a, b in zip(one, two, strict=True):
        assert a == pytest.approx(b, rel=1e-5, abs=1e-5)
    assert (folder / "trained" / "report.html").exists()


def test_two_processes_learn_as_one_does(digits, tmp_path):
    the_same_curve(AUTOENCODER, digits, tmp_path)


@pytest.mark.verify
def test_so_do_two_networks_with_batch_statistics_and_an_average(digits, tmp_path):
    the_same_curve(GAN, digits, tmp_path)


@pytest.mark.verify
def test_when_one_is_killed_the_other_ends_with_a_sentence_and_both_go_on_to_the_same_bits(digits, tmp_path):
    settings = [*AUTOENCODER, "--data", digits, "--epochs", 40]
    undisturbed, run = tmp_path / "a", tmp_path / "b"
    trained(*settings, "--out", undisturbed)
    leads, other = both(*settings, "--out", run)
    while leads.poll() is None and not _epochs(run):
        time.sleep(0.02)
    time.sleep(random.Random(1).uniform(0, 0.3))
    other.send_signal(signal.SIGKILL)
    code, said = ended(leads)
    ended(other)
    assert code == 2, said
    assert "another process of this training is gone" in said
    assert "Traceback" not in said
    assert 0 < _epochs(run) < 40
    trained("autoencoder", "--resume", run)
    assert curves(undisturbed) == curves(run)
    ours, theirs = (checkpoint.read(folder).variables for folder in (undisturbed, run))
    assert all(map(np.array_equal, ours, theirs))


def _epochs(run):
    try:
        return len(checkpoint.read(run).history)
    except ValueError:
        return 0


def meet(ranks, about):
    """What each of them says, without a runtime to connect."""
    said = {}

    def one(rank):
        try:
            rank._greet(about[rank.rank])
            said[rank.rank] = ""
        except RankError as error:
            said[rank.rank] = str(error)

    threads = [threading.Thread(target=one, args=[rank]) for rank in ranks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


@pytest.mark.verify
def test_one_that_falls_silent_is_named_to_the_other_which_ends(digits, tmp_path):
    leads, other = both(*AUTOENCODER, "--data", digits, "--epochs", 5000, "--out", tmp_path / "run")
    while leads.poll() is None and not _epochs(tmp_path / "run"):
        time.sleep(0.1)
    other.send_signal(signal.SIGSTOP)
    code, said = ended(leads)
    other.kill()
    ended(other)
    assert code == 2, said
    assert f"tconv: train: rank 1 has been silent for {pulse.SILENCE:g} s; what all had learned" in said
    assert _epochs(tmp_path / "run")


def star(silence):
    """Rank 0's pulse with a line to each of two others, their ends of it, and what rank 0 gave up for."""
    pairs = [socket.socketpair() for _ in range(2)]
    said = queue.Queue()
    lines = {rank: pair[0] for rank, pair in enumerate(pairs, start=1)}
    return pulse.Pulse(lines, beat=0.05, silence=silence, give_up=said.put), [pair[1] for pair in pairs], said


def test_a_silent_rank_is_named_to_all_others():
    _, (lively, _), said = star(silence=0.6)
    heard = queue.Queue()
    pulse.Pulse({0: lively}, beat=0.05, silence=5, give_up=heard.put)
    assert said.get(timeout=20) == heard.get(timeout=20) == "rank 2 has been silent for 0.6 s"


def test_who_took_leave_or_ended_is_not_called_silent():
    leads, (one, other), said = star(silence=0.4)
    heard = queue.Queue()
    second = pulse.Pulse({0: one}, beat=0.05, silence=0.4, give_up=heard.put)
    other.close()
    time.sleep(0.8)
    assert said.empty()
    assert heard.empty()
    leads.stop()
    second.stop()
    time.sleep(0.8)
    assert said.empty()
    assert heard.empty()


def of(count, port, patience=20.0):
    return [Ranks("127.0.0.1", port, count, rank, patience) for rank in range(count)]


def test_all_begin_when_all_are_there_and_whoever_is_no_rank_is_not_heard():
    port = free_port()
    ranks = of(3, port)

    def stray():
        for _ in range(100):
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1) as line:
                    line.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    return
            except OSError:
                time.sleep(0.01)

    threading.Thread(target=stray).start()
    assert meet(ranks, [{"seed": 1}] * 3) == {0: "", 1: "", 2: ""}


def test_one_that_is_about_to_do_something_else_is_told_to_all():
    said = meet(of(3, free_port()), [{"seed": 1}, {"seed": 1}, {"seed": 2}])
    assert "rank 2 has seed 2 where rank 0 has 1; give all processes the same command" in said[0]
    assert all("rank 2 has seed 2 where rank 0 has 1" in said[rank] for rank in (1, 2))


def test_those_who_wait_in_vain_say_for_whom():
    port = free_port()
    said = meet(of(4, port, patience=1.5)[:2], [{}] * 2)
    assert f"rank 2 and 3 did not come to 127.0.0.1:{port} within 1.5 s; start all 4 processes" in said[0]
    assert "rank 2 and 3 did not come" in said[1]
    assert f"rank 1 waited 0.2 s for rank 0 at 127.0.0.1:{port}" in meet(of(2, port, patience=0.2)[1:], [{}] * 2)[1]


def test_an_address_that_is_taken_or_elsewhere_is_said():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert "rank 0 cannot listen" in meet(of(2, port)[:1], [{}])[0]


TOLD = ("node1:29500", "2", "1")
BAD = [
    (("", "2", "1"), "needs KERAS_DISTRIBUTION_JOB_ADDRESSES in the environment"),
    (("", "", ""), "JOB_ADDRESSES, KERAS_DISTRIBUTION_NUM_PROCESSES and KERAS_DISTRIBUTION_PROCESS_ID in the env"),
    (("node1", "2", "1"), "is 'node1', but has to be HOST:PORT"),
    (("node1:99999", "2", "1"), "has to be HOST:PORT"),
    (("node1:29500", "two", "1"), "NUM_PROCESSES is 'two', but has to be a whole number"),
    (("node1:29500", "2", "2"), "PROCESS_ID is 2, but with KERAS_DISTRIBUTION_NUM_PROCESSES=2 it has to be 0 to 1"),
]


@pytest.mark.parametrize(("told", "says"), BAD)
def test_what_a_launcher_forgot_or_got_wrong_is_said(told, says, monkeypatch):
    for name, value in zip(NAMES, told, strict=True):
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=says):
        Ranks.from_environment()


def test_what_a_launcher_says_is_read(monkeypatch):
    for name, value in zip(NAMES, TOLD, strict=True):
        monkeypatch.setenv(name, value)
    assert Ranks.from_environment(5) == Ranks("node1", 29500, 2, 1, 5)


def test_batches_have_to_divide_and_the_backend_has_to_be_jax():
    ranks = of(3, 29500)[0]
    with pytest.raises(SettingError, match="batch_size is 100, but has to be a multiple of the 3 processes, as 99 is"):
        ranks.check(Settings(batch_size=100))
    with pytest.raises(SettingError, match="backend is 'torch', but --distributed needs 'jax'"):
        ranks.check(dataclasses.replace(Settings(batch_size=99), backend="torch"))

"""Real runs, of a moment each: who computes something else is left out, and what is done is kept."""

import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tconv import TconvError, engine
from tconv.bench import PASSES, Plan, bench, fresh, read, run
from tconv.bench.cases import Task
from tconv.bench.crew import Crew
from tconv.bench.facts import Limits, write
from tconv.bench.process import Process
from tconv.bench.run import Event

from .conftest import actor, plan, small

if not engine.available():
    pytest.skip("needs the compiled part of the engine: install with a C++ compiler", allow_module_level=True)

LIMITS = Limits(1, 1e11, None, "made up", ((1, 1e10),), ((1, 1e10),))


@pytest.fixture(autouse=True)
def known_limits(monkeypatch):
    """The machine's limits have a test of their own, and take seconds."""
    monkeypatch.setattr(run, "_limited", lambda results, threads: replace(results, limits=(LIMITS,)))


def rows(peers, layers=None):
    planned = plan(peers, layers)
    return bench(planned, fresh(planned)).rows


def test_all_who_compute_the_same_are_timed_in_all_passes():
    found = rows([actor("right")])
    assert [row.passing for row in found] == list(PASSES)
    for row in found:
        assert [one.peer for one in row.timings] == ["tconv", "right"]
        assert all(one.low <= one.milliseconds <= one.high for one in row.timings)
        assert all(one.error < 1e-6 and one.calls >= 2 for one in row.timings)
        assert row.skipped == ()
        assert row.ratio() > 0
        assert row.limit == pytest.approx(1e3 * max(2 * row.multiply_adds / 1e11, row.bytes / 1e10))


def test_a_peer_that_is_shifted_by_one_sample_is_left_out():
    for row in rows([actor("shifted"), actor("right")]):
        assert [one.peer for one in row.timings] == ["tconv", "right"]
        [skip] = row.skipped
        assert (skip.peer, skip.reason.split(":")[0]) == ("shifted", "computes something else")


def test_of_two_ways_the_wrong_one_does_not_count():
    for row in rows([actor("either")]):
        assert [(one.peer, one.way) for one in row.timings] == [("tconv", "engine"), ("either", "numpy")]


def test_who_ends_or_cannot_is_named_and_the_others_go_on():
    missing = replace(actor("right"), name="missing", packages={"no_such_module": "no-such-package"})
    found = rows([actor("ends"), actor("cannot"), actor("broken"), missing, actor("right")], (small(), small("second")))
    assert len(found) == 6
    for row in found:
        assert [one.peer for one in row.timings] == ["tconv", "right"]
    first, last = ({skip.peer: skip.reason for skip in row.skipped} for row in (found[0], found[-1]))
    assert first["ends"] == "its process ended with 3"
    assert last["ends"] == "given up after 3 starts: its process ended with 3"
    assert first["cannot"] == last["cannot"] == "NotImplementedError: no such layer here"
    assert first["broken"] == "ImportError: libfast.so: cannot open shared object file"
    assert first["missing"] == "not installed: pip install no-such-package"


@pytest.mark.parametrize("name", ["ends", "sleeps"])
def test_who_has_ended_or_hangs_has_no_answer_and_is_started_again(name, monkeypatch, tmp_path):
    monkeypatch.setattr(Process.answer, "__defaults__", (3.0,))
    task = Task(small(), "forward", "float32", 1)
    order = {"do": "prepare", "kind": "layer", "task": task.plain(), "folder": str(prepared_folder(task, tmp_path))}
    says = {"ends": "its process ended with 3", "sleeps": "took longer than 3 seconds"}[name]
    with Crew([actor(name)], 1) as crew:
        assert crew.begin("forward", "float32") == [name]
        assert crew.ask(name, **order) is None
        assert crew.ask(name, do="rest") is None
        assert [skip.reason for skip in crew.skipped()] == [says]
        assert crew.begin("forward", "float32") == [name]
        assert crew.skipped() == ()
        assert crew.ask(name, do="rest") == {}


def prepared_folder(task, folder):
    """A task's arrays as files."""
    run._draw(task, ("forward",), folder)
    return folder


def test_a_peer_takes_part_only_in_what_it_serves():
    found = rows([actor("right", passes=("forward",), kernels="frozen")])
    assert [len(row.timings) for row in found] == [2, 1, 1]
    assert found[0].ratio("frozen") > 0
    assert found[0].ratio("live") is None


def test_a_run_that_is_stopped_goes_on_where_it_was(tmp_path):
    planned, path = plan([actor("right")]), tmp_path / "results.json"

    def stop(event: Event):
        if event.done == 2:
            raise KeyboardInterrupt("by hand")

    with pytest.raises(KeyboardInterrupt, match="by hand"):
        bench(planned, fresh(planned), keep=lambda results: write(results, path), watch=stop)
    held = read(path)
    assert [row.passing for row in held.rows] == list(PASSES)[:2]
    whole = bench(planned, held)
    assert whole.rows[:2] == held.rows
    assert [row.passing for row in whole.rows] == list(PASSES)
    assert bench(planned, whole) == whole


@pytest.mark.parametrize(("change", "says"), [
    (lambda results: replace(results, settings={**results.settings, "turns": 9}), "other settings: turns was 9, is"),
    (lambda results: replace(results, versions={**results.versions, "numpy": "1.0"}), "other versions: numpy was 1.0"),
    (lambda results: replace(results, machine=replace(results.machine, cpu="Z80")), "other machine: cpu was Z80, is"),
])
def test_a_run_of_something_else_is_not_gone_on_with(change, says):
    planned = plan([])
    with pytest.raises(TconvError, match=says):
        bench(planned, change(fresh(planned)))


@pytest.mark.parametrize(("wrong", "says"), [
    ({"threads": (10_000,)}, "threads is 10000, but this process may run on"), ({"threads": (0,)}, "threads is 0"),
    ({"turns": 0}, "turns is 0"), ({"seconds": -1.0}, "seconds is -1.0"), ({"passes": ("back",)}, "passes has 'back'"),
    ({"dtypes": ("int8",)}, "dtypes has 'int8'")])
def test_a_plan_that_cannot_be_is_refused(wrong, says):
    with pytest.raises(TconvError, match=says):
        Plan(**wrong)


@pytest.fixture
def command(tmp_path):
    """The command line on three small layers, with one peer that is quick to start."""
    pytest.importorskip("typer", reason="needs the command line: pip install 'tconv[bench]'")
    pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'tconv[bench]'")
    listed = tmp_path / "list.csv"
    listed.write_text("name,family,dims,batch,cin,cout,size,kernel,stride,dilation,crop_lo,crop_hi,groups\n" + "".join(
        f"layer-{number},made up,2,1,4,4,8,3,2,1,0,1,1\n" for number in range(3)))
    return [sys.executable, "-m", "tconv", "bench", "--list", listed, "--peers", "ONNX*", "--threads", "1", "--seconds",
            "0.01", "--turns", "1"]


def children(pid):
    """The processes that this one has started."""
    told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(word) for word in told.stdout.split()]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_run_that_was_killed_leaves_no_process_and_goes_on(command, tmp_path):
    out = tmp_path / "run"
    running = subprocess.Popen([*command, "--out", out], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    path, patience = out / "results.json", time.monotonic() + 120
    while not path.exists():
        assert running.poll() is None, running.stdout.read().decode()
        assert time.monotonic() < patience, "no row in two minutes"
        time.sleep(0.02)
    workers = children(running.pid)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    held = read(path)
    assert 1 <= len(held.rows) < 9
    again = subprocess.run([*command, "--resume", out, "--json"], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert len(json.loads(again.stdout)["rows"]) == 9
    assert read(path).rows[:len(held.rows)] == held.rows
    while any(os.path.exists(f"/proc/{pid}") for pid in workers):
        assert time.monotonic() < patience, "a worker lives on"
        time.sleep(0.05)


def test_results_that_are_there_are_not_overwritten(command, tmp_path):
    """A mistake is one line, and exit code 2."""
    (tmp_path / "results.json").write_text("{}")
    done = subprocess.run([*command, "--out", tmp_path], capture_output=True, text=True)
    assert done.returncode == 2
    assert "holds results already; go on with --resume" in done.stderr


MISTAKES = {
    "layers": ({"layers": "vgg"}, "layers has 'vgg', which fits none of dcgan-1, "),
    "peers": ({"peers": "Theano"}, "peers has 'Theano', which fits none of tconv, tconv packed, "),
    "passes": ({"passes": "back"}, "passes has 'back', which is none of forward, input, kernel"),
    "networks": ({"networks": "vgg"}, "networks has 'vgg', which is none of mnist-autoencoder, "),
    "threads": ({"threads": "1,x"}, "threads: is '1,x'"),
    "resume": ({"resume": Path("nowhere")}, "nowhere/results.json: cannot be read"),
    "resume and out": ({"resume": Path("a"), "out_folder": Path("b")}, "leave --out out"),
    "show": ({"show": Path("nowhere.json")}, "nowhere.json: cannot be read"),
}


@pytest.mark.parametrize(("said", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_refused_before_anything_starts(said, says):
    pytest.importorskip("typer", reason="needs the command line: pip install 'tconv[bench]'")
    from tconv.cli.bench import bench as verb

    options = {name: each.default for name, each in inspect.signature(verb).parameters.items()}
    with pytest.raises(TconvError, match=re.escape(says)):
        verb(**options | said)

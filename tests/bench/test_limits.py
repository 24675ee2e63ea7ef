"""What the machine can do: measured in registers where there is a compiler, estimated and named as such elsewhere."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tconv.bench import limits
from tconv.bench.limits import BY_PRODUCTS, IN_REGISTERS, measured
from tconv.bench.quiet import Bystanders


@pytest.fixture
def short(monkeypatch):
    """A moment instead of seconds."""
    monkeypatch.setattr(limits, "SIZES", (2**18, 2**22))
    monkeypatch.setattr(limits, "SECONDS", 0.002)
    monkeypatch.setattr(limits, "TRIALS", 2)
    monkeypatch.setattr(limits, "SIDE", 64)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_limits_are_measured_in_registers_and_in_memory(short, threads):
    if not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("needs a C compiler")
    found = measured(threads)
    assert (found.threads, found.how) == (threads, IN_REGISTERS)
    assert found.peak > 1e9
    assert [size for size, _ in found.copy] == [size for size, _ in found.read] == [2**18, 2**22]
    assert all(rate > 1e8 for _, rate in (*found.copy, *found.read))


def test_where_the_processor_multiplies_bfloat16_it_does_so_faster(short):
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    if "amx_bf16" not in flags or not shutil.which("gcc"):
        pytest.skip("needs a processor with AMX and GCC")
    found = measured(1)
    assert found.bfloat16 > 2 * found.peak


def test_without_a_compiler_the_peak_is_an_estimate_and_says_so(short, monkeypatch):
    monkeypatch.setattr(limits.shutil, "which", lambda name: None)
    found = measured(1)
    assert found.how == BY_PRODUCTS
    assert found.peak > 1e7
    assert found.bfloat16 is None


def test_a_compiler_that_fails_is_as_none(short, monkeypatch):
    fails = shutil.which("false")
    monkeypatch.setattr(limits.shutil, "which", lambda name: fails)
    assert measured(1).how == BY_PRODUCTS


def test_bystanders_are_seen_and_we_are_not_among_them():
    if Bystanders(()).start[1] is None:
        pytest.skip("needs /proc")
    ours, watch = Bystanders(()), Bystanders(())
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    known = Bystanders([busy.pid])
    stop = time.perf_counter() + 1.5
    while time.perf_counter() < stop:
        pass
    with_it, without = watch.share(), known.share()
    busy.kill()
    busy.wait()
    assert ours.share() is not None
    assert with_it > without
    assert json.dumps(with_it)
    assert 0 <= without <= with_it <= 1


def test_too_short_a_time_says_nothing():
    assert Bystanders(()).share() is None

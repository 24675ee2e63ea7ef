"""The engine under the sanitizers, on random problems: `make fuzz` runs many more of them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tconv import engine

HERE = Path(__file__).parent.parent / "fuzz"
LEVELS = ("baseline", "avx2", "avx512", "amx")
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "verify"
QUICK = [] if LONG else ["-DOPTIMIZATION=-O1", "-DKERNEL_OPTIMIZATION=-O1"]

pytestmark = pytest.mark.skipif(not shutil.which("cmake") or not engine.available(),
                                reason="needs CMake and a C++ compiler; apt install cmake g++")


@pytest.fixture(scope="module")
def fuzz(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    for command in (["cmake", "-S", HERE, "-B", folder, *QUICK], ["cmake", "--build", folder, "--parallel", "2"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "fuzz"


def levels():
    most = "amx" if engine.half_isa() == "amx" else engine.isa()
    return LEVELS[:LEVELS.index(most) + 1] if most in LEVELS else (most,)


# 100,000 problems in all, others for each level.
@pytest.mark.parametrize("count", [500, pytest.param(100_000 // len(levels()), marks=pytest.mark.verify)])
@pytest.mark.parametrize("level", levels())
def test_no_problem_is_wrong_or_touches_memory_beside_its_arrays(fuzz, level, count):
    seed = 1 + levels().index(level)
    done = subprocess.run([fuzz, str(count), str(seed)], capture_output=True, text=True, check=False,
                          env=os.environ | {"TCONV_ISA": level})
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{level}: {count} problems")

"""Variables of the environment that say nothing, or what they cannot."""

import os
import subprocess
import sys

import pytest

from tconv import engine

pytestmark = pytest.mark.skipif(not engine.available(), reason="needs the compiled part")

NAMES = ("TCONV_ISA", "TCONV_NUM_THREADS", "TCONV_SPLIT", "TCONV_WINOGRAD")


def engine_in(**variables):
    """What the engine runs with in a process with these variables, and what it says."""
    code = """
from tconv import engine
print(engine.isa(), engine.half_isa(), engine.threads(), engine.split(), engine.winograd())
"""
    kept = {name: value for name, value in os.environ.items() if name not in NAMES}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env=kept | variables)
    return done.stdout, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_variable_is_not_set(name):
    assert engine_in(**{name: ""}) == engine_in()


@pytest.mark.parametrize(("name", "value", "cure"), [
    ("TCONV_ISA", "AVX2", "amx, avx512, avx2, baseline"), ("TCONV_NUM_THREADS", "0", "1 or more"),
    ("TCONV_NUM_THREADS", "4x", "1 or more"), ("TCONV_NUM_THREADS", "99999999999", "1 or more"),
    ("TCONV_SPLIT", "yes", "0 for no"), ("TCONV_WINOGRAD", "2", "0 for no")])
def test_what_a_variable_cannot_say_is_told_and_not_followed(name, value, cure):
    usual, _ = engine_in()
    got, said = engine_in(**{name: value})
    assert got == usual
    assert f"{name} is {value!r}" in said
    assert cure in said


def test_what_it_can_say_is_followed_without_a_word():
    got, said = engine_in(TCONV_ISA="baseline", TCONV_NUM_THREADS="7", TCONV_SPLIT="1", TCONV_WINOGRAD="0")
    assert got.split() == ["baseline", "vectors", "7", "True", "False"]
    assert not said

"""Ways that are taken only if somebody asks for them: by a call or in the environment, and shown where they are."""

import os
import subprocess
import sys

import pytest

from tconv import engine
from tconv.bench.page import levers
from tconv.errors import SettingError

CHOICES = ("winograd", "split")


@pytest.mark.skipif(not engine.available(), reason="the portable package; build with a C++ compiler")
@pytest.mark.parametrize("choice", CHOICES)
def test_the_environment_may_ask_for_it(choice):
    code = f"from tconv import engine; print(engine.{choice}())"
    for said, want in (("1", "True"), ("0", "False"), ("", "False")):
        done = subprocess.run([sys.executable, "-c", code], env=os.environ | {f"TCONV_{choice.upper()}": said},
                              capture_output=True, text=True, check=True)
        assert done.stdout.strip() == want


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("use", [1, None, "always"])
def test_another_wish_is_refused(choice, use):
    with pytest.raises(SettingError, match=f"set_{choice}: use is {use!r}, but has to be True or False"):
        getattr(engine, f"set_{choice}")(use)


@pytest.mark.parametrize(("settings", "said"), [
    ({}, ""), ({"winograd": False, "split": True}, "Ours by bfloat16 parts where they win. "),
    ({"winograd": True, "split": True}, "Ours by Winograd's tiles or bfloat16 parts where they win. ")])
def test_a_benchmark_says_what_was_asked_for(settings, said):
    class Results:
        pass

    results = Results()
    results.settings = settings
    assert levers(results) == said

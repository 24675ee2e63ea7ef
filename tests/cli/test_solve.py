"""`tconv solve`: every setting with its verdict, cost and code, for readers (golden text) and for programs (JSON)."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="needs typer and rich: pip install 'tconv[cli]'")

from tconv.conventions.table import table
from tests import oracle
from tests.strategies import integers

GOLDEN = Path(__file__).parent / "golden"
CASES = {
    "solve-square": ["solve", "7x7", "28x28"],
    "solve-u-net": ["solve", "25x25", "50x51", "--channels", "256,128", "--batch", "8", "--rows", "4"],
    "solve-conv": ["solve", "28x28", "14x14", "--conv", "--pick", "4"],
    "solve-volume": ["solve", "4x4x4", "8x8x8", "--rows", "3", "--pick", "3"],
    "solve-all-code": ["solve", "5 -> 10", "--kernel", "3", "--stride", "2", "--all-code"],
    "solve-groups": ["solve", "8", "16", "--groups", "2", "--channels", "4,6", "--rows", "2"],
    "convert-kernel": ["convert", "keras Conv2DTranspose(64, 3, strides=2, padding='same')", "--to", "torch"],
    "convert-input": ["convert", "keras Conv2D(32, 3, strides=2, padding='same')", "--to", "torch", "--sizes", "28x28"],
    "convert-result": ["convert", "torch ConvTranspose1d(8, 6, 6, stride=2, padding=1)", "--to", "keras"],
    "convert-groups": ["convert", "torch ConvTranspose2d(8, 6, 3, 2, groups=2)", "--to", "tensorflow"],
    "convert-turned": ["convert", "flax ConvTranspose(4, (3, 3), (2, 2))", "--to", "equinox"],
    "convert-documented": ["convert", "torch Conv2d(3, 8, 3, 2, 1)", "--to", "tensorrt"],
    "convert-node": ["convert", "keras Conv1D(8, 5, dilation_rate=2, padding='causal')", "--to", "onnx"],
}


def tconv(*arguments):
    return subprocess.run([sys.executable, "-m", "tconv", *map(str, arguments)], capture_output=True, text=True,
                          check=False, timeout=300)


def solved(*arguments):
    result = tconv("solve", *arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("name", CASES)
def test_the_text_is_the_golden_one(name):
    """`TCONV_GOLDEN=1` writes them anew."""
    words = CASES[name] + ["--no-prove"] * (CASES[name][0] == "convert")
    result = tconv(*words)
    assert (result.returncode, result.stderr) == (0, "")
    path = GOLDEN / f"{name}.txt"
    told = "".join(f"{line.rstrip()}\n" for line in result.stdout.splitlines())
    if os.environ.get("TCONV_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(told)
    assert told == path.read_text()


def test_every_setting_in_the_json_leads_there_and_back():
    for found, sizes in ((solved("6x5", "13x10"), ((6, 5), (13, 10))),
                         (solved("13x10", "6x5", "--conv"), ((6, 5), (13, 10)))):
        assert found["settings"]
        for one in found["settings"]:
            for axis, (coarse, fine) in enumerate(zip(*sizes, strict=True)):
                full = (coarse - 1) * one["stride"][axis] + (one["kernel"][axis] - 1) * one["dilation"][axis] + 1
                assert full - sum(one["crop"][axis]) == fine


def test_the_cost_is_the_number_of_products_that_the_relation_joins():
    for one in solved("4", "9", "--channels", "2,3", "--batch", "5")["settings"]:
        setting = {"stride": one["stride"], "dilation": one["dilation"], "lo": [lo for lo, _ in one["crop"]]}
        ones = oracle.conv_transpose(integers(0, (5, 4, 2)) * 0 + 1, integers(0, (*one["kernel"], 3, 2)) * 0 + 1,
                                     fine=(9,), **setting)
        assert one["cost"]["multiply_adds"] == ones.sum()
        assert one["cost"]["parameters"] == math.prod(one["kernel"]) * 6 + 3


@pytest.mark.parametrize("words", [("7", "14"), ("14", "7", "--conv")])
def test_every_setting_carries_the_code_of_every_framework_and_a_command_that_explains_it(words):
    found = solved(*words)
    assert found["direction"] == ("convolution" if "--conv" in words else "transposed")
    for one in found["settings"]:
        assert set(one["codes"]) == set(table(found["direction"] == "transposed"))
        assert one["explain"].startswith(f"tconv explain --input {words[0]} --kernel {one['kernel'][0]}")
        for name, code in one["codes"].items():
            assert code["code"] or name == "tflite", code
            assert code["exact"] == (not code["alternative"])


def test_the_explanation_of_a_setting_ends_at_its_size():
    for one in solved("3x3", "6x6")["settings"][:4]:
        shown = tconv(*one["explain"].split()[1:], "--as", "json")
        assert shown.returncode == 0, shown.stderr
        assert '"fine": [6, 6]' in " ".join(shown.stdout.split()).replace("[ 6, 6 ]", "[6, 6]")


def test_a_framework_without_words_for_a_setting_gets_an_equal_layer_and_the_lines_that_change_the_kernel():
    one = solved("5", "10", "--kernel", "3", "--stride", "2")["settings"][0]
    assert one["codes"]["torch"] == {
        "code": "torch.nn.ConvTranspose1d(in_channels, out_channels, 4, stride=2, padding=1)", "exact": False,
        "alternative": "put zero taps around the kernel: 1 before it on axis 0",
        "kernel": ["kernel = np.pad(kernel, ((1, 0), (0, 0), (0, 0)))"], "run": True}
    assert one["codes"]["keras"]["code"] == "keras.layers.Conv1DTranspose(filters, 3, strides=2, padding='same')"
    assert one["verdict"] == "uneven overlap: invites a checkerboard"


BAD_WORDS = {
    "text": (["7xa", "28"], "FROM: is '7xa', but has to be sizes"),
    "ranks": (["7x7", "28"], "give equally many sizes"),
    "zero": (["0", "28"], "coarse is 0, but has to be a whole number >= 1"),
    "nothing": (["7", "28", "--stride", "2", "--kernel", "3"], "nothing that was tried leads from 7 to 28"),
    "pick": (["7", "28", "--pick", "99"], "pick is 99, but there are"),
    "list": (["7", "28", "--kernel", "3;4"], "kernel: is '3;4', but has to be whole numbers"),
    "one size": (["7"], "TO is missing; give the sizes that should come out"),
    "down": (["28", "7"], "28 to 7 on axis 0 goes the other way; a convolution makes it smaller: add --conv"),
    "up": (["7", "28", "--conv"], "7 to 28 on axis 0 goes the other way; leave --conv out"),
    "channels": (["7", "28", "--channels", "3"], "channels: is '3', but has to be two numbers >= 1"),
    "groups": (["7", "28", "--channels", "3,4", "--groups", "2"], "channels: 3,4 do not fall into 2 groups"),
    "far": (["2", "30000"], "more than 1000 times coarse"),
    "many": (["4x5x6", "100x201x302"], "combinations of the axes' settings are too many"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD_WORDS.values(), ids=BAD_WORDS)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, says):
    result = tconv("solve", *arguments)
    assert (result.returncode, result.stdout) == (2, ""), result
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1

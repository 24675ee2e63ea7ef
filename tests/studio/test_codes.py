"""The programs that the page writes run in their frameworks, and give the numbers of the page."""

import json
import subprocess
import sys
import types
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tests import oracle
from tests.studio.states import draw
from tests.studio.waiting import settle

PACKAGES = {"keras": ("keras", "jax"), "torch": ("torch",), "jax": ("jax",), "tensorflow": ("tensorflow",),
            "onnx": ("onnx", "onnxruntime"), "numpy": ("numpy",)}
CHANNELS_FIRST = ("torch", "onnx", "mxnet")


def by_page(page, states):
    """The programs of each state, by framework."""
    return page.evaluate("states => states.map(studio.codes)", [state.address for state in states])


def results(framework, programs):
    pairs = [[framework, code] for code in programs]
    script = Path(__file__).with_name("programs.py")
    process = subprocess.run([sys.executable, str(script)], input=json.dumps(pairs), capture_output=True, text=True,
                             timeout=900, check=False)
    assert process.returncode == 0, process.stderr[-3000:]
    return [np.asarray(y) for y in json.loads(process.stdout.splitlines()[-1])]


def same(framework, y, state):
    y = np.moveaxis(y[0], 0, -1) if framework in CHANNELS_FIRST else y[0]
    return y.shape == state.result.shape and (y == state.result).all()


@pytest.mark.parametrize(("count", "seed"), [(5, 4), pytest.param(60, 5, marks=pytest.mark.verify)])
@pytest.mark.parametrize("framework", PACKAGES)
def test_the_programs_give_the_page_s_numbers(studio, framework, count, seed):
    for package in PACKAGES[framework]:
        if find_spec(package) is None:
            pytest.skip(f"needs {package}: pip install 'tconv[all]'")
    states = draw(count, seed=seed)
    programs = [codes[framework] for codes in by_page(studio, states)]
    for state, code, y in zip(states, programs, results(framework, programs), strict=True):
        assert same(framework, y, state), f"{state.address}\n{code}"


def test_mxnet_s_programs_give_them_by_what_its_documentation_says(studio, monkeypatch):
    monkeypatch.setitem(sys.modules, "mxnet", documented_mxnet())
    states = draw(60, seed=6)
    for state, codes in zip(states, by_page(studio, states), strict=True):
        names = {"print": lambda *_: None}
        exec(codes["mxnet"], names)
        assert same("mxnet", names["y"], state), codes["mxnet"]


def documented_mxnet():
    """MXNet itself does not run on today's Python; this has the two functions, as documented, over the oracle."""
    class Array(np.ndarray):
        def asnumpy(self):
            return np.asarray(self)

    def last(x):
        return np.moveaxis(np.asarray(x), 1, -1)

    def first(y):
        return np.moveaxis(y.astype(float), -1, 1).view(Array)

    def kernel_of(weight, num_group):
        return np.moveaxis(np.asarray(weight), (0, 1), (-1, -2)), {"groups": num_group}

    def deconvolution(x, weight, *, kernel, stride, dilate, num_filter, num_group, no_bias, pad=None, adj=None):
        pad, adj = pad or (0,) * len(kernel), adj or (0,) * len(kernel)
        w, groups = kernel_of(weight, num_group)
        assert no_bias
        assert (w.shape[:-2], w.shape[-2] * num_group) == (kernel, num_filter)
        rows = zip(x.shape[2:], kernel, stride, dilate, pad, adj, strict=True)
        fine = [s * (i - 1) + a + (k - 1) * d + 1 - 2 * p for i, k, s, d, p, a in rows]
        return first(oracle.conv_transpose(last(x), w, stride=stride, dilation=dilate, lo=pad, fine=fine, **groups))

    def convolution(x, weight, *, kernel, stride, dilate, num_filter, num_group, no_bias, pad=None):
        pad = pad or (0,) * len(kernel)
        w, groups = kernel_of(weight, num_group)
        assert no_bias
        assert (w.shape[:-2], w.shape[-1]) == (kernel, num_filter)
        rows = zip(x.shape[2:], kernel, stride, dilate, pad, strict=True)
        coarse = [(i + 2 * p - (k - 1) * d - 1) // s + 1 for i, k, s, d, p in rows]
        return first(oracle.conv(last(x), w, stride=stride, dilation=dilate, lo=pad, coarse=coarse, **groups))

    nd = types.SimpleNamespace(array=np.asarray, Deconvolution=deconvolution, Convolution=convolution)
    return types.SimpleNamespace(nd=nd)


def test_the_code_s_tabs_show_each_program_and_copy_it(opened):
    page = opened("tab=code", permissions=["clipboard-read", "clipboard-write"])
    starts = {"PyTorch": "import numpy as np\nimport torch", "MXNet": "import mxnet as mx", "Keras": "import keras"}
    for name, start in starts.items():
        page.locator("#code").get_by_role("tab", name=name).click()
        settle(page)
        assert page.locator("#code-text").inner_text().startswith(start)
        page.get_by_role("button", name="Copy", exact=True).click()
        page.get_by_text("Code copied.").wait_for(state="attached")
        assert page.evaluate("navigator.clipboard.readText()").startswith(start)

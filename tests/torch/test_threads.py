"""The engine under PyTorch computes on PyTorch's threads."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("torch")

PREPARED = """
import os
import warnings
import numpy as np
import torch
import tconv.torch
from tconv import engine
from tests.engine.test_engine import TABLE, arrays
warnings.simplefilter("ignore")
torch.set_num_threads(3)
row = TABLE[3]
x, y, w = arrays(*row)
ours = lambda: len(os.listdir("/proc/self/task"))
"""


def run(code, **environment):
    done = subprocess.run([sys.executable, "-c", PREPARED + code], capture_output=True, text=True, check=False,
                          env=os.environ | environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_as_many_threads_as_pytorch_has_unless_told_otherwise():
    code = """
print(engine.threads())
torch.set_num_threads(2)
print(engine.threads())
engine.set_threads(5)
print(engine.threads())
engine.set_threads(None)
print(engine.threads())
"""
    assert run(code) == ["3", "2", "5", "2"]
    assert run(code, TCONV_NUM_THREADS="4") == ["4", "4", "5", "2"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads as Linux shows them")
def test_no_thread_is_started_beside_those_of_pytorch():
    code = """
torch.ones(1 << 22).add_(1)
before = ours()
engine.conv_transpose(x, w, row[0])
print(ours() - before)
"""
    assert run(code) == ["0"]


def test_the_number_of_threads_changes_no_bit():
    code = """
results = []
for count in (1, 2, 3):
    torch.set_num_threads(count)
    results.append((engine.conv_transpose(x, w, row[0]), engine.kernel_gradient(y, x, row[0])))
print(all(np.array_equal(a, b) for other in results for a, b in zip(results[0], other)))
"""
    assert run(code) == ["True"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_computes_on_threads_of_its_own():
    code = """
want = engine.conv_transpose(x, w, row[0])
child = os.fork()
same = np.array_equal(engine.conv_transpose(x, w, row[0]), want)
if child == 0:
    os._exit(0 if same else 1)
print(os.waitpid(child, 0)[1], same)
"""
    assert run(code) == ["0", "True"]


def test_python_threads_that_use_both_do_not_disturb_each_other():
    code = """
import threading
wants = engine.conv_transpose(x, w, row[0])
wrong = []
def work():
    for _ in range(20):
        wrong.extend([1] * (not np.array_equal(engine.conv_transpose(x, w, row[0]), wants)))
        torch.ones(1 << 18).add_(1)
threads = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print(len(wrong))
"""
    assert run(code) == ["0"]

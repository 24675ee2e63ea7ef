"""The compiled contractions: exact on integers at sizes that fill registers, blocks and threads, and safe to share."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tconv import engine, methods
from tconv.errors import SettingError
from tconv.geometry import Problem
from tests import strategies
from tests.strategies import integers

pytestmark = pytest.mark.skipif(not engine.available(), reason="the portable package; build with a C++ compiler")

# Channels (coarse, fine of one group), batch and sizes that reach every form: full, partial and tiny panels, dot
# products, rows of the kernel, stamps, blocks of phases, depthwise, tiny grids, taps that are never used, bands of
# large images.
TABLE = [
    (Problem((3, 3), (1, 1), (1, 1), (0, 0), (22, 22), (24, 24)), 8, 8, 5),
    (Problem((3, 3), (1, 1), (1, 1), (1, 1), (28, 28), (28, 28)), 1, 32, 4),
    (Problem((3, 3), (1, 1), (1, 1), (0, 0), (26, 26), (28, 28)), 32, 1, 3),
    (Problem((4, 4), (2, 2), (1, 1), (1, 1), (9, 7), (18, 14)), 40, 24, 3),
    (Problem((4, 4), (2, 2), (1, 1), (1, 1), (16, 16), (32, 32)), 19, 3, 2),
    (Problem((5, 5), (2, 2), (1, 1), (1, 1), (8, 8), (16, 16)), 33, 17, 2),
    (Problem((4, 4), (1, 1), (1, 1), (0, 0), (1, 1), (4, 4)), 20, 48, 2),
    (Problem((4, 4), (2, 2), (1, 1), (1, 1), (2, 2), (4, 4)), 48, 32, 1),
    (Problem((9, 9), (3, 3), (1, 1), (4, 4), (11, 11), (33, 33)), 24, 1, 1),
    (Problem((4, 4), (2, 2), (1, 1), (1, 1), (7, 5), (14, 10)), 200, 23, 5),
    (Problem((3, 3), (1, 1), (1, 1), (1, 1), (6, 9), (6, 9), 2), 130, 11, 3),
    (Problem((4, 4), (2, 2), (1, 1), (1, 1), (1, 1), (2, 2)), 96, 33, 1),
    (Problem((4, 4), (2, 2), (1, 1), (1, 1), (4, 4), (8, 8)), 101, 40, 1),
    (Problem((3, 3), (3, 2), (2, 1), (1, 0), (3, 2), (10, 5)), 80, 37, 3),
    (Problem((3, 3, 3), (2, 2, 2), (1, 1, 1), (1, 1, 1), (2, 1, 2), (4, 2, 4)), 64, 19, 2),
    (Problem((5,), (2,), (1,), (4,), (1,), (1,)), 600, 7, 1),
    (Problem((4, 4), (2, 2), (1, 1), (1, 1), (16, 16), (32, 32)), 128, 3, 2),
    (Problem((5, 5), (2, 2), (1, 1), (1, 2), (9, 7), (18, 14)), 150, 3, 3),
    (Problem((4, 3), (2, 3), (1, 1), (-3, 5), (12, 11), (32, 20)), 180, 2, 1),
    (Problem((6,), (2,), (1,), (-2,), (64,), (140,)), 160, 3, 2),
    (Problem((64,), (32,), (1,), (16,), (16,), (512,)), 21, 21, 1),
    (Problem((2, 2), (2, 2), (1, 1), (0, 0), (30, 30), (60, 60)), 16, 8, 2),
    (Problem((2, 1), (3, 2), (1, 1), (0, 0), (6, 6), (17, 12)), 9, 10, 2),
    (Problem((3, 3), (2, 3), (2, 2), (-1, 4), (9, 8), (20, 18)), 12, 12, 2),
    (Problem((4, 4), (2, 2), (1, 1), (1, 1), (12, 12), (24, 24), 37), 1, 1, 2),
    (Problem((3, 3), (1, 1), (1, 1), (1, 1), (8, 8), (8, 8), 4), 3, 5, 2),
    (Problem((3, 3, 3), (2, 2, 2), (1, 1, 1), (1, 1, 1), (4, 5, 6), (8, 10, 12)), 17, 9, 2),
    (Problem((3,), (1,), (1,), (200,), (300,), (40,)), 16, 16, 3),
    (Problem((3, 3), (1, 1), (40, 40), (40, 40), (60, 60), (60, 60)), 8, 8, 1),
    (Problem((3, 3), (1, 1), (1, 1), (0, 0), (200, 200), (202, 202)), 16, 16, 1),
]


def arrays(problem, ins, outs, batch):
    c, d = ins * problem.groups, outs * problem.groups
    shapes = (batch, *problem.coarse, c), (batch, *problem.fine, d), (*problem.kernel, outs, c)
    return [integers(seed, shape, most=3).astype(np.float32) for seed, shape in enumerate(shapes)]


@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), TABLE)
def test_every_form_is_exact_on_integers(problem, ins, outs, batch):
    x, y, w = arrays(problem, ins, outs, batch)
    assert np.array_equal(engine.conv_transpose(x, w, problem), methods.columns(x, w, problem))
    assert np.array_equal(engine.conv(y, w, problem), methods.conv(y, w, problem))
    assert np.array_equal(engine.kernel_gradient(y, x, problem), methods.kernel_gradient(y, x, problem))


@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), TABLE)
def test_a_kernel_is_read_as_it_lies(problem, ins, outs, batch):
    x, y, w = arrays(problem, ins, outs, batch)
    channels_first = np.moveaxis(np.moveaxis(w, (-1, -2), (0, 1)).copy(), (0, 1), (-1, -2))
    channels_first.flags.writeable = False
    assert np.array_equal(engine.conv_transpose(x, channels_first, problem), methods.columns(x, w, problem))
    assert np.array_equal(engine.conv(y, channels_first, problem), methods.conv(y, w, problem))


@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), TABLE)
def test_a_part_of_a_larger_kernel_is_read_where_it_lies(problem, ins, outs, batch):
    x, y, w = arrays(problem, ins, outs, batch)
    *taps, rows, columns = w.shape
    larger = np.full((*taps, rows + 2, columns + 3), np.nan, np.float32)
    part = larger[..., 1:-1, 2:-1]
    part[...] = w
    assert np.array_equal(engine.conv_transpose(x, part, problem), methods.columns(x, w, problem))
    assert np.array_equal(engine.conv(y, part, problem), methods.conv(y, w, problem))


@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), TABLE)
def test_the_number_of_threads_changes_no_bit(problem, ins, outs, batch):
    rng = np.random.default_rng(0)
    x, y, w = (rng.standard_normal(a.shape, np.float32) for a in arrays(problem, ins, outs, batch))
    results = []
    try:
        for count in (1, 2, 5):
            engine.set_threads(count)
            results.append((engine.conv_transpose(x, w, problem), engine.conv(y, w, problem),
                            engine.kernel_gradient(y, x, problem)))
    finally:
        engine.set_threads(None)
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), [
    TABLE[3], (Problem((4, 4), (2, 2), (1, 1), (1, 1), (2, 2), (4, 4)), 300, 400, 1)])
def test_rounding_is_that_of_float32_against_float64(problem, ins, outs, batch):
    rng = np.random.default_rng(0)
    x, y, w = (rng.standard_normal(a.shape) for a in arrays(problem, ins, outs, batch))
    singles = [a.astype(np.float32) for a in (x, y, w)]
    wants = [methods.columns(x, w, problem), methods.conv(y, w, problem), methods.kernel_gradient(y, x, problem)]
    gots = [engine.conv_transpose(singles[0], singles[2], problem), engine.conv(singles[1], singles[2], problem),
            engine.kernel_gradient(singles[1], singles[0], problem)]
    for got, want in zip(gots, wants, strict=True):
        assert np.abs(got - want).max() < 2e-6 * np.abs(want).max() * np.sqrt(ins * 16)


def guarded(*arrays):
    """The same, each with something that is no number before and behind it in memory."""
    made = []
    for array in arrays:
        room = np.full(array.size + 256, np.nan, np.float32)
        room[128:128 + array.size] = array.ravel()
        made.append(room[128:128 + array.size].reshape(array.shape))
    return made


def at_once(work, count=6):
    """Let so many Python threads do it."""
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_no_number_beyond_the_arrays_is_read_into_a_result():
    problem, ins, outs, batch = TABLE[5]
    x, y, w = arrays(problem, ins, outs, batch)
    gx, gy, gw = guarded(x, y, w)
    assert np.array_equal(engine.conv_transpose(gx, gw, problem), methods.columns(x, w, problem))
    assert np.array_equal(engine.conv(gy, gw, problem), methods.conv(y, w, problem))
    assert np.array_equal(engine.kernel_gradient(gy, gx, problem), methods.kernel_gradient(y, x, problem))


def test_a_number_that_is_none_stays_where_it_belongs():
    problem = Problem((3, 3), (1, 1), (1, 1), (0, 0), (10, 10), (12, 12))
    x, _, w = arrays(problem, 8, 8, 2)
    x[0, 5, 5, 3] = np.nan
    spoilt = np.isnan(engine.conv_transpose(x, np.abs(w) + 1, problem)).any(-1)
    want = np.zeros_like(spoilt)
    want[0, 5:8, 5:8] = True
    assert np.array_equal(spoilt, want)


@given(problem=strategies.problems(grouped=False), ins=st.sampled_from([1, 2, 3, 8, 20]),
       outs=st.sampled_from([1, 2, 3, 8, 20]), spoilt=st.sampled_from([np.nan, np.inf]), seed=st.integers(0, 99))
def test_what_is_not_finite_goes_where_the_definition_sends_it(problem, ins, outs, spoilt, seed):
    x, y, w = arrays(problem, ins, outs, 2)
    for array in (x, y):
        if array.size:
            array.flat[seed % array.size] = spoilt
    w = np.abs(w) + 1
    with np.errstate(invalid="ignore"):
        wants = methods.columns(x, w, problem), methods.conv(y, w, problem)
    for got, want in zip((engine.conv_transpose(x, w, problem), engine.conv(y, w, problem)), wants, strict=True):
        assert np.array_equal(np.isfinite(got), np.isfinite(want))
        assert np.array_equal(got[np.isfinite(got)], want[np.isfinite(want)])


def test_the_smallest_numbers_count_as_zero_or_as_themselves_and_the_caller_keeps_them():
    problem = TABLE[3][0]
    x, y, w = (array * np.float32(1e-40) for array in arrays(*TABLE[3]))
    kernel, least = arrays(*TABLE[3])[2], np.finfo(np.float32).tiny
    for got, wanted, terms in (
        (engine.conv_transpose(x, kernel, problem), methods.columns(x, kernel, problem), 4 * 40),
        (engine.conv(y, kernel, problem), methods.conv(y, kernel, problem), 16 * 24),
        (engine.kernel_gradient(y, x, problem), methods.kernel_gradient(y, x, problem), 3 * 63),
    ):
        assert np.abs(got - wanted).max() <= terms * 3 * least
    assert (w.ravel() * np.float32(0.5)).any()


def test_many_python_threads_may_call_at_once():
    problem, ins, outs, batch = TABLE[3]
    x, y, w = arrays(problem, ins, outs, batch)
    wants = methods.columns(x, w, problem), methods.kernel_gradient(y, x, problem)
    wrong = []

    def work():
        for _ in range(20):
            got = engine.conv_transpose(x, w, problem), engine.kernel_gradient(y, x, problem)
            wrong.extend(1 for a, b in zip(got, wants, strict=True) if not np.array_equal(a, b))

    at_once(work)
    assert not wrong


PROBE = """
import sys
import numpy as np
from tconv import engine, methods
from tests.engine.test_engine import TABLE, arrays
for row in TABLE:
    x, y, w = arrays(*row)
    assert np.array_equal(engine.conv_transpose(x, w, row[0]), methods.columns(x, w, row[0])), row
    assert np.array_equal(engine.conv(y, w, row[0]), methods.conv(y, w, row[0])), row
    assert np.array_equal(engine.kernel_gradient(y, x, row[0]), methods.kernel_gradient(y, x, row[0])), row
print(engine.isa(), engine.threads())
"""


def run(code, **environment):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | environment,
                          check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_baseline_instruction_set_is_exact_too():
    assert run(PROBE, TCONV_ISA="baseline", TCONV_NUM_THREADS="3") == ["baseline", "3"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_computes_too():
    code = """
import os
import warnings
import numpy as np
from tconv import engine, methods
from tests.engine.test_engine import TABLE, arrays
warnings.simplefilter("ignore")
row = TABLE[3]
x, y, w = arrays(*row)
engine.set_threads(2)
want = engine.conv_transpose(x, w, row[0])
child = os.fork()
same = np.array_equal(engine.conv_transpose(x, w, row[0]), want)
if child == 0:
    os._exit(0 if same else 1)
print(os.waitpid(child, 0)[1], same)
"""
    assert run(code) == ["0", "True"]


def test_memory_that_is_not_to_be_had_is_an_exception_and_the_next_call_works():
    code = """
import resource
import numpy as np
from tconv import engine, methods
from tests.engine.test_engine import TABLE, arrays
engine.set_threads(3)
problem, ins, outs, batch = TABLE[3]
x, y, w = arrays(problem, ins, outs, batch)
engine.conv_transpose(x, w, problem)
big = tuple(np.tile(a, (64, *[1] * (a.ndim - 1))) for a in (x, y))
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 20), resource.RLIM_INFINITY))
failed = 0
calls = (lambda: engine.conv_transpose(big[0], w, problem), lambda: engine.kernel_gradient(big[1], big[0], problem))
for call in calls:
    try:
        for _ in range(50):
            kept = [call() for _ in range(50)]
    except MemoryError:
        failed += 1
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(failed, np.array_equal(engine.conv_transpose(x, w, problem), methods.columns(x, w, problem)))
"""
    if not sys.platform.startswith("linux"):
        pytest.skip("limits of memory are Linux's")
    assert run(code) == ["2", "True"]


@pytest.mark.parametrize("count", [0, -1, 1.5, True])
def test_a_number_of_threads_that_cannot_be_is_refused(count):
    with pytest.raises(SettingError, match=f"set_threads: count is {count!r}, but has to be a whole number >= 1"):
        engine.set_threads(count)


def test_kept_memory_is_used_again_instead_of_fresh_pages():
    if not sys.platform.startswith("linux"):
        pytest.skip("glibc only")
    code = """
import resource
from tconv import engine
print(engine.keep_memory())
import numpy as np
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    before = faults()
    np.ones(20_000_000, np.float32)
print(faults() - before)
"""
    understood, faults = run(code)
    if understood != "True":
        pytest.skip("not glibc")
    assert int(faults) < 1000

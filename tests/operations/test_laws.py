"""The NumPy face obeys every law, in every dtype, on the engine where that serves."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings

import tconv
from tconv import engine, methods
from tests import oracle
from tests.laws import LAWS, Family, assert_equal
from tests.strategies import cases, spelled

few = settings(max_examples=settings.default.max_examples // 5)

DTYPES = ("float32", "float64", "int64")


def conv_transpose(dtype, x, kernel, problem, **method):
    return tconv.conv_transpose(x.astype(dtype, copy=False), kernel.astype(dtype, copy=False), **spelled(problem),
                                **method)


def conv(dtype, y, kernel, problem):
    return tconv.conv(y.astype(dtype, copy=False), kernel.astype(dtype, copy=False), **spelled(problem))


def kernel_gradient(dtype, y, x, problem):
    return tconv.kernel_gradient(y.astype(dtype, copy=False), x.astype(dtype, copy=False), kernel_size=problem.kernel,
                                 **spelled(problem))


FAMILIES = {dtype: Family(partial(conv_transpose, dtype), partial(conv, dtype), partial(kernel_gradient, dtype))
            for dtype in DTYPES}


@pytest.mark.parametrize("dtype", DTYPES)
@given(case=cases(empty=False))
def test_every_dtype_equals_the_oracle(dtype, case):
    LAWS["equals_the_oracle"](FAMILIES[dtype], case)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("dtype", DTYPES)
@few
@given(case=cases(empty=False))
def test_every_dtype_obeys(dtype, law, case):
    LAWS[law](FAMILIES[dtype], case)


@given(case=cases())
def test_empty_grids_and_batches_give_zeros_and_the_bias(case):
    p = case.problem
    got = tconv.conv_transpose(case.x, case.kernel, case.bias, **case.settings)
    assert_equal(got, oracle.conv_transpose(case.x, case.kernel, fine=p.fine, **case.relation) + case.bias)
    got = tconv.kernel_gradient(case.y, case.x, kernel_size=p.kernel, **case.settings)
    assert_equal(got, oracle.kernel_gradient(case.y, case.x, kernel=p.kernel, **case.relation))


@few
@given(case=cases(empty=False))
def test_every_method_can_be_asked_for_by_name(case):
    pytest.importorskip("scipy")
    want = oracle.conv_transpose(case.x, case.kernel, fine=case.problem.fine, **case.relation)
    for method in methods.METHODS:
        assert_equal(conv_transpose("float32", case.x, case.kernel, case.problem, method=method), want)


@given(case=cases(empty=False))
def test_the_bias_is_added_once_to_every_cell_of_its_channel(case):
    plain = tconv.conv_transpose(case.x, case.kernel, **case.settings)
    assert_equal(tconv.conv_transpose(case.x, case.kernel, case.bias, **case.settings), plain + case.bias)
    gathered, bias = tconv.conv(case.y, case.kernel, **case.settings), np.arange(case.kernel.shape[-1])
    assert_equal(tconv.conv(case.y, case.kernel, bias, **case.settings), gathered + bias)


def test_cells_that_a_negative_crop_adds_hold_the_bias_alone():
    got = tconv.conv_transpose([[[5]]], [[[3]], [[4]]], [7], crop=((-2, -1),))
    assert got.ravel().tolist() == [7, 7, 22, 27, 7]


@pytest.mark.parametrize("name", ["conv_transpose", "conv", "kernel_gradient"])
@pytest.mark.parametrize(("first", "second", "result"), [
    ("float32", "float32", "float32"),
    ("float64", "float32", "float64"),
    ("float32", "float64", "float64"),
    ("float16", "float16", "float16"),
    ("int32", "int32", "int32"),
    ("int64", "float32", "float64"),
    ("uint8", "int8", "int16"),
    ("complex64", "float32", "complex64"),
])
@pytest.mark.parametrize("groups", [1, 2])
def test_the_dtype_is_that_of_a_product(name, first, second, result, groups):
    a = np.ones((1, 5, 2), first)
    if name == "kernel_gradient":
        got = tconv.kernel_gradient(a, np.ones((1, 3, 2), second), kernel_size=3, groups=groups)
    else:
        got = getattr(tconv, name)(a, np.ones((3, 2 // groups, 2), second), groups=groups)
    assert got.dtype == result
    assert got.flat[got.size // 2] == {"conv_transpose": 6, "conv": 6, "kernel_gradient": 3}[name] // (
        groups if name != "kernel_gradient" else 1)


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
@pytest.mark.parametrize("serving", [True, False])
def test_sums_of_sixteen_bits_are_made_in_float32_and_rounded_once(half, serving, monkeypatch):
    kind = half if half == "float16" else pytest.importorskip("ml_dtypes", reason="pip install ml_dtypes").bfloat16
    rng = np.random.default_rng(0)
    x, y, kernel, bias = (rng.standard_normal(shape).astype(kind) for shape in (
        (2, 5, 4, 6), (2, 11, 9, 4), (3, 3, 4, 6), (4,)))
    calls = [partial(tconv.conv_transpose, x, kernel, bias), partial(tconv.conv, y, kernel),
             partial(tconv.kernel_gradient, y, x, kernel_size=3)]
    wide = [partial(call.func, *(array.astype(np.float32) for array in call.args), **call.keywords) for call in calls]
    if not serving:
        monkeypatch.setattr(engine, "serves", lambda *arrays: False)
    for call, single in zip(calls, wide, strict=True):
        got = call(stride=2)
        assert got.dtype == kind
        wide = single(stride=2)  # another order of a sum may cross the middle between two numbers of 16 bits
        assert np.allclose(got.astype(np.float32), wide, rtol={"float16": 2**-11, "bfloat16": 2**-8}[half], atol=1e-6)


def test_a_bias_of_a_wider_dtype_widens_the_result_only_across_kinds():
    x, kernel = np.ones((1, 2, 1), np.float32), np.ones((1, 1, 1), np.float32)
    assert tconv.conv_transpose(x, kernel, np.array([0.5])).dtype == np.float32
    whole = tconv.conv_transpose(x.astype(int), kernel.astype(int), np.array([0.5]))
    assert whole.dtype == np.float64
    assert whole.ravel().tolist() == [1.5, 1.5]


def test_complex_numbers_are_not_conjugated():
    x, kernel = np.array([[[1 + 2j], [3j]]]), np.array([[[1j]], [[2]]])
    assert tconv.conv_transpose(x, kernel).ravel().tolist() == [-2 + 1j, -1 + 4j, 6j]
    assert tconv.conv(x, kernel).ravel().tolist() == [-2 + 7j]


def test_one_number_stands_for_every_axis():
    x, kernel = np.arange(9).reshape(1, 3, 3, 1), np.arange(1, 10).reshape(3, 3, 1, 1)
    short = tconv.conv_transpose(x, kernel, stride=2, dilation=1, crop=1)
    long = tconv.conv_transpose(x, kernel, stride=(2, 2), dilation=[1, 1], crop=((1, 1), (1, 1)))
    assert short.shape == (1, 5, 5, 1)
    assert_equal(short, long)


def test_lists_are_taken_like_arrays():
    assert tconv.conv_transpose([[[1], [2]]], [[[1]], [[1]], [[1]]], stride=2).ravel().tolist() == [1, 1, 3, 2, 2]


@pytest.mark.parametrize(("output_size", "want"), [
    (5, [1, 1, 3, 2, 2]),
    (6, [1, 1, 3, 2, 2, 0]),
    ((6,), [1, 1, 3, 2, 2, 0]),
])
def test_output_size_chooses_among_the_fine_sizes(output_size, want):
    got = tconv.conv_transpose([[[1], [2]]], [[[1]], [[1]], [[1]]], stride=2, output_size=output_size)
    assert got.ravel().tolist() == want


def test_the_kernel_gradient_serves_every_size_that_output_size_can_choose():
    x, kernel = np.array([[[1], [2]]]), np.ones((3, 1, 1), int)
    y = tconv.conv_transpose(x, kernel, dilation=3, output_size=10)
    assert y.shape == (1, 10, 1)
    got = tconv.kernel_gradient(np.arange(10).reshape(1, 10, 1), x, kernel_size=3, dilation=3)
    assert got.ravel().tolist() == [0 * 1 + 1 * 2, 3 * 1 + 4 * 2, 6 * 1 + 7 * 2]


def test_float32_goes_to_the_engine_where_that_is_there():
    array = np.ones((1, 1, 1), np.float32)
    assert engine.serves(array) == engine.available()
    assert not engine.serves(array, np.ones(1))

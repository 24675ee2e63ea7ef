"""The conventions as integers: words and back, kernels and back, exact rewrites, and what cannot be said."""

import random
import re

import numpy as np
import pytest

from tconv.conventions import (
    CONVENTIONS,
    block_diagonal,
    jax,
    keras,
    leading_zero_tap,
    tensorflow,
    torch,
    write_out_dilation,
)
from tconv.errors import SettingError, ShapeError, UnsupportedError
from tconv.geometry import Spec, problem_from_coarse
from tests import oracle
from tests.conventions import cases

KINDS = {"keras": cases.of_keras, "tensorflow": cases.of_tensorflow, "torch": cases.of_torch, "jax": cases.of_jax,
         "flax": cases.of_flax, "equinox": cases.of_equinox, "onnx": cases.of_onnx, "openvino": cases.of_openvino}


@pytest.mark.parametrize("name", KINDS)
def test_words_written_from_words_mean_the_same_problem(name):
    row = CONVENTIONS[name]
    for case in cases.draw(KINDS[name], 500, seed=2):
        if not case.plain:
            written = row.write(case.problem)
            assert problem_from_coarse(row.read(written, case.problem.coarse), case.problem.coarse) == case.problem


def settings(count, seed):
    """Any setting, sayable or not, and coarse sizes that leave something of it."""
    rng = random.Random(seed)
    while count:
        rank = rng.choice((1, 1, 2, 3))
        kernel, stride, dilation, coarse = cases.geometry(rng, rank, dilation=rng.choice((1, 1, 3)))
        crop = cases.pads(rng, rank, *rng.choice(((-3, 4), (0, 1))))
        spec = Spec.of(kernel, stride=stride, dilation=dilation, crop=crop, groups=rng.randint(1, 2))
        try:
            yield spec, problem_from_coarse(spec, coarse)
        except ShapeError:
            continue
        count -= 1


def attempt(function, *arguments):
    """What a function gives, or else the sentence with which it refuses."""
    try:
        return function(*arguments), None
    except UnsupportedError as error:
        return None, str(error)


@pytest.mark.parametrize("name", CONVENTIONS)
def test_what_a_framework_says_is_read_back_and_what_it_cannot_say_is_a_sentence(name):
    row, said = CONVENTIONS[name], 0
    for spec, problem in settings(3000, name):
        written, refusal = attempt(row.write, problem)
        if refusal is None:
            assert row.read(written, problem.coarse) == spec
            said += 1
        else:
            assert re.fullmatch(name + ": .*; .*[.]", refusal)
    assert said > 5


@pytest.mark.parametrize("name", CONVENTIONS)
@pytest.mark.parametrize("groups", [1, 3])
def test_a_kernel_survives_the_way_into_a_layout_and_back(name, groups):
    row = CONVENTIONS[name]
    kernel = np.random.default_rng(0).integers(-9, 9, (2, 3, 4, 6))
    for other in ({}, {"transpose_kernel": True}):
        words = {"groups": groups, "group": groups, "num_group": groups} | other
        np.testing.assert_array_equal(row.kernel_from(row.kernel_to(kernel, words), words), kernel)


def by_the_relation(x, kernel, problem):
    return oracle.conv_transpose(x, kernel, stride=problem.stride, dilation=problem.dilation, lo=problem.lo,
                                 fine=problem.fine, groups=problem.groups)


@pytest.mark.parametrize("rewrite", [leading_zero_tap, write_out_dilation, block_diagonal])
def test_a_rewritten_layer_computes_the_same(rewrite):
    rng, done = random.Random(rewrite.__name__), 0
    for spec, problem in settings(120, rewrite.__name__):
        x, kernel = cases.arrays(rng, problem, plain=False)
        found, refusal = attempt(rewrite, kernel, spec)
        if refusal:
            assert "write the dilation out first (write_out_dilation)" in refusal
            continue
        other, changed = found
        again = problem_from_coarse(changed, problem.coarse)
        assert again.fine == problem.fine
        assert (by_the_relation(x, other, again) == by_the_relation(x, kernel, problem)).all()
        done += 1
    assert done > 60


def test_leading_zero_taps_leave_a_crop_that_every_framework_can_say():
    for spec, _ in settings(200, "dense"):
        plain = write_out_dilation(np.zeros((*(axis.kernel for axis in spec.axes), 1, 2)), spec)
        _, symmetric = leading_zero_tap(*plain)
        assert all(axis.lo == axis.hi >= 0 for axis in symmetric.axes)
        CONVENTIONS["torch"].write(symmetric)


def test_keras_kernel_3_stride_2_same_becomes_kernel_4_crop_1():
    spec = CONVENTIONS["keras"].read({"kernel_size": (3, 3), "strides": 2, "padding": "same"})
    with pytest.raises(UnsupportedError, match=r"crop \(0, 1\) on axis 0.*1 zero tap before the kernel.*slice \[:-1\]"):
        CONVENTIONS["torch"].write(spec)
    _, other = leading_zero_tap(np.ones((3, 3, 1, 1)), spec)
    assert CONVENTIONS["torch"].write(other)["padding"] == (1, 1)


@pytest.mark.parametrize(("upper", "name", "lo"), [
    ("SAME", "jax", 0), ("same", "keras", 0), ("SAME", "equinox", 0), ("SAME_LOWER", "equinox", 1),
    ("SAME_UPPER", "onnx", 0), ("SAME_LOWER", "onnx", 1), ("same_upper", "openvino", 1), ("same_lower", "openvino", 0),
])
def test_the_odd_sample_is_cut_where_the_cheat_sheet_says(upper, name, lo):
    words = {"padding": upper, "auto_pad": upper, "stride": 2, "strides": (2,), "kernel_size": (3,),
             "kernel_shape": (3,)}
    if name == "openvino":
        words["output_shape"] = (8,)
    assert CONVENTIONS[name].read(words, (4,)).axes[0].crop == (lo, 1 - lo)


def test_an_output_size_reaches_every_size_that_shares_the_coarse_one():
    for size in range(7, 9):
        said = {"kernel_size": (3,), "groups": 1, "coarse": (4,), "output_size": (size,)}
        same = keras.transposed_problem(strides=2, padding="same", output_padding=None, dilation_rate=1, **said)
        assert keras.conv_problem(kernel_size=(3,), strides=2, padding="same", dilation_rate=1, groups=1,
                                  fine=(size,)) == same
        one = torch.transposed_problem(stride=2, padding=1, output_padding=0, dilation=1, **said)
        plain = torch.conv_problem(kernel_size=(3,), stride=2, padding=1, dilation=1, groups=1, fine=(size,))
        assert plain == one


KERAS = {"kernel_size": (3,), "strides": 2, "padding": "same", "output_padding": None, "dilation_rate": 1, "groups": 1,
         "coarse": (4,)}
TORCH = {"kernel_size": (3,), "stride": 2, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1,
         "coarse": (4,)}


@pytest.mark.parametrize(("problem", "said", "changed", "error", "match"), [
    (keras, KERAS, {"padding": "full"}, SettingError, "padding is 'full', but has to be 'valid', 'same', a number"),
    (keras, KERAS, {"output_padding": 2}, SettingError, "output_padding is 2, but has to be less than its stride, 2"),
    (keras, KERAS, {"output_size": 9}, ShapeError, "output_size is 9 on axis 0, but 4 samples give 7 to 8"),
    (keras, KERAS, {"strides": (2, 2)}, SettingError, "2 values for 1 axis"),
    (keras, KERAS, {"kernel_size": (0,)}, SettingError, "kernel is 0, but has to be a whole number >= 1"),
    (keras, KERAS, {"strides": float("nan")}, SettingError, "stride is nan, but has to be a whole number"),
    (torch, TORCH, {"output_padding": 2}, SettingError, "less than its stride or its dilation, 2"),
    (torch, TORCH, {"output_size": 11}, ShapeError, "4 samples give 9 to 10"),
    (torch, TORCH, {"padding": "same", "output_padding": 1}, SettingError, "says the size already"),
    (torch, TORCH, {"padding": 5}, ShapeError, r"crop \(5, 5\) leaves nothing of the full size 9"),
])
def test_words_that_no_layer_can_have_are_refused_with_a_sentence(problem, said, changed, error, match):
    with pytest.raises(error, match=match):
        problem.transposed_problem(**{**said, **changed})


def test_causal_padding_is_for_one_axis():
    with pytest.raises(SettingError, match="padding is 'causal' on 2 axes"):
        keras.conv_problem(kernel_size=(3, 3), strides=1, padding="causal", dilation_rate=1, groups=1, fine=(8, 8))


def test_tensorflow_takes_lists_with_batch_and_channels():
    said = {"kernel_size": (3, 3), "dilations": (1, 1, 1, 1), "groups": 1, "coarse": (4, 4)}
    last = tensorflow.transposed_problem(output_shape=(2, 7, 8, 5), strides=(1, 2, 2, 1),
                                         padding=[[0, 0], [1, 1], [0, 1], [0, 0]], **said)
    first = tensorflow.transposed_problem(output_shape=(2, 5, 7, 8), strides=(1, 1, 2, 2), channels_last=False,
                                          padding=[[0, 0], [0, 0], [1, 1], [0, 1]], **said)
    assert last == first
    assert (last.lo, last.fine) == ((1, 0), (7, 8))


def test_jax_output_padding_adds_at_the_end():
    said = {"kernel_size": (3,), "strides": 2, "rhs_dilation": None, "groups": 1, "coarse": (4,)}
    problem = jax.transposed_problem(padding=((1, 1),), use_consistent_padding=True, output_padding=1, **said)
    assert (problem.lo, problem.hi, problem.fine) == ((1,), (0,), (8,))


@pytest.mark.parametrize(("name", "words", "match"), [
    ("flax", {"kernel_size": (3,), "padding": "CIRCULAR"}, "which wraps the result around"),
    ("equinox", {"kernel_size": (3,), "padding_mode": "CIRCULAR"}, "which wraps the input around"),
    ("torch", {"kernel_size": (3,), "padding_mode": "reflect"}, "only has 'zeros'"),
    ("coreml", {"kernel_size": (3,), "output_shape": (8,)}, "differ between processors"),
    ("coreml", {"kernel_size": (3,), "strides": 2, "pad_type": "same"}, "which end gets the odd one"),
    ("openvino", {"kernel_size": (3,), "output_shape": (8,)}, "its CPU plugin crop differently"),
])
def test_words_whose_meaning_is_no_crop_are_unsupported(name, words, match):
    with pytest.raises(UnsupportedError, match=match):
        CONVENTIONS[name].read(words, (4,))


@pytest.mark.parametrize("name", ["onnx", "mxnet", "openvino"])
def test_an_output_size_that_depends_on_the_input_wants_its_sizes(name):
    words = {"kernel_size": (3,), "kernel_shape": (3,), "kernel": (3,), "output_shape": (8,), "target_shape": (8,),
             "auto_pad": "same_lower"}
    with pytest.raises(SettingError, match="give the input's sizes"):
        CONVENTIONS[name].read(words)

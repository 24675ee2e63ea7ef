"""What cannot be is refused in one sentence: the argument, its value, and what would fit, before any work."""

import re
import tracemalloc

import numpy as np
import pytest

import tconv
from tconv import SettingError, ShapeError, SizeError

NAN = float("nan")
X = np.ones((1, 4, 4, 6))
KERNEL = np.ones((3, 3, 2, 6))
FINE = np.ones((1, 6, 6, 2))
LINE = np.ones((1, 4, 1))
TAPS = np.ones((3, 1, 1))


def scatter(x=X, kernel=KERNEL, bias=None, **setting):
    return lambda: tconv.conv_transpose(x, kernel, bias, **setting)


def gather(x=FINE, kernel=KERNEL, bias=None, **setting):
    return lambda: tconv.conv(x, kernel, bias, **setting)


def correlate(fine=FINE, coarse=X, kernel_size=3, **setting):
    return lambda: tconv.kernel_gradient(fine, coarse, kernel_size=kernel_size, **setting)


WHOLE = "has to be a whole number"
ROOM = "need .* GiB; this machine has .* GiB. Take a smaller"

SETTINGS = {
    "a kernel without taps": (scatter(kernel=np.ones((3, 0, 2, 6))), r"axis 1: kernel is 0, but .* >= 1"),
    "a kernel size of 0": (correlate(kernel_size=0), r"axis 0: kernel is 0, but .* >= 1"),
    "a kernel size of NaN": (correlate(kernel_size=NAN), rf"kernel is nan, but {WHOLE}"),
    "three kernel sizes for two axes": (correlate(kernel_size=(3, 3, 3)), r"kernel_size is \(3, 3, 3\), .* or 2"),
    "a stride of 0": (scatter(stride=0), r"stride is 0, but .* >= 1"),
    "a stride of 0 on the second axis": (scatter(stride=(2, 0)), r"axis 1: stride is 0, but .* >= 1"),
    "a negative stride": (gather(stride=-2), r"stride is -2, but .* >= 1"),
    "half a stride": (scatter(stride=0.5), rf"stride is 0.5, but {WHOLE}"),
    "a stride that is a float": (scatter(stride=2.0), rf"stride is 2.0, but {WHOLE}"),
    "a stride of NaN": (scatter(stride=NAN), rf"stride is nan, but {WHOLE}"),
    "a stride that is a flag": (scatter(stride=True), rf"stride is True, but {WHOLE}"),
    "a stride that is text": (scatter(stride="2"), rf"stride is '2', but {WHOLE}"),
    "no stride": (scatter(stride=None), rf"stride is None, but {WHOLE}"),
    "three strides for two axes": (scatter(stride=(1, 2, 3)), r"stride is \(1, 2, 3\), 3 values for 2 axes; give one"),
    "a dilation of 0": (scatter(dilation=0), r"dilation is 0, but .* >= 1"),
    "a dilation of NaN": (gather(dilation=(1, NAN)), rf"axis 1: dilation is nan, but {WHOLE}"),
    "a crop of NaN": (scatter(crop=NAN), rf"crop is nan, but {WHOLE}"),
    "half a crop": (gather(crop=0.5), rf"crop is 0.5, but {WHOLE}"),
    "a crop that is a word": (scatter(crop="same"), r"crop is 'same', but has to be one number or a pair"),
    "a crop of three ends": (scatter(crop=(0, (1, 2, 3))), r"axis 1: crop is \(1, 2, 3\), .* a pair \(lo, hi\)"),
    "a pair as the crops of one axis": (
        scatter(LINE, TAPS, crop=(1, 2)),
        r"crop is \(1, 2\), .* \(\(lo, hi\), \.\.\.\)"),
    "groups of 0": (scatter(groups=0), r"groups is 0, but .* >= 1"),
    "groups of NaN": (correlate(groups=NAN), rf"groups is nan, but {WHOLE}"),
    "a method that does not exist": (scatter(method="fft"), r"method is 'fft', but has to be one of scatter, gather"),
}

SHAPES = {
    "a crop that leaves nothing": (
        scatter(crop=(3, 0)),
        r"crop \(3, 3\) leaves nothing of the full size 6 .*less than 6"),
    "a kernel larger than the padded input": (
        gather(np.ones((1, 1, 1, 2)), crop=((0, 1), (1, 1))),
        r"reaches over 3 samples, but 1 samples padded by \(0, 1\) are 2; .* 2 or more"),
    "groups that do not divide the input": (
        scatter(groups=4),
        r"6 channels \(.*\) do not fall into groups=4; take a group"),
    "groups that do not divide the result": (
        gather(np.ones((1, 6, 6, 8)), groups=4),
        r"6 channels \(.*kernel.*\) do not fall into groups=4; take a group count"),
    "channels that the kernel does not take": (
        scatter(kernel=np.ones((3, 3, 2, 4))),
        r"has 6 channels, but the kernel takes 4 \(last axis of .* laid out \(\*K"),
    "a kernel in the layout of the other layer": (
        gather(kernel=np.ones((3, 3, 6, 2))),
        r"has 2 channels, but the kernel takes 6 .* tconv.conventions turns"),
    "group channels that the kernel does not take": (
        gather(kernel=KERNEL, groups=2),
        r"2 channels, but the kernel takes 4 \(.* times groups=2\)"),
    "a kernel of another rank": (
        scatter(kernel=np.ones((3, 2, 6))),
        r"x has 2 spatial axes, .* kernel's shape has 1, \(3,\)"),
    "a kernel of no rank": (
        scatter(kernel=np.ones(6)),
        r"x has 2 spatial axes, .* the kernel's shape has 0, \(\); give as"),
    "an image without a batch": (scatter(X[0, 0]), r"x has shape \(4, 6\); give \(batch, one size or more, channels\)"),
    "a number for an array": (gather(5), r"x has shape \(\); give \(batch"),
    "an array of objects": (scatter(X.astype(object)), r"x has dtype object; give an array of numbers"),
    "an array of text": (scatter(kernel=KERNEL.astype(str)), r"kernel has dtype <U\d+; give an array of numbers"),
    "an array of dates": (
        correlate(coarse=X.astype("M8[s]")),
        r"coarse has dtype datetime64\[s\]; give an array of num"),
    "no array": (gather(None), r"x has dtype object; give an array of numbers"),
    "rows of unequal length": (scatter([[1, 2], [3]]), r"x is no array \(.*\); give numbers in rows of equal length"),
    "too few biases": (scatter(bias=[1]), r"bias has shape \(1,\), but the result has 2 channels; give \(2,\)"),
    "biases of the other side": (
        gather(bias=[1, 2]),
        r"bias has shape \(2,\), but the result has 6 channels; give \(6,\)"),
    "a bias of text": (scatter(bias=["a", "b"]), r"bias has dtype <U1; give"),
    "an output size too large": (
        scatter(stride=2, output_size=(9, 11)),
        r"output_size is 11 on axis 1, but 4 samples can give 9 to 10 there; change the crop"),
    "an output size too small": (scatter(output_size=5), r"output_size is 5 on axis 0, but 4 samples can give 6 there"),
    "a negative output size": (scatter(output_size=-6), r"output_size is -6, but .* >= 0"),
    "an output size of NaN": (scatter(output_size=NAN), rf"output_size is nan, but {WHOLE}"),
    "three output sizes for two axes": (
        scatter(output_size=(6, 6, 6)),
        r"output_size is \(6, 6, 6\), .* give one for all"),
    "two batches": (correlate(np.ones((2, 6, 6, 2))), r"a batch of 1, the fine one of 2; they have to be the same"),
    "two ranks": (correlate(coarse=X[0]), r"fine has sizes \(6, 6\), coarse \(4,\); give both as many axes"),
    "sizes of two layers": (
        correlate(kernel_size=(3, 2)),
        r"fine has 6 samples on axis 1, but .* 4 coarse ones go with 5 fine ones; give the arrays"),
    "sizes of two strided layers": (
        correlate(stride=2),
        r"6 samples on axis 0, .* 4 coarse ones go with 9 to 10 fine ones"),
    "groups that divide one side only": (
        correlate(groups=3),
        r"2 channels \(.*fine.*\) do not fall into groups=3; take"),
}

IMAGE = np.broadcast_to(np.float32(1), (1, 70000, 70000, 64))  # no memory: one number, seen many times
WIDE = np.broadcast_to(np.float32(1), (4, 4, 64, 64))
THUMB = np.broadcast_to(np.float32(1), (1, 2048, 2048, 1))

SIZES = {
    "an image of absurd size": (scatter(IMAGE, WIDE, stride=2), rf"conv_transpose: .*\(140002, 140002\).*{ROOM}"),
    "an image of absurd size, gathered": (gather(IMAGE, WIDE), rf"conv: .*\(70000, 70000\).*{ROOM}"),
    "two images of absurd size": (correlate(IMAGE, IMAGE, 1), rf"kernel_gradient: .*\(70000, 70000\).*{ROOM}"),
    "an absurd stride": (scatter(LINE, TAPS, stride=10**12), rf"\(3000000000003,\).*{ROOM}"),
    "an absurd dilation": (scatter(LINE, TAPS, dilation=10**12), ROOM),
    "an absurd negative crop": (scatter(LINE, TAPS, crop=-(10**12)), ROOM),
    "an absurd padding": (gather(LINE, TAPS, crop=10**12), ROOM),
    "an absurd batch": (scatter(np.broadcast_to(LINE, (10**13, 4, 1)), TAPS), rf"a batch of 10000000000000 {ROOM}"),
    "an absurd matrix": (scatter(THUMB, np.ones((4, 4, 1, 1), np.float32), stride=2, crop=1, method="matrix"),
                         "convolution_matrix: 4194304 rows of 16777216 numbers need .* GiB; .* another method"),
}

CASES = {name: (call, error, pattern)
         for error, table in ((SettingError, SETTINGS), (ShapeError, SHAPES), (SizeError, SIZES))
         for name, (call, pattern) in table.items()}


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_in_one_sentence_before_any_work(name):
    call, error, pattern = CASES[name]
    tracemalloc.start()
    with pytest.raises(error, match=pattern) as raised:
        call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 200_000
    assert "\n" not in str(raised.value)
    assert re.match(r"\S.*: .*\.$", str(raised.value))


def test_every_refusal_is_a_value_error():
    assert {tconv.SettingError, tconv.ShapeError, tconv.SizeError} < set(tconv.TconvError.__subclasses__())
    assert issubclass(tconv.TconvError, ValueError)


def test_a_refused_call_leaves_its_arrays_as_they_were():
    x, kernel = X.copy(), KERNEL.copy()
    with pytest.raises(ShapeError, match="bias"):
        tconv.conv_transpose(x, kernel, [1])
    assert (x == X).all()
    assert (kernel == KERNEL).all()


def test_nan_in_an_array_is_a_number_like_any_other():
    got = tconv.conv_transpose([[[1.0], [NAN], [2.0]]], TAPS[:1])
    assert np.array_equal(got.ravel(), [1, NAN, 2], equal_nan=True)


def test_a_missing_scipy_is_named_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "scipy.sparse", None)
    with pytest.raises(tconv.MissingExtra, match=r"'scipy', which is not installed; pip install 'tconv\[dev\]'"):
        tconv.conv_transpose(LINE, TAPS, method="sparse")

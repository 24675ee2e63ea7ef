"""`tf.nn`'s signatures: the same values as `tf.nn`, and the oracle's where `tf.nn` refuses."""

import inspect

import numpy as np
import pytest

from tconv.errors import SettingError, ShapeError, UnsupportedError
from tests import oracle

tf = pytest.importorskip("tensorflow")
ours = pytest.importorskip("tconv.tensorflow")


def integers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(np.float32)


def rows() -> list[tuple]:
    """Every kernel, stride, padding and output size that `tf.nn` takes along one axis of four samples."""
    found = []
    for kernel in (1, 2, 3, 5):
        for stride in (1, 2, 3):
            full = 3 * stride + kernel
            found += [(kernel, stride, "SAME", size) for size in range(3 * stride + 1, 4 * stride + 1)]
            found += [(kernel, stride, "VALID", size) for size in range(full, full + stride)]
    return found


@pytest.mark.parametrize(("kernel", "stride", "padding", "size"), rows())
def test_one_axis_equals_tf_nn_for_every_output_size(kernel, stride, padding, size):
    x, w = integers(2, 4, 3), integers(kernel, 2, 3, seed=1)
    want = tf.nn.conv1d_transpose(x, w, (2, size, 2), stride, padding)
    np.testing.assert_array_equal(ours.conv1d_transpose(x, w, (2, size, 2), stride, padding), want)
    np.testing.assert_array_equal(ours.conv_transpose(x, w, (2, size, 2), stride, padding), want)


@pytest.mark.parametrize("padding", ["SAME", "VALID", [[0, 0], [1, 0], [0, 2], [0, 0]]], ids=str)
@pytest.mark.parametrize(("strides", "s", "t"), [(2, 2, 2), ([2, 2], 2, 2), ([1, 2, 3, 1], 2, 3), ((1, 1), 1, 1)],
                         ids=str)
def test_two_axes_equal_tf_nn(strides, s, t, padding):
    x, w = integers(1, 4, 3, 3), integers(3, 4, 2, 3, seed=1)
    pad = padding if isinstance(padding, list) else [[0, 0]] * 4
    sizes = (4 * s, 3 * t) if padding == "SAME" else (3 * s + 3 - sum(pad[1]), 2 * t + 4 - sum(pad[2]))
    want = tf.nn.conv2d_transpose(x, w, (1, *sizes, 2), strides, padding)
    np.testing.assert_array_equal(ours.conv2d_transpose(x, w, (1, *sizes, 2), strides, padding), want)


def test_three_axes_equal_tf_nn():
    x, w = integers(1, 2, 3, 2, 3), integers(3, 2, 3, 2, 3, seed=1)
    want = tf.nn.conv3d_transpose(x, w, (1, 4, 5, 4, 2), (1, 2, 2, 2, 1))
    np.testing.assert_array_equal(ours.conv3d_transpose(x, w, (1, 4, 5, 4, 2), (1, 2, 2, 2, 1)), want)


def test_the_default_is_same_as_in_tf_nn():
    x, w = integers(1, 3, 1), integers(3, 1, 1)
    np.testing.assert_array_equal(ours.conv1d_transpose(x, w, (1, 6, 1), 2), tf.nn.conv1d_transpose(x, w, (1, 6, 1), 2))


def test_channels_first_runs_on_a_cpu():
    x, w = integers(2, 3, 4, 5), integers(3, 3, 2, 3, seed=1)
    got = ours.conv2d_transpose(x, w, (2, 2, 8, 15), [1, 1, 2, 3], data_format="NCHW")
    want = tf.nn.conv2d_transpose(x.transpose(0, 2, 3, 1), w, (2, 8, 15, 2), [1, 2, 3, 1])
    np.testing.assert_array_equal(got, tf.transpose(want, (0, 3, 1, 2)))


def test_groups_follow_from_the_channels_asked_for():
    x, w = integers(1, 3, 4), integers(3, 2, 4, seed=1)
    want = oracle.conv_transpose(x, w, stride=(2,), dilation=(1,), lo=(0,), fine=(7,), groups=2)
    np.testing.assert_array_equal(ours.conv1d_transpose(x, w, (1, 7, 4), 2, "VALID"), want.astype(np.float32))


def test_dilations_go_with_strides():
    x, w = integers(1, 3, 2, 2), integers(3, 2, 1, 2, seed=1)
    want = oracle.conv_transpose(x, w, stride=(2, 3), dilation=(2, 3), lo=(0, 0), fine=(9, 7))
    got = ours.conv2d_transpose(x, w, (1, 9, 7, 1), (2, 3), "VALID", dilations=(2, 3))
    np.testing.assert_array_equal(got, want.astype(np.float32))


def test_an_output_shape_known_only_at_run_time_is_honoured():
    x, w = integers(2, 4, 5, 3), integers(3, 3, 2, 3, seed=1)
    spec = [tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((4,), tf.int32)]
    graph = tf.function(lambda x, shape: ours.conv2d_transpose(x, w, shape, 2), input_signature=spec)
    want = tf.nn.conv2d_transpose(x, w, (2, 8, 9, 2), 2)
    np.testing.assert_array_equal(graph(x, tf.constant((2, 8, 9, 2))), want)


def test_a_batch_known_only_at_run_time_leaves_every_setting_open():
    x, w = integers(2, 4, 3), integers(3, 2, 3, seed=1)
    graph = tf.function(lambda x: ours.conv1d_transpose(x, w, [tf.shape(x)[0], 11, 2], 2, "VALID", dilations=2),
                        input_signature=[tf.TensorSpec((None, 4, 3))])
    want = oracle.conv_transpose(x, w, stride=(2,), dilation=(2,), lo=(0,), fine=(11,))
    np.testing.assert_array_equal(graph(x), want.astype(np.float32))


@pytest.mark.parametrize("name", ["conv_transpose", "conv1d_transpose", "conv2d_transpose", "conv3d_transpose"])
def test_the_signature_is_the_one_of_tf_nn(name):
    def bare(function):
        return [(p.name, p.default) for p in inspect.signature(function).parameters.values()]

    assert bare(getattr(ours, name)) == bare(getattr(tf.nn, name))


@pytest.mark.parametrize(("change", "error", "message"), [
    ({"output_shape": (1, 9, 1)}, ShapeError, "output_size is 9 on axis 0, but 3 samples give 5 to 6"),
    ({"output_shape": (1, 6)}, ShapeError, "1 spatial axes want 3 entries"),
    ({"output_shape": (2, 6, 1)}, ShapeError, "a batch of 2, but the input one of 1"),
    ({"output_shape": (1, 6, 0)}, ShapeError, "output_shape has 0 channels"),
    ({"filters": np.ones((3, 2, 1), np.float32)}, ShapeError, "output_shape has 1 channels, but the filters give 2"),
    ({"filters": np.ones((3, 1, 5), np.float32)}, ShapeError, "the coarse array has 1 channels, but the kernel takes "),
    ({"filters": np.ones((3, 3, 1, 1), np.float32)}, ShapeError, "filters have shape"),
    ({"input": np.ones((1, 3, 1, 1), np.float32)}, ShapeError, "they want as many axes"),
    ({"strides": 0}, SettingError, "stride is 0"),
    ({"padding": "FULL"}, SettingError, "padding is 'FULL'"),
    ({"dilations": 0}, SettingError, "dilation is 0"),
    ({"data_format": "NHWC"}, SettingError, "data_format is 'NHWC', but has to be 'NWC' or 'NCW'"),
])
def test_what_does_not_fit_is_refused_in_a_sentence(change, error, message):
    ones = np.ones((1, 3, 1), np.float32)
    fine = {"input": ones, "filters": ones.reshape(3, 1, 1), "output_shape": (1, 6, 1), "strides": 2}
    with pytest.raises(error, match=message):
        ours.conv1d_transpose(**{**fine, **change})


def test_unknown_sizes_with_a_setting_that_needs_them_are_refused():
    w = integers(3, 2, 3)
    graph = tf.function(lambda x: ours.conv1d_transpose(x, w, [1, tf.shape(x)[1] * 2, 2], 2, dilations=2),
                        input_signature=[tf.TensorSpec((1, None, 3))], autograph=False)
    with pytest.raises(UnsupportedError, match="give the input and output_shape fixed spatial sizes"):
        graph(integers(1, 4, 3))

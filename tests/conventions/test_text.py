"""Layers as people write them: read from text, written for another framework, and run there."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tconv.conventions import convert, parse
from tconv.errors import SettingError, UnsupportedError
from tconv.proof import SIDES
from tconv.proof.side import missing, run
from tests.conventions import cases
from tests.conventions.runs import first, last

C, D = 2, 4
LAYERS = {  # text: input sizes
    "keras Conv1DTranspose(4, 3, strides=2, padding='same')": (3,),
    "keras Conv2DTranspose(4, (3, 2), strides=(2, 3), padding='valid')": (2, 3),
    "torch ConvTranspose1d(2, 4, 5, stride=3, padding=1, groups=2, dilation=2)": (3,),
    "torch.nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1)": (2, 3),
    "torch ConvTranspose1d(in_channels, 4, 6, stride=2, padding=1, bias=False)": (3,),
    "jax.lax.conv_transpose(x, kernel, (2,), ((-1, 4),), kernel_size=(3,))": (4,),
    "lax conv_transpose(lhs, rhs, (2,), 'SAME', kernel_size=(4,), transpose_kernel=True)": (3,),
    "flax ConvTranspose(4, (5,), strides=(2,), padding=((1, 6),))": (3,),
    "equinox ConvTranspose1d(2, 4, 3, stride=2, output_padding=1, padding='SAME_LOWER', groups=2)": (3,),
    "onnx ConvTranspose(kernel_shape=[3, 3], strides=[3, 2], output_shape=[9, 8])": (3, 3),
    "openvino ConvolutionBackpropData(strides=[2], auto_pad='same_upper', output_shape=[6], kernel_size=(3,))": (3,),
    "tensorflow conv1d_transpose(input, filters, (1, 7, 4), 2, kernel_size=3)": (4,),
    "torch F.conv_transpose1d(x, weight, stride=2, padding=1, kernel_size=4)": (5,),
    "flax nnx.ConvTranspose(2, 4, (3,), 2, padding='VALID', transpose_kernel=True)": (5,),
    "mxnet Deconvolution(kernel=(3,), stride=(2,), target_shape=(6,), num_filter=4)": (3,),
}


PLAIN_LAYERS = {
    "torch.nn.functional.conv1d(x, weight, bias, 2, kernel_size=3)": (8,),
    "flax.nnx.Conv(2, 4, (3,), 2, padding='VALID', rngs=rngs)": (8,),
    "keras Conv2D(4, 3, data_format='channels_first')": (5, 6),
    "keras Conv1D(4, 3, strides=2, padding='same')": (8,),
    "keras Conv1D(4, 3, dilation_rate=2, padding='causal', groups=2)": (7,),
    "keras Conv2D(4, (3, 2), strides=(2, 3), padding='same', use_bias=False)": (8, 7),
    "torch Conv1d(2, 4, 5, stride=3, padding=1, groups=2, dilation=2)": (13,),
    "torch.nn.Conv2d(2, 4, (4, 3), padding='same')": (5, 6),
    "torch Conv3d(2, 4, 3, stride=2, padding=(1, 0, 2))": (4, 5, 3),
    "jax.lax.conv_general_dilated(x, kernel, (2,), ((1, 2),), kernel_size=(3,), rhs_dilation=(2,), "
    "dimension_numbers=('NWC', 'WIO', 'NWC'))": (9,),
    "lax conv(lhs, rhs, (2, 1), 'SAME', kernel_size=(4, 3))": (8, 6),
    "flax Conv(4, (5,), strides=(2,), padding=((1, 3),), feature_group_count=2)": (9,),
    "equinox Conv1d(2, 4, 3, stride=2, padding='SAME_LOWER', groups=2)": (8,),
    "onnx Conv(kernel_shape=[3, 3], strides=[3, 2], auto_pad='SAME_LOWER')": (8, 8),
    "onnx.helper.make_node('Conv', ['x', 'kernel'], ['y'], kernel_shape=[3], pads=[0, 2])": (8,),
    "openvino Convolution(strides=[2], auto_pad='same_upper', kernel_size=(3,))": (8,),
    "tensorflow conv2d(input, filters, (2, 1), ((0, 0), (0, 1), (2, 0), (0, 0)), kernel_size=(3, 3))": (8, 5),
    "mxnet Convolution(kernel=(3,), stride=(2,), pad=(1,), num_filter=4)": (8,),
    "coreml conv(strides=[2], pad_type='custom', pad=[2, 0], kernel_size=(3,))": (8,),
    "tensorrt IConvolutionLayer((3, 2), (2, 1), (0, 1), (1, 1))": (8, 5),
    "tflite CONV_2D(stride_h=2, stride_w=1, padding='SAME', kernel_size=(3, 3))": (8, 5),
}


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("layers", [LAYERS, PLAIN_LAYERS], ids=["transposed", "plain"])
@pytest.mark.parametrize("to", SIDES)
def test_the_program_that_is_written_runs_and_gives_the_values_of_the_layer_that_was_read(to, layers):
    if absent := missing(to):
        pytest.skip(f"needs {' and '.join(absent)}: pip install {' '.join(absent.values())}")
    numbers = np.random.default_rng(0)
    for text, sizes in layers.items():
        found = convert(text, to, sizes=sizes)
        problem = found.problem(sizes)
        case = cases.Case({}, problem, not found.source.transposed, None, None, {})
        rows, columns = (D // problem.groups, C) if found.source.transposed else (C // problem.groups, D)
        case.x = numbers.integers(-4, 5, (2, *sizes, C)).astype(np.float32)
        case.kernel = numbers.integers(-4, 5, (*problem.kernel, rows, columns)).astype(np.float32)
        given = {"kernel": found.source.kernel_to(case.kernel, found.read), "bias": np.zeros(D, np.float32),
                 "x": case.x if found.target.axes(found.spelling.arguments) == "(N, *I, C)" else first(case.x),
                 "in_channels": C, **dict.fromkeys(("out_channels", "filters", "features"), D)}
        result = run(found.program, given)
        case.check(last(result) if given["x"] is not case.x else result)


@pytest.mark.parametrize(("text", "to", "code", "alternative"), [
    ("keras Conv2DTranspose(64, 3, strides=2, padding='same')", "torch",
     "torch.nn.ConvTranspose2d(in_channels, 64, 4, stride=2, padding=1)", "zero taps around the kernel: 1 before it"),
    ("torch ConvTranspose2d(128, 64, 3, stride=2, padding=1, output_padding=1)", "keras",
     "keras.layers.Conv2DTranspose(64, 4, strides=2, padding='same')", "zero taps around the kernel: 1 after it"),
    ("torch ConvTranspose2d(128, 64, 4, 2, 1, bias=False)", "keras",
     "keras.layers.Conv2DTranspose(64, 4, strides=2, padding='same', use_bias=False)", ""),
    ("torch ConvTranspose1d(8, 6, 6, stride=2, padding=1)", "keras",
     "keras.Sequential([keras.layers.Conv1DTranspose(6, 6, strides=2), keras.layers.Cropping1D(1)])",
     "crop nothing"),
    ("torch ConvTranspose1d(8, 6, 5, 3, dilation=2)", "keras", "keras.layers.Conv1DTranspose(6, 9, strides=3)",
     "write the dilation out"),
    ("torch ConvTranspose2d(8, 6, 3, 2, groups=2)", "lax",
     "jax.lax.conv_transpose(x, kernel, strides=(2, 2), padding='VALID', transpose_kernel=True)",
     "write the 2 groups out"),
    ("keras Conv2DTranspose(8, 3, strides=2, padding='same')", "tensorflow",
     "tf.nn.conv2d_transpose(x, kernel, output_shape=(x.shape[0], x.shape[1] * 2, x.shape[2] * 2, 8), strides=2, "
     "padding='SAME')", ""),
])
def test_a_layer_is_written_in_another_frameworks_words(text, to, code, alternative):
    found = convert(text, to)
    assert found.code == code
    assert alternative in found.alternative
    assert found.exact == (not alternative) == (not found.alternative)


def test_a_function_has_a_bias_only_where_it_is_given_one():
    assert convert("torch F.conv2d(x, weight, kernel_size=3)", "keras").code == (
        "keras.layers.Conv2D(filters, 3, use_bias=False)")
    assert convert("torch F.conv2d(x, weight, bias, kernel_size=3)", "keras").code == "keras.layers.Conv2D(filters, 3)"


def test_what_is_not_carried_over_is_said():
    notes = convert("keras Conv1DTranspose(8, 3, activation='relu')", "torch").notes
    assert notes[-1] == "activation='relu' is not carried over."
    assert "from (*K, D, C) to (C, D / g, *K)" in notes[0]
    assert notes[1] == "The arrays go from (N, *I, C) to (N, C, *I)."


def test_parse_reads_names_of_channels_as_unknown():
    assert parse("torch ConvTranspose2d(in_channels, 8, (3, 4), stride=2)") == (
        "torch", "ConvTranspose2d", {"out_channels": 8, "kernel_size": (3, 4), "stride": 2})


@pytest.mark.parametrize(("text", "match"), [
    ("", "is no layer; write the framework and a call"),
    ("keras", "is no layer"),
    ("keras Conv2DTranspose(", "is no layer"),
    ("Conv2DTranspose(64, 3)", "names no framework; write one of keras, tensorflow"),
    ("caffe Deconvolution(3)", "names no framework"),
    ("keras Dense(64)", "'Dense' is no convolution of keras; it has Conv1DTranspose.*Conv3D[.]"),
    ("keras Conv2dTranspose(64, 3)", r"no convolution of keras \(is Conv2DTranspose meant\?\)"),
    ("torch conv3D(4, 4, 3)", r"no convolution of torch \(is Conv3d meant\?\)"),
    ("keras Conv2DTranspose(64)", "Conv2DTranspose needs kernel_size"),
    ("keras Conv2DTranspose(64, 3, stride=2)", r"has no argument 'stride' \(is strides meant\?\); it has"),
    ("keras Conv2DTranspose(64, 3, filters=2)", "got the argument 'filters' twice"),
    ("keras Conv2DTranspose(64, 3, **more)", "has no argument None"),
    ("keras Conv2DTranspose(*a)", r"filters is \*a, but has to be written out"),
    ("keras Conv2DTranspose(64, open('x'))", "kernel_size is open.* has to be written out"),
    ("keras Conv2DTranspose(64, kernel)", "kernel_size is kernel, but has to be written out"),
    ("keras Conv2DTranspose(64, (3, 3, 3))", "3 values for 2 axes"),
    ("flax ConvTranspose(64, 3)", "does not say how many axes"),
    ("keras Conv2DTranspose(64, 3, strides=0)", "stride is 0, but has to be a whole number >= 1"),
    ("keras Conv2DTranspose(64, 3, strides=1e999)", "stride is inf"),
    ("keras Conv2DTranspose(64, 3, padding=None)", "padding is None, but Keras takes a name, 'valid' or 'same'"),
    ("keras Conv2DTranspose(64, 3, padding=1)", "padding is 1, but Keras takes a name"),
    ("keras Conv2DTranspose(64, 3, padding='causal')", "padding is 'causal', but has to be 'valid', 'same'"),
    ("keras Conv2D(64, 3, padding='causal')", "padding is 'causal' on 2 axes"),
    ("keras Conv2D(64, 3, strides=2, dilation_rate=2)", "strides is 2 with dilation_rate=2, which Keras"),
    ("keras Conv2DTranspose(64, 3, 2, dilation_rate=2)", "which Keras refuses together; leave one of them 1"),
    ("keras Conv2D(64, 3, strides=2, padding='same')", "with a stride, whose zeros depend on the input; give"),
    ("keras Conv2D(9, 3, groups=2)", "9 output channels do not fall into 2 groups"),
    ("keras Conv2D(0, 3)", "the number of output channels is 0, but has to be a whole number >= 1"),
    ("torch ConvTranspose2d(4, 8, 3, padding='same')", "a transposed convolution of PyTorch takes numbers"),
    ("torch Conv2d(4, 8, 3, stride=2, padding='same')", "padding is 'same' with stride=2, which PyTorch refuses"),
    ("torch Conv2d(4, 8, 3, padding=((0, 1), 1))", "takes one number for both ends of an axis"),
    ("torch ConvTranspose2d(4, 8, 3, 2, output_padding=2)", "output_padding is 2, but has to be less than"),
    ("torch Conv2d(3, 8, 3, groups=2)", "3 input channels do not fall into 2 groups"),
    ("onnx Conv(kernel_shape=[3], pads=[1, 1], auto_pad='VALID')", "with auto_pad='VALID', which the standard forbids"),
    ("jax.lax.conv_general_dilated(x, k, (1,), 'SAME', lhs_dilation=(2,), kernel_size=(3,))", "as jax.lax.conv_trans"),
    ("jax.lax.conv_transpose(x, k, (1,), 'SAME', dimension_numbers=('NCW', 'OXW', 'NCW'), kernel_size=(3,))",
     "its letters have to be WIO in some order"),
    ("tensorflow conv1d_transpose(input, filters, kernel_size=3)", "output_shape is missing"),
])
def test_a_line_that_is_no_layer_is_refused_with_a_sentence(text, match):
    with pytest.raises(SettingError, match=match):
        convert(text, "torch")


def test_a_target_that_does_not_exist_is_refused():
    with pytest.raises(SettingError, match="to is 'caffe', but has to be one of keras"):
        convert("torch ConvTranspose1d(1, 1, 3)", "caffe")


def test_a_setting_that_no_rewrite_brings_into_a_row_is_refused_with_a_sentence():
    with pytest.raises(UnsupportedError, match="the operator has two; add an axis"):
        convert("torch ConvTranspose1d(1, 1, 3)", "tflite")


def test_the_conventions_import_no_framework():
    frameworks = {"keras", "torch", "jax", "tensorflow", "onnx", "flax", "equinox", "openvino"}
    code = f"import sys, tconv.conventions; print({frameworks} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=True)
    assert done.stdout.strip() == "set()"

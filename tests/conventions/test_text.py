"""Layers as people write them: read from text, written for another framework, and run there."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tconv.conventions import CONVENTIONS, convert, parse
from tconv.errors import SettingError, UnsupportedError
from tconv.geometry import problem_from_coarse
from tests import oracle
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
    "mxnet Deconvolution(kernel=(3,), stride=(2,), target_shape=(6,), num_filter=4)": (3,),
}


def in_keras(code, x, kernel):
    keras = pytest.importorskip("keras")
    model = eval(code, {"keras": keras, "filters": D})
    model.build(x.shape)
    layer = getattr(model, "layers", [model])[0]
    layer.set_weights([kernel] + [np.zeros(D)] * layer.use_bias)
    return keras.ops.convert_to_numpy(model(x))


def in_tensorflow(code, x, kernel):
    tf = pytest.importorskip("tensorflow")
    return np.asarray(eval(code, {"tf": tf, "x": x, "kernel": kernel, "out_channels": D}))


def in_torch(code, x, kernel):
    torch = pytest.importorskip("torch")
    layer = eval(code, {"torch": torch, "in_channels": C, "out_channels": D})
    assert layer.weight.shape == kernel.shape
    layer.weight.data = torch.from_numpy(np.ascontiguousarray(kernel))
    with torch.no_grad():
        y = layer(torch.from_numpy(first(x)))
        y = y if layer.bias is None else y - layer.bias.reshape(-1, *(1,) * (x.ndim - 2))
    return last(y.numpy().round(4))


def in_jax(code, x, kernel):
    jax = pytest.importorskip("jax")
    return np.asarray(eval(code, {"jax": jax, "x": x, "kernel": kernel}))


def in_flax(code, x, kernel):
    flax = pytest.importorskip("flax.linen", reason="needs flax") and sys.modules["flax"]
    layer = eval(code, {"flax": flax, "features": D})
    return np.asarray(layer.apply({"params": {"kernel": kernel, "bias": np.zeros(D)}}, x))


def in_equinox(code, x, kernel):
    equinox = pytest.importorskip("equinox")
    import jax

    @jax.jit
    def run(x, kernel):
        layer = eval(code, {"equinox": equinox, "in_channels": C, "out_channels": D, "key": jax.random.key(0)})
        assert layer.weight.shape == kernel.shape
        layer = equinox.tree_at(lambda layer: layer.weight, layer, kernel)
        y = jax.vmap(layer)(x)
        return y if layer.bias is None else y - layer.bias

    return last(np.asarray(run(first(x), kernel)).round(4))


def in_onnx(code, x, kernel):
    onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    node = eval(code, {"onnx": onnx})
    arrays = dict(zip(node.input, [first(x), np.ascontiguousarray(kernel), np.zeros(D, np.float32)], strict=False))
    of = onnx.helper.make_tensor_value_info
    inputs = [of(name, onnx.TensorProto.FLOAT, array.shape) for name, array in arrays.items()]
    graph = onnx.helper.make_graph([node], "one", inputs, [of("y", onnx.TensorProto.FLOAT, None)])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 11)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return last(session.run(None, arrays)[0])


def in_openvino(code, x, kernel):
    openvino = pytest.importorskip("openvino")
    import openvino.opset13 as ops

    given = ops.parameter(first(x).shape, np.float32)
    node = eval(code, {"openvino": openvino, "x": given, "kernel": ops.constant(np.ascontiguousarray(kernel))})
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    return last(openvino.Core().compile_model(openvino.Model([node], [given]), "CPU", settings)([first(x)])[0])


RUNS = {"keras": in_keras, "tensorflow": in_tensorflow, "torch": in_torch, "jax": in_jax, "flax": in_flax,
        "equinox": in_equinox, "onnx": in_onnx, "openvino": in_openvino}


@pytest.mark.parametrize("to", RUNS)
def test_the_code_that_is_written_runs_and_gives_the_values_of_the_layer_that_was_read(to):
    numbers = np.random.default_rng(0)
    for text, sizes in LAYERS.items():
        found = convert(text, to, sizes=sizes)
        problem = problem_from_coarse(found.spec, sizes)
        x = numbers.integers(-4, 5, (2, *sizes, C)).astype(np.float32)
        kernel = numbers.integers(-4, 5, (*problem.kernel, D // problem.groups, C)).astype(np.float32)
        own = CONVENTIONS[found.source].kernel_to(kernel, found.read)
        expected = oracle.conv_transpose(x, kernel, stride=problem.stride, dilation=problem.dilation, lo=problem.lo,
                                         fine=problem.fine, groups=problem.groups)
        assert found.fine == problem.fine
        result = RUNS[to](found.code, x, found.kernel(own))
        assert result.shape == expected.shape, (text, found.code)
        assert (result == expected).all(), (text, found.code)


@pytest.mark.parametrize(("text", "to", "code", "alternative"), [
    ("keras Conv2DTranspose(64, 3, strides=2, padding='same')", "torch",
     "torch.nn.ConvTranspose2d(in_channels, 64, 4, stride=2, padding=1)", "zero taps around the kernel: 1 before it"),
    ("torch ConvTranspose2d(128, 64, 3, stride=2, padding=1, output_padding=1)", "keras",
     "keras.layers.Conv2DTranspose(64, 4, strides=2, padding='same')", "zero taps around the kernel: 1 after it"),
    ("torch ConvTranspose2d(128, 64, 4, 2, 1, bias=False)", "keras",
     "keras.layers.Conv2DTranspose(64, 4, strides=2, padding='same', use_bias=False)", ""),
    ("torch ConvTranspose1d(8, 6, 6, stride=2, padding=1)", "keras",
     "keras.Sequential([keras.layers.Conv1DTranspose(6, 6, strides=2), keras.layers.Cropping1D((1, 1))])",
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
    ("keras Conv2D(64, 3)", "'Conv2D' is no transposed convolution of keras; it has Conv1DTranspose"),
    ("keras Conv2DTranspose(64)", "Conv2DTranspose needs kernel_size"),
    ("keras Conv2DTranspose(64, 3, stride=2)", "has no argument 'stride'; it has filters, kernel_size, strides"),
    ("keras Conv2DTranspose(64, 3, filters=2)", "got the argument 'filters' twice"),
    ("keras Conv2DTranspose(64, 3, **more)", "has no argument None"),
    ("keras Conv2DTranspose(*a)", r"filters is \*a, but has to be written out"),
    ("keras Conv2DTranspose(64, open('x'))", "kernel_size is open.* has to be written out"),
    ("keras Conv2DTranspose(64, kernel)", "kernel_size is kernel, but has to be written out"),
    ("keras Conv2DTranspose(64, (3, 3, 3))", "3 values for 2 axes"),
    ("flax ConvTranspose(64, 3)", "does not say how many axes"),
    ("keras Conv2DTranspose(64, 3, strides=0)", "stride is 0, but has to be a whole number >= 1"),
    ("keras Conv2DTranspose(64, 3, strides=1e999)", "stride is inf"),
    ("keras Conv2DTranspose(64, 3, padding=None)", "crop is None|None, but has to be"),
    ("tensorflow conv1d_transpose(input, filters, kernel_size=3)", "output_shape is missing"),
])
def test_a_line_that_is_no_layer_is_refused_with_a_sentence(text, match):
    with pytest.raises(SettingError, match=match):
        convert(text, "torch")


def test_a_target_that_writes_no_code_or_does_not_exist_is_refused():
    with pytest.raises(UnsupportedError, match="the row of mxnet was only read in its documentation"):
        convert("torch ConvTranspose1d(1, 1, 3)", "mxnet")
    with pytest.raises(SettingError, match="to is 'caffe', but has to be one of keras"):
        convert("torch ConvTranspose1d(1, 1, 3)", "caffe")


def test_the_conventions_import_no_framework():
    frameworks = {"keras", "torch", "jax", "tensorflow", "onnx", "flax", "equinox", "openvino"}
    code = f"import sys, tconv.conventions; print({frameworks} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=True)
    assert done.stdout.strip() == "set()"

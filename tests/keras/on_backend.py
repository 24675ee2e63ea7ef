"""Values and gradients of the layers on the backend that `KERAS_BACKEND` names; `test_backends.py` runs this on each.

Small integers in float arrays: every comparison is exact.
"""

import inspect
from itertools import product

import numpy as np
import pytest

from tconv.conventions import keras as convention
from tconv.errors import ShapeError
from tests import oracle
from tests.conventions.cases import aborts_xla

keras = pytest.importorskip("keras")
ours = pytest.importorskip("tconv.keras")

BACKEND = keras.backend.backend()


def integers(*shape, seed=0):
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32)


def filled(layer, shape):
    """The layer, built, with small integers for weights."""
    layer.build(shape)
    layer.set_weights([integers(*v.shape, seed=number + 1) for number, v in enumerate(layer.weights)])
    return layer


def numpy(array):
    return keras.ops.convert_to_numpy(array)


def differentiated(layer, x, y, **call):
    """The output, and the gradients of `sum(output * y)` by the input, the kernel and the bias."""
    weights = layer.trainable_variables
    if BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            x = tf.constant(x)
            tape.watch(x)
            out = layer(x, **call)
            loss = tf.reduce_sum(out * y)
        gradients = tape.gradient(loss, [x, *(v.value for v in weights)])
    elif BACKEND == "torch":
        import torch

        x = torch.tensor(x, requires_grad=True)
        out = layer(x, **call)
        gradients = torch.autograd.grad((out * torch.as_tensor(y)).sum(), [x, *(v.value for v in weights)])
    else:
        import jax

        def loss(x, values):
            out = layer.stateless_call(values, [], x, **call)[0]
            return (out * y).sum(), out

        values = [v.value for v in weights]
        (dx, dw), out = jax.jit(jax.grad(loss, (0, 1), has_aux=True))(x, values)
        gradients = [dx, *dw]
    return [numpy(array) for array in (out, *gradients)]


def drawn(seed):
    """A layer's name, arguments that Keras takes on every backend, and an input's shape."""
    r = np.random.default_rng(seed)
    rank, transposed = int(r.choice([1, 1, 2, 2, 3])), bool(r.integers(2))
    pick = lambda *values: values[int(r.integers(len(values)))]  # noqa: E731
    sizes = lambda top: tuple(map(int, r.integers(1, top + 1, rank)))  # noqa: E731
    arguments = {"kernel_size": sizes(5 if rank < 3 else 3), "padding": pick("valid", "same"),
                 "use_bias": pick(True, False), "activation": pick(None, "relu")}
    if pick(True, False) and not (transposed and BACKEND == "tensorflow"):
        arguments["dilation_rate"] = sizes(3)
    else:
        arguments["strides"] = sizes(3)
    if transposed and "strides" in arguments and BACKEND != "tensorflow" and pick(True, False):
        arguments["output_padding"] = tuple(int(r.integers(s)) for s in arguments["strides"])
    if not transposed:
        arguments["groups"] = pick(1, 1, 2)
        if rank == 1:
            arguments["padding"] = pick("valid", "same", "causal")
    reach = [(k - 1) * d + 1 for k, d in
             zip(arguments["kernel_size"], arguments.get("dilation_rate", (1,) * rank), strict=True)]
    least = reach if not transposed and arguments["padding"] == "valid" else [1] * rank
    shape = (2, *(least_ + int(r.integers(4 if rank < 3 else 2)) for least_ in least), 4)
    return f"Conv{rank}D" + "Transpose" * transposed, {"filters": 2, **arguments}, shape


SETTINGS = ("kernel_size", "strides", "padding", "dilation_rate", "output_padding")


def problem_of(arguments, sizes):
    settings = {"strides": 1, "dilation_rate": 1, "output_padding": None, **arguments}
    return convention.transposed_problem(groups=1, coarse=sizes, **{name: settings[name] for name in SETTINGS})


def ends_the_process(name, arguments, shape):
    """Whether Keras' own layer is one that XLA cannot compile."""
    if BACKEND != "jax" or not name.endswith("Transpose") or name.startswith("Conv1D"):
        return False
    try:
        return aborts_xla(problem_of(arguments, shape[1:-1]))
    except ShapeError:  # nothing is left to compile
        return False


def by_the_oracle(layer, x):
    """A transposed layer's values where Keras is no judge."""
    problem = problem_of({name: getattr(layer, name) for name in SETTINGS}, x.shape[1:-1])
    kernel, *bias = layer.get_weights()
    out = oracle.conv_transpose(x, kernel, stride=problem.stride, dilation=problem.dilation, lo=problem.lo,
                                fine=problem.fine).astype(np.float32)
    out = out + bias[0] if bias else out
    return np.maximum(out, 0) if layer.activation is keras.activations.relu else out


def equals_keras(seed):
    name, arguments, shape = drawn(seed)
    theirs, layer = (filled(getattr(room, name)(**arguments), shape) for room in (keras.layers, ours))
    x = integers(*shape)
    want = numpy(theirs(x)) if not ends_the_process(name, arguments, shape) else by_the_oracle(layer, x)
    if 0 in want.shape:
        with pytest.raises(ShapeError, match="leaves nothing"):
            layer(x)
        return
    np.testing.assert_array_equal(numpy(layer(x)), want, err_msg=f"{name} {arguments} {shape}")
    assert layer.compute_output_shape((None, *shape[1:])) == (None, *want.shape[1:])


@pytest.mark.parametrize("seed", range(150))
def test_values_equal_those_of_keras(seed):
    equals_keras(seed)


@pytest.mark.verify
@pytest.mark.parametrize("seed", range(150, 2150))
def test_values_equal_those_of_keras_on_a_long_grid(seed):
    equals_keras(seed)


LAYERS = [
    ("Conv2D", {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}, (2, 5, 6, 2)),
    ("Conv2D", {"filters": 4, "kernel_size": (2, 3), "dilation_rate": (2, 1)}, (2, 5, 6, 2)),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "padding": "causal", "groups": 2}, (2, 5, 4)),
    ("Conv3D", {"filters": 2, "kernel_size": 2, "strides": (1, 2, 1)}, (1, 3, 4, 3, 2)),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, (2, 3, 4, 2)),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 2, "strides": 3}, (2, 3, 4, 2)),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 5, "strides": 2, "padding": "same"}, (2, 4, 2)),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 3, "strides": (2, 1, 2), "padding": "same"}, (1, 2, 3, 2, 2)),
]


@pytest.mark.parametrize(("name", "arguments", "shape"), LAYERS)
def test_gradients_equal_those_of_keras(name, arguments, shape):
    theirs, layer = (filled(getattr(room, name)(**arguments), shape) for room in (keras.layers, ours))
    x = integers(*shape)
    y = integers(*theirs.compute_output_shape(shape), seed=9)
    for got, want in zip(differentiated(layer, x, y), differentiated(theirs, x, y), strict=True):
        np.testing.assert_array_equal(got, want)


# What Keras' own layers refuse, with the crop and the output's size worked out by hand.
BEYOND = [
    ("Conv1DTranspose", {"kernel_size": 3, "strides": 2, "groups": 2}, (5,), {}, (0,), (11,)),
    ("Conv1DTranspose", {"kernel_size": 4, "strides": 2, "padding": (1, 2)}, (5,), {}, (1,), (9,)),
    ("Conv2DTranspose", {"kernel_size": 4, "strides": 2, "padding": 1, "groups": 2}, (3, 4), {}, (1, 1), (6, 8)),
    ("Conv2DTranspose", {"kernel_size": 3, "strides": 2, "padding": ((-1, 0), (2, 1))}, (3, 4), {}, (-1, 2), (8, 6)),
    ("Conv2DTranspose", {"kernel_size": (3, 2), "strides": (2, 3), "dilation_rate": 2}, (3, 2), {}, (0, 0), (9, 6)),
    ("Conv2DTranspose", {"kernel_size": 3, "dilation_rate": 2, "padding": "same"}, (3, 4), {}, (2, 2), (3, 4)),
    ("Conv2DTranspose", {"kernel_size": 3, "strides": 2, "padding": 1}, (3, 3), {"output_size": 6}, (1, 1), (6, 6)),
    ("Conv2DTranspose", {"kernel_size": 3, "strides": 2, "padding": "same"}, (3, 3), {"output_size": (5, 6)}, (1, 0),
     (5, 6)),
    ("Conv3DTranspose", {"kernel_size": 2, "strides": 2, "groups": 2, "padding": (0, 1, (1, 0))}, (2, 2, 2), {},
     (0, 1, 1), (4, 2, 3)),
    ("Conv1D", {"kernel_size": 3, "strides": 2, "padding": (2, 1)}, (6,), {}, (2,), (4,)),
    ("Conv2D", {"kernel_size": 3, "strides": 2, "dilation_rate": 2}, (7, 8), {}, (0, 0), (2, 2)),
    ("Conv2D", {"kernel_size": (3, 2), "strides": (2, 1), "dilation_rate": (2, 3), "padding": "same", "groups": 2},
     (6, 5), {}, (1, 1), (3, 5)),
    ("Conv2D", {"kernel_size": 3, "padding": (1, (0, -2))}, (4, 6), {}, (1, 0), (4, 2)),
    ("Conv3D", {"kernel_size": 2, "strides": 2, "padding": 1}, (2, 3, 2), {}, (1, 1, 1), (2, 2, 2)),
]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(("name", "arguments", "sizes", "call", "lo", "out"), BEYOND)
def test_values_and_gradients_beyond_keras_equal_the_oracle(name, arguments, sizes, call, lo, out, data_format):
    order = (0, len(sizes) + 1, *range(1, len(sizes) + 1))
    turned = (lambda a: a) if data_format == "channels_last" else (lambda a: np.transpose(a, order))
    x, y = integers(2, *sizes, 4), integers(2, *out, 4, seed=9)
    layer = filled(getattr(ours, name)(4, data_format=data_format, **arguments), turned(x).shape)
    w, bias = layer.get_weights()
    setting = {"stride": layer.strides, "dilation": layer.dilation_rate, "lo": lo, "groups": layer.groups}
    if "Transpose" in name:
        want = (oracle.conv_transpose(x, w, fine=out, **setting), oracle.conv(y, w, coarse=sizes, **setting),
                oracle.kernel_gradient(y, x, kernel=layer.kernel_size, **setting))
    else:
        want = (oracle.conv(x, w, coarse=out, **setting), oracle.conv_transpose(y, w, fine=sizes, **setting),
                oracle.kernel_gradient(x, y, kernel=layer.kernel_size, **setting))
    up, dx, dw, db = differentiated(layer, turned(x), turned(y), **call)
    np.testing.assert_array_equal(up, turned((want[0] + bias).astype(np.float32)))
    np.testing.assert_array_equal(dx, turned(want[1].astype(np.float32)))
    np.testing.assert_array_equal(dw, want[2].astype(np.float32))
    np.testing.assert_array_equal(db, y.sum(tuple(range(len(sizes) + 1))))
    assert layer.compute_output_shape(turned(x).shape, **call) == up.shape


@pytest.mark.parametrize(("name", "arguments", "sizes", "call", "lo", "out"),
                         [row for row in BEYOND if not row[3]])
def test_the_plain_path_for_open_sizes_gives_the_same(name, arguments, sizes, call, lo, out, monkeypatch):
    x = integers(2, *sizes, 4)
    layer = filled(getattr(ours, name)(4, **arguments), x.shape)
    want = numpy(layer(x))
    monkeypatch.setattr(inspect.getmodule(type(layer)), "settled", lambda x: False)
    np.testing.assert_array_equal(numpy(layer(x)), want)


@pytest.mark.parametrize("policy", ["float16", "mixed_float16", "mixed_bfloat16", "float64"])
@pytest.mark.parametrize("name", ["Conv2D", "Conv2DTranspose"])
def test_dtype_policies_are_those_of_keras(name, policy):
    if BACKEND == "jax" and policy == "float64":
        pytest.skip("JAX has no float64 unless it is switched on for the whole process")
    x = integers(1, 4, 4, 2)
    theirs, layer = (filled(getattr(room, name)(2, 3, strides=2, dtype=policy), x.shape)
                     for room in (keras.layers, ours))
    got, want = layer(x), theirs(x)
    assert keras.backend.standardize_dtype(got.dtype) == keras.backend.standardize_dtype(want.dtype)
    np.testing.assert_array_equal(numpy(keras.ops.cast(got, "float32")), numpy(keras.ops.cast(want, "float32")))


def test_training_takes_the_same_steps_as_with_keras():
    """Integer data and a step of a power of two: the first steps are exact."""
    models = []
    for room in (keras.layers, ours.layers):
        model = keras.Sequential([keras.Input((6, 6, 1)), room.Conv2D(2, 3, strides=2, padding="same"),
                                  room.Conv2DTranspose(1, 3, strides=2, padding="same")])
        model.set_weights([integers(*v.shape, seed=number) for number, v in enumerate(model.weights)])
        model.compile(keras.optimizers.SGD(2.0**-10), loss=lambda y, p: keras.ops.sum(keras.ops.square(p - y)))
        model.fit(integers(4, 6, 6, 1), integers(4, 6, 6, 1, seed=1), batch_size=4, epochs=1, verbose=0)
        models.append(model)
    for want, got in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(got, want)


def test_a_model_with_open_sizes_takes_images_of_any_size():
    models = []
    for room in (keras.layers, ours.layers):
        model = keras.Sequential([keras.Input((None, None, 1)), room.Conv2D(2, 3, strides=2, padding="same"),
                                  room.Conv2DTranspose(1, 3, strides=2, padding="same")])
        model.set_weights([integers(*v.shape, seed=number) for number, v in enumerate(model.weights)])
        models.append(model)
    for rows, columns in product((4, 7), (5,)):
        x = integers(2, rows, columns, 1)
        want, got = (model.predict(x, verbose=0) for model in models)
        np.testing.assert_array_equal(got, want)


def exported():
    return filled(keras.Sequential([
        ours.Conv2D(4, 3, strides=2, padding="same"),
        ours.Conv2DTranspose(4, 4, strides=2, padding=1, groups=2),
        ours.Conv2DTranspose(2, 3, strides=2, dilation_rate=2),
    ]), (None, 6, 6, 2))


def test_an_exported_saved_model_computes_the_same(tmp_path):
    if BACKEND == "torch":
        pytest.skip("Keras exports to ONNX from PyTorch")
    tf = pytest.importorskip("tensorflow")
    model, x = exported(), integers(2, 6, 6, 2)
    model.export(str(tmp_path / "model"), format="tf_saved_model", verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    np.testing.assert_array_equal(loaded.serve(x).numpy(), numpy(model(x)))


def test_an_exported_onnx_model_computes_the_same(tmp_path):
    if BACKEND != "torch":
        pytest.skip("elsewhere Keras exports to a SavedModel")
    onnxruntime = pytest.importorskip("onnxruntime")
    model, x = exported(), integers(2, 6, 6, 2)
    model(x)
    model.export(str(tmp_path / "model.onnx"), format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    np.testing.assert_array_equal(session.run(None, {session.get_inputs()[0].name: x})[0], numpy(model(x)))


def test_a_tensorflow_graph_with_unknown_sizes_computes_the_same():
    if BACKEND != "tensorflow":
        pytest.skip("graphs with unknown sizes are TensorFlow's")
    import tensorflow as tf

    model, x = exported(), integers(2, 6, 6, 2)
    graph = tf.function(lambda x: model(x), input_signature=[tf.TensorSpec((None, None, None, 2))])
    np.testing.assert_array_equal(graph(x), numpy(model(x)))

"""Each framework's own layer, run on a case: channels-last arrays in and out."""

import numpy as np

from tconv.conventions import CONVENTIONS


def first(x):
    return np.ascontiguousarray(np.moveaxis(x, -1, 1))


def last(x):
    return np.moveaxis(np.asarray(x), 1, -1)


def in_torch(cases):
    import torch

    for case in cases:
        words = dict(case.words)
        kernel = torch.from_numpy(CONVENTIONS["torch"].kernel_to(case.kernel, {}).copy())
        taps, groups = words.pop("kernel_size"), words["groups"]
        name = f"{'Conv' if case.plain else 'ConvTranspose'}{case.rank}d"
        fine, coarse = case.kernel.shape[-2] * groups, case.kernel.shape[-1]
        channels = (fine, coarse) if case.plain else (coarse, fine)
        layer = getattr(torch.nn, name)(*channels, taps, bias=False, **words)
        layer.weight.data = kernel
        with torch.no_grad():
            yield last(layer(torch.from_numpy(first(case.x)), **case.extra).numpy())


def in_lax(cases):
    """All in one compiled program."""
    import jax

    def one(case, x, kernel):
        if not case.plain:
            return jax.lax.conv_transpose(x, kernel, **case.words)
        words = {**case.words, "window_strides": case.words["strides"]}
        del words["strides"]
        axes = "HWD"[: case.rank]
        layouts = (f"N{axes}C", f"{axes}IO", f"N{axes}C")
        return jax.lax.conv_general_dilated(x, kernel, dimension_numbers=layouts,
                                            feature_group_count=case.problem.groups, **words)

    kernels = [case.kernel if case.plain else CONVENTIONS["jax"].kernel_to(case.kernel, case.words) for case in cases]
    return compiled(one, cases, kernels)


def compiled(one, cases, kernels):
    import jax

    @jax.jit
    def every(xs, kernels):
        return [one(*row) for row in zip(cases, xs, kernels)]

    return map(np.asarray, every([case.x for case in cases], kernels))


def in_flax(cases):
    import flax.linen as nn

    def one(case, x, kernel):
        layer = nn.ConvTranspose(case.kernel.shape[-2], use_bias=False, **case.words)
        return layer.apply({"params": {"kernel": kernel}}, x)

    return compiled(one, cases, [CONVENTIONS["flax"].kernel_to(case.kernel, case.words) for case in cases])


def in_equinox(cases):
    import equinox
    import jax
    import jax.numpy as jnp

    def one(case, x, kernel):
        coarse, fine = case.kernel.shape[-1], case.kernel.shape[-2] * case.problem.groups
        layer = equinox.nn.ConvTranspose(case.rank, coarse, fine, use_bias=False, key=jax.random.key(0), **case.words)
        layer = equinox.tree_at(lambda layer: layer.weight, layer, kernel)
        return jnp.moveaxis(jax.vmap(layer)(jnp.moveaxis(x, -1, 1)), 1, -1)

    return compiled(one, cases, [CONVENTIONS["equinox"].kernel_to(case.kernel, case.words) for case in cases])


def in_tensorflow(cases):
    import tensorflow as tf

    for case in cases:
        words, name = dict(case.words), f"conv{case.rank}d"
        if case.plain:
            yield np.asarray(getattr(tf.nn, name)(case.x, case.kernel, **strided(words, case.rank)))
        else:
            shape = (case.x.shape[0], *words.pop("output_shape"), case.kernel.shape[-2])
            yield np.asarray(getattr(tf.nn, f"{name}_transpose")(case.x, case.kernel, shape, **words))


def strided(words, rank):
    """conv1d says `stride`, and conv3d wants the batch and the channels among its strides."""
    stride = words.pop("strides")
    return words | {1: {"stride": stride}, 2: {"strides": stride}, 3: {"strides": (1, *stride, 1)}}[rank]


def in_keras(cases):
    """On JAX all in one compiled program."""
    import keras

    layers = []
    for case in cases:
        name = f"Conv{case.rank}D{'' if case.plain else 'Transpose'}"
        channels = case.kernel.shape[-1] if case.plain else case.kernel.shape[-2]
        layers.append(getattr(keras.layers, name)(channels, use_bias=False, kernel_initializer="zeros", **case.words))
        layers[-1].build(case.x.shape)

    def every(xs, kernels):
        return [layer.stateless_call([kernel], [], x)[0] for layer, x, kernel in zip(layers, xs, kernels)]

    if keras.backend.backend() == "jax":
        import jax

        every = jax.jit(every)
    tensors = [[keras.ops.convert_to_tensor(array) for array in row] for row in
               ([case.x for case in cases], [case.kernel for case in cases])]
    return [keras.ops.convert_to_numpy(y) for y in every(*tensors)]


def in_onnxruntime(cases):
    """All as nodes of one model, unchanged by an optimizer."""
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    nodes, inputs, outputs, weights = [], [], [], []
    for number, case in enumerate(cases):
        names = [f"{letter}{number}" for letter in "xwy"]
        words = {key: list(value) if isinstance(value, tuple) else value for key, value in case.words.items()
                 if value is not None}
        nodes.append(helper.make_node("ConvTranspose", names[:2], names[2:], **words))
        kernel = np.ascontiguousarray(CONVENTIONS["onnx"].kernel_to(case.kernel, case.words))
        weights.append(numpy_helper.from_array(kernel, names[1]))
        inputs.append(helper.make_tensor_value_info(names[0], TensorProto.FLOAT, first(case.x).shape))
        outputs.append(helper.make_tensor_value_info(names[2], TensorProto.FLOAT, [None] * (case.rank + 2)))
    graph = helper.make_graph(nodes, "cases", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return map(last, session.run(None, {f"x{number}": first(case.x) for number, case in enumerate(cases)}))


def in_openvino(cases):
    """All as nodes of one model."""
    import openvino
    import openvino.opset13 as ops

    inputs, nodes = [], []
    for case in cases:
        words, x = dict(case.words), first(case.x)
        kernel = np.ascontiguousarray(CONVENTIONS["openvino"].kernel_to(case.kernel, case.words))
        make = ops.convolution_backprop_data if words["groups"] == 1 else ops.group_convolution_backprop_data
        del words["kernel_size"], words["groups"]
        shape = words.pop("output_shape", None)
        words = {key: list(value) if isinstance(value, tuple) else value for key, value in words.items()}
        inputs.append(ops.parameter(x.shape, np.float32))
        size = None if shape is None else ops.constant(np.array(shape, np.int64))
        nodes.append(make(inputs[-1], ops.constant(kernel), output_shape=size, **words))
    settings = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(openvino.Model(nodes, inputs), "CPU", settings)
    results = compiled([first(case.x) for case in cases])
    return [last(results[number]) for number in range(len(cases))]

"""Keras on the backend that the process was started with: `train_on_batch`, compiled by XLA or not."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from ..peers.peer import Program
from ..steps import ADAM_EPSILON, EPSILON, RATE, Network, Step, examples, weights

__all__ = ["programs", "programs_of", "start"]

# What Keras itself chooses is "auto"; TensorFlow's own kernels are often faster on a CPU than what XLA makes of them.
COMPILED = {"jax": ("auto",), "torch": (False,), "tensorflow": ("auto", False)}


def start(threads: int) -> None:
    """Let the backend have so many threads."""
    if keras.config.backend() == "torch":
        import torch

        torch.set_num_threads(threads)
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def programs(task: Step) -> dict[str, Program]:
    """Keras' own layers."""
    return programs_of(keras.layers, task)


def programs_of(layers: Any, task: Step) -> dict[str, Program]:
    """A model of these layers, once for each way to compile it."""
    keras.config.set_dtype_policy("mixed_bfloat16" if task.dtype == "bfloat16" else "float32")
    x, y = examples(task.network)
    return {f"jit_compile={way}": _program(_model(layers, task.network, way), x, y)
            for way in COMPILED[keras.config.backend()]}


def _program(model: Any, x: np.ndarray, y: np.ndarray) -> Program:
    return Program(lambda: model.train_on_batch(x, y), lambda loss: np.float32(loss))


def _model(layers: Any, network: Network, jit_compile: Any) -> Any:
    stack = [keras.Input(network.sizes)]
    for stage in network.stages:
        kind = layers.Conv2DTranspose if stage.transposed else layers.Conv2D
        stack.append(kind(stage.channels, stage.kernel, strides=stage.stride,
                          padding="same" if stage.padding else "valid", use_bias=not stage.norm,
                          activation=None if stage.norm else stage.activation))
        if stage.norm:
            stack += [layers.BatchNormalization(epsilon=EPSILON), layers.Activation(stage.activation)]
    model = keras.Sequential(stack)
    for layer, kernel in zip([one for one in model.layers if hasattr(one, "kernel")], weights(network), strict=True):
        layer.kernel.assign(kernel)
    model.compile(keras.optimizers.Adam(RATE, epsilon=ADAM_EPSILON), network.loss, jit_compile=jit_compile)
    return model

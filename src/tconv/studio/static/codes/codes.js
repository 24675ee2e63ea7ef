// The same layer in each framework's words, with its numbers: a table of functions from a state to a program in Python.
import {jax} from "./jax.js";
import {keras} from "./keras.js";
import {mxnet} from "./mxnet.js";
import {numpy} from "./numpy.js";
import {onnx} from "./onnx.js";
import {tensorflow} from "./tensorflow.js";
import {torch} from "./torch.js";

export const CODES = {
  keras: {label: "Keras", code: keras}, torch: {label: "PyTorch", code: torch}, jax: {label: "JAX", code: jax},
  tensorflow: {label: "TensorFlow", code: tensorflow}, mxnet: {label: "MXNet", code: mxnet}, onnx: {label: "ONNX", code: onnx},
  numpy: {label: "NumPy", code: numpy},
};

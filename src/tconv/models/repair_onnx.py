"""Mending ONNX models, in ONNX Runtime."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ..conventions import CONVENTIONS
from ..errors import SettingError, ShapeError, UnsupportedError
from ..files import write_whole
from ..geometry import Spec, problem_from_coarse
from ..methods.channels import Array
from .exchange_onnx import exchanged
from .mendable import BATCH, Inputs, Patient, Seen, finite, pictures, said
from .onnx_nested import read_inside
from .rewrite.feeds import Input
from .rewrite.feeds import inputs as inputs_of
from .rewrite.load import load
from .rewrite.session import Runner

__all__ = ["OnnxModel"]

ONNX = CONVENTIONS["onnx"]


class OnnxModel:
    """An ONNX model.

    Args:
        path: of the file.
        shape: of one sample of its input; random inputs need it where the model leaves sizes open.
    """

    framework = "onnx"

    def __init__(self, path: Path, shape: tuple[int, ...] | None = None):
        self.model = load(path)
        self._shape = shape
        self._index()

    def patients(self) -> tuple[Patient, ...]:
        """Its transposed convolutions with a stride and a stored kernel."""
        return tuple(Patient(where, self._spec(node, None), self._kernel(node)) for where, node in self._nodes.items())

    def drawn(self, count: int, seed: int) -> Inputs:
        """Normal inputs."""
        rows = inputs_of(self.model)
        if len(rows) != 1 or rows[0].dtype.kind != "f":
            raise ShapeError(f"repair: the model takes {', '.join(map(_described, rows))}, for which random numbers do "
                             "not stand in; give --inputs FILE.npz with an array for each name.")
        shape: tuple[int | None, ...] = self._shape or tuple(rows[0].sizes[1:])
        if not rows[0].ranked or None in shape:
            raise ShapeError(f"repair: input {_described(rows[0])} leaves sizes open; give --shape, batch left out, as "
                             "3x64x64, or inputs.")
        numbers = np.random.default_rng(seed)
        drawn = numbers.standard_normal((count, *map(int, shape)))  # type: ignore[arg-type]
        return {rows[0].name: drawn.astype(rows[0].dtype)}

    def run(self, inputs: Inputs, watch: str | None = None) -> Seen:
        """What comes out, batch by batch."""
        rows = {row.name: row for row in inputs_of(self.model)}
        if len(inputs) == len(rows) == 1:
            inputs = dict(zip(rows, inputs.values()))
        if inputs.keys() != rows.keys():
            raise ShapeError(f"repair: the inputs are {sorted(inputs)}, but the model takes "
                             f"{', '.join(map(_described, rows.values()))}.")
        runner, count = Runner(self._watched(watch), threads=0), len(next(iter(inputs.values())))
        step = next((row.sizes[0] for row in rows.values() if row.sizes and row.sizes[0]), BATCH)
        whole = range(0, count - count % step if step != BATCH else count, step)
        runs = [runner({name: array[at : at + step].astype(rows[name].dtype) for name, array in inputs.items()})
                for at in whole]
        if not runs:
            raise ShapeError(f"repair: the model takes {step} samples at once, but there are {count}; give more.")
        results = [np.concatenate(each) for each in zip(*runs)]
        seen = results.pop() if watch else None
        result = finite("the model", pictures(results, channels_last=False))
        if seen is None or watch is None:
            return Seen(result)
        seen = np.moveaxis(seen, 1, -1)
        return Seen(result, seen, problem_from_coarse(self._spec(self._nodes[watch], seen.shape[1:-1]),
                                                      seen.shape[1:-1]))

    def put(self, where: str, kernel: Array) -> None:
        """Give a layer another kernel; one that other nodes or branches read too stays with those."""
        node = self._nodes[where]
        old = self._weights[node.input[1]]
        array = ONNX.kernel_to(kernel, {}).astype(helper.tensor_dtype_to_np_dtype(old.data_type))
        uses = Counter(name for each in self.model.graph.node for name in (*each.input, *read_inside(each)))
        if uses[old.name] == 1:
            old.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), old.name))
            return
        node.input[1] = f"{old.name}:{where}"
        self.model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array), node.input[1]))
        self._weights[node.input[1]] = self.model.graph.initializer[-1]

    def grow(self, where: str, kernel: Array, settings: Sequence[Spec]) -> None:
        """Give a layer a kernel of another shape, and the words for it.

        Raises:
            UnsupportedError: if the layer says its size, and not its crop.
        """
        node = self._nodes[where]
        if any(one.name == "output_shape" for one in node.attribute):
            raise UnsupportedError(f"repair: the layer {where!r} says its output_shape, from which no crop follows; "
                                   "tconv optimize --only output-shape makes it explicit pads.")
        words = said(where, ONNX, settings)
        del node.attribute[:]
        node.attribute.extend(helper.make_attribute(name, value) for name, value in words.items() if value is not None)
        self.put(where, kernel)

    def exchange(self, where: str, kind: str) -> tuple[float, float]:
        """Put other layers in a layer's place: what they leave out of its kernel, and their cost over its."""
        self.model, rest, cost = exchanged(self.model, self._nodes[where], where, kind)
        self._index()
        return rest, cost

    def tune(self, rounds: Any) -> None:
        """Refuse: ONNX Runtime has no gradients here.

        Raises:
            UnsupportedError: always.
        """
        raise UnsupportedError("repair: an ONNX model is only run, and cannot be fine-tuned; give repair the Keras or "
                               "PyTorch model that it was exported from, and export that again.")

    def save(self, path: Path) -> None:
        """Write the model as one ONNX file."""
        if path.suffix != ".onnx":
            raise UnsupportedError(f"{path}: ONNX models are written to files ending in .onnx; name one.")
        write_whole(path, self.model.SerializeToString())

    def _index(self) -> None:
        self._weights = {one.name: one for one in self.model.graph.initializer}
        self._nodes = {node.name or node.output[0]: node for node in self.model.graph.node
                       if node.op_type == "ConvTranspose" and node.input[1] in self._weights
                       and max(_said(node, ()).get("strides") or [1]) > 1}

    def _spec(self, node: onnx.NodeProto, sizes: Sequence[int] | None) -> Spec:
        said = _said(node, tuple(self._weights[node.input[1]].dims[2:]))
        try:
            return ONNX.read(said, sizes)
        except SettingError:
            if sizes is not None:
                raise
            return ONNX.read({**said, "output_shape": None})  # a crop that sizes decide; gains do not need it

    def _kernel(self, node: onnx.NodeProto) -> Array:
        array = numpy_helper.to_array(self._weights[node.input[1]])
        return np.array(ONNX.kernel_from(array, {}), np.float32)

    def _watched(self, watch: str | None) -> onnx.ModelProto:
        if watch is None:
            return self.model
        model, value = onnx.ModelProto(), self._nodes[watch].input[0]
        model.CopyFrom(self.model)
        kind = self._weights[self._nodes[watch].input[1]].data_type
        model.graph.output.append(helper.make_tensor_value_info(value, kind, None))
        return model


def _said(node: onnx.NodeProto, taps: tuple[int, ...]) -> dict[str, Any]:
    said = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    said = {name: value.decode() if isinstance(value, bytes) else value for name, value in said.items()}
    return {"kernel_shape": list(taps), **said}


def _described(row: Input) -> str:
    sizes = "x".join("?" if size is None else str(size) for size in row.sizes)
    return f"{row.name!r} ({row.dtype}, {sizes or 'one number'})"

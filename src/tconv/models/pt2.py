"""Programs of `torch.export` as they lie on a disk: read as the archive of text and numbers that they are, run by none.

PyTorch's own loader unpickles parts of such a file. This one does not, and needs no PyTorch.
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, SizeError, UnsupportedError
from ..geometry.problem import MEMORY
from .aten import Call, Ref, graph
from .chains import layers
from .facts import ModelFacts
from .graph import Array, Shape, Weight
from .recognise import recognised
from .sizes import sized

__all__ = ["read"]

TYPES = {1: "u1", 2: "i1", 3: "i2", 4: "i4", 5: "i8", 6: "f2", 7: "f4", 8: "f8", 9: "c4", 10: "c8", 11: "c16",
         12: "?", 13: "bf16"}
"""PyTorch's numbers for types of numbers."""


def read(path: Path, shapes: Mapping[str, Shape]) -> ModelFacts:
    """What an exported program holds.

    Args:
        path: the file, as `torch.export.save` writes it.
        shapes: of inputs whose sizes it leaves open; "" is the only one.

    Raises:
        DataError: if the file is none, or damaged.
        UnsupportedError: if parts that are needed are pickles.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(path, archive, shapes)
    except (zipfile.BadZipFile, KeyError, IndexError, TypeError, AttributeError, UnicodeDecodeError, EOFError,
            json.JSONDecodeError, NotImplementedError, RecursionError) as error:
        raise DataError(f"{path}: is no whole program of torch.export ({type(error).__name__}: {error}); save it again "
                        "with torch.export.save.") from None


def _read(path: Path, archive: zipfile.ZipFile, shapes: Mapping[str, Shape]) -> ModelFacts:
    names = archive.namelist()
    model = next((name for name in names if name.count("/") == 2 and name.endswith("/models/model.json")), None)
    if model is None:
        raise DataError(f"{path}: holds no models/model.json, as torch.export.save of PyTorch 2.8 and later writes it; "
                        "save it again with one of those.")
    store = _Store(path, archive, model.split("/")[0])
    program = json.loads(store.held("models/model.json"))["graph_module"]
    inner, weights, inputs = program["graph"], {}, []
    for spec in program["signature"]["input_specs"]:
        kind, said = next(iter(spec.items()))
        if kind == "user_input":
            inputs += [ref.name for ref in _refs(said["arg"])]
        elif f"{kind}_name" in said or "tensor_constant_name" in said:
            name = said.get(f"{kind}_name", said.get("tensor_constant_name"))
            weights[said["arg"]["name"]] = store.weight(name, kind)
    outputs = [ref.name for spec in program["signature"]["output_specs"]
               for ref in _refs(next(iter(spec.values()))["arg"])]
    known = {name: tuple(size.get("as_int") for size in value["sizes"]) for name, value in
             inner["tensor_values"].items()}
    itemsizes = {name: _itemsize(value["dtype"]) for name, value in inner["tensor_values"].items()}
    notes: list[str] = []
    made = sized(graph(list(_calls(inner["nodes"])), known, inputs, outputs, weights, itemsizes), shapes)
    made = recognised(made)
    return ModelFacts(path.name, "torch", layers(made, notes), made, store.parameters(), tuple(notes))


def _floating(kind: int) -> bool:
    return TYPES.get(kind, "")[:1] in ("f", "b")


def _itemsize(kind: int) -> int:
    name = TYPES.get(kind, "f4")
    return 2 if name == "bf16" else np.dtype(name).itemsize


def _calls(nodes: list[dict[str, Any]]) -> Iterator[Call]:
    taken: set[str] = set()
    for node in nodes:
        arguments = {entry["name"]: _value(entry["arg"]) for entry in node["inputs"]}
        outputs = tuple(ref.name for entry in node["outputs"] for ref in _refs(entry))
        if not outputs:
            continue
        *_, path, kind = ["", "", *(node["metadata"].get("nn_module_stack") or "").split(";")[-1].split(",")][-2:]
        where = path if path and kind.startswith("torch.nn.") else f"{path}.{outputs[0]}".lstrip(".")
        where = where if where not in taken else f"{where}#{outputs[0]}"
        taken.add(where)
        yield Call(_bare(node["target"]), arguments, outputs, where)


def _bare(target: str) -> str:
    """`torch.ops.aten.conv2d.default` as `conv2d`; what is not PyTorch's own keeps its full name."""
    parts = target.split(".")
    return parts[3] if parts[:3] == ["torch", "ops", "aten"] and len(parts) > 3 else target


def _value(said: dict[str, Any]) -> Any:
    """An argument as Python has it; a value as a `Ref`."""
    kind, value = next(iter(said.items()))
    if kind == "as_tensor":
        return Ref(value["name"])
    if kind in ("as_tensors", "as_optional_tensors"):
        return [Ref(one["name"] if "name" in one else one["as_tensor"]["name"]) for one in value
                if "name" in one or "as_tensor" in one]
    if kind == "as_none":
        return None
    if kind in ("as_sym_int", "as_sym_ints"):
        return None if kind == "as_sym_int" else [one.get("as_int") for one in value]
    return value


def _refs(said: Any) -> Iterator[Ref]:
    if isinstance(said, dict):
        if "name" in said and isinstance(said["name"], str):
            yield Ref(said["name"])
        for kind in ("as_tensor", "as_tensors"):
            yield from _refs(said.get(kind))
    elif isinstance(said, list):
        for one in said:
            yield from _refs(one)


class _Store:
    """The numbers in an archive."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, root: str):
        self.path, self.archive, self.root = path, archive, root
        self.configs = {kind: json.loads(self.held(f"data/{kind}/model_{kind}_config.json"))["config"]
                        for kind in ("weights", "constants")}

    def held(self, name: str) -> bytes:
        """One file of the archive, if this machine can hold it."""
        info = self.archive.getinfo(f"{self.root}/{name}")
        if info.file_size > MEMORY // 2:
            raise SizeError(f"{self.path}: {name} in it says that it has {info.file_size / 2**30:,.1f} GiB, which is "
                            "more than this machine can hold; the file is damaged or hostile.")
        return self.archive.read(info)

    def parameters(self) -> int:
        """Numbers in the parameters and buffers, counters left out."""
        return sum(math.prod(size["as_int"] for size in entry["tensor_meta"]["sizes"])
                   for entry in self.configs["weights"].values()
                   if entry.get("tensor_meta") and _floating(entry["tensor_meta"]["dtype"]))

    def weight(self, name: str, kind: str) -> Callable[[], Weight]:
        """What reads a weight when it is wanted."""
        def made() -> Weight:
            folder = "weights" if name in self.configs["weights"] else "constants"
            entry = self.configs[folder][name]
            if entry["use_pickle"]:
                raise UnsupportedError(f"{self.path}: its weight {name!r} is stored as a pickle, which runs whatever "
                                       "it contains, and is not opened; export the model in float32.")
            return Weight(name, self._values(name, entry, self.held(f"data/{folder}/{entry['path_name']}")))

        return made

    def _values(self, name: str, entry: dict[str, Any], raw: bytes) -> Array:
        meta = entry["tensor_meta"]
        shape = [size["as_int"] for size in meta["sizes"]]
        strides = [stride["as_int"] for stride in meta["strides"]]
        flat, offset = _numbers(raw, meta["dtype"]), meta["storage_offset"]["as_int"]
        last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
        if min([*shape, *strides, offset], default=0) < 0 or (0 not in shape and last >= flat.size):
            raise DataError(f"{self.path}: its weight {name!r} of shape {tuple(shape)} has only {flat.size:,} numbers; "
                            "the file is damaged. Save it again with torch.export.save.")
        bytes_apart = [stride * flat.itemsize for stride in strides]
        return np.lib.stride_tricks.as_strided(flat[offset:], shape, bytes_apart, writeable=False)


def _numbers(raw: bytes, kind: int) -> Array:
    """Raw numbers as an array; bfloat16, which NumPy has not, as float32."""
    name = TYPES[kind]
    if name == "bf16":
        return (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")
    return np.frombuffer(raw, f"<{name}" if name != "?" else name)

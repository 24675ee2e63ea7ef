"""Files that are damaged, hostile, enormous or of another kind: a sentence that names the cure, and nothing else."""

import io
import json
import pickle
import zipfile
from contextlib import suppress

import numpy as np
import pytest

from tconv.errors import DataError, ShapeError, SizeError, TconvError, UnsupportedError
from tconv.models import inspect, read
from tests.models.graphs import integers, model, node

pytest.importorskip("onnx", reason="needs onnx: pip install 'tconv[onnx]'")

import onnx

LAYER = [node("ConvTranspose", "x w", "y", name="up", strides=[2, 2], pads=[1, 1, 1, 1])]
KERNEL = integers((4, 6, 4, 4))


def stored(folder, proto=None, name="model.onnx"):
    path = folder / name
    path.write_bytes((proto or model(LAYER, [("w", KERNEL)])).SerializeToString())
    return path


def outside(location, **more):
    """A model whose kernel is said to lie in another file."""
    proto = model(LAYER, [("w", KERNEL)])
    weight = proto.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        weight.external_data.add(key=key, value=str(value))
    return proto


def test_external_data_beside_the_file_is_read(tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "w.bin").write_bytes(b"12345678" + KERNEL.tobytes())
    path = stored(tmp_path, outside("weights/w.bin", offset=8, length=KERNEL.nbytes))
    (fact,) = read(path).layers
    assert (fact.kernel == KERNEL.transpose(2, 3, 1, 0)).all()


PLACES = {
    "above": ("../w.bin", "outside the model's folder"),
    "far above": ("weights/../../w.bin", "outside the model's folder"),
    "absolute": ("/etc/passwd", "outside the model's folder"),
    "a link": ("link.bin", "outside the model's folder"),
    "nothing": ("", "outside the model's folder"),
    "missing": ("w.bin", "not beside the model"),
    "a folder": ("inner", "outside the model's folder|not beside the model"),
}


@pytest.mark.parametrize("name", PLACES)
def test_external_data_elsewhere_is_not_followed(tmp_path, name):
    place, says = PLACES[name]
    folder = tmp_path / "models"
    (folder / "inner").mkdir(parents=True)
    (folder / "weights").mkdir()
    (tmp_path / "w.bin").write_bytes(KERNEL.tobytes())
    (folder / "link.bin").symlink_to(tmp_path / "w.bin")
    with pytest.raises(DataError, match=says):
        read(stored(folder, outside(place)))


@pytest.mark.parametrize("more", [{"offset": 8}, {"length": 10**9}, {"offset": -4}])
def test_external_data_that_is_too_short_is_refused(tmp_path, more):
    (tmp_path / "w.bin").write_bytes(KERNEL.tobytes()[:-4])
    with pytest.raises(DataError, match=r"truncated|does not fill"):
        read(stored(tmp_path, outside("w.bin", **more)))


def test_external_data_of_a_model_in_memory_asks_for_the_path():
    with pytest.raises(DataError, match="the model is in memory; give the model's path"):
        read(outside("w.bin"))


def test_a_truncated_file_is_refused_at_any_length(tmp_path):
    whole = stored(tmp_path).read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / "part.onnx").write_bytes(whole[:length])
        with pytest.raises(TconvError, match=r"part\.onnx|weight"):
            read(tmp_path / "part.onnx")


def test_damaged_files_are_read_or_refused_and_never_more(tmp_path):
    whole, rng = stored(tmp_path).read_bytes(), np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            damaged[place] = rng.integers(0, 256)
        (tmp_path / "damaged.onnx").write_bytes(bytes(damaged))
        with suppress(TconvError):
            inspect(tmp_path / "damaged.onnx").json()


def test_a_weight_that_says_it_is_enormous_is_refused_before_memory_is_taken(tmp_path):
    proto = model(LAYER, [("w", KERNEL)])
    proto.graph.initializer[0].dims[:] = [2**20, 2**20, 2**10, 2**10]
    with pytest.raises(SizeError, match=r"weight 'w': its shape .* more than this machine's memory"):
        read(stored(tmp_path, proto))


def test_a_file_larger_than_memory_is_refused_unread(tmp_path, monkeypatch):
    import tconv.models.onnx_file as room

    path = stored(tmp_path)
    monkeypatch.setattr(room, "MEMORY", 1000)
    with pytest.raises(SizeError, match="this machine has"):
        read(path)


def test_a_layer_that_cannot_be_is_let_be_and_said(tmp_path):
    nodes = [node("ConvTranspose", "x w", "y", name="up", strides=[0, 2])]
    found = read(model(nodes, [("w", KERNEL)]))
    assert found.layers[0].spec is None
    assert any("up" in note and "stride" in note for note in found.notes)


class Evil:
    def __reduce__(self):
        return exec, ("raise SystemExit('run!')",)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".pkl", ".ckpt", ".bin"])
def test_pickles_are_not_opened(tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(UnsupportedError, match="may hold a pickle, which runs whatever it contains"):
        read(path)


def program(folder, change=lambda name, data: data):
    """A stored program of one layer, with its files changed."""
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'tconv[torch]'")
    path = folder / "program.pt2"
    layer = torch.nn.ConvTranspose1d(2, 3, 4, 2)
    torch.export.save(torch.export.export(torch.nn.Sequential(layer), (torch.zeros(1, 2, 5),)), path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, change(name, data))
    return path


def test_pickled_weights_in_a_program_are_not_opened(tmp_path):
    def change(name, data):
        if name.endswith("model_weights_config.json"):
            return data.replace(b'"use_pickle": false', b'"use_pickle": true')
        return pickle.dumps(Evil()) if "/weights/weight_" in name else data

    with pytest.raises(UnsupportedError, match="is stored as a pickle, which runs whatever it contains"):
        read(program(tmp_path, change))


def test_a_pickled_sample_input_in_a_program_is_let_be(tmp_path):
    found = read(program(tmp_path, lambda name, data: pickle.dumps(Evil()) if "sample_inputs" in name else data))
    assert found.layers[0].multiply_adds == 5 * 4 * 6


@pytest.mark.parametrize(("change", "says"), [
    (lambda name, data: b"{" if name.endswith("model.json") else data, "is no whole program of torch.export"),
    (lambda name, data: b"[]" if name.endswith("model.json") else data, "is no whole program of torch.export"),
    (lambda name, data: data[:-4] if "/weights/weight_" in name else data, "has only"),
])
def test_a_damaged_program_is_refused(tmp_path, change, says):
    with pytest.raises(DataError, match=says):
        read(program(tmp_path, change))


def test_a_program_cut_short_is_refused(tmp_path):
    path = program(tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"is no whole program|holds no models/model\.json"):
        read(path)


def keras_file(folder, config, weights=b""):
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config) if not isinstance(config, bytes) else config)
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", weights)
    return path


def sequential(*layers):
    return {"module": "keras", "class_name": "Sequential", "registered_name": None, "config": {
        "name": "s", "trainable": True, "layers": list(layers), "build_input_shape": [None, 8, 8, 4]}}


def test_a_keras_file_that_wants_more_than_it_holds_is_refused(tmp_path):
    pytest.importorskip("keras", reason="needs Keras: pip install 'tconv[keras]'")
    huge = {"module": "keras.layers", "class_name": "Conv2DTranspose", "registered_name": None,
            "build_config": {"input_shape": [None, 8, 8, 2**20]}, "config": {"filters": 2**20, "kernel_size": [99, 99]}}
    with pytest.raises(SizeError, match=r"its layers want .* numbers, but its weights have only"):
        read(keras_file(tmp_path, sequential(huge)))


@pytest.mark.parametrize(("config", "says"), [
    (b"{", "is no whole Keras file"), (sequential({"class_name": "Lambda", "module": "keras.layers", "config": {
        "name": "run", "function": {"class_name": "__lambda__", "config": {"code": "4wAAAA=="}}}}), "cannot load it"),
    (sequential({"class_name": "Mine", "module": "mine", "registered_name": "Mine", "config": {}}), "custom_objects"),
])
def test_a_keras_file_that_cannot_be_read_says_what_to_do(tmp_path, config, says):
    pytest.importorskip("keras", reason="needs Keras: pip install 'tconv[keras]'")
    with pytest.raises((DataError, UnsupportedError), match=says):
        read(keras_file(tmp_path, config))


def test_a_zip_that_is_no_keras_file_says_what_is_missing(tmp_path):
    pytest.importorskip("keras", reason="needs Keras: pip install 'tconv[keras]'")
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme", "hello")
    with pytest.raises(DataError, match=r"holds no config\.json"):
        read(path)


def test_other_files_and_objects_are_refused_with_what_is_read(tmp_path):
    (tmp_path / "model.tflite").write_bytes(b"TFL3")
    with pytest.raises(UnsupportedError, match=r"files ending in \.tflite are not read; \.onnx"):
        read(tmp_path / "model.tflite")
    with pytest.raises(DataError, match="no such file"):
        read(tmp_path / "none.onnx")
    with pytest.raises(DataError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(UnsupportedError, match="a BytesIO is no model"):
        read(io.BytesIO())


@pytest.mark.parametrize(("shape", "says"), [
    ((1, 4, 5), r"'x' has 4 axes, but 3 sizes were given"), ((1, 5, 5, 5), r"'x' has 4 on axis 1, and not 5"),
    ({"z": (1, 4, 5, 5)}, "the model has no value 'z'; its inputs are x"), ((1, 4, 0, 5), "has to be sizes >= 1"),
    ("1x4x5x5", "has to be sizes >= 1"),
])
def test_a_shape_that_does_not_fit_says_what_would(shape, says):
    proto = model(LAYER, [("w", KERNEL)], given=("x", (1, 4, "h", "w")))
    with pytest.raises(ShapeError, match=says):
        read(proto, shape=shape)


def test_two_inputs_want_names():
    nodes = [node("Add", "a b", "x"), *LAYER]
    proto = model(nodes, [("w", KERNEL)], given=[("a", (1, 4, "h", "w")), ("b", (1, 4, "h", "w"))])
    with pytest.raises(ShapeError, match=r"the model has 2 inputs; give each its own, as a=\.\.\., b=\.\.\."):
        read(proto, shape=(1, 4, 5, 5))


def test_a_module_that_does_not_take_the_shape_says_so():
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'tconv[torch]'")
    with pytest.raises(ShapeError, match=r"shape: ConvTranspose2d cannot be traced with \(1, 5, 8, 8\)"):
        read(torch.nn.ConvTranspose2d(3, 4, 3), shape=(1, 5, 8, 8))
    with pytest.raises(UnsupportedError, match="give shape="):
        read(torch.nn.Linear(3, 4))

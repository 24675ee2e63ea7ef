"""Event files, read back record by record: each epoch is there once, whatever was there before."""

import io
import struct
from importlib import util

import numpy as np
import pytest

pytest.importorskip("tensorboardX", reason="pip install 'tconv[tensorboard]'")
pytest.importorskip("PIL")

from PIL import Image

from tconv.errors import DataError, MissingExtra
from tconv.recipes import film
from tconv.recipes.checkpoint import Epoch
from tconv.recipes.training import Step
from tconv.report import Events

HISTORY = [Epoch(number, {"loss": 1 / number, "val_loss": 2 / number, "val_dice": 0.25 * number}, 0.5)
           for number in (1, 2, 3)]


def events(folder):
    """The only event file's records: length and its check, content and its check."""
    from tensorboardX.proto.event_pb2 import Event

    (path,) = (folder / "tensorboard").iterdir()
    content, at, found = path.read_bytes(), 0, []
    while at < len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        found.append(Event.FromString(content[at + 12 : at + 12 + length]))
        at += 16 + length
    return found


def scalars(folder):
    """By name, `(step, value)` in the file's order."""
    found = {}
    for event in events(folder):
        for value in event.summary.value:
            if value.HasField("simple_value"):
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def test_each_epoch_s_numbers_are_there_by_name_and_step(tmp_path):
    watch = Events(tmp_path, ())
    watch(Step(1, 1, 4, {"loss": 9.0}, 8, 0.1))
    for epoch in HISTORY:
        watch(epoch)
    assert scalars(tmp_path) == {
        "loss/training": [(1, 1.0), (2, 0.5), (3, np.float32(1 / 3))],
        "loss/validation": [(1, 2.0), (2, 1.0), (3, np.float32(2 / 3))],
        "dice/validation": [(1, 0.25), (2, 0.5), (3, 0.75)],
        "seconds": [(1, 0.5), (2, 0.5), (3, 0.5)],
    }


def test_a_process_that_goes_on_has_the_checkpoint_s_epochs_once_and_tells_onlookers_to_begin_anew(tmp_path):
    """One that was killed after it had written an epoch of which no checkpoint came."""
    for epoch in HISTORY:
        Events(tmp_path, ())(epoch)
    watch = Events(tmp_path, HISTORY[:1])
    watch(Epoch(2, {"loss": 7.0}, 1.0))
    assert scalars(tmp_path)["loss/training"] == [(1, 1.0), (2, 7.0)]
    first, second, *_ = events(tmp_path)
    assert first.file_version == "brain.Event:2"
    assert (second.session_log.status, second.step) == (second.session_log.START, 0)


def test_the_picture_that_was_kept_of_an_epoch_is_there(tmp_path):
    drawn = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), np.uint8)
    film.keep(tmp_path, 1, drawn[0])
    watch = Events(tmp_path, HISTORY[:1])
    film.keep(tmp_path, 2, drawn[1])
    watch(HISTORY[1])
    shown = {event.step: np.array(Image.open(io.BytesIO(value.image.encoded_image_string)))
             for event in events(tmp_path) for value in event.summary.value if value.HasField("image")}
    assert list(shown) == [1, 2]
    assert np.array_equal([shown[1], shown[2]], drawn)


def test_without_the_package_the_cure_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr("tconv.report.tensorboard.find_spec",
                        lambda name: None if name == "tensorboardX" else util.find_spec(name))
    with pytest.raises(MissingExtra, match=r"train --tensorboard: needs the package 'tensorboardX'.*\[tensorboard\]"):
        Events(tmp_path, ())
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_said(tmp_path):
    (tmp_path / "tensorboard").write_text("text")
    with pytest.raises(DataError, match=r"tensorboard: cannot be written .*; make room, or leave --tensorboard out"):
        Events(tmp_path, ())

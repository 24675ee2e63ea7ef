"""Files that are whole or as they were, and checkpoints that say what is wrong with them."""

import errno
import os

import numpy as np
import pytest

from tconv import files as whole
from tconv.errors import DataError
from tconv.recipes import checkpoint
from tconv.recipes.checkpoint import Checkpoint, Epoch, Part


def a_checkpoint(value=1.0, epochs=1):
    history = tuple(Epoch(number + 1, {"loss": 0.5, "val_loss": 0.25}, 1.0) for number in range(epochs))
    arrays = (np.full((2, 3), value, np.float32), np.array([7, 9], np.uint32), np.int32(5)[()])
    return Checkpoint("x", {"seed": 3}, "abc", {"classes": 2}, history, Part(1, 3, 0.5, {"loss": 0.1}),
                      tuple(map(np.asarray, arrays)), ("a", "b", "c"))


def test_what_is_read_is_what_was_written_down_to_the_byte_and_the_dtype(tmp_path):
    before = a_checkpoint(np.pi)
    checkpoint.write(tmp_path / checkpoint.NAME, before)
    after = checkpoint.read(tmp_path)
    assert (after.recipe, after.settings, after.data) == ("x", {"seed": 3}, "abc")
    for name in ("about", "history", "part", "paths"):
        assert getattr(after, name) == getattr(before, name)
    for a, b in zip(after.variables, before.variables, strict=True):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("moment", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_checkpoint_whole_and_nothing_beside_it(tmp_path, monkeypatch, moment):
    path = tmp_path / checkpoint.NAME
    checkpoint.write(path, a_checkpoint(1.0))
    if moment == "write":
        monkeypatch.setattr(checkpoint.np, "savez", half_written)
    else:
        monkeypatch.setattr(os, moment, full)
    with pytest.raises(DataError, match=r"cannot be written \(No space left on device\); what was there before is "
                                        r"still whole"):
        checkpoint.write(path, a_checkpoint(2.0))
    monkeypatch.undo()
    assert checkpoint.read(path).variables[0][0, 0] == 1.0
    assert [file.name for file in tmp_path.iterdir()] == [checkpoint.NAME]


def half_written(file, **_):
    file.write(b"PK and no more")
    full()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the device that is always full")
def test_a_disk_that_is_really_full_is_one_sentence(tmp_path):
    (tmp_path / "report.html.part").symlink_to("/dev/full")
    with pytest.raises(DataError, match="No space left on device"):
        whole.write_whole(tmp_path / "report.html", "x" * 100_000)
    assert not (tmp_path / "report.html").exists()


def interrupted(path):
    with whole.whole_file(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt("half way")


def test_an_interruption_in_the_middle_of_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "report.html"
    whole.write_whole(path, "old")
    with pytest.raises(KeyboardInterrupt, match="half way"):
        interrupted(path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_a_half_file_left_by_a_killed_process_is_no_obstacle(tmp_path):
    path = tmp_path / checkpoint.NAME
    (tmp_path / (checkpoint.NAME + ".part")).write_bytes(b"half")
    checkpoint.write(path, a_checkpoint())
    assert len(checkpoint.read(path).history) == 1
    assert [file.name for file in tmp_path.iterdir()] == [checkpoint.NAME]


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"cannot be written .* nothing was there before"):
        whole.write_whole(tmp_path / "file" / "report.html", "x")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 and no more"], ids=["empty", "text", "cut"])
def test_what_is_no_checkpoint_is_said_to_be_none(tmp_path, content):
    (tmp_path / checkpoint.NAME).write_bytes(content)
    with pytest.raises(DataError, match="is no whole checkpoint of tconv"):
        checkpoint.read(tmp_path)


def test_a_cut_checkpoint_and_other_arrays_are_refused(tmp_path):
    path = tmp_path / checkpoint.NAME
    checkpoint.write(path, a_checkpoint())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="is no whole checkpoint"):
        checkpoint.read(path)
    np.savez(path, x=np.ones(3))
    with pytest.raises(DataError, match="is no whole checkpoint"):
        checkpoint.read(path)


def test_nothing_pickled_is_ever_read(tmp_path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "sprung"),))

    np.savez(tmp_path / checkpoint.NAME, state=np.array(Trap(), dtype=object))
    with pytest.raises(DataError, match="is no whole checkpoint"):
        checkpoint.read(tmp_path)
    assert not (tmp_path / "sprung").exists()


def test_a_folder_without_a_checkpoint_is_said_to_have_none(tmp_path):
    with pytest.raises(DataError, match="there is no such checkpoint"):
        checkpoint.read(tmp_path)


def test_a_checkpoint_of_an_earlier_form_is_said_to_be_one(tmp_path):
    np.savez(tmp_path / checkpoint.NAME, about=np.zeros(3, np.uint8))
    with pytest.raises(DataError, match="is a checkpoint of form 1, this version of tconv reads 2"):
        checkpoint.read(tmp_path)

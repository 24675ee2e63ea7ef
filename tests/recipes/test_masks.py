"""The user's own pictures and masks: what is read, and what is said where they do not match."""

import numpy as np
import pytest

pytest.importorskip("PIL.Image")

from tconv.errors import DataError
from tconv.recipes.data.masks import found_scenes
from tconv.recipes.pictures import picture

image = pytest.importorskip("PIL.Image")

BACKGROUND, ROAD, CAR = (0, 0, 0), (128, 64, 128), (0, 0, 142)
LISTED = "nothing #000000\nroad #804080\n\ncar #00008e\n"


def write(path, pixels, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    made = image.fromarray(np.asarray(pixels, np.uint8))
    (made.convert(mode) if mode else made).save(path)


def mask(height=20, width=30, *, colours=(ROAD, CAR)):
    pixels = np.zeros((height, width, 3), np.uint8)
    for number, colour in enumerate(colours):
        pixels[2:6, 3 + 5 * number : 7 + 5 * number] = colour
    return pixels


def folder(root, *, modes=("RGB", "L", "RGBA", "P", "RGB"), masks=None):
    for number, mode in enumerate(modes):
        height, width = 20 + number, 30 - number
        write(root / "images" / f"{number}.png", np.full((height, width, 3), (10, 20, 30)), mode)
        write(root / "masks" / f"{number}.png", mask(height, width) if masks is None else masks[number])
    return root


def numbers(found):
    return sorted((scene.name, scene.mask[3, 4], scene.mask[3, 9], scene.mask[0, 0]) for scene in found)


def test_each_colour_of_the_masks_is_a_class_and_the_most_common_one_the_background(tmp_path):
    found = found_scenes(folder(tmp_path))
    assert found.classes.colours == ("#000000", "#00008e", "#804080")
    assert found.classes.names == ("background", "#00008e", "#804080")
    assert numbers(found.train + found.validation) == [(str(number), 2, 1, 0) for number in range(5)]


def test_pictures_of_mixed_size_and_mode_are_read_as_colour_if_one_of_them_is(tmp_path):
    found = found_scenes(folder(tmp_path))
    assert len({scene.picture.shape for scene in found.train}) == 4
    assert {scene.picture.shape[2:] for scene in found.train + found.validation} == {(3,)}
    grey = found_scenes(folder(tmp_path / "grey", modes=("L", "1", "L")))
    assert {scene.picture.ndim for scene in grey.train + grey.validation} == {2}


def test_every_fifth_is_for_validation_unless_there_are_folders_for_it(tmp_path):
    found = found_scenes(folder(tmp_path))
    assert (len(found.train), len(found.validation)) == (4, 1)
    folder(tmp_path / "parts" / "train", modes=("RGB",) * 2)
    folder(tmp_path / "parts" / "validation", modes=("RGB",) * 3)
    parts = found_scenes(tmp_path / "parts")
    assert (len(parts.train), len(parts.validation)) == (2, 3)


def test_a_list_of_classes_gives_names_and_order(tmp_path):
    folder(tmp_path)
    (tmp_path / "classes.txt").write_text(LISTED)
    found = found_scenes(tmp_path)
    assert found.classes.names == ("nothing", "road", "car")
    assert numbers(found.train + found.validation)[0][1:] == (1, 2, 0)


def test_a_star_in_the_list_takes_every_other_colour_such_as_one_for_each_object(tmp_path):
    folder(tmp_path)
    (tmp_path / "classes.txt").write_text("background #000000\nobject *\n")
    assert numbers(found_scenes(tmp_path).train)[0][1:] == (1, 1, 0)


def test_masks_of_small_numbers_are_classes_of_these_numbers_in_colours_that_can_be_seen(tmp_path):
    few = [np.pad(np.full((4, 4), 7, np.uint8), 8) for _ in range(3)]
    for number, one in enumerate(few):
        write(tmp_path / "images" / f"{number}.png", one)
        write(tmp_path / "masks" / f"{number}.png", one)
    classes = found_scenes(tmp_path).classes
    assert classes.names == ("class 0", "class 7")
    assert classes.colours == ("#000000", "#070707")
    assert classes.shown() == ["#000000", "#e1782d"]


def test_a_picture_of_16_bits_keeps_its_shades(tmp_path):
    shades = np.linspace(700, 9000, 64).reshape(8, 8).astype(np.uint16)
    image.fromarray(shades).save(tmp_path / "deep.tif")
    read = picture(tmp_path / "deep.tif", "grey")
    assert (read == np.rint((shades - 700.0) * 255 / 8300)).all()
    assert len(np.unique(read)) == 64


def lonely(root):
    (folder(root) / "masks" / "3.png").unlink()


def extra(root):
    write(folder(root) / "masks" / "9.png", mask())


def other_size(root):
    write(folder(root) / "masks" / "3.png", mask(5, 40))


def no_masks(root):
    write(root / "images" / "0.png", mask())


def smooth(root):
    shades = np.arange(20 * 30 * 3).reshape(20, 30, 3) % 251
    folder(root, masks=[shades, shades, shades, shades, shades])


def one_class(root):
    folder(root, masks=[mask(colours=())] * 2, modes=("L", "L"))


def absent(root):
    (folder(root) / "classes.txt").write_text(LISTED + "tram #123456\n")


def unknown(root):
    (folder(root) / "classes.txt").write_text("nothing #000000\nroad #804080\n")


def scribble(root):
    (folder(root) / "classes.txt").write_text("road\n")


def single(root):
    folder(root, modes=("L",))


def twice(root):
    write(folder(root) / "images" / "3.jpg", mask())


def broken(root):
    path = folder(root) / "masks" / "3.png"
    path.write_bytes(path.read_bytes()[:60])


BAD = {
    lonely: r"3\.png: without a mask of the same name; add it to .*masks",
    extra: r"9\.png: without a picture of the same name",
    other_size: r"3\.png: the mask has 40x5 pixels, but its picture 27x23",
    no_masks: r"has no folder masks/; put pictures into images/",
    smooth: r"its masks have [\d,]+ colours, but a colour stands for a class, and there may be 64",
    one_class: r"one colour only, #000000; a class is a colour, and there have to be two or more",
    absent: r"no picture to train on has tram; add some that have",
    unknown: r"has the colour #00008e, which classes\.txt does not know",
    scribble: r"classes\.txt: has to have two lines or more",
    single: r"holds 1 picture, but a training wants 2 or more",
    twice: r"3: is there in 2 formats; keep one of them",
    broken: r"3\.png: cannot be read as a picture",
}


@pytest.mark.parametrize(("make", "says"), BAD.items(), ids=[make.__name__ for make in BAD])
def test_what_does_not_match_is_one_sentence_with_the_cure(tmp_path, make, says):
    make(tmp_path)
    with pytest.raises(DataError, match=says) as caught:
        found_scenes(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere: there is no such folder; give one that holds images/ and masks/"):
        found_scenes(tmp_path / "nowhere")

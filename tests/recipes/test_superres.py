"""Larger photographs: the fixed part is bicubic, pairs fit, measures are the published ones, and a training gains."""

import numpy as np
import pytest

pytest.importorskip("keras")
pytest.importorskip("PIL")
pytest.importorskip("skimage", reason="pip install scikit-image: it measures, and carries the photographs")

import keras
from PIL import Image

from tconv.errors import DataError, SettingError, SizeError
from tconv.recipes import restore, start, use_backend
from tconv.recipes.applying import apply, jobs
from tconv.recipes.data.enlarging import Patches, carried, pair, resized, shrunk
from tconv.recipes.fidelity import colours, luminance, psnr, ssim
from tconv.recipes.superres import EDGE, RECIPE, Settings, bicubic_taps, enlarged, network
from tconv.recipes.tiling import tiled
from tconv.resize import resize

BACKEND = use_backend()
FACTORS, KINDS = (2, 3, 4), ("fsrcnn", "espcn")


@pytest.mark.parametrize("factor", FACTORS)
def test_the_fixed_layer_is_bicubic_interpolation_away_from_the_ends(factor):
    model = network(factor, backend=BACKEND)
    plain = keras.Model(model.inputs, model.get_layer("bicubic").output)
    x = np.random.default_rng(0).random((1, 9, 11, 1), np.float32)
    made, wanted = np.asarray(plain.predict_on_batch(x)), resize(x, factor=factor, interpolation="bicubic")
    inner = slice(2 * factor, -2 * factor)
    assert made.shape == wanted.shape
    assert np.allclose(made[:, inner, inner], wanted[:, inner, inner], atol=1e-6)
    assert not model.get_layer("bicubic").trainable_variables


@pytest.mark.parametrize("factor", FACTORS)
def test_the_taps_of_each_phase_add_up_to_one(factor):
    taps = bicubic_taps(factor)
    assert np.allclose(taps, taps[::-1], atol=1e-15)
    assert np.allclose([taps[phase::factor].sum() for phase in range(factor)], 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factor", FACTORS)
def test_every_pixel_becomes_a_block_where_it_was(kind, factor):
    """A picture that has one bright cell has its brightest spot there when it is enlarged, before any training."""
    model = network(factor, kind=kind, backend=BACKEND)
    small = np.full((20, 24), 60.0)
    small[13, 7] = 220
    large = enlarged(model, small)
    assert large.shape == (20 * factor, 24 * factor)
    rows, columns = np.nonzero(large > 150)
    assert (rows.mean() + 0.5) / factor == pytest.approx(13.5, abs=0.26)
    assert (columns.mean() + 0.5) / factor == pytest.approx(7.5, abs=0.26)


@pytest.mark.parametrize("kind", KINDS)
def test_tiles_give_the_whole(kind):
    model = network(3, kind=kind, backend=BACKEND)
    x = np.random.default_rng(1).random((61, 75, 1), np.float32)
    whole = np.asarray(model.predict_on_batch(x[None]))[0]
    assert np.allclose(tiled(model, x, tile=24), whole, atol=1e-5)


def test_luminance_and_back_is_the_picture():
    pixels = np.random.default_rng(2).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    assert np.array_equal(colours(luminance(pixels)), pixels)


def test_psnr_and_ssim_are_those_of_a_known_case():
    flat = np.full((40, 40), 100.0)
    assert psnr(flat, flat + 5) == pytest.approx(20 * np.log10(255 / 5))
    assert psnr(flat, flat) == np.inf
    marred = flat.copy()
    marred[0] = 0
    assert psnr(flat, marred) < psnr(flat, marred, 1) == np.inf
    # Two flat pictures: all that SSIM sees is their means, (2 a b + c) / (a a + b b + c) with c = (0.01 * 255)^2.
    assert ssim(flat, flat + 5) == pytest.approx((2 * 100 * 105 + 6.5025) / (100**2 + 105**2 + 6.5025))


def test_a_small_picture_is_the_large_one_cut_to_whole_blocks():
    pixels = np.random.default_rng(3).integers(0, 256, (29, 32, 3)).astype(np.uint8)
    large, small = shrunk(pixels, 3)
    assert large.shape == (27, 30, 3)
    assert np.array_equal(large, pixels[:27, :30])
    assert np.array_equal(small, resized(large, (9, 10)))


def test_patches_are_pieces_of_one_pair_and_the_same_for_the_same_draw():
    pixels = np.random.default_rng(4).integers(0, 256, (80, 96, 3)).astype(np.uint8)
    patches = Patches([pair(pixels, 2)], 20, 8, EDGE)
    small, large, weights = patches.batch(np.arange(8), np.random.default_rng(7))
    assert small.shape == (8, 20, 20, 1)
    assert large.shape == (8, 40, 40, 1)
    assert weights.sum() == 8 * (40 - 4 * EDGE) ** 2
    assert weights[:, 2 * EDGE : -2 * EDGE, 2 * EDGE : -2 * EDGE].all()
    inner = slice(4, -4)
    again = np.stack([resize(one[None], factor=2, interpolation="bicubic")[0] for one in small])
    assert np.abs(again - large)[:, inner, inner].mean() < np.abs(again - large[:, ::-1])[:, inner, inner].mean()
    for first, second in zip(patches.batch(np.arange(8), np.random.default_rng(7)), (small, large, weights)):
        assert np.array_equal(first, second)


def test_no_photograph_to_validate_with_is_one_to_train_on():
    train, validate = carried()
    assert not train.keys() & validate.keys()
    assert all(pixels.dtype == np.uint8 and pixels.ndim == 3 for pixels in (*train.values(), *validate.values()))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    settings = Settings(epochs=2, patches=320, batch_size=8, network="espcn", backend=BACKEND)
    return start(settings, folder).train()


def test_a_short_training_already_gains_on_bicubic(run):
    judged = RECIPE.judge(run.trained, run.data)
    figure = judged.figures[0]
    assert figure.name == "PSNR on luminance"
    assert figure.value > figure.baselines["bicubic"] > figure.baselines["bilinear"] > figure.baselines["nearest"]
    assert {len(row) for row in judged.sections[0].shown} == {5}
    assert run.saved.history[-1].metrics["val_psnr"] == pytest.approx(figure.value, abs=1e-3)


def test_apply_enlarges_a_picture_of_any_size(run, tmp_path):
    Image.effect_noise((31, 18), 60).convert("RGB").save(tmp_path / "small.png")
    recipe, trained = restore(run.folder, backend=BACKEND)
    done = list(apply(recipe.uses["upscale"], trained, jobs([tmp_path / "small.png"]), tmp_path / "out"))
    assert Image.open(done[0].written[0]).size == (62, 36)
    assert done[0].says == "31x18 to 62x36"


def test_photographs_that_are_too_small_or_too_few_are_refused(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        RECIPE.data(Settings(data=str(tmp_path / "none"), backend=BACKEND))
    Image.new("RGB", (50, 50)).save(tmp_path / "one.png")
    with pytest.raises(DataError, match="holds 1 picture, but a training wants 2 or more"):
        RECIPE.data(Settings(data=str(tmp_path), backend=BACKEND))
    Image.new("RGB", (50, 50)).save(tmp_path / "two.png")
    with pytest.raises(DataError, match="none of the photographs to train on has 64 pixels along each side"):
        RECIPE.data(Settings(data=str(tmp_path), backend=BACKEND))


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(SettingError, match="factor is 5, but has to be one of 2, 3, 4"):
        Settings(factor=5)
    with pytest.raises(SizeError, match="superres"):
        Settings(batch_size=10**7)

"""What an autoencoder may be asked to do: each task on real digits, in short, and the pieces that it is made of."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("keras")
pytest.importorskip("PIL")

import keras

from tconv import report
from tconv.errors import DataError, SettingError, ShapeError
from tconv.recipes import RECIPES, checkpoint, restore, resume, start, use_backend
from tconv.recipes.applying import apply, jobs
from tconv.recipes.autoencoder import Settings, narrow, network
from tconv.recipes.autoencoder.anomaly import auc, errors, roc
from tconv.recipes.autoencoder.colorize import luminance
from tconv.recipes.autoencoder.compress import codes, opened
from tconv.recipes.autoencoder.denoise import Noisy
from tconv.recipes.autoencoder.inpaint import Holed
from tconv.recipes.autoencoder.networks import colouring
from tconv.recipes.autoencoder.pca import components
from tconv.recipes.autoencoder.pictures import given_back
from tconv.recipes.data import Digits, load
from tconv.recipes.pictures import png

BACKEND = use_backend()
SHORT = {
    "compress": {"code": (2, 4), "tied": True, "filters": (4, 4)},
    "anomaly": {"code": (4,), "digit": 1, "filters": (4, 4)},
    "denoise": {"filters": (2,)},
    "inpaint": {"filters": (2, 2)},
    "colorize": {"filters": (2,), "limit": None},
    "reconstruct": {"filters": (2,), "tied": True},
}


@pytest.fixture(scope="module")
def few():
    try:
        found = load()
    except DataError as error:
        pytest.skip(str(error))
    labels = found.train_labels[:400], found.test_labels[:200]
    return Digits(found.train[:400], found.test[:200], "a few digits", *labels)


def short(task, monkeypatch, few):
    monkeypatch.setattr("tconv.recipes.autoencoder.pictures.load", lambda _: few)
    return Settings(**{"task": task, "epochs": 1, "batch_size": 64, "backend": BACKEND, **SHORT[task]})


LATER = ("inpaint", "colorize", "reconstruct")


@pytest.mark.parametrize("task", [*(task for task in SHORT if task not in LATER),
                                  *(pytest.param(task, marks=pytest.mark.verify) for task in LATER)])
def test_each_task_trains_on_real_pictures_is_judged_and_used(task, monkeypatch, few, tmp_path):
    settings = short(task, monkeypatch, few)
    run = start(settings, tmp_path / "run").train()
    facts, judged = report.run_facts(run)
    assert all(np.isfinite(figure.value) and figure.baselines for figure in facts.figures[:1])
    assert "</html>" in report.page(facts, judged.sections)
    (tmp_path / "run" / "facts.json").write_text(facts.json())
    pixels = few.test[0] if task != "inpaint" else np.dstack([few.test[0]] * 3 + [np.uint8(few.test[0] < 9) * 255])
    (tmp_path / "in.png").write_bytes(png(pixels))
    recipe, trained = restore(tmp_path / "run")
    first = next(iter(recipe.uses.values()))
    made, = apply(first, trained, jobs([tmp_path / "in.png"]), tmp_path / "seen")
    assert made.error == ""
    assert all(path.exists() for path in made.written)


def test_a_code_written_and_read_gives_the_reconstruction(monkeypatch, few, tmp_path):
    run = start(short("compress", monkeypatch, few), tmp_path / "run")
    recipe, trained = restore(tmp_path / "run")
    (tmp_path / "in.png").write_bytes(png(few.test[0]))
    for name, source in (("encode", "in.png"), ("decode", "in-code.npy"), ("reconstruct", "in.png")):
        made, = apply(recipe.uses[name], trained, jobs([tmp_path / source]), tmp_path)
        assert made.error == ""
    assert np.load(tmp_path / "in-code.npy").shape == (4,)
    assert (tmp_path / "in-code-decoded.png").read_bytes() == (tmp_path / "in-reconstructed.png").read_bytes()
    decode = recipe.uses["decode"].open(trained)
    with pytest.raises(ShapeError, match="has to be 1 to 4 numbers in a row"):
        decode(np.zeros(5))
    assert run.learner.model.get_layer("code").output.shape[1:] == (1, 1, 4)


def test_what_nested_draws_goes_on_where_it_was(monkeypatch, few, tmp_path):
    settings = dataclasses.replace(short("compress", monkeypatch, few), epochs=2)
    undisturbed = start(settings, tmp_path / "a").train().saved
    assert any("seed" in path for path in undisturbed.paths)
    start(dataclasses.replace(settings, epochs=1), tmp_path / "b").train()
    resumed = resume(tmp_path / "b", epochs=2).train().saved
    assert [v.tobytes() for v in resumed.variables] == [v.tobytes() for v in undisturbed.variables]
    assert checkpoint.read(tmp_path / "b").history[1].metrics == undisturbed.history[1].metrics


def test_colours_have_the_brightness_that_was_given_and_are_grey_before_anything_is_learned():
    model = colouring((3, 2), backend=BACKEND)
    grey = np.random.default_rng(0).random((2, 17, 12, 1), np.float32)
    assert np.array_equal(given_back(model, grey), grey.repeat(3, axis=-1))
    for variable in model.trainable_variables:
        variable.assign(np.random.default_rng(0).standard_normal(variable.shape))
    made = given_back(model, grey)
    assert np.abs(made - grey).max() > 0.1
    assert np.allclose(luminance(made), grey, rtol=0, atol=1e-5)


def test_a_tied_decoder_holds_its_encoder_s_kernels_and_learns_them_once():
    for model, pairs in ((network((3, 2), tied=True), [(0, 3), (1, 2)]),
                         (narrow((3, 2), (4,), tied=True), [(0, 5), (1, 4), (2, 3)])):
        for there, back in pairs:
            assert model.layers[there].kernel is model.layers[back].kernel
        kernels = [v for v in model.trainable_variables if v.path.endswith("kernel")]
        assert len(kernels) == len({id(v) for v in kernels}) == len(pairs)
        shape = model.inputs[0].shape[1:]
        x = np.random.default_rng(0).random((2, *shape), np.float32)
        before = keras.ops.convert_to_numpy(model.layers[0].kernel.value).copy()
        model.train_on_batch(x, x)
        assert not np.array_equal(before, keras.ops.convert_to_numpy(model.layers[0].kernel.value))


def test_a_tied_model_that_is_saved_gives_the_same_when_loaded(tmp_path):
    model = narrow((3, 2), (4,), tied=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    assert np.array_equal(loaded.predict_on_batch(x), model.predict_on_batch(x))


def test_noise_has_its_strength_and_comes_from_the_draw_alone():
    images = np.full((50, 28, 28), 128, np.uint8)
    noisy, clean = Noisy(images, 0.1).batch(np.arange(50), np.random.default_rng(1))
    assert (clean == np.float32(128 / 255)).all()
    assert 0.099 < (noisy - clean).std() < 0.101
    again, _ = Noisy(images, 0.1).batch(np.arange(50), np.random.default_rng(1))
    assert (again == noisy).all()


def test_a_hole_is_a_square_of_its_side_and_all_else_is_as_it_was():
    images = np.random.default_rng(0).integers(1, 256, (20, 28, 28), np.uint8)
    held, whole = Holed(images, 9).batch(np.arange(20), np.random.default_rng(1))
    known = held[..., 1]
    assert ((1 - known).sum(axis=(1, 2)) == 81).all()
    assert ((known == 0).any(axis=2).sum(axis=1) == 9).all()
    assert (held[..., 0] == whole[..., 0] * known).all()
    assert len({tuple(np.argwhere(one == 0)[0]) for one in known}) > 5


def test_the_area_under_the_curve_is_that_of_the_curve():
    draw = np.random.default_rng(0)
    learned, others = draw.integers(0, 20, 100), draw.integers(5, 25, 80)
    false, true = roc(learned, others)
    assert auc(learned, others) == pytest.approx(np.trapezoid(true, false))
    assert auc(learned, others) == pytest.approx(np.mean([(b > a) + 0.5 * (b == a) for a in learned for b in others]))


def test_an_error_is_a_share_of_the_image():
    images = np.array([[3.0, 4.0], [0.0, 2.0]])
    assert errors(images, np.array([[0.0, 4.0], [0.0, 0.0]])).tolist() == [9 / 25, 1.0]


def test_principal_components_give_back_what_lies_in_them():
    draw = np.random.default_rng(0)
    images = (draw.standard_normal((40, 3)) @ draw.standard_normal((3, 16))).reshape(40, 4, 4)
    np.testing.assert_allclose(components(images, 3).given_back(images, 3), images, atol=1e-9)
    lost = [np.square(components(images, 3).given_back(images, count) - images).sum() for count in (3, 2, 1)]
    assert lost == sorted(lost)


def test_a_code_cut_short_is_the_code_with_zeros(few, monkeypatch, tmp_path):
    run = start(short("compress", monkeypatch, few), tmp_path / "run")
    numbers = codes(run.trained, np.float32(few.test[:3, ..., None]) / 255)
    cut = numbers.copy()
    cut[:, 2:] = 0
    assert np.array_equal(opened(run.trained, numbers[:, :2]), opened(run.trained, cut))


WRONG = [
    ({"task": "sing"}, "task is 'sing', but has to be one of reconstruct, compress"),
    ({"code": (3,)}, "the task reconstruct has no small code; take --task compress or anomaly"),
    ({"task": "compress", "code": ()}, "code is empty, but has to be one or more"),
    ({"task": "inpaint", "tied": True}, "tied kernels give back what came in"),
    ({"task": "compress", "filters": (4, 4, 4)}, "room for 1 to 2 halvings"),
    ({"task": "denoise", "sigma": 0}, "sigma is 0, but has to be a number above 0"),
    ({"task": "denoise", "sigma": 11}, "sigma is 11.0, but has to be at most 10"),
    ({"tied": 1}, "tied is 1, but has to be True or False"),
]


@pytest.mark.parametrize(("given", "says"), WRONG)
def test_settings_that_do_not_go_together_are_refused(given, says):
    with pytest.raises(SettingError, match=says):
        Settings(**given)


def test_images_that_do_not_say_what_they_show_are_refused(monkeypatch, few, tmp_path):
    settings = short("anomaly", monkeypatch, dataclasses.replace(few, train_labels=None))
    with pytest.raises(DataError, match="a few digits do not say what they show, and anomaly has to know"):
        start(settings, tmp_path / "run")
    settings = dataclasses.replace(short("anomaly", monkeypatch, few), digit=11)
    with pytest.raises(DataError, match="digit 11 leaves 400 images to learn from, and 200 and 0 to be told apart"):
        start(settings, tmp_path / "run")


def test_a_score_wants_a_training_that_has_ended(monkeypatch, few, tmp_path):
    start(short("anomaly", monkeypatch, few), tmp_path / "run")
    recipe, trained = restore(tmp_path / "run")
    with pytest.raises(DataError, match="has no threshold yet; let the training end first"):
        recipe.uses["score"].open(trained)


def test_every_task_of_a_recipe_bears_its_name_and_settings():
    for recipe in RECIPES.values():
        for task in recipe.tasks.values():
            assert (task.name, task.settings) == (recipe.name, recipe.settings)

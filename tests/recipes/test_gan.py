"""Two networks that learn from each other: each step, what they draw, how it is measured, and going on after a kill."""

import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("keras")
pytest.importorskip("PIL")

import keras
from PIL import Image, ImageSequence

from tconv.errors import DataError, SettingError, SizeError
from tconv.recipes import Trained, checkpoint, gan, restore, resume, start, training, use_backend
from tconv.recipes.applying import apply, jobs
from tconv.recipes.data import Digits, load
from tconv.recipes.data.squares import squares
from tconv.recipes.frechet import frechet, unlikeness
from tconv.recipes.gan import RECIPE, Adversaries, Settings, discriminator, generator, samples
from tconv.recipes.layers import UPSAMPLERS
from tconv.recipes.seeing import Question, seeing, turned

BACKEND = use_backend()
SMALL = Settings(filters=(4, 2), latent=3, batch_size=20, epochs=3, seed=5, backend=BACKEND)
ABOUT = {"side": 28, "channels": 1, "steps": 3}
SOURCE = str(Path(gan.__file__).parents[2])
EMOJI = "emoji-datasource-google/img/google/64"


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="module")
def digits():
    """So many real digits that a small classifier learns something of them in a second or two."""
    try:
        whole = load()
    except DataError as error:
        pytest.skip(str(error))
    return Digits(whole.train[:3000], whole.test[:300], "3,000 digits", whole.train_labels[:3000],
                  whole.test_labels[:300])


@pytest.fixture
def few(digits, monkeypatch):
    some = Digits(digits.train[:60], digits.test[:40], "60 digits", digits.train_labels[:60], digits.test_labels[:40])
    monkeypatch.setattr("tconv.recipes.gan.load", lambda _: some)
    return some


def values(learner):
    return [np.array(keras.ops.convert_to_numpy(v.value)) for v in learner.variables()]


@pytest.mark.parametrize(("upsampler", "side", "filters"), [
    ("transposed", 28, (5, 3)), ("resize", 32, (5, 4, 3)), ("subpixel", 24, (2,))])
def test_the_grids_double_up_to_the_picture_and_down_again(upsampler, side, filters):
    settings = dataclasses.replace(SMALL, upsampler=upsampler, filters=filters)
    drawn, looked = generator(settings, side, 3), discriminator(settings, side, 3)
    assert drawn.output_shape[1:] == looked.input_shape[1:] == (side, side, 3)
    assert looked.output_shape[1:] == (1,)
    enlarged = [layer.output.shape[1:] for layer in drawn.layers if type(layer).__name__ not in
                ("Dense", "Reshape", "BatchNormalization", "ReLU")]
    sides = [side // 2**depth for depth in reversed(range(len(filters)))]
    assert enlarged == list(zip(sides, sides, (*filters[1:], 3)))


def test_each_upsampler_is_a_layer_of_this_package_with_its_own_taps():
    last = [generator(dataclasses.replace(SMALL, upsampler=name), 28, 1).layers[-1] for name in UPSAMPLERS]
    assert {type(layer).__module__.split(".")[0] for layer in last} == {"tconv"}
    assert [(type(layer).__name__, layer.kernel_size) for layer in last] == [
        ("Conv2DTranspose", (5, 5)), ("ResizeConv", 3), ("SubpixelConv", 3)]
    assert generator(dataclasses.replace(SMALL, kernel=4), 28, 1).layers[-1].kernel_size == (4, 4)


def test_the_discriminator_looks_at_every_pixel_equally_often():
    seen = [layer for layer in discriminator(SMALL, 28, 1).layers if hasattr(layer, "strides")]
    assert [(layer.strides, layer.kernel_size) for layer in seen] == [((2, 2), (4, 4))] * 2


def test_a_step_is_one_of_the_discriminator_and_one_of_the_generator_against_the_other_as_it_was():
    """By the long way: two compiled models, of which one holds the other still."""
    keras.utils.set_random_seed(1)
    learner = Adversaries(SMALL, ABOUT)
    draw = np.random.default_rng(0)
    real, noise = draw.uniform(-1, 1, (6, 28, 28, 1)).astype("f"), draw.standard_normal((6, 3), np.float32)
    drawn, looked, still = generator(SMALL, 28, 1), discriminator(SMALL, 28, 1), discriminator(SMALL, 28, 1)
    drawn.set_weights(learner.generator.get_weights())
    looked.set_weights(learner.discriminator.get_weights())
    still.set_weights(learner.discriminator.get_weights())
    copy = keras.models.clone_model(drawn)
    copy.set_weights(drawn.get_weights())
    pictures = keras.ops.convert_to_numpy(copy(noise, training=True))
    rate, loss = SMALL.learning_rate, keras.losses.BinaryCrossentropy(from_logits=True)
    looked.compile(keras.optimizers.Adam(rate, beta_1=0.5), loss=loss)
    # The mean over both halves is half their sum, which Adam does not mind.
    looked.train_on_batch(np.concatenate([real, pictures]), np.repeat([[1.0], [0.0]], 6, axis=0))
    still.trainable = False
    both = keras.Sequential([drawn, still])
    both.compile(keras.optimizers.Adam(rate, beta_1=0.5), loss=loss)
    both.train_on_batch(noise, np.ones((6, 1)))
    learner.step(real, noise)
    for ours, theirs in ((learner.discriminator, looked), (learner.generator, drawn)):
        for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            # Adam's first step is the gradient's sign times the rate; only where it is all but zero are they apart.
            np.testing.assert_allclose(a, b, atol=rate / 10)


def test_the_model_is_the_average_of_the_generators():
    learner = Adversaries(dataclasses.replace(SMALL, average=0.75), ABOUT)
    draw = np.random.default_rng(0)
    mean = learner.generator.get_weights()
    for step in range(1, 60):
        learner.step(draw.uniform(-1, 1, (4, 28, 28, 1)).astype("f"), draw.standard_normal((4, 3), np.float32))
        fresh = max(0.25, 10 / (10 + step))
        mean = [a + fresh * (b - a) for a, b in zip(mean, learner.generator.get_weights(), strict=True)]
    for a, b, last in zip(learner.model.get_weights(), mean, learner.generator.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
        assert not np.array_equal(a, last)


def test_its_metrics_are_the_shares_that_the_discriminator_tells_right(few):
    learner = Adversaries(SMALL, ABOUT)
    real, noise = next(training.batches(RECIPE.data(SMALL).train, 20))
    scores = learner.discriminator.predict_on_batch(real), learner.discriminator.predict_on_batch(
        learner.generator.predict_on_batch(noise))
    found = learner.test(real, noise)
    assert found["real_accuracy"] == np.float32((scores[0] > 0).mean())
    assert found["fake_accuracy"] == np.float32((scores[1] <= 0).mean())
    assert found["loss"] == pytest.approx(np.log1p(np.exp(-scores[1])).mean(), rel=1e-5)
    assert found["discriminator_loss"] == pytest.approx(
        np.log1p(np.exp(-scores[0])).mean() + np.log1p(np.exp(scores[1])).mean(), rel=1e-5)


def the_same(a, b):
    rows = [[(epoch.epoch, epoch.metrics) for epoch in saved.history] for saved in (a, b)]
    return rows[0] == rows[1] and [v.tobytes() for v in a.variables] == [v.tobytes() for v in b.variables]


SCRIPT = """
import json, sys
from pathlib import Path
from tconv.recipes import resume, start, training
from tconv.recipes.gan import Settings
training.SECONDS_BETWEEN_CHECKPOINTS = 0
settings, run = json.loads(sys.argv[1]), Path(sys.argv[2])
(resume(run) if (run / "checkpoint.npz").exists() else start(Settings(**settings), run)).train()
"""


@pytest.mark.verify
def test_a_killed_and_resumed_training_ends_like_an_undisturbed_one_to_the_bit(digits, tmp_path):
    """Killed for good, at a random moment after its first checkpoint within an epoch."""
    np.savez(tmp_path / "few.npz", x_train=digits.train[:200], x_test=digits.test[:20])
    settings = SMALL.plain() | {"data": str(tmp_path / "few.npz"), "epochs": 4}
    undisturbed = start(Settings(**settings), tmp_path / "a").train().saved
    command = [sys.executable, "-c", SCRIPT, json.dumps(settings), str(tmp_path / "b")]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": SOURCE})
    while process.poll() is None and not _begun(tmp_path / "b"):
        time.sleep(0.01)
    time.sleep(random.Random(3).uniform(0, 0.2))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(checkpoint.read(tmp_path / "b").history) < 4
    assert the_same(undisturbed, resume(tmp_path / "b").train().saved)
    films = [(tmp_path / run / "epochs.gif").read_bytes() for run in "ab"]
    assert films[0] == films[1]
    frames = [[path.read_bytes() for path in sorted((tmp_path / run / "epochs").iterdir())] for run in "ab"]
    assert len(frames[0]) == 4
    assert frames[0] == frames[1]


def _begun(run):
    try:
        return checkpoint.read(run).part.steps > 0
    except ValueError:
        return False


def test_a_short_training_on_real_digits_comes_nearer_to_them_and_reports_it(digits, monkeypatch, tmp_path):
    monkeypatch.setattr("tconv.recipes.gan.load", lambda _: digits)
    settings = Settings(filters=(16, 8), epochs=3, batch_size=30, backend=BACKEND)
    run = start(settings, tmp_path / "run")
    before = gan.after_epoch(run.trained, run.data)["unlikeness"]
    run = run.train()
    judged = RECIPE.judge(run.trained, run.data)
    lead, repeated = judged.figures
    assert lead.value == run.saved.history[-1].metrics["unlikeness"] < before / 1.5
    assert 0 < lead.baselines["real training pictures"] < 10 < lead.value
    assert repeated.baselines["real test pictures"] == pytest.approx(1, abs=0.3)
    titles = [section.title for section in judged.sections]
    assert titles == ["Samples", "How they came about", "Learned by heart?", "How strong each frequency is",
                      "What the discriminator can tell", "Does it repeat with the strides?"]
    assert len(judged.sections[1].frames) == 3
    with Image.open(tmp_path / "run" / "epochs.gif") as film:
        shown = [np.array(frame.convert("L")) for frame in ImageSequence.Iterator(film)]
    assert np.array_equal(shown, judged.sections[1].frames)
    assert not np.array_equal(shown[0], shown[2])
    _, restored = restore(tmp_path / "run")
    drawn = {one.job.stem: one for one in apply(RECIPE.uses["draw"], restored, jobs([0, 5]), tmp_path / "made")}
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["sample-0000.png", "sample-0005.png"]
    assert np.array_equal(np.array(Image.open(drawn["sample-0005"].written[0])), samples(run.trained, [5])[0, ..., 0])


def test_an_untrained_transposed_convolution_draws_a_checkerboard_and_the_others_do_not(tmp_path):
    ratios = {}
    for name in UPSAMPLERS:
        keras.utils.set_random_seed(0)
        settings = Settings(upsampler=name)
        trained = Trained(settings, SimpleNamespace(model=generator(settings, 28, 1)), ABOUT, {}, tmp_path)
        ratios[name] = gan._repeated(gan._periods(trained, samples(trained, range(60))))
    assert ratios["transposed"] > 20 > 4 > max(ratios["resize"], ratios["subpixel"])


def test_the_distance_of_two_gaussians_is_that_of_the_formula():
    one, other = np.array([[-1.0], [1.0]]), np.array([[-3.0], [5.0]])
    assert frechet(one, other) == pytest.approx((0 - 1) ** 2 + (1 - 4) ** 2)
    assert frechet(other, one) == pytest.approx(10)
    assert unlikeness(one, other) == pytest.approx(100 * 10 / 16)


def test_the_distance_does_not_change_when_both_are_turned():
    draw = np.random.default_rng(0)
    one, other = draw.normal(size=(40, 5)), draw.normal(size=(50, 5)) @ draw.normal(size=(5, 5)) + 1
    turn = np.linalg.qr(draw.normal(size=(5, 5)))[0]
    assert frechet(one @ turn, other @ turn) == pytest.approx(frechet(one, other))
    assert frechet(one, one) == pytest.approx(0, abs=1e-9)


def test_the_classifier_is_trained_once_and_kept_whole(digits, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    question = Question(digits.train[..., None], digits.train_labels, "which digit it is")
    first = seeing(question)
    assert first.accuracy > 0.7
    (path,) = (tmp_path / "tconv").iterdir()
    monkeypatch.setattr("tconv.recipes.seeing._trained", lambda *_: pytest.fail("trained again"))
    again = seeing.__wrapped__(question)
    assert again.accuracy == first.accuracy
    assert np.array_equal(again.features(digits.test[:50, ..., None]), first.features(digits.test[:50, ..., None]))
    path.write_bytes(path.read_bytes()[:-100])
    monkeypatch.setattr("tconv.recipes.seeing._trained", lambda *_: 0.5)
    assert seeing.__wrapped__(question).accuracy == 0.5


def test_where_nothing_can_be_kept_it_is_trained_all_the_same(digits, tmp_path, monkeypatch):
    (tmp_path / "tconv").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("tconv.recipes.seeing._trained", lambda *_: 0.25)
    assert seeing.__wrapped__(turned(digits.train[:8, ..., None])).accuracy == 0.25


def test_pictures_that_nobody_named_are_told_apart_by_quarter_turns():
    question = turned(np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1))
    assert question.answers.tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    turns = [[0, 1, 2, 3], [1, 3, 0, 2], [3, 2, 1, 0], [2, 0, 3, 1]]
    assert question.images[:4, ..., 0].reshape(4, 4).tolist() == turns
    assert question.images[4, ..., 0].tolist() == [[4, 5], [6, 7]]


@pytest.fixture
def coloured(tmp_path):
    folder = tmp_path / "coloured"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for number in range(72):
        pixels = draw.integers(0, 256, (20 + number, 30, 4), np.uint8)
        mode = ("RGBA", "RGB", "L", "P")[number % 4]
        Image.fromarray(pixels).convert("RGB" if mode != "RGBA" else mode).convert(mode).save(folder / f"{number}.png")
    return folder


def test_a_folder_of_any_sizes_and_modes_becomes_colour_squares(coloured):
    found = squares(coloured, 16)
    assert (found.shape, found.dtype) == ((72, 16, 16, 3), np.uint8)
    assert np.array_equal(found, squares(coloured, 16))
    Image.new("RGBA", (9, 7)).save(coloured / "0.png")
    assert sum((picture == 255).all() for picture in squares(coloured, 16)) == 1  # transparent: white paper


def test_it_trains_on_a_folder_of_colour_pictures(coloured, tmp_path):
    settings = dataclasses.replace(SMALL, data=str(coloured), side=16, filters=(4,), epochs=1)
    run = start(settings, tmp_path / "run").train()
    assert samples(run.trained, [0, 1]).shape == (2, 16, 16, 3)
    assert RECIPE.frame(run.trained, run.data).shape == (8 * 17 - 1, 8 * 17 - 1, 3)
    assert run.data.test.question.says == "by how many quarter turns it was turned"


@pytest.mark.verify
def test_it_trains_on_emoji(tmp_path):
    package = next((folder / EMOJI for folder in (Path("node_modules"), Path.home() / "node_modules")
                    if (folder / EMOJI).is_dir()), None)
    if package is None:
        pytest.skip("needs 3,786 pictures: npm install emoji-datasource-google@16.0.0")
    settings = dataclasses.replace(SMALL, data=str(package), filters=(16, 8, 4), epochs=1, limit=700)
    run = start(settings, tmp_path / "run").train()
    judged = RECIPE.judge(run.trained, run.data)
    assert "by how many quarter turns it was turned" in judged.says
    assert judged.figures[0].over == "100 samples"
    assert judged.figures[0].value > judged.figures[0].baselines["real training pictures"]


BAD = [
    ({"upsampler": "magic"}, SettingError, "upsampler is 'magic', but has to be one of transposed, resize, subpixel"),
    ({"kernel": 0}, SettingError, "kernel is 0"),
    ({"filters": (4, 0)}, SettingError, "filters is 0"),
    ({"filters": ()}, SettingError, r"filters is \(\), but something has to double"),
    ({"filters": (10**9,)}, SizeError, "GiB; this machine has"),
    ({"side": 4}, SettingError, "side is 4"),
    ({"average": 1.0}, SettingError, "average is 1.0, but has to be at most"),
    ({"batch_size": 1}, SettingError, "batch_size is 1"),
]


@pytest.mark.parametrize(("given", "kind", "says"), BAD)
def test_a_bad_setting_is_refused_before_any_work(given, kind, says):
    with pytest.raises(kind, match=says):
        Settings(**given)


def test_sizes_that_do_not_halve_are_refused(few):
    with pytest.raises(SettingError, match=r"doubles 3 times, but pictures of 28x28 cannot be halved so often"):
        RECIPE.data(dataclasses.replace(SMALL, filters=(4, 2, 2)))


def test_digits_have_their_own_size(few):
    with pytest.raises(SettingError, match="side is 32, but digits have 28 pixels"):
        RECIPE.data(dataclasses.replace(SMALL, side=32))


def test_too_few_or_broken_pictures_are_refused(coloured):
    with pytest.raises(DataError, match="limit: is 80, but has to lie between 70 and the 72 pictures"):
        squares(coloured, 16, limit=80)
    (coloured / "7.png").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"7\.png: cannot be read as a picture"):
        squares(coloured, 16)
    for number in range(3):
        (coloured / f"{number}.png").unlink()
    with pytest.raises(DataError, match="holds 69 pictures, but a training wants 70 or more"):
        squares(coloured, 16)


def test_more_pictures_than_memory_holds_are_refused_before_they_are_read(coloured, monkeypatch):
    monkeypatch.setattr("tconv.recipes.data.squares.MEMORY", 2**16)
    monkeypatch.setattr("tconv.recipes.data.squares.picture", lambda *_, **__: pytest.fail("was read"))
    with pytest.raises(SizeError, match=r"its 72 pictures at 512x512 need 0\.1 GiB"):
        squares(coloured, 512)


def test_too_few_digits_to_compare_with_are_refused(few, monkeypatch):
    some = dataclasses.replace(few, test=few.test[:3], test_labels=few.test_labels[:3])
    monkeypatch.setattr("tconv.recipes.gan.load", lambda _: some)
    with pytest.raises(DataError, match="has 3 images to test with, but the Fréchet distance takes 10 or more"):
        RECIPE.data(SMALL)


@pytest.mark.verify
@pytest.mark.parametrize("backend", ["jax", "torch", "tensorflow"])
def test_it_learns_on_every_backend(digits, tmp_path, backend):
    """In a process of its own, since Keras takes one backend for each."""
    pytest.importorskip(backend)
    np.savez(tmp_path / "few.npz", x_train=digits.train, y_train=digits.train_labels, x_test=digits.test)
    command = [sys.executable, "-m", "tconv", "train", "gan", "--data", str(tmp_path / "few.npz"), "--epochs", "2",
               "--filters", "16,8", "--backend", backend, "--out", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "run" / "facts.json").read_text())
    before, after = (epoch["metrics"]["unlikeness"] for epoch in told["history"])
    assert after < before

"""The article's network, its settings, and a training that goes on as if nothing had happened."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("keras")

from tconv.errors import DataError, SettingError, SizeError
from tconv.recipes import checkpoint, restore, resume, start, training, use_backend
from tconv.recipes.autoencoder import Settings, network
from tconv.recipes.data import Digits

BACKEND = use_backend()
SMALL = Settings(filters=(3, 2), epochs=4, batch_size=16, seed=5, backend=BACKEND)


@pytest.fixture(autouse=True)
def few_images(monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (50, 28, 28), np.uint8)
    monkeypatch.setattr("tconv.recipes.autoencoder.pictures.load", lambda _: Digits(images[:40], images[40:], "noise"))


def test_the_article_s_network_has_its_shapes_and_12785_parameters():
    model = network(backend=BACKEND)
    assert [layer.output.shape[1:] for layer in model.layers] == [
        (26, 26, 32), (24, 24, 16), (22, 22, 8), (24, 24, 8), (26, 26, 16), (28, 28, 32), (28, 28, 1)]
    assert [layer.count_params() for layer in model.layers] == [320, 4624, 1160, 584, 1168, 4640, 289]
    assert model.count_params() == 12785


def test_its_layers_are_this_package_s():
    assert {type(layer).__module__.split(".")[0] for layer in network(backend=BACKEND).layers} == {"tconv"}


def test_the_summary_counts_the_network_and_not_its_optimizer(tmp_path):
    told = start(dataclasses.replace(SMALL, filters=(32, 16, 8)), tmp_path).summary
    assert "Total params: 12,785" in told


def test_an_epoch_s_order_is_a_function_of_seed_and_epoch_and_takes_each_image_once():
    orders = [training.order(seed, epoch, 100).tolist() for seed, epoch in ((0, 1), (0, 1), (0, 2), (1, 1))]
    assert orders[0] == orders[1]
    assert len({tuple(order) for order in orders}) == 3
    assert sorted(orders[2]) == list(range(100))


def test_a_step_s_loss_counts_by_its_images_also_in_the_last_partial_batch(tmp_path):
    seen = []
    outcome = start(dataclasses.replace(SMALL, epochs=1), tmp_path).train(seen.append)
    steps = [event for event in seen if isinstance(event, training.Step)]
    assert [step.seen for step in steps] == [16, 32]
    assert outcome.saved.history[0].metrics["loss"] == steps[-1].metrics["loss"]


def the_same(a, b):
    rows = [[(epoch.epoch, epoch.metrics) for epoch in saved.history] for saved in (a, b)]
    return rows[0] == rows[1] and [v.tobytes() for v in a.variables] == [v.tobytes() for v in b.variables]


@pytest.mark.parametrize("at", [0, 2])
def test_an_interrupted_training_ends_like_an_undisturbed_one_to_the_bit(tmp_path, at):
    undisturbed = start(SMALL, tmp_path / "a").train().saved

    def interrupt(event):
        if isinstance(event, training.Step) and (event.epoch, event.step) == (at + 1, 2):
            raise KeyboardInterrupt("in the second step")

    with pytest.raises(KeyboardInterrupt, match="in the second step"):
        start(SMALL, tmp_path / "b").train(interrupt)
    assert len(checkpoint.read(tmp_path / "b").history) == at
    resumed = resume(tmp_path / "b").train().saved
    assert the_same(undisturbed, resumed)
    assert the_same(undisturbed, checkpoint.read(tmp_path / "b"))


def test_more_epochs_prolong_a_run_as_if_it_had_been_asked_for_them_at_once(tmp_path):
    undisturbed = start(SMALL, tmp_path / "a").train().saved
    start(dataclasses.replace(SMALL, epochs=2), tmp_path / "b").train()
    assert the_same(undisturbed, resume(tmp_path / "b", epochs=4).train().saved)


def test_another_seed_gives_other_weights(tmp_path):
    a, b = (start(dataclasses.replace(SMALL, seed=seed), tmp_path / str(seed)).saved for seed in (1, 2))
    assert not the_same(a, b)


def test_the_checkpoint_holds_weights_optimizer_and_its_count_of_steps(tmp_path):
    saved = start(SMALL, tmp_path).train().saved
    model = resume(tmp_path).learner.model
    assert int(model.optimizer.iterations) == 8
    assert len(saved.variables) == len(model.trainable_variables) + len(model.non_trainable_variables) + len(
        model.optimizer.variables)


WRONG = [
    ({"filters": (3, 3)}, "started with filters=3,2, and cannot go on with 3,3"),
    ({"seed": 6}, "started with seed=5, and cannot go on with 6"),
    ({"batch_size": 8}, "started with batch_size=16"),
    ({"epochs": 1}, "started with epochs=2, and cannot go on with 1"),
]


@pytest.mark.parametrize(("given", "says"), WRONG)
def test_a_run_does_not_go_on_with_other_settings(tmp_path, given, says):
    start(dataclasses.replace(SMALL, epochs=2), tmp_path).train()
    with pytest.raises(DataError, match=says):
        resume(tmp_path, **given)


def test_a_run_does_not_go_on_with_other_images(tmp_path, monkeypatch):
    start(SMALL, tmp_path)
    images = np.zeros((50, 28, 28), np.uint8)
    monkeypatch.setattr("tconv.recipes.autoencoder.pictures.load", lambda _: Digits(images[:40], images[40:], "black"))
    with pytest.raises(DataError, match="was started on other examples than black has now"):
        resume(tmp_path)


def test_the_checkpoint_of_another_network_is_refused(tmp_path):
    saved = start(SMALL, tmp_path).saved
    settings = {**saved.settings, "filters": [3, 2, 1]}
    checkpoint.write(tmp_path / checkpoint.NAME, dataclasses.replace(saved, settings=settings))
    for use in (resume, restore):
        with pytest.raises(DataError, match="is the checkpoint of another network"):
            use(tmp_path)
    checkpoint.write(tmp_path / checkpoint.NAME, dataclasses.replace(saved, recipe="photograph"))
    with pytest.raises(DataError, match="is a run of the recipe 'photograph'"):
        restore(tmp_path)


def test_a_second_run_does_not_overwrite_the_first(tmp_path):
    start(SMALL, tmp_path)
    before = (tmp_path / checkpoint.NAME).read_bytes()
    with pytest.raises(DataError, match="holds a run already; go on with --resume"):
        start(SMALL, tmp_path)
    assert (tmp_path / checkpoint.NAME).read_bytes() == before


BAD = [
    ({"epochs": 0}, SettingError, "epochs is 0, but has to be a whole number >= 1"),
    ({"batch_size": -1}, SettingError, "batch_size is -1"),
    ({"seed": -1}, SettingError, "seed is -1"),
    ({"seed": float("nan")}, SettingError, "seed is nan"),
    ({"filters": ()}, SettingError, "0 layers, but a 28x28 image has room for 1 to 13"),
    ({"filters": (2,) * 14}, SettingError, "14 layers"),
    ({"filters": (32, 0)}, SettingError, "filters is 0"),
    ({"filters": (10**9,)}, SizeError, "GiB; this machine has"),
    ({"backend": "theano"}, SettingError, "backend is 'theano'"),
]


@pytest.mark.parametrize(("setting", "kind", "says"), BAD)
def test_a_bad_setting_is_refused_before_any_work(setting, kind, says):
    with pytest.raises(kind, match=says):
        Settings(**setting)


def test_keras_does_not_change_its_backend_once_it_runs():
    other = "torch" if BACKEND != "torch" else "jax"
    with pytest.raises(SettingError, match=f"Keras already runs on '{BACKEND}'"):
        use_backend(other)


def test_a_loss_that_is_no_number_stops_the_training_with_the_last_checkpoint_whole(tmp_path):
    outcome = start(SMALL, tmp_path)
    outcome.learner.model.layers[0].kernel.assign(np.full((3, 3, 1, 3), np.nan))
    with pytest.raises(SettingError, match="the loss is nan in step 1 of epoch 1"):
        outcome.train()
    assert checkpoint.read(tmp_path).history == ()


@pytest.mark.verify
def test_it_learns_real_digits_as_well_as_the_article_s_network(tmp_path):
    """As a user has it: on Keras' JAX backend, whichever the other tests have brought up."""
    pytest.importorskip("jax")
    command = [sys.executable, "-m", "tconv", "train", "autoencoder", "--backend", "jax", "--out",
               str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "run" / "facts.json").read_text())
    if sum(told["counts"].values()) < 70_000:
        pytest.skip("needs all of MNIST: pip install 'tconv[recipes]'")
    assert told["figures"][0]["value"] <= 0.0610

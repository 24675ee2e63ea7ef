"""A fine-tune of mended kernels: nearer to what should come out, even on flat inputs, and undone where it is worse."""

import json

import numpy as np
import pytest

pytest.importorskip("typer")
from typer.testing import CliRunner

from tconv.cli.app import app
from tconv.diagnose import gains
from tconv.errors import SettingError, UnsupportedError
from tconv.geometry import Spec
from tconv.models.mend import mendable
from tconv.models.repair import repair
from tconv.models.tune import GROWN, SHARES, Tuning, evenly, without_pattern

from .test_repair import codes, keras_model, kernels, onnx_model, torch_model  # noqa: F401

STEPS = 12


@pytest.fixture(scope="module")
def some(codes):  # noqa: F811
    return codes[:24]


@pytest.fixture(scope="module")
def wanted(some):
    """What the model would give were its second kernel without the board, and a tenth larger."""
    subject = mendable(torch_model())
    kernel = kernels()[1].copy()
    kernel[::2, ::2] -= kernel[::2, ::2].mean() - kernel[1::2, 1::2].mean()
    subject.put("2", 1.1 * kernel)
    return subject.run({"x": some}).result


def test_a_change_that_is_made_even_is_the_nearest_whose_phases_have_one_gain():
    spec = Spec.of((4, 3), stride=2, groups=2)
    matrix = evenly(spec)
    change = np.random.default_rng(0).normal(size=(4, 3, 2, 4))
    even = (matrix @ change.reshape(12, -1)).reshape(change.shape)
    found = gains(even, spec)
    assert np.abs(found - found.mean(axis=(0, 1))).max() < 1e-12
    assert np.abs(matrix @ matrix - matrix).max() < 1e-12
    assert abs(np.vdot(change - even, even)) < 1e-12 or np.allclose(even.sum((0, 1)), change.sum((0, 1)))


def test_what_repeats_over_a_sample_is_taken_out_and_the_rest_stays():
    numbers = np.random.default_rng(0)
    board = np.tile(numbers.normal(size=(4, 4, 1)), (3, 3, 1))[None]
    assert np.abs(without_pattern(board, [4]) - board.mean()).max() < 1e-12
    slope = np.broadcast_to(np.arange(12.0)[:, None, None], (12, 12, 1))[None]
    assert without_pattern(board + slope, [4]).mean() == pytest.approx((board + slope).mean())
    assert np.array_equal(without_pattern(slope, []), slope)


@pytest.fixture(scope="module")
def plain(some, wanted):
    """The repair without a fine-tune, and its kernel."""
    subject = mendable(torch_model())
    return repair(subject, inputs={"x": some}, targets=wanted), subject.patients()[1]


@pytest.fixture(scope="module")
def tuned(some, wanted):
    """The repair with one, its model, and what it told."""
    told, subject = [], mendable(torch_model())
    tuning = Tuning(STEPS, rate=0.02, told=lambda step, loss: told.append((step, loss)))
    return repair(subject, inputs={"x": some}, targets=wanted, tuning=tuning), subject, told


def test_the_tuned_model_is_nearer_to_the_targets_and_the_pattern_stays_out(plain, tuned):
    found, subject, told = tuned
    assert found.tuned.kept
    assert found.tuned.share in SHARES
    assert found.tuned.errors[0] == pytest.approx(plain[0].errors[1])
    assert found.errors[1] == pytest.approx(found.tuned.errors[1])
    assert found.errors[1] < 0.98 * plain[0].errors[1]
    assert not found.after.period(2).found
    assert found.after.period(4).excess <= GROWN * plain[0].after.period(4).excess
    assert [step for step, _ in told] == list(range(1, STEPS + 1))
    assert told[-1][1] < told[0][1]
    moved = np.linalg.norm(subject.patients()[1].kernel - kernels()[1]) / np.linalg.norm(kernels()[1])
    assert found.mended[0].moved == pytest.approx(moved)
    assert np.array_equal(subject.patients()[0].kernel, kernels()[0])


def test_the_answer_to_flat_inputs_is_as_even_as_the_mended_kernels(plain, tuned):
    spec, before, after = plain[1].spec, plain[1].kernel, tuned[1].patients()[1].kernel
    change = gains(after - before, spec)
    assert np.abs(after - before).max() > 1e-4
    assert np.abs(change - change.mean(axis=(0, 1))).max() < 1e-6


def test_the_same_seed_gives_the_same_kernel_and_keras_nearly_the_same(some, wanted, tuned):
    pytest.importorskip("keras")
    again, ours = mendable(torch_model()), mendable(keras_model())
    repair(again, inputs={"x": some}, targets=wanted, tuning=Tuning(STEPS, rate=0.02))
    theirs = repair(ours, inputs={"x": some.transpose(0, 2, 3, 1)}, targets=wanted, tuning=Tuning(STEPS, rate=0.02))
    kernel = tuned[1].patients()[1].kernel
    assert np.array_equal(again.patients()[1].kernel, kernel)
    assert np.abs(ours.patients()[1].kernel - kernel).max() < 1e-3
    assert theirs.tuned.errors[1] == pytest.approx(tuned[0].tuned.errors[1], rel=0.02)
    assert all(variable.trainable for variable in ours.model.variables)
    assert ours.model.layers[-1].kernel.constraint is None
    assert np.array_equal(ours.patients()[0].kernel, kernels()[0])


def test_a_fine_tune_that_does_not_help_is_undone(some, plain):
    subject = mendable(torch_model())
    found = repair(subject, inputs={"x": some}, tuning=Tuning(3, rate=3.0))
    assert not found.tuned.kept
    assert found.tuned.errors[1] > found.tuned.errors[0]
    assert np.array_equal(subject.patients()[1].kernel, plain[1].kernel)


def test_the_command_line_says_what_it_brought_and_what_cannot_be_tuned(some, wanted, tmp_path):
    torch = pytest.importorskip("torch")
    (tmp_path / "net.py").write_text("from torch import nn\ndef make(wide):\n    return nn.Sequential(\n"
                                     "        nn.ConvTranspose2d(3, wide, 4, 2, 1, bias=False), nn.ReLU(),\n"
                                     "        nn.ConvTranspose2d(wide, 3, 4, 2, 1, bias=False), nn.Tanh())\n")
    torch.save(torch_model().state_dict(), tmp_path / "run.pth")
    np.save(tmp_path / "codes.npy", some)
    np.save(tmp_path / "wanted.npy", wanted)
    words = ["repair", tmp_path / "run.pth", "-o", tmp_path / "even.pth", "--module", f"{tmp_path / 'net.py'}:make",
             "--arguments", 6, "--inputs", tmp_path / "codes.npy", "--targets", tmp_path / "wanted.npy"]
    run = CliRunner().invoke(app, [*map(str, words), "--fine-tune", "12", "--json"])
    assert run.exit_code == 0, run.output
    told = json.loads(run.stdout)["tuned"]
    assert (told["steps"], told["kept"]) == (STEPS, True)
    path = onnx_model(tmp_path)
    refused = CliRunner().invoke(app, ["repair", str(path), "-o", str(tmp_path / "a.onnx"), "--fine-tune", "5"])
    assert "give the Keras or PyTorch model" in str(refused.exception)
    with pytest.raises(UnsupportedError, match="cannot be fine-tuned"):
        repair(mendable(path), inputs={"x": some}, tuning=Tuning(1))
    with pytest.raises(SettingError, match="rate is 0, but has to be more"):
        Tuning(rate=0)
    with pytest.raises(SettingError, match="fine-tune steps is 0"):
        Tuning(0)

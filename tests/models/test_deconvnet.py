"""A convnet run backwards: the picture's way through it is the model's own, and the way back is what the paper says."""

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from tconv import SettingError, ShapeError, UnsupportedError  # noqa: E402
from tconv.models.deconvnet import answers, project  # noqa: E402
from tests.strategies import integers  # noqa: E402


class Rectified(torch.autograd.Function):
    """ReLU both ways: the rule of the paper, for PyTorch's own derivatives."""

    @staticmethod
    def forward(ctx, x):
        return x.relu()

    @staticmethod
    def backward(ctx, signal):
        return signal.relu()


class Residual(nn.Module):
    """Joins that a picture goes through in two ways."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.three, self.relu = nn.Conv2d(8, 3, 1), nn.ReLU()

    def forward(self, x):
        x = self.relu(self.one(x))
        y = x + self.two(x)
        return self.relu(self.three(torch.cat([x, y], 1)))


NETWORKS = {
    "padding, stride, dilation": lambda: nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 3, stride=2, dilation=2), nn.ReLU()),
    "maxima": lambda: nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.Conv2d(4, 3, 2, groups=1), nn.ReLU()),
    "means and norms": lambda: nn.Sequential(
        nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(4, 3, 2)),
    "upwards": lambda: nn.Sequential(nn.ConvTranspose2d(2, 4, 4, 2, 1), nn.Tanh(), nn.Conv2d(4, 3, 3), nn.Sigmoid()),
    "joins": Residual,
}


def whole(network):
    for number, parameter in enumerate(network.parameters()):
        parameter.data = torch.from_numpy(integers(number, tuple(parameter.shape)).astype(np.float32)) / 4
    return network.eval()


def backwards(network, x, feature, place):
    """The paper's way back by PyTorch's derivatives, with rectifiers that rectify signals."""
    for layer in network.modules():
        if isinstance(layer, nn.ReLU):
            layer.forward = Rectified.apply
    given = x.clone().requires_grad_()
    maps = network(given)
    lone = torch.zeros_like(maps)
    lone[(0, feature, *place)] = maps.detach()[(0, feature, *place)]
    maps.backward(lone)
    return given.grad[0].movedim(0, -1).numpy()


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_both_ways_are_those_of_pytorch_with_rectified_signals(make):
    network = whole(make())
    x = torch.from_numpy(integers(9, (1, 2, 12, 11)).astype(np.float32)) / 4
    last = [name for name, layer in network.named_modules() if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))][-1]
    answer = answers(network, x[0].movedim(0, -1).numpy(), layer=last)
    want = network(x)[0].movedim(0, -1).detach().numpy()
    np.testing.assert_allclose(answer.maps, want, rtol=1e-5, atol=1e-5)
    for feature in answer.strongest(2):
        found = project(answer, feature)
        assert found.value == pytest.approx(want[..., feature].max(), rel=1e-5)
        pixels = backwards(network, x, feature, found.place)
        np.testing.assert_allclose(found.pixels, pixels, rtol=1e-4, atol=1e-5 * np.abs(pixels).max())
        outside = found.pixels.copy()
        outside[tuple(slice(*ends) for ends in found.window)] = 0
        assert not outside.any()


def keras_network():
    keras = pytest.importorskip("keras")
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((8, 8, 1)), layers.Conv2D(3, 3, padding="same", activation="relu", name="one"),
        layers.MaxPooling2D(), layers.Conv2D(2, 3, activation="relu", name="two"), layers.Flatten(), layers.Dense(2)])
    model.set_weights([integers(number, weight.shape) / 4 for number, weight in enumerate(model.get_weights())])
    return keras, model


def test_a_keras_model_answers_as_it_does_itself_and_like_the_same_network_in_pytorch():
    keras, model = keras_network()
    x = integers(5, (8, 8, 1)).astype(np.float32)
    answer = answers(model, x, layer="two")
    inner = keras.Model(model.inputs, model.get_layer("two").output)
    np.testing.assert_allclose(answer.maps, inner.predict(x[None], verbose=0)[0], rtol=1e-5, atol=1e-5)
    from tconv.convert import layer

    one, two = (layer(model.get_layer(name), "torch") for name in ("one", "two"))
    twin = nn.Sequential(one, nn.MaxPool2d(2), two)
    feature = answer.strongest(1)[0]
    there = project(answers(twin, x, layer="2.0"), feature)
    np.testing.assert_allclose(project(answer, feature).pixels, there.pixels, rtol=1e-5, atol=1e-5)


def test_what_cannot_be_is_said_in_a_sentence():
    network = whole(nn.Sequential(nn.Conv2d(2, 4, 3), nn.LeakyReLU(0.2), nn.Conv2d(4, 3, 3)))
    x = np.ones((8, 8, 2), np.float32)
    with pytest.raises(SettingError, match="layer is 'nine', which names no convolutions; the model's are 0, 2"):
        answers(network, x, layer="nine")
    with pytest.raises(UnsupportedError, match=r"has no way back here; take a layer before it"):
        answers(network, x, layer="2")
    with pytest.raises(ShapeError, match=r"does not take a picture of shape \(8, 8, 5\)"):
        answers(network, np.ones((8, 8, 5)), layer="0")
    answer = answers(whole(nn.Sequential(nn.Conv2d(2, 4, 3))), x, layer="0")
    with pytest.raises(SettingError, match="feature is 4, but 0 has 4, from 0"):
        project(answer, 4)
    with pytest.raises(SettingError, match=r"place is \(6, 0\), but the feature's map has sizes \(6, 6\)"):
        project(answer, 0, place=(6, 0))


def told(*words):
    return subprocess.run([sys.executable, "-m", "tconv", "explain", *map(str, words)], capture_output=True, text=True)


def test_the_command_writes_a_picture_and_says_what_it_shows(tmp_path):
    image = pytest.importorskip("PIL.Image")
    _, model = keras_network()
    model.save(tmp_path / "net.keras")
    image.fromarray(np.uint8(255 * np.eye(8))).save(tmp_path / "line.png")
    given = (tmp_path / "net.keras", "--layer", "one", "--image", tmp_path / "line.png")
    done = told(*given, "--feature", 0, "-o", tmp_path / "seen.png")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("one, feature 0: ")
    assert image.open(tmp_path / "seen.png").size == (1040, 306)
    for words, says in (((*given, "-o", "seen.gif"), "has to end in .png"), (given, "--out is missing"),
                        ((*given, "-o", tmp_path / "line.png"), "would be overwritten")):
        done = told(*words)
        assert done.returncode == 2
        assert says in done.stderr
        assert "Traceback" not in done.stderr

"""A trained layer computes in another framework what it computed in its own."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")
torch = pytest.importorskip("torch")

import tconv.keras  # noqa: E402
import tconv.torch  # noqa: E402
from tconv import SettingError, ShapeError, UnsupportedError, convert  # noqa: E402

layers, nn = keras.layers, torch.nn


def integers(seed, shape):
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(np.float32)


def trained(layer, rank, channels=4):
    """A layer with whole numbers for weights."""
    if isinstance(layer, nn.Module):
        for number, parameter in enumerate(layer.parameters()):
            parameter.data = torch.from_numpy(integers(number, tuple(parameter.shape)))
        return layer
    layer.build((None, *(None,) * rank, channels))
    layer.set_weights([integers(number, weight.shape) for number, weight in enumerate(layer.get_weights())])
    return layer


def run(layer, x):
    """A layer of any framework on channels-last numbers, channels-last again."""
    if isinstance(layer, tuple):
        return np.asarray(layer[0].apply(layer[1], x))
    if isinstance(layer, nn.Module):
        return layer(torch.from_numpy(np.moveaxis(x, -1, 1).copy())).detach().movedim(1, -1).numpy()
    if hasattr(layer, "get_config"):
        return keras.ops.convert_to_numpy(layer(x))
    return np.stack([np.moveaxis(np.asarray(layer(np.moveaxis(one, -1, 0))), 0, -1) for one in x])


LAYERS = {
    "keras 3/2 same": (lambda: layers.Conv2DTranspose(6, 3, strides=2, padding="same"), 2),
    "keras with output_padding": (lambda: layers.Conv1DTranspose(6, 5, strides=3, padding="same", output_padding=1), 1),
    "keras valid, short kernel": (lambda: layers.Conv2DTranspose(6, 2, strides=3, use_bias=False), 2),
    "keras dilated": (lambda: layers.Conv1DTranspose(6, 3, dilation_rate=2, padding="same"), 1),
    "keras conv": (lambda: layers.Conv2D(6, 3, strides=2, padding="same", groups=2), 2),
    "keras causal": (lambda: layers.Conv1D(6, 3, padding="causal", dilation_rate=2), 1),
    "torch 4/2/1": (lambda: nn.ConvTranspose2d(4, 6, 4, 2, 1), 2),
    "torch output_padding": (lambda: nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2), 2),
    "torch 3-D": (lambda: nn.ConvTranspose3d(4, 2, 2, 2, bias=False), 3),
    "torch conv": (lambda: nn.Conv2d(4, 6, (3, 2), stride=2, padding=1, groups=2), 2),
    "torch conv same": (lambda: nn.Conv1d(4, 6, 4, padding="same", dilation=2), 1),
    "tconv.torch": (lambda: tconv.torch.ConvTranspose2d(4, 6, 3, 2, padding=((1, 0), (0, 2))), 2),
    "tconv.keras": (lambda: tconv.keras.Conv2DTranspose(6, 4, strides=3, padding=((1, 2), (0, 1)), groups=2), 2),
}


@pytest.mark.parametrize("to", ["keras", "torch", "equinox", "flax"])
@pytest.mark.parametrize(("make", "rank"), LAYERS.values(), ids=LAYERS)
def test_a_layer_keeps_its_function(make, rank, to):
    pytest.importorskip(to)
    layer = trained(make(), rank)
    x = integers(9, (2, *(7, 6, 3)[:rank], 4))
    try:
        made = convert.layer(layer, to, sizes=x.shape[1:-1])
    except UnsupportedError as error:
        assert to in ("flax", "equinox") and str(error)  # noqa: PT017, PT018
        pytest.skip(f"{to} has no words for it: {error}")
    np.testing.assert_array_equal(run(made, x), run(layer, x))


@pytest.mark.parametrize("to", ["keras", "torch"])
def test_there_and_back_is_the_same_layer(to):
    pytest.importorskip("equinox")
    layer = trained(nn.ConvTranspose2d(4, 6, 4, 2, 1), 2)
    back = convert.layer(convert.layer(convert.layer(layer, "keras"), "equinox"), "torch")
    assert repr(back) == repr(layer)
    for name, value in layer.state_dict().items():
        assert torch.equal(back.state_dict()[name], value)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "sigmoid", "tanh", "gelu", "silu", "elu", "softplus", "selu"])
def test_an_activation_comes_along(name):
    layer = trained(layers.Conv1DTranspose(3, 2, strides=2, activation=name), 1)
    x = integers(9, (1, 3, 4)) / 8
    layer.set_weights([weight / 8 for weight in layer.get_weights()])
    near = 2e-3 if name == "gelu" else 1e-5
    np.testing.assert_allclose(run(convert.layer(layer, "torch"), x), run(layer, x), atol=near)
    np.testing.assert_array_equal(run(convert.layer(layer, "keras"), x), run(layer, x))


def test_a_kernel_alone_is_converted_for_the_line_that_convert_writes():
    kernel = integers(0, (3, 3, 6, 4))
    made = nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1, bias=False)
    made.weight.data = torch.from_numpy(convert.kernel(
        kernel, "keras Conv2DTranspose(6, 3, strides=2, padding='same')", "torch").copy())
    theirs = layers.Conv2DTranspose(6, 3, strides=2, padding="same", use_bias=False)
    x = integers(1, (1, 4, 5, 4))
    theirs.build(x.shape)
    theirs.set_weights([kernel])
    np.testing.assert_array_equal(run(made, x), run(theirs, x))
    with pytest.raises(ShapeError, match=r"kernel: the array has shape \(4, 4, 6, 4\)"):
        convert.kernel(np.zeros((4, 4, 6, 4)), "keras Conv2DTranspose(6, 3, strides=2)", "torch")


def test_what_cannot_be_is_said_in_a_sentence():
    with pytest.raises(SettingError, match=r"layer: is of type torch\.nn\..*Linear"):
        convert.layer(nn.Linear(2, 2), "keras")
    with pytest.raises(SettingError, match="has no kernel yet"):
        convert.layer(layers.Conv1D(1, 1), "torch")
    with pytest.raises(UnsupportedError, match=r"layer: to is 'onnx', .* tconv.convert.kernel"):
        convert.layer(nn.Conv1d(1, 1, 1), "onnx")
    with pytest.raises(SettingError, match="give the input's sizes"):
        convert.layer(trained(layers.Conv1D(1, 3, strides=2, padding="same"), 1), "torch")
    with pytest.raises(UnsupportedError, match="padding_mode is 'reflect'"):
        convert.layer(nn.Conv1d(1, 1, 3, padding=1, padding_mode="reflect"), "keras")

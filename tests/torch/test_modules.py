"""The layers are PyTorch's own with other arithmetic inside, and take their place in networks that exist."""

import copy
import pickle

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations, parametrize  # noqa: E402

import tconv.torch as tt  # noqa: E402
from tconv import SettingError, UnsupportedError  # noqa: E402
from tests.strategies import integers  # noqa: E402

PAIRS = [(getattr(nn, name), getattr(tt, name)) for name in
         ("Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")]


def drawn(seed, *shape):
    return torch.tensor(integers(seed, shape), dtype=torch.float32)


def generator():
    """A small DCGAN generator (Radford, Metz, Chintala 2015): 1x1 to 16x16."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.ConvTranspose2d(10, 16, 4, 1, 0, bias=False), nn.BatchNorm2d(16), nn.ReLU(True),
        nn.ConvTranspose2d(16, 8, 4, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(True),
        nn.ConvTranspose2d(8, 3, 4, 2, 1), nn.Tanh(),
    )


@pytest.mark.parametrize(("theirs", "ours"), PAIRS)
@pytest.mark.parametrize("settings", [{}, {"stride": 2, "padding": 1, "dilation": 2, "groups": 2, "bias": False}])
def test_layers_load_pytorchs_state_and_give_its_values(theirs, ours, settings):
    there, here = theirs(4, 2, 3, **settings), ours(4, 2, 3, **settings)
    assert isinstance(here, theirs)
    assert repr(here) == repr(there)
    with torch.no_grad():
        for parameter in there.parameters():
            parameter.copy_(drawn(0, *parameter.shape))
    here.load_state_dict(there.state_dict())
    there.load_state_dict(here.state_dict())
    x = drawn(1, 2, 4, *(7,) * len(here.kernel_size))
    assert torch.equal(here(x), there(x))
    assert torch.equal(here(x[0]), there(x[0]))


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular", "zeros"])
def test_every_padding_mode_is_pytorchs(mode):
    for padding in ((2, 1), "same"):
        there, here = (kind(2, 3, (3, 2), padding=padding, padding_mode=mode) for kind in (nn.Conv2d, tt.Conv2d))
        with torch.no_grad():
            there.weight.copy_(drawn(0, *there.weight.shape))
            there.bias.zero_()
        here.load_state_dict(there.state_dict())
        assert torch.equal(here(drawn(1, 1, 2, 5, 6)), there(drawn(1, 1, 2, 5, 6)))


def test_an_output_size_may_be_given_at_the_call():
    there, here = nn.ConvTranspose2d(2, 3, 3, 2, 1), tt.ConvTranspose2d(2, 3, 3, 2, 1)
    here.load_state_dict(there.state_dict())
    x = drawn(0, 1, 2, 4, 4)
    for size in ((7, 8), [8, 7], torch.Size((1, 3, 8, 8))):
        assert torch.allclose(here(x, output_size=size), there(x, output_size=size), atol=1e-5)


def test_paddings_that_pytorch_does_not_know_are_kept_and_shown():
    x, layer = drawn(0, 1, 2, 4), tt.ConvTranspose1d(2, 3, 4, 2, padding=((0, 2),))
    full = F.conv_transpose1d(x, layer.weight, layer.bias, 2)
    assert torch.allclose(layer(x), full[..., :-2], atol=1e-5)
    assert "padding=((0, 2),)" in repr(layer)
    layer = tt.ConvTranspose1d(2, 3, 5, 2, "same", bias=False)
    assert torch.allclose(layer(x), F.conv_transpose1d(x, layer.weight, None, 2)[..., 1:-2], atol=1e-5)
    assert "padding=same" in repr(layer)
    layer = tt.Conv1d(2, 3, 4, 2, "same")
    assert torch.allclose(layer(x), F.conv1d(F.pad(x, (1, 1)), layer.weight, layer.bias, 2), atol=1e-5)


def test_paddings_that_nobody_knows_are_refused_at_once():
    with pytest.raises(SettingError, match="ConvTranspose2d: padding is 'full', but has to be 'same'"):
        tt.ConvTranspose2d(2, 3, 4, 2, "full")
    with pytest.raises(SettingError, match=r"crop is 1\.5"):
        tt.ConvTranspose2d(2, 3, 4, 2, 1.5)
    with pytest.raises(UnsupportedError, match=r"Conv2d: .*padding_mode='circular', which takes one number"):
        tt.Conv2d(2, 3, 4, 2, "same", padding_mode="circular")


def test_an_accelerated_generator_keeps_its_parameters_values_and_gradients():
    there = generator()
    here = copy.deepcopy(there)
    before = dict(here.named_parameters())
    assert tt.accelerate(here) is here
    assert tt.accelerate(tt.accelerate(here)) is here
    assert [type(here[n]) for n in (0, 3, 6)] == [tt.ConvTranspose2d] * 3
    assert all(parameter is before[name] for name, parameter in here.named_parameters())
    for memory in (torch.contiguous_format, torch.channels_last):
        z = torch.randn(4, 10, 1, 1)
        one, other = here.to(memory_format=memory)(z), there.to(memory_format=memory)(z)
        assert one.stride() == other.stride()
        assert torch.allclose(one, other, atol=1e-5)
        for network, result in ((here, one), (there, other)):
            network.zero_grad()
            result.square().sum().backward()
        for mine, its in zip(here.parameters(), there.parameters()):
            assert torch.allclose(mine.grad, its.grad, rtol=1e-4, atol=1e-4)
            assert mine.grad.stride() == its.grad.stride()
    assert torch.allclose(pickle.loads(pickle.dumps(here)).eval()(z), here.eval()(z))


def test_a_lone_layer_is_accelerated_where_it_stands():
    layer = nn.Conv1d(2, 3, 3).eval()
    assert tt.accelerate(layer) is layer
    assert type(layer) is tt.Conv1d
    assert not layer.training


def test_hooks_of_a_layer_still_run():
    layer = nn.Conv1d(2, 3, 3)
    seen = []
    layer.register_forward_hook(lambda *event: seen.append("forward"))
    layer.register_full_backward_hook(lambda *event: seen.append("backward"))
    tt.accelerate(layer)(torch.ones(1, 2, 5, requires_grad=True)).sum().backward()
    assert seen == ["forward", "backward"]


def test_layers_derived_from_pytorchs_stay_as_they_are():
    class Own(nn.Conv2d):
        pass

    network = tt.accelerate(nn.Sequential(Own(2, 3, 3), nn.Linear(2, 2), tt.Conv2d(3, 3, 3)))
    assert [type(layer) for layer in network] == [Own, nn.Linear, tt.Conv2d]


def test_lazy_layers_become_ours_once_they_know_their_sizes():
    network = tt.accelerate(nn.Sequential(nn.LazyConv2d(3, 3), nn.LazyConvTranspose2d(2, 3)))
    assert network(drawn(0, 1, 5, 6, 6)).shape == (1, 2, 6, 6)
    assert [type(layer) for layer in network] == [tt.Conv2d, tt.ConvTranspose2d]


@pytest.mark.parametrize("norm", [parametrizations.weight_norm, parametrizations.spectral_norm, nn.utils.weight_norm])
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_normed_weights_stay_normed(norm):
    layer = norm(nn.ConvTranspose1d(2, 3, 3)).eval()
    x = torch.randn(1, 2, 5)
    want = layer(x)
    assert torch.allclose(tt.accelerate(layer)(x), want, atol=1e-5)
    assert isinstance(layer, tt.ConvTranspose1d)


def test_parametrized_layers_are_accelerated_one_by_one_and_can_go_back():
    layer = parametrizations.weight_norm(nn.ConvTranspose1d(2, 3, 3))
    twin, x = copy.deepcopy(layer), torch.randn(1, 2, 5)
    want = layer(x)
    tt.accelerate(layer)
    assert not isinstance(twin, tt.ConvTranspose1d)
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is tt.ConvTranspose1d
    assert torch.allclose(layer(x), want, atol=1e-5)


def test_only_modules_are_accelerated():
    with pytest.raises(SettingError, match="module is of type list, but has to be"):
        tt.accelerate([nn.Conv1d(1, 1, 1)])

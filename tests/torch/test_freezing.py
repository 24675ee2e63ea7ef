"""A frozen network computes what the network computed in evaluation mode, with fewer and larger steps."""

import copy
import itertools

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations  # noqa: E402

import tconv.torch as tt  # noqa: E402
from tconv import SettingError, ShapeError  # noqa: E402
from tconv.torch.frozen import Frozen  # noqa: E402
from tests.strategies import integers  # noqa: E402


def drawn(seed, *shape):
    return torch.tensor(integers(seed, shape), dtype=torch.float32)


def whole(network):
    """The network with small whole numbers for weights, and statistics that divide evenly."""
    for number, parameter in enumerate(network.parameters()):
        parameter.data = drawn(number, *parameter.shape)
    for layer in network.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.eps = 0.0
            layer.running_mean = drawn(1, layer.num_features)
            layer.running_var = torch.full((layer.num_features,), 0.25)
    return network.eval()


def frozen_layers(network):
    return [layer for layer in network.modules() if isinstance(layer, Frozen)]


def same(network, x, layers):
    """The same numbers in either memory layout, lying as PyTorch's own, from so many layers."""
    made = tt.accelerate(network, freeze=True)
    assert len(frozen_layers(made)) == layers
    formats = (torch.contiguous_format, torch.channels_last) if x.dim() == 4 else (torch.contiguous_format,)
    for layout in formats:
        given = x.contiguous(memory_format=layout)
        with torch.no_grad():
            want, got = network(given), made(given)
        assert torch.equal(got, want)
        assert layout == torch.channels_last or got.is_contiguous()
    return made


def up(*behind, taps=3, factor=2, padding=1, ins=2, outs=3, **options):
    return whole(nn.Sequential(nn.Upsample(scale_factor=factor), nn.Conv2d(ins, outs, taps, padding=padding, **options),
                               *behind))


@pytest.mark.parametrize(("taps", "factor", "padding"), [
    *((taps, factor, padding) for taps, factor, padding in itertools.product((2, 3, 5), (2, 3), (0, 1, 3))),
    ((3, 2), (2, 1), (1, 0)), (3, 2, "same"), (4, 2, "same"), (3, 2, "valid"),
])
def test_nearest_and_a_convolution_are_one_layer_up_to_the_borders(taps, factor, padding):
    made = same(up(taps=taps, factor=factor, padding=padding), drawn(0, 2, 2, 4, 5), 1)
    assert frozen_layers(made)[0].layer.transposed
    assert not [layer for layer in made.modules() if isinstance(layer, nn.Upsample)]


def test_nearest_is_taken_up_along_one_axis_and_three_and_in_groups():
    line = whole(nn.Sequential(nn.Upsample(scale_factor=3), nn.Conv1d(4, 6, 3, padding=1, groups=2)))
    volume = whole(nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv3d(2, 3, 3, padding=1)))
    same(line, drawn(0, 2, 4, 5), 1)
    same(volume, drawn(0, 1, 2, 2, 3, 2), 1)
    same(up(ins=4, outs=4, groups=4), drawn(0, 1, 4, 3, 3), 1)


def test_a_repeat_of_single_cells_comes_after_them():
    made = same(up(taps=1, padding=0), drawn(0, 1, 2, 4, 4), 1)
    assert not frozen_layers(made)[0].layer.transposed
    assert [type(layer) for layer in made.children()] == [nn.Upsample, Frozen]


@pytest.mark.parametrize(("pad", "layers", "left"), [
    (nn.ZeroPad2d((1, 0, 2, 1)), 1, False), (nn.ReplicationPad2d(3), 1, False), (nn.ReflectionPad2d(1), 1, False),
    (nn.ReflectionPad2d(2), 1, True), (nn.ConstantPad2d(1, 0.0), 1, False), (nn.ConstantPad2d(1, 1.0), 1, True),
])
def test_cells_put_between_a_repeat_and_a_convolution_are_right_at_every_border(pad, layers, left):
    network = whole(nn.Sequential(nn.Upsample(scale_factor=2), pad, nn.Conv2d(2, 3, 3)))
    made = same(network, drawn(0, 2, 2, 4, 5), layers)
    assert any(isinstance(layer, nn.Upsample) for layer in made.modules()) == left


@pytest.mark.parametrize("network", [
    lambda: nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(2, 3, 3)),
    lambda: nn.Sequential(nn.Upsample(scale_factor=1.5), nn.Conv2d(2, 3, 3)),
    lambda: nn.Sequential(nn.Upsample(size=(8, 8)), nn.Conv2d(2, 3, 3)),
    lambda: nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(2, 3, 3, stride=2)),
    lambda: nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular")),
])
def test_what_is_no_repeat_of_cells_with_a_plain_convolution_behind_it_is_left(network):
    network = whole(network())
    made = tt.accelerate(network, freeze=True)
    assert any(isinstance(layer, nn.Upsample) for layer in made.modules())
    x = drawn(0, 1, 2, 4, 4)
    assert torch.allclose(made(x), network(x), atol=1e-4)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("layer", [
    nn.Conv2d(4, 6, 3), nn.Conv2d(4, 6, 3, bias=False, groups=2), nn.ConvTranspose2d(4, 6, 4, 2, 1),
    nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2, bias=False), nn.Conv2d(4, 6, 3, dilation=2, padding="same"),
])
def test_a_batch_norm_goes_into_the_weights(layer, affine):
    network = whole(nn.Sequential(copy.deepcopy(layer), nn.BatchNorm2d(6, affine=affine), nn.ReLU()))
    made = same(network, drawn(0, 2, 4, 6, 5), 1)
    assert len(list(made.children())) == 1


def test_a_batch_norm_without_statistics_stays():
    network = whole(nn.Sequential(nn.Conv2d(2, 3, 3)))
    network.append(nn.BatchNorm2d(3, track_running_stats=False)).eval()
    made = tt.accelerate(network, freeze=True)
    x = drawn(0, 2, 2, 5, 5)
    assert torch.allclose(made(x), network(x), atol=1e-5)


ACTIVATIONS = [nn.ReLU(), nn.ReLU(inplace=True), nn.LeakyReLU(0.25), nn.Sigmoid(), nn.Tanh(), nn.GELU(),
               nn.GELU("tanh"), nn.SiLU(), nn.ELU(), nn.Hardtanh()]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_an_activation_is_applied_once(activation):
    network = nn.Sequential(nn.Conv2d(2, 3, 3), activation).eval()
    made = tt.accelerate(network, freeze=True)
    x = torch.randn(1, 2, 9, 9)
    assert torch.allclose(made(x), network(x), atol=1e-5)
    assert len(list(made.children())) == (1 if type(activation) not in (nn.ELU, nn.Hardtanh) else 2)


class Written(nn.Module):
    """A U-Net in functions: skips, a repeat, a layer called twice, an activation of what two look at."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.out = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, 2, 1), nn.Conv2d(8, 2, 1)
        self.back, self.norm = nn.ConvTranspose2d(4, 4, 2, 2), nn.BatchNorm2d(4)

    def forward(self, x, gain=None):
        fine = F.leaky_relu(self.one(x), negative_slope=0.5)
        coarse = torch.relu(self.norm(self.two(fine)))
        wide = self.one(F.interpolate(coarse[:, :2], scale_factor=2.0, mode="nearest-exact"))
        joined = torch.cat([fine, self.back(coarse) + wide.relu()], 1)
        result = self.out(F.dropout(joined, training=self.training))
        return result.view(x.shape[0], -1), wide if gain is None else wide * gain


def test_functions_between_layers_are_taken_up_too():
    network = whole(Written())
    made = tt.accelerate(network, freeze=True)
    assert [str(layer.finish) for layer in frozen_layers(made)] == [
        "leaky_relu(0.5)", "relu", "None", "None", "None"]
    for layout in (torch.contiguous_format, torch.channels_last):
        x = drawn(3, 2, 2, 8, 8).contiguous(memory_format=layout)
        if layout == torch.channels_last:
            x = x[:1].contiguous()
        for got, want in zip(made(x), network(x)):
            assert torch.equal(got, want)
    with pytest.raises(AssertionError, match="gain has been specialized to have value None"):
        made(x, torch.ones(()))


class Deciding(nn.Module):
    """A forward that no graph tells."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(2, 2, 3), nn.BatchNorm2d(2), nn.ReLU())
        self.tail = nn.Conv2d(2, 2, 1)

    def forward(self, x):
        return self.body(x) if x.sum() > 0 else self.tail(x)


def test_a_network_that_is_no_graph_is_frozen_in_parts():
    network = whole(nn.Sequential(Deciding(), nn.Conv2d(2, 2, 1), nn.ReLU()))
    made = tt.accelerate(network, freeze=True)
    assert len(frozen_layers(made)) == 2
    for x in (torch.ones(1, 2, 4, 4), -torch.ones(1, 2, 4, 4)):
        assert torch.equal(made(x), network(x))


class Noisy(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(2, 2, 1)

    def forward(self, x):
        return self.layer(x) + torch.randn(1)


def test_chance_stays_chance():
    made = tt.accelerate(Noisy(), freeze=True)
    x = torch.ones(1, 2, 1, 1)
    assert not torch.equal(made(x), made(x))


class Writing(nn.Module):
    """Somebody writes into what was repeated, before it is convolved."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x):
        x = x + 0
        large = F.interpolate(x, scale_factor=2)
        F.relu(x, inplace=True)
        return self.layer(large) + x.sum()


def test_what_is_written_in_between_changes_nothing():
    network = whole(Writing())
    x = drawn(0, 1, 1, 4, 4)
    assert torch.equal(tt.accelerate(network, freeze=True)(x), network(x))


def test_hooks_are_still_called():
    network, seen = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU())), []
    network[1].register_forward_hook(lambda *event: seen.append(type(event[2])))
    made = tt.accelerate(network, freeze=True)
    made(torch.ones(1, 1, 2, 2))
    made(torch.ones(1, 1, 2, 2))
    assert seen == [torch.Tensor, torch.Tensor]


def test_the_network_that_was_given_stays_as_it_is_and_is_trained_on():
    network = up(nn.BatchNorm2d(3), nn.ReLU()).train()
    before = copy.deepcopy(network.state_dict())
    made = tt.accelerate(network, freeze=True)
    assert [type(layer) for layer in network] == [nn.Upsample, nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
    assert network.training
    assert not any(parameter.requires_grad for parameter in made.parameters())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    network[2].eps = 1.0
    network(drawn(0, 2, 2, 4, 4)).sum().backward()
    assert network[1].weight.grad is not None


def test_a_gradient_still_reaches_the_input():
    network = up(nn.LeakyReLU(0.5))
    x = drawn(0, 1, 2, 3, 3).requires_grad_()
    want, = torch.autograd.grad(network(x).square().sum(), x)
    got, = torch.autograd.grad(tt.accelerate(network, freeze=True)(x).square().sum(), x)
    assert torch.equal(got, want)


def test_other_dtypes_and_single_samples_and_single_layers():
    network, x = up(nn.ReLU()).double(), drawn(0, 2, 4, 4)
    assert torch.equal(tt.accelerate(network, freeze=True)(x[None].double()), network(x[None].double()))
    layer = whole(nn.ConvTranspose2d(2, 3, 3, 2, 1, 1))
    assert torch.equal(tt.accelerate(layer, freeze=True)(x), layer(x))


def test_a_sample_without_a_batch_is_refused_where_pytorch_repeats_other_cells():
    with pytest.raises(ShapeError, match=r"Frozen: input has shape \(2, 4, 4\), .* give input\[None\]"):
        tt.accelerate(up(), freeze=True)(drawn(0, 2, 4, 4))


def test_computed_weights_are_written_out():
    layer = parametrizations.weight_norm(nn.ConvTranspose2d(2, 3, 4, 2, 1)).eval()
    made = tt.accelerate(nn.Sequential(layer, nn.ReLU()), freeze=True)
    x = torch.randn(1, 2, 5, 5)
    assert len(frozen_layers(made)) == 1
    assert torch.allclose(made(x), layer(x).relu(), atol=1e-5)


def test_a_frozen_network_is_exported_saved_and_compiled(tmp_path):
    network = up(nn.BatchNorm2d(3), nn.ReLU())
    made, x = tt.accelerate(network, freeze=True), drawn(0, 1, 2, 4, 4)
    want = network(x)
    assert torch.equal(torch.export.export(made, (x,)).module()(x), want)
    torch.save(made.state_dict(), tmp_path / "weights.pt")
    again = tt.accelerate(up(nn.BatchNorm2d(3), nn.ReLU()), freeze=True)
    again.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(again(x), want)
    assert torch.equal(torch.compile(made, backend="eager", fullgraph=True)(x), want)


def test_an_example_lets_each_layer_be_run_by_whoever_is_faster(monkeypatch):
    network, x = nn.Sequential(up(nn.LeakyReLU(0.5)), nn.Conv2d(3, 2, 3), nn.Sigmoid()).eval(), drawn(0, 1, 2, 4, 4)
    for theirs in (True, False):
        monkeypatch.setattr("tconv.torch.choosing._faster", lambda one, other, array, theirs=theirs: theirs)
        made = tt.accelerate(network, freeze=True, example=x)
        assert [type(layer.layer) in (nn.Conv2d, nn.ConvTranspose2d) for layer in frozen_layers(made)] == [theirs] * 2
        assert torch.allclose(made(x), network(x), atol=1e-6)


def test_an_example_that_does_not_fit_is_said_in_a_sentence():
    with pytest.raises(SettingError, match="accelerate: the network cannot be called with the example"):
        tt.accelerate(up(), freeze=True, example=drawn(0, 1, 5, 4, 4))
    with pytest.raises(SettingError, match="accelerate: example is given without freeze"):
        tt.accelerate(up(), example=drawn(0, 1, 2, 4, 4))


def test_weights_that_are_loaded_into_a_frozen_network_count_from_then_on():
    frozen = tt.accelerate(nn.Sequential(nn.ConvTranspose2d(9, 8, 4, 2, 1)), freeze=True)
    x = torch.randn(2, 9, 5, 5)
    for factor in (1, 2, -3):
        state = {name: torch.full_like(value, factor) for name, value in frozen.state_dict().items()}
        frozen.load_state_dict(state)
        weight, bias = state.values()
        assert torch.allclose(frozen(x), F.conv_transpose2d(x, weight, bias, 2, 1), rtol=0, atol=1e-4)
        assert torch.equal(copy.deepcopy(frozen)(x), frozen(x))

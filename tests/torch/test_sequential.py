"""Chains in which a layer applies the activation behind it: the same numbers and gradients, modules as they were."""

import copy
import io

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.autograd import gradgradcheck  # noqa: E402

import tconv.torch as tt  # noqa: E402
from tconv.geometry import Spec, problem_from_coarse  # noqa: E402
from tconv.torch import family, operations  # noqa: E402
from tconv.torch.activations import Finish  # noqa: E402
from tconv.torch.memory import channels_last  # noqa: E402

ACTIVATIONS = [nn.ReLU(), nn.ReLU(inplace=True), nn.LeakyReLU(0.2), nn.LeakyReLU(0.0), nn.LeakyReLU(-0.5), nn.Sigmoid(),
               nn.Tanh(), nn.GELU(), nn.GELU(approximate="tanh"), nn.SiLU()]


def chain(activation, channels=3):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(channels, 6, 3, stride=2), activation, nn.ConvTranspose2d(6, 5, 4, stride=2, padding=1),
        copy.deepcopy(activation), nn.Conv2d(5, 1, 3), nn.Sigmoid())


def results(network, x, orders=1):
    """What a network gives, and what its input and its parameters receive, of one order or two."""
    x = x.clone(memory_format=torch.preserve_format).requires_grad_()
    asked = [x, *network.parameters()]
    y = network(x)
    found = torch.autograd.grad((y * torch.linspace(-1, 1, y.shape[-1])).sum(), asked, create_graph=orders > 1)
    if orders > 1:
        found = torch.autograd.grad(sum((one**2).sum() for one in found), asked)
    return [y, *found]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("orders", [1, 2])
@pytest.mark.parametrize("small", [0, operations.SMALL])
def test_numbers_and_gradients_are_those_of_the_parts(monkeypatch, activation, layout, orders, small):
    monkeypatch.setattr(operations, "SMALL", small)
    own = chain(activation).to(memory_format=layout)
    ours = tt.accelerate(copy.deepcopy(own))
    x = torch.randn(4, 3, 13, 11).to(memory_format=layout)
    exact = results(own.double(), x.double(), orders)
    for one, other in zip(results(ours, x, orders), exact, strict=True):
        assert torch.allclose(one.double(), other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "sigmoid", "tanh"])
def test_double_gradients_equal_finite_differences(name):
    problem = problem_from_coarse(Spec.of(kernel=(3, 2), stride=(2, 1), crop=((0, 1), (-1, 2))), (3, 2))
    generator = torch.Generator().manual_seed(0)
    shapes = ((2, 2, *problem.coarse), (2, 3, *problem.kernel), (3,))
    given = [torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True) for shape in shapes]
    finish = Finish(name, 0.3)
    gradgradcheck(lambda x, w, b: family.conv_transpose(x, w, problem, b, finish), given)


def test_the_way_back_is_one_pass_by_the_engine(monkeypatch):
    seen = []
    back = operations.engine.before_finish
    monkeypatch.setattr(operations, "SMALL", 0)

    def spied(*rest, **more):
        seen.append(rest)
        return back(*rest, **more)

    monkeypatch.setattr(operations.engine, "before_finish", spied)
    network = tt.accelerate(chain(nn.ReLU())).to(memory_format=torch.channels_last)
    network(torch.randn(2, 3, 9, 9).to(memory_format=torch.channels_last)).sum().backward()
    assert [activation for _, _, activation, _ in seen] == ["sigmoid", "relu", "relu"]


def test_a_layer_and_its_activation_are_one_call(monkeypatch):
    seen = []
    computed = operations._computed

    def spied(name, *rest):
        seen.append((name, rest[-1]))
        return computed(name, *rest)

    monkeypatch.setattr(operations, "_computed", spied)
    network = tt.accelerate(chain(nn.ReLU()))
    network(torch.randn(2, 3, 9, 9)).sum().backward()
    assert [(name, finish.activation) for name, finish in seen[:3]] == [
        ("conv", "relu"), ("conv_transpose", "relu"), ("conv", "sigmoid")]
    assert all(finish.activation is None for _, finish in seen[3:])


def test_parts_that_are_taken_out_work_by_themselves():
    network = tt.accelerate(chain(nn.ReLU()))
    x = torch.randn(2, 3, 9, 9)
    sums = network[0](x)
    assert (sums < 0).any()
    assert torch.equal(network[:1](x), sums)
    assert torch.equal(network[:2](x), sums.relu())
    assert type(network[:2]) is type(network)
    assert str(network) == str(chain(nn.ReLU()))


def test_hooks_see_what_they_always_saw():
    x = torch.randn(2, 3, 9, 9)
    network = tt.accelerate(chain(nn.ReLU()))
    want, sums = network(x), network[0](x)
    seen = []
    handle = network[0].register_forward_hook(lambda layer, given, out: seen.append(out))
    assert torch.allclose(network(x), want)
    assert torch.equal(seen.pop(), sums)
    handle.remove()
    with nn.modules.module.register_module_forward_hook(lambda layer, given, out: seen.append(type(layer).__name__)):
        network(x)
    assert seen == ["Conv2d", "ReLU", "ConvTranspose2d", "ReLU", "Conv2d", "Sigmoid", "Sequential"]
    network[1].forward = lambda values: values * 0
    assert torch.allclose(network(x), network[2:](torch.zeros_like(sums)))


def test_state_and_copies_are_as_ever():
    network = tt.accelerate(chain(nn.Tanh()))
    assert list(network.state_dict()) == list(chain(nn.Tanh()).state_dict())
    buffer = io.BytesIO()
    torch.save(network, buffer)
    buffer.seek(0)
    x = torch.randn(2, 3, 9, 9)
    assert torch.equal(torch.load(buffer, weights_only=False)(x), network(x))
    assert torch.equal(copy.deepcopy(network)(x), network(x))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_from_one_channel_on_all_lies_as_the_weights_do(layout):
    network = tt.accelerate(chain(nn.ReLU(), channels=1)).to(memory_format=layout)
    seen = []
    spy = nn.Identity()
    spy.register_forward_hook(lambda layer, given, out: seen.append(out.is_contiguous(memory_format=layout)))
    inner = type(network)(network[0], network[1], spy, *network[2:])
    inner(torch.randn(2, 1, 9, 9)).sum().backward()
    assert seen == [True]


UPSAMPLER = [nn.ConvTranspose2d(4, 6, 4, 2, 1), nn.BatchNorm2d(6), nn.ReLU(),
             nn.Sequential(nn.Conv2d(6, 8, 3), nn.PixelShuffle(2)), nn.Dropout(0.0), nn.ConvTranspose2d(2, 5, 3),
             nn.Tanh()]


def in_double(network, x, given):
    """What the same network gives in float64, and what its input and its parameters receive."""
    exact, wide = copy.deepcopy(network).double(), x.detach().double().requires_grad_()
    y = exact(wide)
    y.backward(given.double())
    return [y, wide.grad, *(one.grad for one in exact.parameters())]


@pytest.mark.parametrize("batched", [True, False])
def test_within_a_chain_channels_lie_last_and_what_leaves_it_is_plain(monkeypatch, batched):
    monkeypatch.setattr(operations, "SMALL", 0)
    torch.manual_seed(0)
    own = nn.Sequential(*(copy.deepcopy(part) for part in UPSAMPLER if batched or type(part) is not nn.BatchNorm2d))
    ours, laid = tt.accelerate(copy.deepcopy(own)), []
    real = family.contract
    monkeypatch.setattr(family, "contract", lambda name, first, second, *rest: laid.append(
        (name, channels_last(first))) or real(name, first, second, *rest))
    x = torch.randn(2, 4, 5, 6)[() if batched else 0].requires_grad_()
    y = ours(x)
    shuffled = batched  # PixelShuffle lays a single sample out anew
    assert laid == [("conv_transpose", False), ("conv", True), ("conv_transpose", shuffled)]
    given = torch.randn_like(y)
    y.backward(given)
    assert y.is_contiguous()
    y.view(-1)  # as whoever takes it may do
    for one, other in zip([y, x.grad, *(one.grad for one in ours.parameters())], in_double(own, x, given), strict=True):
        assert torch.allclose(one.double(), other, rtol=1e-3, atol=1e-4)


def test_a_part_that_stands_twice_in_a_chain_works_twice():
    layer, twice = nn.Conv2d(2, 2, 3), nn.ReLU()
    own = nn.Sequential(layer, twice, layer, nn.Sequential(layer, twice))
    x = torch.randn(2, 2, 9, 9)
    assert torch.allclose(tt.accelerate(copy.deepcopy(own))(x), own(x), atol=1e-5)


def test_before_a_part_that_may_look_all_lies_as_in_pytorch():
    class Flat(nn.Module):
        def forward(self, x):
            return x.view(x.shape[0], -1).view(x.shape)  # fails unless x is plain

    network = tt.accelerate(nn.Sequential(nn.Conv2d(2, 3, 3), nn.Conv2d(3, 4, 3), nn.ReLU(), Flat(), nn.Conv2d(4, 5, 1),
                                          nn.MaxPool2d(2), nn.Conv2d(5, 2, 1)))
    with torch.no_grad():
        assert network(torch.randn(2, 2, 9, 9)).is_contiguous()
    assert network(torch.randn(2, 2, 9, 9)).is_contiguous()


def test_a_frozen_chain_is_fused_as_ever():
    network = chain(nn.ReLU()).eval()
    frozen = tt.accelerate(tt.accelerate(copy.deepcopy(network)), freeze=True)
    assert len(list(frozen.children())) == 3
    x = torch.randn(2, 3, 9, 9)
    assert torch.allclose(frozen(x), network(x), atol=1e-5)


def test_it_compiles_and_exports():
    network = tt.accelerate(chain(nn.ReLU()).eval())
    x = torch.randn(2, 3, 9, 9)
    exported = torch.export.export(network, (x,)).module()
    assert torch.allclose(exported(x), network(x), atol=1e-5)
    traced = torch.fx.symbolic_trace(network)
    assert torch.allclose(traced(x), network(x), atol=1e-5)


def test_gradients_that_are_nowhere_in_memory_are_taken(monkeypatch):
    monkeypatch.setattr(operations, "SMALL", 0)
    network = tt.accelerate(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())).to(memory_format=torch.channels_last)
    x = torch.ones(2, 3, 5, 5).to(memory_format=torch.channels_last)
    network(x).sum().backward()  # an expanded tensor of ones
    assert np.allclose(network[0].bias.grad.numpy(), (network[0](x) > 0).sum((0, 2, 3)).numpy())

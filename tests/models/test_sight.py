"""Receptive fields against what gradients show: a network of positive weights, and which inputs move one output."""

import numpy as np
import pytest

from tconv.geometry import Axis, Layer, receptive_field
from tconv.models import inspect, read
from tconv.models.sight import sights

pytest.importorskip("torch", reason="needs PyTorch: pip install 'tconv[torch]'")

import torch
from torch import nn


class Skip(nn.Module):
    """Two ways side by side, joined."""

    def __init__(self, *ways):
        super().__init__()
        self.ways = nn.ModuleList(ways)

    def forward(self, x):
        found = [way(x) for way in self.ways]
        least = min(one.shape[-1] for one in found)
        return torch.cat([one[..., :least] for one in found], 1)


NETWORKS = {
    "chain": lambda: nn.Sequential(nn.Conv1d(1, 1, 3, padding=1), nn.ConvTranspose1d(1, 1, 3, stride=2, padding=1)),
    "holes": lambda: nn.Sequential(nn.ConvTranspose1d(1, 1, 2, stride=3), nn.Conv1d(1, 1, 2)),
    "dilated": lambda: nn.Sequential(nn.Conv1d(1, 1, 3, dilation=3, padding=3), nn.ConvTranspose1d(1, 1, 4, 4)),
    "hourglass": lambda: nn.Sequential(nn.Conv1d(1, 1, 4, 2, 1), nn.AvgPool1d(2), nn.Upsample(scale_factor=2),
                                       nn.Conv1d(1, 1, 3, padding=1), nn.ConvTranspose1d(1, 1, 4, 2, 1)),
    "linear": lambda: nn.Sequential(nn.Upsample(scale_factor=3, mode="linear"), nn.Conv1d(1, 1, 3, padding=1)),
    "branches": lambda: nn.Sequential(Skip(nn.Conv1d(1, 1, 7, padding=3), nn.Sequential(
        nn.Conv1d(1, 1, 2, 2), nn.Conv1d(1, 1, 3, padding=1), nn.ConvTranspose1d(1, 1, 2, 2))), nn.Conv1d(2, 1, 1)),
    "padded": lambda: nn.Sequential(nn.ZeroPad1d((3, 0)), nn.Conv1d(1, 1, 4), nn.ConvTranspose1d(1, 1, 6, 3, 2)),
}


def positive(network):
    for parameter in network.parameters():
        nn.init.uniform_(parameter, 0.1, 1.0)
    return network.eval()


def moved(network, size, cell):
    """The inputs that one cell of the output depends on."""
    x = torch.ones(1, 1, size, requires_grad=True)
    network(x)[0, 0, cell].backward()
    return np.flatnonzero(x.grad.numpy()[0, 0])


@pytest.mark.parametrize("name", NETWORKS)
def test_an_output_sees_the_inputs_that_move_it(name):
    network, size = positive(NETWORKS[name]()), 96
    found = read(network, shape=(1, 1, size))
    look = sights(found.graph, 0)
    length = network(torch.ones(1, 1, size)).shape[-1]
    (value,) = found.graph.inputs
    start = length // 2 // look.phases * look.phases
    shown = [moved(network, size, start + phase) for phase in range(look.phases)]
    assert look.sizes[value] == tuple(cells[-1] - cells[0] + 1 if cells.size else 0 for cells in shown)
    assert look.counts[value] == tuple(cells.size for cells in shown)


def test_a_stack_has_the_receptive_field_that_geometry_tells():
    network = nn.Sequential(nn.Conv1d(1, 1, 5, 2), nn.ConvTranspose1d(1, 1, 3, 2), nn.ConvTranspose1d(1, 1, 5, 3))
    stack = [Layer(Axis(5, 2)), Layer(Axis(3, 2), transposed=True), Layer(Axis(5, 3), transposed=True)]
    graph, want = read(network, shape=(1, 1, 64)).graph, receptive_field(stack)
    look = sights(graph, 0)
    assert (look.phases, look.sizes[graph.inputs[0]]) == (want.period, want.sizes)


def test_what_averages_the_whole_input_is_named():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4), nn.ConvTranspose2d(4, 3, 4, 2, 1))
    found = inspect(network, shape=(1, 3, 9, 9))
    assert found.through == ("1",)
    assert list(found.seen.values()) == [((4, 4), (4, 4))]

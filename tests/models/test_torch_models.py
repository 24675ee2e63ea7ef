"""PyTorch modules and exported programs: traced through functions and parametrizations, stored and live."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch: pip install 'tconv[torch]'")

import torch
from torch import nn
from torch.nn import functional

from tconv.models import read


def axes(fact):
    return [(axis.kernel, axis.stride, axis.dilation, axis.crop) for axis in fact.spec.axes]


class Many(nn.Module):
    """One of each."""

    def __init__(self):
        super().__init__()
        self.up = nn.utils.parametrizations.weight_norm(nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1, groups=2))
        self.norm = nn.BatchNorm2d(6)
        self.blur = nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.ReflectionPad2d(1),
                                  nn.Conv2d(6, 8, 3))
        self.deal = nn.PixelShuffle(2)

    def forward(self, x):
        x = functional.relu(self.norm(self.up(x)))
        x = self.deal(torch.tanh(self.blur(x)))
        return functional.silu(functional.interpolate(x, scale_factor=2)).repeat_interleave(3, 3)


def test_a_module_is_read_through_functions_and_parametrizations_and_left_as_it_was():
    module = Many().train()
    found = read(module, shape=(2, 4, 5, 5))
    assert all(part.training for part in module.modules())
    up, blur, deal, near, repeated = found.upsampling
    assert (up.where, axes(up), up.groups, up.norm.kind, up.activation) == (
        "up", [(3, 2, 1, (1, 0))] * 2, 2, "batch", "relu")
    np.testing.assert_allclose(up.kernel, module.up.weight.detach().numpy().transpose(2, 3, 1, 0), rtol=1e-6)
    assert up.multiply_adds == 2 * 14**2 * 4 * 6 // 2
    assert (blur.kind, blur.where, blur.resize.interpolation, blur.padding, blur.activation) == (
        "resize_conv", "blur.2", "bilinear", "reflect", "tanh")
    assert (deal.kind, deal.shuffle, deal.order) == ("shuffle", (2, 2), "CRD")
    assert (near.scale, near.activation, repeated.scale, repeated.resize.way) == ((2, 2), "silu", (1, 3), "repeat")
    assert repeated.output == (80, 240)


def test_a_module_without_a_shape_tells_all_but_its_sizes():
    found = read(Many())
    assert "give shape=" in found.notes[0]
    assert [fact.kind for fact in found.upsampling] == ["conv_transpose", "resize_conv", "shuffle", "resize"]
    assert [fact.sized for fact in found.upsampling] == [False] * 4


def test_a_stored_program_is_read_without_pytorch(tmp_path):
    """Its archive is text and numbers; PyTorch's own loader would unpickle the sample input."""
    path = tmp_path / "many.pt2"
    torch.export.save(torch.export.export(Many().eval(), (torch.zeros(1, 4, 5, 5),)), path)
    code = ("import sys; from tconv.models import read; f = read(sys.argv[1]); assert 'torch' not in sys.modules; "
            "print([fact.multiply_adds for fact in f.upsampling])")
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    want = read(Many(), shape=(1, 4, 5, 5))
    assert done.stdout.strip() == str([fact.multiply_adds for fact in want.upsampling])

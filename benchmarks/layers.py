"""Every layer of `layers.csv`, ours against PyTorch in its channels_last layout: forward, input and kernel gradient.

    python benchmarks/layers.py [--threads 1 2] [--only NAME ...] [--seconds 0.3] [--json FILE] [--markdown FILE]

Both are given live kernels in their own layout, are warm, compute on the same threads, and are run in one process in
turns of a few calls, of which the first does not count; the figures are medians.
A pass is refused if the two do not compute the same. `limit` is the fraction of the machine's peak that useful work
reached; the peak is that of a large float32 matrix product in the same run.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

import tconv.torch  # noqa: F401  (the engine on PyTorch's threads)
from tconv import engine
from tconv.geometry import Extent, Problem, Spec, cost, problem_from_coarse

CONV_TRANSPOSE = {1: torch.nn.functional.conv_transpose1d, 2: torch.nn.functional.conv_transpose2d,
                  3: torch.nn.functional.conv_transpose3d}
TURNS = 5
PASSES = ("forward", "input gradient", "kernel gradient")


@dataclass(frozen=True)
class Layer:
    """One row of the list: a transposed convolution met in a real network."""

    name: str
    problem: Problem
    extent: Extent


@dataclass(frozen=True)
class Timing:
    """Medians of one pass over one layer."""

    layer: str
    passing: str
    threads: int
    ours_ms: float
    torch_ms: float
    limit: float

    @property
    def ratio(self) -> float:
        """How many times as fast as PyTorch."""
        return self.torch_ms / self.ours_ms


def layers() -> Iterator[Layer]:
    """The rows of `layers.csv`."""
    for row in csv.DictReader(Path(__file__).with_name("layers.csv").open()):
        number = {key: int(value) for key, value in row.items() if key not in ("name", "family")}
        rank = number["dims"]
        spec = Spec.of((number["kernel"],) * rank, stride=number["stride"], dilation=number["dilation"],
                       crop=((number["crop_lo"], number["crop_hi"]),) * rank, groups=number["groups"])
        problem = problem_from_coarse(spec, (number["size"],) * rank)
        yield Layer(row["name"], problem, Extent(number["batch"], number["cin"], number["cout"]))


def contenders(layer: Layer) -> dict[str, tuple[Callable[[], np.ndarray], Callable[[], np.ndarray]]]:
    """For each pass, ours and PyTorch's as functions that give the same channels-last array."""
    problem, (batch, coarse_channels, fine_channels) = layer.problem, layer.extent
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, *problem.coarse, coarse_channels), np.float32)
    y = rng.standard_normal((batch, *problem.fine, fine_channels), np.float32)
    w = rng.standard_normal((*problem.kernel, fine_channels // problem.groups, coarse_channels), np.float32)
    w /= np.sqrt(w[..., 0].size)
    first = lambda array: torch.from_numpy(array).movedim(-1, 1)  # noqa: E731
    last = lambda tensor: tensor.movedim(1, -1).numpy()  # noqa: E731
    layout = {1: torch.contiguous_format, 2: torch.channels_last, 3: torch.channels_last_3d}[problem.rank]
    tx, ty = first(x).contiguous(memory_format=layout), first(y).contiguous(memory_format=layout)
    tw = torch.from_numpy(np.moveaxis(w, (-1, -2), (0, 1)).copy()).contiguous(memory_format=layout)
    crop = tuple(min(lo, hi) for lo, hi in zip(problem.lo, problem.hi))
    extra = tuple(abs(hi - lo) for lo, hi in zip(problem.lo, problem.hi))

    def forward() -> torch.Tensor:
        full = CONV_TRANSPOSE[problem.rank](tx, tw, None, problem.stride, crop, 0, problem.groups, problem.dilation)
        trim = tuple(slice(0, size - e) if lo < hi else slice(e, size) for size, e, lo, hi in
                     zip(full.shape[2:], extra, problem.lo, problem.hi))
        return full[(..., *trim)] if any(extra) else full

    padded = ty
    if any(extra):
        pads = [(0, hi - lo) if lo < hi else (lo - hi, 0) for lo, hi in zip(problem.lo, problem.hi)]
        padded = torch.nn.functional.pad(ty, [n for pair in reversed(pads) for n in pair])
        padded = padded.contiguous(memory_format=layout)

    def backward(mask: list[bool]) -> torch.Tensor:
        gradients = torch.ops.aten.convolution_backward(
            padded, tx, tw, None, problem.stride, crop, problem.dilation, True, (0,) * problem.rank, problem.groups,
            mask)
        return next(g for g in gradients if g is not None)

    return {
        "forward": (lambda: engine.conv_transpose(x, w, problem), lambda: last(forward())),
        "input gradient": (lambda: engine.conv(y, w, problem), lambda: last(backward([True, False, False]))),
        "kernel gradient": (lambda: engine.kernel_gradient(y, x, problem),
                            lambda: np.moveaxis(backward([False, True, False]).numpy(), (0, 1), (-1, -2))),
    }


def peak(threads: int) -> float:
    """Floating-point operations a second of a large matrix product."""
    a = torch.randn(1536, 1536)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    return 2 * 1536**3 / min(times)


def medians(runs: tuple[Callable[[], object], ...], seconds: float) -> list[float]:
    """Milliseconds of each, run in turns."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(TURNS):
        for run, mine in zip(runs, times):
            run()
            stop = time.perf_counter() + seconds / TURNS
            while True:
                start = time.perf_counter()
                run()
                mine.append((time.perf_counter() - start) * 1e3)
                if time.perf_counter() > stop:
                    break
    return [statistics.median(mine) for mine in times]


def measure(layer: Layer, threads: int, seconds: float, limit: float) -> Iterator[Timing]:
    """All three passes of a layer."""
    flops = 2 * cost(layer.problem, layer.extent).multiply_adds
    for passing, (ours, theirs) in contenders(layer).items():
        a, b = ours(), theirs()
        if not np.allclose(a, b, rtol=1e-3, atol=1e-3 * float(np.abs(b).max())):
            raise SystemExit(f"{layer.name}, {passing}: the two differ; nothing is compared.")
        mine, torchs = medians((ours, theirs), seconds)
        yield Timing(layer.name, passing, threads, mine, torchs, flops / (mine * 1e-3) / limit)


def markdown(results: list[Timing]) -> str:
    """Milliseconds and ratios as tables, one for each number of threads."""
    lines: list[str] = []
    for threads in sorted({row.threads for row in results}):
        lines += [f"{threads} thread{'s' * (threads > 1)}: ours in ms, and how many times as fast as PyTorch.", "",
                  "| layer | " + " | ".join(PASSES) + " |", "|---|" + "---|" * len(PASSES)]
        mine = {(row.layer, row.passing): row for row in results if row.threads == threads}
        for layer in dict.fromkeys(name for name, _ in mine):
            cells = (mine[layer, passing] for passing in PASSES)
            lines.append(f"| {layer} | " + " | ".join(f"{row.ours_ms:.2f}, {row.ratio:.2f}" for row in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Print the table, and write it as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, os.cpu_count() or 1}))
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--json", type=Path, help="write the medians there")
    parser.add_argument("--markdown", type=Path, help="write them there as tables")
    options = parser.parse_args()
    print(f"{platform.machine()}, {engine.isa()}, torch {torch.__version__}, float32, warm, medians")
    results = []
    for threads in options.threads:
        torch.set_num_threads(threads)  # the engine follows
        limit = peak(threads)
        print(f"\n{threads} thread{'s' * (threads > 1)}: peak {limit / 1e9:.0f} GFLOP/s")
        print(f"{'layer':16}{'pass':17}{'ours ms':>10}{'torch ms':>10}{'ratio':>8}{'limit':>8}")
        for layer in layers():
            if options.only and layer.name not in options.only:
                continue
            for row in measure(layer, threads, options.seconds, limit):
                results.append(row)
                times = f"{row.ours_ms:10.3f}{row.torch_ms:10.3f}{row.ratio:8.2f}{row.limit:8.0%}"
                print(f"{row.layer:16}{row.passing:17}{times}", flush=True)
    worst = min(results, key=lambda row: row.ratio)
    print(f"\nslowest against PyTorch: {worst.layer}, {worst.passing}, {worst.threads} thr., {worst.ratio:.2f} times")
    if options.markdown:
        options.markdown.write_text(markdown(results))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) | {"ratio": row.ratio} for row in results], indent=1))


if __name__ == "__main__":
    main()

"""What `tconv repair` did: as data, as a table, and as pictures and spectra in a folder."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from ..diagnose import Diagnosis
from ..diagnose.drawing import spectrum_svg
from ..files import write_whole
from ..methods.channels import Array
from ..models.exchange import KINDS, Exchanged
from ..models.repair import Repair
from ..models.smooth import Smoothing
from ..models.tune import Tuned
from ..recipes.pictures import png
from .diagnose import as_data as diagnosed

__all__ = ["NAMES", "as_data", "draw", "report", "sheet"]

SHOWN = 8
NAMES = ("before-and-after.png", "spectrum-before.svg", "spectrum-after.svg", "repair.json")


def report(found: Repair, folder: Path) -> list[Path]:
    """Write pictures of results and spectra, before and after, and the figures; the files that were written."""
    written = []
    if found.results is not None and found.results[0].ndim == 4:
        written.append((folder / NAMES[0], png(sheet(*found.results))))
    for name, diagnosis in zip(NAMES[1:], (found.before, found.after)):
        if diagnosis is not None and diagnosis.spectrum.rank < 3:
            title = name.removesuffix(".svg").replace("-", " ")
            written.append((folder / name, spectrum_svg(diagnosis, title=title).encode()))
    written.append((folder / NAMES[3], json.dumps(as_data(found), indent=2).encode()))
    for path, content in written:
        write_whole(path, content)
    return [path for path, _ in written]


def sheet(before: Array, after: Array) -> Array:
    """Results before, after, and 16 times their difference about grey, as three rows of pixels three times as large."""
    low, high = before.min(), before.max()
    step = max(1, len(before) // SHOWN)
    old, new = ((each[::step][:SHOWN, ..., :3] - low) / max(high - low, 1e-30) for each in (before, after))
    rows = [old, new, 0.5 + 16 * (new - old)]
    pixels = np.rint(np.clip(np.stack(rows), 0, 1) * 255).astype(np.uint8)  # rows, samples, H, W, C
    pixels = np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] < 3 else pixels
    framed = np.pad(pixels[..., :3], ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0)), constant_values=255)
    joined = np.concatenate([np.concatenate(list(row), axis=1) for row in framed], axis=0)
    return joined.repeat(3, axis=0).repeat(3, axis=1)


def as_data(found: Repair, *places: Path) -> dict[str, Any]:
    """What was done as JSON has it; with the model's path and that of the mended one, if they are given."""
    return {
        **({"model": str(places[0]), "written": str(places[1])} if places else {}),
        "layers": [{"layer": one.where, "periods": list(one.periods), "unevenness": list(one.unevenness),
                    "moved": one.moved} for one in found.mended],
        "before": None if found.before is None else diagnosed(found.before),
        "after": None if found.after is None else diagnosed(found.after),
        "likeness": found.likeness if found.likeness != np.inf else None, "other_inputs": found.fresh,
        "errors": found.errors, "sharpness": found.sharpness,
        "tuned": None if found.tuned is None else asdict(found.tuned) | {"kept": found.tuned.kept},
        "exchanged": [asdict(one) for one in found.exchanged],
        "smoothed": [asdict(one) | {"cost": one.cost} for one in found.smoothed],
    }


def draw(console: Console, found: Repair) -> None:
    """Say what was done to which layer, and lay before and after side by side."""
    if not (found.mended or found.smoothed or found.exchanged):
        console.print("No layer was changed: " + ("no pattern was found in the results." if found.before and not
                      found.before.found else "nothing that was tried took the pattern out and left results alike."))
    for one in found.mended:
        gone = f", periods {', '.join(map(str, one.periods))} taken out" if one.periods else ""
        console.print(f"{one.where}: kernel moved by {one.moved:.2%} of its length{gone}", markup=False)
    for other in found.exchanged:
        console.print(_exchanged(other, found), markup=False, soft_wrap=True)
    for blurred in found.smoothed:
        console.print(_smoothed(blurred), markup=False, soft_wrap=True)
    if found.before is not None and found.after is not None:
        console.print(_table(found.before, found.after))
    if found.likeness is not None and found.likeness != np.inf:
        console.print(f"results are like those before to {found.likeness:.1f} dB (peak signal-to-noise ratio)"
                      + ("" if found.fresh else "; they are of the inputs that the kernels were fitted to"))
    if found.tuned is not None:
        console.print(_tuned(found.tuned), soft_wrap=True)
    if found.smoothed and found.sharpness is not None:
        console.print(f"sharpness (energy of the differences between neighbours): {found.sharpness:.1%} of that before")
    if found.errors is not None:
        before, after = found.errors
        verdict = "[red]WORSE[/]" if after > before else "no worse"
        console.print(f"mean squared error {before:.6g} before, {after:.6g} after: {verdict}")


def _smoothed(found: Smoothing) -> str:
    periods, (before, after) = "x".join(map(str, found.periods)), found.taps
    shift = ", its result half a sample elsewhere" if found.shift else ""
    return (f"{found.where}: a {found.blur} of period {periods} folded into the kernel, exactly: {before} taps became "
            f"{after}, {found.cost:.2f} times the layer's multiply-adds{shift}")


def _exchanged(one: Exchanged, found: Repair) -> str:
    left = f"{one.rest:.1%} of the kernel left out" if one.rest else "all of the kernel kept"
    far = 0.0 if found.results is None else float(np.abs(found.results[1] - found.results[0]).max())
    return (f"{one.where}: replaced by {KINDS[one.kind]}; {left}, {one.cost:.2f} times its multiply-adds; largest "
            f"difference of results {far:.3g}")


def _tuned(found: Tuned) -> str:
    before, after = found.errors
    undone = "[yellow]not better, or the pattern came back: it was undone[/]"
    verdict = f"{found.share:.0%} of it kept" if found.kept else undone
    return (f"fine-tune of {found.steps} steps: mean squared distance to what should come out {before:.6g} before it, "
            f"{after:.6g} after: {verdict}")


def _table(before: Diagnosis, after: Diagnosis) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("period", "above natural, before", "after", "deviations before", "after"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for old, new in zip(before.periods, after.periods, strict=True):
        table.add_row(str(old.period), f"{old.excess:.3g}", f"{new.excess:.3g}", f"{old.deviations:.1f}",
                      f"{new.deviations:.1f}", _verdict(old.found, new.found))
    return table


def _verdict(before: bool, after: bool) -> str:
    return {(True, False): "[green]gone[/]", (True, True): "[yellow]still found[/]", (False, True): "[red]NEW[/]",
            (False, False): "none"}[before, after]

"""An explanation in lists and numbers: what `--as json` prints, and what every page is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .cells import Cell, Index
from .gradient import KernelGradient

if TYPE_CHECKING:
    from .facts import Explanation

__all__ = ["document"]


def document(told: Explanation) -> dict[str, Any]:
    """Every view of an explanation."""
    return {**_layer(told), **{name: view(told) for name, view in VIEWS.items()}}


def _layer(told: Explanation) -> dict[str, Any]:
    problem = told.problem
    return {
        "operation": told.name,
        "setting": {"kernel": problem.kernel, "stride": problem.stride, "dilation": problem.dilation,
                    "lo": problem.lo, "hi": problem.hi, "groups": problem.groups},
        "sizes": {"coarse": problem.coarse, "fine": problem.fine,
                  "full": tuple(a.full(i) for a, i in zip(problem.axes, problem.coarse, strict=True))},
        "x": told.x.tolist(), "kernel": told.kernel.tolist(),
        "bias": None if told.bias is None else told.bias.tolist(), "result": told.result.tolist(),
    }


def _distribute(told: Explanation) -> dict[str, Any]:
    view = told.distribute
    return {
        "canvas": view.canvas, "full": view.full, "kept": view.kept,
        "stamps": [{"cell": stamp.cell, "values": stamp.values.tolist(), "pieces": [
            {"tap": piece.tap, "place": piece.place, "target": piece.target, "values": piece.values.tolist()}
            for piece in stamp.pieces]} for stamp in view.steps],
    }


def _collect(told: Explanation) -> dict[str, Any]:
    view = told.collect
    return {
        "grid": view.grid.tolist(), "real": view.real.tolist(), "kernel": view.kernel.tolist(),
        "stride": view.stride, "dilation": view.dilation,
        "windows": [{"cell": step.index, "start": step.start, "values": step.values.tolist()} for step in view.steps],
    }


def _matrix(told: Explanation) -> dict[str, Any]:
    view = told.matrix
    return {"matrix": view.array.tolist(), "taps": view.taps.tolist(), "vector": view.vector.tolist(),
            "result": view.result.tolist()}


def _phases(told: Explanation) -> dict[str, Any]:
    view = told.phases
    return {
        "together": view.together, "interleaving": view.interleaving.tolist(),
        "parts": [{"phase": part.phase, "taps": part.taps, "kernel": part.kernel.tolist(),
                   "result": part.result.tolist()} for part in view.parts],
    }


def _work(told: Explanation) -> dict[str, Any]:
    return {view: {"useful": count.useful, "executed": count.executed} for view, count in told.work.items()}


def _overlap(told: Explanation) -> dict[str, Any]:
    return {"axes": told.overlap.axes, "phases": told.overlap.phases, "counts": told.overlap.counts.tolist(),
            "even": told.overlap.even}


def _cells(told: Explanation) -> list[dict[str, Any]]:
    outs = range(told.channels[1])
    return [_cell(told.cell(index, channel)) for index in np.ndindex(told.sizes[1]) for channel in outs]


def _cell(cell: Cell) -> dict[str, Any]:
    return {"cell": cell.index, "channel": cell.channel, "value": cell.value, "bias": cell.bias, "terms": [
        {"cell": term.cell, "place": term.place, "tap": term.tap, "channel": term.channel, "x": term.x,
         "kernel": term.kernel, "product": term.product, "added": term.added} for term in cell.terms]}


def _gradient(told: Explanation) -> dict[str, Any]:
    """Both gradients of the sum of the result."""
    kernel = told.kernel_gradient()
    return {"upstream": np.ones_like(told.result).tolist(), "input": told.input_gradient().result.tolist(),
            "kernel": kernel.result.tolist(), "taps": _taps(kernel)}


def _taps(gradient: KernelGradient) -> list[dict[str, Any]]:
    found = []
    for at in np.ndindex(gradient.result.shape):
        index: Index = at[:-2]
        tap = gradient.tap(index, *at[-2:])
        found.append({"tap": tap.index, "row": tap.row, "column": tap.column, "value": tap.value, "meetings": [
            {"coarse": one.coarse_cell, "fine": one.fine_cell, "product": one.product} for one in tap.meetings]})
    return found


VIEWS = {
    "distribute": _distribute,
    "collect": _collect,
    "matrix": _matrix,
    "phases": _phases,
    "work": _work,
    "overlap": _overlap,
    "cells": _cells,
    "gradient": _gradient,
}

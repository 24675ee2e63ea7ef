"""Models in ONNX Runtime: made, run, and timed in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from ...errors import DataError, MissingExtra

try:
    import onnxruntime
except ModuleNotFoundError:  # pragma: no cover
    raise MissingExtra("tconv.models.rewrite", "onnxruntime", "onnx") from None

__all__ = ["Runner", "in_turns"]

Array = NDArray[Any]
Feed = Mapping[str, Array]
SILENT = 4
LEAST_TURNS = 7


class Runner:
    """A model ready to run.

    Args:
        model: with fixed seeds, if it draws random numbers.
        threads: 0 for as many as ONNX Runtime takes by itself.
        fused: whether ONNX Runtime may rewrite it, as it does by default.

    Raises:
        DataError: if ONNX Runtime does not take it; the message is its own.
    """

    def __init__(self, model: ModelProto, threads: int = 1, fused: bool = True):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = SILENT
        if not fused:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self.threads = threads
        try:
            self._session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                                         providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's errors have no common kind but this
            raise DataError(f"ONNX Runtime does not take the model: {_first(error)}") from None

    def __call__(self, feed: Feed) -> list[Array]:
        """The model's outputs.

        Raises:
            DataError: if ONNX Runtime cannot run it on these.
        """
        try:
            return [np.asarray(one) for one in self._session.run(None, dict(feed))]
        except Exception as error:
            raise DataError(f"ONNX Runtime cannot run the model on these inputs: {_first(error)}") from None


def in_turns(runners: Sequence[Runner], feed: Feed, seconds: float, slack: float = 2.0) -> list[float]:
    """Median seconds of each, run one after another over and over, so that all see the same machine.

    With one thread it is the thread's own time, which does not count what else the machine does.

    Args:
        runners: the first is what the others are compared with.
        feed: inputs of all.
        seconds: for all together, about.
        slack: one that is so many times slower than the fastest of the first turns is not run again.
    """
    clock = time.thread_time if all(one.threads == 1 for one in runners) else time.perf_counter
    times: list[list[float]] = [[] for _ in runners]
    for runner in runners:
        runner(feed)
    stop, turn = time.perf_counter() + seconds, 0
    while turn < LEAST_TURNS or time.perf_counter() < stop:
        best = min(map(statistics.median, filter(None, times)), default=0.0)
        for place, (runner, mine) in enumerate(zip(runners, times)):
            if place and turn >= 2 and statistics.median(mine) > slack * best:
                continue
            start = clock()
            runner(feed)
            mine.append(clock() - start)
        turn += 1
    return [statistics.median(mine) for mine in times]


def _first(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:300] + "…"

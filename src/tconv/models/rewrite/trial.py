"""A model run on inputs: what it gives and what passes through it, how long it takes, and what another gives."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf, isfinite
from typing import Any

from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, checker, helper

from ...errors import DataError, TconvError
from .compare import Difference, differences
from .feeds import feeds
from .session import Runner, in_turns

__all__ = ["Trial", "seeded"]

Array = NDArray[Any]
Feed = dict[str, Array]
NONE_OF_OURS = ("No Op registered", "No opset import for domain", "Field 'shape' of 'type' is required")
"""What the checker says of operators that are not its own, and of outputs of open shape."""
TWICE = 2  # two sessions of one model differ by a few percent, by where their memory lies
RANDOM = {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}


class Trial:
    """The original on inputs that it runs on.

    Args:
        model: the original.
        inputs, shapes: as given by the caller.
        threads: of ONNX Runtime.
        seed: of random inputs.

    Raises:
        DataError: if it runs on none of them.
    """

    def __init__(self, model: ModelProto, inputs: Mapping[str, Array], shapes: Mapping[str, Sequence[int]],
                 threads: int, seed: int):
        self.model, self.threads = seeded(model), threads
        self.outputs = [one.name for one in model.graph.output]
        self.feeds: list[Feed] = []
        self.refusal = ""
        tries = feeds(model, inputs, shapes, seed)
        try:
            Runner(self.model, threads)
        except DataError as error:
            _check(model)
            self.refusal = str(error)
            return
        self.feeds, self.truth = self._first(tries)
        self.noise = self._noise()

    @property
    def runs(self) -> bool:
        """Whether ONNX Runtime takes the model."""
        return bool(self.feeds)

    @property
    def sizes(self) -> tuple[str, ...]:
        """The shapes of the inputs, one text for each run."""
        texts = (", ".join(f"{name} {'x'.join(map(str, array.shape)) or 'one number'}" for name, array in feed.items())
                 for feed in self.feeds)
        return tuple(dict.fromkeys(texts))

    def compared(self, model: ModelProto, tolerance: float) -> Difference:
        """How far another model's outputs are from the original's, at worst: first of all one that is too far."""
        runner = Runner(seeded(model), self.threads)
        rows = [replace(one, noise=noise) for feed, truth, noises in zip(self.feeds, self.truth, self.noise)
                for one, noise in zip(differences(self.outputs, truth, runner(feed)), noises, strict=True)]
        return max(rows, key=lambda one: (not one.within(tolerance), one.relative))

    def _noise(self) -> list[list[float]]:
        """For each run and output: what it changes that the runtime fuses operators."""
        try:
            plain = Runner(self.model, self.threads, fused=False)
            rows = [differences(self.outputs, truth, plain(feed)) for feed, truth in zip(self.feeds, self.truth)]
        except DataError:  # some operators run only once they are fused
            return [[0.0] * len(self.outputs) for _ in self.feeds]
        return [[one.largest if isfinite(one.largest) else 0.0 for one in row] for row in rows]

    def passing(self, model: ModelProto, names: Sequence[str]) -> Feed:
        """What some values of a model hold while it runs on the first inputs."""
        asked = seeded(model)
        del asked.graph.output[:]
        wanted = [name for name in names if name not in self.feeds[0]]
        asked.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in wanted)
        found = dict(zip(wanted, Runner(asked, self.threads)(self.feeds[0]))) if wanted else {}
        return {name: self.feeds[0].get(name, found.get(name)) for name in names}  # type: ignore[misc]

    def timed(self, model: ModelProto, seconds: float) -> tuple[float, float]:
        """Median seconds of the original and of another model, in turns."""
        runners = [Runner(one, self.threads) for one in (self.model, seeded(model)) * TWICE]
        times = in_turns(runners, self.feeds[0], seconds, slack=inf)
        return min(times[::2]), min(times[1::2])

    def _first(self, tries: Iterator[list[Feed]]) -> tuple[list[Feed], list[list[Array]]]:
        refusals: list[str] = []
        for found in tries:
            runner, truth = Runner(self.model, self.threads), []
            try:
                truth = [runner(feed) for feed in found[:1]]
                truth += [runner(feed) for feed in found[1:]]
            except TconvError as error:
                refusals.append(str(error))
            if truth:
                return found[: len(truth)], truth
        raise DataError(f"optimize: {refusals[0]} Give sizes with --shape NAME=1x3x224x224, or real inputs with "
                        "--input NAME=FILE.npy.")


def _check(model: ModelProto) -> None:
    """Refuse what ONNX's checker finds wrong too; operators that it does not know are not."""
    try:
        checker.check_model(model)
    except (checker.ValidationError, ValueError) as error:
        said = " ".join(str(error).split())
        if not any(words in said for words in NONE_OF_OURS):
            raise DataError(f"optimize: the model is no valid one: {said[:300]}") from None


def seeded(model: ModelProto) -> ModelProto:
    """The model with seeds wherever it draws random numbers, so that two of them draw the same."""
    copy = ModelProto()
    copy.CopyFrom(model)
    _seed(copy.graph)
    return copy


def _seed(graph: GraphProto) -> None:
    for node in graph.node:
        if node.op_type in RANDOM and not any(one.name == "seed" for one in node.attribute):
            node.attribute.append(helper.make_attribute("seed", float(zlib.crc32(node.output[0].encode()) % 2**20)))
        for one in node.attribute:
            if one.HasField("g"):
                _seed(one.g)

"""A convnet run backwards: what in a picture a feature answered to (Zeiler and Fergus, 2014, arXiv:1311.2901).

The picture goes through the network; of one feature's answers the strongest is kept, everything else is silenced; and
that one number goes back to the pixels, through the same kernels transposed, to the places that max-pooling remembers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import SettingError, ShapeError
from ..geometry import whole
from .backwards import Step, step
from .facts import ModelFacts
from .graph import Array, Graph, Node
from .reading import read

__all__ = ["Answer", "Projection", "answers", "project"]


@dataclass(frozen=True, eq=False)
class Answer:
    """What a layer said to a picture: for each feature a map, after the norm and the activation behind it.

    Args:
        where: the layer's place in the model.
        picture: shape `(*I, C)`, as it was given.
        maps: shape `(*O, features)`.
        path: what was done, node by node.
    """

    where: str
    picture: Array
    maps: Array
    path: tuple[tuple[Node, Step], ...]

    def strongest(self, count: int) -> tuple[int, ...]:
        """The features that answer most, the strongest first."""
        peaks = self.maps.reshape(-1, self.maps.shape[-1]).max(0)
        return tuple(int(number) for number in np.argsort(-peaks, kind="stable")[:count] if peaks[number] > 0)


@dataclass(frozen=True, eq=False)
class Projection:
    """One answer of one feature, back at the pixels.

    Args:
        where: the layer's place in the model.
        feature: its number, from 0.
        place: where in the feature's map it answered most.
        value: how much.
        pixels: what of the picture it answered to, shape `(*I, C)`; negative where less would have been more.
        window: for each axis where the signal begins and ends in the picture.
    """

    where: str
    feature: int
    place: tuple[int, ...]
    value: float
    pixels: Array
    window: tuple[tuple[int, int], ...]


def answers(model: Any, picture: ArrayLike, *, layer: str) -> Answer:
    """What a layer of a trained network says to a picture.

    Args:
        model: a path or a model in memory, as `tconv.models.read` takes it.
        picture: one sample as the model takes it, without its batch but with channels last, `(*I, C)`.
        layer: a convolution's place, or the end of it that tells it from others.

    Raises:
        DataError, MissingExtra: as `read` does.
        SettingError: if there is no such layer, or several.
        ShapeError: if the picture does not fit.
        UnsupportedError: if something before the layer has no way back.
    """
    x = np.asarray(picture, np.float32)
    if x.ndim < 2 or not np.isfinite(x).all():
        raise ShapeError(f"deconvnet: the picture has shape {x.shape}; give finite numbers, sizes and then channels.")
    facts = _read(model, x.shape)
    target = _found(facts, layer)
    graph, path = facts.graph, []
    values: dict[str, Array] = {graph.inputs[0]: x[None]}
    for node in _needed(graph, _last_of(graph, target)):
        if any(value not in values for value in node.inputs):
            raise SettingError(f"deconvnet: {node.where!r} takes more than the picture; take a layer before it.")
        done = step(node, tuple(values[value] for value in node.inputs), graph)
        values[node.output] = done.result
        path.append((node, done))
    return Answer(target.where, x, path[-1][1].result[0], tuple(path))


def project(answer: Answer, feature: int, *, place: Sequence[int] | None = None) -> Projection:
    """One answer of a feature back at the pixels.

    Args:
        answer: as `answers` gives it.
        feature: its number, from 0.
        place: in the feature's map; by default where it is the strongest.

    Raises:
        SettingError: if there is no such feature or place.
    """
    maps = answer.maps
    number = whole("deconvnet", "feature", feature, 0)
    if number >= maps.shape[-1]:
        raise SettingError(f"deconvnet: feature is {feature}, but {answer.where} has {maps.shape[-1]}, from 0.")
    grid = maps.shape[:-1]
    spot: tuple[Any, ...] = np.unravel_index(int(maps[..., number].argmax()), grid) if place is None else tuple(place)
    if len(spot) != len(grid) or not all(0 <= at < size for at, size in zip(spot, grid)):
        raise SettingError(f"deconvnet: place is {place}, but the feature's map has sizes {grid}.")
    chosen = tuple(int(at) for at in spot)
    lone = np.zeros((1, *maps.shape), maps.dtype)
    lone[(0, *chosen, number)] = maps[(*chosen, number)]
    pixels = _backwards(answer.path, lone)[0]
    return Projection(answer.where, number, chosen, float(maps[(*chosen, number)]), pixels, _window(pixels))


def _backwards(path: Sequence[tuple[Node, Step]], signal: Array) -> Array:
    """A signal at the end of a path, at its start."""
    signals: dict[str, Array] = {path[-1][0].output: signal}
    for node, done in reversed(path):
        arriving = signals.pop(node.output, None)
        if arriving is None:
            continue
        for value, part in zip(node.inputs, done.back(arriving), strict=True):
            signals[value] = signals[value] + part if value in signals else part
    (found,) = signals.values()
    return found


def _window(pixels: Array) -> tuple[tuple[int, int], ...]:
    lit = np.argwhere(np.any(pixels != 0, axis=-1))
    if not len(lit):
        return ((0, 0),) * (pixels.ndim - 1)
    return tuple((int(lo), int(hi) + 1) for lo, hi in zip(lit.min(0), lit.max(0), strict=True))


def _read(model: Any, shape: tuple[int, ...]) -> ModelFacts:
    """The model, met by one picture of this shape."""
    for batch in ((1, *shape), (1, shape[-1], *shape[:-1])):
        try:
            facts = read(model, shape=batch)
        except ShapeError:
            continue
        first = (1, *shape) if facts.graph.last else (1, shape[-1], *shape[:-1])
        if len(facts.graph.inputs) == 1 and _fits(facts.graph.shapes.get(facts.graph.inputs[0], ()), first):
            return facts
    raise ShapeError(f"deconvnet: the model does not take a picture of shape {shape}; give it sizes and channels as "
                     "the model was trained on.")


def _fits(said: Sequence[int | None], given: Sequence[int]) -> bool:
    return len(said) == len(given) and all(a in (None, b) for a, b in zip(said[1:], given[1:], strict=True))


def _found(facts: ModelFacts, layer: str) -> Node:
    """The convolution of this name."""
    nodes = [node for node in facts.graph.nodes if node.op in ("conv", "conv_transpose")]
    exact = [node for node in nodes if node.where == layer]
    found = exact or [node for node in nodes if node.where.endswith(layer)]
    if len(found) != 1:
        names = ", ".join(node.where for node in nodes[:20]) or "none"
        raise SettingError(f"deconvnet: layer is {layer!r}, which names {len(found) or 'no'} convolution"
                           f"{'s' * (len(found) != 1)}; the model's are {names}.")
    return found[0]


def _last_of(graph: Graph, node: Node) -> Node:
    """The last of a norm and an activation right behind a layer, or the layer."""
    takers: Mapping[str, tuple[Node, ...]] = graph.takers()
    while True:
        behind = takers.get(node.output, ())
        if len(behind) != 1 or behind[0].op not in ("norm", "activation", "same") or node.op == "activation":
            return node
        node = behind[0]


def _needed(graph: Graph, last: Node) -> list[Node]:
    """What has to be done to get there, in order."""
    makers = {value: node for node in graph.nodes for value in node.outputs}
    wanted, todo = set(), [last]
    while todo:
        node = todo.pop()
        if node.where not in wanted:
            wanted.add(node.where)
            todo += [makers[value] for value in node.inputs if value in makers]
    return [node for node in graph.nodes if node.where in wanted]

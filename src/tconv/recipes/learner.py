"""A compiled Keras model as a learner: one step is `train_on_batch`, on any backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..methods.channels import Array

__all__ = ["Compiled"]


class Compiled:
    """Learns as a compiled Keras model does, with the losses and metrics that it was compiled with.

    Its metrics begin anew at each step, so there is nothing of theirs to keep between two.
    """

    def __init__(self, model: Any):
        self.model = model

    def step(self, *batch: Array) -> Mapping[str, float]:
        """Learn from inputs, targets and, where given, weights."""
        return self.model.train_on_batch(*batch, return_dict=True)  # type: ignore[no-any-return]

    def test(self, *batch: Array) -> Mapping[str, float]:
        """The same means, without learning."""
        return self.model.test_on_batch(*batch, return_dict=True)  # type: ignore[no-any-return]

    def variables(self) -> Sequence[Any]:
        """Weights, seed generators, and what the optimizer remembers (its moments, its averages, its steps)."""
        model = self.model
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        return [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]

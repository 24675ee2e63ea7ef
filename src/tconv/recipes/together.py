"""A learner shared by many processes: each learns from its own rows of every batch.

Every rank holds all variables, draws the same batches and computes on its own rows of them; `keras.distribution` and
JAX's multi-process runtime add up the rest, batch statistics and metrics included, so that a step is the one that a
single process would take with the whole batch. Rank 0 alone writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import RankError
from ..methods.channels import Array
from .ranks import Ranks
from .recipe import Learner

__all__ = ["Together", "noticed"]

GONE = ("gloo", "nccl", "connection", "coordination service", "deadline", "unavailable")


class Together:
    """A learner whose batches are shared out: each rank gives its own rows, all get the same numbers back.

    Args:
        ranks: who takes part.
        make: makes the learner; called where its variables are spread over all ranks.
    """

    def __init__(self, ranks: Ranks, make: Callable[[], Learner]):
        self.ranks = ranks
        self.spread = _spread()
        with self._here():
            self.learner = make()
        self.model = self.learner.model

    def step(self, *batch: Array) -> Mapping[str, float]:
        """Learn from a batch that every rank has drawn alike."""
        return self._each(self.learner.step, batch)

    def test(self, *batch: Array) -> Mapping[str, float]:
        """The same numbers, without learning."""
        return self._each(self.learner.test, batch)

    def variables(self) -> Sequence[Any]:
        """The learner's own; their values are the same on all ranks."""
        with self._here():
            return self.learner.variables()

    def _each(self, work: Callable[..., Mapping[str, float]], batch: tuple[Array, ...]) -> Mapping[str, float]:
        count = len(batch[0])
        # The rest at an epoch's end may not divide: then each rank computes all of it.
        share, over = divmod(count, self.ranks.count)
        self.spread.whole = bool(over)
        mine = slice(None) if over else slice(self.ranks.rank * share, (self.ranks.rank + 1) * share)
        with self._here(), noticed():
            return {name: float(value) for name, value in work(*(part[mine] for part in batch)).items()}

    @contextmanager
    def _here(self) -> Iterator[None]:
        with self.spread.scope():
            yield


def _spread() -> Any:
    """Keras' own data parallelism over every device of every rank, but for batches that do not divide."""
    import keras

    class Spread(keras.distribution.DataParallel):  # type: ignore[misc]
        whole = False

        def get_data_layout(self, data_shape: Sequence[int]) -> Any:
            if not self.whole:
                return super().get_data_layout(data_shape)
            return keras.distribution.TensorLayout([None] * len(data_shape), self.device_mesh)

    return Spread(auto_shard_dataset=False)


@contextmanager
def noticed() -> Iterator[None]:
    """Within this context, what a connection says when the other side is gone becomes a sentence.

    Raises:
        RankError: if another rank is gone.
    """
    try:
        yield
    except (RuntimeError, ValueError) as error:
        if not any(word in str(error).lower() for word in GONE):
            raise
        raise RankError("train: another process of this training is gone; what all had learned at the last checkpoint "
                        "is whole. Start all of them again, with --resume.") from error

"""What Keras layers on grids share: the data format, and shapes with a grid in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ..errors import SettingError, ShapeError

__all__ = ["Shape", "Spatial"]

Shape = Sequence[int | None]


class Spatial(keras.layers.Layer):
    """A layer on grids: keeps the data format, and lets the rest be written for channels last."""

    def __init__(self, data_format: str | None = None, **options: Any):
        super().__init__(**options)
        self.data_format = keras.config.image_data_format() if data_format is None else data_format
        if self.data_format not in ("channels_last", "channels_first"):
            raise SettingError(f"{type(self).__name__}: data_format is {data_format!r}, but has to be channels_last or "
                               "channels_first.")

    @property
    def _first(self) -> bool:
        return self.data_format == "channels_first"

    def _last(self, x: Any) -> Any:
        """Channels moved to the end."""
        return ops.moveaxis(x, 1, -1) if self._first else x

    def _back(self, x: Any) -> Any:
        """Channels moved back to where the data format has them."""
        return ops.moveaxis(x, -1, 1) if self._first else x

    def _grid(self, shape: Shape) -> list[int | None]:
        if len(shape) < 3:
            raise ShapeError(f"{type(self).__name__}: the input has shape {tuple(shape)}, but has to have a batch, one "
                             "size or more, and channels.")
        return list(shape[2:] if self._first else shape[1:-1])

    def _shape(self, shape: Shape, grid: Sequence[int | None], channels: int | None = None) -> tuple[int | None, ...]:
        """`shape` with another grid, and other channels if given."""
        channels = (shape[1] if self._first else shape[-1]) if channels is None else channels
        return (shape[0], channels, *grid) if self._first else (shape[0], *grid, channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}

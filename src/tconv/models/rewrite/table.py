"""The passes, in the order in which they are tried."""

from __future__ import annotations

from .auto_pad import AUTO_PAD
from .channels_apart import CHANNELS_APART
from .crop import CROP
from .fold import BATCH_NORM, BIAS, SCALE
from .output_padding import OUTPUT_PADDING
from .output_shape import OUTPUT_SHAPE
from .pad import PAD
from .phases import BLOCKS, PHASES
from .resize_conv import RESIZE_CONV
from .separable import SEPARABLE
from .site import Pass
from .zero_tap import ZERO_TAP

__all__ = ["PASSES"]

PASSES: dict[str, Pass] = {one.name: one for one in (
    AUTO_PAD, OUTPUT_SHAPE, OUTPUT_PADDING, CROP, PAD, BATCH_NORM, SCALE, BIAS,
    CHANNELS_APART, SEPARABLE, RESIZE_CONV, BLOCKS, PHASES, ZERO_TAP,
)}

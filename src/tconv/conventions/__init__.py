"""Each framework's words for a setting and its kernel layout, to ours and back; imports none of the frameworks."""

from .convention import Channels, Convention, Layer
from .convert import Conversion, convert
from .rewrite import block_diagonal, leading_zero_tap, write_out_dilation
from .table import CONVENTIONS
from .text import parse

__all__ = [
    "CONVENTIONS",
    "Channels",
    "Convention",
    "Conversion",
    "Layer",
    "block_diagonal",
    "convert",
    "leading_zero_tap",
    "parse",
    "write_out_dilation",
]

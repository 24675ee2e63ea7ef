"""Each framework's words for a setting and its kernel layout, to ours and back; imports none of the frameworks."""

from .convention import Channels, Convention, Layer
from .convert import Conversion, convert
from .rewrite import block_diagonal, leading_zero_tap, write_out_dilation
from .spelling import Spelling, spell
from .table import CONVENTIONS, CONVOLUTIONS
from .text import parse

__all__ = [
    "CONVENTIONS",
    "CONVOLUTIONS",
    "Channels",
    "Convention",
    "Conversion",
    "Layer",
    "Spelling",
    "block_diagonal",
    "convert",
    "leading_zero_tap",
    "parse",
    "spell",
    "write_out_dilation",
]

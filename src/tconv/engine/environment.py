"""What the environment may say to the engine. What it says otherwise counts as not said, and the user is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from warnings import warn

__all__ = ["check"]

ISAS = ("amx", "avx512", "avx2", "baseline")

KNOWN: dict[str, tuple[Callable[[str], bool], str]] = {
    "TCONV_ISA": (ISAS.__contains__, f"one of {', '.join(ISAS)}"),
    "TCONV_NUM_THREADS": (lambda text: text.isdecimal() and text.isascii() and 1 <= int(text) < 2**31,
                          "a whole number of threads, 1 or more"),
    "TCONV_SPLIT": (("0", "1").__contains__, "1, or 0 for no"),
    "TCONV_WINOGRAD": (("0", "1").__contains__, "1, or 0 for no"),
}


def check(environment: Mapping[str, str] = os.environ) -> None:
    """Warn of each variable that says what it cannot. One that is empty is not set.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     check({"TCONV_ISA": "AVX2", "TCONV_NUM_THREADS": ""})
    >>> print(told[0].message)
    TCONV_ISA is 'AVX2', but has to be one of amx, avx512, avx2, baseline; it is taken as not set.
    """
    for name, (fits, wanted) in KNOWN.items():
        text = environment.get(name, "")
        if text and not fits(text):
            warn(f"{name} is {text!r}, but has to be {wanted}; it is taken as not set.", RuntimeWarning, stacklevel=2)

"""What the engine runs with: instructions, threads, and the ways that have to be asked for."""

from __future__ import annotations

from ..errors import SettingError
from ..geometry.axis import whole
from .compiled import native

__all__ = [
    "borrow_threads", "half_isa", "isa", "set_split", "set_threads", "set_winograd", "split", "threads", "winograd",
]


def isa() -> str:
    """The instruction set that the kernels run with on this processor; `portable` without the compiled part."""
    return native.isa() if native else "portable"


def half_isa() -> str:
    """What multiplies bfloat16 numbers: `amx`, or `vectors` where the processor has no instructions that are used for
    it; `portable` without the compiled part.
    """
    return native.half_isa() if native else "portable"


def threads() -> int:
    """How many threads a call may use.

    What `set_threads` or the variable `TCONV_NUM_THREADS` said; or else `torch.get_num_threads()` once `tconv.torch`
    is imported; or else the cores of this process.
    """
    return native.threads() if native else 1


def set_threads(count: int | None) -> None:
    """Let each call use up to `count` threads, >= 1, from now on; None leaves it to the process again.

    Raises:
        SettingError: if `count` is not a whole number in its range.
    """
    number = 0 if count is None else whole("set_threads", "count", count, 1)
    if native:
        native.set_threads(number)


def borrow_threads(parallel: int, max_threads: int, in_parallel: int) -> None:
    """Compute on the threads of an OpenMP runtime that the process has already, instead of an own pool.

    Args:
        parallel: address of `GOMP_parallel`.
        max_threads: address of `omp_get_max_threads`.
        in_parallel: address of `omp_in_parallel`.
    """
    if native:
        native.borrow_threads(parallel, max_threads, in_parallel)


def winograd() -> bool:
    """Whether Winograd's tiles are used where they win: what `set_winograd` or the variable `TCONV_WINOGRAD=1` said."""
    return bool(native and native.winograd())


def set_winograd(use: bool) -> None:
    """Let calls from now on compute by Winograd's tiles where counted work says that they win, or by none.

    Layers with two or three taps a phase along the last two axes (3x3 at stride 1; 4x4, 5x5 and 6x6 at stride 2; 9x9 at
    stride 3) then take up to 2.25 times fewer multiplications. Sums of whole numbers stay exact; the error of others
    grows, and a number that is not finite spoils the results of its tiles: see the documentation of the engine.

    Raises:
        SettingError: if `use` is neither True nor False.
    """
    _set("set_winograd", use)


def split() -> bool:
    """Whether float32 layers go in bfloat16 parts where that wins: what `set_split` or `TCONV_SPLIT=1` said."""
    return bool(native and native.split())


def set_split(use: bool) -> None:
    """Let float32 layers from now on go in bfloat16 parts where counted work says that they win, or not.

    Each number is the sum of three bfloat16 ones; of the nine products of two such sums six count, and the three that
    do not are less than a float32 number's rounding. Where the processor has AMX, up to twice as many float32
    multiply-adds a second come of it in `conv_transpose` and `conv`. Sums of whole numbers that stay below 2^23 are
    exact; others are as far off as without. Infinities become NaN, and numbers below 1e-33 in size lose digits: see the
    documentation of the engine.

    Raises:
        SettingError: if `use` is neither True nor False.
    """
    _set("set_split", use)


def _set(name: str, use: bool) -> None:
    if not isinstance(use, bool):
        raise SettingError(f"{name}: use is {use!r}, but has to be True or False.")
    if native:
        getattr(native, name)(int(use))

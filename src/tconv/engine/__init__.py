"""The fast path on CPUs: the three contractions in C++, for float32 and bfloat16 arrays in channels-last layout.

Sums are always made in float32. Arrays of float16, and of several dtypes, are made float32 first, and the result is
rounded once. Where NumPy has no bfloat16, its numbers may come, and then go, as their bits, in arrays of uint16.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import SettingError, ShapeError, UnsupportedError
from ..geometry import Extent, Problem
from ..geometry.axis import whole
from ..methods.activations import ACTIVATIONS
from ..methods.channels import Array
from . import arrays
from .arrays import HALVES
from .memory import keep_memory
from .packed import Packed
from .plans import BY_HALVES, Plan

_native: Any
try:
    from . import _native  # type: ignore[attr-defined,no-redef]
except ImportError:  # the portable package: no compiler at build time
    _native = None

__all__ = [
    "HALVES", "TOLD", "Packed", "Plan", "available", "before_finish", "borrow_threads", "conv", "conv_transpose",
    "finish", "half_isa", "isa", "keep_memory", "kernel_gradient", "numbers", "pack", "plan", "serves", "set_split",
    "set_threads", "set_winograd", "split", "threads", "winograd",
]


CONTRACTIONS = {"conv_transpose": (("coarse", "kernel"), "fine"), "conv": (("fine", "kernel"), "coarse"),
                "kernel_gradient": (("fine", "coarse"), "kernel")}
DTYPES = ("float32", "bfloat16")
TOLD = ("relu", "leaky_relu", "sigmoid", "tanh")
"""Activations whose result alone tells their slope; a leaky ReLU's only if it is positive on the left side."""


def available() -> bool:
    """Whether the compiled part is there."""
    return _native is not None


def serves(*given: Any) -> bool:
    """Whether the engine takes these NumPy arrays: float32 or 16 bits, one to three axes; with the compiled part."""
    return _native is not None and all(map(arrays.serves, given))


def isa() -> str:
    """The instruction set that the kernels run with on this processor; `portable` without the compiled part."""
    return _native.isa() if _native else "portable"


def half_isa() -> str:
    """What multiplies bfloat16 numbers: `amx`, or `vectors` where the processor has no instructions that are used for
    it; `portable` without the compiled part.
    """
    return _native.half_isa() if _native else "portable"


def threads() -> int:
    """How many threads a call may use.

    What `set_threads` or the variable `TCONV_NUM_THREADS` said; or else `torch.get_num_threads()` once `tconv.torch`
    is imported; or else the cores of this process.
    """
    return _native.threads() if _native else 1


def set_threads(count: int | None) -> None:
    """Let each call use up to `count` threads, >= 1, from now on; None leaves it to the process again.

    Raises:
        SettingError: if `count` is not a whole number in its range.
    """
    number = 0 if count is None else whole("set_threads", "count", count, 1)
    if _native:
        _native.set_threads(number)


def winograd() -> bool:
    """Whether Winograd's tiles are used where they win: what `set_winograd` or the variable `TCONV_WINOGRAD=1` said."""
    return bool(_native and _native.winograd())


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
    return bool(_native and _native.split())


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
    if _native:
        getattr(_native, name)(int(use))


def borrow_threads(parallel: int, max_threads: int, in_parallel: int) -> None:
    """Compute on the threads of an OpenMP runtime that the process has already, instead of an own pool.

    Args:
        parallel: address of `GOMP_parallel`.
        max_threads: address of `omp_get_max_threads`.
        in_parallel: address of `omp_in_parallel`.
    """
    if _native:
        _native.borrow_threads(parallel, max_threads, in_parallel)


def pack(kernel: Array) -> Packed:
    """A kernel `(*K, D / groups, C)` for many calls: a copy that `conv_transpose` and `conv` take in its place.

    Each call of a plain kernel lays it out anew, since it may have changed. This one cannot, so that is done once for a
    setting and sizes; the latest four are kept.

    >>> from tconv.geometry import Spec, problem_from_coarse
    >>> twice = problem_from_coarse(Spec.of((2,), stride=2), (2,))
    >>> kernel = pack(np.ones((2, 1, 1)))
    >>> conv_transpose(np.array([[[1.0], [3.0]]], np.float32), kernel, twice).ravel() if available() else kernel.shape
    array([1., 1., 3., 3.], dtype=float32)
    """
    return Packed.of(kernel, _native.Layouts() if _native else None)


def conv_transpose(x: Array, kernel: Array | Packed, problem: Problem, bias: Array | None = None,
                   activation: str | None = None, slope: float = 0.0) -> Array:
    """Coarse `(N, *coarse, C)` and kernel `(*K, D / groups, C)` to fine `(N, *fine, D)`.

    A bias `(D,)` is added and an activation (a name in `methods.ACTIVATIONS`) applied before each result is stored.
    """
    said, shape = _call("conv_transpose", problem, x.shape, kernel.shape)
    if arrays.brain(x) and not isinstance(kernel, Packed) and arrays.brain(kernel):
        return _halved(_native.half_conv_transpose, said, x, kernel, shape, *finish(bias, activation, slope))
    out = _room(shape)
    weights, layouts = _as_it_lies(kernel)
    _native.conv_transpose(said, arrays.floats(x), weights, out, *finish(bias, activation, slope), layouts)
    return arrays.narrowed(out, x, kernel)


def conv(y: Array, kernel: Array | Packed, problem: Problem, bias: Array | None = None, activation: str | None = None,
         slope: float = 0.0) -> Array:
    """Fine `(N, *fine, D)` and kernel `(*K, D / groups, C)` to coarse `(N, *coarse, C)`.

    A bias `(C,)` is added and an activation applied as in `conv_transpose`.
    """
    said, shape = _call("conv", problem, y.shape, kernel.shape)
    if arrays.brain(y) and not isinstance(kernel, Packed) and arrays.brain(kernel):
        return _halved(_native.half_conv, said, y, kernel, shape, *finish(bias, activation, slope))
    out = _room(shape)
    weights, layouts = _as_it_lies(kernel)
    _native.conv(said, arrays.floats(y), weights, out, *finish(bias, activation, slope), layouts)
    return arrays.narrowed(out, y, kernel)


def kernel_gradient(y: Array, x: Array, problem: Problem, *, channels_first: bool = False) -> Array:
    """Fine `(N, *fine, D)` and coarse `(N, *coarse, C)` to the kernel's `(*K, D / groups, C)`.

    With `channels_first` the result lies in memory as `(C, D / groups, *K)`.
    """
    said, shape = _call("kernel_gradient", problem, y.shape, x.shape)
    halves = arrays.brain(y) and arrays.brain(x)
    dtype = arrays.BITS if halves else arrays.FLOAT
    if channels_first:
        out = np.moveaxis(np.empty((*shape[:-3:-1], *problem.kernel), dtype), (0, 1), (-1, -2))
    else:
        out = _room(shape, dtype)
    if halves:
        _native.half_kernel_gradient(said, arrays.bits(y), arrays.bits(x), out)
        return out.view(y.dtype)
    _native.kernel_gradient(said, arrays.floats(y), arrays.floats(x), out)
    return arrays.narrowed(out, y, x)


def before_finish(gradient: Array, result: Array | None, activation: str | None, slope: float = 0.0, *,
                  bias: bool = True) -> tuple[Array, Array | None]:
    """What the sums before a layer's bias and activation receive, and what the bias does.

    Args:
        gradient: what the layer's result receives, float32 or bfloat16 or its bits, `(N, *I, C)`.
        result: what the layer gave, with an activation: it tells the slope.
        activation: a name in `TOLD`, or none.
        slope: of the left side of "leaky_relu", > 0.
        bias: whether the bias is asked for.

    Returns:
        The gradient of the sums, of the same shape and dtype (without an activation the same array), and that of the
        bias, float32, `(C,)`, or None.
    """
    halves, rows = arrays.brain(gradient), (math.prod(gradient.shape[:-1]), gradient.shape[-1])
    taken, step = (arrays.bits, _native.half_before_finish) if halves else (arrays.floats, _native.before_finish)
    given = taken(gradient)
    before = None
    if activation is not None:
        before = _room(given.shape, arrays.BITS if halves else arrays.FLOAT)
    total = np.empty(rows[1], arrays.FLOAT) if bias else None
    if before is not None or total is not None:
        known = None if result is None or activation is None else taken(result).reshape(rows)
        _, code, left = finish(None, activation, slope)
        step(code, left, known, given.reshape(rows), None if before is None else before.reshape(rows), total)
    return gradient if before is None else before.view(gradient.dtype), total


def _halved(layer: Any, said: list[int], array: Array, kernel: Array, shape: tuple[int, ...], *finish: Any) -> Array:
    """A layer of bfloat16 arrays; the result is of the first one's dtype."""
    out = _room(shape, arrays.BITS)
    layer(said, arrays.bits(array), arrays.evenly(kernel.view(arrays.BITS)), out, *finish)
    return out.view(array.dtype)


def _room(shape: tuple[int, ...], dtype: np.dtype[Any] = arrays.FLOAT) -> Array:
    """Memory for a result; a large one takes that of one before it, and begins with a line of memory."""
    count = math.prod(shape)
    size = count * dtype.itemsize
    if size < _native.streams_from():
        return np.empty(shape, dtype)
    room: Array = _native.room(-(-size // arrays.FLOAT.itemsize))
    return room.view(dtype)[:count].reshape(shape)


@lru_cache(4096)
def _call(name: str, problem: Problem, first: tuple[int, ...], second: tuple[int, ...],
          ) -> tuple[list[int], tuple[int, ...]]:
    """A problem as the compiled part reads it and the result's shape, checked once for each pair of shapes."""
    takes, gives = CONTRACTIONS[name]
    extent = problem.extent(name, **dict(zip(takes, (first, second), strict=True)))
    shapes = {"coarse": (extent.batch, *problem.coarse, extent.coarse_channels),
              "fine": (extent.batch, *problem.fine, extent.fine_channels),
              "kernel": (*problem.kernel, extent.fine_channels // problem.groups, extent.coarse_channels)}
    return numbers(problem, *extent), shapes[gives]


def plan(contraction: str, problem: Problem, extent: Extent, dtype: str = "float32") -> Plan:
    """What the engine will do with arrays of this extent, and why.

    Args:
        contraction: `conv_transpose`, `conv` or `kernel_gradient`.
        problem: the setting met by its sizes.
        extent: batch and channels on both sides.
        dtype: of the arrays, `float32` or `bfloat16`.

    Raises:
        SettingError: if there is no such contraction, or no plans for such a dtype.
        ShapeError: if an array is empty, so that there is nothing to do.
        UnsupportedError: in the portable package, which has no plans.

    >>> from tconv.geometry import Spec, problem_from_coarse
    >>> twice = problem_from_coarse(Spec.of((2, 2), stride=2), (8, 8))
    >>> plan("conv_transpose", twice, Extent(32, 64, 96)).products if available() else 4  # one for each phase
    4
    """
    if contraction not in CONTRACTIONS:
        raise SettingError(f"plan: contraction is {contraction!r}, but has to be one of {', '.join(CONTRACTIONS)}.")
    if dtype not in DTYPES:
        raise SettingError(f"plan: dtype is {dtype!r}, but has to be one of {', '.join(DTYPES)}; arrays of others are "
                           "made float32.")
    if 0 in (*extent, *problem.coarse, *problem.fine):
        raise ShapeError(f"plan: there is nothing to do for {extent}, coarse {problem.coarse} and fine {problem.fine}; "
                         "none of them may be 0.")
    if _native is None:
        raise UnsupportedError("plan: this is the portable package, without the compiled part; install it where there "
                               "is a C++ compiler, or see tconv.methods.")
    said = _native.plan(contraction, numbers(problem, *extent), dtype == "bfloat16")
    return Plan.of(contraction, problem, extent, said, threads(), half_isa() if said["form"] in BY_HALVES else isa())


def finish(bias: Array | None, activation: str | None, slope: float) -> tuple[Array | None, int, float]:
    """A bias and an activation as the compiled part reads them."""
    code = max(1, list(ACTIVATIONS).index(activation)) if activation else 0
    return None if bias is None else arrays.floats(bias), code, slope if activation == "leaky_relu" else 0.0


def numbers(problem: Problem, batch: int, coarse_channels: int, fine_channels: int) -> list[int]:
    """A problem as the compiled part reads it: rank, batch, channels, groups, then six numbers for each axis."""
    rows = zip(problem.kernel, problem.stride, problem.dilation, problem.lo, problem.coarse, problem.fine, strict=True)
    head = [problem.rank, batch, coarse_channels, fine_channels, problem.groups]
    return head + [value for row in rows for value in row]


def _as_it_lies(kernel: Array | Packed) -> tuple[Array, Any]:
    """A kernel in its own memory order if its taps lie evenly there, and its layouts if they are kept."""
    if isinstance(kernel, Packed):
        return kernel.array, kernel.layouts
    return arrays.evenly(kernel), None

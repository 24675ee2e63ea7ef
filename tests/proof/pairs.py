"""Layers in every framework's own words, converted to every other and run there: COUNT SEED, as a process of its own.

It prints as JSON what was not equal. XLA may end a process, and Keras wants its backend chosen before it is imported.
"""

import json
import random
import sys
import warnings
from itertools import product

from tconv.conventions import convert
from tconv.errors import ShapeError
from tconv.proof import SIDES, prove
from tconv.proof.side import missing
from tests.conventions.cases import aborts_xla, below, skips_samples, tuples

ON_XLA = {"keras", "jax", "flax", "equinox"}
AXES = {1: "W", 2: "HW", 3: "DHW"}


def pads(rng, kernel, dilation):
    """Pairs that neither cut a whole kernel's reach off, nor stretch an input: XLA misplaces what is less than zero."""
    reach = [(k - 1) * d for k, d in zip(kernel, dilation)]
    return tuple((rng.randint(0, min(most, 3)), rng.randint(0, min(most, 3))) for most in reach)


def flat(pairs):
    return [lo for lo, _ in pairs] + [hi for _, hi in pairs]


def keras(rng, plain, rank, k, s, d, groups):
    said = f"strides={s}" if rng.random() < 0.7 else f"dilation_rate={d}"
    names = ("valid", "same", "causal") if plain and rank == 1 else ("valid", "same")
    rest = f", groups={groups}" if plain else ""
    name = f"Conv{rank}D{'' if plain else 'Transpose'}"
    return f"keras {name}({3 * groups}, {k}, {said}, padding={rng.choice(names)!r}{rest})"


def tensorflow(rng, plain, rank, k, s, d, groups):
    padding = rng.choice(("'SAME'", "'VALID'"))
    if plain:
        said = {1: f"{s[0]}", 2: f"{s}", 3: f"{(1, *s, 1)}"}[rank]
        return f"tensorflow conv{rank}d(x, kernel, {said}, {padding}, kernel_size={k})"
    sizes = (5, 4, 3)[:rank]
    least = [(n - 1) * a + (1 if "SAME" in padding else b) for n, a, b in zip(sizes, s, k)]
    shape = tuple(low + more for low, more in zip(least, below(rng, s)))
    return f"tensorflow conv{rank}d_transpose(x, kernel, {(2, *shape, 3)}, {s}, {padding}, kernel_size={k})"


def torch(rng, plain, rank, k, s, d, groups):
    padding = tuple(rng.randint(0, min((a - 1) * b, 3)) for a, b in zip(k, d))
    more = "" if plain else f", output_padding={below(rng, s)}"
    return (f"torch Conv{'' if plain else 'Transpose'}{rank}d({2 * groups}, {3 * groups}, {k}, {s}, {padding}{more}, "
            f"groups={groups}, dilation={d}, bias={rng.random() < 0.5})")


def jax(rng, plain, rank, k, s, d, groups):
    padding = rng.choice(("'SAME'", "'VALID'", pads(rng, k, d)))
    if plain:
        numbers = (f"N{AXES[rank]}C", f"{AXES[rank]}IO", f"N{AXES[rank]}C")
        return (f"jax.lax.conv_general_dilated(x, kernel, {s}, {padding}, rhs_dilation={d}, kernel_size={k}, "
                f"dimension_numbers={rng.choice((None, numbers))}, feature_group_count={groups})")
    return (f"jax.lax.conv_transpose(x, kernel, {s}, {padding}, rhs_dilation={d}, kernel_size={k}, "
            f"transpose_kernel={rng.random() < 0.5}, use_consistent_padding={rng.random() < 0.5})")


def flax(rng, plain, rank, k, s, d, groups):
    padding = rng.choice(("'SAME'", "'VALID'", pads(rng, k, d)))
    rest = f"feature_group_count={groups}" if plain else f"transpose_kernel={rng.random() < 0.5}"
    return (f"flax {'Conv' if plain else 'ConvTranspose'}({3 * groups}, {k}, {s}, {padding}, kernel_dilation={d}, "
            f"{rest}, use_bias={rng.random() < 0.5})")


def equinox(rng, plain, rank, k, s, d, groups):
    padding = rng.choice(("'SAME'", "'SAME_LOWER'", "'VALID'", pads(rng, k, d)))
    more = "" if plain else f", output_padding={below(rng, s)}"
    return (f"equinox Conv{'' if plain else 'Transpose'}{rank}d({2 * groups}, {3 * groups}, {k}, {s}, padding={padding}"
            f"{more}, dilation={d}, groups={groups})")


def onnx(rng, plain, rank, k, s, d, groups):
    said = rng.choice((f"pads={flat(pads(rng, k, d))}", "auto_pad='VALID'"))
    more = "" if plain else f", output_padding={list(below(rng, s))}"
    return (f"onnx Conv{'' if plain else 'Transpose'}(kernel_shape={list(k)}, strides={list(s)}, dilations={list(d)}, "
            f"group={groups}, {said}{more})")


def openvino(rng, plain, rank, k, s, d, groups):
    around = flat(pads(rng, k, d))
    more = "" if plain else f", output_padding={list(below(rng, s))}"
    name = "Convolution" if plain else "ConvolutionBackpropData"
    return (f"openvino {name}(strides={list(s)}, pads_begin={around[:rank]}, pads_end={around[rank:]}, "
            f"dilations={list(d)}{more}, kernel_size={k}, groups={groups})")


WORDS = dict(zip(SIDES, (keras, tensorflow, torch, jax, flax, equinox, onnx, openvino)))


def drawn(rng, source, to, plain):
    """A conversion that leaves something, and that no known fault of a framework stands in the way of."""
    while True:
        rank = rng.choice((1, 1, 2, 3))
        k, s, d = tuples(rng, rank, 1, 4 if rank < 3 else 3), tuples(rng, rank, 1, 3), tuples(rng, rank, 1, 2)
        text = WORDS[source](rng, plain, rank, k, s, d, rng.choice((1, 1, 2)))
        sizes = tuple(rng.randint(6, 9) for _ in range(rank)) if plain else (5, 4, 3)[:rank]
        try:
            found = convert(text, to, sizes=sizes)
        except ShapeError:
            continue
        problem = found.problem(sizes)
        if ({source, to} & ON_XLA and not plain and aborts_xla(problem)) or skips_samples(problem):
            continue
        return text, found


def failures(count, seed):
    """What was not equal, as sentences; and how many pairs were run."""
    there = [name for name in SIDES if not missing(name)]
    wrong, ran = [], 0
    for source, to, number in product(there, there, range(count)):
        rng = random.Random(f"{source} {to} {number} {seed}")
        plain = (there.index(source) + there.index(to) + number) % 2 == 1
        text, found = drawn(rng, source, to, plain)
        try:
            proof = prove(found, seed=number, apart=False)
        except Exception as error:
            wrong.append(f"{text} to {to}: {found.code}: {type(error).__name__}: {str(error)[:300]}")
            continue
        ran += 1
        if not (proof.equal and proof.complete):
            wrong.append(f"{text} to {to}: {found.code}: {[(s.name, s.shape, s.difference) for s in proof.sides]}")
    return {"wrong": wrong, "ran": ran, "frameworks": there}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(failures(int(sys.argv[1]), int(sys.argv[2]))))

"""Run by test_sharding.py: the operations on arrays split over four devices equal those on one, to the bit."""

import re

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from tconv.geometry import Problem
from tconv.jax import operations
from tconv.jax.finished import conv_transpose as finished

DEVICES = np.array(jax.devices())
CALL = r"f32\[(\d+)[^ ]* custom-call\([^)]*\), custom_call_target=\"tconv_conv"
SPLIT = [("batch", None), (None, None), (None, "batch"), (("batch", "model"), None), ("model", "batch")]
PROBLEMS = [
    Problem((3, 3), (2, 2), (1, 1), (1, 1), (4, 4), (8, 8)),
    Problem((4, 3), (2, 1), (1, 2), (0, -1), (4, 4), (10, 7), 3),
    Problem((5,), (3,), (1,), (2,), (4,), (9,)),
]


def arrays(problem):
    draw = np.random.default_rng(0)
    groups = problem.groups
    shapes = (8, *problem.coarse, 4 * groups), (*problem.kernel, 4, 4 * groups), (4 * groups,)
    return [draw.integers(-1, 2, shape).astype("f") for shape in shapes]


def through(problem, x, kernel, bias):
    """All operations, and the derivatives by every array."""
    def loss(x, kernel, bias):
        fine = finished(x, kernel, bias, problem, "relu")
        return (x * operations.conv(operations.conv_transpose(x, kernel, problem) + fine, kernel, problem)).sum()

    return jax.value_and_grad(loss, (0, 1, 2))(x, kernel, bias)


def check(problem, mesh, split):
    x, kernel, bias = arrays(problem)
    whole = jax.jit(through, static_argnums=0)(problem, x, kernel, bias)
    spec = P(*split[:1], *[None] * len(problem.coarse), *split[1:])
    spread = [jax.device_put(x, NamedSharding(mesh, spec)), *(jax.device_put(a, NamedSharding(mesh, P()))
                                                              for a in (kernel, bias))]
    compiled = jax.jit(through, static_argnums=0).lower(problem, *spread).compile()
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(compiled(*spread)), strict=True):
        assert a.shape == b.shape
        assert np.array_equal(a, b), (problem, split)
    return compiled.as_text()


def parts(text):
    """How many examples each device's calls of the engine take."""
    return {int(size) for size in re.findall(CALL, text)}


def main():
    one, two = Mesh(DEVICES, ("batch",)), Mesh(DEVICES.reshape(2, 2), ("batch", "model"))
    for problem in PROBLEMS:
        alone = check(problem, one, ("batch", None))
        assert "all-gather" not in alone
        assert parts(alone) == {2}
        assert parts(check(problem, one, (None, None))) == {8}
        for split in SPLIT:
            check(problem, two, split)
        x, kernel, _ = arrays(problem)
        mapped = jax.shard_map(lambda x, kernel=kernel, problem=problem: operations.conv_transpose(x, kernel, problem),
                               mesh=one, in_specs=P("batch"), out_specs=P("batch"))(x)
        assert jnp.array_equal(mapped, operations.conv_transpose(x, kernel, problem))
        ready = operations.conv_transpose(jax.device_put(x, NamedSharding(one, P("batch"))), kernel, problem)
        assert ready.sharding.spec[0] == "batch"
    print("equal")


if __name__ == "__main__":
    main()

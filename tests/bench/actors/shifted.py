"""All numbers are there, one sample further on."""

import numpy as np

from tconv.bench.peers import Program

from . import right

start = right.start


def programs(task, arrays):
    return {name: Program(one.run, lambda out: np.roll(out, 1, axis=1)) for name, one in
            right.programs(task, arrays).items()}

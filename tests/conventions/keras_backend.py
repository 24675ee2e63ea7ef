"""Runs the drawn Keras layers in a process of its own, since a process has one backend: BACKEND COUNT SEED FILE."""

import sys

import numpy as np

from tests.conventions.cases import draw, of_keras
from tests.conventions.runs import in_keras

if __name__ == "__main__":
    backend, count, seed, path = sys.argv[1:]
    drawn = draw(of_keras, int(count), seed=int(seed), tensorflow=backend == "tensorflow")
    np.savez(path, *in_keras(drawn))

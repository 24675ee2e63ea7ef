"""Runs the drawn Keras layers in a process of its own, since a process has one backend: BACKEND COUNT SEED FILE."""

import sys

import numpy as np

from tests.conventions.cases import draw, of_keras
from tests.conventions.runs import in_keras

if __name__ == "__main__":
    backend, count, seed, path = sys.argv[1:]
    drawn = draw(of_keras, int(count), seed=int(seed), tensorflow=backend == "tensorflow")
    if backend == "torch":
        # With oneDNN, PyTorch 2.13 computes a 3-D convolution of one channel wrongly on an AVX-512 machine: input
        # (2, 1, 6, 5, 5) whose channel lies as the last axis, taps (3, 2, 3), strides (2, 1, 3). What a setting means
        # does not depend on it.
        import torch

        torch.backends.mkldnn.set_flags(_enabled=False)
    np.savez(path, *in_keras(drawn))

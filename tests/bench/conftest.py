"""A run of made-up figures, and peers that need no framework."""

import os
from pathlib import Path

import pytest

from tconv.bench import Layer, Limits, Peer, Plan, Results, Row, Skip, Timing
from tconv.geometry import Extent, Spec, problem_from_coarse
from tconv.report import Machine

ROOT = Path(__file__).parents[2]
ALL = ("forward", "input gradient", "kernel gradient")


def actor(name, *, passes=ALL, **more):
    """A row for one of the actors."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return Peer(name, f"{__package__}.actors.{name}", {}, passes, environment={"PYTHONPATH": path}, **more)


def small(name="small", size=(5,), channels=(2, 3), groups=1, **setting):
    """A layer that takes no time."""
    spec = Spec.of(**{"kernel": (3,) * len(size), "stride": 2, **setting}, groups=groups)
    return Layer(name, "made up", problem_from_coarse(spec, size), Extent(2, *channels))


OURS = Peer("tconv", "tconv.bench.peers.ours", {}, ALL, ours=True)


def plan(peers, layers=None, **more):
    """A plan that takes a moment."""
    return Plan(layers=layers or (small(),), peers=(OURS, *peers), dtypes=("float32",), threads=(1,), networks=(),
                steppers=(), **{"seconds": 0.01, "turns": 2, **more})


def timing(peer, milliseconds, *, kernels="live", ours=False):
    return Timing(peer, kernels, ours, "way", milliseconds, milliseconds * 0.9, milliseconds * 1.1, 12, 1e-7)


@pytest.fixture
def results():
    """Two layers and a step."""
    limits = Limits(2, 200e9, None, "fused multiply-adds in registers", ((2**18, 90e9), (2**28, 20e9)),
                    ((2**18, 100e9), (2**28, 25e9)))
    win = Row("dcgan-2", "forward", "float32", 2, 25_690_112, 8_454_144, 0.257, (
        timing("tconv", 0.5, ours=True), timing("PyTorch", 2.0), timing("JAX", 1.0),
        timing("ONNX Runtime", 0.4, kernels="frozen")), (Skip("TensorFlow", "not installed: pip install tensorflow"),),
        0.01)
    loss = Row("unet <3>", "forward", "float32", 2, 134_217_728, 25_296_896, 1.34, (
        timing("tconv", 10.0, ours=True), timing("PyTorch", 5.0)), (Skip("JAX", "computes something else"),), 0.2)
    step = Row("mnist-autoencoder", "training step", "float32", 2, 23_000_000_000, 0, 230.0, (
        timing("tconv.keras on JAX", 300.0, ours=True), timing("Keras on JAX", 9000.0), timing("PyTorch", 900.0)), ())
    return Results(Machine("Linux x86_64", "a processor", 2, 2, "avx2"), {"tconv": "0.1.0", "torch": "2.13.0"},
                   {"seconds": 0.25}, "2026-01-01T10:00+00:00", 61.0, (limits,), (win, loss, step))

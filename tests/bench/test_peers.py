"""Each peer of the table, and each that trains: the same numbers, whatever the setting."""

from contextlib import nullcontext
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from tconv import UnsupportedError, engine
from tconv.bench import NETWORKS, PEERS, STEPPERS
from tconv.bench.cases import Task, draw, expected
from tconv.bench.steps import Step, examples, weights
from tconv.bench.worker import TOLERANCE, WrongResult, distance

from .conftest import small

LAYERS = {
    "sound": small(size=(7,), kernel=(8,), stride=4, crop=2),
    "sound, uneven": small(size=(7,), kernel=(5,), crop=(((1, 2)),)),
    "image": small(size=(5, 4), kernel=(4, 4), crop=1),
    "more at the end": small(size=(5, 4), crop=((0, 1), (0, 1))),
    "more in front": small(size=(5, 4), crop=((1, 0), (1, 0))),
    "kernel is stride": small(size=(5, 4), kernel=(2, 2)),
    "dilated": small(size=(5, 4), stride=1, dilation=2, crop=2),
    "groups": small(size=(5, 4), channels=(4, 6), groups=2),
    "depthwise": small(size=(5, 4), channels=(6, 6), groups=6, kernel=(4, 4), crop=1),
    "solid": small(size=(4, 3, 3), kernel=(4, 4, 4), crop=1),
    "solid, uneven": small(size=(4, 3, 3), crop=((0, 1),) * 3),
}
COMPILED = "PyTorch compiled, frozen"
QUICK = ("sound", "image")  # what is compiled takes seconds a layer
LACKS = {("TensorFlow", "groups"), ("TensorFlow", "dilated")}
CASES = [(peer, name, passing) for peer in PEERS for name in LAYERS for passing in peer.passes
         if peer.name != COMPILED or name in QUICK]


@pytest.mark.parametrize(("peer", "name", "passing"), CASES,
                         ids=[f"{peer.name}-{name}-{passing}" for peer, name, passing in CASES])
def test_every_way_of_a_peer_computes_what_the_relation_says(peer, name, passing):
    module = loaded(peer)
    layer = LAYERS[name]
    arrays, task = draw(layer, "float32"), Task(layer, passing, "float32", 1)
    if (peer.name, name) in LACKS and (name, passing) != ("dilated", "input gradient"):
        with pytest.raises(UnsupportedError, match="its CPU has no"):
            module.programs(task, arrays)
        return
    with freezing(peer):
        ways = module.programs(task, arrays)
        assert ways
        for one in ways.values():
            want = expected(passing, arrays, layer.problem)
            assert distance(np.asarray(one.result(one.run())), want, TOLERANCE["float32"]) < 1e-5
            assert distance(np.asarray(one.result(one.run())), want, TOLERANCE["float32"]) < 1e-5


def loaded(peer):
    """A peer's file, if what it needs is there."""
    if peer.missing:
        pytest.skip(f"{peer.name} is {peer.missing}")
    if peer.ours and not engine.available():
        pytest.skip("needs the compiled part of the engine: install with a C++ compiler")
    return import_module(peer.module)


def freezing(peer):
    """What the peer's process has as a variable from the start."""
    if peer.name != COMPILED:
        return nullcontext()
    from torch._inductor import config

    return config.patch(freezing=True)


def test_a_kernel_that_is_frozen_lies_in_the_compiled_program():
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'tconv[bench]'")
    from torch._inductor.utils import run_and_get_code

    peer = next(peer for peer in PEERS if peer.name == COMPILED)
    layer = LAYERS["image"]
    with freezing(peer), torch.no_grad():
        program = loaded(peer).programs(Task(layer, "forward", "float32", 1), draw(layer, "float32"))["compiled"]
        _, [code] = run_and_get_code(program.run)
    assert "_frozen_param" in code


def test_a_result_of_another_shape_or_with_one_wrong_number_is_told():
    want = np.arange(1.0, 9.0).reshape(2, 4)
    assert distance(want.astype(np.float32), want, 1e-4) == 0
    with pytest.raises(WrongResult, match=r"gives the shape \(4, 2\), not \(2, 4\)"):
        distance(want.T, want, 1e-4)
    with pytest.raises(WrongResult, match=r"a number is off by 0.01, where the largest is 8"):
        distance(want + 0.01 * (want == 3), want, 1e-4)
    with pytest.raises(WrongResult, match="a number is off by nan"):
        distance(np.where(want == 3, np.nan, want), want, 1e-4)


def test_a_row_of_the_table_is_one_peer():
    for table in (PEERS, STEPPERS):
        assert len({peer.name for peer in table}) == len(table)
    assert [peer.name for peer in PEERS if peer.ours] == ["tconv", "tconv packed", "tconv.torch"]


def test_a_step_of_the_autoencoder_is_46_gigaflop():
    assert 2 * NETWORKS["mnist-autoencoder"].multiply_adds == pytest.approx(46e9, rel=0.02)


def test_the_generator_is_that_of_the_list_of_layers():
    from tconv.bench import chosen, layers

    found = {layer.problem: layer.extent[1:] for layer in chosen(layers(), ["dcgan-?"])}
    made = {problem: extent[1:] for problem, extent in NETWORKS["dcgan-generator"].problems()}
    assert made == found


def training():
    """Who trains what, on the backend that the tests have; what takes long to compile, not every time."""
    for peer in (peer for peer in STEPPERS if peer.environment.get("KERAS_BACKEND", "jax") == "jax"):
        for network in NETWORKS.values():
            slow = "compiled" in peer.name or ("keras" in peer.packages and not network.itself)
            yield pytest.param(network, peer, id=f"{peer.name}-{network.name}", marks=[pytest.mark.verify] * slow)


@pytest.mark.parametrize(("network", "peer"), training())
def test_training_starts_with_the_losses_that_numpy_finds_and_goes_down(network, peer):
    pytest.importorskip("torch" if "torch" in peer.packages else "keras", reason=f"{peer.name} is not installed")
    small_batch = replace(network, batch=4)
    for one in loaded(peer).programs(Step(small_batch, "float32", 1)).values():
        losses = [float(one.result(one.run())) for _ in range(3)]
        assert losses[0] == pytest.approx(first_loss(small_batch), rel=1e-4)
        assert losses[0] > losses[1] > losses[2]


def first_loss(network):
    """The loss before any step, by the portable methods in float64."""
    from tconv.methods import METHODS, conv

    x, y = (array.astype(np.float64) for array in examples(network))
    for stage, kernel, (problem, _) in zip(network.stages, weights(network), network.problems(), strict=True):
        x = (METHODS["columns"] if stage.transposed else conv)(x, kernel.astype(np.float64), problem)
        if stage.norm:
            x = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5)
        x = {"relu": lambda x: np.maximum(x, 0), "tanh": np.tanh, "sigmoid": lambda x: 1 / (1 + np.exp(-x))}[
            stage.activation](x)
    if network.itself:
        return -np.mean(y * np.log(x) + (1 - y) * np.log(1 - x))
    return np.mean((x - y) ** 2)

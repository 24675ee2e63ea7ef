"""Random graphs: whatever the passes do, in whichever way, what comes out is the same, sample by sample."""

import itertools

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx and onnxruntime: pip install 'tconv[onnx]'")
pytest.importorskip("onnxruntime", reason="needs onnx and onnxruntime: pip install 'tconv[onnx]'")

from onnx import helper, numpy_helper

from tconv.errors import DataError
from tconv.models.rewrite import PASSES, Settings, optimize
from tconv.models.rewrite.graph import Graph, inferred
from tconv.models.rewrite.session import Runner
from tests.models.rewrite import graphs

QUICK, ALL = 60, 2000
MOST = 2**20  # numbers in one value


def runs(model, seed):
    """Whole numbers that the model runs on, of two sizes where it leaves them open, and what it gives."""
    rng = np.random.default_rng(seed)
    shape = [one.dim_value for one in model.graph.input[0].type.tensor_type.shape.dim]
    channels, rank = shape[1], len(shape) - 2
    sizes = [shape] if all(shape) else [(1, channels, *(5,) * rank), (2, channels, *(7,) * rank)]
    feeds = [{"x": rng.integers(-3, 4, size).astype(np.float32)} for size in sizes]
    for feed in feeds:
        bear(model, feed)
    runner = Runner(model)
    return feeds, [runner(feed) for feed in feeds]


def bear(model, feed):
    """Run one node after another, and refuse what is empty or too large; on some of it ONNX ends the process."""
    values = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer} | feed
    for node in model.graph.node:
        taken = {name: values[name] for name in node.input if name}
        given = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
                 for name, array in taken.items()]
        alone = helper.make_graph([node], "node", given, [helper.make_empty_tensor_value_info(node.output[0])])
        made = helper.make_model(alone, opset_imports=model.opset_import, ir_version=model.ir_version)
        values[node.output[0]] = Runner(made)(taken)[0]
        if not 0 < values[node.output[0]].size < MOST:
            raise DataError("a value is empty, or too large for a test")


def runnable(first):
    """The first seeds from here whose graphs ONNX Runtime takes, and takes to whole numbers that float32 holds."""
    for seed in itertools.count(first * 100):
        model = graphs.drawn(seed)
        try:
            feeds, truth = runs(model, seed)
        except DataError:
            continue
        if all(np.abs(one).max() < 2**20 for values in truth for one in values):
            return seed, model, feeds, truth
    return None


def rewritten(model, rng):
    """Every pass, everywhere that it fits, in a random one of its ways; and the names of those that did something."""
    graph, used = Graph(model, inferred(model)), set()
    for one in [*PASSES.values(), *PASSES.values()]:
        done = set()
        while True:
            site = next((site for site in one.sites(graph) if site.output not in done), None)
            if site is None:
                break
            part = graph.part(site.where)
            site.ways[str(rng.choice(list(site.ways)))](part)
            graph.replace(site.nodes, part)
            done.add(site.output)
            used.add(one.name)
    return graph.to_model(), used


def check(first):
    seed, model, feeds, truth = runnable(first)
    before = model.SerializeToString()
    other, used = rewritten(model, np.random.default_rng(seed))
    assert model.SerializeToString() == before
    runner = Runner(other)
    for feed, values in zip(feeds, truth):
        for original, new in zip(values, runner(feed)):
            assert original.shape == new.shape, seed
            close = "separable" in used and np.abs(new - original).max() <= 1e-6 * np.abs(original).max()
            assert close or np.array_equal(new, original), seed  # a quotient of taps may be rounded, nothing else
    return used


@pytest.mark.parametrize("first", range(QUICK))
def test_a_random_graph_computes_the_same_after_every_pass(first):
    check(first)


@pytest.mark.verify
@pytest.mark.parametrize("tens", range(QUICK // 20, ALL // 20))
def test_random_graphs_compute_the_same_after_every_pass(tens):
    for first in range(20 * tens, 20 * tens + 20):
        check(first)


def test_the_random_graphs_give_every_pass_something_to_do():
    assert set.union(*map(check, range(QUICK))) == set(PASSES)


@pytest.mark.parametrize("first", range(3))
def test_optimize_gives_an_equal_model(first):
    _, model, *_ = runnable(first)
    outcome = optimize(model, settings=Settings(measure=False, threads=1))
    assert outcome.difference.relative <= 1e-6

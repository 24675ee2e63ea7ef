"""The list of layers, and what each pass over them has to give."""

import json

import numpy as np
import pytest

from tconv import TconvError
from tconv.bench import LAYERS, PASSES, chosen, layers
from tconv.bench.cases import Task, draw, expected, rounded
from tests import oracle

from .conftest import ROOT, small

SHAPES = {"plain": small(), "odd": small(size=(4, 3), kernel=(3, 3), crop=((1, 2), (1, 0))),
          "groups": small(size=(4,), channels=(4, 6), groups=2), "dilated": small(dilation=2, stride=1)}


def test_the_list_has_forty_layers_each_with_a_name_of_its_own():
    names = [layer.name for layer in layers()]
    assert len(names) == len(set(names)) == 40
    assert (ROOT / "benchmarks" / "layers.csv").read_text() == LAYERS.read_text()


@pytest.mark.parametrize("layer", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("passing", PASSES)
def test_what_is_expected_is_what_the_relation_says(layer, passing):
    arrays = type(draw(layer, "float32"))(*(np.rint(3 * array) for array in draw(layer, "float32")))
    problem = layer.problem
    said = {name: getattr(problem, name) for name in ("stride", "dilation", "lo", "groups")}
    want = {"forward": lambda: oracle.conv_transpose(arrays.x, arrays.w, fine=problem.fine, **said),
            "input gradient": lambda: oracle.conv(arrays.y, arrays.w, coarse=problem.coarse, **said),
            "kernel gradient": lambda: oracle.kernel_gradient(arrays.y, arrays.x, kernel=problem.kernel, **said)}
    assert np.array_equal(expected(passing, arrays, problem), want[passing]())


def test_a_task_goes_through_json():
    task = Task(SHAPES["odd"], "forward", "bfloat16", 2)
    assert Task.of(json.loads(json.dumps(task.plain()))) == task


def test_arrays_are_the_same_each_time_and_those_of_bfloat16_have_its_numbers():
    layer = small()
    for once, again in zip(draw(layer, "bfloat16"), draw(layer, "bfloat16"), strict=True):
        assert np.array_equal(once, again)
        assert np.array_equal(rounded(once), once)
        assert not (once.view(np.uint32) & 0xFFFF).any()


def test_half_as_many_bytes_are_touched_in_bfloat16():
    wide, narrow = (Task(small(), "forward", dtype, 1).cost for dtype in ("float32", "bfloat16"))
    assert (wide.bytes, wide.multiply_adds) == (2 * narrow.bytes, narrow.multiply_adds)


@pytest.mark.parametrize(("text", "says"), [
    ("name,family\na,b\n", r"list.csv, line 2: has no column 'dims'"),
    (LAYERS.read_text().splitlines()[0] + "\na,b,2,1,x,1,1,1,1,1,0,0,1\n", "line 2: is not a layer"),
    (LAYERS.read_text().splitlines()[0] + "\na,b,2,1,1,1,1,0,1,1,0,0,1\n", "line 2: is not a layer .*kernel"),
])
def test_a_list_that_is_none_is_refused_with_its_line(tmp_path, text, says):
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(TconvError, match=says):
        layers(path)


def test_a_missing_list_is_refused(tmp_path):
    with pytest.raises(TconvError, match="cannot be read as a list of layers"):
        layers(tmp_path / "none.csv")


def test_a_name_that_fits_no_layer_is_refused():
    with pytest.raises(TconvError, match="'vgg', which fits none of dcgan-1, "):
        chosen(layers(), ["unet-*", "vgg"])

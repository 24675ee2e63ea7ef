"""What the engine says that it will do."""

import numpy as np
import pytest
from hypothesis import given

from tconv import engine
from tconv.engine.calls import CONTRACTIONS
from tconv.engine.plans import FORMS
from tconv.errors import SettingError, ShapeError, UnsupportedError
from tconv.geometry import Extent, Spec, problem_from_coarse
from tests import strategies

compiled = pytest.mark.skipif(not engine.available(), reason="the compiled part is not installed")
LAYER = problem_from_coarse(Spec.of((4, 4), stride=2, crop=1), (8, 8))
FEW = problem_from_coarse(Spec.of((4, 4), stride=2, crop=1), (2, 2))
SAME = problem_from_coarse(Spec.of((3, 3), crop=1), (28, 28))
COARSE = problem_from_coarse(Spec.of((16, 16), stride=8, crop=4), (9, 9))
SMALL = problem_from_coarse(Spec.of((4, 4), stride=2, crop=1), (4, 4))
WAYS = {
    "outer": ("conv_transpose", LAYER, Extent(32, 256, 128)),
    "phases in lanes": ("conv_transpose", COARSE, Extent(2, 9, 9)),
    "points in lanes": ("conv", SAME, Extent(8, 2, 2)),
    "stamps": ("conv_transpose", LAYER, Extent(32, 128, 3)),
    "dot": ("conv", LAYER, Extent(32, 1, 64)),
    "dot as it lies": ("conv_transpose", SMALL, Extent(1, 256, 128)),
    "rows": ("conv", FEW, Extent(1, 256, 128)),
    "coarse lanes": ("kernel_gradient", LAYER, Extent(1, 256, 128)),
    "fine lanes": ("kernel_gradient", LAYER, Extent(1, 2, 128)),
}


@compiled
@pytest.mark.parametrize("form", WAYS)
def test_a_plan_says_which_way_and_why(form):
    if form == "stamps" and engine.isa() == "baseline":
        pytest.skip("two phases of three channels fill lanes of four well enough")
    plan = engine.plan(*WAYS[form])
    assert plan.form == form
    assert FORMS[form] in str(plan)
    assert f"{plan.executed:,} multiply-adds, of which {plan.efficiency:.0%} are useful" in str(plan)


@compiled
def test_a_gradient_of_the_kernel_goes_by_rows_too_and_reads_no_kernel():
    said = str(engine.plan("kernel_gradient", FEW, Extent(1, 256, 128)))
    assert FORMS["rows"] in said
    assert "kernel: " not in said
    assert "kernel: read as it lies" in str(engine.plan("conv", FEW, Extent(1, 256, 128)))


@pytest.mark.parametrize("extent", [Extent(0, 4, 4), Extent(1, 0, 4), Extent(1, 4, 0)])
def test_there_is_no_plan_for_doing_nothing(extent):
    for contraction in CONTRACTIONS:
        with pytest.raises(ShapeError, match=r"nothing to do .* none of them may be 0"):
            engine.plan(contraction, LAYER, extent)


@compiled
def test_a_depthwise_layer_has_a_plan_of_its_own():
    problem = problem_from_coarse(Spec.of((4, 4), stride=2, crop=1, groups=64), (8, 8))
    assert {engine.plan(c, problem, Extent(1, 64, 64)).form for c in CONTRACTIONS} == {"depthwise"}


@compiled
@pytest.mark.parametrize("contraction", ["conv_transpose", "conv", "kernel_gradient"])
@given(problem=strategies.problems())
def test_no_plan_does_less_than_the_useful_work(contraction, problem):
    if 0 in problem.coarse or 0 in problem.fine:
        return
    plan = engine.plan(contraction, problem, Extent(3, 2 * problem.groups, 5 * problem.groups))
    assert plan.executed >= plan.useful


@compiled
def test_where_everything_fits_no_work_is_wasted():
    # Every tap meets the input at every point, and 3 vectors of any width divide the channels.
    problem = problem_from_coarse(Spec.of((2, 2), stride=2), (8, 8))
    plan = engine.plan("conv_transpose", problem, Extent(32, 64, 96))
    assert (plan.executed, plan.efficiency, plan.copies, plan.products) == (plan.useful, 1.0, False, 4)


@compiled
def test_lengths_that_never_come_again_do_not_disturb_those_that_do():
    rng = np.random.default_rng(0)
    kernel = rng.integers(-3, 4, (4, 2, 2)).astype(np.float32)
    wants = {}
    for length in (*range(1, 200), *range(1, 200)):
        problem = problem_from_coarse(Spec.of((4,), stride=2, crop=1), (length,))
        x = np.arange(2 * length, dtype=np.float32).reshape(1, length, 2)
        got = engine.conv_transpose(x, kernel, problem)
        assert np.array_equal(got, wants.setdefault(length, got))


def test_a_contraction_that_is_none_is_refused():
    with pytest.raises(SettingError, match="plan: contraction is 'deconv', but has to be one of conv_transpose, con"):
        engine.plan("deconv", LAYER, Extent(1, 1, 1))


def test_the_portable_package_says_that_it_has_no_plans(monkeypatch):
    monkeypatch.setattr(engine.plans, "native", None)
    with pytest.raises(UnsupportedError, match="plan: this is the portable package"):
        engine.plan("conv", LAYER, Extent(1, 1, 1))

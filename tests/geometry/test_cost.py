"""What a problem costs, against counting one product after another."""

import pytest
from hypothesis import given

from tconv.errors import SizeError
from tconv.geometry import Extent, Spec, cost, problem, problem_from_coarse
from tests.oracle import _meetings
from tests.strategies import cases


@given(case=cases())
def test_the_multiply_adds_are_the_products_that_reach_the_fine_grid(case):
    p, extent = case.problem, Extent(len(case.x), case.x.shape[-1], case.y.shape[-1])
    met = list(_meetings(p.kernel, p.stride, p.dilation, p.lo, p.coarse, p.fine))
    each = extent.coarse_channels // p.groups * extent.fine_channels
    used = len({tap for _, tap, _ in met})
    got = cost(p, extent, itemsize=8, bias=True)
    assert got.multiply_adds == extent.batch * each * len(met)
    assert got.input_size_multiply_adds == case.x[..., 0].size * each * case.kernel[..., 0, 0].size
    assert got.parameters == case.kernel.size + case.bias.size
    assert got.bytes == 8 * (case.x.size + case.y.size + used * each)


def test_seconds_are_those_of_the_narrower_limit():
    got = cost(problem_from_coarse(Spec.of(kernel=(4, 4), stride=2, crop=1), (8, 8)), Extent(2, 16, 4))
    assert got.multiply_adds == 2 * 16 * 4 * (4 * 8 - 2) ** 2
    assert got.seconds(peak=1.0, bandwidth=1e30) == 2 * got.multiply_adds
    assert got.seconds(peak=1e30, bandwidth=1.0) == got.bytes


def test_memory_is_refused_beyond_this_machine_and_not_below(monkeypatch):
    setting = problem_from_coarse(Spec.of(kernel=(3,), stride=2), (4,))
    need = 4 * (5 * (4 * 2 + 9 * 3) + 3 * 2 * 3)
    monkeypatch.setattr(problem, "MEMORY", need)
    setting.check_memory("here", Extent(5, 2, 3), 4)
    monkeypatch.setattr(problem, "MEMORY", need - 1)
    with pytest.raises(SizeError, match=r"here: arrays of coarse \(4,\) and fine \(9,\) with 2 and 3 channels"):
        setting.check_memory("here", Extent(5, 2, 3), 4)

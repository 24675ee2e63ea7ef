"""Every method obeys every law."""

import pytest
from hypothesis import given, settings

from tconv import methods
from tests.laws import LAWS, Family
from tests.strategies import cases

FAMILIES = {name: Family(method, methods.conv, methods.kernel_gradient) for name, method in methods.METHODS.items()}

few = settings(max_examples=settings.default.max_examples // 5)


@pytest.mark.parametrize("name", FAMILIES)
@given(case=cases())
def test_every_method_equals_the_oracle(name, case):
    LAWS["equals_the_oracle"](family(name), case)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", FAMILIES)
@few
@given(case=cases())
def test_every_method_obeys(name, law, case):
    LAWS[law](family(name), case)


def family(name):
    if name == "sparse":
        pytest.importorskip("scipy")
    return FAMILIES[name]

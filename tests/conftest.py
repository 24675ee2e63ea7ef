"""The one flag of the tests: `pytest --rewrite` writes the golden files anew, to be read in the diff."""

from pathlib import Path

import pytest


def pytest_addoption(parser):
    parser.addoption("--rewrite", action="store_true", help="write the golden files anew, not compare with them")


@pytest.fixture
def golden(request):
    """Compare a text with a file beside the tests, or write the file."""

    def compare(name, text):
        path = Path(request.path).parent / "golden" / name
        if request.config.getoption("--rewrite", default=False):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        assert path.exists(), f"{path} is missing; pytest --rewrite writes it"
        assert text == path.read_text(), f"{path} says something else; pytest --rewrite writes it anew"

    return compare

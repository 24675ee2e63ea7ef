"""What tests of several rooms share: the flag `pytest --rewrite`, which writes the golden files anew, and a browser."""

import shutil
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


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


@pytest.fixture(scope="session")
def chromium():
    """A browser for all tests; Playwright can only be started once in a process."""
    api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-extensions"])
        yield browser
        browser.close()

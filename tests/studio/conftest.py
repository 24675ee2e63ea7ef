"""The page in a real Chromium, served by the studio's own server; no test passes with an error in the console."""

import shutil
import threading

import pytest

from tconv.studio import open_server
from tests.studio.waiting import until

WIDE = {"width": 1400, "height": 1000}
CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def served():
    """The address of a studio on a free port."""
    server = open_server(0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.url
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def chromium():
    """A browser for all tests."""
    api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, served):
    """A function that opens the page at a state, in a context of its own; the console stays silent to the end."""
    contexts, said = [], []

    def open_page(state="", *, url=None, **options):
        context = chromium.new_context(**{"viewport": WIDE, "reduced_motion": "no-preference", **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((url or served) + ("#" + state if state else ""))
        until(page, "globalThis.studio !== undefined")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


@pytest.fixture
def studio(opened):
    """The page as it first opens."""
    return opened()

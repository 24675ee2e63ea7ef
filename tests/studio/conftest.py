"""The page in a real Chromium, served by the studio's own server; no test passes with an error in the console."""

import threading
from contextlib import contextmanager

import pytest

from tconv.studio import open_server
from tests.studio.waiting import settle, until

WIDE = {"width": 1400, "height": 1000}


@pytest.fixture(scope="package")
def served():
    """The address of a studio on a free port."""
    server = open_server(0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.url
    server.shutdown()
    server.server_close()


@contextmanager
def opening(chromium, served):
    """A function that opens the page at a state, in a context of its own; the console stays silent to the end."""
    contexts, said = [], []

    def open_page(state="", *, url=None, **options):
        context = chromium.new_context(**{"viewport": WIDE, "reduced_motion": "no-preference", **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((url or served) + ("#" + state if state else ""))
        until(page, "globalThis.studio !== undefined")
        settle(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


@pytest.fixture
def opened(chromium, served):
    with opening(chromium, served) as open_page:
        yield open_page


@pytest.fixture
def studio(opened):
    """The page as it first opens."""
    return opened()


@pytest.fixture(scope="module")
def kept(chromium, served):
    with opening(chromium, served) as open_page:
        yield open_page()


@pytest.fixture
def again(kept):
    """A page that several tests share, at its first state: for tests that leave nothing else behind."""
    kept.evaluate("studio.app.open(''); studio.app.flush()")
    return kept

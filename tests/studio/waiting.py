"""Waiting for the page: its policy forbids `eval`, by which Playwright's own `wait_for_function` works."""

import time


def settle(page):
    """Draw now what would be drawn with the next frame; to be called between what is done and what is read."""
    page.evaluate("studio.app.flush()")


def until(page, expression, *, seconds=10):
    """Ask until an expression in the page is true."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"still not: {expression}"
        page.wait_for_timeout(20)

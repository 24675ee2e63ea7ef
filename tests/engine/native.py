"""What plans take the caches to hold, for a while."""

from contextlib import contextmanager

from tconv import engine


@contextmanager
def taken_as(name, size):
    """`near_bytes`: what stays of a kernel in the second cache. `streams_from`: results as large pass the caches by."""
    usual = getattr(engine._native, name)()
    change = getattr(engine._native, f"set_{name}")
    change(size)
    try:
        yield
    finally:
        change(usual)

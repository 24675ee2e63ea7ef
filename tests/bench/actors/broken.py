"""A framework that cannot be loaded."""


def start(threads):
    raise ImportError("libfast.so: cannot open shared object file")

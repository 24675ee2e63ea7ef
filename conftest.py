"""What all tests and all pages' examples of one process share."""

import os
from importlib.util import find_spec

# Keras takes one backend for a whole process; the recipes' own is JAX.
if find_spec("jax"):
    os.environ.setdefault("KERAS_BACKEND", "jax")

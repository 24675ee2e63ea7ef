"""What `import tconv` brings in: NumPy, and the package's own few rooms."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = "import sys; before = set(sys.modules); import {}; print(*sorted(set(sys.modules) - before))"

OPTIONAL = {"torch", "jax", "jaxlib", "keras", "tensorflow", "scipy", "onnx", "typer", "jinja2", "matplotlib", "PIL"}

PUBLIC = ("tconv", "tconv.errors", "tconv.geometry", "tconv.conventions", "tconv.methods", "tconv.resize",
          "tconv.initialize", "tconv.engine", "tconv.operations")


def loaded(module):
    """The modules that one import loads into a fresh interpreter."""
    run = subprocess.run([sys.executable, "-c", PROBE.format(module)], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_tconv_loads_numpy_and_nothing_optional():
    names = loaded("tconv")
    assert "numpy" in names
    assert not OPTIONAL & {name.split(".")[0] for name in names}


def test_importing_tconv_opens_only_the_rooms_that_numpy_arrays_need():
    rooms = {name.split(".")[1] for name in loaded("tconv") if name.startswith("tconv.")}
    assert rooms == {"engine", "errors", "geometry", "methods", "operations"}


def test_importing_tconv_adds_only_the_standard_library_to_numpy():
    extra = {name.split(".")[0] for name in loaded("tconv") - loaded("numpy")}
    assert extra - sys.stdlib_module_names <= {"tconv", "org", "_native"}  # `org`: what `copy` asks Jython for


@pytest.mark.parametrize("name", PUBLIC)
def test_all_lists_what_a_package_exports_and_nothing_else(name):
    module = importlib.import_module(name)
    assert list(module.__all__) == sorted(set(module.__all__), key=natural)
    assert all(hasattr(module, public) for public in module.__all__)
    if hasattr(module, "__path__"):  # a package's front: what it takes from its own files it shows
        own = {key for key, value in vars(module).items() if not key.startswith("_") and defined_in(value, name)}
        assert own <= set(module.__all__)


def natural(name):
    """The order that the linter keeps: constants, then classes, then the rest."""
    return (not name.isupper(), not name[:1].isupper(), name)


def defined_in(value, name):
    return not isinstance(value, type(sys)) and getattr(value, "__module__", "").startswith(f"{name}.")


def test_types_are_promised():
    assert Path(importlib.import_module("tconv").__file__).with_name("py.typed").exists()

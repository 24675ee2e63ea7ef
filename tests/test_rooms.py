"""The rooms of the package: imports run downward only, and what is optional stays in the room that serves it."""

import ast
from pathlib import Path

import pytest

import tconv

SOURCE = Path(tconv.__file__).parent

ROOMS = ("errors", "files", "geometry", "conventions", "methods", "resize", "initialize", "diagnose", "explain",
         "engine", "operations", "proof", "jax", "torch", "tensorflow", "keras", "convert", "models", "recipes",
         "report", "bench", "studio", "cli", "__main__")

DOORS = {"geometry/axis": "tconv.explain"}  # opened when a setting is to be explained, and not before

OPTIONAL = {
    "jax": {"jax", "keras", "recipes", "bench"},  # Keras has its JAX backend there; recipes meet in ranks
    "ray": {"recipes"},
    "tensorboardX": {"report"},
    "jaxlib": {"jax"},
    "torch": {"torch", "keras", "convert", "models", "bench"},
    "tensorflow": {"tensorflow", "keras", "bench"},
    "keras": {"keras", "convert", "models", "recipes", "report", "bench"},
    "onnx": {"models", "bench", "recipes"},
    "openvino": {"bench"},
    "typer": {"cli"},
    "jinja2": {"report", "explain"},
    "openpyxl": {"explain"},
}


def modules():
    return sorted(path.relative_to(SOURCE).with_suffix("").as_posix() for path in SOURCE.rglob("*.py"))


def room(module):
    return module.split("/")[0]


def imported(module):
    """Every module that a file imports, anywhere in it, by its absolute dotted name."""
    package = ["tconv", *module.split("/")[:-1]]
    for node in ast.walk(ast.parse((SOURCE / f"{module}.py").read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = package[:len(package) - node.level + 1] if node.level else []
            origin = ".".join([*origin, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_from_rooms_above_its_own(module):
    if module == "__init__":
        return  # the front of the house: it shows what the rooms hold
    for name in imported(module):
        top, *path = name.split(".")
        if top != "tconv" or name.startswith(DOORS.get(module, "no door")):
            continue
        target = path[0] if path and path[0] in ROOMS else "operations"  # the last room that the front opens
        assert ROOMS.index(target) <= ROOMS.index(room(module)), f"{module} imports {name}"


@pytest.mark.parametrize("module", modules())
def test_an_optional_package_is_imported_only_in_the_room_that_serves_it(module):
    tops = {name.split(".")[0] for name in imported(module)}
    for package, rooms in OPTIONAL.items():
        assert package not in tops or room(module) in rooms, f"{module} imports {package}"
    assert "scipy" not in tops or module == "methods/matrix"


def test_every_folder_of_the_package_is_a_room():
    assert {room(module) for module in modules()} - {"__init__"} <= set(ROOMS)

"""The user's own pictures with masks, in which a colour stands for a class."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...methods.channels import Array
from ..overlay import APART
from ..pictures import picture, picture_files
from .scenes import Scene, check_sizes

__all__ = ["Classes", "Found", "found_scenes"]

MOST_CLASSES = 64
REST = "*"  # of the colours in classes.txt: every other one
PARTS = "images", "masks"
NAMES = "classes.txt"
FEWEST = 2
LINE = re.compile(r"(.+?)\s+(#[0-9a-fA-F]{6}|\*)")


@dataclass(frozen=True, slots=True)
class Classes:
    """Names, and the colours that masks have them in; the first one is the background.

    Args:
        names: one each.
        colours: `#rrggbb`, or `*` for one class that takes every colour that no other has.
    """

    names: tuple[str, ...]
    colours: tuple[str, ...]

    def shown(self) -> list[str]:
        """The colours to draw them in: their own where these can be told apart from black and grey, ours else."""
        own = [colour for colour in self.colours[1:] if colour != REST and _vivid(colour)]
        return ["#000000", *(own if len(own) == len(self.names) - 1 else _enough(len(self.names) - 1))]


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder holds: scenes to train on and to validate with, and their classes."""

    train: list[Scene]
    validation: list[Scene]
    classes: Classes


def found_scenes(folder: Path, most: int | None = None) -> Found:
    """Read `images/` and `masks/`, a mask by the name of its picture; every fifth of them is to validate with.

    Where there are folders `train/` and `validation/`, each with both, they are the two parts. Classes are the colours
    of the masks, the most common one being the background, or what `classes.txt` says: a line for each, a name and a
    colour `#rrggbb`, the background first; the colour `*` stands for all others.

    Args:
        folder: of the user.
        most: so many pairs of each part, for a quick try.

    Raises:
        DataError: if something is missing, or does not match.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder; give one that holds images/ and masks/.")
    parts = [folder / part for part in ("train", "validation")]
    split = all(part.is_dir() for part in parts)
    pairs = [_pairs(part) for part in parts] if split else _split(_pairs(folder))
    train, validation = (some[:most] for some in pairs)
    colours = {mask: _colours(mask) for _, mask in (*train, *validation)}
    listed = _listed(folder / NAMES)
    classes = listed or _common(folder, list(colours.values()))
    mode = "colour" if any(_is_coloured(path) for path, _ in (*train, *validation)) else "grey"
    learned, kept = ([_scene(path, mask, mode, classes) for path, mask in some] for some in (train, validation))
    _check_classes(folder, classes, learned)
    return Found(learned, kept, classes)


def _pairs(folder: Path) -> list[tuple[Path, Path]]:
    for part in PARTS:
        if not (folder / part).is_dir():
            raise DataError(f"{folder}: has no folder {part}/; put pictures into images/ and, by the same names, their "
                            "masks into masks/.")
    pictures, masks = (_by_name(folder / part) for part in PARTS)
    for some, others, missing in ((pictures, masks, "mask"), (masks, pictures, "picture")):
        alone = sorted(some.keys() - others.keys())
        if alone:
            more = f" and {len(alone) - 1} others" if len(alone) > 1 else ""
            raise DataError(f"{some[alone[0]]}{more}: without a {missing} of the same name; add it to "
                            f"{others and next(iter(others.values())).parent}, or take the file away.")
    return [(pictures[name], masks[name]) for name in sorted(pictures)]


def _by_name(folder: Path) -> dict[str, Path]:
    paths = picture_files(folder)
    names = Counter(path.relative_to(folder).with_suffix("").as_posix() for path in paths)
    twice = next((name for name, count in names.items() if count > 1), None)
    if twice is not None:
        raise DataError(f"{folder / twice}: is there in {names[twice]} formats; keep one of them.")
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in paths}


def _split(pairs: list[tuple[Path, Path]]) -> list[list[tuple[Path, Path]]]:
    """Every fifth of an order that is drawn once and for all."""
    if len(pairs) < FEWEST:
        raise DataError(f"{pairs[0][0].parent}: holds {len(pairs)} picture, but a training wants {FEWEST} or more: one "
                        "to learn from, one to validate with.")
    mixed = [pairs[place] for place in np.random.default_rng(0).permutation(len(pairs))]
    cut = max(1, len(mixed) // 5)
    return [mixed[cut:], mixed[:cut]]


def _packed(path: Path) -> Array:
    """A mask `(H, W)` of colours as whole numbers; transparent is black."""
    red, green, blue = np.moveaxis(picture(path).astype(np.int32), -1, 0)
    return red << 16 | green << 8 | blue  # type: ignore[no-any-return]


def _colours(path: Path) -> dict[str, int]:
    numbers, counts = np.unique(_packed(path), return_counts=True)
    return {f"#{number:06x}": int(count) for number, count in zip(numbers, counts, strict=True)}


def _listed(path: Path) -> Classes | None:
    if not path.is_file():
        return None
    rows = [LINE.fullmatch(line.strip()) for line in path.read_text().splitlines() if line.strip()]
    named = {row[1]: row[2].lower() for row in rows if row}
    if None in rows or len(named) < 2 or len({*named.values()}) < len(rows):
        raise DataError(f"{path}: has to have two lines or more, each with another name and another colour, as in "
                        "'road #804080'; the background first.")
    return Classes(tuple(named), tuple(named.values()))


def _common(folder: Path, masks: Sequence[Mapping[str, int]]) -> Classes:
    """The colours of all masks, the most common one first and the others in order."""
    counts: Counter[str] = sum((Counter(one) for one in masks), Counter())
    if len(counts) > MOST_CLASSES:
        raise DataError(f"{folder}: its masks have {len(counts):,} colours, but a colour stands for a class, and there "
                        f"may be {MOST_CLASSES}. Save masks as PNG, drawn without smoothing; or, where each object has "
                        f"a colour of its own, write {NAMES} with 'background #000000' and 'object *'.")
    if len(counts) < 2:
        raise DataError(f"{folder}: its masks have one colour only, {next(iter(counts))}; a class is a colour, and "
                        "there have to be two or more.")
    first, *rest = (colour for colour, _ in counts.most_common())
    colours = (first, *sorted(rest))
    numbers = [_number(colour) for colour in colours]
    names = [f"class {number}" for number in numbers] if None not in numbers else ["background", *colours[1:]]
    return Classes(tuple(names), colours)


def _number(colour: str) -> int | None:
    """The number that a dark grey stands for where masks hold numbers."""
    parts = bytes.fromhex(colour[1:])
    return parts[0] if len({*parts}) == 1 and parts[0] < MOST_CLASSES else None


def _is_coloured(path: Path) -> bool:
    pixels = picture(path)
    return bool((pixels != pixels[..., :1]).any())


def _scene(path: Path, mask: Path, mode: str, classes: Classes) -> Scene:
    seen, packed = picture(path, mode), _packed(mask)
    check_sizes(str(mask), seen, packed)
    return Scene(seen, _numbered(mask, packed, classes), path.stem)


def _numbered(path: Path, packed: Array, classes: Classes) -> Array:
    rest = classes.colours.index(REST) if REST in classes.colours else None
    numbers = np.full(packed.shape, MOST_CLASSES if rest is None else rest, np.uint8)
    for number, colour in enumerate(classes.colours):
        if colour != REST:
            numbers[packed == int(colour[1:], 16)] = number
    if (numbers == MOST_CLASSES).any():
        odd = f"#{packed[numbers == MOST_CLASSES][0]:06x}"
        raise DataError(f"{path}: has the colour {odd}, which {NAMES} does not know; add a line for it.")
    return numbers


def _check_classes(folder: Path, classes: Classes, train: Sequence[Scene]) -> None:
    there = {int(number) for scene in train for number in np.unique(scene.mask)}
    missing = [name for number, name in enumerate(classes.names) if number not in there]
    if missing:
        raise DataError(f"{folder}: no picture to train on has {', '.join(missing)}; add some that have, move them to "
                        f"train/images and train/masks, or leave the class out of {NAMES} and of the masks.")


def _vivid(colour: str) -> bool:
    red, green, blue = bytes.fromhex(colour[1:])
    return max(red, green, blue) - min(red, green, blue) >= 64


def _enough(count: int) -> list[str]:
    return [APART[number % len(APART)] for number in range(count)]

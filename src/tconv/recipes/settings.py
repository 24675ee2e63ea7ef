"""Settings that check and explain themselves: a field says its default, its range and its help in one place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from typing import Any, ClassVar, get_type_hints

from ..errors import SettingError
from ..geometry import whole
from .backend import BACKENDS

__all__ = ["Common", "Kind", "kinds", "setting"]

# What a field may hold: its annotation as a person writes it on a command line.
WHOLE, NUMBER, WORD, SWITCH, WHOLES = "a whole number", "a number", "a word", "yes or no", "whole numbers"
TYPES = {int: WHOLE, float: NUMBER, str: WORD, bool: SWITCH, tuple[int, ...]: WHOLES}


def setting(default: Any, says: str, *, least: int | None = None, above: float | None = None, most: float | None = None,
            choices: Sequence[Any] = (), path: bool = False, shown: str | None = None) -> Any:
    """A field of a recipe's settings.

    Args:
        default: what holds if nothing is said; None where the recipe finds it out.
        says: help, one sentence.
        least: the smallest whole number that is taken (each of them, in a tuple).
        above: a number has to be larger than this.
        most: a number may not be larger than this.
        choices: the values that are taken; all if there are none.
        path: whether it is a file or folder, to be kept as an absolute path.
        shown: the default in words, where the value does not say it.
    """
    return field(default=default, metadata={"says": says, "least": least, "above": above, "most": most,
                                            "choices": tuple(choices), "path": path, "shown": shown})


@dataclass(frozen=True, slots=True)
class Kind:
    """What one field takes: its name, the kind of its value, whether it may be None, and what `setting` said."""

    name: str
    kind: str
    optional: bool
    default: Any
    about: dict[str, Any]

    def checked(self, where: str, value: Any) -> Any:
        """The value as it will be kept.

        Raises:
            SettingError: if it is of another kind or out of its range.
        """
        if value is None and self.optional:
            return None
        value = CHECKS[self.kind](self, where, value)
        if self.about["choices"] and value not in self.about["choices"]:
            raise SettingError(f"{where}: {self.name} is {value!r}, but has to be one of "
                               f"{', '.join(map(str, self.about['choices']))}.")
        return value


def kinds(settings: Any) -> tuple[Kind, ...]:
    """The fields of a settings class, in order.

    >>> [kind.name for kind in kinds(Common)][:3]
    ['epochs', 'batch_size', 'seed']
    """
    hints = get_type_hints(settings)
    return tuple(_kind(one, hints[one.name]) for one in fields(settings))


def _kind(one: Field[Any], hint: Any) -> Kind:
    optional = type(None) in getattr(hint, "__args__", ())
    bare = next(part for part in hint.__args__ if part is not type(None)) if optional else hint
    assert one.default is not MISSING, f"{one.name}: every setting has a default"
    return Kind(one.name, TYPES[bare], optional, one.default, dict(one.metadata))


def _whole(kind: Kind, where: str, value: Any) -> int:
    return _limited(kind, where, whole(where, kind.name, value, kind.about["least"]))


def _number(kind: Kind, where: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    above = -math.inf if kind.about["above"] is None else kind.about["above"]
    if not above < number < math.inf:
        rule = "a number" if above == -math.inf else f"a number above {above:g}"
        raise SettingError(f"{where}: {kind.name} is {value!r}, but has to be {rule}, as {kind.default} is.")
    return _limited(kind, where, number)


def _limited(kind: Kind, where: str, number: Any) -> Any:
    if kind.about["most"] is not None and number > kind.about["most"]:
        raise SettingError(f"{where}: {kind.name} is {number}, but has to be at most {kind.about['most']}.")
    return number


def _word(kind: Kind, where: str, value: Any) -> str:
    if not isinstance(value, str):
        raise SettingError(f"{where}: {kind.name} is {value!r}, but has to be a word.")
    return value


def _switch(kind: Kind, where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise SettingError(f"{where}: {kind.name} is {value!r}, but has to be True or False.")
    return value


def _wholes(kind: Kind, where: str, value: Any) -> tuple[int, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise SettingError(f"{where}: {kind.name} is {value!r}, but has to be whole numbers, as in (32, 16).")
    return tuple(_whole(kind, where, one) for one in value)


CHECKS = {WHOLE: _whole, NUMBER: _number, WORD: _word, SWITCH: _switch, WHOLES: _wholes}


@dataclass(frozen=True, slots=True)
class Common:
    """What every training depends on; a recipe's own settings inherit from this and give other defaults as they like.

    Raises:
        SettingError: if one is of another kind or out of its range.
    """

    recipe: ClassVar[str] = "training"

    epochs: int = setting(25, "Passes over the data.", least=1)
    batch_size: int = setting(32, "Examples a step.", least=1)
    seed: int = setting(0, "Of the weights, the order of the examples, and all that is drawn.", least=0)
    learning_rate: float = setting(0.001, "Of Adam.", above=0)
    backend: str = setting("jax", f"Framework under Keras: {', '.join(BACKENDS)}.", choices=BACKENDS,
                           shown="KERAS_BACKEND, or else jax")
    data: str | None = setting(None, "What to train on; else what is installed.", path=True, shown="as installed")
    limit: int | None = setting(None, "Train on the first so many examples only, for a quick try.", least=1,
                                shown="all")

    def __post_init__(self) -> None:
        for kind in kinds(type(self)):
            object.__setattr__(self, kind.name, kind.checked(self.recipe, getattr(self, kind.name)))
        self.check()

    def check(self) -> None:
        """Look at what no field can tell alone; a recipe has its own."""

    def plain(self) -> dict[str, Any]:
        """The settings as JSON keeps them."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

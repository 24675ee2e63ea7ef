"""Options as a table, for a verb that should answer at once: read without Typer, which takes its time to start.

What is not plain (help, completion, a mistake) is left to Typer, with the same table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Parameter, Signature
from typing import Any, NamedTuple

__all__ = ["Option", "plain", "typed"]


class Option(NamedTuple):
    """One option of a verb; a bool is a flag, any other kind takes a value. Without flags it is a word by itself."""

    name: str
    flags: tuple[str, ...]
    says: str
    kind: type = str
    default: Any = None


def plain(options: Sequence[Option], words: Sequence[str]) -> dict[str, Any] | None:
    """What the words of a command line say, by name; None where they are for Typer to answer.

    >>> plain([Option("step", ("--step",), "", int), Option("conv", ("--conv",), "", bool, False)], ["--step=2"])
    {'step': 2, 'conv': False}
    """
    flags = {flag: option for option in options for flag in option.flags}
    said: dict[str, Any] = {option.name: option.default for option in options}
    rest = list(words)
    while rest:
        flag, joined, value = rest.pop(0).partition("=")
        option = flags.get(flag)
        if option is None or (option.kind is bool and joined) or (option.kind is not bool and not joined and not rest):
            return None
        value = "" if option.kind is bool else value if joined else rest.pop(0)
        try:
            said[option.name] = True if option.kind is bool else option.kind(value)
        except ValueError:
            return None
    return said


def typed(function: Callable[..., Any], options: Sequence[Option]) -> Callable[..., Any]:
    """The verb with the signature that Typer reads."""
    from typing import Annotated

    import typer

    def verb(**said: Any) -> None:
        function(**said)

    def asked(one: Option) -> Any:
        if not one.flags:
            return typer.Argument(metavar=f"[{one.name.upper()}]", help=one.says)
        return typer.Option(*one.flags, help=one.says)

    parameters = [
        Parameter(one.name, Parameter.KEYWORD_ONLY, default=one.default, annotation=Annotated[
            one.kind if one.default is not None else one.kind | None, asked(one)])
        for one in options
    ]
    verb.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    verb.__annotations__ = {one.name: one.annotation for one in parameters}
    verb.__doc__ = function.__doc__
    return verb

"""A page of the documentation as its parts: prose, examples and pictures, in order."""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Part", "parts"]

FENCE = re.compile(r"^```(?P<kind>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r"^:\w+:.*\n", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """A piece of a page: its kind (`prose`, `example`, `picture`), its text, and its promised output or its caption."""

    kind: str
    text: str
    want: str = ""


def parts(page: str) -> Iterator[Part]:
    """The parts of a page; examples up to an output belong together.

    >>> list(parts("Add.\\n\\n```python\\n>>> a = 1\\n>>> a\\n1\\n\\n```\\n"))
    [Part(kind='prose', text='Add.', want=''), Part(kind='example', text='a = 1\\na', want='1\\n')]
    """
    end = 0
    for fence in FENCE.finditer(page):
        yield from _prose(page[end:fence.start()])
        yield from _fenced(fence["kind"].strip(), fence["body"])
        end = fence.end()
    yield from _prose(page[end:])


def _prose(text: str) -> Iterator[Part]:
    if text.strip():
        yield Part("prose", text.strip())


def _fenced(kind: str, body: str) -> Iterator[Part]:
    if kind == "python" and ">>>" in body:
        yield from _examples(body)
    elif kind.startswith("{picture}"):
        yield Part("picture", OPTION.sub("", body).strip(), kind.removeprefix("{picture}").strip())
    elif not kind.startswith("{"):
        yield Part("prose", f"```{kind}\n{body}```")


def _examples(body: str) -> Iterator[Part]:
    source = ""
    for example in doctest.DocTestParser().get_examples(body):
        source += example.source
        if example.want:
            yield Part("example", source.rstrip("\n"), example.want)
            source = ""
    if source:
        yield Part("example", source.rstrip("\n"))

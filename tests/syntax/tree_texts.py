"""Texts to trees, and trees to plain text, for tests that compare both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from retdsl.diagnostics import Diagnostic, Diagnostics
from retdsl.source import Source
from retdsl.syntax import parse
from retdsl.syntax import tree as t


def declarations(text: str) -> tuple[t.Declaration, ...]:
    """The declarations of a text without mistakes."""
    out = Diagnostics()
    found = parse(Source("test.retina", text), out).declarations
    assert not len(out), [item.message for item in out]
    return found


def value(text: str) -> t.Expr:
    """The expression that `text` means as a model."""
    [declared] = declarations(f"model m = {text}")
    assert isinstance(declared, t.Model)
    return declared.value


def mistakes(text: str) -> tuple[tuple[t.Declaration, ...], list[Diagnostic]]:
    """What is left of a text with mistakes, and what is said about them."""
    out = Diagnostics()
    found = parse(Source("test.retina", text), out).declarations
    return found, list(out)


def shown(node: Any) -> Any:
    """A tree as nested tuples, each with its class's name first and no spans."""
    if isinstance(node, t.Syntax):
        return (type(node).__name__, *(shown(getattr(node, f.name)) for f in fields(node) if f.name != "span"))
    return tuple(shown(item) for item in node) if isinstance(node, tuple) else node


def nodes(node: Any) -> Iterator[t.Syntax]:
    """Every part of a tree that has a span."""
    if isinstance(node, t.Syntax):
        yield node
    if is_dataclass(node) and not isinstance(node, type):
        for f in fields(node):
            if f.name not in ("span", "source"):
                yield from nodes(getattr(node, f.name))
    elif isinstance(node, tuple):
        for item in node:
            yield from nodes(item)

"""Edits that cure a mistake, for the messages that can name one.

A fix is safe if a reader who knows what was written could not mean anything else by it: `retdsl check --fix` writes it
without asking. docs/command-line.md tells which they are.
"""

from __future__ import annotations

import re

from retdsl.diagnostics import Edit, Fix
from retdsl.diagnostics.suggest import Guess
from retdsl.source import Span

_EMPTY = re.compile(r"\s*\(\s*\)")


def surely(meant: Guess, word: str) -> str | None:
    """The name of the language that a word stands for beyond doubt: checking goes on as if that were written."""
    if len(meant.names) != 1 or "(" in meant.names[0]:
        return None
    from retdsl.schema.synonyms import means_the_same

    return meant.names[0] if meant.slip or (meant.same and means_the_same(word, meant.names[0])) else None


def rename_fixes(meant: Guess, word: str, span: Span, *, own: bool = False) -> list[Fix]:
    """Writing the only name that a word may stand for in its place.

    own: the names are the user's, of which two may well differ in a letter: only another spelling is certain then.
    """
    if len(meant.names) != 1:
        return []
    from retdsl.schema.synonyms import means_the_same

    [name] = meant.names
    safe = (meant.same and means_the_same(word, name)) or (meant.slip and not own)
    bare, bracket, options = name.partition("(")
    if not bracket or name.startswith('"'):
        return [Fix.at(span, name, safe=safe)]
    return [Fix((Edit(span, bare), *_with_options(span, options.removesuffix(")"))), safe)]


def step_before(span: Span, step: str) -> Fix:
    """Putting a step of a chain before the one at `span`, on a line of its own if that one has one."""
    before = span.source.text[: span.start].rpartition("\n")[2]
    apart = f"\n{before}" if before.strip() == "=>" else " => "
    return Fix.at(Span(span.source, span.start, span.start), step + apart, safe=True)


def behind(span: Span, text: str, *, safe: bool = False) -> Fix:
    """Adding text right behind what stands at `span`."""
    return Fix.at(Span(span.source, span.end, span.end), text, safe=safe)


def number_fixes(span: Span, number: int | None, by: str) -> list[Fix]:
    """Writing `by` for the only place where a number stands within `span`."""
    found = [place.span() for place in re.finditer(rf"(?<![\w.]){number}(?![\w.])", span.text)]
    places = [Span(span.source, span.start + start, span.start + end) for start, end in found]
    return [Fix.at(places[0], by)] if len(places) == 1 else []


def as_written(name: str) -> str:
    """A layer's name as a cut writes it: in quotes unless it is a plain name."""
    from retdsl.schema.spelling import spell

    return spell(name)


def _with_options(name: Span, options: str) -> tuple[Edit, ...]:
    """The edits that put options into the call whose name is at `name`, before those that stand there."""
    source = name.source
    rest = source.text[name.end :]
    empty = _EMPTY.match(rest)
    opened = re.match(r"\s*\(", rest)
    if empty is not None:
        return (Edit(Span(source, name.end, name.end + empty.end()), f"({options})"),)
    if opened is not None:
        place = name.end + opened.end()
        return (Edit(Span(source, place, place), f"{options}, "),)
    return (Edit(Span(source, name.end, name.end), f"({options})"),)

"""Messages about words that the schema does not have: what comes near, what is surely meant, and the fix.

Where a word has one meaning beyond doubt, checking goes on with that, so that one pass finds what else is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from retdsl.check.fixes import rename_fixes, surely
from retdsl.diagnostics import Diagnostics, Label
from retdsl.diagnostics.suggest import guess
from retdsl.schema import ENTRIES, Entry
from retdsl.schema.synonyms import foreign, synonyms
from retdsl.schema.types import OneOf, Policy, with_article
from retdsl.source import Span

MANY = 300
"""After so many messages none is worth comparing a misspelt name with every block of a huge file."""


def report_unknown_call(
    category: str, name: str, span: Span, out: Diagnostics, entries: Iterable[Entry], extra: Iterable[str] = ()
) -> str | None:
    """Says that nothing of that name can be called here, with what comes near; gives the name that is surely meant."""
    entries = list(entries)
    elsewhere = foreign(category)
    spelt = {word.casefold() for word in elsewhere}
    own = {alias: entry.name for entry in entries for alias in entry.aliases if alias.casefold() not in spelt}
    aliases = {**own, **elsewhere}
    names = [entry.name for entry in entries] + (list(extra) if len(out) < MANY else [])
    meant = guess(name, names, aliases)
    helps = [meant.question or f"there are {', '.join(f'`{n}`' for n in sorted(names))}"]
    label = Label(span, f"not {with_article(category)}")
    fixes = rename_fixes(meant, name, span)
    out.report("R205", f"there is no {category} `{name}`", label, helps=helps, fixes=fixes)
    return surely(meant, name)


def report_unknown_option(
    entry: Entry, name: str, span: Span, options: Sequence[str], out: Diagnostics
) -> tuple[Sequence[str], str | None]:
    """Says that a call or a block has no option of that name.

    Gives those that it may mean, and the one that it surely means.
    """
    block = entry.category.endswith(" block")
    key = "key" if block else "option"
    whose = f"a `{entry.name}` block" if block else f"`{entry.name}`"
    aliases = synonyms(options)
    meant = guess(name, options, aliases)
    hint = meant.question or _belongs_to(entry, name)
    label = Label(span, f"not {with_article(key)} of {'this block' if block else whose}")
    notes = [f"{'it' if block else whose} takes {', '.join(options) or 'no options'}"]
    fixes = rename_fixes(meant, name, span)
    text = f"{whose} has no {key} `{name}`"
    out.report("R302", text, label, notes=notes, helps=[hint] if hint else [], fixes=fixes)
    return meant.names, surely(meant, name)


def _belongs_to(entry: Entry, name: str) -> str | None:
    """Says so if `name` is an option of something that one of the block's keys takes, as `lr` of the optimizer."""
    for key in entry.options:
        kinds = key.type.types if isinstance(key.type, OneOf) else (key.type,)
        for kind in kinds:
            for owner in ENTRIES[kind.category].values() if isinstance(kind, Policy) else ():
                names = [option.name for option in owner.options]
                own = name if name in names else synonyms(names).get(name)
                if own is not None:
                    return f"it belongs to what `{key.name}` takes, as in `{key.name} = {owner.name}({own} = ...)`"
    return None

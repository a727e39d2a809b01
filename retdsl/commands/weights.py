"""`retdsl weights import|fetch|list|verify|remove`: weights that a user keeps under names, for `weights = "NAME"`."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from retdsl.commands.terminal import DONE, USAGE, WRONG, colour_wanted, say
from retdsl.diagnostics.measure import printable, width
from retdsl.diagnostics.suggest import did_you_mean
from retdsl.ir import Call
from retdsl.runtime.errors import RunError
from retdsl.schema.spelling import spell_call
from retdsl.weights.convention import LARGEST_SIZE, Convention
from retdsl.weights.store import DamagedStore, Finding, Record, Store, default_store

MEGABYTE = 1_000_000

WIDTH = 80
"""Columns of remarks."""

_DIGITS = 16
"""Of a hash, for a spec: more than enough against mistakes."""

GAP, LEAST = 2, 12
"""Columns between those of a table, and the fewest that tell something of where weights are from."""

DISPENSABLE = ("from", "licence", "trained on", "classes")
"""What a table on a narrow terminal goes without, the first first."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    importing = actions.add_parser("import", help="take a file into the store")
    importing.add_argument("file", type=Path, metavar="FILE", help="a weights file, or a folder as timm has them")
    fetching = actions.add_parser("fetch", help="download weights, and take them into the store")
    fetching.add_argument("address", metavar="hf:OWNER/REPO", help="a repository of the Hugging Face Hub")
    for taking in (importing, fetching):
        _add_facts(taking)
    listing = actions.add_parser("list", help="what the store has")
    verifying = actions.add_parser("verify", help="read all files anew, and compare their hashes")
    verifying.add_argument("names", nargs="*", metavar="NAME", help="only these")
    removing = actions.add_parser("remove", help="forget names, and files that no other name stands for")
    removing.add_argument("names", nargs="+", metavar="NAME")
    for action in (importing, fetching, listing, verifying):
        action.add_argument("--format", choices=("text", "json"), default="text")


def _add_facts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--for", dest="network", metavar="NETWORK", help="the network of the zoo that they are for")
    parser.add_argument("--name", metavar="NAME", help="what a spec calls them")
    parser.add_argument("--source", metavar="TEXT", help="where they come from")
    parser.add_argument("--licence", "--license", metavar="TEXT", help="under what terms they may be used")
    said = "what they were trained on: (x * scale - mean) / std, x from 0 to 1"
    parser.add_argument("--mean", nargs=3, type=float, metavar=("R", "G", "B"), help=said)
    parser.add_argument("--std", nargs=3, type=float, metavar=("R", "G", "B"), help="1 1 1 without it")
    parser.add_argument("--scale", type=float, help="1 without it; 255 for pixel values from 0 to 255")
    parser.add_argument("--size", nargs="+", type=int, metavar="PIXELS", help="height and width, or one for both")


def run(arguments: argparse.Namespace) -> int:
    store = default_store()
    actions = {"import": _import, "fetch": _fetch, "list": _list, "verify": _verify, "remove": _remove}
    try:
        return actions[arguments.action](arguments, store)
    except DamagedStore as error:
        raise RunError(f"cannot read the store: {error}", where=store.folder) from error


def _import(arguments: argparse.Namespace, store: Store) -> int:
    from retdsl.intake.files import import_weights

    return _tell(import_weights(_request(arguments, arguments.file), store), arguments, store)


def _fetch(arguments: argparse.Namespace, store: Store) -> int:
    from retdsl.intake.hub import fetch_weights

    return _tell(fetch_weights(arguments.address, _request(arguments, Path()), store), arguments, store)


def _request(arguments: argparse.Namespace, path: Path) -> Any:
    """What the user asks for. Raises RunError for numbers that make no convention."""
    from retdsl.intake.files import Request

    wrong = []
    size = arguments.size and (arguments.size[0], arguments.size[-1])
    if size and (len(arguments.size) > 2 or not all(0 < side <= LARGEST_SIZE for side in size)):
        wrong.append("--size takes height and width in pixels, or one number for both")
    if arguments.mean is None and (arguments.std is not None or arguments.scale is not None):
        wrong.append("--std and --scale go with --mean")
    scale = [] if arguments.scale is None else [arguments.scale]
    if min(*(arguments.std or (1, 1)), *scale) <= 0:
        wrong.append("--std and --scale are above 0")
    if not all(map(math.isfinite, (*(arguments.mean or ()), *(arguments.std or ()), *scale))):
        wrong.append("--mean, --std and --scale are finite numbers")
    if wrong:
        raise RunError(wrong[0], items=wrong[1:], exit_code=USAGE)
    convention = None
    if arguments.mean is not None:
        convention = Convention(tuple(arguments.mean), tuple(arguments.std or (1.0,) * 3), arguments.scale or 1.0)
    facts = (arguments.network, arguments.name, arguments.source, arguments.licence)
    return Request(path, *facts, convention, size or None)


def _tell(imported: Any, arguments: argparse.Namespace, store: Store) -> int:
    record, remarks = imported
    if arguments.format == "json":
        print(json.dumps({**_facts(record, store), "remarks": list(remarks)}, indent=1, ensure_ascii=False))
        return DONE
    whose = f"{record.origin}'s" if record.origin else "the network's own"
    rows = [
        ("for", record.network + (f", with {record.classes} classes" if record.classes else ", without its head")),
        ("holds", f"{record.tensors} tensors, {_megabytes(record)}, {record.format}, {whose} names"),
        ("trained on", _input(record) or "not known: say it by --mean and --std, or by `normalize` in each study"),
        *([("", f"({record.convention_from})")] if record.convention_from else []),
        ("from", record.source or "not known"),
        ("licence", record.licence or "not known: --licence TEXT notes it"),
        ("sha256", record.sha256),
        ("in a spec", f'zoo({record.network}, weights = "{record.name}")'),
        ("with hash", f'weights = "{record.name}" sha256 "{record.sha256[:_DIGITS]}"'),
    ]
    say(f"{record.name} is in the store")
    for key, text in rows:
        say(f"  {key:<10}  {printable(text)}")
    for remark in remarks:
        lines = wrap(printable(remark), WIDTH - 8, break_long_words=False, break_on_hyphens=False)
        say("\n        ".join([f"  note: {lines[0]}", *lines[1:]]))
    return DONE


def _list(arguments: argparse.Namespace, store: Store) -> int:
    records, damaged = _records(store)
    if arguments.format == "json":
        wrong = [{"name": finding.name, "wrong": finding.wrong} for finding in damaged]
        kept = {"folder": str(store.folder), "weights": [_facts(record, store) for record in records], "damaged": wrong}
        print(json.dumps(kept, indent=1, ensure_ascii=False))
        return WRONG if damaged else DONE
    heads = ("name", "for", "classes", "trained on", "size", "licence", "from", "sha256")
    rows = [
        (
            record.name,
            record.network,
            str(record.classes or "no head"),
            _sides(record) if sys.stdout.isatty() else _input(record) or "?",
            _megabytes(record),
            record.licence or "?",
            record.source or "?",
            record.sha256[:8],
        )
        for record in records
    ]
    if rows:
        _print_table(heads, [tuple(printable(cell) for cell in row) for row in rows])
    elif not damaged:
        say(f"the store is empty ({store.folder}); `retdsl weights import FILE` puts weights into it")
    for finding in damaged:
        say(f"error: {finding.name}: {finding.wrong}")
    return WRONG if damaged else DONE


def _verify(arguments: argparse.Namespace, store: Store) -> int:
    _require_known(arguments.names, store)
    names = arguments.names or store.names()
    found: list[Finding] = []
    for name, finding in store.verify(names):
        found += [finding] if finding else []
        if arguments.format == "text":
            say(f"{name}: {finding.wrong if finding else 'as it was'}" + (f"\n --> {finding.path}" if finding else ""))
    orphans = [] if arguments.names else store.orphans()
    if arguments.format == "json":
        wrong = [{"name": f.name, "path": str(f.path), "wrong": f.wrong} for f in (*found, *orphans)]
        print(json.dumps({"verified": names, "wrong": wrong}, indent=1, ensure_ascii=False))
        return WRONG if wrong else DONE
    for orphan in orphans:
        say(f"{orphan.path.name}: {orphan.wrong}\n --> {orphan.path}")
    if found:
        say("   = help: `retdsl weights remove NAME`, and import the file anew")
    if orphans:
        say("   = help: delete the files that nothing stands for")
    if not names and not orphans:
        say(f"the store is empty ({store.folder})")
    return WRONG if found or orphans else DONE


def _remove(arguments: argparse.Namespace, store: Store) -> int:
    _require_known(arguments.names, store)
    for name in dict.fromkeys(arguments.names):
        try:
            store.remove(name)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise RunError(f"cannot remove {name}: {reason}", where=store.folder) from error
        say(f"{name} is removed")
    return DONE


def _records(store: Store) -> tuple[list[Record], list[Finding]]:
    """All records, and those that cannot be read."""
    records: list[Record] = []
    damaged: list[Finding] = []
    for name in store.names():
        try:
            record = store.record(name)
        except DamagedStore as error:
            damaged.append(Finding(name, store.folder, str(error)))
        else:
            records += [record] if record else []
    return records, damaged


def _require_known(names: Sequence[str], store: Store) -> None:
    """Raises RunError for names that the store does not have, all of them."""
    known = store.names()
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    if unknown:
        hints = [did_you_mean(name, known) for name in unknown]
        text = f"the store has no {' and no '.join(f'`{name}`' for name in unknown)}"
        helps = [hint for hint in hints if hint] or ["`retdsl weights list` tells what it has"]
        raise RunError(text, help=helps, exit_code=USAGE)


def _facts(record: Record, store: Store) -> dict[str, Any]:
    facts = record._asdict()
    facts["convention"] = None if record.convention is None else record.convention._asdict()
    return {**facts, "path": str(store.file(record))}


def _input(record: Record) -> str | None:
    """What they were trained on, as a spec would write it."""
    if record.convention is None:
        return None
    mean, std, scale, size = record.convention
    said = spell_call(Call("normalize", (("mean", mean), ("std", std), ("scale", scale))), "image step")
    return said if size is None else f"{size[0]} x {size[1]}, {said}"


def _sides(record: Record) -> str:
    """The same in as few words as a table on a terminal has room for."""
    if record.convention is None:
        return "?"
    return "x".join(map(str, record.convention.size or ())) or "any size"


def _megabytes(record: Record) -> str:
    return f"{record.size / MEGABYTE:.1f} MB"


def _room(widths: Mapping[str, int], columns: int) -> int:
    """What is left of so many columns; below 0 if a table has no room in them."""
    return columns - sum(widths.values()) - GAP * (len(widths) - 1)


def _print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """To a terminal a table that has room there; else a line a row, cells apart by tabs."""
    if not sys.stdout.isatty():
        print("\n".join("\t".join(row) for row in (heads, *rows)))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(no_color=not colour_wanted(sys.stdout))
    columns = {head: [row[at] for row in rows] for at, head in enumerate(heads)}
    widths = {head: max(sum(map(width, cell)) for cell in (head, *cells)) for head, cells in columns.items()}
    source, widths["from"] = widths["from"], min(widths["from"], LEAST)
    for head in DISPENSABLE:
        if _room(widths, console.width) < 0:
            del widths[head]
    if "from" in widths:
        widths["from"] = min(source, widths["from"] + _room(widths, console.width))
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    for head in widths:
        cut = head == "from"
        table.add_column(
            head, no_wrap=head != "name", overflow="ellipsis" if cut else "fold", width=widths[head] if cut else None
        )
    for cells in zip(*(columns[head] for head in widths), strict=True):
        table.add_row(*(Text(cell, style="cyan" if at == 0 else "") for at, cell in enumerate(cells)))
    console.print(table)
    if missing := [head for head in heads if head not in widths]:
        say(f"no room for: {', '.join(missing)}; `--format json` has all")

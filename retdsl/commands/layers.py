"""`retdsl layers [WHAT...]`: what a chain can name, all about one layer, loss, metric, policy or step, or the layers of
a network: of the zoo, of an MXNet symbol file, or of a spec.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from retdsl.account.layers import as_json
from retdsl.commands.looking import add_look_arguments, look
from retdsl.commands.network_table import print_network
from retdsl.commands.terminal import DONE, colour_wanted, say
from retdsl.compiler import Refused
from retdsl.diagnostics.suggest import did_you_mean
from retdsl.networks import Seen, cut_groups, is_kept, is_network, is_spec, no_network, suggestions
from retdsl.schema import ENTRIES, Entry, Layer, find_layer
from retdsl.schema.data import DATA_KEYS
from retdsl.schema.ensembles import ENSEMBLE_KEYS
from retdsl.schema.layers import FAMILIES
from retdsl.schema.lookup import layer_names, other_layers, refusal
from retdsl.schema.training import TRAIN_KEYS
from retdsl.schema.words import OTHERS, facts, first_sentence

LOSSES = "Loss heads"
"""They stand in chains, too: at the end."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    what = "a layer, loss, metric, policy or step; or a network: of the zoo, a symbol file or its prefix, or a spec"
    parser.add_argument("names", nargs="*", metavar="WHAT", help=what)
    add_look_arguments(parser)
    parser.add_argument("--all", action="store_true", help="every layer of a long network, too")
    parser.add_argument("--only", metavar="PATTERN", help="of a network, the layers of that name, as 'stage3_*'")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    facts_of: dict[str, list[dict[str, Any]]] = {}
    networks: dict[str, Sequence[Seen]] = {}
    for name in arguments.names:
        facts_of[name] = _known(name)
        if not facts_of[name] and (is_spec(name) or is_network(name)):
            networks[name] = look(name, arguments)
        elif not facts_of[name]:
            raise _unknown(name)
    found = [known for name in arguments.names for known in facts_of[name]]
    seen = [one for name in arguments.names for one in networks.get(name, ())]
    if arguments.format == "json":
        everything = [facts(entry, layer) for rows in _families().values() for entry, layer in rows]
        shown = [*found, *map(_network_json, seen)]
        print(json.dumps(shown if arguments.names else everything, indent=1, ensure_ascii=False))
    elif arguments.names:
        _print_entries(found)
        for i, one in enumerate(seen):
            print_network(one, everything=arguments.all, only=arguments.only, above=bool(i or found))
    else:
        _print_list()
    return DONE


def _network_json(seen: Seen) -> dict[str, Any]:
    kind = "backbone" if seen.declared else "model"
    known = {"name": seen.title, "category": kind, "declared": seen.declared, "groups": cut_groups(seen)}
    return {**known, **as_json(seen.network)}


def _families() -> dict[str, list[tuple[Entry, Layer | None]]]:
    families: dict[str, list[tuple[Entry, Layer | None]]] = {
        name: [(layer.entry, layer) for layer in layers] for name, layers in FAMILIES.items()
    }
    families[LOSSES] = [(entry, None) for entry in ENTRIES["loss"].values()]
    families[OTHERS] = [(layer.entry, layer) for layer in other_layers()]
    return families


def _known(name: str) -> list[dict[str, Any]]:
    """What is known under a name, in every category that has it."""
    layer = find_layer(name)
    found = [facts(layer.entry, layer)] if layer is not None else []
    return found + [facts(entries[name]) for kind, entries in ENTRIES.items() if kind != "layer" and name in entries]


def _unknown(name: str) -> Refused:
    """Why nothing has that name, and what may be meant."""
    refused = refusal(name)
    if refused is not None:
        return Refused(f"`{name}` cannot stand in a chain: {refused.why}", refused.instead)
    if Path(name).suffix or Path(name).name != name or is_kept(name):
        return no_network(name)
    for block in (DATA_KEYS, TRAIN_KEYS, ENSEMBLE_KEYS):
        if (key := block.option(name)) is not None:
            return Refused(f"`{name}` is a key of a {block.category}", f"{key.doc} It takes {key.type.words}")
    every = [entry for entries in ENTRIES.values() for entry in entries.values()]
    aliases = {alias: entry.name for entry in every for alias in entry.aliases}
    hint = did_you_mean(name, [*layer_names(), *(entry.name for entry in every), *suggestions()], aliases)
    return Refused(f"there is nothing called `{name}`", hint or "`retdsl layers` lists all layers")


def _print_list() -> None:
    rows = {
        family: [(entry.name, first_sentence(entry.doc)) for entry, _ in entries]
        for family, entries in _families().items()
    }
    for family, layers in rows.items():
        _print(family, style="bold", above=family != next(iter(rows)))
        for name, doc in layers:
            _print_row(name, doc, max(len(name) for name, _ in layers))
    say("\n`retdsl layers NAME` tells all about a layer, a loss, a metric, a policy or a step.")
    say("Of a network (`resnet50_v1`, `NAME-symbol.json`, `study.retina`) it shows the layers, and where to cut.")


def _print_entries(found: list[dict[str, Any]]) -> None:
    for i, known in enumerate(found):
        _print(known["signature"], style="bold cyan", above=i > 0)
        _print(known["doc"], above=True)
        about = list(_about(known))
        if about:
            _print("")
        for name, text in about:
            _print_row(name, text, max(len(name) for name, _ in about), style="dim")
        if known["options"]:
            _print("options", style="bold", above=True)
        width = max((len(option["name"]) for option in known["options"]), default=0)
        for option in known["options"]:
            _print_row(option["name"], option["doc"], width)
            _print_row("", _taken(option), width, doc_style="dim")


def _about(known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What there is to say of an entry besides what it does."""
    if known["category"] == "layer":
        several = f"the branches {{ {' | '.join(known['inputs'])} }}, in this order"
        one = "one value" if len(known["inputs"]) == 1 else several
        yield "takes", "any number of branches" if known["joins"] else one
        yield "gives", known["gives"] or "a shape that is known when the program runs"
        if known["learns"]:
            yield "learns", ", ".join(known["learns"])
        if known["operator"] != known["name"]:
            yield "in MXNet", known["operator"]
    else:
        yield "is", known["category"]
    if known["aliases"]:
        yield "elsewhere", ", ".join(known["aliases"])
    if known["reference"]:
        yield "after", known["reference"]


def _taken(option: dict[str, Any]) -> str:
    """What an option takes, and what it is without."""
    default = "must be given" if option["required"] else f"default {option['default']}"
    return f"{option['takes']}; {default}" + ("; may go without its name" if option["unnamed"] else "")


def _print_row(name: str, text: str, width: int, style: str = "cyan", doc_style: str = "") -> None:
    """A name and a text beside it: in a terminal the text is broken where it stands, else it is one line."""
    if not sys.stdout.isatty():
        print(f"  {name:<{width}}  {text}")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(min_width=width + 2)
    table.add_column()
    table.add_row(Text(f"  {name}", style=style), Text(text, style=doc_style))
    Console(no_color=not colour_wanted()).print(table)


def _print(text: str, style: str = "", above: bool = False) -> None:
    """A line, with an empty one above it if asked for."""
    if above:
        print()
    if not sys.stdout.isatty():
        print(text)
        return
    from rich.console import Console
    from rich.text import Text

    Console(no_color=not colour_wanted()).print(Text(text, style=style))

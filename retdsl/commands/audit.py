"""`retdsl audit FILE`: what may be wrong with the photographs and labels of a data block, as a table and as a page."""

from __future__ import annotations

import argparse
from pathlib import Path

from retdsl import compiler
from retdsl.commands.spec import add_root
from retdsl.commands.terminal import DONE, WRONG, say, say_diagnostics
from retdsl.diagnostics import Diagnostics

TABLE, PAGE = "audit.csv", "audit.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("file", metavar="FILE", help="a .retina file, or the name of a study that ships")
    parser.add_argument("--data", metavar="NAME", help="the data block (default: the first)")
    add_root(parser)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="where audit.csv and audit.html go (default: where data lie)"
    )
    parser.add_argument("--no-network", action="store_true", help="do not look for wrong labels, which needs a network")
    parser.add_argument("--plain", action="store_true", help="plain lines instead of a live progress bar")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    out = Diagnostics()
    spec = compiler.read(arguments.file, arguments.root, out)
    checked = None if spec is None else compiler.check(spec)
    messages = [*out, *(checked.diagnostics if checked else ())]
    if spec is None or checked is None or checked.diagnostics.errors:
        say_diagnostics(messages)
        return WRONG
    from retdsl.audit.findings import judge
    from retdsl.audit.looking import look_at
    from retdsl.audit.page import write_page
    from retdsl.audit.table import write_table
    from retdsl.runtime.files import make_folder

    data = compiler.select_data(checked.data, arguments.data)
    experiments = checked.program.experiments if checked.program else ()
    looked = look_at(data, experiments, spec.root, network=not arguments.no_network, plain=arguments.plain)
    findings = judge(looked.survey, looked.network)
    folder = make_folder(arguments.output or _usual_folder(arguments, spec))
    write_table(findings, folder / TABLE)
    write_page(findings, folder / PAGE, data.name, spec.source.name)
    counts = findings.counts()
    if arguments.format == "json":
        import json

        lines = [
            {
                "flag": t.rule.flag,
                "measure": t.rule.measure,
                "below": t.rule.below,
                "value": t.value,
                "median": t.median,
            }
            for t in findings.thresholds
        ]
        answer = {
            "photographs": len(findings.judged),
            "flags": counts,
            "thresholds": lines,
            "network": findings.network,
            "agreement": findings.agreement,
            "table": str(folder / TABLE),
            "page": str(folder / PAGE),
        }
        print(json.dumps(answer, indent=1, ensure_ascii=False))
        return DONE
    _tell(len(findings.judged), findings.flagged, counts, findings.unasked or findings.caution)
    say(f"{folder / TABLE}\n{folder / PAGE}")
    return DONE


def _usual_folder(arguments: argparse.Namespace, spec: compiler.Spec) -> Path:
    """Where `exclude = audit("audit.csv", ...)` looks for the table; of a study that ships, the current folder."""
    ships = arguments.root is None and not Path(arguments.file).exists()
    return Path() if ships else spec.root


def _tell(photographs: int, flagged: int, counts: dict[str, int], about_labels: str) -> None:
    from retdsl.schema.exclusions import FLAGS

    say(f"{photographs} photographs, {flagged} with something wrong")
    found = {flag: count for flag, count in counts.items() if count}
    width = max(map(len, found), default=0)
    for flag, count in found.items():
        say(f"  {flag:<{width}}  {count:>6}  {FLAGS[flag]}")
    if about_labels:
        say(about_labels)

"""`retdsl doctor`: what this machine can do, and what is missing."""

from __future__ import annotations

import argparse
import json

from retdsl.commands.terminal import DONE, WRONG, print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    from retdsl.runtime.machine import report

    findings = report()
    if arguments.format == "json":
        keys = ("name", "state", "text", "advice")
        print(json.dumps([{key: getattr(finding, key) for key in keys} for finding in findings], indent=1))
    else:
        styles = {"ok": "green", "warning": "yellow", "problem": "bold red"}
        rows = []
        for finding in findings:
            text = finding.text + (f"\n[dim]{finding.advice}[/]" if finding.advice else "")
            rows.append({"state": f"[{styles[finding.state]}]{finding.state}[/]", "name": finding.name, "text": text})
        print_table("", rows, heads=False)
    return WRONG if any(finding.state == "problem" for finding in findings) else DONE

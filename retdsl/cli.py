"""The command line: arguments in, printing and exit codes out; what is done stands in `retdsl.compiler`.

Exit codes: 0 done, 1 the spec or the data have errors, 2 wrong usage, 70 a defect of retdsl, 130 interrupted.
Text for people goes to stderr, data to stdout.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from retdsl import __version__, compiler
from retdsl.diagnostics import Diagnostics
from retdsl.diagnostics.json_form import to_json
from retdsl.diagnostics.render import render_text
from retdsl.ir import Program
from retdsl.runtime.errors import RunError

DONE, WRONG, USAGE, DEFECT, INTERRUPTED = 0, 1, 2, 70, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; no traceback reaches the screen."""
    arguments = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run_command
    try:
        return run(arguments)
    except compiler.Refused as refused:
        say(f"error: {refused}" + (f"\n   = help: {refused.help}" if refused.help else ""))
        return USAGE
    except RunError as error:
        say(f"error: {error}")
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except Exception as error:
        with tempfile.NamedTemporaryFile("w", prefix="retdsl-defect-", suffix=".txt", delete=False) as file:
            file.write(traceback.format_exc())
        say(f"error: a defect of retdsl: {type(error).__name__}: {error}")
        say(f"   = help: please report it with the traceback in {file.name}")
        return DEFECT


def say(text: str) -> None:
    """Prints for people."""
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="retdsl", description="A language for screening studies, compiled to MXNet.")
    parser.add_argument("--version", action="version", version=f"retdsl {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    check = commands.add_parser("check", help="every error and warning of a spec at once")
    check.add_argument("files", nargs="+", metavar="FILE", help="a .retina file, or the name of a study that ships")
    check.add_argument("--data", action="store_true", help="also read labels and images")
    check.add_argument("--format", choices=("text", "json"), default="text")
    check.set_defaults(run_command=run_check)

    compile_ = commands.add_parser("compile", help="write the training programs of a spec")
    compile_.add_argument("file", metavar="FILE")
    compile_.add_argument("--train", action="append", default=[], metavar="NAME", help="only this experiment")
    compile_.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="writes DIR/NAME/")
    compile_.add_argument("--standalone", action="store_true", help="add what is needed where retdsl is not installed")
    compile_.set_defaults(run_command=run_compile)

    viz = commands.add_parser("viz", help="draw a network, or a network and its experiment")
    viz.add_argument("file", metavar="FILE")
    which = viz.add_mutually_exclusive_group()
    which.add_argument("--model", metavar="NAME", help="draw this model")
    which.add_argument("--train", metavar="NAME", help="draw this experiment and its network (default: the first)")
    viz.add_argument("-o", "--output", type=Path, metavar="OUT", help="a .svg, .png, .pdf, .dot or .html file")
    viz.add_argument("--expand", action="store_true", help="every layer of every block")
    viz.set_defaults(run_command=run_viz)

    train = commands.add_parser("train", help="compile and run experiments")
    train.add_argument("file", metavar="FILE")
    train.add_argument("--train", action="append", default=[], metavar="NAME", help="only this experiment")
    where = train.add_mutually_exclusive_group()
    where.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="where run folders go")
    where.add_argument("--run", type=Path, metavar="DIR", help="the run folder, for a single experiment")
    train.add_argument("--threads", type=int, metavar="N", help="processor threads (default: all)")
    train.add_argument("--plain", action="store_true", help="plain lines instead of a live progress bar")
    train.set_defaults(run_command=run_train)

    for command in (check, compile_, viz, train):
        command.add_argument("--root", type=Path, metavar="DIR", help="where relative data paths start")
        if command is not check:
            command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a train key")

    doctor = commands.add_parser("doctor", help="what this machine can do, and what is missing")
    doctor.add_argument("--format", choices=("text", "json"), default="text")
    doctor.set_defaults(run_command=run_doctor)
    return parser


# --- commands


def run_check(arguments: argparse.Namespace) -> int:
    everything: list[Diagnostics] = []
    code = DONE
    for name in arguments.files:
        out = Diagnostics()
        spec = compiler.read(name, arguments.root, out)
        checked = None if spec is None else compiler.check(spec)
        everything.append(out if checked is None else checked.diagnostics)
        if everything[-1].errors:
            code = WRONG
        elif arguments.data and spec is not None and checked is not None:
            into = everything[-1] if arguments.format == "json" else None
            code = max(code, compiler.check_data(_complete(checked), spec.root, into))
    messages = [message for diagnostics in everything for message in diagnostics]
    if arguments.format == "json":
        counts = {"errors": sum(d.errors for d in everything), "warnings": sum(d.warnings for d in everything)}
        print(json.dumps({"diagnostics": to_json(messages), **counts}, indent=1, ensure_ascii=False))
    elif messages:
        say(render_text(messages, colour=_colour()))
    elif code == DONE:
        say(f"{', '.join(arguments.files)}: no errors")
    return code


def run_compile(arguments: argparse.Namespace) -> int:
    spec, program, _ = _checked(arguments)
    code = DONE
    for experiment in compiler.select(program, arguments.train):
        folder = arguments.output / experiment.name
        root = None if arguments.standalone else spec.root
        program_file = compiler.compile_experiment(program, experiment, folder, root)
        compiler.remove_standalone(folder)
        if arguments.standalone:
            compiler.make_standalone(experiment, folder, spec.root)
        code = max(code, compiler.write_symbols(program_file, spec.root))
        say(f"{folder}: {', '.join(sorted(path.name for path in folder.iterdir() if path.name[0] not in '._'))}")
    return code


def run_viz(arguments: argparse.Namespace) -> int:
    _, program, _ = _checked(arguments)
    for path in compiler.draw_pictures(program, arguments.model, arguments.train, arguments.output, arguments.expand):
        print(path)
    return DONE


def run_train(arguments: argparse.Namespace) -> int:
    spec, program, checked = _checked(arguments)
    chosen = compiler.select(program, arguments.train)
    if arguments.run is not None and len(chosen) > 1:
        raise compiler.Refused("--run is for a single experiment", "name one with --train, or give --runs DIR")
    if arguments.threads is not None and arguments.threads < 1:
        raise compiler.Refused("--threads must be 1 or more")
    options = [] if arguments.threads is None else ["--threads", str(arguments.threads)]
    options += ["--plain"] if arguments.plain else []
    from retdsl.runtime.report import new_run_folder

    runs: dict[str, Path] = {}
    for experiment in chosen:
        run = arguments.run or new_run_folder(experiment.name, arguments.runs)
        code = compiler.train(program, checked, experiment, run, spec.root, options)
        if code != DONE:
            return code
        runs[experiment.name] = run
    if len(runs) > 1:
        _print_table("on the test side", compiler.summary(runs))
    return DONE


def run_doctor(arguments: argparse.Namespace) -> int:
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
        _print_table("", rows, heads=False)
    return WRONG if any(finding.state == "problem" for finding in findings) else DONE


# --- what commands share


def _checked(arguments: argparse.Namespace) -> tuple[compiler.Spec, Program, compiler.Checked]:
    """The program of the spec that the command names; prints what is wrong with it, and stops if that is an error."""
    out = Diagnostics()
    settings = compiler.overrides(arguments.set, out)
    spec = compiler.read(arguments.file, arguments.root, out)
    checked = compiler.check(spec, settings) if spec is not None and not out.errors else None
    messages = [*out, *(checked.diagnostics if checked else ())]
    if messages:
        say(render_text(messages, colour=_colour()) + "\n")
    if spec is None or checked is None or checked.diagnostics.errors:
        raise SystemExit(WRONG)
    return spec, _complete(checked), checked


def _complete(checked: compiler.Checked) -> Program:
    if checked.program is None:
        missing = [d.message for d in checked.diagnostics if d.code == "R801"]
        raise RunError("nothing can be built without the files of a checkpoint", items=missing)
    return checked.program


def _print_table(title: str, rows: Sequence[dict[str, str]], *, heads: bool = True) -> None:
    """A table for people; all rows have the keys of the first."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=heads, title=title or None, title_justify="left")
    for column in rows[0]:
        table.add_column(column.replace("_", " "))
    for row in rows:
        table.add_row(*row.values())
    Console(stderr=True).print(table)


def _colour() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

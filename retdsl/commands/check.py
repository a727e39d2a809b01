"""`retdsl check FILE...`: every error and warning at once; with `--data` also what labels and images say; with
`--verbose` also every experiment in full, and what its network sees.
"""

from __future__ import annotations

import argparse

from retdsl import compiler
from retdsl.commands.spec import add_root, add_set, complete
from retdsl.commands.terminal import DONE, WRONG, say, say_diagnostics
from retdsl.diagnostics import Diagnostics


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a .retina file, or the name of a study that ships")
    parser.add_argument("--data", action="store_true", help="also read labels and images")
    parser.add_argument("--fix", action="store_true", help="write the fixes that are safe into the files")
    parser.add_argument("--diff", action="store_true", help="show what --fix would write, and write nothing")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="also every experiment in full, and what its network sees"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    add_root(parser)
    add_set(parser)


def run(arguments: argparse.Namespace) -> int:
    everything: list[Diagnostics] = []
    specs: list[compiler.Checked] = []
    fixed: list[dict[str, object]] = []
    for name in arguments.files:
        out, checked = _check(name, arguments, fixed)
        everything.append(out)
        specs += [checked] if checked is not None else []
    code = WRONG if any(diagnostics.errors for diagnostics in everything) else DONE
    messages = [message for diagnostics in everything for message in diagnostics]
    if arguments.format == "json":
        import json

        from retdsl.diagnostics.json_form import to_json

        counts = {"errors": sum(d.errors for d in everything), "warnings": sum(d.warnings for d in everything)}
        more = _accounts_json(specs) if arguments.verbose else {}
        more |= {"fixed": fixed} if arguments.fix else {}
        print(json.dumps({"diagnostics": to_json(messages), **counts, **more}, indent=1, ensure_ascii=False))
        return code
    if messages:
        say_diagnostics(messages)
    elif code == DONE:
        say(f"{', '.join(arguments.files)}: no errors")
    if arguments.verbose:
        from retdsl.commands.accounts import say_accounts

        say_accounts(specs)
    return code


def _check(
    name: str, arguments: argparse.Namespace, fixed: list[dict[str, object]]
) -> tuple[Diagnostics, compiler.Checked | None]:
    """One file, fixed if that is wanted, and checked; with `--data` once more, with what its data say."""
    out = Diagnostics()
    spec = compiler.read(name, arguments.root, out)
    if spec is None:
        return out, None
    if arguments.fix or arguments.diff:
        spec = _fix(name, spec, arguments, fixed)
    settings = compiler.overrides(arguments.set, out)
    if out.errors:
        return out, None
    checked = compiler.check(spec, settings)
    if arguments.data and not checked.diagnostics.errors:
        from retdsl import running

        checked = running.check_data(spec, complete(checked), settings, quiet=arguments.format == "json")
    return checked.diagnostics, checked


def _fix(name: str, spec: compiler.Spec, arguments: argparse.Namespace, told: list[dict[str, object]]) -> compiler.Spec:
    """The spec with what is safe to fix fixed; as text it is said at once, for programs it is put into `told`."""
    from retdsl.commands.fix import applied_json, fixed_spec, say_fixed

    write = arguments.fix and not arguments.diff
    after, fixed = fixed_spec(name, spec, write=write)
    told += applied_json(fixed)
    if arguments.format == "text":
        say_fixed(name, fixed, wrote=write)
    return after


def _accounts_json(specs: list[compiler.Checked]) -> dict[str, object]:
    from retdsl.account.ensembles import ensembles_json
    from retdsl.commands.accounts import accounts_json

    programs = [spec.program for spec in specs if spec.program is not None]
    ensembles = [one for program in programs for one in ensembles_json(program)]
    return {"experiments": accounts_json(specs), **({"ensembles": ensembles} if ensembles else {})}

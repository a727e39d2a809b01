"""The rooms of the house and the stairs between them: imports run downhill only.

Every module's imports are read from its syntax tree, those inside functions included, so that a lazy import is no way
around the rule. docs/architecture.md says why each rule is there.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "retdsl"
MODULES = sorted(PACKAGE.rglob("*.py"))

MOST_LINES = 400

MAY_IMPORT = {
    "records": set(),
    "source": {"records"},
    "ir": {"records"},
    "outline": {"records", "ir"},
    "balance": {"records", "ir"},
    "schema": {"records", "ir"},
    "weights": set(),
    "runtime": {"weights"},
    "objects": {"ir", "runtime"},
    "diagnostics": {"records", "source"},
    "syntax": {"records", "source", "diagnostics"},
    "check": {"records", "source", "diagnostics", "syntax", "schema", "ir", "outline", "balance", "weights"},
    "engines": {"records", "ir", "outline", "schema"},
    "viz": {"records", "ir", "outline", "schema"},
    "pages": set(),
    "sheet": {"records", "ir", "schema", "objects", "pages", "runtime", "viz"},
    "account": {"records", "ir", "outline", "schema", "balance"},
    "compare": {"records", "ir", "schema"},
    "compiler": {
        "records",
        "source",
        "diagnostics",
        "syntax",
        "ir",
        "balance",
        "check",
        "engines",
        "viz",
        "runtime",
        "weights",
    },
    "networks": {"records", "source", "diagnostics", "syntax", "schema", "ir", "check", "weights", "compiler"},
    "intake": {"source", "ir", "schema", "check", "weights", "runtime"},
    "running": {"records", "balance", "check", "compiler", "ir", "objects", "runtime"},
    "program_json": {"ir"},
    "finished": {"ir", "program_json", "runtime"},
    "reproducing": {"records", "running", "finished", "runtime", "weights"},
    "audit": {"records", "source", "ir", "schema", "compiler", "pages", "running", "runtime"},
    "evaluation": {"records", "objects", "compare", "running", "finished", "runtime", "weights"},
    "exporting": {"records", "engines", "evaluation", "finished", "ir", "runtime", "schema"},
    "report": {"account", "finished", "ir", "pages", "running", "runtime", "schema", "syntax"},
    "series": {
        *("records", "account", "diagnostics", "ir", "check", "compiler", "running"),
        *("finished", "reproducing", "objects", "runtime", "weights"),
    },
    "watching": {"records", "runtime"},
    "interrupting": set(),
    "verifying": {"records", "compiler", "ir", "running", "reproducing", "runtime"},
    "commands": {
        "audit",
        "watching",
        "evaluation",
        "exporting",
        "records",
        "weights",
        "account",
        "compare",
        "compiler",
        "networks",
        "running",
        "reproducing",
        "report",
        "verifying",
        "finished",
        "series",
        "intake",
        "sheet",
        "diagnostics",
        "ir",
        "outline",
        "runtime",
        "schema",
    },
    "cli": {"commands", "compiler", "runtime"},
}
"""What each room may import besides itself, as the table in docs/architecture.md has it, which leaves `records` out.
`retdsl/__init__.py` and `__main__.py` belong to no room.
"""

THIRD_PARTY_BY_ROOM = {
    "records": set(),
    "source": set(),
    "ir": set(),
    "schema": set(),
    "diagnostics": {"rich"},
    "syntax": {"lark"},
    "balance": set(),
    "check": set(),
    "account": set(),
    "compare": set(),
    "weights": set(),
}
"""What the rooms that `retdsl check` passes through may import from elsewhere: it must start in a blink."""


def room(module: Path) -> str | None:
    """The first part of a module's name below `retdsl`; None for the package itself."""
    first = module.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return None if first in ("__init__", "__main__") else first


def imports(module: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a module imports, at its top or anywhere else."""
    here = ["retdsl", *module.relative_to(PACKAGE).with_suffix("").parts]
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: -node.level]) if node.level else ""
            name = ".".join(filter(None, (base, node.module)))
            yield node.lineno, name
            yield from ((node.lineno, f"{name}.{alias.name}") for alias in node.names)


def named(module: Path) -> str:
    return module.relative_to(ROOT).as_posix()


def test_the_table_of_rooms_says_the_same() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)(?:/|\.py)` \| .+? \|(.*)\|$", text, flags=re.MULTILINE)
    assert {room: set(filter(None, re.split(r"\W+", allowed))) for room, allowed in rows} == {
        room: allowed - {"records"} for room, allowed in MAY_IMPORT.items()
    }


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_imports_run_downhill(module: Path) -> None:
    here = room(module)
    if here is None:
        return
    assert here in MAY_IMPORT, f"{named(module)}: a room without rules; add it here and to docs/architecture.md"
    allowed = MAY_IMPORT[here] | {here}
    for line, name in imports(module):
        parts = name.split(".")
        if parts[0] != "retdsl":
            continue
        there = parts[1] if len(parts) > 1 else None
        if there is None:
            continue  # `from retdsl import x`, whose x follows
        known = there in MAY_IMPORT or (PACKAGE / there).exists() or (PACKAGE / f"{there}.py").exists()
        if known:
            assert there in allowed, f"{named(module)}:{line}: {here} must not import {name}"
        else:  # a name of the package itself, such as __version__
            assert here != "runtime", f"{named(module)}:{line}: the runtime runs where retdsl is not installed"


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_mxnet_has_one_door(module: Path) -> None:
    for line, name in imports(module):
        where = f"{named(module)}:{line}"
        if name.split(".")[0] == "mxnet":
            assert named(module) == "retdsl/runtime/mx.py", f"{where}: import mx from retdsl.runtime.mx"
        if name.startswith("retdsl.runtime.mx.") or name == "retdsl.runtime.mx":
            assert room(module) == "runtime", f"{where}: only the runtime uses MXNet"


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_checking_needs_no_heavy_library(module: Path) -> None:
    allowed = THIRD_PARTY_BY_ROOM.get(room(module) or "")
    if allowed is None:
        return
    for line, name in imports(module):
        library = name.split(".")[0]
        assert library in sys.stdlib_module_names | allowed | {"retdsl"}, f"{named(module)}:{line}: imports {library}"


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_every_module_is_short_and_says_what_it_is(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    assert module.stem != "utils", f"{named(module)}: say in the name what it holds"
    assert text.count("\n") <= MOST_LINES, f"{named(module)}: more than {MOST_LINES} lines"
    assert ast.get_docstring(ast.parse(text)), f"{named(module)}: no docstring"


def test_rooms_form_no_circle() -> None:
    below: set[str] = set()
    rest = dict(MAY_IMPORT)
    while rest:
        free = {name for name, needs in rest.items() if needs <= below}
        assert free, f"a circle among {sorted(rest)}"
        below |= free
        rest = {name: needs for name, needs in rest.items() if name not in free}

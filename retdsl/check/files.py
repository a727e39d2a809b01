"""Where spec files lie: those that ship with retdsl (`specs/`), and those that a file uses."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import retdsl
from retdsl.diagnostics import Diagnostics
from retdsl.source import Source, Span, one_line_end
from retdsl.syntax import tree as t

SUFFIX = ".retina"


@cache
def specs_folder() -> Path:
    """The shipped specs: inside an installed package, or beside it in a checkout."""
    package = Path(retdsl.__file__).resolve().parent
    installed = package / "specs"
    return installed if installed.is_dir() else package.parent / "specs"


def is_file(path: Path) -> bool:
    """Whether a file is there. A name that no file can have (too long, or with a NUL in it) is not."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def zoo_file(name: str) -> Path | None:
    """The file of a network of the zoo."""
    path = specs_folder() / "zoo" / f"{name}{SUFFIX}"
    return path if name.isidentifier() and is_file(path) else None


def zoo_names() -> list[str]:
    """Every network of the zoo."""
    return sorted(path.stem for path in (specs_folder() / "zoo").glob(f"*{SUFFIX}"))


def shown_name(path: Path) -> str:
    """What messages call a file that is used: `zoo/NAME.retina` if it ships with retdsl, else its name."""
    return f"zoo/{path.name}" if path.parent == specs_folder() / "zoo" else path.name


def shipped_spec(name: str) -> Path | None:
    """A shipped study by its short name: `quickstart`, or `study/three_answers`."""
    folder = specs_folder()
    for path in (folder / f"{name}{SUFFIX}", folder / "study" / f"{name}{SUFFIX}"):
        if is_file(path):
            return path
    return None


def shipped_names() -> list[str]:
    """The short names of all shipped studies."""
    folder = specs_folder()
    return sorted(path.stem for path in (*folder.glob(f"*{SUFFIX}"), *(folder / "study").glob(f"*{SUFFIX}")))


def find_used(target: t.Text | t.Ref, source: Source) -> Path | None:
    """The file that a `use` means: `zoo.NAME` ships with retdsl, a text is relative to the file it stands in."""
    if isinstance(target, t.Ref):
        return zoo_file(target.parts[1]) if len(target.parts) == 2 and target.parts[0] == "zoo" else None
    folder = source.path.parent if source.path is not None else Path()
    path = folder / (target.plain or "")
    return path.resolve() if is_file(path) else None


def read_spec(path: Path, name: str, out: Diagnostics, span: Span | None = None) -> Source | None:
    """The text of a spec file; what cannot be read is reported at `span`, the place that asked for it."""
    places = () if span is None else (span,)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        helps = ["save it as UTF-8"]
        out.report(
            "R104",
            f"{name} is not UTF-8 text (byte {error.start} is {error.object[error.start]:#04x})",
            *places,
            helps=helps,
        )
        return None
    except OSError as error:
        out.report("R104", f"cannot read {name}: {(error.strerror or str(error)).lower()}", *places)
        return None
    return Source(name, one_line_end(text), path.resolve())

"""Where spec files lie: those that ship with retdsl (`specs/`), those that a file uses, and those that people name.
And what is said where another file that a spec names, of data or weights, is not there.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import retdsl
from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.diagnostics.suggest import Guess, guess
from retdsl.source import Source, Span, one_line_end
from retdsl.syntax import tree as t
from retdsl.syntax.parser import MAX_SIZE

SUFFIX = ".retina"

_NETWORK = re.compile(r"^block\s+(\w+)\s*\([^()]*\bclasses\s*=", re.MULTILINE)

_ELSEWHERE = {
    "googlenet": "inception_bn",
    "mobilenet1.0": "mobilenet_v1",
    "mobilenetv2_1.0": "mobilenet_v2_gluon",
    "mobilenetv2_1_0": "mobilenet_v2_gluon",
    "mobilenetv2_100": "mobilenet_v2",
    "efficientnet_lite0.ra_in1k": "efficientnet_lite0_timm",
    **{f"resnet{layers}_v1b": f"resnet{layers}" for layers in (18, 34, 50, 101, 152)},
    **{f"resnet{layers}_v1.5": f"resnet{layers}" for layers in (50, 101, 152)},
}
"""What other collections call networks of the zoo, where the spelling alone does not tell."""


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


def exists(path: Path) -> bool:
    """Whether there is anything by that name, even if it cannot be read."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def report_absent(
    text: str,
    label: Label,
    root: Path | None,
    out: Diagnostics,
    *,
    notes: Sequence[str] = (),
    helps: Sequence[str] = (),
    fixes: Sequence[Fix] = (),
) -> None:
    """Warns that files which a spec names are not at hand (R801). root: where their paths start, None for the root of
    the file system. helps: what to do, if it is more than to put the file there.
    """
    start = [] if root is None else [f"paths start at {root}"]
    usual = "put the file there" + ("" if root is None else ", or name its folder with `--root DIR`")
    out.report("R801", text, label, notes=[*start, *notes], helps=helps or [usual], fixes=fixes)


def zoo_families() -> dict[str, Path]:
    """The files of the zoo, each with one network or several relatives."""
    return {path.stem: path for path in sorted((specs_folder() / "zoo").glob(f"*{SUFFIX}"))}


@cache
def zoo_networks() -> dict[str, Path]:
    """Every network of the zoo, with the file of its family: a block whose `classes` has a default.

    The files are searched, not parsed, so that looking up one network costs nearly nothing.
    """
    texts = {path: path.read_text(encoding="utf-8") for path in zoo_families().values()}
    return dict(sorted((name, path) for path, text in texts.items() for name in _NETWORK.findall(text)))


def zoo_file(name: str) -> Path | None:
    """The file of a network or of a family of the zoo."""
    return zoo_networks().get(name) or zoo_families().get(name)


def guess_network(name: str) -> Guess:
    """What may have been meant by a name that the zoo does not have; also by names from other collections."""
    return guess(name, zoo_networks(), _ELSEWHERE)


def zoo_help() -> str:
    """Which families the zoo has, as the help of a message."""
    return f"the families of the zoo are {', '.join(f'`{family}`' for family in zoo_families())}"


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


def find_specs(names: Iterable[str], out: Diagnostics) -> Iterator[Path]:
    """The files that are named, each once, and in place of a folder all `.retina` files in it and below.

    Of a folder, what is hidden is left out, and the records of runs, which say what was. What cannot be found goes to
    `out`.
    """
    seen: set[Path] = set()
    for name in names:
        path = Path(name)
        found = [path] if is_file(path) else _specs_below(path)
        if not found:
            helps = [f"did you mean {name}{SUFFIX}?"] if is_file(Path(name + SUFFIX)) else []
            out.report("R104", _missing(name), helps=helps)
        for file in found:
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield file


def _missing(name: str) -> str:
    if os.path.isdir(name):
        return f"there is no {SUFFIX} file in {name}"
    return f"{name} is not a file" if os.path.exists(name) else f"there is no file {name}"


def _specs_below(folder: Path) -> list[Path]:
    if not os.path.isdir(folder):  # unlike Path.is_dir, says no to a name that no folder can have
        return []
    found = [path for path in sorted(folder.rglob(f"*{SUFFIX}")) if is_file(path) and not _is_record(path)]
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def _is_record(path: Path) -> bool:
    """Whether a file is what a run folder keeps of its spec; lock.json there vouches for its every byte."""
    return path.name == "spec.retina" and (path.parent / "lock.json").is_file()


def find_used(target: t.Text | t.Ref, source: Source) -> Path | None:
    """The file that a `use` means: `zoo.NAME` is a family or a network of the zoo, a text is relative to this file."""
    if isinstance(target, t.Ref):
        return zoo_file(target.parts[1]) if len(target.parts) == 2 and target.parts[0] == "zoo" else None
    folder = source.path.parent if source.path is not None else Path()
    path = folder / (target.plain or "")
    return path.resolve() if is_file(path) else None


def files_beside(source: Source) -> list[str]:
    """The other spec files in the folder of a file."""
    path = source.path
    return [] if path is None else sorted(p.name for p in path.parent.glob(f"*{SUFFIX}") if p != path)


def read_spec(path: Path, name: str, out: Diagnostics, span: Span | None = None, room: int = MAX_SIZE) -> Source | None:
    """The text of a spec file; what cannot be read is reported at `span`, the place that asked for it.

    room: how many bytes there may be; of a larger file no more is read.
    """
    places = () if span is None else (span,)
    try:
        content = _first_bytes(path, room + 1)
    except OSError as error:
        out.report("R104", f"cannot read {name}: {(error.strerror or str(error)).lower()}", *places)
        return None
    if len(content) > room:
        text = f"{name} has more than {room:,} bytes"
        if room < MAX_SIZE:
            text = f"with {name}, the files that are used have more than {MAX_SIZE:,} bytes together"
        out.report("R107", text, *places, helps=["no study is as long as that: is it a spec?"])
        return None
    return decoded(content, name, path.resolve(), out, span)


def _first_bytes(path: Path, count: int) -> bytes:
    """What a file starts with. Raises OSError; a named pipe, which might never say anything, is not waited for."""
    if stat.S_ISFIFO(path.stat().st_mode) and path.parts[:2] != ("/", "dev"):
        raise OSError(errno.EINVAL, "It is a pipe, not a file")
    with path.open("rb") as file:
        return file.read(count)


def decoded(content: bytes, name: str, path: Path | None, out: Diagnostics, span: Span | None = None) -> Source | None:
    """The text of a spec file's content: UTF-8, perhaps with a byte order mark, and any kind of line ends."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        text = f"{name} is not UTF-8 text: the byte {error.object[error.start]:#04x} in line {line}"
        out.report("R104", text, *(() if span is None else (span,)), helps=["save it as UTF-8"])
        return None
    return Source(name, one_line_end(text), path)

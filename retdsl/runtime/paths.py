"""Where photographs lie below a root: patterns, paths as tables write them, what is there, and folders walked through.

Enters: paths as specs and tables have them. Leaves: paths relative to the root, without detours. Guaranteed: nothing
here follows a symbolic link for ever; a link out of the root is followed, since clinics link folders in, but no path
that a table writes leads out of it.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from retdsl.runtime.errors import RunError
from retdsl.runtime.problems import Problems, listed, near_names

CIRCLE = "a symbolic link that leads in a circle"

FEW = 16
"""For so few files, asking for each costs less than a list of its folder."""

_DETOUR = re.compile(r"^/|(?:^|/)\.{0,2}(?:/|$)").search
"""Finds what makes a path another one than it seems: a start at the top, `.`, `..` and nothing between slashes."""


def reason_of(error: OSError | ValueError) -> str:
    """Why the system refuses a file or folder, in words."""
    if isinstance(error, ValueError):
        return "no file can have this name"
    return CIRCLE if error.errno == errno.ELOOP else f"cannot be read: {error.strerror or error}"


def relative_to(root: Path) -> str:
    """Where paths start, for messages."""
    return f"paths are relative to {root}; another root is given by --root"


def near_files(wanted: Path, root: Path) -> tuple[str, ...]:
    """What to do about a file or folder that is not there."""
    near = near_names(wanted.name, _names_in(wanted.parent))
    hints = [f"there is {listed(near)}"] if near else []
    return (*hints, relative_to(root))


def _names_in(folder: Path) -> list[str]:
    with suppress(OSError, ValueError):
        return sorted(os.listdir(folder))
    return []


# --- patterns


def is_pattern(path: str) -> bool:
    """Whether a path may stand for several files, as `sites/*.csv` and `site[12]/**/labels.csv` do."""
    return any(sign in path for sign in "*?[")


def matches(pattern: str, root: Path, wanted: Callable[[Path], bool], kind: str) -> list[str]:
    """The files or folders that a pattern stands for, sorted, relative to root where the pattern is.

    wanted: tells those that are meant; kind: what they are called in messages. `**` stands for any number of folders,
    but follows no symbolic link; hidden files are left out unless the pattern names their dot. A file that bears the
    very name of the pattern is meant alone. Raises RunError, with what is there, if there is none.
    """
    if wanted(root / pattern):
        return [pattern]
    parts = Path(pattern).parts
    fixed = next(at for at, part in enumerate(parts) if is_pattern(part))
    start = Path(*parts[:fixed])
    hidden = any(part.startswith(".") for part in parts[fixed:])
    try:
        found = sorted((root / start).glob(str(Path(*parts[fixed:]))))
    except (OSError, ValueError, NotImplementedError) as error:
        raise RunError(f"`{pattern}` is no pattern for files: {error}", where=root) from None
    names = [path.relative_to(root / start) for path in found if wanted(path)]
    shown = [(start / name).as_posix() for name in names if hidden or not any(p.startswith(".") for p in name.parts)]
    if not shown:
        raise RunError(f"there is no {kind} `{pattern}`", where=root / start, help=_what_is_there(root, start))
    return shown


def _what_is_there(root: Path, start: Path) -> tuple[str, ...]:
    folder = next(folder for folder in (root / start, *(root / start).parents) if folder.is_dir())
    names = [name for name in _names_in(folder) if not name.startswith(".")]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    there = f"{folder} holds {listed(names[:5])}{more}" if names else f"{folder} is empty"
    return there, relative_to(root)


# --- paths that a table writes


class Below:
    """Brings paths below a root."""

    def __init__(self, root: Path) -> None:
        self._tops = tuple(dict.fromkeys((os.path.abspath(root), os.path.realpath(root))))

    def __call__(self, path: str) -> str | None:
        """A path without detours, relative to the root; None if it lies outside. Links are not looked at."""
        if not _DETOUR(path):
            return path
        for top in self._tops:
            whole = os.path.normpath(os.path.join(top, path))
            if whole.startswith(os.path.join(top, "")):
                return os.path.relpath(whole, top)
        return None


def out_of_reach(images: Iterable[str], root: Path) -> dict[str, str | None]:
    """The images, relative to root, that are no files, each with the reason; None if there simply is no such file.

    Folders are listed rather than asked for each of their files, which takes a tenth of the time.
    """
    names: dict[str, list[str]] = {}
    for image in images:
        folder, _, name = image.rpartition("/")
        names.setdefault(folder, []).append(name)
    found: dict[str, str | None] = {}
    for folder, wanted in names.items():
        there = _files_in(root / folder) if len(wanted) > FEW else frozenset[str]()
        for name in wanted:
            if name not in there:
                image = f"{folder}/{name}" if folder else name
                try:
                    mode = os.stat(root / image).st_mode
                    if not stat.S_ISREG(mode):
                        found[image] = "this is a folder, not a photograph" if stat.S_ISDIR(mode) else "this is no file"
                except (OSError, ValueError) as error:
                    found[image] = None if _is_nowhere(error) else reason_of(error)
    return found


def _is_nowhere(error: OSError | ValueError) -> bool:
    return isinstance(error, ValueError) or error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


def _files_in(folder: Path) -> frozenset[str]:
    """The names of plain files, links left out; nothing where the folder cannot be listed."""
    with suppress(OSError, ValueError), os.scandir(folder) as entries:
        return frozenset([entry.name for entry in entries if entry.is_file(follow_symlinks=False)])
    return frozenset()


# --- folders


def walk(
    top: Path, wanted: Callable[[str], bool], seen: dict[tuple[int, int], Path], problems: Problems
) -> Iterator[Path]:
    """Every file in `top` and below whose name is wanted, in the order of their names; what is wrong on the way goes to
    the problems. Hidden files and folders are passed over; folders that are linked in are gone through.

    seen: folders that were gone through already, by their number on the disk, to which these are added. One that is met
    again, by a link in a circle or by two ways, is not gone through again, and told.
    """
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            status = os.stat(folder)
            first = seen.setdefault((status.st_dev, status.st_ino), folder)
            if first is not folder:
                circle = first == folder or first in folder.parents
                kind = "symbolic links that lead in a circle" if circle else "folders that are met twice"
                problems.add(kind, f"{folder} is {first}")
                continue
            with os.scandir(folder) as entries:
                inside = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            problems.add("folders that cannot be read", f"{folder}: {reason_of(error)}")
            continue
        folders = []
        for entry in inside:
            if not entry.name.startswith("."):
                path = folder / entry.name
                try:
                    if entry.is_dir():
                        folders.append(path)
                    elif wanted(entry.name) and entry.is_file():
                        yield path
                    elif wanted(entry.name):
                        problems.add("links that lead nowhere", str(path))
                except OSError as error:
                    circle = error.errno == errno.ELOOP
                    kind = "symbolic links that lead in a circle" if circle else "photographs that cannot be read"
                    problems.add(kind, str(path) if circle else f"{path}: {reason_of(error)}")
        waiting += reversed(folders)

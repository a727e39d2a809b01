"""Where photographs lie below a root: patterns, paths as tables write them, what is there, and folders walked through.

Enters: paths as specs and tables have them. Leaves: paths relative to the root, without detours. Guaranteed: nothing
here follows a symbolic link for ever; a link out of the root is followed, since clinics link folders in, but no path
that a table writes leads out of it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from retdsl.runtime.errors import RunError
from retdsl.runtime.problems import Problems, listed, near_names

CIRCLE = "a symbolic link that leads in a circle"

FEW = 16
"""For so few files, asking for each costs less than a list of its folder."""

_DETOURS = ("\n/", "\n.", "\n\n", "//", "/.", "/\n")
"""What paths, a line each, have where one of them may be another path than it seems: a start at the top, `.`, `..`,
nothing between slashes or at the end.
"""


def reason_of(error: OSError | ValueError) -> str:
    """Why the system refuses a file or folder, in words."""
    if isinstance(error, ValueError):
        return "no file can have this name"
    return CIRCLE if error.errno == errno.ELOOP else f"cannot be read: {error.strerror or error}"


def refusal_of(error: OSError) -> str:
    """The same as what is said of a file that was named."""
    reason = reason_of(error)
    return f"is {reason}" if reason == CIRCLE else reason


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


def below(root: Path, paths: Sequence[str]) -> list[str | None]:
    """Paths without detours, relative to the root; None for those that lie outside. Links are not looked at."""
    text = "\n".join(["", *paths, ""])
    if not any(sign in text for sign in _DETOURS):
        return list(paths)
    tops = tuple(dict.fromkeys((os.path.abspath(root), os.path.realpath(root))))

    def resolved(path: str) -> str | None:
        for top in tops:
            whole = os.path.normpath(os.path.join(top, path))
            if whole.startswith(os.path.join(top, "")):
                return os.path.relpath(whole, top)
        return None

    folders: dict[str, str | None] = {}  # a million paths lie in few of them
    found: list[str | None] = []
    for path in paths:
        at = path.rfind("/") + 1
        folder, name = path[:at], path[at:]
        if name in ("", ".", ".."):
            found.append(resolved(path))
            continue
        if folder not in folders:
            place = resolved(f"{folder}x")
            folders[folder] = None if place is None else place[:-1]
        place = folders[folder]
        found.append(None if place is None else place + name)
    return found


def out_of_reach(images: Iterable[str], root: Path) -> dict[str, str | None]:
    """The images, relative to root, that are no files, each with the reason; None if there simply is no such file.

    A folder is listed once rather than asked for each of its files: over a network every question is a journey.
    """
    names: dict[str, list[str]] = {}
    for image in images:
        at = image.rfind("/") + 1
        names.setdefault(image[:at], []).append(image[at:])
    found: dict[str, str | None] = {}
    for folder, wanted in names.items():
        there = _files_in(root / folder) if len(wanted) > FEW else frozenset[str]()
        for name in () if there.issuperset(wanted) else [name for name in wanted if name not in there]:
            try:
                mode = os.stat(root / folder / name).st_mode
                if not stat.S_ISREG(mode):
                    reason = "this is a folder, not a photograph" if stat.S_ISDIR(mode) else "this is no file"
                    found[folder + name] = reason
            except (OSError, ValueError) as error:
                found[folder + name] = None if _is_nowhere(error) else reason_of(error)
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
    top: Path,
    wanted: Callable[[str], bool],
    seen: dict[tuple[int, int], Path],
    problems: Problems,
    *,
    absent: bool = False,
) -> Iterator[Path]:
    """Every file in `top` and below whose name is wanted, in the order of their names; what is wrong on the way goes to
    the problems. Hidden files and folders are passed over; folders that are linked in are gone through.

    seen: folders that were gone through already, by their number on the disk, to which these are added. One that is met
    again, by a link in a circle or by two ways, is not gone through again, and told. absent: whether names that are
    wanted but are no files are passed on as if they were, and not told.
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
                    elif not wanted(entry.name):
                        continue
                    elif absent or entry.is_file():
                        yield path
                    else:
                        kind = "links that lead nowhere" if entry.is_symlink() else "photographs that are no files"
                        problems.add(kind, str(path))
                except OSError as error:
                    if absent and wanted(entry.name):
                        yield path
                        continue
                    circle = error.errno == errno.ELOOP
                    kind = "symbolic links that lead in a circle" if circle else "photographs that cannot be read"
                    problems.add(kind, str(path) if circle else f"{path}: {reason_of(error)}")
        waiting += reversed(folders)

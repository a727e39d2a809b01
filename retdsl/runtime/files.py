"""Files that appear whole or not at all: written beside their name, then renamed.

Enters: a path and what should stand there. Leaves: the file, complete and on the disk, or a `RunError` that names it.
Guaranteed: a reader never sees half a file, an earlier file under that name survives every failure, and no temporary
file stays behind.
"""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from retdsl.runtime.errors import RunError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system calls a full disk, a used up quota, and a file longer than it allows."""

ELSEWHERE = "choose another folder with --run"
"""How a user has the files of a run written to another place."""


@contextmanager
def replacing(path: Path, elsewhere: str = ELSEWHERE) -> Iterator[Path]:
    """Gives a temporary path beside `path`; when the body ends well, what it wrote there becomes `path`.

    elsewhere: how a user has it written to another place. Raises RunError, naming the file and the space that is left,
    when the system refuses.
    """
    try:
        with _replacing(path) as beside:
            yield beside
    except OSError as error:
        raise cannot_write(path, error, elsewhere) from error


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield beside
        _flush_to_disk(beside)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Makes `path` hold `text` in UTF-8."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    write_parts(path, [content])


def write_parts(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Makes `path` hold the parts, one after another."""
    with replacing(path) as beside, beside.open("wb") as file:
        file.writelines(parts)


def rewrite(path: Path, content: bytes) -> None:
    """Makes a file that is there hold `content`. Its permissions and owner stay, and a link to it stays a link.

    Raises RunError when the system refuses, and for a file that may not be written, even where it could be replaced.
    """
    target = path.resolve()
    try:
        before = target.stat()
        if not (before.st_mode & stat.S_IWUSR and os.access(target, os.W_OK)):
            raise PermissionError(errno.EACCES, "it may not be written")
        with _replacing(target) as beside:
            beside.write_bytes(content)
            with suppress(PermissionError):  # the owner's name is not ours to give, unless we are root
                os.chown(beside, before.st_uid, before.st_gid)
            beside.chmod(stat.S_IMODE(before.st_mode))
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}", help="it is as it was") from error


def write_json(path: Path, value: Any) -> None:
    """Makes `path` hold `value` as JSON for people and programs: indented, numbers that are not finite as null."""
    write_text(path, json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json_object(path: Path) -> dict[str, Any]:
    """What `write_json` wrote. Raises RunError for a file that cannot be read, or holds something else."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path.name} cannot be read: {error}", where=path) from None
    if not isinstance(found, dict):
        raise RunError(f"{path.name} is damaged: it is no object", where=path)
    return found


def append_json_line(path: Path, value: Any) -> None:
    """Adds one line of JSON at the end of `path` and brings it to the disk."""
    try:
        with path.open("ab") as file:
            start = file.tell()
            try:
                file.write(json_line(value))
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.truncate(path, start)
                raise
    except OSError as error:
        raise cannot_write(path, error) from error


def json_line(value: Any) -> bytes:
    return (json.dumps(finite(value), ensure_ascii=False, allow_nan=False) + "\n").encode()


def make_folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error
    return path


def finite(value: Any) -> Any:
    """`value` with every NaN and infinity replaced by None, since JSON knows neither."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: finite(item) for key, item in value.items()}
        case list() | tuple():
            return [finite(item) for item in value]
        case _:
            return value


class CannotWrite(RunError):
    """A file could not be written; those that were there before are whole."""


def cannot_write(path: Path, error: OSError, elsewhere: str = ELSEWHERE) -> CannotWrite:
    """The error for a file that could not be written: its name, the system's reason, and the space if that ran out."""
    cure = _space_left(path, elsewhere) if error.errno in FULL else elsewhere
    return CannotWrite(
        f"cannot write `{path.name}`: {error.strerror or error}",
        where=path,
        help=(cure, "everything saved earlier is still whole"),
    )


def _space_left(path: Path, elsewhere: str) -> str:
    try:
        folder = next(folder for folder in path.absolute().parents if folder.exists())
        free = shutil.disk_usage(folder).free
    except (OSError, StopIteration):
        return f"free some space, or {elsewhere}"
    return f"{free / 2**20:,.1f} MiB are free under {folder}; {elsewhere} if that is too little"


def _flush_to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

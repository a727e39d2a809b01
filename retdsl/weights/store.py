"""Weights files that a user keeps under names, with where they are from and what they were trained on.

Everything lies in one folder, and can be copied with it:

    files/SHA256.SUFFIX    each file once, as it came, not to be written
    names/NAME.json        a record: which file a name stands for, and what is known of it

Guaranteed: a file or a record is there whole or not at all, whoever else imports at the same time; a name never changes
without being told to; what fails leaves the store as it was.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from retdsl.weights.convention import Convention, convention_of
from retdsl.weights.files import BLOCK

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,16}")
LARGEST_RECORD = 100_000
"""Bytes."""


_TEXTS = ("name", "sha256", "suffix", "network", "format", "imported")
_MAYBE = ("layout", "origin", "source", "licence", "convention_from")
_COUNTS = ("tensors", "size")
"""The keys of a record by what they hold."""


class DamagedStore(Exception):
    """Something in the store is not as this module writes it; the message says what, without the path."""


class NameTaken(Exception):
    """The name stands for another file already; `record` says for which."""

    def __init__(self, record: Record) -> None:
        super().__init__(record.name)
        self.record = record


class Record(NamedTuple):
    """What the store knows of a name.

    sha256: of the file; suffix: how its name ends; network: of the zoo; layout: as in `retdsl.weights.layouts`; origin:
    whose names and conventions the file has (`timm`), if known; source: where it came from, for people; licence: if
    known; convention: the input it was trained on, if known; convention_from: who says so, for people; format, tensors,
    size: of the file, size in bytes; classes: of its head, None if it has none; imported: when, in ISO 8601.
    """

    name: str
    sha256: str
    suffix: str
    network: str
    layout: str | None
    origin: str | None
    source: str | None
    licence: str | None
    convention: Convention | None
    convention_from: str | None
    format: str
    tensors: int
    size: int
    classes: int | None
    imported: str


class Copy(NamedTuple):
    """A file on its way into the store: the copy, its hash, and its size in bytes."""

    path: Path
    sha256: str
    size: int


class Finding(NamedTuple):
    """What is wrong with something in the store. name: a name of the store, or None for a file that none stands for."""

    name: str | None
    path: Path
    wrong: str


def user_folder() -> Path:
    """What retdsl keeps for a user: `$RETDSL_CACHE`, else `$XDG_CACHE_HOME/retdsl`, else `~/.cache/retdsl`."""
    own, caches = os.environ.get("RETDSL_CACHE"), os.environ.get("XDG_CACHE_HOME")
    if own:
        return Path(os.path.expanduser(own)).absolute()
    if not caches or not os.path.isabs(caches):  # the XDG specification lets a relative path be ignored
        caches = os.path.expanduser("~/.cache")
    return Path(caches) / "retdsl"


def default_store() -> Store:
    """The user's."""
    return Store(user_folder() / "weights")


def is_name(text: str) -> bool:
    """Whether weights may be called so: letters, digits and `._+-`, beginning with a letter or a digit."""
    return _NAME.fullmatch(text) is not None


class Store:
    """The store in a folder, which need not be there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files, self._names = folder / "files", folder / "names"

    def names(self) -> list[str]:
        """All names, sorted; those of damaged records, too. Raises DamagedStore if the folder cannot be read."""
        try:
            found = [path.stem for path in self._names.iterdir() if path.suffix == ".json" and is_name(path.stem)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise DamagedStore(_reason(error)) from error
        return sorted(found)

    def record(self, name: str) -> Record | None:
        """What is known of a name; None if nothing is. Raises DamagedStore for a record that cannot be understood."""
        if not is_name(name):
            return None
        try:
            with self._record_path(name).open("rb") as file:
                content = file.read(LARGEST_RECORD + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DamagedStore(f"its record cannot be read: {_reason(error)}") from error
        try:
            return _parsed(name, content)
        except DamagedStore as error:
            raise DamagedStore(f"its record is damaged: {error}") from error

    def file(self, record: Record) -> Path:
        """Where the file of a record lies, or should."""
        return self._files / f"{record.sha256}{record.suffix}"

    @contextmanager
    def copying(self, source: Path) -> Iterator[Copy]:
        """A copy of `source` within the store, hashed on the way; it goes unless it is kept. Raises OSError."""
        self._files.mkdir(parents=True, exist_ok=True)
        beside = self._files / f".{uuid4().hex}.part"
        try:
            digest, size = hashlib.sha256(), 0
            with source.open("rb") as file, beside.open("xb") as copy:
                while block := file.read(BLOCK):
                    digest.update(block)
                    size += copy.write(block)
                copy.flush()
                os.fsync(copy.fileno())
            beside.chmod(0o444)
            yield Copy(beside, digest.hexdigest(), size)
        finally:
            beside.unlink(missing_ok=True)

    def keep(self, copy: Copy, record: Record) -> None:
        """Lets `record.name` stand for the copy from now on. What was known of the same file under that name goes.

        Raises NameTaken, and OSError.
        """
        self._names.mkdir(parents=True, exist_ok=True)
        beside = self._names / f".{uuid4().hex}.part"
        with self._alone():
            earlier = None
            with suppress(DamagedStore):
                earlier = self.record(record.name)
            if earlier is not None and earlier.sha256 != record.sha256:
                raise NameTaken(earlier)
            try:
                with beside.open("xb") as file:
                    file.write(_written(record))
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(copy.path, self.file(record))
                os.replace(beside, self._record_path(record.name))
            finally:
                beside.unlink(missing_ok=True)

    def remove(self, name: str) -> bool:
        """Forgets a name, and its file unless another name stands for it. False if there is none.

        Raises OSError, and DamagedStore if the folder cannot be read.
        """
        if name not in self.names():
            return False
        with self._alone():
            record = None
            with suppress(DamagedStore):
                record = self.record(name)
            self._record_path(name).unlink(missing_ok=True)
            if record is not None and self.file(record).name not in self._used():
                self.file(record).unlink(missing_ok=True)
        return True

    def verify(self, names: list[str]) -> Iterator[tuple[str, Finding | None]]:
        """Reads the files of `names` anew, one after the other: each name, and what is wrong with it, if anything."""
        for name in names:
            yield name, self._wrong(name)

    def orphans(self) -> list[Finding]:
        """Files that no name stands for, and what interrupted imports have left. Raises DamagedStore, as `names`."""
        folders = [folder for folder in (self._files, self._names) if folder.is_dir()]
        paths = sorted(path for folder in folders for path in folder.iterdir())
        used = self._used()
        found = [
            Finding(None, path, "an import was interrupted, or is going on") for path in paths if path.suffix == ".part"
        ]
        found += [
            Finding(None, path, "a download was interrupted, or is going on")
            for path in sorted(self.folder.glob("fetch-*"))
        ]
        strays = (path for path in paths if path.parent == self._files and path.suffix != ".part")
        return [*found, *(Finding(None, path, "no name stands for it") for path in strays if path.name not in used)]

    def _record_path(self, name: str) -> Path:
        return self._names / f"{name}.json"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else changes what names stand for meanwhile."""
        with (self.folder / ".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _used(self) -> set[str]:
        """The names of the files that names stand for."""
        used = set()
        for name in self.names():
            with suppress(DamagedStore):
                record = self.record(name)
                used |= {self.file(record).name} if record else set()
        return used

    def _wrong(self, name: str) -> Finding | None:
        try:
            record = self.record(name)
        except DamagedStore as error:
            return Finding(name, self._record_path(name), str(error))
        if record is None:
            return Finding(name, self._record_path(name), "it has no record")
        path, digest = self.file(record), hashlib.sha256()
        try:
            with path.open("rb") as file:
                while block := file.read(BLOCK):
                    digest.update(block)
        except FileNotFoundError:
            return Finding(name, path, "its file is gone")
        except OSError as error:
            return Finding(name, path, f"its file cannot be read: {_reason(error)}")
        found = digest.hexdigest()
        return None if found == record.sha256 else Finding(name, path, f"its file is damaged: it has SHA-256 {found}")


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _written(record: Record) -> bytes:
    said = record._asdict()
    said["convention"] = None if record.convention is None else record.convention._asdict()
    return (json.dumps(said, indent=2, ensure_ascii=False) + "\n").encode()


def _parsed(name: str, content: bytes) -> Record:
    if len(content) > LARGEST_RECORD:
        raise DamagedStore("it is too long")
    try:
        said: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DamagedStore("it is not JSON") from error
    if not isinstance(said, dict):
        raise DamagedStore("it is not a JSON object")
    wrong = [key for key in _TEXTS if not isinstance(said.get(key), str)]
    wrong += [key for key in _MAYBE if not isinstance(said.get(key), str | None)]
    wrong += [key for key in _COUNTS if type(said.get(key)) is not int or said[key] < 0]
    wrong += ["classes"] if type(said.get("classes")) not in (int, type(None)) else []
    wrong += ["name"] if said.get("name") != name else []
    wrong += ["sha256"] if not _SHA256.fullmatch(str(said.get("sha256"))) else []
    wrong += ["suffix"] if not _SUFFIX.fullmatch(str(said.get("suffix"))) else []
    convention = convention_of(said.get("convention"))
    wrong += ["convention"] if convention is None and said.get("convention") is not None else []
    if wrong:
        listed = ", ".join(f"`{key}`" for key in dict.fromkeys(wrong))
        raise DamagedStore(f"it says nothing that makes sense of {listed}")
    known: dict[str, Any] = {key: said.get(key) for key in Record._fields}
    return Record(**{**known, "convention": convention})

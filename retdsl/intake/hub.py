"""Weights from the Hugging Face Hub, when a user asks for them by name: the one place of retdsl that uses the network.

Enters: `hf:OWNER/REPO`, perhaps with `/FILE` and `@REVISION`. Leaves: a record in the store, by way of a folder within
it that goes in the end. The package `huggingface_hub` does the talking, and is imported here and nowhere else.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from retdsl.intake.files import USAGE, Imported, Request, import_weights
from retdsl.runtime.errors import RunError
from retdsl.weights.convention import CONFIG, PUBLISHED
from retdsl.weights.model import SUFFIXES
from retdsl.weights.store import Store

SCHEME = "hf:"
FORM = "hf:OWNER/REPO, as hf:timm/resnet50.a1_in1k, perhaps with /FILE and @REVISION"
SECONDS = 20
"""How long the hub may take for an answer."""

_ADDRESS = re.compile(r"hf:(?P<repo>[\w.-]+/[\w.-]+)(?:/(?P<file>[^@\s]+))?(?:@(?P<revision>[^@\s]+))?")
_Answer = TypeVar("_Answer")


class Address(NamedTuple):
    """What `hf:OWNER/REPO/FILE@REVISION` names."""

    repo: str
    file: str | None
    revision: str | None

    def __str__(self) -> str:
        return f"{SCHEME}{self.repo}" + (f"/{self.file}" if self.file else "")


def parse_address(text: str) -> Address:
    """Raises RunError for what is no address."""
    found = _ADDRESS.fullmatch(text)
    if found is None or ".." in text:
        raise RunError(f"`{text}` names nothing to fetch", help=f"write {FORM}", exit_code=USAGE)
    return Address(found["repo"], found["file"], found["revision"])


def fetch_weights(text: str, request: Request, store: Store) -> Imported:
    """Downloads what `text` names and imports it. request: what else the user says; its path does not count.

    Raises RunError: without the package, without a network, for a repository that is not there or not for everybody,
    without a suitable file, and for all that an import may refuse.
    """
    address = parse_address(text)
    hub = _package()
    info = _asked(
        hub,
        address,
        lambda: hub.HfApi().model_info(address.repo, revision=address.revision, timeout=SECONDS, files_metadata=True),
    )
    files = {sibling.rfilename: sibling for sibling in info.siblings or ()}
    name = _chosen(address, list(files))
    try:
        store.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=store.folder) as folder:

            def download(file: str) -> Path:
                return Path(
                    _asked(
                        hub,
                        address,
                        lambda: hub.hf_hub_download(address.repo, file, revision=info.sha, local_dir=folder),
                    )
                )

            if CONFIG in files:
                download(CONFIG)
            path = download(name)
            source = (
                f"{SCHEME}{address.repo}" + (f"/{name}" if address.file else "") + (f"@{info.sha}" if info.sha else "")
            )
            return import_weights(
                request._replace(
                    path=path,
                    source=request.source or source,
                    licence=request.licence or _licence(info),
                    name=request.name or _name(address, name),
                    sha256=getattr(getattr(files[name], "lfs", None), "sha256", None),
                ),
                store,
            )
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RunError(f"cannot write into the store: {reason}", where=store.folder) from error


def _package() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.errors
        import huggingface_hub.utils
    except ImportError as error:
        raise RunError(
            "fetching needs the Python package huggingface_hub, which is not installed",
            help=("pip install 'retdsl[fetch]'", "or download the file by hand, and `retdsl weights import` it"),
        ) from error
    hub: Any = huggingface_hub  # the same for the type checker, whether it is installed or not
    if not sys.stderr.isatty():
        hub.utils.disable_progress_bars()
    return hub


def _chosen(address: Address, files: list[str]) -> str:
    """The file of a repository that holds its weights. Raises RunError if none does."""
    if address.file is not None:
        if address.file in files:
            return address.file
        wrong = f"{SCHEME}{address.repo} has no file {address.file}"
    else:
        found = next((name for name in PUBLISHED if name in files), None)
        if found is not None:
            return found
        wrong = f"{SCHEME}{address.repo} has no {' and no '.join(PUBLISHED)}"
    held = [f"it has {name}" for name in files if name.endswith(SUFFIXES)]
    help = f"name one: {SCHEME}{address.repo}/FILE" if held else "it is no repository of weights that retdsl can read"
    raise RunError(wrong, items=held, help=help)


def _licence(info: Any) -> str | None:
    card = getattr(info, "card_data", None)
    said = card.get("license") if card is not None else None
    return said if isinstance(said, str) and said not in ("", "other", "unknown") else None


def _name(address: Address, file: str) -> str | None:
    """The repository's name; None for one file of several, which has a name of its own."""
    return address.repo.partition("/")[2] if address.file is None or file in PUBLISHED else None


def _asked(hub: Any, address: Address, ask: Callable[[], _Answer]) -> _Answer:
    """What the hub answers; all that it and the network may say against it as a RunError.

    The package changes the library that it asks with from time to time, so failures of the network are told by what
    they are not: an answer of the hub.
    """
    errors = hub.errors
    try:
        return ask()
    except errors.LocalEntryNotFoundError as error:  # what the package says of a file when it reaches nobody
        raise _unreached(error) from error
    except errors.GatedRepoError as error:
        helps = (
            f"look at https://huggingface.co/{address.repo}, and ask for access there",
            "then `huggingface-cli login` on this machine, or download the file by hand and import it",
        )
        raise RunError(f"{address} is only for those whom its owners let in", help=helps) from error
    except errors.RepositoryNotFoundError as error:
        help = f"look for the name at https://huggingface.co/{address.repo.partition('/')[0]}"
        raise RunError(f"the hub has no repository {address.repo}, or hides it", help=help) from error
    except errors.RevisionNotFoundError as error:
        raise RunError(f"{address.repo} has no revision {address.revision}") from error
    except errors.EntryNotFoundError as error:
        raise RunError(f"{address.repo} has no such file") from error
    except (errors.HFValidationError, ValueError) as error:
        raise RunError(f"`{address}` names nothing to fetch", items=[_first_line(error)], exit_code=USAGE) from error
    except errors.HfHubHTTPError as error:
        raise RunError("the hub refuses", items=[_first_line(error)], help="try again later") from error
    except Exception as error:
        raise _unreached(error) from error


def _unreached(error: Exception) -> RunError:
    helps = (
        "`retdsl weights fetch` needs the network, nothing else of retdsl does",
        "or download the file elsewhere, and `retdsl weights import` it here",
    )
    return RunError("the hub cannot be reached", items=[_first_line(error)], help=helps)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__

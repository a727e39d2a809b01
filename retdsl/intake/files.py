"""A file, or a folder as timm writes it, into the store: hashed while it is copied, opened, compared with its network.

Enters: a request. Leaves: the record. Guaranteed: what the store takes is sound as far as its format can tell, and has
every parameter of the network but perhaps those of its head, and nothing that the network does not have.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from retdsl.check.files import guess_network, zoo_help, zoo_networks
from retdsl.check.fit import Misfit, compare, parameters, tensor_count
from retdsl.intake.networks import head_of, named_by, networks_for, nodes_of
from retdsl.runtime.errors import RunError
from retdsl.schema.backbones import KNOWN_WEIGHTS, usual_input
from retdsl.weights.convention import PUBLISHED, Config, Convention, config_of
from retdsl.weights.files import open_weights, verify_checksums
from retdsl.weights.layouts import Renamed, rename
from retdsl.weights.model import SUFFIXES, BadWeights, WeightsFile
from retdsl.weights.store import NameTaken, Record, Store, is_name

USAGE = 2
"""The exit code of what the user can word otherwise."""

_SUFFIX_OF = {"MXNet": ".params", "safetensors": ".safetensors"}
_PROMISED = re.compile(r"-([0-9a-f]{8})\.\w+$")
"""How torchvision and timm put the beginning of a file's SHA-256 into its name."""


class Request(NamedTuple):
    """What to import, and what the user says of it; what is None is found out.

    path: a file, or a folder with `model.safetensors` and `config.json`; network: of the zoo; convention: the input
    that the weights were trained on; sha256: what the file's must be.
    """

    path: Path
    network: str | None = None
    name: str | None = None
    source: str | None = None
    licence: str | None = None
    convention: Convention | None = None
    size: tuple[int, int] | None = None
    sha256: str | None = None


class Imported(NamedTuple):
    """A record that is in the store now, and what there is to say of it."""

    record: Record
    remarks: tuple[str, ...]


def import_weights(request: Request, store: Store) -> Imported:
    """Takes weights into the store. Raises RunError."""
    path = _weights_in(request.path) if request.path.is_dir() else request.path
    config = config_of(path)
    name = request.name or _default_name(path, config)
    _require_sane(request, name)
    try:
        if path.exists():
            _sound(path, path, whole=False)  # before it is copied: what is no weights file may be huge, or have no end
        with store.copying(path) as copy:
            file = _sound(copy.path, path, whole=True)
            if request.sha256 is not None and copy.sha256 != request.sha256:
                said = (f"expected {request.sha256}", f"found    {copy.sha256}")
                raise RunError(f"{path.name} is not the file that was meant: its SHA-256 differs", items=said)
            network = request.network or _network_for(file, config, path)
            layout = zoo_networks()[network].stem
            renamed = rename(layout, file.shapes)
            classes, remarks = _compared(file, network, renamed, path)
            convention, told_by = _convention(request, config, network, renamed.origin)
            record = Record(
                name=name,
                sha256=copy.sha256,
                suffix=_suffix(path, file),
                network=network,
                layout=layout,
                origin=renamed.origin,
                source=request.source or _called(path),
                licence=request.licence or (config.licence if config else None),
                convention=convention,
                convention_from=told_by,
                format=file.format,
                tensors=len(file.tensors),
                size=copy.size,
                classes=classes,
                imported=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            )
            store.keep(copy, record)
    except NameTaken as error:
        helps = ("give another name by --name", f"or `retdsl weights remove {name}` first")
        text = f"the store has other weights called `{name}`, imported {error.record.imported[:10]}"
        raise RunError(text, help=helps, exit_code=USAGE) from error
    except OSError as error:
        raise _failed(path, store, error) from error
    return Imported(record, (*_promise(path, record.sha256), *remarks))


def _weights_in(folder: Path) -> Path:
    found = next((folder / name for name in PUBLISHED if (folder / name).is_file()), None)
    if found is None:
        raise RunError(f"{folder} has no {' and no '.join(PUBLISHED)}", help="name the file in it", exit_code=USAGE)
    return found


def _sound(path: Path, original: Path, *, whole: bool) -> WeightsFile:
    """What is in a file, its checksums compared if it is read as a `whole`. Raises RunError about the `original`."""
    try:
        file = open_weights(path)
        if whole:
            verify_checksums(file)
    except BadWeights as error:
        raise RunError(f"{original} cannot be imported: {error}", help=error.helps) from error
    return file


def _called(path: Path) -> str:
    """A file's name; of one that is called like thousands, that of its folder, too."""
    return f"{path.absolute().parent.name}/{path.name}" if path.name in PUBLISHED else path.name


def _default_name(path: Path, config: Config | None) -> str:
    if config is not None and config.architecture and path.name in PUBLISHED:
        stem = ".".join(filter(None, (config.architecture, config.tag)))
    else:
        stem = path.name
        while stem.lower().endswith(SUFFIXES):
            stem = stem[: stem.rindex(".")]
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", stem).strip("-._+")


def _require_sane(request: Request, name: str) -> None:
    """Raises RunError for all that is wrong with what the user says."""
    wrong: list[tuple[str, str]] = []
    if request.network is not None and request.network not in zoo_networks():
        meant = guess_network(request.network).question or zoo_help()
        wrong.append((f"the zoo has no network `{request.network}`", meant))
    if not is_name(name) or name.lower().endswith(SUFFIXES):
        given = "cannot be a name of weights" if request.name else "gives no name that weights can have"
        wrong.append(
            (f"`{name or request.path.name}` {given}", "give a --name of letters and digits, with `._+-` between them")
        )
    if name in {weights.name for weights in KNOWN_WEIGHTS}:
        wrong.append((f"`{name}` are weights that retdsl knows already", "give another name by --name"))
    if wrong:
        texts = [text for text, _ in wrong]
        more = () if len(wrong) == 1 else texts
        text = texts[0] if len(wrong) == 1 else "the weights cannot be imported like this"
        raise RunError(text, items=more, help=[help for _, help in wrong], exit_code=USAGE)


def _network_for(file: WeightsFile, config: Config | None, path: Path) -> str:
    """The network that the config names, or else the only one of the zoo that the file fits."""
    named = named_by(config.architecture) if config else None
    if named is not None:
        return named
    found, alike = networks_for(file)
    if len(found) == 1:
        return found[0]
    if found:
        text = f"{path.name} fits several networks of the zoo: it looks like {alike}"
        raise RunError(text, help="say which network they are for: `--for NETWORK`", exit_code=USAGE)
    timm = f"; timm calls the network `{config.architecture}`" if config and config.architecture else ""
    some = ", ".join(list(file.tensors)[:3])
    text = f"{path.name} looks like no network of the zoo{timm}"
    helps = (zoo_help(), "if they are for one of its networks, say so by `--for NETWORK`")
    held = f"it holds {tensor_count(len(file.tensors))}: {some}, ..."
    raise RunError(text, items=(held,), help=helps, exit_code=USAGE)


def _compared(file: WeightsFile, network: str, renamed: Renamed, path: Path) -> tuple[int | None, list[str]]:
    """How many classes the file's head has (None: it has none), and what to say of that. Raises RunError."""
    nodes = nodes_of(network)
    head, whole = head_of(nodes), parameters(nodes)
    body = parameters(node for node in nodes if node is not head)
    misfit = compare(whole, body, renamed, file.shapes)
    if misfit is not None:
        raise _does_not_fit(misfit, file, network, path, len(body))
    stored = [file.shapes[renamed.names[p.name]] for p in head.parameters if p.name in renamed.names]
    if not stored:
        return None, [f"it has no head: cut the backbone before `{head.name}`"]
    classes = stored[0][0] if stored[0] else None
    usual = head.parameters[0].shape[0] if head.parameters[0].shape else None
    other = f"its head has {classes} classes: `zoo({network}, classes = {classes})` takes it whole"
    return classes, [] if classes == usual else [other]


def _does_not_fit(misfit: Misfit, file: WeightsFile, network: str, path: Path, count: int) -> RunError:
    found, alike = networks_for(file)
    helps = [f"it looks like {alike}"] if alike else []
    helps += [f"import it with `--for {found[0]}`"] if len(found) == 1 and found[0] != network else []
    text = f"{path.name} does not fit `{network}`: {misfit.extent(count)}"
    items = [line for note in misfit.told(other=alike is not None) for line in note.splitlines()]
    return RunError(text, items=items, help=helps)


def _convention(
    request: Request, config: Config | None, network: str, origin: str | None
) -> tuple[Convention | None, str | None]:
    """What the user says, or else config.json, or else what is usual; and which of these it was, in words."""
    found, told_by = request.convention, "told at the import"
    if found is None and config is not None:
        found, told_by = config.convention, "the config.json beside its weights"
    if found is None and origin is not None:
        usual = usual_input(network, origin)
        if usual is not None:
            call, size = usual
            options: dict[str, Any] = dict(call.options)
            found = Convention(options["mean"], options["std"], options["scale"], size)
            told_by = f"usual for {origin}"
    if found is None:
        return None, None
    return (found if request.size is None else found._replace(size=request.size)), told_by


def _suffix(path: Path, file: WeightsFile) -> str:
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return suffix
    return next((known for words, known in _SUFFIX_OF.items() if words in file.format), ".pth")


def _promise(path: Path, sha256: str) -> Sequence[str]:
    promised = _PROMISED.search(path.name)
    if promised is None or sha256.startswith(promised[1]):
        return ()
    text = f"its name promises a SHA-256 that begins with {promised[1]}, and it has {sha256[:8]}..."
    return (f"{text}: it may be damaged, or another file",)


def _failed(path: Path, store: Store, error: OSError) -> RunError:
    reason = (error.strerror or str(error)).lower()
    if error.filename is not None and Path(error.filename) == path:
        return RunError(f"cannot read {path}: {reason}", exit_code=USAGE if error.errno == errno.ENOENT else 1)
    help = "the store is as it was; set RETDSL_CACHE to have it in another folder"
    return RunError(f"cannot write into the store: {reason}", where=store.folder, help=help)

"""An experiment written out: every key with its value, and where each comes from.

Enters: an experiment. Leaves: a `train` block that means the same without any `from`, its origins as comments:

    train refreshed {  # study.retina:48
      model      = plain                              # from balanced:47
      sampling   = resampled                          # line 48
                 # overrides subset of balanced:47
      batch      = 32                                 # default
    }

A place in another file than the experiment's own is given with that file.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

from retdsl.ir import Key, Place
from retdsl.schema.spelling import option_type, spell
from retdsl.schema.training import TRAIN_KEYS

Line: TypeAlias = "tuple[str, str]"
"""Code, padded up to where its comment begins, and the comment; either may be empty."""


class Keyed(Protocol):
    """An experiment, as far as its keys go."""

    @property
    def name(self) -> str: ...

    @property
    def place(self) -> Place: ...

    @property
    def keys(self) -> tuple[Key, ...]: ...

    @property
    def overrides(self) -> tuple[tuple[str, str], ...]: ...


def written_out(experiment: Keyed, width: int = 80) -> list[Line]:
    """The experiment as a block of the language in lines of `width` columns, unless a single name is longer."""
    margin = max(len(key.name) for key in experiment.keys) + len("  ")
    rows: list[tuple[list[str], str, list[str]]] = []
    for key in experiment.keys:
        code = _wrapped(f"  {key.name}".ljust(margin) + " = ", _value(key), width)
        overridden = _overridden(key, experiment, width - margin - 1)
        comments = [*([overridden] if overridden else []), *(_set_of_data(experiment) if key.name == "data" else [])]
        rows.append((code, _origin(key, experiment), comments))
    room = width - max(len(f"# {origin}") for _, origin, _ in rows)
    column = max((len(code[-1]) + 2 for code, _, _ in rows if len(code[-1]) + 2 <= room), default=room)
    lines: list[Line] = [(f"train {experiment.name} {{  ", f"# {experiment.place}")]
    for code, origin, comments in rows:
        lines += [(line, "") for line in code[:-1]]
        if len(code[-1]) + 2 > column:
            lines += [(code[-1], ""), (" " * column, f"# {origin}")]
        else:
            lines.append((code[-1].ljust(column), f"# {origin}"))
        lines += [(" " * (margin + 1), comment) for comment in comments]
    return [*lines, ("}", "")]


def as_json(experiment: Keyed) -> dict[str, Any]:
    """The same as plain data: of each key its value in the language's words, where from, and what it overrides."""
    own = {"overrides": dict(experiment.overrides)} if experiment.overrides else {}
    return {"name": experiment.name, **own, "keys": [_key_json(key, experiment) for key in experiment.keys]}


def _set_of_data(experiment: Keyed) -> list[str]:
    """What the command line says of its data block."""
    return [f"# with --set {key}={value}" for key, value in experiment.overrides if "." in key]


def _key_json(key: Key, experiment: Keyed) -> dict[str, Any]:
    found: dict[str, Any] = {"key": key.name, "value": _value(key), "from": _sort(key, experiment.name)}
    if key.place is not None and key.block is not None:
        found |= {"block": key.block, "file": key.place.file, "line": key.place.line}
    if key.overrides is not None:
        found["overrides"] = _key_json(key.overrides, experiment)
    return found


def _sort(key: Key, experiment: str) -> str:
    if key.place is None:
        return "default"
    return "--set" if key.block is None else "here" if key.block == experiment else "parent"


def _value(key: Key) -> str:
    return spell(key.value, option_type(TRAIN_KEYS, key.name))


def _origin(key: Key, experiment: Keyed) -> str:
    match _sort(key, experiment.name):
        case "here":
            return _line(key.place, experiment.place.file)
        case "parent":
            return f"from {_block(key, experiment.place.file)}"
        case other:
            return other


def _overridden(key: Key, experiment: Keyed, room: int) -> str:
    """What a key that is set here, or on the command line, takes the place of: `# overrides 64 of penalised:12`."""
    earlier = key.overrides
    if earlier is None or key.block not in (None, experiment.name):
        return ""
    own = earlier.block == experiment.name
    home = experiment.place.file
    begin, end = "# overrides ", f" in {_line(earlier.place, home)}" if own else f" of {_block(earlier, home)}"
    return begin + _clipped(_value(earlier), room - len(begin) - len(end)) + end


def _clipped(text: str, width: int) -> str:
    """The beginning of a text that is too long."""
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"


def _line(place: Place | None, home: str) -> str:
    return "" if place is None else f"line {place.line}" if place.file == home else str(place)


def _block(key: Key, home: str) -> str:
    """`balanced:47`, or `balanced (parts.retina:47)`."""
    assert key.place is not None
    return f"{key.block}:{key.place.line}" if key.place.file == home else f"{key.block} ({key.place})"


def _wrapped(head: str, value: str, width: int) -> list[str]:
    """A value behind its head; one that is too long is broken between the parts of its outermost brackets."""
    lines = [head]
    for piece in _pieces(value):
        if len(lines[-1]) + len(piece.rstrip()) > width and lines[-1].strip() and lines[-1] != head:
            lines[-1] = lines[-1].rstrip()
            lines.append(" " * (len(head) + value.find("(" if value[-1:] == ")" else "[") + 1))
        lines[-1] += piece
    return lines


def _pieces(text: str) -> list[str]:
    """The parts between the commas of the outermost brackets, each with its comma and the blank behind it."""
    depth, quoted, start = 0, False, 0
    pieces: list[str] = []
    for at, character in enumerate(text):
        if character == '"' and text[at - 1 : at] != "\\":
            quoted = not quoted
        elif not quoted:
            depth += (character in "([") - (character in ")]")
            if character == " " and depth == 1 and text[at - 1] == ",":
                pieces.append(text[start : at + 1])
                start = at + 1
    return [*pieces, text[start:]]

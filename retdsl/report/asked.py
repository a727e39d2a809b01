"""What was asked: the spec in colours, the experiment written out, and what `--set` changed.

Enters: a run. Leaves: lines of pieces, each with what it is. Guaranteed: the spec reads exactly as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from retdsl.account.keys import written_out
from retdsl.finished import RunRecord
from retdsl.ir import Key, Place
from retdsl.program_json import keys_of, place_of
from retdsl.schema.spelling import option_type, spell
from retdsl.schema.training import TRAIN_KEYS
from retdsl.syntax.colouring import Piece, coloured


@dataclass(frozen=True)
class Written:
    """An experiment as program.json keeps it."""

    name: str
    place: Place
    keys: tuple[Key, ...]
    overrides: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Override:
    """A key that the command line changed: its value, and what it was in the spec (None: its default)."""

    key: str
    value: str
    before: str | None


def lines_of(text: str) -> list[list[Piece]]:
    """A text in lines of pieces."""
    lines: list[list[Piece]] = [[]]
    for piece in coloured(text):
        first, *others = piece.text.split("\n")
        lines[-1].append(Piece(piece.kind, first))
        lines += [[Piece(piece.kind, other)] for other in others]
    return lines if lines[-1] != [] and lines[-1][0].text else lines[:-1]


def experiment_of(record: RunRecord) -> Written | None:
    """The experiment of a run. None where its program is not there, or is older than what is read here."""
    found = plan_of(record)
    try:
        return Written(
            found["name"],
            place_of(found["place"]),
            keys_of(found),
            tuple((key, value) for key, value in found.get("overrides", ())),
        )
    except (KeyError, TypeError, AttributeError):
        return None


def plan_of(record: RunRecord) -> dict[str, Any]:
    """The experiment in program.json, as plain data; empty where there is none."""
    if not (record.path / "program" / "program.json").is_file():
        return {}
    experiments = record.program.get("experiments") or [{}]
    return dict(experiments[0])


def written_lines(written: Written) -> list[list[Piece]]:
    """The experiment with every key, defaults too, and where each comes from."""
    return lines_of("\n".join(f"{code}{comment}" for code, comment in written_out(written, 76)) + "\n")


def overrides(written: Written) -> list[Override]:
    """What `--set` has changed, in the order of the keys; what it said of the data block last."""
    own = [
        Override(key.name, _value(key), None if key.overrides is None else _value(key.overrides))
        for key in written.keys
        if key.block is None and key.place is not None
    ]
    return own + [Override(key, value, None) for key, value in written.overrides if "." in key]


def _value(key: Key) -> str:
    return spell(key.value, option_type(TRAIN_KEYS, key.name))

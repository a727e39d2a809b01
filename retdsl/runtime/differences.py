"""What two records of runs differ in: what a run was made of, as lock.json says, and what is here now.

Enters: the record of a run, and facts of today in the same form, as `manifest` gives them. Leaves: differences, in the
order in which to mend them: what is made of a thing comes after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

MOST_NAMED = 3
"""Photographs that a difference names; of more it tells how many there are."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as it was. subject: of what, in a word; then, now: as texts, None where that says nothing;
    help: what to do about it.
    """

    subject: str
    message: str
    then: str | None = None
    now: str | None = None
    help: str | None = None


def differences_of_the_machine(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    """Versions, threads and the device."""
    for name in dict.fromkeys((*then["versions"], *now["versions"])):
        if name == "onnxruntime" and not uses_onnxruntime(then):
            continue  # it may come and go where it computed nothing
        old, new = then["versions"].get(name), now["versions"].get(name)
        if old != new:
            text = f"{name} is {new or 'not here'}, the run had {old or 'none'}"
            yield Difference(name, text, old, new, f"pip install {name}=={old}" if old and name != "python" else None)
    for name, text in (("system", "the system"), ("threads", "the number of threads"), ("device", "the device")):
        if then.get(name) != now.get(name):
            yield _plain(name, text, then.get(name), now.get(name))


def uses_onnxruntime(record: Mapping[str, Any]) -> bool:
    """Whether onnxruntime computed anything of a run."""
    engines = record.get("engines")
    parts = engines.values() if isinstance(engines, Mapping) else ()
    return any(str(part).startswith("onnxruntime ") for part in parts)


def differences_of(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    """What two records differ in, in the order in which to mend it."""
    yield from differences_of_the_machine(then, now)
    problems = now.get("problems", {})
    if "data" in problems:
        help = "if they lie elsewhere now, say where with --root"
        yield Difference("data", f"the photographs cannot be used: {problems['data']}", help=help)
    else:
        if then.get("labels_sha256") != now.get("labels_sha256"):
            yield _changed("labels", "the table of labels is another one", then, now, "labels_sha256")
        yield from _differences_of_images(then["images"], now["images"])
        if then["split_sha256"] != now["split_sha256"]:
            yield _changed("split", "photographs, patients or labels are on other sides", then, now, "split_sha256")
    if "weights" in problems:
        yield Difference("weights", f"the weights cannot be used: {problems['weights']}")
    else:
        for old, new in zip_longest(then["weights"], now["weights"]):
            if old != new:
                yield _file("weights", "the weights", old, new)
        if then.get("mean_image") != now.get("mean_image"):
            yield _file("mean_image", "the mean image", then.get("mean_image"), now.get("mean_image"))


def _differences_of_images(then: Sequence[Mapping[str, str]], now: Sequence[Mapping[str, str]]) -> Iterator[Difference]:
    old, new = _by_name(then), _by_name(now)
    missing = [name for name in old if name not in new]
    both = [name for name in old if name in new]
    unreadable = [name for name in both if old[name]["sha256"] and not new[name]["sha256"]]
    changed = [name for name in both if new[name]["sha256"] not in ("", old[name]["sha256"])]
    added = [name for name in new if name not in old]
    labels = [name for name in both if old[name]["label"] != new[name]["label"]]
    for subject, names, one, many in (
        ("missing", missing, "is not listed any more", "are not listed any more"),
        ("unreadable", unreadable, "cannot be read", "cannot be read"),
        ("changed", changed, "is not the same file", "are not the same files"),
        ("new", added, "is new", "are new"),
        ("relabelled", labels, "has another label", "have other labels"),
    ):
        if names:
            shown = ", ".join(name for name, _ in names[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")
            text = f"a photograph {one}: {shown}" if len(names) == 1 else f"{len(names)} photographs {many}: {shown}"
            yield Difference(f"image {subject}", text)


def _by_name(rows: Sequence[Mapping[str, str]]) -> dict[tuple[str, int], Mapping[str, str]]:
    """Rows by their photograph; sources that are joined may have one name twice."""
    found: dict[tuple[str, int], Mapping[str, str]] = {}
    times: dict[str, int] = {}
    for row in rows:
        time = times[row["image"]] = times.get(row["image"], 0) + 1
        found[row["image"], time] = row
    return found


def _plain(subject: str, what: str, then: object, now: object) -> Difference:
    return Difference(subject, f"{what} is {now}, it was {then}", str(then), str(now))


def _changed(subject: str, text: str, then: Mapping[str, Any], now: Mapping[str, Any], key: str) -> Difference:
    return Difference(subject, text, *(str(facts[key]) if facts.get(key) else None for facts in (then, now)))


def _file(subject: str, what: str, then: Mapping[str, str] | None, now: Mapping[str, str] | None) -> Difference:
    if then is None or now is None:
        return Difference(subject, f"{what} {'were not there then' if then is None else 'are not there now'}")
    return Difference(subject, f"{what} {then['file']} differ", then["sha256"], now["sha256"])

"""Records do what dataclasses do, for the part of it that retdsl uses."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from retdsl import records
from retdsl.records import dataclass, field, replace


def classes(module: ModuleType) -> dict[str, Any]:
    """The same classes, made by `dataclasses` or by `records`."""
    dataclass, field = module.dataclass, module.field

    @dataclass(frozen=True, slots=True)
    class Placed:
        place: int = field(compare=False, repr=False)

    @dataclass(frozen=True, slots=True)
    class Named(Placed):
        name: str
        items: tuple[int, ...] = ()
        more: list[int] = field(default_factory=list, compare=False)

        @property
        def shout(self) -> str:
            return self.name.upper()

    @dataclass(slots=True)
    class Counter:
        count: int = 0
        seen: dict[str, int] = field(default_factory=dict)

    @dataclass(frozen=True, slots=True)
    class Text:
        text: str
        lines: int = field(init=False, repr=False, compare=False, default=0)

        def __post_init__(self) -> None:
            object.__setattr__(self, "lines", self.text.count("\n") + 1)

    @dataclass(frozen=True, slots=True)
    class Nothing:
        pass

    return {"Placed": Placed, "Named": Named, "Counter": Counter, "Text": Text, "Nothing": Nothing}


def matched(value: Any, made: dict[str, Any]) -> object:
    named = made["Named"]
    match value:
        case named(place, name, items=(first, *_)):
            return place, name, first
        case _:
            return None


def raised(what: Callable[[], object]) -> object:
    try:
        return repr(what())
    except (TypeError, AttributeError) as error:
        return TypeError if isinstance(error, TypeError) else AttributeError


USES: dict[str, Callable[[dict[str, Any]], object]] = {
    "by place": lambda m: m["Named"](1, "a", (2,), [3]).more,
    "by name": lambda m: m["Named"](name="a", place=1).items,
    "text": lambda m: repr(m["Named"](1, "a")).replace("classes.<locals>.", ""),
    "equal but for the place": lambda m: m["Named"](1, "a") == m["Named"](2, "a", more=[1]),
    "unlike": lambda m: m["Named"](1, "a") == m["Named"](1, "b"),
    "of another class": lambda m: m["Placed"](1) == m["Text"]("a"),
    "the same hash": lambda m: hash(m["Named"](1, "a")) == hash(m["Named"](2, "a")),
    "in a set": lambda m: len({m["Named"](1, "a"), m["Named"](2, "a"), m["Named"](1, "b")}),
    "nothing equals nothing": lambda m: (m["Nothing"]() == m["Nothing"](), len({m["Nothing"](), m["Nothing"]()})),
    "a mutable one has no hash": lambda m: hash(m["Counter"]()),
    "missing": lambda m: m["Named"](1),
    "unknown": lambda m: m["Named"](1, "a", colour=1),
    "twice": lambda m: m["Named"](1, "a", place=1),
    "too many": lambda m: m["Named"](1, "a", (), [], 5),
    "not to be given": lambda m: m["Text"]("a", 3),
    "after init": lambda m: m["Text"]("a\nb").lines,
    "frozen": lambda m: setattr(m["Named"](1, "a"), "name", "b"),
    "frozen for good": lambda m: delattr(m["Named"](1, "a"), "name"),
    "no other attributes": lambda m: setattr(m["Counter"](), "other", 1),
    "mutable": lambda m: setattr(m["Counter"](), "count", 1),
    "a list of its own": lambda m: m["Named"](1, "a").more is not m["Named"](1, "a").more,
    "property": lambda m: m["Named"](1, "a").shout,
    "match": lambda m: matched(m["Named"](1, "a", (7, 8)), m),
    "copy": lambda m: copy.copy(m["Named"](1, "a")) == m["Named"](1, "a"),
    "deep copy": lambda m: copy.deepcopy(m["Text"]("a\nb")).lines,
    "is a dataclass": lambda m: dataclasses.is_dataclass(m["Named"](1, "a")) and dataclasses.is_dataclass(m["Text"]),
    "fields": lambda m: [(f.name, f.compare, f.init, f.repr) for f in dataclasses.fields(m["Named"])],
    "standard replace": lambda m: dataclasses.replace(m["Named"](1, "a"), name="b").name,
    "asdict": lambda m: dataclasses.asdict(m["Named"](1, "a", (2,))),
    "size": lambda m: hasattr(m["Named"](1, "a"), "__dict__"),
}


@pytest.mark.parametrize("use", USES)
def test_records_behave_like_dataclasses(use: str) -> None:
    expected, found = (raised(lambda made=made: USES[use](made)) for made in (classes(dataclasses), classes(records)))
    assert found == expected


@dataclass(frozen=True, slots=True)
class Pair:
    """Lies in a module, for pickle to find."""

    left: int
    right: int = 0


def test_replace_changes_what_is_named() -> None:
    assert replace(Pair(1, 2), right=3) == Pair(1, 3)
    with pytest.raises(TypeError):
        replace(Pair(1), middle=3)


def test_records_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(Pair(1, 2))) == Pair(1, 2)


def test_what_records_cannot_do_is_refused() -> None:
    with pytest.raises(TypeError, match="slots"):

        @dataclass(slots=False)
        class _Loose:
            pass

    with pytest.raises(TypeError, match="class variables"):

        @dataclass(slots=True)
        class _Shared:
            all: ClassVar[int] = 0  # noqa: F821 - never evaluated

    with pytest.raises(TypeError):
        field(kw_only=True)


def test_fields_may_be_named_like_what_the_making_of_records_uses() -> None:
    @dataclass(slots=True)
    class Strange:
        values: list[int] = field(default_factory=list)
        missing: bool = False
        set0: int = 1
        default1: int = 2

    assert repr(Strange()).endswith("Strange(values=[], missing=False, set0=1, default1=2)")

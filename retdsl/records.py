"""Records: `dataclass`, `field` and `replace` as in `dataclasses`, at a fraction of the price of defining a class.

The standard module writes the source of six functions for every class and compiles it, 0.3 ms each time a program
starts, and `retdsl check` needs a hundred classes. Here five are closures, and `__init__` is compiled when the first
instance is made. To a type checker the three names are those of the standard module, so everything it knows about them
holds. At run time they do the part of it that retdsl uses, in the same words: `@dataclass(frozen=True, slots=True)` or
`@dataclass(slots=True)`; fields with defaults, `default_factory`, `init`, `repr`, `compare`; inheritance,
`__post_init__`, `match`, pickling and copying. No class variables, no order, no keyword-only fields.

The functions of the standard module (`fields`, `replace`, `asdict`, `is_dataclass`) take records, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any


class FrozenRecordError(AttributeError):
    """An attempt to change a frozen record."""


class _Missing:
    """Stands for no default."""


class _Field:
    """One attribute of a record."""

    __slots__ = ("compare", "default", "default_factory", "init", "repr")

    def __init__(
        self,
        *,
        default: Any = _Missing,
        default_factory: Callable[[], Any] | None = None,
        init: bool = True,
        repr: bool = True,
        compare: bool = True,
    ) -> None:
        self.default = default
        self.default_factory = default_factory
        self.init = init
        self.repr = repr
        self.compare = compare


def _record(*, slots: bool, frozen: bool = False) -> Callable[[type], type]:
    if not slots:
        raise TypeError("every record has slots")
    return lambda cls: _make(cls, frozen)


def _make(cls: type, frozen: bool) -> type:
    """The class anew, with slots for its fields and the methods of a record."""
    inherited: Mapping[str, _Field] = getattr(cls, "__record_fields__", {})
    own: dict[str, _Field] = {}
    for name, annotation in cls.__dict__.get("__annotations__", {}).items():  # noqa: RUF063 - no `inspect` for this
        if "ClassVar" in str(annotation):
            raise TypeError(f"{cls.__name__}.{name}: records have no class variables")
        given = cls.__dict__.get(name, _Missing)
        own[name] = given if isinstance(given, _Field) else _Field(default=given)
    fields = {**inherited, **own}
    taking = [name for name in fields if fields[name].init]
    compared = [name for name in fields if fields[name].compare]

    members = {name: value for name, value in cls.__dict__.items() if name not in own}
    for name in ("__dict__", "__weakref__"):
        members.pop(name, None)
    members["__slots__"] = tuple(name for name in own if name not in inherited)
    members["__match_args__"] = tuple(taking)
    members["__record_fields__"] = fields
    members["__dataclass_fields__"] = _StandardFields()
    members["__repr__"] = _repr_of([name for name in fields if fields[name].repr])
    members["__reduce__"] = lambda self: (type(self), tuple(getattr(self, name) for name in taking))
    members["__eq__"], hashing = _equality_of(compared)
    members["__hash__"] = hashing if frozen else None
    if frozen:
        members["__setattr__"] = _refuse_to_set
        members["__delattr__"] = _refuse_to_delete
    made = type(cls)(cls.__name__, cls.__bases__, members)
    made.__qualname__ = cls.__qualname__
    # Only the finished class has the slots that its first method has to fill.
    type.__setattr__(made, "__init__", _init_of(made, fields))
    return made


def _init_of(made: type, fields: Mapping[str, _Field]) -> Callable[..., None]:
    """An `__init__` that puts the real one in its place when it is first called."""

    def first(self: object, *values: object, **named: object) -> None:
        init = _compiled(made, fields)
        if made.__dict__["__init__"] is first:
            type.__setattr__(made, "__init__", init)
        init(self, *values, **named)

    return first


def _compiled(made: type, fields: Mapping[str, _Field]) -> Callable[..., None]:
    # A field may have any name but one with two underscores in front.
    names: dict[str, Any] = {"__missing": _Missing}
    parameters, lines = ["self"], []
    for i, (name, item) in enumerate(fields.items()):
        names[f"__set{i}"] = getattr(made, name).__set__
        names |= {f"__default{i}": item.default, f"__make{i}": item.default_factory}
        value = f"__make{i}()" if item.default_factory else f"__default{i}"
        if item.init and item.default_factory:
            parameters.append(f"{name}=__missing")
            value = f"{value} if {name} is __missing else {name}"
        elif item.init:
            parameters.append(name if item.default is _Missing else f"{name}=__default{i}")
            value = name
        elif item.default is _Missing and not item.default_factory:
            continue
        lines.append(f"    __set{i}(self, {value})")
    if hasattr(made, "__post_init__"):
        lines.append("    self.__post_init__()")
    exec("\n".join([f"def __init__({', '.join(parameters)}):", *lines, "    return None"]), names)
    init: Callable[..., None] = names["__init__"]
    init.__qualname__ = f"{made.__qualname__}.__init__"
    return init


def _equality_of(compared: Sequence[str]) -> tuple[Callable[..., Any], Callable[..., int]]:
    key: Callable[[Any], object] = attrgetter(*compared) if compared else lambda _: ()

    def equal(self: object, other: object) -> bool:
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    return equal, lambda self: hash(key(self))


def _repr_of(shown: Sequence[str]) -> Callable[[object], str]:
    def text(self: object) -> str:
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__qualname__}({inside})"

    return text


def _refuse_to_set(self: object, name: str, _value: object) -> None:
    raise FrozenRecordError(f"cannot change `{name}` of a {type(self).__name__}")


def _refuse_to_delete(self: object, name: str) -> None:
    raise FrozenRecordError(f"cannot delete `{name}` of a {type(self).__name__}")


class _StandardFields:
    """`__dataclass_fields__`, made when the standard module first asks for it."""

    def __get__(self, _: object, cls: type) -> Mapping[str, Any]:
        import dataclasses

        fields: Mapping[str, _Field] = cls.__record_fields__  # type: ignore[attr-defined]
        described = []
        for name, item in fields.items():
            given: dict[str, Any] = {} if item.default is _Missing else {"default": item.default}
            given |= {"default_factory": item.default_factory} if item.default_factory else {}
            own = dataclasses.field(init=item.init, repr=item.repr, compare=item.compare, **given)
            described.append((name, object, own))
        like: Any = dataclasses.make_dataclass(cls.__name__, described)
        standard: Mapping[str, Any] = like.__dataclass_fields__
        type.__setattr__(cls, "__dataclass_fields__", standard)
        return standard


def _replace(record: Any, **changes: object) -> Any:
    cls = type(record)
    values = [changes.pop(name) if name in changes else getattr(record, name) for name in cls.__match_args__]
    return cls(*values, **changes)


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import replace as replace
else:
    dataclass, field, replace = _record, _Field, _replace

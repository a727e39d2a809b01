"""Reads pickles of plain values without Python's unpickler, so that nothing in one is ever called, imported or built.

Enters: a file that stands where a pickle begins, and the few names that may occur in it. Leaves: numbers, texts, None,
tuples, lists and dicts, and what the caller makes of allowed names. `pickletools` only splits the bytes into
instructions; the few that plain values need are interpreted here, and everything else is refused by name. Guaranteed:
`BadWeights`, and no other error, for any bytes; memory and time within the limits below.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from typing import IO, Any, BinaryIO, NamedTuple, TypeAlias, cast

from retdsl.weights.model import ANEW, DAMAGED, BadWeights

MAX_PICKLE = 16 << 20
"""Bytes of a pickle. That of a network with a thousand tensors has some hundred thousand."""

MAX_INSTRUCTIONS = 1_000_000
"""Each makes a value at most, of some hundred bytes at most besides its text."""

MAX_TEXT = 1 << 20

MAX_KEY = 1 << 60
"""Python's dicts become slow with larger numbers that are chosen to have one hash."""

Maker: TypeAlias = Callable[[Any], Any]
"""Makes a value of the arguments of a call, or refuses them. It is our own; the function that the file names is not
looked up."""


class Name(NamedTuple):
    """`from module import name`, as text: `torch FloatStorage`."""

    text: str


class Foreign(BadWeights):
    """A pickle asks for something that is not allowed in it. asked: its name, with dots."""

    def __init__(self, asked: str) -> None:
        super().__init__(
            f"it asks for {asked!r:.100}, which no file of plain tensors needs; nothing of it was run",
            "if you trust the file, save its tensors alone: torch.save(model.state_dict(), ...)",
        )
        self.asked = asked


class Window:
    """The next bytes of a file, as far as a pickle may reach. size: how many there are."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = min(size, MAX_PICKLE)
        self._ends = DAMAGED if size <= MAX_PICKLE else "its pickle is longer than any should be"

    def read(self, size: int) -> bytes:
        if size > MAX_TEXT:
            raise BadWeights(DAMAGED, ANEW)
        return self._taken(self._file.read(self._room(size)))

    def readline(self) -> bytes:
        return self._taken(self._file.readline(self._room(min(MAX_TEXT, self._left))))

    def ahead(self, size: int) -> bytes:
        """What comes next, up to `size` bytes of it."""
        return self._taken(self._file.read(min(size, self._left)))

    def _room(self, size: int) -> int:
        if size > self._left:
            raise BadWeights(self._ends, ANEW)
        return size

    def _taken(self, content: bytes) -> bytes:
        self._left -= len(content)
        return content


def read_pickle(window: Window, allowed: Mapping[str, Maker | None], refer: Maker) -> Any:
    """One pickle; leaves the file behind it. Raises BadWeights, `Foreign` for a name that is not allowed.

    allowed: the names that may occur, each with what makes a value of a call of it, None where it is not called; refer:
    makes a value of a persistent id, the reference to what lies outside the pickle.
    """
    reader = _Reader(allowed, refer)
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(cast(IO[bytes], window))):
            if count >= MAX_INSTRUCTIONS:
                raise BadWeights(f"its pickle has more than {MAX_INSTRUCTIONS:,} instructions", ANEW)
            if opcode.name == "STOP":
                return reader.stacks[-1].pop()
            if opcode.name == "PROTO" and count:
                raise BadWeights("it holds a pickle within a pickle", ANEW)
            reader.take(opcode.name, argument)
    except BadWeights:
        raise
    # What pickletools raises on bytes that are no pickle, and what instructions in the wrong places run into.
    except (ValueError, LookupError, TypeError, OverflowError) as error:
        raise BadWeights(DAMAGED, ANEW) from error
    raise BadWeights(DAMAGED, ANEW)


class _Reader:
    """Pickle's stack and memo. A stack of lists plays the part of the stack and its marks: MARK opens a list, the
    instructions that use it up take the whole list.
    """

    def __init__(self, allowed: Mapping[str, Maker | None], refer: Maker) -> None:
        self.stacks: list[list[Any]] = [[]]
        self._memo: dict[int, Any] = {}
        self._allowed = allowed
        self._refer = refer

    def take(self, instruction: str, argument: Any) -> None:
        stack = self.stacks[-1]
        match instruction:
            case "PROTO" | "FRAME":
                pass
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[instruction])
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT":
                stack.append(argument)
            case "BINUNICODE" | "SHORT_BINUNICODE" | "BINBYTES" | "SHORT_BINBYTES":
                stack.append(argument)
            case "BINSTRING" | "SHORT_BINSTRING":  # texts of Python 2
                stack.append(argument)
            case "EMPTY_DICT" | "EMPTY_LIST" | "EMPTY_TUPLE":
                stack.append({"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}[instruction]())
            case "MARK":
                self.stacks.append([])
            case "TUPLE":
                items = self.stacks.pop()
                self.stacks[-1].append(tuple(items))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(instruction[-1])
                stack[-count:] = [tuple(_last(stack, count))]
            case "APPEND":
                item = stack.pop()
                _of(list, stack).append(item)
            case "APPENDS":
                items = self.stacks.pop()
                _of(list, self.stacks[-1]).extend(items)
            case "SETITEM":
                key, value = _last(stack, 2)
                del stack[-2:]
                _fill(_of(dict, stack), [key, value])
            case "SETITEMS":
                items = self.stacks.pop()
                _fill(_of(dict, self.stacks[-1]), items)
            case "BINPUT" | "LONG_BINPUT":
                self._memo[argument] = stack[-1]
            case "MEMOIZE":
                self._memo[len(self._memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(self._memo[argument])
            case "GLOBAL":
                stack.append(self._name(str(argument)))
            case "STACK_GLOBAL":
                module, name = _last(stack, 2)
                if not isinstance(module, str) or not isinstance(name, str):
                    raise BadWeights(DAMAGED, ANEW)
                stack[-2:] = [self._name(f"{module} {name}")]
            case "BINPERSID":
                stack[-1:] = [self._refer(_last(stack, 1)[0])]
            case "REDUCE" | "NEWOBJ":
                function, arguments = _last(stack, 2)
                stack[-2:] = [self._called(function, arguments)]
            case "BUILD":  # attributes of what is there already: PyTorch keeps version numbers in them
                stack.pop()
                _last(stack, 1)
            case name:
                raise BadWeights(f"it holds the pickle instruction {name}, which no file of tensors needs", ANEW)

    def _name(self, text: str) -> Name:
        if text not in self._allowed:
            raise Foreign(text.replace(" ", "."))
        return Name(text)

    def _called(self, function: Any, arguments: Any) -> Any:
        make = self._allowed[function.text] if isinstance(function, Name) else None
        if make is None:
            raise BadWeights("it calls something that is no function", ANEW)
        return make(arguments)


def _last(stack: list[Any], count: int) -> list[Any]:
    if len(stack) < count:
        raise BadWeights(DAMAGED, ANEW)
    return stack[-count:]


def _of(kind: type, stack: list[Any]) -> Any:
    """The top of the stack, which must be a list or a dict."""
    top = stack[-1]
    if type(top) is not kind:
        raise BadWeights(DAMAGED, ANEW)
    return top


def _fill(target: dict[Any, Any], items: list[Any]) -> None:
    for key, value in zip(items[::2], items[1::2], strict=True):
        if type(key) is not str and not (type(key) is int and abs(key) < MAX_KEY):
            raise BadWeights("it holds values under keys that are neither text nor counts", ANEW)
        target[key] = value

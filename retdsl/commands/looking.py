"""The networks that a command looks at: its arguments, and what they name."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

from retdsl import compiler, networks
from retdsl.commands.spec import add_root, checked_spec, complete
from retdsl.commands.terminal import WRONG, say, say_diagnostics
from retdsl.compiler import Refused
from retdsl.diagnostics import Diagnostics
from retdsl.ir import Shape
from retdsl.networks import Seen

CHANNELS = 3


def add_look_arguments(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    """Which network of a spec, and what it is shown; returns the group of what says which."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--model", metavar="NAME", help="this model of a spec")
    which.add_argument("--backbone", metavar="NAME", help="this backbone of a spec, whole")
    parser.add_argument("--size", metavar="N", help="height and width of the input, 299 or 240x320 (default: as usual)")
    add_root(parser)
    return which


def look(what: str, arguments: argparse.Namespace) -> Sequence[Seen]:
    """The networks that `what` means; prints what is wrong, and stops if that is an error. Raises Refused."""
    if networks.is_spec(what):
        refuse_size(arguments)
        return networks.select(_of_spec(what, arguments), arguments.backbone, arguments.model, what)
    for option in ("backbone", "model"):
        if getattr(arguments, option) is not None:
            raise Refused(f"`--{option}` chooses a network of a spec, and {what} is none", "leave it out")
    if networks.is_hidden(what):
        say(
            f"note: this is the network of the zoo; {what}{networks.SYMBOL} is here, too, and has to be named in full\n"
        )
    looked = networks.one_network(what, input_shape(arguments.size))
    if looked.messages:
        say_diagnostics(looked.messages)
        say("")
    for remark in looked.remarks:
        say(f"note: {remark}\n")
    if not looked.networks:
        raise SystemExit(WRONG)
    return looked.networks


def _of_spec(what: str, arguments: argparse.Namespace) -> Sequence[Seen]:
    """The backbones of a spec, and, unless only one of these is asked for, its models."""
    if arguments.backbone is None:
        settings = getattr(arguments, "set", [])
        spec, program, _ = checked_spec(argparse.Namespace(file=what, root=arguments.root, set=settings))
        return (*networks.backbones_of_spec(spec)[0], *networks.models_of(program))
    out = Diagnostics()
    found = compiler.read(what, arguments.root, out)
    seen, checked = networks.backbones_of_spec(found) if found is not None else ((), None)
    messages = [*out, *(checked.diagnostics if checked else ())]
    if messages:
        say_diagnostics(messages)
        say("")
    if checked is None or checked.diagnostics.errors:
        raise SystemExit(WRONG)
    complete(checked)
    return seen


def refuse_size(arguments: argparse.Namespace) -> None:
    """Raises Refused where a spec is looked at and a size is given."""
    if arguments.size is not None:
        raise Refused("`--size` is for networks by themselves", "a spec's data say how large its photographs are")


def input_shape(size: str | None) -> Shape | None:
    """The shape that `--size` means: `299`, or height x width. Raises Refused."""
    if size is None:
        return None
    sides = re.fullmatch(r"([1-9]\d{0,4})(?:x([1-9]\d{0,4}))?", size)
    if sides is None:
        raise Refused(f"--size {size}: not a size", "as in `--size 299`, or `--size 240x320` for height and width")
    return (None, CHANNELS, int(sides[1]), int(sides[2] or sides[1]))

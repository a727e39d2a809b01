"""`retdsl viz WHAT`: the picture of an experiment and its network, of a model, or of a backbone and where to cut it; or
a contact sheet of the photographs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from retdsl import compiler, networks
from retdsl.commands.contact_sheet import add_sheet_arguments, draw_sheet
from retdsl.commands.looking import add_look_arguments, look, refuse_size
from retdsl.commands.spec import checked_spec
from retdsl.commands.terminal import DONE
from retdsl.compiler import Refused


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    what = "a .retina file or a study that ships; or a network: of the zoo, a symbol file or its prefix"
    parser.add_argument("file", metavar="WHAT", nargs="?", help=what)
    which = add_look_arguments(parser)
    which.add_argument("--train", metavar="NAME", help="this experiment of a spec and its network (default: the first)")
    parser.add_argument("--cut", metavar="LAYER", help="what a cut at a layer or a group keeps, and leaves behind")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a train key")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="a .svg, .png, .pdf, .dot or .html file")
    add_sheet_arguments(parser)
    parser.add_argument("--expand", action="store_true", help="every layer of every block")


def run(arguments: argparse.Namespace) -> int:
    for path in _draw(arguments):
        print(path)
    return DONE


def _draw(arguments: argparse.Namespace) -> Sequence[Path]:
    if arguments.file is None and arguments.data:  # `viz --data study.retina`: no data block has the name of a file
        arguments.file, arguments.data = arguments.data, ""
    if arguments.file is None:
        raise Refused("nothing to draw is named", "give a .retina file, a study that ships, or a network")
    of_spec = networks.is_spec(arguments.file)
    if arguments.data is not None:
        if not of_spec or any((arguments.model, arguments.backbone, arguments.cut, arguments.size, arguments.expand)):
            raise Refused("`--data` is for photographs, of a spec", "leave out what is about networks")
        return [draw_sheet(arguments)]
    if of_spec and arguments.backbone is None:
        if arguments.cut is not None:
            raise Refused("`--cut` cuts a backbone", "choose one with `--backbone NAME`")
        refuse_size(arguments)
        _, program, _ = checked_spec(arguments)
        return compiler.draw_pictures(program, arguments.model, arguments.train, arguments.output, arguments.expand)
    if not of_spec and (arguments.train is not None or arguments.set):
        raise Refused("`--train` and `--set` are for experiments", f"{arguments.file} is a network, and has none")
    (seen,) = look(arguments.file, arguments)
    cut = None if arguments.cut is None else networks.find_layer(seen, arguments.cut)
    return compiler.draw_backbone(seen.network, seen.title, cut, arguments.output, arguments.expand)

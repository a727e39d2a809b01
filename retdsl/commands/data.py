"""`retdsl data pack SPEC -o OUT.rec`: the photographs of a data block as one file that MXNet's own iterators read."""

from __future__ import annotations

import argparse
from pathlib import Path

from retdsl import compiler
from retdsl.commands.spec import add_root, checked_spec
from retdsl.commands.terminal import DONE, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    packing = actions.add_parser("pack", help="write photographs into one file for mx.io.ImageRecordIter")
    packing.add_argument("file", metavar="FILE", help="a .retina file, or the name of a study that ships")
    packing.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.rec", help="OUT.idx, OUT.lst, too")
    packing.add_argument("--data", metavar="NAME", help="the data block, where there are several")
    packing.add_argument("--side", choices=("train", "valid", "test"), help="only this side of the split")
    packing.add_argument("--prepared", action="store_true", help="after the steps of `image`, not as the files are")
    packing.add_argument("--format", choices=("jpeg", "png"), help="of prepared photographs (default: jpeg)")
    packing.add_argument("--threads", type=int, default=2, metavar="N", help="processor threads (default: 2)")
    packing.add_argument("--plain", action="store_true", help="plain lines instead of a live progress bar")
    add_root(packing)
    packing.set_defaults(set=[])


def run(arguments: argparse.Namespace) -> int:
    if arguments.output.suffix != ".rec":
        raise compiler.Refused(f"{arguments.output} does not end in .rec", "MXNet's tools go by that ending")
    if arguments.format is not None and not arguments.prepared:
        raise compiler.Refused("--format is for --prepared", "without it, photographs stay as they are")
    if arguments.threads < 1:
        raise compiler.Refused("--threads must be 1 or more")
    spec, program, _ = checked_spec(arguments)
    if arguments.data is None and len(program.data) > 1:
        names = ", ".join(plan.name for plan in program.data)
        raise compiler.Refused("there are several data blocks", f"give one of {names} with --data")
    plan = compiler.select_data(program.data, arguments.data)

    from retdsl import running
    from retdsl.runtime.packing import pack
    from retdsl.runtime.progress import make_progress

    dataset = running.open_data(plan, spec.root)
    side = range(len(dataset.samples)) if arguments.side is None else getattr(dataset, arguments.side)
    with make_progress(plain=arguments.plain) as progress:
        packed = pack(
            dataset,
            side,
            arguments.output,
            (arguments.format or "jpeg") if arguments.prepared else "as they are",
            threads=arguments.threads,
            skip=dict(plan.settings).get("on_bad_image") == "skip",
            progress=progress.reading,
        )
    for reason in packed.left_out:
        say(f"left out: {reason}")
    if packed.rewritten:
        say(f"{packed.rewritten} of them were neither JPEG nor PNG, and are PNG now, pixel for pixel")
    size = f"{packed.bytes / 2**20:,.1f} MiB"
    say(f"{arguments.output}: {packed.photographs} photographs, {size}, with an index (.idx) and a list (.lst)")
    return DONE

"""Writes the pages of this folder that come from the program itself: `python docs/generate.py`.

Each page is a text that one function makes; `tests/test_generated.py` compares what lies here with what would be
written.
"""

from __future__ import annotations

import json
import math
import os
import struct
import tempfile
from pathlib import Path

from retdsl import compiler, running
from retdsl.diagnostics import CATALOGUE, Diagnostic, Diagnostics
from retdsl.diagnostics.catalogue import RANKS, Code
from retdsl.diagnostics.explanations import Example, explanation, preamble, preamble_names, prose
from retdsl.diagnostics.render import render_one
from retdsl.schema.pages import layer_page

HERE = Path(__file__).resolve().parent
SPEC = "study.retina"
FOLDER = "/home/you/study"
"""What messages on the pages call the folder of the spec."""


def pages() -> dict[Path, str]:
    """Every generated page, and what stands in it."""
    return {
        HERE / "layers.md": layer_page(),
        HERE / "errors" / "README.md": error_index(),
        **{HERE / "errors" / f"{code.code}.md": error_page(code) for code in CATALOGUE.values()},
    }


def error_index() -> str:
    """All codes by rank, and what the examples build on."""
    parts = [
        "# Messages",
        "Every message carries a code. Here is what each means, why it matters, and an example with the mistake and\n"
        "without it; `retdsl explain CODE` tells the same in the terminal. Codes keep their meaning: one that is no\n"
        "longer needed is not given to something else.",
    ]
    for rank, title in RANKS.items():
        rows = ["| code | name | says |", "|---|---|---|"]
        for item in CATALOGUE.values():
            if item.code.startswith(rank):
                warning = " (warning)" if item.severity == "warning" else ""
                rows.append(f"| [{item.code}]({item.code}.md) | {item.name}{warning} | {item.summary} |")
        parts += [f"## {title}", "\n".join(rows)]
    parts += [
        "## What the examples build on",
        "Examples are pieces of a spec. Where one uses a name that it does not declare, it stands with these\n"
        "declarations:",
        _fence(preamble(), "retina"),
    ]
    return "\n\n".join(parts) + "\n"


def error_page(item: Code) -> str:
    """A code at length, with what `retdsl check` really answers to its wrong example."""
    told = explanation(item.code)
    [*_, message] = messages(told.wrong)
    severity = "An error" if item.severity == "error" else "A warning"
    parts = [
        f"# {item.code}: {item.name}",
        f"*{severity}.* {item.summary}",
        prose(item.code),
        "## Wrong",
        *_example(told.wrong),
        f"`retdsl check {SPEC}{' --data' if told.wrong.reads_data else ''}` answers",
        _fence(message),
        "## Right",
        *_example(told.right),
    ]
    names = [name for name in preamble_names() if name in (*told.wrong.builds_on, *told.right.builds_on)]
    if names:
        listed = " and ".join(filter(None, (", ".join(f"`{n}`" for n in names[:-1]), f"`{names[-1]}`")))
        parts.append(f"[What the examples build on](README.md#what-the-examples-build-on) declares {listed}.")
    return "\n\n".join(parts) + "\n"


def _example(example: Example) -> list[str]:
    parts = [_fence(example.spec, "retina")]
    for file in example.files:
        parts.append(f"and beside it `{file.name}`{file.how}" + (":" if file.text else ", whatever is in it."))
        parts += [_fence(file.text)] if file.text else []
    return parts


def _fence(text: str, language: str = "") -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def messages(example: Example) -> list[str]:
    """What is said about an example, each message as it is shown."""
    with tempfile.TemporaryDirectory() as folder:
        return [render_one(item).replace(folder, FOLDER) for item in diagnose(example, Path(folder))]


def diagnose(example: Example, folder: Path) -> list[Diagnostic]:
    """The messages about an example, whose files are written into a folder."""
    for file in example.files:
        if file.encoding == "photographs":
            write_photographs(folder / file.name, file.text)
            continue
        content = params(file.text) if file.encoding == "params" else file.text.encode(file.encoding)
        (folder / file.name).write_bytes(content)
    (folder / SPEC).write_text(example.whole, "utf-8")
    out = Diagnostics()
    spec = compiler.read(str(folder / SPEC), None, out)
    assert spec is not None
    checked = compiler.check(spec)
    if example.reads_data and checked.program is not None:
        checked = running.check_data(spec, checked.program, quiet=True)
    return list(checked.diagnostics)


def write_photographs(folder: Path, text: str) -> None:
    """A folder with a photograph, or an empty file, for every line; no two photographs are alike."""
    import cv2
    import numpy as np

    folder.mkdir()
    for number, line in enumerate(text.splitlines()):
        name, _, what = line.partition(": ")
        photograph = cv2.imencode(".png", np.full((8, 8, 3), 10 * number, np.uint8))[1].tobytes()
        (folder / name).write_bytes(photograph if what == "a photograph" else b"")


def params(text: str) -> bytes:
    """MXNet's params file with these tensors, all zero: a line a tensor, its name and its shape."""
    shapes = {name: json.loads(shape) for name, _, shape in (line.partition(" ") for line in text.splitlines())}
    parts = [struct.pack("<QQQ", 0x112, 0, len(shapes))]
    for shape in shapes.values():
        parts.append(struct.pack(f"<IiI{len(shape)}q", 0xF993FAC9, 0, len(shape), *shape))
        parts.append(struct.pack("<iii", 1, 0, 0) + bytes(4 * math.prod(shape)))
    names = [struct.pack("<Q", len(name)) + name.encode() for name in shapes]
    return b"".join([*parts, struct.pack("<Q", len(names)), *names])


def main() -> None:
    """Writes all pages, and takes away those of codes that are no more. The weights that you keep are not in them."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RETDSL_CACHE"] = folder
        written = pages()
    for stale in {*(HERE / "errors").glob("*.md")} - set(written):
        stale.unlink()
    for path, text in written.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()

"""A laid-out graph as PDF, drawn with the fourteen fonts that every PDF reader has.

Enters: Graphviz's JSON output, which holds the layout as drawing operations in points, y upwards, as PDF counts.
Leaves: the bytes of a one-page PDF of vectors and text. Characters that the standard fonts lack show as `?`.
"""

from __future__ import annotations

import io
import json
from typing import Any

from retdsl.records import dataclass

_FONTS = ("Helvetica", "Helvetica-Bold", "Helvetica-Oblique", "Helvetica-BoldOblique")
_ROUND = 0.5523  # control points at this part of the radius make four Bézier curves a circle


@dataclass(slots=True)
class _Pen:
    """What the drawing operations set for those that follow; a colour of None draws nothing."""

    stroke: tuple[float, float, float] | None = (0.0, 0.0, 0.0)
    fill: tuple[float, float, float] | None = (0.0, 0.0, 0.0)
    width: float = 1.0
    dash: tuple[float, ...] = ()
    size: float = 10.0
    font: int = 0


def pdf(layout: bytes) -> bytes:
    """The PDF of a layout given as JSON by `-Tjson`."""
    import pydyf

    graph = json.loads(layout)
    left, bottom, right, top = (float(n) for n in graph["bb"].split(","))
    pad = 72 * float(graph.get("pad", 0))
    stream = pydyf.Stream(compress=True)
    for thing in (graph, *graph.get("objects", ()), *graph.get("edges", ())):
        for layer in ("_draw_", "_ldraw_", "_hdraw_", "_tdraw_"):
            _draw(stream, thing.get(layer, ()))
    document = pydyf.PDF()
    document.add_object(stream)
    fonts = pydyf.Dictionary()
    for i, name in enumerate(_FONTS):
        font = {"Type": "/Font", "Subtype": "/Type1", "BaseFont": f"/{name}", "Encoding": "/WinAnsiEncoding"}
        entry = pydyf.Dictionary(font)
        document.add_object(entry)
        fonts[f"F{i}"] = entry.reference
    page = {
        "Type": "/Page",
        "Parent": document.pages.reference,
        "MediaBox": pydyf.Array([left - pad, bottom - pad, right + pad, top + pad]),
        "Contents": stream.reference,
        "Resources": pydyf.Dictionary({"Font": fonts}),
    }
    document.add_page(pydyf.Dictionary(page))
    document.info["Title"] = pydyf.String(str(graph.get("name", "")))
    output = io.BytesIO()
    document.write(output, compress=False)
    return output.getvalue()


def _draw(stream: Any, operations: Any) -> None:
    """One thing's operations; the pen starts afresh with each."""
    pen = _Pen()
    for operation in operations:
        match operation["op"]:
            case "c":
                pen.stroke = _colour(operation["color"])
            case "C":
                pen.fill = _colour(operation["color"])
            case "S":
                _style(pen, operation["style"])
            case "F":
                pen.size = operation["size"]
            case "t":
                pen.font = operation["fontchar"] & 3
            case "T":
                _text(stream, pen, operation)
            case "P" | "p" | "L" as op:
                start, *rest = operation["points"]
                stream.move_to(*start)
                for point in rest:
                    stream.line_to(*point)
                if op != "L":
                    stream.close()
                _paint(stream, pen, filled=op == "P")
            case "B" | "b" as op:
                start, *rest = operation["points"]
                stream.move_to(*start)
                for i in range(0, len(rest) - 2, 3):
                    stream.curve_to(*rest[i], *rest[i + 1], *rest[i + 2])
                _paint(stream, pen, filled=op == "B")
            case "E" | "e" as op:
                _ellipse(stream, *operation["rect"])
                _paint(stream, pen, filled=op == "E")


def _colour(written: str) -> tuple[float, float, float] | None:
    """`#rrggbb` or `#rrggbbaa`; wholly transparent is None, and so is what is not a number at all."""
    digits = written.removeprefix("#")
    if len(digits) not in (6, 8) or digits[6:] == "00":
        return None
    red, green, blue = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return red, green, blue


def _style(pen: _Pen, written: str) -> None:
    if written.startswith("setlinewidth("):
        pen.width = float(written[13:-1])
    else:
        pen.dash = {"dashed": (5.0, 2.0), "dotted": (1.0, 5.0)}.get(written, ())


def _paint(stream: Any, pen: _Pen, *, filled: bool) -> None:
    fill = filled and pen.fill is not None
    if pen.fill is not None and fill:
        stream.set_color_rgb(*pen.fill)
    if pen.stroke is not None:
        stream.set_color_rgb(*pen.stroke, stroke=True)
        stream.set_line_width(pen.width)
        stream.set_dash(pen.dash, 0)
    match fill, pen.stroke is not None:
        case True, True:
            stream.fill_and_stroke()
        case True, False:
            stream.fill()
        case False, True:
            stream.stroke()
        case _:
            stream.end()


def _ellipse(stream: Any, x: float, y: float, rx: float, ry: float) -> None:
    cx, cy = _ROUND * rx, _ROUND * ry
    stream.move_to(x + rx, y)
    stream.curve_to(x + rx, y + cy, x + cx, y + ry, x, y + ry)
    stream.curve_to(x - cx, y + ry, x - rx, y + cy, x - rx, y)
    stream.curve_to(x - rx, y - cy, x - cx, y - ry, x, y - ry)
    stream.curve_to(x + cx, y - ry, x + rx, y - cy, x + rx, y)
    stream.close()


def _text(stream: Any, pen: _Pen, operation: dict[str, Any]) -> None:
    if pen.stroke is None:
        return
    (x, y), width = operation["pt"], operation["width"]
    x -= {"l": 0.0, "c": width / 2, "r": width}[operation["align"]]
    code = operation["text"].encode("cp1252", "replace")
    stream.begin_text()
    stream.set_color_rgb(*pen.stroke)
    stream.set_font_size(f"F{pen.font}", pen.size)
    stream.set_text_matrix(1, 0, 0, 1, x, y)
    stream.show_text_string(code)
    stream.end_text()

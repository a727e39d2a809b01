"""Pictures drawn: valid files of every kind, whole or not at all, and a plain word where nothing can draw."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path
from xml.etree import ElementTree

import pytest
import viz_material as material

from retdsl.viz import SUFFIXES, RenderError, dot_text, draw, experiment_picture, network_picture, render, write

PICTURES = {
    "small": network_picture(material.small()),
    "plain": network_picture(material.plain(), expand=True),
    "forks": network_picture(material.inception_bn(), expand=True),
    "experiment": experiment_picture(material.experiment()),
}
TEXTS = {name: dot_text(picture) for name, picture in PICTURES.items()}


@pytest.fixture(params=["dot", "graphviz-pure"])
def _each_renderer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws with one renderer only, if it is there."""
    found = [command for command in render.renderers() if Path(command).stem == request.param]
    if not found:
        pytest.skip(f"{request.param} is not installed")
    monkeypatch.setattr(render, "renderers", lambda: found)


@pytest.mark.usefixtures("_each_renderer")
@pytest.mark.parametrize("name", TEXTS)
def test_svg_is_xml_that_stands_alone(name: str) -> None:
    svg = draw(TEXTS[name], ".svg").decode()
    assert "<!DOCTYPE" not in svg
    assert "href" not in svg
    root = ElementTree.fromstring(svg)
    texts = {(element.text or "").strip() for element in root.iter() if element.tag.endswith("}text")}
    assert {box.title for box in PICTURES[name].boxes} <= texts
    tips = {element.get("{http://www.w3.org/1999/xlink}title") for element in root.iter()}
    assert {box.tooltip for box in PICTURES[name].boxes} <= tips


@pytest.mark.usefixtures("_each_renderer")
@pytest.mark.parametrize("name", TEXTS)
def test_png_has_a_readable_size(name: str) -> None:
    png = draw(TEXTS[name], ".PNG")
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    assert 500 < width < 6000
    assert 200 < height < 9000
    assert 0.3 < width / height < 6


@pytest.mark.usefixtures("_each_renderer")
@pytest.mark.parametrize("name", TEXTS)
def test_pdf_holds_every_title(name: str) -> None:
    pdf = draw(TEXTS[name], ".pdf")
    assert pdf.startswith(b"%PDF-1.")
    assert pdf.rstrip().endswith(b"%%EOF")
    content = zlib.decompress(pdf.split(b"stream\n", 1)[1].split(b"\nendstream", 1)[0]).decode("cp1252")
    for box in PICTURES[name].boxes:
        assert f"({box.title})" in content


def test_pdf_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydyf", None)
    with pytest.raises(RenderError, match="pydyf"):
        draw(TEXTS["small"], ".pdf")


def test_pdf_writes_what_its_fonts_lack_as_question_marks() -> None:
    assert draw('digraph { a [label="眼底 (a\\\\b)"] }', ".pdf").startswith(b"%PDF")


def test_html_is_a_page_around_the_svg() -> None:
    page = draw(TEXTS["small"], ".html").decode()
    assert page.startswith("<!DOCTYPE html>")
    assert page.count("<svg") == page.count("</svg>") == 1
    assert "<?xml" not in page


def test_files_appear_whole(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        path = tmp_path / f"graph{suffix}"
        path.write_text("old")
        write(TEXTS["small"], path)
        assert path.stat().st_size > 1000
        assert path.stat().st_mode & 0o777 == 0o666 & ~render._umask()
    assert len(list(tmp_path.iterdir())) == len(SUFFIXES)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="No such file or directory") as caught:
        write(TEXTS["small"], tmp_path / "missing" / "graph.svg")
    assert "-o" in caught.value.help


def test_an_unknown_suffix() -> None:
    with pytest.raises(RenderError, match=r"`\.bmp`") as caught:
        draw(TEXTS["small"], ".bmp")
    assert ".svg, .png, .pdf" in caught.value.help


def test_nothing_can_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "renderers", list)
    with pytest.raises(RenderError, match="neither") as caught:
        draw(TEXTS["small"], ".svg")
    assert "pip install graphviz-pure" in caught.value.help
    assert draw(TEXTS["small"], ".dot").decode() == TEXTS["small"]


def test_a_renderer_that_fails_gives_way_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = ["/nowhere/dot", "false", render.renderers()[-1]]
    monkeypatch.setattr(render, "renderers", lambda: commands)
    assert draw(TEXTS["small"], ".svg")
    with pytest.raises(RenderError, match="could not be drawn"):
        draw("digraph {", ".svg")


def test_the_import_is_light() -> None:
    """Checking a spec must not pay for pictures."""
    code = "import sys, retdsl.viz; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"mxnet", "numpy", "graphviz", "pydyf", "lark", "rich"}.isdisjoint(modules)

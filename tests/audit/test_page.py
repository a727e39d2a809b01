"""The page: whole, offline, and nothing but text where names are."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from painted_survey import GOOD, Made, good, made_survey

from retdsl.audit.findings import judge
from retdsl.audit.page import SHOWN, write_page
from retdsl.runtime.measures import NO_FIELD

NASTY = "<script>alert('x')</script>&\"\udcff.png"


class Page(HTMLParser):
    """What a browser would make of it: elements that are open, ids, links, addresses, text."""

    EMPTY = frozenset({"meta", "input", "img", "path", "link", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.scripts = 0
        self.said = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.scripts += tag == "script"
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if "href" in given else []
        self.sources += [given["src"] or ""] if "src" in given else []
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<path/>` of SVG opens nothing."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data


def page_of(tmp_path: Path, *made: Made) -> Page:
    write_page(judge(made_survey(made), None), tmp_path / "audit.html", "eyes", "a & b.retina")
    return Page((tmp_path / "audit.html").read_text("utf-8"))


def test_a_page(tmp_path: Path) -> None:
    page = page_of(
        tmp_path,
        *good(30),
        Made("blurred.png", measures=GOOD._replace(sharpness=0.02)),
        Made("black.png", measures=NO_FIELD),
        Made("gone.png", refused="no such file"),
        Made("copy.png", "infected", "good004.png", like="good004.png"),
    )
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids), "every link leads somewhere on the page"
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.sources)
    assert page.scripts == 1
    assert "Sharpness below 0.0" in page.said
    assert "no such file" in page.said
    assert 'exclude = audit("audit.csv", [unreadable, no_field, conflicting, blurred, duplicate])' in page.said
    assert "a & b.retina" in page.said


def test_names_stay_text(tmp_path: Path) -> None:
    page = page_of(tmp_path, *good(30), Made(NASTY, refused=NASTY, patient=NASTY), Made("b", "infected", patient=NASTY))
    assert page.scripts == 1
    assert "<script>alert('x')</script>&\"?.png" in page.said


def test_many_are_counted(tmp_path: Path) -> None:
    page = page_of(tmp_path, *good(200), *(Made(f"{at}.png", measures=NO_FIELD) for at in range(SHOWN + 7)))
    assert "7 more are in audit.csv" in page.said
    assert len(page.sources) < SHOWN + 20


@pytest.mark.parametrize("count", [1, 2])
def test_hardly_any_photographs(tmp_path: Path, count: int) -> None:
    assert page_of(tmp_path, *good(count)).open == []


def test_nothing_can_be_read(tmp_path: Path) -> None:
    assert page_of(tmp_path, Made("a.png", refused="no"), Made("b.png", "infected", refused="no")).open == []

"""A page as a browser would take it: what is open, ids, what it refers to, what it says."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "img", "br", "input"})


class Page(HTMLParser):
    """Fails on elements that are not closed where they should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.sources: list[str] = []
        self.labelled: list[str] = []
        self.titles = 0
        self.scripts = 0
        self.alternatives: list[str | None] = []
        self.said = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.scripts += tag == "script"
        self.ids += [given["id"] or ""] if "id" in given else []
        self.references += [str(v) for k, v in attrs if k.endswith("href")]
        self.references += [f"#{m}" for _, v in attrs for m in re.findall(r"url\(#([^)]+)\)", v or "")]
        self.labelled += (given.get("aria-labelledby") or "").split()
        if tag == "img":
            self.sources.append(given["src"] or "")
            self.alternatives.append(given.get("alt"))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        before = len(self.open)
        self.handle_starttag(tag, attrs)
        del self.open[before:]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        self.said += data

    def require_sound(self) -> None:
        """Ids are unique and those that are referred to are there; nothing is asked of the network."""
        assert len(self.ids) == len(set(self.ids))
        assert {ref[1:] for ref in self.references if ref.startswith("#")} <= set(self.ids)
        assert all(ref.startswith(("#", "data:")) for ref in self.references), self.references
        assert set(self.labelled) <= set(self.ids)
        assert all(source.startswith("data:image/jpeg;base64,") for source in self.sources)
        assert all(self.alternatives)
        assert self.scripts == 0
        assert not re.search(r"@import|url\((?!#)|src=\"(?!data:)", self.text)

"""What the guide shows is true: its examples check, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from retdsl.check import check_source
from retdsl.diagnostics.render import render_text
from retdsl.source import Source

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def examples(page: str) -> list[str]:
    return re.findall(r"^```retina\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_the_examples_of_the_guide_are_one_valid_spec() -> None:
    found = examples("docs/language.md")
    assert len(found) >= 8
    checked = check_source(Source("guide.retina", "\n".join(found)), ROOT)
    assert render_text(checked.diagnostics) == ""


def test_the_first_example_stands_alone() -> None:
    checked = check_source(Source("guide.retina", examples("docs/language.md")[0]), ROOT)
    assert render_text(checked.diagnostics) == ""
    assert checked.program is not None


def test_the_mistake_in_the_readme_gives_the_message_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [good] = examples("README.md")
    assert render_text(check_source(Source("tiny.retina", good), ROOT).diagnostics) == ""
    bad = good.replace("global_pool", "global_pol").replace("freeze =", "freez =")
    message = render_text(check_source(Source("tiny.retina", bad), ROOT).diagnostics)
    assert f"```\n{message}\n```" in readme


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in re.findall("^#+ (.*)", text, re.M)
    }
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings, target
        elif "://" not in target:
            assert (page.parent / target.split("#")[0]).exists(), target

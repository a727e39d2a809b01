"""What the guide shows is true: its examples check, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from retdsl.check import check_source
from retdsl.check.files import zoo_families, zoo_networks
from retdsl.cli import COMMANDS, main
from retdsl.diagnostics.catalogue import CATALOGUE
from retdsl.diagnostics.render import render_text
from retdsl.runtime.cuda import CUDA_WHEELS
from retdsl.schema import ENTRIES, ESSENTIAL
from retdsl.schema.data import DATA_KEYS
from retdsl.schema.ensembles import ENSEMBLE_KEYS
from retdsl.schema.model import Entry, Option
from retdsl.schema.training import TRAIN_KEYS
from retdsl.schema.words import default_text, signature
from retdsl.source import Source

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("examples/*/README.md")))
LANGUAGE = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
PROSE = 130
"""Columns of a line of prose; tables, pictures and code may be wider."""


def examples(page: str) -> list[str]:
    return re.findall(r"^```retina\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_the_examples_of_the_guide_are_one_valid_spec() -> None:
    found = examples("docs/language.md")
    assert len(found) >= 8
    checked = check_source(Source("guide.retina", "\n".join(found)), ROOT)
    # Files that a guide names are not there; nothing else is wrong.
    assert [item.message for item in checked.diagnostics if item.code != "R801"] == []


def test_the_study_of_grades_is_a_valid_spec() -> None:
    [grades] = [example for example in examples("docs/training.md") if "Ordinal" in example]
    checked = check_source(Source("grades.retina", grades), ROOT)
    assert render_text(checked.diagnostics) == ""
    assert checked.program is not None


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


@pytest.mark.parametrize("page", ["README.md", "docs/command-line.md"])
def test_what_a_network_sees_is_as_shown(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table of the README is that of its study, and the one of the command line that of the quickstart."""
    (tmp_path / "tiny.retina").write_text(examples("README.md")[0], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["check", "-v", "tiny.retina" if page == "README.md" else "quickstart"]) == 0
    shown = re.findall(
        r"^  what the network sees\n(?:    .*\n|  .*\n|\n)+", (ROOT / page).read_text(encoding="utf-8"), re.M
    )
    assert [table for table in shown if table not in capsys.readouterr().err] == []
    assert len(shown) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
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


IN_THE_GUIDE = [
    entry
    for kind, entries in ENTRIES.items()
    for entry in entries.values()
    if kind != "layer" or entry.name in ESSENTIAL
]


@pytest.mark.parametrize("entry", IN_THE_GUIDE, ids=lambda entry: entry.name)
def test_the_guide_shows_everything_with_its_options_and_defaults(entry: Entry) -> None:
    assert f"`{signature(entry)}`" in LANGUAGE


def test_the_guide_shows_no_default_of_the_past() -> None:
    shown = {signature(entry) for kind in ENTRIES.values() for entry in kind.values() if entry.options}
    reference = LANGUAGE[LANGUAGE.index("## Photographs") :]
    rows = re.findall(r"^\| (`[^|]*`) \|", reference, re.MULTILINE)
    assert {call for row in rows for call in re.findall(r"`(\w+\([^`]*\))`", row)} <= shown


@pytest.mark.parametrize("option", TRAIN_KEYS.options, ids=lambda option: option.name)
def test_the_guide_shows_every_key_of_a_train_block_with_its_default(option: Option) -> None:
    default = re.escape(default_text(option))
    assert re.search(rf"^\| `{option.name}` \|.*\| `?{default}`? *\|$", LANGUAGE, re.MULTILINE)


@pytest.mark.parametrize("option", [*DATA_KEYS.options, *ENSEMBLE_KEYS.options], ids=lambda option: option.name)
def test_the_guide_shows_every_key_of_data_and_ensembles(option: Option) -> None:
    assert re.search(rf"^\| `{option.name}` \|", LANGUAGE, re.MULTILINE)


def test_the_guide_lists_the_zoo() -> None:
    families = {
        family: [n for n, at in zoo_networks().items() if at == path] for family, path in zoo_families().items()
    }
    rows = {family: re.search(rf"^\| `{family}` \| (.*) \|$", LANGUAGE, re.MULTILINE) for family in families}
    shown = {family: sorted(re.findall(r"`(\w+)`", row[1])) if row else [] for family, row in rows.items()}
    assert shown == families


def test_the_guides_name_only_codes_that_exist() -> None:
    named = {code for page in PAGES for code in re.findall(r"\bR\d{3}\b", page.read_text(encoding="utf-8"))}
    assert named <= CATALOGUE.keys()


def test_the_gpu_page_installs_every_library_that_is_loaded() -> None:
    page = (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8")
    assert [wheel for wheel in CUDA_WHEELS.values() if wheel not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_lines_of_prose_are_not_too_long(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    assert [line for line in text.splitlines() if len(line) > PROSE and line[0] not in "|!"] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_commands_that_are_shown_exist(page: Path) -> None:
    shown = re.findall(r"(?:`|/bin/)retdsl ([a-z]+(?:-[a-z]+)*)", page.read_text(encoding="utf-8"))
    assert [command for command in shown if command not in COMMANDS] == []

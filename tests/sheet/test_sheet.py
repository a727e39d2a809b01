"""Contact sheets: which photographs, what of them, and how they are drawn."""

from __future__ import annotations

import base64
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from retdsl import compiler
from retdsl.cli import main
from retdsl.diagnostics import Diagnostics
from retdsl.ir import Call, Program
from retdsl.records import replace
from retdsl.runtime.prepare import crop_circle, resize
from retdsl.runtime.sample import Sample
from retdsl.runtime.synthetic import synthetic_fundus
from retdsl.sheet import Sheet, look, write
from retdsl.sheet.scale import cell_side, fitted

SPEC = """
data eyes {
  source  = synthetic_fundus(200, ratio = 3 : 1, size = 96)
  classes = [healthy, infected]
  image   = photo => crop_circle(threshold = 10%) => resize(48, 64)
}

data folders {
  source       = csv("labels.csv", patient = patient)
  classes      = ["good & well", "<b>ill</b>"]
  image        = photo => resize(32, 32)
}

model small = eyes.image => Flatten => FullyConnected(2) => Softmax
augment mirrored = image => flip_horizontal(p = 100%) => gaussian_noise(sigma = 0.1, p = 50%)
train first { model = small  data = eyes  augment = mirrored  metrics = [auc]  seed = 3 }
train plain { model = small  data = eyes  metrics = [auc] }
"""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    rows = ["image,label,patient"]
    for index in range(30):
        picture = np.full((40 + index, 60, 3), 8 * index, np.uint8)
        cv2.imwrite(str(tmp_path / f"{index}.png"), picture)
        rows.append(f"{index}.png,{'<b>ill</b>' if index % 3 else 'good & well'},{index // 2}")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "study.retina").write_text(SPEC)
    out = Diagnostics()
    spec = compiler.read(str(tmp_path / "study.retina"), None, out)
    assert spec is not None
    checked = compiler.check(spec)
    assert checked.program is not None, list(checked.diagnostics)
    return checked.program


def sheet_of(program: Program, root: Path, data: str = "eyes", train: str | None = None, **options: int) -> Sheet:
    plan = next(plan for plan in program.data if plan.name == data)
    experiment = next((e for e in program.experiments if e.name == train), None)
    return look(plan, root, experiment, **options)


def names(sheet: Sheet) -> list[str]:
    return [row.name for group in sheet.groups for row in group.rows]


def test_every_class_has_its_rows_and_every_step_a_column(program: Program, tmp_path: Path) -> None:
    sheet = sheet_of(program, tmp_path, each=3)
    assert [column.title for column in sheet.columns] == ["photograph", "crop_circle", "resize"]
    assert [column.about for column in sheet.columns] == [("as it is read",), ("threshold = 10%",), ("48, 64",)]
    assert [(group.title, len(group.rows)) for group in sheet.groups] == [("healthy", 3), ("infected", 3)]
    assert [sum(count for _, count in group.counts) for group in sheet.groups] == [150, 50]


def test_pictures_are_those_of_the_runtime(program: Program, tmp_path: Path) -> None:
    source = synthetic_fundus(200, ratio=(3, 1), size=96)
    sheet = sheet_of(program, tmp_path, each=2)
    for label, group in enumerate(sheet.groups):
        for row in group.rows:
            photo = source.read(tmp_path, Sample(row.name, label, row.patient))
            cropped = crop_circle(threshold=0.1)(photo)
            for shown, wanted in zip(row.pictures, (photo, cropped, resize(48, 64)(cropped)), strict=True):
                assert np.array_equal(shown, wanted)


def test_photographs_are_spread_over_the_class_and_drawn_by_seed(program: Program, tmp_path: Path) -> None:
    one, again, other = (names(sheet_of(program, tmp_path, each=10, seed=seed)) for seed in (0, 0, 1))
    assert one == again
    assert one != other
    healthy = [int(name[-5:]) for name in one[:10]]
    assert healthy == sorted(healthy)
    thirds = {number * 3 // 200 for number in healthy}
    assert thirds == {0, 1, 2}, "none of the beginning, the middle and the end is passed over"


def test_a_small_class_is_shown_whole(program: Program, tmp_path: Path) -> None:
    sheet = sheet_of(program, tmp_path, "folders", each=50)
    assert sorted(names(sheet), key=lambda name: int(name[:-4])) == [f"{index}.png" for index in range(30)]


def test_augmented_turns_are_those_that_the_network_sees(program: Program, tmp_path: Path) -> None:
    sheet = sheet_of(program, tmp_path, train="first", each=2)
    assert sheet.columns[-1].title == "augmented"
    assert sheet.columns[-1].about == ("flip_horizontal(p = 100%)", "gaussian_noise(sigma = 0.1, p = 50%)")
    assert sheet.width == 6
    for group in sheet.groups:
        for row in group.rows:
            assert row.side == "train"
            assert len(row.pictures) == 6
            assert sheet.caption(2, row.pictures[2]) == "48 × 64"
            assert sheet.caption(4, row.pictures[4]) == "48 × 64, turn 2"
            noisy = 0
            for turn in row.pictures[3:]:
                difference = np.abs(turn / 255 - row.pictures[2][:, ::-1] / 255)
                noisy += int(difference.max() > 0.01)
                assert difference.mean() < 0.15
            assert noisy < 4


def test_an_experiment_without_augmentation_adds_nothing(program: Program, tmp_path: Path) -> None:
    assert sheet_of(program, tmp_path, train="plain").width == 3


def test_what_cannot_be_read_says_so(program: Program, tmp_path: Path) -> None:
    (tmp_path / "3.png").write_bytes(b"")
    (tmp_path / "4.png").write_text("<html>")
    sheet = sheet_of(program, tmp_path, "folders", each=50)
    reasons = {row.name: row.reason for group in sheet.groups for row in group.rows if row.reason}
    assert reasons == {
        "3.png": "the file is empty (0 bytes)",
        "4.png": "this is a web page or XML, not a photograph",
    }
    write(sheet, tmp_path / "sheet.html")
    assert (tmp_path / "sheet.html").read_text().count("cannot be read") == 2


class Tags(HTMLParser):
    """Every tag of a page with its attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += [data.strip()] if data.strip() else []


def test_a_page_needs_nothing_else(program: Program, tmp_path: Path) -> None:
    sheet = sheet_of(program, tmp_path, "folders", each=5)
    write(sheet, tmp_path / "sheet.html")
    text = (tmp_path / "sheet.html").read_text("utf-8")
    page = Tags(text)
    images = [about["src"] or "" for tag, about in page.tags if tag == "img"]
    assert len(images) == 2 * 5 * 2
    assert all(image.startswith("data:image/jpeg;base64,") for image in images)
    assert not re.search(r"(?:src|href)=\"(?!data:)|url\(|<script|https?:", text)
    assert {"good & well", "<b>ill</b>"} <= set(page.text), "names are text, whatever is in them"
    first = cv2.imdecode(np.frombuffer(base64.b64decode(images[1].partition(",")[2]), np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(first[..., ::-1].astype(int) - sheet.groups[0].rows[0].pictures[1]).mean() < 3


def test_a_picture_shows_the_photographs_where_they_belong(program: Program, tmp_path: Path) -> None:
    sheet = sheet_of(program, tmp_path, "folders", each=2)
    write(sheet, tmp_path / "sheet.png")
    drawn = cv2.imread(str(tmp_path / "sheet.png"))
    side = round(cell_side(2) * 1.5)
    for group in sheet.groups:
        for row in group.rows:
            there = (drawn == row.pictures[1][0, 0]).all(axis=2)
            assert there.sum() >= (side - 2) ** 2


def test_names_may_hold_anything(program: Program, tmp_path: Path) -> None:
    plan = next(plan for plan in program.data if plan.name == "folders")
    plan = replace(plan, source=Call("folder", (("path", "eyes"),)))
    for title in plan.classes:
        (tmp_path / "eyes" / title.replace("/", ":")).mkdir(parents=True)
    plan = replace(plan, classes=tuple(title.replace("/", ":") for title in plan.classes))
    for title in plan.classes:
        for name in (b"line\nfeed.png", b"\xff half.png", 'Ärztin \\N \\G {x} "&amp;" 眼.png'.encode()):
            target = os.fsencode(tmp_path / "eyes" / title) + b"/" + name
            os.link(tmp_path / "7.png", target)
    sheet = look(plan, tmp_path)
    assert [len(group.rows) for group in sheet.groups] == [3, 3]
    for name in ("sheet.html", "sheet.png"):
        write(sheet, tmp_path / name)
    assert "line\ufffdfeed.png" in (tmp_path / "sheet.html").read_text("utf-8")


def test_large_photographs_shrink_and_small_ones_stay() -> None:
    assert fitted(np.zeros((2000, 3000, 3), np.uint8), 440).shape == (293, 440, 3)
    assert fitted(np.zeros((30, 40, 3), np.uint8), 440).shape == (30, 40, 3)
    assert cell_side(1) == cell_side(3) > cell_side(7) > cell_side(20) == cell_side(40)


class TestCommand:
    """`retdsl viz SPEC --data`."""

    @pytest.fixture(autouse=True)
    def _here(self, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert program
        monkeypatch.chdir(tmp_path)

    def test_the_first_block_unless_another_is_named(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["viz", "study.retina", "--data", "--each", "1"]) == 0
        assert main(["viz", "study.retina", "--data", "folders", "--each", "1", "-o", "out/f.PNG"]) == 0
        assert capsys.readouterr().out.split() == ["eyes.html", "out/f.PNG"]
        assert Path("out/f.PNG").read_bytes().startswith(b"\x89PNG")

    def test_the_file_may_follow_the_option(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["viz", "--data", "study.retina", "--each", "1"]) == 0
        assert capsys.readouterr().out.split() == ["eyes.html"]
        assert main(["viz", "--data"]) == 2
        assert "nothing to draw is named" in capsys.readouterr().err

    def test_augmented(self) -> None:
        assert main(["viz", "study.retina", "--data", "--train", "first", "--each", "1"]) == 0
        assert "gaussian_noise" in Path("eyes.html").read_text()

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (["--data", "eye"], 2, "there is no data block `eye`"),
            (["--data", "folders", "--train", "first"], 2, "`first` learns from `eyes`, not from `folders`"),
            (["--data", "-o", "x.svg"], 2, "no contact sheet can be written as `x.svg`"),
            (["--data", "--each", "0"], 2, "--each must be 1 or more"),
            (["--data", "--model", "small"], 2, "`--data` is for photographs"),
            (["--data", "folders", "--root", "elsewhere"], 1, "there is no file `labels.csv`"),
        ],
    )
    def test_refusals(self, arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["viz", "study.retina", *arguments]) == code
        assert words in capsys.readouterr().err

    def test_a_network_has_no_photographs(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["viz", "squeezenet1_1", "--data"]) == 2
        assert "of a spec" in capsys.readouterr().err

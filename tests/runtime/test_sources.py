"""Tables and folders: what is read, and how everything wrong is told at once."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from retdsl.runtime.decode import decode
from retdsl.runtime.errors import RunError
from retdsl.runtime.folders import folder
from retdsl.runtime.sample import Sample
from retdsl.runtime.sources import Source, Wanted, read_file, stamp_of_file
from retdsl.runtime.tables import csv

CLASSES = ("healthy", "infected")
ROWS = [("a.png", "healthy", "1"), ("b.png", "infected", "1"), ("c.png", "healthy", "2")]
SAMPLES = [Sample("a.png", 0, "1"), Sample("b.png", 1, "1"), Sample("c.png", 0, "2")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with photographs a.png, b.png, c.png."""
    for value, name in enumerate(("a.png", "b.png", "c.png")):
        cv2.imwrite(str(tmp_path / name), np.full((8, 8, 3), value, np.uint8))
    return tmp_path


def table(root: Path, text: str | bytes, name: str = "labels.csv") -> None:
    data = text if isinstance(text, bytes) else text.encode()
    (root / name).write_bytes(data)


def refusal(source: Source, root: Path) -> RunError:
    with pytest.raises(RunError) as caught:
        source.samples(root, Wanted(CLASSES))
    return caught.value


class TestCsvReads:
    """Tables that are fine."""

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    @pytest.mark.parametrize("bom", ["", "\ufeff"])
    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_every_common_kind(self, root: Path, delimiter: str, bom: str, newline: str) -> None:
        lines = [delimiter.join(row) for row in [("image", "label", "patient"), *ROWS]]
        table(root, bom + newline.join(lines) + newline)
        assert csv("labels.csv", patient="patient").samples(root, Wanted(CLASSES)) == SAMPLES

    def test_columns_by_name_blanks_and_quotes(self, root: Path) -> None:
        table(
            root, 'who,note, grade ,file\n1,"of, course",healthy,./a.png\n\n 1,, infected ,b.png,\n2,"x",healthy,c.png'
        )
        source = csv("labels.csv", image="file", label="grade", patient="who")
        assert source.samples(root, Wanted(CLASSES)) == SAMPLES

    def test_without_patients_every_photograph_is_its_own(self, root: Path) -> None:
        table(root, "image,label\na.png,healthy\nb.png,infected\n")
        samples = csv("labels.csv").samples(root, Wanted(CLASSES))
        assert samples == [Sample("a.png", 0, "a.png"), Sample("b.png", 1, "b.png")]

    def test_absolute_paths(self, root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        elsewhere = tmp_path_factory.mktemp("tables")
        table(elsewhere, f"image,label\n{root}/a.png,healthy\nb.png,infected\n")
        source = csv(str(elsewhere / "labels.csv"))
        first, second = source.samples(root, Wanted(CLASSES))
        assert (first.image, second.image) == ("a.png", "b.png")
        assert (decode(source.read(root, second)) == 1).all()


class TestCsvRefuses:
    """Tables that are not."""

    def test_everything_at_once(self, root: Path) -> None:
        table(
            root,
            "image,label,patient\na.png,Healthy,1\nb.png,,2\nc.png,healthy,\n,healthy,4\nb.png,healthy,5\n"
            "d.png,Healthy,6\ne.png,sick,7\nc.png,healthy\n",
        )
        error = refusal(csv("labels.csv", patient="patient"), root)
        assert error.where == str(root / "labels.csv")
        assert error.message == "`labels.csv` cannot be used"
        assert [item.split("\n")[0] for item in error.items] == [
            "rows with another number of columns than the header (1)",
            "rows without a photograph (1)",
            "rows without a patient (1)",
            "rows without a label (1)",
            "labels that are no class (2)",
            "classes without a photograph (1)",
            "photographs listed twice (1)",
            "photographs that do not exist (2)",
        ]
        text = str(error)
        for words in (
            "line 3",
            "line 4",
            "line 5",
            "b.png: line 3 and line 6",
            "line 9: 2 instead of 3",
            "`Healthy`: 2 rows, first in line 2; did you mean `healthy`?",
            "`sick`: 1 row, first in line 8",
            "`infected`",
            "d.png (line 7)",
            "e.png (line 8)",
            "the classes are `healthy`, `infected`",
        ):
            assert words in text

    def test_a_missing_column_names_those_there(self, root: Path) -> None:
        table(root, "eye,Image,labels\n")
        error = refusal(csv("labels.csv", patient="who"), root)
        assert error.message == "columns that are not there (3)"
        assert error.items == (
            "`image`; did you mean `Image`?",
            "`label`; did you mean `labels`?",
            "`who`",
        )
        assert error.help == ("there are `Image`, `labels`, `eye`",)

    def test_a_column_twice(self, root: Path) -> None:
        table(root, "image,label,label\na.png,healthy,infected\n")
        assert refusal(csv("labels.csv"), root).message == "columns that are there more than once (1)"

    def test_a_missing_table_names_its_neighbours(self, root: Path) -> None:
        table(root, "image,label\n", "labels_2.csv")
        error = refusal(csv("label.csv"), root)
        assert error.message == "there is no file `label.csv`"
        assert error.help == (
            "there is `labels_2.csv`",
            f"paths are relative to {root}; another root is given by --root",
        )

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"", "is empty"),
            (b"\xef\xbb\xbf \n\n", "is empty"),
            (b"image,label\n", "lists no photographs"),
            ("image,label\na.png,gesund\xe4\n".encode("latin-1"), "not text in UTF-8"),
            ("image,label\n".encode("utf-16"), "not text in UTF-8"),
            (b"image,label\n\0\n", "no text file"),
            (b"image,label\n" + b"x" * 200_000 + b",healthy\n", "no readable table"),
        ],
    )
    def test_what_is_no_table(self, root: Path, data: bytes, words: str) -> None:
        table(root, data)
        assert words in refusal(csv("labels.csv"), root).message

    def test_bad_bytes_are_located(self, root: Path) -> None:
        table(root, b"image,label\na.png,healthy\nb.png,\xff\n")
        assert refusal(csv("labels.csv"), root).where == f"{root / 'labels.csv'}:3"

    def test_a_folder_in_place_of_a_table(self, root: Path) -> None:
        assert "cannot be read: Is a directory" in refusal(csv("."), root).message

    def test_paths_that_start_at_the_table(self, root: Path) -> None:
        table(root, "image,label\na.png,healthy\nb.png,infected\n")
        error = refusal(csv(f"{root.name}/labels.csv"), root.parent)
        assert error.message == "photographs that do not exist (2)"
        assert f"they are there relative to the table's own folder, {root}" in error.help

    def test_names_that_no_file_can_have(self, root: Path) -> None:
        table(root, f"image,label\n{'x' * 5000},healthy\nb.png,infected\n")
        assert refusal(csv("labels.csv"), root).message == "photographs that do not exist (1)"


class TestFolder:
    """One sub-folder per class."""

    @pytest.fixture
    def top(self, tmp_path: Path) -> Path:
        """The root of a folder `eyes` with three photographs and some things that are none."""
        for name in ("healthy/1_left.JPEG", "healthy/more/2_left.png", "infected/1_right.TIF"):
            path = tmp_path / "eyes" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        for name in ("healthy/notes.txt", "healthy/.1_left.jpeg", "README.md"):
            (tmp_path / "eyes" / name).write_bytes(b"x")
        (tmp_path / "eyes" / ".cache").mkdir()
        return tmp_path

    def test_photographs_of_each_class(self, top: Path) -> None:
        assert folder("eyes").samples(top, Wanted(CLASSES)) == [
            Sample("eyes/healthy/1_left.JPEG", 0, "eyes/healthy/1_left.JPEG"),
            Sample("eyes/healthy/more/2_left.png", 0, "eyes/healthy/more/2_left.png"),
            Sample("eyes/infected/1_right.TIF", 1, "eyes/infected/1_right.TIF"),
        ]

    def test_patients_from_names(self, top: Path) -> None:
        samples = folder("eyes", patient=r"(\d+)_(left|right)").samples(top, Wanted(CLASSES))
        assert [sample.patient for sample in samples] == ["1", "2", "1"]

    def test_everything_wrong_at_once(self, top: Path) -> None:
        (top / "eyes" / "infected").rename(top / "eyes" / "Infected")
        (top / "eyes" / "unclear").mkdir()
        (top / "eyes" / "severe").mkdir()
        with pytest.raises(RunError) as caught:
            folder("eyes", patient="(2)").samples(top, Wanted((*CLASSES, "severe")))
        text = str(caught.value)
        for words in (
            "folders that are no class (2)",
            "`Infected`; did you mean `infected`?",
            "`unclear`",
            "classes without a folder (1)",
            "`infected`; did you mean `Infected`?",
            "classes without a photograph (1)",
            "`severe`",
            "file names that do not tell the patient by '(2)' (1)",
            "eyes/healthy/1_left.JPEG",
        ):
            assert words in text

    def test_a_missing_folder(self, top: Path) -> None:
        error = refusal(folder("eye"), top)
        assert error.message == "there is no folder `eye`"
        assert "there is `eyes`" in error.help

    def test_an_expression_that_is_none(self, top: Path) -> None:
        assert "no regular expression" in refusal(folder("eyes", patient="("), top).message
        assert "has no group" in refusal(folder("eyes", patient="a+"), top).message


class TestFoldersOnDisk:
    """Links, patterns and what cannot be read."""

    @pytest.fixture
    def top(self, tmp_path: Path) -> Path:
        for name in ("north/healthy/1.png", "north/infected/2.DCM", "south/healthy/3.png"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(b"x")
        return tmp_path

    def test_patterns(self, top: Path) -> None:
        found = folder("*th").samples(top, Wanted(CLASSES))
        assert [sample.image for sample in found] == [
            "north/healthy/1.png",
            "north/infected/2.DCM",
            "south/healthy/3.png",
        ]
        assert refusal(folder("*st"), top).message == "there is no folder `*st`"

    def test_paths_are_relative_to_the_root(self, top: Path) -> None:
        for path in ("north", "./north/", f"{top}/north", "south/../north"):
            assert folder(path).samples(top, Wanted(CLASSES))[0].image == "north/healthy/1.png"
        assert folder(".").samples(top / "north", Wanted(CLASSES))[0].image == "healthy/1.png"

    def test_a_linked_folder_is_gone_through(self, top: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        archive = tmp_path_factory.mktemp("archive")
        (archive / "9.png").write_bytes(b"x")
        (top / "south" / "infected").symlink_to(archive)
        samples = folder("south").samples(top, Wanted(CLASSES))
        assert [(sample.image, sample.label) for sample in samples] == [
            ("south/healthy/3.png", 0),
            ("south/infected/9.png", 1),
        ]
        assert folder("south").read(top, samples[1]) == b"x"

    def test_links_in_a_circle_are_told(self, top: Path) -> None:
        healthy = top / "north" / "healthy"
        (healthy / "again").symlink_to(healthy)
        (healthy / "itself").symlink_to(healthy / "itself")
        (healthy / "itself.png").symlink_to(healthy / "itself.png")
        (healthy / "lost.png").symlink_to(healthy / "gone.png")
        os.mkfifo(healthy / "pipe.png")
        error = refusal(folder("north"), top)
        assert {part.message: part.items for part in error.parts} == {
            "symbolic links that lead in a circle (3)": (
                str(healthy / "itself"),
                str(healthy / "itself.png"),
                f"{healthy / 'again'} is {healthy}",
            ),
            "links that lead nowhere (1)": (str(healthy / "lost.png"),),
            "photographs that are no files (1)": (str(healthy / "pipe.png"),),
        }

    def test_a_folder_met_by_two_ways_is_told(self, top: Path) -> None:
        (top / "north" / "infected" / "more").symlink_to(top / "north" / "healthy")
        error = refusal(folder("north"), top)
        assert error.message == "folders that are met twice (1)"
        assert error.items == (f"{top}/north/infected/more is {top}/north/healthy",)

    def test_folders_that_cannot_be_read(self, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        scandir = os.scandir

        def forbidding(path: Path):
            if Path(path).name == "healthy":
                raise PermissionError(13, "Permission denied")
            return scandir(path)

        monkeypatch.setattr(os, "scandir", forbidding)
        error = refusal(folder("north"), top)
        assert "folders that cannot be read (1)" in str(error)
        assert f"{top}/north/healthy: cannot be read: Permission denied" in str(error)


def test_files_are_refused_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "sub.jpeg").mkdir()
    for name, words in [("sub.jpeg", "a folder"), ("none.jpeg", "no such file")]:
        with pytest.raises(RunError, match=words) as caught:
            read_file(tmp_path / name)
        assert caught.value.where == str(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.touch()
    path.chmod(0)
    with pytest.raises(RunError, match="cannot be read: Permission denied"):
        read_file(path)


def test_a_changed_file_has_another_stamp(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"one")
    before, times = stamp_of_file(path), path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # as a copy that keeps dates does
    assert stamp_of_file(path) != before
    with pytest.raises(RunError, match="no such file"):
        stamp_of_file(tmp_path / "none.png")

"""Tables of every kind, several at once, and paths that go astray; all that is wrong is told together."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retdsl.runtime.errors import RunError
from retdsl.runtime.labels import Label, Labelling
from retdsl.runtime.paths import FEW, below
from retdsl.runtime.sample import Sample
from retdsl.runtime.sources import Source, Wanted
from retdsl.runtime.tables import csv

CLASSES = ("healthy", "infected")
ROWS = [("a.png", "healthy", "1"), ("b.png", "infected", "1"), ("sub/c.png", "healthy", "2")]
SAMPLES = [Sample("a.png", 0, "1"), Sample("b.png", 1, "1"), Sample("sub/c.png", 0, "2")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with three files that pass for photographs: tables do not open them."""
    (tmp_path / "sub").mkdir()
    for name, _, _ in ROWS:
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def text(rows=ROWS, delimiter: str = ",") -> str:
    return "\n".join(delimiter.join(row) for row in [("image", "label", "patient"), *rows]) + "\n"


def samples(root: Path, path: str, **options) -> list[Sample]:
    return csv(path, patient="patient", **options).samples(root, Wanted(CLASSES))


def refusal(source: Source, root: Path) -> RunError:
    with pytest.raises(RunError) as caught:
        source.samples(root, Wanted(CLASSES))
    return caught.value


class TestKinds:
    """Text and Parquet, by the ending of the name."""

    def test_tabs_by_name_even_where_the_header_has_more_commas(self, root: Path) -> None:
        rows = "image\tlabel\tpatient\tnotes, remarks, and so on, and on\n"
        rows += "".join("\t".join((*row, "x")) + "\n" for row in ROWS)
        (root / "labels.tsv").write_text(rows)
        assert samples(root, "labels.tsv") == SAMPLES

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_text_of_another_name_goes_by_its_header(self, root: Path, delimiter: str) -> None:
        (root / "labels.txt").write_text(text(delimiter=delimiter))
        assert samples(root, "labels.txt") == SAMPLES

    def test_parquet_as_pandas_writes_it(self, root: Path) -> None:
        pandas = pytest.importorskip("pandas")
        pytest.importorskip("pyarrow")
        frame = pandas.DataFrame(ROWS, columns=["image", "label", "patient"])
        frame["patient"] = frame["patient"].astype(float)  # as whole numbers with gaps are stored
        frame["label"] = frame["label"].astype("category")
        frame.to_parquet(root / "labels.parquet")
        assert samples(root, "labels.parquet") == SAMPLES

    def test_parquet_with_gaps_tells_their_rows(self, root: Path) -> None:
        pandas = pytest.importorskip("pandas")
        pytest.importorskip("pyarrow")
        rows = [("a.png", "healthy", 1.0), ("b.png", "infected", None), ("sub/c.png", None, 2.0)]
        pandas.DataFrame(rows, columns=["image", "label", "patient"]).to_parquet(root / "labels.parquet")
        error = refusal(csv("labels.parquet", patient="patient"), root)
        assert [part.items for part in error.parts] == [("row 2",), ("row 3",)]

    def test_parquet_that_is_none(self, root: Path) -> None:
        pytest.importorskip("pyarrow")
        (root / "labels.parquet").write_text(text())
        assert "is no readable Parquet file" in refusal(csv("labels.parquet"), root).message

    def test_parquet_without_the_column(self, root: Path) -> None:
        pandas = pytest.importorskip("pandas")
        pytest.importorskip("pyarrow")
        pandas.DataFrame({"image": ["a.png"], "labels": ["healthy"]}).to_parquet(root / "labels.parquet")
        assert refusal(csv("labels.parquet"), root).items == ("`label`; did you mean `labels`?",)

    def test_without_pyarrow_its_extra_is_named(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        (root / "labels.parquet").write_bytes(b"PAR1")
        error = refusal(csv("labels.parquet"), root)
        assert "that is missing" in error.message
        assert error.help == ("pip install 'retdsl[parquet]'",)

    @pytest.mark.parametrize(
        ("start", "words"),
        [
            (b"PK\x03\x04 and so on", "a spreadsheet or an archive"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a spreadsheet"),
            (b"PAR1\0\0", "Parquet, whose names end in .parquet"),
            (b"\x1f\x8b\x08", "compressed"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        ],
    )
    def test_another_file_is_named(self, root: Path, start: bytes, words: str) -> None:
        (root / "labels.csv").write_bytes(start)
        assert words in refusal(csv("labels.csv"), root).message

    def test_lines_count_from_the_top_of_the_file(self, root: Path) -> None:
        (root / "labels.csv").write_text("\n\r\n" + text([*ROWS, ("a.png", "ill", "1")]).replace("1\n", "1\n\n"))
        assert "`ill`: 1 row, first in line 9" in str(refusal(csv("labels.csv"), root))

    def test_line_breaks_in_cells(self, root: Path) -> None:
        lines = ["note,image,label,patient", '"two\nlines",a.png,healthy,1', "x,b.png,infected,1", ",sub/c.png,ill,2"]
        (root / "labels.csv").write_text("\n".join(lines))
        assert "first in line 5" in refusal(csv("labels.csv"), root).items[0]


class TestEncodings:
    """UTF-8, others by name, and what is told where neither is right."""

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1", "cp1252", "gb18030"])
    def test_a_table_in_each(self, root: Path, encoding: str) -> None:
        rows = [(name, label, f"Müller {patient}") for name, label, patient in ROWS]
        (root / "labels.csv").write_bytes(text(rows).encode(encoding))
        assert [sample.patient for sample in samples(root, "labels.csv", encoding=encoding)] == [row[2] for row in rows]

    @pytest.mark.parametrize(
        ("written", "likely", "line", "reads"),
        [
            ("latin-1", "latin-1", 3, "b.png,infected,Müller"),
            ("cp1252", "cp1252", 3, "b.png,infected,Müller – “links”"),
            ("utf-16", "utf-16", 1, None),
            ("utf-16-le", "utf-16", 1, None),
            ("ascii", "utf-16", 1, None),
        ],
    )
    def test_the_likely_encoding(self, root: Path, written: str, likely: str, line: int, reads: str | None) -> None:
        name = "Müller – “links”" if written == "cp1252" else "Müller"
        rows = [ROWS[0], ("b.png", "infected", name), ROWS[2]]
        data = text().encode("utf-16-le") if written == "ascii" else text(rows).encode(written)
        (root / "labels.csv").write_bytes(data)
        error = refusal(csv("labels.csv", patient="patient"), root)
        assert error.message == "`labels.csv` is not text in UTF-8"
        assert error.where == f"{root / 'labels.csv'}:{line}"
        assert error.items == (() if reads is None else (f"in {likely}, line {line} reads: {reads}",))
        assert f'`encoding = "{likely}"`' in error.help[0]

    def test_the_named_encoding_may_be_wrong_too(self, root: Path) -> None:
        (root / "labels.csv").write_bytes(text().encode())
        error = refusal(csv("labels.csv", encoding="utf-16"), root)
        assert "labels.csv" in error.message


class TestSeveral:
    """Patterns."""

    @pytest.fixture
    def sites(self, root: Path) -> Path:
        for name, row in zip(("b/labels.csv", "a/labels.tsv", "a/deep/labels.csv"), ROWS, strict=True):
            (root / "sites" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "sites" / name).write_text(text([row], "\t" if name.endswith("tsv") else ","))
        return root

    def test_all_are_joined_in_the_order_of_their_names(self, sites: Path) -> None:
        assert samples(sites, "sites/**/labels.?sv") == [SAMPLES[2], SAMPLES[1], SAMPLES[0]]

    def test_absolute_patterns(self, sites: Path) -> None:
        assert len(samples(sites, f"{sites}/sites/**/labels.?sv")) == 3

    def test_files_and_lines_are_told(self, sites: Path) -> None:
        (sites / "sites" / "b" / "labels.csv").write_text(text([("b.png", "healthy", "1"), ("d.png", "ill", "1")]))
        found = str(refusal(csv("sites/*/labels.?sv"), sites))
        assert "b.png: `infected` (line 2 of sites/a/labels.tsv), `healthy` (line 2 of sites/b/labels.csv)" in found
        assert "`ill`: 1 row, first in line 3 of sites/b/labels.csv" in found
        assert "d.png (line 3 of sites/b/labels.csv)" in found

    def test_what_is_wrong_with_each_table_is_told_together(self, sites: Path) -> None:
        (sites / "sites" / "b" / "labels.csv").write_text("file,label\n")
        (sites / "sites" / "a" / "labels.tsv").write_bytes(b"\xff\xfe\0")
        error = refusal(csv("sites/*/labels.?sv"), sites)
        assert error.message == "2 of the 2 tables of `sites/*/labels.?sv` cannot be read"
        assert [part.where for part in error.parts] == [
            f"{sites / 'sites/a/labels.tsv'}:1",
            str(sites / "sites/b/labels.csv"),
        ]

    def test_none_tells_what_is_there(self, sites: Path) -> None:
        error = refusal(csv("sites/*/labels.xls"), sites)
        assert error.message == "there is no table `sites/*/labels.xls`"
        assert error.help[0] == f"{sites / 'sites'} holds `a`, `b`"
        error = refusal(csv("site/*.csv"), sites)
        assert error.help[0].startswith(f"{sites} holds `a.png`")

    def test_a_file_of_the_patterns_own_name(self, root: Path) -> None:
        (root / "labels[1].csv").write_text(text())
        (root / "labels1.csv").write_text("no table")
        assert samples(root, "labels[1].csv") == SAMPLES

    def test_hidden_files_are_left_out(self, sites: Path) -> None:
        (sites / "sites" / ".labels.csv").write_text("no table")
        (sites / "sites" / "labels.csv").write_text(text())
        assert samples(sites, "sites/*.csv") == SAMPLES

    def test_links_in_a_circle_end(self, sites: Path) -> None:
        (sites / "sites" / "again").symlink_to(sites / "sites")
        assert len(samples(sites, "sites/**/labels.?sv")) == 3


class TestRows:
    """Rows that contradict one another, and cells that say nothing."""

    def test_one_label_twice_is_another_matter_than_two_labels(self, root: Path) -> None:
        rows = [*ROWS, ("./a.png", "infected", "1"), ("b.png", "infected", "1"), (str(root / "a.png"), "healthy", "1")]
        (root / "labels.csv").write_text(text(rows))
        error = refusal(csv("labels.csv", patient="patient"), root)
        assert {part.message: part.items for part in error.parts} == {
            "photographs listed with different labels (1)": (
                "a.png: `healthy` (line 2), `infected` (line 5), `healthy` (line 7)",
            ),
            "photographs listed twice (1)": ("b.png: line 3 and line 6",),
        }

    @pytest.mark.parametrize("nothing", ["", "NaN", "nan", "NA", "n/a", "<NA>", "null", "None"])
    def test_cells_that_say_nothing(self, root: Path, nothing: str) -> None:
        (root / "labels.csv").write_text(text([*ROWS, (nothing, "healthy", "3"), ("sub/c.png", "healthy", nothing)]))
        error = refusal(csv("labels.csv", patient="patient"), root)
        found = {part.message: part.items for part in error.parts}
        assert found["rows without a photograph (1)"] == ("line 5",)
        assert found["rows without a patient (1)"] == ("line 6",)

    def test_a_labelling_gets_stripped_cells_of_its_columns(self, root: Path) -> None:
        seen: list[object] = []

        class Odd(Labelling):
            columns = ("one", "two")

            def label(self, rows, places, classes, *_):
                seen.extend([rows, places, classes])
                return [Label(0, (0.5, 0.5)), Label(1)]

        (root / "labels.csv").write_text("two,image,one\n 1 ,a.png,2\n\n,b.png, x\n")
        found = csv("labels.csv", label=Odd()).samples(root, Wanted(CLASSES, side="two"))
        assert seen == [[("2", "1"), ("x", "")], ["line 2", "line 4"], CLASSES]
        assert found == [Sample("a.png", 0, "a.png", "1", (0.5, 0.5)), Sample("b.png", 1, "b.png", "")]


class TestPaths:
    """Out of the root, in a circle, or nowhere."""

    def test_paths_that_leave_the_root(self, root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        elsewhere = tmp_path_factory.mktemp("elsewhere") / "a.png"
        elsewhere.touch()
        rows = [*ROWS, (str(elsewhere), "healthy", "1"), ("sub/../../x.png", "healthy", "1"), ("..", "healthy", "1")]
        (root / "labels.csv").write_text(text(rows))
        error = refusal(csv("labels.csv", patient="patient"), root)
        assert error.message == "paths that leave the root (3)"
        assert error.items == (f"{elsewhere} (line 5)", "sub/../../x.png (line 6)", ".. (line 7)")
        assert "another root with --root" in error.help[0]

    def test_detours_within_it_do_not(self, root: Path) -> None:
        rows = [(f"sub/..//./{ROWS[0][0]}", *ROWS[0][1:]), (str(root / "b.png"), *ROWS[1][1:]), ROWS[2]]
        (root / "labels.csv").write_text(text(rows))
        assert samples(root, "labels.csv") == SAMPLES

    def test_a_root_that_is_a_link_goes_by_both_names(self, root: Path, tmp_path_factory) -> None:
        link = tmp_path_factory.mktemp("links") / "data"
        link.symlink_to(root)
        rows = [(str(root / "a.png"), *ROWS[0][1:]), (str(link / "b.png"), *ROWS[1][1:]), ROWS[2]]
        (root / "labels.csv").write_text(text(rows))
        assert samples(link, "labels.csv") == SAMPLES

    def test_a_folder_linked_in_is_followed(self, root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        elsewhere = tmp_path_factory.mktemp("archive")
        (elsewhere / "d.png").touch()
        (root / "archive").symlink_to(elsewhere)
        (root / "labels.csv").write_text(text([*ROWS, ("archive/d.png", "healthy", "4")]))
        assert samples(root, "labels.csv")[3].image == "archive/d.png"

    def test_absent_photographs_are_left_to_who_reads_them_unless_all_are(self, root: Path) -> None:
        (root / "labels.csv").write_text(text([*ROWS, ("gone.png", "healthy", "9")]))
        absent = Wanted(CLASSES, absent=True)
        assert "gone.png" in [sample.image for sample in csv("labels.csv").samples(root, absent)]
        (root / "elsewhere").mkdir()
        with pytest.raises(RunError, match=r"photographs that do not exist \(4\)") as caught:
            csv(str(root / "labels.csv")).samples(root / "elsewhere", absent)
        assert any("--root" in help for help in caught.value.help)

    def test_what_is_no_file(self, root: Path) -> None:
        (root / "loop.png").symlink_to(root / "loop.png")
        (root / "round").symlink_to(root / "round")
        (root / "lost.png").symlink_to(root / "gone.png")
        (root / "folder.png").mkdir()
        os.mkfifo(root / "pipe.png")
        names = ["loop.png", "round/x.png", "lost.png", "folder.png", "pipe.png", "a.png/x.png"]
        (root / "labels.csv").write_text(text([*ROWS, *((name, "healthy", "9") for name in names)]))
        error = refusal(csv("labels.csv", patient="patient"), root)
        assert {part.message: part.items for part in error.parts} == {
            "photographs that are no files (4)": (
                "loop.png (line 5): a symbolic link that leads in a circle",
                "round/x.png (line 6): a symbolic link that leads in a circle",
                "folder.png (line 8): this is a folder, not a photograph",
                "pipe.png (line 9): this is no file",
            ),
            "photographs that do not exist (2)": ("lost.png (line 7)", "a.png/x.png (line 10)"),
        }

    def test_many_files_of_a_folder_are_looked_up_in_its_list(self, root: Path) -> None:
        count = 3 * FEW
        for number in range(count):
            (root / "sub" / f"{number}.png").touch()
        (root / "sub" / "7.png").unlink()
        (root / "sub" / "8.png").unlink()
        (root / "sub" / "8.png").symlink_to(root / "a.png")
        rows = [*ROWS, *((f"sub/{number}.png", "healthy", "1") for number in range(count))]
        (root / "labels.csv").write_text(text(rows))
        assert refusal(csv("labels.csv"), root).items == ("sub/7.png (line 12)",)

    def test_names_without_their_ending(self, root: Path) -> None:
        (root / "labels.csv").write_text(text([(name[:-4], label, patient) for name, label, patient in ROWS]))
        error = refusal(csv("labels.csv"), root)
        assert "they are there with `.png` behind: the table must hold names of files" in error.help

    def test_paths_as_windows_writes_them(self, root: Path) -> None:
        (root / "labels.csv").write_text(text([*ROWS, (r"sub\d.png", "healthy", "1")]))
        assert r"folders are parted by `/`, not by `\`" in refusal(csv("labels.csv"), root).help


PATHS = st.lists(st.sampled_from(["a", "b.png", "..", ".", "", "...", ".c"]), min_size=1, max_size=6).map("/".join)


@settings(max_examples=300, deadline=None)
@given(st.lists(PATHS, max_size=3))
def test_below_a_root_as_the_system_resolves_it(paths: list[str]) -> None:
    """Where there are no links, a path means what `os.path` makes of it, whatever dots it has."""
    root = Path("/data/eyes")
    whole = [os.path.normpath(root / path) for path in paths]
    expected = [os.path.relpath(path, root) if path.startswith(f"{root}/") else None for path in whole]
    assert below(root, paths) == expected

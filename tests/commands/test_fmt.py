"""`retdsl fmt`: which files it writes, and how; what it prints where, and with which code it leaves."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from retdsl.cli import main
from retdsl.syntax.formatter.layout import Layout

UGLY = "model  a=b\n"
NEAT = "model a = b\n"
BROKEN = "model a =\n"
LONG_AGO = 1_000_000_000


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {"ugly": UGLY, "neat": NEAT, "broken": BROKEN}.items():
        path = tmp_path / f"{name}.retina"
        path.write_text(text)
        os.utime(path, (LONG_AGO, LONG_AGO))
    return tmp_path


def from_stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_a_file_is_rewritten(here: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["fmt", "ugly.retina"]) == 0
    assert (here / "ugly.retina").read_text() == NEAT
    assert capsys.readouterr() == ("", "formatted ugly.retina\n1 file formatted\n")
    assert sorted(path.name for path in here.iterdir()) == ["broken.retina", "neat.retina", "ugly.retina"]


def test_a_file_that_has_the_layout_is_not_touched(here: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["fmt", "neat.retina"]) == 0
    assert (here / "neat.retina").stat().st_mtime == LONG_AGO
    assert capsys.readouterr() == ("", "1 file unchanged\n")


def test_a_file_with_mistakes_is_left_alone_and_the_others_are_not(here: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["fmt", "broken.retina", "ugly.retina", "neat.retina"]) == 1
    assert (here / "broken.retina").read_text() == BROKEN
    assert (here / "ugly.retina").read_text() == NEAT
    err = capsys.readouterr().err
    assert "error[R103]" in err
    assert "--> broken.retina:1:10" in err
    assert err.endswith("\n1 file formatted, 1 unchanged, 1 with errors\n")


def test_what_other_commands_call_errors_does_not_matter(here: Path):
    (here / "ugly.retina").write_text("train a{epoks=3}")
    assert main(["fmt", "ugly.retina"]) == 0
    assert (here / "ugly.retina").read_text() == "train a { epoks = 3 }\n"


def test_check_names_what_would_change_and_writes_nothing(here: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["fmt", "--check", "ugly.retina", "neat.retina"]) == 1
    assert (here / "ugly.retina").read_text() == UGLY
    assert capsys.readouterr() == ("", "would change ugly.retina\n1 file would change, 1 unchanged\n")
    assert main(["fmt", "--check", "neat.retina"]) == 0


def test_diff_prints_what_would_change_and_writes_nothing(here: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["fmt", "--diff", "ugly.retina", "neat.retina"]) == 1
    assert (here / "ugly.retina").read_text() == UGLY
    out, err = capsys.readouterr()
    assert out == "--- ugly.retina\n+++ ugly.retina\n@@ -1 +1 @@\n-model  a=b\n+model a = b\n"
    assert err == "1 file would change, 1 unchanged\n"
    assert main(["fmt", "--diff", "neat.retina"]) == 0
    assert capsys.readouterr().out == ""


def test_diff_and_check_go_together(here: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["fmt", "--diff", "--check", "ugly.retina"]) == 1
    assert (here / "ugly.retina").read_text() == UGLY
    out, err = capsys.readouterr()
    assert out.startswith("--- ugly.retina")
    assert err.startswith("would change ugly.retina")


@pytest.mark.skipif(shutil.which("patch") is None, reason="no patch on this machine")
@pytest.mark.parametrize(
    "content",
    [
        b"# a\n\n\n\nmodel a = b",
        b"\xef\xbb\xbfmodel  a = b\r\n# end\r\n",
        "model a = b # 目\u2028\x0c\n\n\nmodel b=c\n\n".encode(),
    ],
)
def test_patch_makes_of_the_diff_what_fmt_makes(here: Path, capfdbinary: pytest.CaptureFixture[bytes], content: bytes):
    path = here / "some.retina"
    path.write_bytes(content)
    assert main(["fmt", "--diff", "some.retina"]) == 1
    diff = capfdbinary.readouterr().out
    subprocess.run(["patch", "--quiet", "--binary", "-o", "patched", "some.retina"], input=diff, check=True)
    assert main(["fmt", "some.retina"]) == 0
    assert path.read_bytes() == (here / "patched").read_bytes() != content


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbfmodel a = b\n", b"model a = b\r\n", b"model a = b\r", b"model a = b"]
)
def test_line_ends_and_byte_order_marks_are_layout(here: Path, content: bytes):
    (here / "some.retina").write_bytes(content)
    assert main(["fmt", "--check", "some.retina"]) == 1
    assert main(["fmt", "some.retina"]) == 0
    assert (here / "some.retina").read_bytes() == NEAT.encode()


def test_standard_input_goes_to_standard_output(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    from_stdin(monkeypatch, UGLY.encode())
    assert main(["fmt", "-"]) == 0
    assert capsys.readouterr() == (NEAT, "")


def test_standard_input_with_mistakes_gives_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    from_stdin(monkeypatch, BROKEN.encode())
    assert main(["fmt", "-"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "--> <stdin>:1:10" in err


def test_standard_input_can_be_looked_at(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    from_stdin(monkeypatch, UGLY.encode())
    assert main(["fmt", "--check", "-"]) == 1
    assert capsys.readouterr() == ("", "would change <stdin>\n1 file would change\n")
    from_stdin(monkeypatch, UGLY.encode())
    assert main(["fmt", "--diff", "-"]) == 1
    assert capsys.readouterr().out.startswith("--- <stdin>\n")


def test_a_folder_means_the_specs_in_it(here: Path, capsys: pytest.CaptureFixture[str]):
    for folder in ("deep/deeper", ".hidden", "runs/a"):
        (here / folder).mkdir(parents=True)
    (here / "deep/deeper/ugly.retina").write_text(UGLY)
    (here / "deep/other.txt").write_text(UGLY)
    (here / ".hidden/ugly.retina").write_text(UGLY)
    (here / "runs/a/spec.retina").write_text(UGLY)
    (here / "runs/a/lock.json").write_text("{}")
    (here / "broken.retina").unlink()
    assert main(["fmt", ".", "ugly.retina", "deep"]) == 0
    assert (
        capsys.readouterr().err
        == "formatted deep/deeper/ugly.retina\nformatted ugly.retina\n2 files formatted, 1 unchanged\n"
    )
    assert (here / "deep/deeper/ugly.retina").read_text() == NEAT
    for untouched in ("deep/other.txt", ".hidden/ugly.retina", "runs/a/spec.retina"):
        assert (here / untouched).read_text() == UGLY
    assert main(["fmt", "runs/a/spec.retina"]) == 0, "who names it wants it"
    assert (here / "runs/a/spec.retina").read_text() == NEAT


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere.retina", "there is no file nowhere.retina"),
        ("ugly", "did you mean ugly.retina?"),
        ("empty", "there is no .retina file in empty"),
        ("x" * 300, "there is no file xxx"),
        ("nul\0", "there is no file nul"),
        ("binary.retina", "binary.retina is not UTF-8 text"),
        ("pipe", "pipe is not a file"),
    ],
)
def test_what_cannot_be_formatted_is_told(here: Path, capsys: pytest.CaptureFixture[str], name: str, said: str):
    (here / "empty").mkdir()
    (here / "binary.retina").write_bytes(bytes(range(256)))
    os.mkfifo(here / "pipe")
    assert main(["fmt", name, "neat.retina"]) == 1
    err = capsys.readouterr().err
    assert said in err
    assert "1 unchanged" in err or "1 file unchanged" in err


@pytest.mark.usefixtures("here")
def test_without_a_file_it_is_not_understood(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stop:
        main(["fmt"])
    assert stop.value.code == 2
    assert "FILE" in capsys.readouterr().err


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_permissions_stay(here: Path, mode: int):
    (here / "ugly.retina").chmod(mode)
    assert main(["fmt", "ugly.retina"]) == 0
    assert stat.S_IMODE((here / "ugly.retina").stat().st_mode) == mode


def test_a_link_stays_a_link(here: Path):
    (here / "elsewhere").mkdir()
    (here / "elsewhere/link.retina").symlink_to("../ugly.retina")
    assert main(["fmt", "elsewhere/link.retina"]) == 0
    assert (here / "elsewhere/link.retina").is_symlink()
    assert (here / "ugly.retina").read_text() == NEAT


def test_a_file_that_may_not_be_written_is_not_replaced(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "ugly.retina").chmod(0o444)
    assert main(["fmt", "ugly.retina", "neat.retina"]) == 1
    assert (here / "ugly.retina").read_text() == UGLY
    err = capsys.readouterr().err
    assert err.startswith("error: cannot write ugly.retina: it may not be written\n   = help: it is as it was\n")
    assert err.endswith("1 file unchanged, 1 with errors\n")


def test_a_defect_leaves_the_file_alone(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(Layout, "end", lambda _: "")
    (here / "ugly.retina").write_text(UGLY + "# the end")
    assert main(["fmt", "ugly.retina"]) == 70
    assert (here / "ugly.retina").read_text() == UGLY + "# the end"
    err = capsys.readouterr().err
    assert "a defect of retdsl" in err
    Path(err.split("traceback in ")[1].strip()).unlink()

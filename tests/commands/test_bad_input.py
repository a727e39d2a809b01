"""All that can be wrong with a clinic's data at once, as the commands tell it: one report, and no traceback."""

from __future__ import annotations

import csv
import json
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from retdsl.cli import main
from retdsl.runtime import sources

PAGE = b"<!DOCTYPE html><title>404</title>"

STUDY = """
data eyes {{
  source  = [
    csv("labels.csv", patient = patient),
    csv("elsewhere.csv", image = Datei, label = Befund, patient = Patient{encoding}),
  ]
  classes = [healthy, infected]
  split   = by_patient(train = 50%, valid = 25%, test = 25%)
  image   = photo => resize(32, 32)
  {more}
}}

model small = eyes.image => Flatten => FullyConnected(num_hidden = 2) => Softmax

train quick {{ model = small  data = eyes  epochs = 1  batch = 8 }}
"""

AUDITED = """
data without {
  source  = csv("good.csv", patient = patient)
  classes = [healthy, infected]
  split   = by_patient(train = 50%, valid = 25%, test = 25%)
  exclude = audit("audit.csv", [blurred])
  image   = photo => resize(32, 32)
}

train other { model = small  data = without  epochs = 1 }
"""

UNREADABLE = {
    "truncated.jpg": "cut short",
    "zero.jpg": "the file is empty (0 bytes)",
    "text.jpg": "this is text, not a photograph",
    "page.jpg": "this is a web page or XML, not a photograph",
    "one.png": "smaller than 8 x 8 pixels",
    "huge.png": "30000 x 30000 pixels",
    "locked.jpg": "cannot be read: Permission denied",
}
"""What no decoder takes, and what is said of it."""
if os.geteuid() == 0:  # who may read everything
    del UNREADABLE["locked.jpg"]

NO_FILES = {
    "missing.jpg": "no such file",
    "circle.jpg": "a symbolic link that leads in a circle",
    "folder.jpg": "this is a folder, not a photograph",
}


def photograph(number: int) -> np.ndarray:
    """Fine structure of its own, so that none is a near copy of another."""
    coarse = np.random.default_rng(number).integers(40, 255, (12, 12, 3), np.uint8)
    return cv2.resize(coarse, (64, 64), interpolation=cv2.INTER_CUBIC)


def huge() -> bytes:
    """The header of 30,000 x 30,000 pixels, whole; 2.7 GB if it were decoded."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def cmyk_jpeg() -> bytes:
    image = pytest.importorskip("PIL.Image")
    from io import BytesIO

    out = BytesIO()
    image.fromarray(photograph(900)).convert("CMYK").save(out, "jpeg")
    return out.getvalue()


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """24 good photographs of 24 people, and one of each kind that cannot be used."""
    monkeypatch.setenv("RETDSL_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "clinic"
    root.mkdir()
    rows = [(f"{number}.png", "infected" if number % 3 == 0 else "healthy", f"p{number}") for number in range(24)]
    for number, (name, _, _) in enumerate(rows):
        cv2.imwrite(str(root / name), photograph(number))
    write(root / "good.csv", rows)
    (root / "cmyk.jpg").write_bytes(cmyk_jpeg())
    jpeg = cv2.imencode(".jpg", photograph(901))[1].tobytes()
    (root / "truncated.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (root / "zero.jpg").write_bytes(b"")
    (root / "text.jpg").write_text("the patient did not come\n")
    (root / "page.jpg").write_bytes(PAGE)
    cv2.imwrite(str(root / "one.png"), np.zeros((1, 1, 3), np.uint8))
    (root / "huge.png").write_bytes(huge())
    (root / "locked.jpg").write_bytes(cv2.imencode(".jpg", photograph(902))[1].tobytes())
    (root / "locked.jpg").chmod(0)
    (root / "circle.jpg").symlink_to("circle.jpg")
    (root / "folder.jpg").mkdir()
    spoilt = [(name, "healthy", name) for name in ("cmyk.jpg", *dict.fromkeys([*UNREADABLE, "locked.jpg"]), *NO_FILES)]
    write(root / "labels.csv", [*rows, *spoilt])
    (root / "elsewhere.csv").write_bytes("Datei;Befund;Patient\r\n24.png;healthy;Müller\r\n".encode("cp1252"))
    cv2.imwrite(str(root / "24.png"), photograph(24))
    with (root / "audit.csv").open("w") as file:
        file.write("image,label,flags,sha256\n")
        for name, label, _ in rows:
            digest = sources.sha256_of_photograph((root / name).read_bytes())[:12]
            file.write(f"{name},{label},{'blurred' if label == 'infected' else ''},{digest}\n")
    return root


def write(path: Path, rows: list[tuple[str, str, str]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("image", "label", "patient"), *rows])


def add_bad_rows(root: Path) -> None:
    """Labels and paths that are wrong, behind the photographs that cannot be read."""
    with (root / "labels.csv").open("a", newline="") as file:
        csv.writer(file).writerows(
            [
                ("../../secret.png", "healthy", "a"),
                ("3.png", "healthy", "p3"),
                ("4.png", "healthy", "p4"),
                ("5.png", "NaN", "p5"),
                ("6.png", "", "p6"),
                ("7.png", "unsure", "p7"),
            ]
        )


def study(root: Path, *, encoding: str = "", more: str = "", behind: str = "") -> str:
    path = root / "study.retina"
    path.write_text(STUDY.format(encoding=encoding, more=more) + behind)
    return str(path)


def problems(answer: str) -> str:
    """All R605 of `check --format json`, a line each: message, notes, helps."""
    found = [one for one in json.loads(answer)["diagnostics"] if one["code"] == "R605"]
    return "\n".join(" | ".join([one["message"], *one["notes"], *one["helps"]]) for one in found)


def test_everything_at_once(clinic: Path, capfd: pytest.CaptureFixture[str]) -> None:
    add_bad_rows(clinic)
    path = study(clinic, behind=AUDITED)
    assert main(["check", path, "--data", "--format", "json"]) == 1
    told = problems(capfd.readouterr().out)
    for words in (
        "paths that leave the root (1) | ../../secret.png (line 37)",
        "photographs listed with different labels (1) | 3.png: `infected` (line 5), `healthy` (line 38)",
        "photographs listed twice (",
        "rows without a label (2)",
        "`unsure`",
        "photographs that do not exist (1) | missing.jpg (line 34)",
        "circle.jpg (line 35): a symbolic link that leads in a circle",
        "folder.jpg (line 36): this is a folder, not a photograph",
        "`elsewhere.csv` is not text in UTF-8",
        "classes of which every photograph is left out (1) | `infected`: 8 blurred",
        *UNREADABLE.values(),
        *UNREADABLE,
    ):
        assert words in told, f"{words} is not in\n{told}"
    assert "cmyk.jpg" not in told
    assert main(["check", path, "--data"]) == 1
    text = capfd.readouterr().err
    assert "Traceback" not in text
    assert "text.jpg" in text


def test_each_problem_stands_at_its_source(clinic: Path, capfd: pytest.CaptureFixture[str]) -> None:
    add_bad_rows(clinic)
    (clinic / "others.csv").write_text("image,label\n25.png,healthy\n26.png,infected\n")
    path = study(clinic, more='test = csv("others.csv")')
    Path(path).write_text(Path(path).read_text().replace("50%, valid = 25%, test = 25%", "75%, valid = 25%, test = 0%"))
    assert main(["check", path, "--data", "--format", "json"]) == 1
    lines = Path(path).read_text().splitlines()
    at = {
        one["message"]: lines[one["labels"][0]["start_line"] - 1].strip()
        for one in json.loads(capfd.readouterr().out)["diagnostics"]
        if one["code"] == "R605"
    }
    assert at["rows without a label (2)"].startswith('csv("labels.csv"')
    assert at["`elsewhere.csv` is not text in UTF-8"].startswith('csv("elsewhere.csv"')
    assert at["photographs that do not exist (2)"].startswith('test = csv("others.csv"')


@pytest.mark.parametrize("command", ["train", "audit", "data"])
def test_other_commands_tell_it_too(clinic: Path, capfd: pytest.CaptureFixture[str], command: str) -> None:
    add_bad_rows(clinic)
    path = study(clinic)
    words = {"train": ["train", path, "--plain", "--runs", str(clinic / "runs")], "audit": ["audit", path]}
    try:
        code = main(words.get(command, ["data", "pack", path, "-o", str(clinic / "out.rec")]))
    except SystemExit as stop:
        code = int(str(stop.code))
    assert code == 1
    text = " ".join(capfd.readouterr().err.split())  # lines break where the terminal ends
    assert "Traceback" not in text
    for kind in ("rows without a label (2)", "different labels (1)", "is not text in UTF-8"):
        assert kind in text


def test_what_cannot_be_read_is_left_out_and_counted(clinic: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = study(clinic, encoding=', encoding = "cp1252"', more="on_bad_image = skip")
    assert main(["check", path, "--data"]) == 0
    count = len(UNREADABLE) + len(NO_FILES)
    assert f"{count} photographs of 36 cannot be read, and are left out" in " ".join(capfd.readouterr().err.split())
    assert main(["train", path, "--plain", "--threads", "1", "--run", str(clinic / "run")]) == 0
    assert f"{count} photographs of 36 cannot be read, and are left out" in " ".join(capfd.readouterr().err.split())
    lock, test = (json.loads((clinic / "run" / name).read_text()) for name in ("lock.json", "test.json"))
    assert lock["skipped"] == test["skipped"]
    assert lock["skipped"]["count"] == count
    skipped = {name: reason for reason, names in lock["skipped"]["reasons"].items() for name in names}
    assert skipped.keys() == {*UNREADABLE, *NO_FILES}
    assert {name: skipped[name] for name in NO_FILES} == NO_FILES
    assert sum(side["images"] for side in lock["split"].values()) == 37 - 1 - count


def test_an_audit_looks_at_what_is_there(clinic: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Without files the flag `unreadable`, with which they can be left out."""
    encoding = ', encoding = "cp1252"'
    assert main(["audit", study(clinic, encoding=encoding), "--no-network"]) == 0
    assert f"unreadable {len(UNREADABLE) + len(NO_FILES):7} " in capfd.readouterr().err
    excluded = study(clinic, encoding=encoding, more='exclude = audit("audit.csv", [unreadable])')
    assert main(["check", excluded, "--data"]) == 0

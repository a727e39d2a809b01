"""The command line: what it prints where, and with which code it leaves."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from spec_texts import TINY

from retdsl.cli import main
from retdsl.diagnostics import CATALOGUE

WRONG_TWICE = TINY.replace("num_filter", "filters").replace("epochs    = 2", "epoks = 2").replace("freeze", "frees")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.retina").write_text(TINY)
    (tmp_path / "bad.retina").write_text(WRONG_TWICE)
    return tmp_path


def test_check_says_that_nothing_is_wrong(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "good.retina").write_text(CSV)
    assert main(["check", "good.retina"]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == ("", "good.retina: no errors\n")


@pytest.mark.usefixtures("here")
def test_check_shows_every_mistake_and_leaves_with_1(capsys: pytest.CaptureFixture[str]):
    assert main(["check", "bad.retina", "good.retina"]) == 1
    assert "no key `epoks`" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_check_prints_json_for_programs(capsys: pytest.CaptureFixture[str]):
    assert main(["check", "bad.retina", "--format", "json"]) == 1
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["errors"] == len([d for d in found["diagnostics"] if d["severity"] == "error"]) > 0
    assert err == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "nowhere.retina"],
        ["check", "."],
        ["train", "bad.retina"],
        ["viz", "bad.retina"],
        ["compile", "bad.retina", "-o", "out"],
        ["check", "binary.retina"],
    ],
)
def test_what_a_user_points_at_never_ends_in_a_traceback(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
):
    (here / "binary.retina").write_bytes(bytes(range(256)))
    try:
        code = main(arguments)
    except SystemExit as stop:
        code = int(str(stop.code))
    assert code == 1
    err = capsys.readouterr().err
    assert err.startswith("error")
    assert "Traceback" not in err
    assert not (here / "out").exists()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "good.retina", "--train", "tinny"], "did you mean `tiny`?"),
        (["viz", "good.retina", "--model", "plan"], "did you mean `plain`?"),
        (["train", "good.retina", "--set", "epochs"], "KEY=VALUE"),
    ],
)
def test_wrong_usage_leaves_with_2(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str):
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_a_value_set_from_outside_is_checked_like_any_other(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stop:
        main(["train", "good.retina", "--set", "epochs=none"])
    assert stop.value.code == 1
    assert "--set epochs" in capsys.readouterr().err


def test_set_changes_only_the_experiments_that_are_chosen(tmp_path, capsys, monkeypatch):
    """A value may make sense for one of them and none for another, as parts of a network to freeze."""
    data = "data eyes { source = synthetic_fundus(60)  classes = [a, b]  image = photo => resize(32, 32) }"
    head = "Flatten => FullyConnected(2) => Softmax"
    models = (
        f"backbone lite = zoo(resnet18_v1)\nmodel deep = lite[global_pool] => {head}\nmodel flat = eyes.image => {head}"
    )
    trains = "train one { model = deep  data = eyes }\ntrain other from one { model = flat }"
    monkeypatch.chdir(tmp_path)
    Path("two.retina").write_text(f"{data}\n{models}\n{trains}\n")
    command = ["compile", "two.retina", "-o", "out", "--set", "freeze = lite[.. stage2]"]
    with pytest.raises(SystemExit):
        main(command)
    assert "the model `flat` does not contain `lite`" in capsys.readouterr().err
    assert main([*command, "--train", "one"]) == 0
    assert "stage2_unit2_relu" in Path("out/one/train.py").read_text()


def test_viz_draws_the_network_and_the_experiment(here: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["viz", "good.retina", "-o", "pictures/net.svg"]) == 0
    assert capsys.readouterr().out.split() == ["pictures/net.svg", "pictures/net-experiment.svg"]
    assert (here / "pictures/net.svg").read_text().count("<svg") == 1
    assert main(["viz", "good.retina", "--model", "plain", "-o", "only.pdf"]) == 0
    assert (here / "only.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.usefixtures("here")
def test_viz_refuses_what_it_cannot_draw(capsys: pytest.CaptureFixture[str]):
    assert main(["viz", "good.retina", "-o", "net.gif"]) == 2
    assert ".svg" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_a_defect_names_a_file_with_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr("retdsl.compiler.check", broken)
    assert main(["check", "good.retina"]) == 70
    err = capsys.readouterr().err
    assert "Traceback" not in err
    path = Path(err.split("traceback in ")[1].strip())
    assert "ZeroDivisionError" in path.read_text()
    path.unlink()


@pytest.mark.usefixtures("here")
def test_check_is_quick_and_imports_no_mxnet():
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    script = "import sys; from retdsl.cli import main; main(['check', 'quickstart']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    assert used < 3, "0.2 s of the processor; this only catches a heavy import"
    assert not {"mxnet", "numpy", "cv2", "sklearn", "rich", "jinja2"} & set(done.stdout.split())


def test_doctor_tells_what_is_there(capsys: pytest.CaptureFixture[str]):
    assert main(["doctor", "--format", "json"]) == 0
    assert {"python", "mxnet", "gpu"} <= {finding["name"] for finding in json.loads(capsys.readouterr().out)}


def bad_run(here: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (here / "run.retina").write_text(text)
    command = [sys.executable, "-m", "retdsl", "train", "run.retina", "--plain", "--runs", "runs", *arguments]
    root = str(Path(__file__).resolve().parents[1])
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**_environment(), "PYTHONPATH": root}
    )


def _environment() -> dict[str, str]:
    import os

    return dict(os.environ)


TABLE = TINY.replace("synthetic_fundus(60, ratio = 3 : 1, seed = 1, size = 64)", 'csv("labels.csv", patient = patient)')
CSV = TABLE.replace("WSoftmax(weights = inverse_frequency)", "Softmax")
"""Without a message, as far as can be known without the photographs."""


def test_data_that_are_not_what_the_spec_says(here: Path):
    (here / "labels.csv").write_text("image,label,patient\na.png,healthy,1\nb.png,ill,2\n")
    done = bad_run(here, CSV)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "ill" in done.stderr
    assert "a.png" in done.stderr
    assert list((here / "runs").iterdir()) == [], "a run that never began leaves nothing behind"


def test_check_data_reads_labels_and_photographs(here: Path, capfd: pytest.CaptureFixture[str]):
    assert main(["check", "good.retina", "--data"]) == 0
    (here / "labels.csv").write_text("image,label\n")
    (here / "table.retina").write_text(CSV)
    assert main(["check", "table.retina", "--data"]) == 1
    assert "patient" in capfd.readouterr().err


def test_what_is_wrong_with_the_data_is_in_the_json_too(here: Path, capfd: pytest.CaptureFixture[str]):
    (here / "labels.csv").write_text("image,label,patient\na.png,healthy,1\n")
    (here / "table.retina").write_text(CSV)
    assert main(["check", "table.retina", "--data", "--format", "json"]) == 1
    out, err = capfd.readouterr()
    found = json.loads(out)
    assert [(d["code"], d["message"]) for d in found["diagnostics"]] == [
        ("R605", "classes without a photograph (1)"),
        ("R605", "photographs that do not exist (1)"),
    ]
    assert found["errors"] == 2
    assert found["diagnostics"][1]["notes"] == ["a.png (line 2)"]
    assert all(d["labels"][0]["start_line"] == 3 for d in found["diagnostics"]), "at the source"
    assert err == ""


@pytest.mark.usefixtures("here")
def test_the_program_answers_people_and_programs(capfd: pytest.CaptureFixture[str]):
    assert main(["compile", "good.retina", "-o", "out"]) == 0
    command = [sys.executable, "out/tiny/train.py", "--check-data", "--plain"]
    environment = {**_environment(), "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    capfd.readouterr()
    assert subprocess.run(command, env=environment, check=False).returncode == 0
    out, err = capfd.readouterr()
    assert (out, "60 photographs read" in err) == ("", True)
    assert subprocess.run([*command, "--format", "json"], env=environment, check=False).returncode == 0
    answer = json.loads(capfd.readouterr().out)
    assert sum(answer["sides"]["train"]["photographs"]) == 32
    assert answer["problems"] == []


@pytest.mark.usefixtures("here")
def test_verbose_tells_what_the_network_sees(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["check", "good.retina", "-v"]) == 0
    out, err = capfd.readouterr()
    assert out == ""
    assert "train tiny {  # good.retina:30" in err
    assert re.search(r"healthy +23 +76\.7 % +8 +50\.0 % +1 +23\.3 %$", err, re.MULTILINE)
    assert "estimates from 45 : 15" in err
    assert max(map(len, err.split("train tiny {")[1].splitlines())) <= 80
    assert not [line for line in err.splitlines() if line != line.rstrip()]
    assert main(["check", "good.retina", "-v", "--data"]) == 0
    assert "counted in the labels" in capfd.readouterr().err


@pytest.mark.usefixtures("here")
def test_verbose_json_has_the_same_numbers(capfd: pytest.CaptureFixture[str]):
    assert main(["check", "good.retina", "bad.retina", "--format", "json"]) == 1
    assert "experiments" not in json.loads(capfd.readouterr().out)
    assert main(["check", "good.retina", "-v", "--data", "--format", "json"]) == 0
    out, err = capfd.readouterr()
    [told] = json.loads(out)["experiments"]
    assert err == ""
    assert (told["name"], told["file"], told["keys"][0]["key"]) == ("tiny", "good.retina", "model")
    assert told["seen"]["exact"]
    assert told["seen"]["drawn"] == [8, 8]
    assert told["seen"]["effective_share"][0] < 0.3
    assert sum(told["measured"]["test"]["photographs"]) + sum(told["measured"]["valid"]["photographs"]) == 28


def test_verbose_says_how_unknown_numbers_would_be_known(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "table.retina").write_text(CSV)
    assert main(["check", "table.retina", "-v"]) == 0
    err = capsys.readouterr().err
    assert "counts are not known: give `counts = ...` in `data eyes`, or use --data" in err
    assert re.search(r"infected +\? +\? +8 +50\.0 % +1 +50\.0 %$", err, re.MULTILINE)
    unknown = re.sub("sampling += .*", "", CSV).replace("Softmax", "WSoftmax(weights = effective_number)")
    (here / "table.retina").write_text(unknown)
    assert main(["check", "table.retina", "-v"]) == 0
    err = capsys.readouterr().err
    assert "what the network sees\n    counts are not known" in err, "no table of question marks"


@pytest.mark.usefixtures("here")
def test_a_program_that_fails_to_read_says_why(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def broken(*_: object, **__: object) -> Path:
        path = Path("train.py")
        path.write_text("import sys\nprint('error: of ours', file=sys.stderr)\nsys.exit(70)\n")
        return path

    monkeypatch.setattr("retdsl.running.compile_experiment", broken)
    assert main(["check", "good.retina", "--data", "--format", "json"]) == 70
    out, err = capsys.readouterr()
    assert out == ""
    assert "of ours" in err


@pytest.mark.usefixtures("here")
def test_a_forgotten_suffix(capsys: pytest.CaptureFixture[str]):
    assert main(["check", "good"]) == 1
    assert "did you mean good.retina?" in capsys.readouterr().err


def test_compiling_again_without_standalone_leaves_no_old_copies(here: Path):
    assert main(["compile", "good.retina", "-o", "out", "--standalone"]) == 0
    assert (here / "out/tiny/retdsl/runtime").is_dir()
    assert main(["compile", "good.retina", "-o", "out"]) == 0
    assert {path.name for path in (here / "out/tiny").iterdir()} >= {"train.py", "tiny-symbol.json"}
    assert not (here / "out/tiny/retdsl").exists()
    assert not (here / "out/tiny/requirements.txt").exists()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("asked", ["R302", "r302", "unknown-option", "Unknown_Option"])
def test_explain_tells_what_a_code_means(capsys: pytest.CaptureFixture[str], asked: str):
    assert main(["explain", asked]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("error[R302] unknown-option: ")
    assert "strde = 4" in out
    assert "stride = 4" in out
    assert "`eyes` is photographs" in out
    assert err == ""
    assert "\x1b" not in out


def test_explain_lists_every_code_within_80_columns(capsys: pytest.CaptureFixture[str]):
    assert main(["explain"]) == 0
    out = capsys.readouterr().out
    assert [code for code in CATALOGUE if f"  {code}  " not in out] == []
    assert max(map(len, out.splitlines())) <= 80


def test_explain_takes_a_rank_and_gives_json(capsys: pytest.CaptureFixture[str]):
    assert main(["explain", "R8", "R801", "--format", "json"]) == 0
    codes = json.loads(capsys.readouterr().out)["codes"]
    assert [item["code"] for item in codes] == [code for code in CATALOGUE if code.startswith("R8")]
    assert all(item["explanation"] and item["wrong"]["spec"] and item["right"]["spec"] for item in codes)


def test_explain_of_no_code(capsys: pytest.CaptureFixture[str]):
    assert main(["explain", "unknown-optin"]) == 2
    assert "did you mean `unknown-option`?" in capsys.readouterr().err
    assert main(["explain", "R"]) == 2


def test_check_names_the_codes_to_explain(here: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["check", str(here / "bad.retina")]) == 1
    assert capsys.readouterr().err.splitlines()[-1].endswith("; `retdsl explain R302` tells more")

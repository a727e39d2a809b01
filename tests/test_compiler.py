"""The pipeline from a spec to folders that train, run for real on a small study."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from params_files import params_bytes
from spec_texts import TINY

from retdsl import compiler, running
from retdsl.diagnostics import Diagnostics
from retdsl.runtime.errors import RunError

UNTIMED = ("seconds", "images_per_second")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.retina"
    path.write_text(TINY)
    return path


def loaded(path: Path) -> tuple[compiler.Spec, compiler.Checked]:
    spec = compiler.read(str(path), None, Diagnostics())
    assert spec is not None
    checked = compiler.check(spec)
    assert checked.program is not None
    return spec, checked


def compiled(path: Path, folder: Path, *, standalone: bool = False) -> Path:
    spec, checked = loaded(path)
    assert checked.program is not None
    experiment = checked.program.experiments[0]
    train_py = compiler.compile_experiment(checked.program, experiment, folder, None if standalone else spec.root)
    if standalone:
        running.make_standalone(experiment, folder, spec.root)
    return train_py


def train(study: Path, run: Path, *options: str) -> int:
    spec, checked = loaded(study)
    assert checked.program is not None
    experiment = checked.program.experiments[0]
    return running.train(checked.program, checked, experiment, run, spec.root, ["--plain", *options])


def figures(run: Path) -> dict[str, object]:
    found = json.loads((run / "test.json").read_text())
    return {key: value for key, value in found.items() if key not in UNTIMED}


def test_compiling_twice_gives_the_same_bytes(study: Path, tmp_path: Path):
    for name in ("one", "two"):
        compiled(study, tmp_path / name)
    for file in ("train.py", "program.json", "graph.svg"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_the_program_file_says_all_that_was_checked(study: Path, tmp_path: Path):
    compiled(study, tmp_path)
    program = json.loads((tmp_path / "program.json").read_text())
    (experiment,) = program["experiments"]
    assert experiment["name"] == "tiny"
    assert experiment["network"]["nodes"][0]["shape"] == [None, 8, 16, 16]
    options = [["ratio", [1, 1]], ["each", "epoch"], ["replace", False], ["size", 16], ["by", None]]
    assert experiment["sampling"]["options"] == options


def test_a_run_leaves_what_the_documentation_says(study: Path, tmp_path: Path):
    run = tmp_path / "run"
    assert train(study, run) == 0
    names = {
        path.relative_to(run).as_posix()
        for path in run.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {
        "spec.retina",
        "lock.json",
        "metrics.jsonl",
        "test.json",
        "predictions.csv",
        "program/train.py",
        "program/program.json",
        "program/tiny-symbol.json",
        "program/tiny-deploy-symbol.json",
        "checkpoints/tiny-symbol.json",
        "checkpoints/tiny-0002.params",
        "checkpoints/tiny-0002.states",
        "checkpoints/best.json",
    } <= names
    assert (run / "spec.retina").read_text() == TINY.strip("\n") + "\n"
    lock = json.loads((run / "lock.json").read_text())
    assert (lock["spec"], len(lock["spec_sha256"])) == ("study.retina", 64)
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 2
    assert {"auc", "accuracy", "sensitivity_at_specificity_90"} <= set(figures(run))
    assert not list(run.rglob("*.part"))


def test_runs_repeat_bit_by_bit(study: Path, tmp_path: Path):
    for name in ("one", "two"):
        assert train(study, tmp_path / name, "--threads", "2") == 0
    one, two = tmp_path / "one", tmp_path / "two"
    assert (one / "checkpoints/tiny-0002.params").read_bytes() == (two / "checkpoints/tiny-0002.params").read_bytes()
    assert (one / "predictions.csv").read_bytes() == (two / "predictions.csv").read_bytes()
    assert figures(one) == figures(two)


def test_a_batch_larger_than_an_epoch_is_the_whole_epoch(study: Path, tmp_path: Path):
    saved = []
    for batch in (16, 500):  # an epoch has 16 images
        study.write_text(TINY.replace("batch     = 8", f"batch = {batch}"))
        assert train(study, tmp_path / str(batch), "--threads", "2") == 0
        saved.append((tmp_path / str(batch) / "checkpoints/tiny-0002.params").read_bytes())
    assert saved[0] == saved[1]


def test_a_standalone_folder_trains_without_retdsl_and_gives_the_same_figures(study: Path, tmp_path: Path):
    assert train(study, tmp_path / "here", "--threads", "2") == 0
    folder = tmp_path / "elsewhere"
    compiled(study, folder, standalone=True)
    # -S and -I keep the installed retdsl out of sight; what it needs besides is put back by hand.
    others = [path for path in sys.path if path.endswith("site-packages")]
    hide = (
        "import sys, runpy; sys.path[:0] = [sys.argv.pop(1)]\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        import importlib.machinery as m\n"
        "        if name == 'retdsl': return m.PathFinder.find_spec(name, [sys.path[0]])\n"
        "sys.meta_path.insert(0, Hidden())\n"
        "import retdsl; assert retdsl.__file__.startswith(sys.path[0]), retdsl.__file__\n"
        "sys.argv.pop(0); runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["PYTHONPATH"] = os.pathsep.join(others)
    run = tmp_path / "there"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            hide,
            str(folder),
            str(folder / "train.py"),
            "--run",
            str(run),
            "--threads",
            "2",
            "--plain",
        ],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert figures(run) == figures(tmp_path / "here")
    assert (run / "predictions.csv").read_bytes() == (tmp_path / "here" / "predictions.csv").read_bytes()
    assert "mxnet==1.9.1" in (folder / "requirements.txt").read_text()


def test_symbols_load_anywhere_and_the_deploy_symbol_needs_no_label(study: Path, tmp_path: Path):
    import numpy as np

    from retdsl.runtime.mx import mx

    run = tmp_path / "run"
    assert train(study, run) == 0
    trained = mx.sym.load(str(run / "program/tiny-symbol.json"))
    deploy = mx.sym.load(str(run / "program/tiny-deploy-symbol.json"))
    assert "softmax_label" in trained.list_arguments()
    assert "softmax_label" not in deploy.list_arguments()
    symbol, arguments, auxiliary = mx.model.load_checkpoint(str(run / "checkpoints/tiny"), 2)
    images = mx.nd.array(np.random.RandomState(0).standard_normal((4, 3, 32, 32)))
    answers = []
    for network in (symbol, deploy):
        labels = ["softmax_label"] if network is symbol else None
        module = mx.mod.Module(network, label_names=labels)
        module.bind([("data", images.shape)], for_training=False)
        module.set_params(arguments, auxiliary)
        module.forward(mx.io.DataBatch([images]), is_train=False)
        answers.append(module.get_outputs()[0].asnumpy())
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-6)
    np.testing.assert_allclose(answers[1].sum(axis=1), 1, atol=1e-5)


def test_used_files_become_part_of_the_saved_spec(tmp_path: Path):
    (tmp_path / "parts.retina").write_text("# parts\nblock act() = Activation(relu)\n")
    (tmp_path / "main.retina").write_text('use "parts.retina"\nmodel m = input(3, 8, 8) => act\n')
    spec, checked = loaded(tmp_path / "main.retina")
    joined = compiler.joined_spec(checked.sources)
    assert "use" not in joined
    assert compiler.check(compiler.Spec(compiler.Source("joined.retina", joined), spec.root)).program is not None
    assert joined.index("block act") < joined.index("model m")


@pytest.mark.parametrize(("pairs", "epochs"), [((), 2), (("epochs=1",), 1), (("epochs = 1", "epochs=7"), 7)])
def test_keys_can_be_set_from_outside(study: Path, pairs: tuple[str, ...], epochs: int):
    spec = compiler.read(str(study), None, Diagnostics())
    assert spec is not None
    checked = compiler.check(spec, compiler.overrides(pairs, Diagnostics()))
    assert checked.program is not None
    assert checked.program.experiments[0].training.epochs == epochs


def test_an_existing_run_stays_as_it_is(study: Path, tmp_path: Path):
    assert train(study, tmp_path / "run", "--threads", "1") == 0
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    study.write_text(TINY.replace("epochs    = 2", "epochs    = 1"))
    with pytest.raises(RunError, match="holds a run already"):
        train(study, tmp_path / "run")
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before


def test_a_program_that_has_trained_makes_heat_maps_as_long_as_it_is_asked(study: Path, tmp_path: Path):
    from retdsl.finished import read_run
    from retdsl.report.mistakes import groups_of
    from retdsl.report.pictures import pictures_of
    from retdsl.report.questions import ask

    run, answers, found = tmp_path / "run", [], []

    def then(look: running.Look) -> None:
        record = read_run(run)
        assert record.predictions is not None
        shown = [one for group in groups_of(ask(record.predictions, ())) for one in group.shown]

        def watched(wanted: Mapping[str, str]) -> bool:
            answers.append(look(wanted))
            return answers[-1]

        assert not look({"images": str(tmp_path / "none.json"), "file": str(tmp_path / "maps.npz")})
        found.extend([pictures_of(record, shown, None, None, watched), pictures_of(record, shown, None, None)])

    spec, checked = loaded(study)
    assert checked.program is not None
    experiment = checked.program.experiments[0]
    options = ["--plain", "--threads", "1"]
    assert running.train(checked.program, checked, experiment, run, spec.root, options, then=then) == 0
    assert answers == [True]
    asked, anew = found
    assert asked.photographs
    assert asked == anew


@pytest.mark.parametrize(("body", "code", "asked"), [("", 0, []), ("import sys; sys.exit(1)", 1, [])])
def test_a_program_that_says_nothing_of_having_trained_is_asked_nothing(
    body: str, code: int, asked: list[bool], tmp_path: Path
):
    path = tmp_path / "train.py"
    path.write_text(body)
    assert running.run_program(path, then=lambda look: asked.append(look({}))) == code
    assert asked == []


def test_what_is_done_meanwhile_is_done_while_the_program_runs(tmp_path: Path):
    path, sign = tmp_path / "train.py", tmp_path / "sign"
    path.write_text(f"import os, time\nwhile not os.path.exists({str(sign)!r}): time.sleep(0.01)")
    assert running.run_program(path, meanwhile=sign.touch) == 0


def test_a_program_with_a_copy_of_retdsl_is_left_to_end(tmp_path: Path):
    (tmp_path / "retdsl").mkdir()
    (tmp_path / "train.py").write_text("import sys; sys.exit(len(sys.argv) - 1)")
    asked: list[bool] = []
    assert running.run_program(tmp_path / "train.py", then=lambda look: asked.append(look({}))) == 0
    assert asked == [False]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "ended by SIGKILL"),
        ("os._exit(255)", "ended with exit code 255"),
    ],
)
def test_a_program_that_cannot_speak_for_itself(body: str, said: str, tmp_path: Path):
    path = tmp_path / "train.py"
    path.write_text(f"import os, signal\n{body}\n")
    with pytest.raises(RunError, match=said) as caught:
        running.run_program(path)
    assert caught.value.exit_code == 70


def test_whoever_ends_the_command_ends_the_program(study: Path, tmp_path: Path):
    study.write_text(TINY.replace("epochs    = 2", "epochs    = 100000"))
    command = [sys.executable, "-m", "retdsl", "train", str(study), "--run", str(tmp_path / "run"), "--plain"]
    environment = {**os.environ, "PYTHONPATH": str(Path(compiler.__file__).parents[1])}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = ""
    while "epoch " not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    process.terminate()
    _, rest = process.communicate(timeout=600)
    assert process.returncode == 130, rest
    assert "is saved in" in rest
    assert "Traceback" not in rest


def test_a_standalone_folder_takes_the_mean_image_along(study: Path, tmp_path: Path):
    """A mean image with one value a colour trains just as `mean` does, in all of training, validation and test."""
    even = np.broadcast_to(np.array([90, 60, 30], "f4")[:, None, None], (3, 32, 32))
    (tmp_path / "mean.nd").write_bytes(params_bytes({"mean_img": np.ascontiguousarray(even)}))
    plain = study.read_text()
    study.write_text(plain.replace("resize(32, 32)", 'resize(32, 32) => normalize(mean_image = "mean.nd")'))
    compiled(study, tmp_path / "alone", standalone=True)
    assert (
        'normalize=normalize(mean_image="mean.nd", std=(1.0, 1.0, 1.0), scale=255.0)'
        in (tmp_path / "alone" / "train.py").read_text()
    )
    (tmp_path / "mean.nd").unlink()
    command = [sys.executable, "train.py", "--plain", "--run", str(tmp_path / "image")]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run(command, cwd=tmp_path / "alone", env=environment, check=True, capture_output=True)
    study.write_text(plain.replace("resize(32, 32)", "resize(32, 32) => normalize((90, 60, 30), scale = 255)"))
    assert train(study, tmp_path / "numbers") == 0
    assert figures(tmp_path / "image") == figures(tmp_path / "numbers")
    lock = json.loads((tmp_path / "image" / "lock.json").read_text())
    assert lock["mean_image"]["file"] == "mean.nd"
    assert len(lock["mean_image"]["sha256"]) == 64
    assert json.loads((tmp_path / "numbers" / "lock.json").read_text())["mean_image"] is None


def test_two_weights_files_of_one_name_cannot_stand_side_by_side(tmp_path: Path):
    for side, name in (("left", "a"), ("right", "b")):
        (tmp_path / side).mkdir()
        tensors = {f"arg:{name}_weight": np.zeros((4, 3, 3, 3), "f4"), f"arg:{name}_bias": np.zeros(4, "f4")}
        (tmp_path / side / "w.params").write_bytes(params_bytes(tensors))
    study = tmp_path / "study.retina"
    study.write_text(TWINS)
    with pytest.raises(RunError, match=r"two weights files are named w\.params"):
        compiled(study, tmp_path / "out", standalone=True)


TWINS = """
data eyes { source = synthetic_fundus(60)  classes = [healthy, infected]  image = photo => resize(32, 32) }
block one(name) = Convolution(4, kernel = 3, name = name)
backbone left  = one("a", weights = "left/w.params")
backbone right = one("b", weights = "right/w.params")
model net = { left | right } => Add => Flatten => FullyConnected(2) => Softmax
train t { model = net  data = eyes }
"""

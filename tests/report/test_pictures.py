"""From a spec to the page with its heat maps, by the commands; and what becomes of maps on the way."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from page_read import Page

from retdsl.cli import main
from retdsl.report.pictures import overlaid

SPEC = """
data eyes {
  source  = synthetic_fundus(60, ratio = 1 : 1, seed = 5, size = 64)
  classes = [healthy, infected]
  split   = by_patient(train = 50%, valid = 25%, test = 25%, seed = 1)
  image   = photo => crop_circle => resize(32, 32)
}

model small =
  eyes.image
    => Convolution(num_filter = 6, kernel = 3, stride = 2) => BatchNorm(fix_gamma = false) => Activation(relu) as seen
    => Convolution(num_filter = 8, kernel = 3, stride = 2) => Activation(relu)
    => Pooling(global_pool = true, kernel = 1, pool_type = avg)
    => Flatten
    => FullyConnected(num_hidden = 2)
    => Softmax

train tiny { model = small  data = eyes  optimizer = adam(lr = 0.01)  epochs = 2  batch = 16  metrics = [auc] }
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    (folder / "tiny.retina").write_text(SPEC)
    run = folder / "run"
    assert main(["train", str(folder / "tiny.retina"), "--run", str(run), "--plain", "--set", "epochs=1"]) == 0
    return run


def test_training_ends_with_a_report(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = (run / "report.html").read_bytes()
    page = Page(first.decode())
    page.require_sound()
    shown = page.text.count('<figure class="card')
    assert shown > 0
    assert len(page.sources) == 2 * shown
    assert "The command line changed 1 key" in page.said
    assert re.search(r"epochs\s+= 1\s+# --set\s+# overrides 2 in line", page.said)
    assert main(["report", str(run)]) == 0
    assert capsys.readouterr().out == f"{run / 'report.html'}\n"
    assert (run / "report.html").read_bytes() == first


def test_a_layer_by_the_name_that_the_spec_gives_it(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = run / "layer.html"
    assert main(["report", str(run), "-o", str(here), "--layer", "seen"]) == 0
    assert re.search(r"Grad-CAM at <code>relu\w*</code>|Grad-CAM at <code>activation\w*</code>", here.read_text())
    here.unlink()
    assert main(["report", str(run), "-o", str(here), "--layer", "scene"]) == 1
    assert "`scene` is no layer of this network that has more than one pixel" in capsys.readouterr().err
    assert not here.exists()


def test_a_photograph_that_has_changed_is_not_shown(run: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    lock = json.loads((copy / "lock.json").read_text())
    for row in lock["images"]:
        row["sha256"] = "0" * 64
    (copy / "lock.json").write_text(json.dumps(lock))
    assert main(["report", str(copy)]) == 0
    page = Page((copy / "report.html").read_text("utf-8"))
    assert page.sources == []
    assert "it is another file now than when the run was made" in page.said


def test_a_checkpoint_that_is_gone_leaves_a_page_without_photographs(run: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    for file in (copy / "checkpoints").glob("*.params"):
        file.unlink()
    assert main(["report", str(copy)]) == 0
    page = Page((copy / "report.html").read_text("utf-8"))
    assert page.sources == []
    assert "The photographs cannot be shown" in page.said
    assert ".params" in page.said


def test_an_ensemble_shows_the_mean_of_its_members_maps(run: Path, tmp_path: Path) -> None:
    series = tmp_path / "all"
    series.mkdir()
    for name in ("one", "two"):
        shutil.copytree(run, series / name)
    for name in ("predictions.csv", "validation.csv", "test.json"):
        shutil.copy(run / name, series)
    (series / "lock.json").write_text(json.dumps({"experiment": "all", "members": ["one", "two"]}))
    assert main(["report", str(series)]) == 0
    page = Page((series / "report.html").read_text("utf-8"))
    page.require_sound()
    assert page.sources == Page((run / "report.html").read_text("utf-8")).sources


def test_a_report_that_cannot_be_made_is_a_note(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from retdsl.commands.report import try_report
    from retdsl.report import page

    def fail(*_: object, **__: object) -> None:
        raise ValueError("what nobody thought of")

    monkeypatch.setattr(page, "write_report", fail)
    try_report(run)
    assert "note: there is no report, a defect of retdsl: ValueError: what nobody thought of" in capsys.readouterr().err


def test_colours_lie_over_a_photograph_where_the_map_is_high() -> None:
    photo = np.full((8, 8, 3), (200, 80, 40), np.uint8)
    values = np.zeros((8, 8), np.float32)
    values[:, 4:] = 1
    seen = overlaid(photo, values)
    assert seen.dtype == np.uint8
    assert (seen[:, :4, 0] == seen[:, :4, 2]).all()  # grey
    assert (seen[:, 4:, 1].astype(int) - seen[:, 4:, 2] > 90).all()  # yellow
    assert overlaid(photo[..., :1], values).shape == (8, 8, 3)

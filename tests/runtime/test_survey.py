"""Every photograph looked at once: what cannot be read is there, too, and features are what the network computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny_study import CLASSES, experiment, network, paint, whole_part

from retdsl.runtime.decode import Photograph, decode
from retdsl.runtime.errors import RunError
from retdsl.runtime.exclusion import audit
from retdsl.runtime.frozen_features import FrozenFeatures
from retdsl.runtime.likeness import SIZE, near_copies
from retdsl.runtime.program import run_program
from retdsl.runtime.sources import Wanted
from retdsl.runtime.survey import BATCH, THUMBNAIL, load_survey, square, survey
from retdsl.runtime.synthetic import synthetic_fundus


def test_a_survey_and_its_file(tmp_path: Path) -> None:
    study = experiment(paint(tmp_path))
    (tmp_path / "007.png").write_bytes(b"no photograph")
    cv2.imwrite(str(tmp_path / "008.png"), np.zeros((300, 500, 3), np.uint8))
    heard: list[tuple[int, int]] = []
    found = survey(study.data, tmp_path, threads=3, progress=lambda done, total: heard.append((done, total)))
    assert [one.image for one in found.photographs] == [f"{at:03}.png" for at in range(44)]
    assert heard[-1] == (44, 44)
    assert found.photographs[7].refused == "this is text, not a photograph"
    assert found.photographs[7].measures is None
    assert found.photographs[7].sha256
    assert found.thumbnails[7] == found.squares[7] == b""
    black = found.photographs[8].measures
    assert black is not None
    assert black.roundness == 0
    picture = cv2.imdecode(np.frombuffer(found.thumbnails[8], np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (96, THUMBNAIL, 3)
    sides = [decode(found.squares[at]).shape[:2] for at in (6, 8)]
    assert sides == [(16, 16), (SIZE, SIZE)], "a small photograph is not made larger: it shows no more then"
    assert {one.side for one in found.photographs} == {"train", "valid", "test"}
    assert found.features is None

    found.save(tmp_path / "survey.npz")
    again = load_survey(tmp_path / "survey.npz")
    assert str(again.photographs) == str(found.photographs)  # NaN is not equal to itself
    assert (again.classes, again.thumbnails) == (CLASSES, found.thumbnails)
    assert again.squares == found.squares


def test_what_the_study_leaves_out_is_looked_at_too(tmp_path: Path) -> None:
    data = replace(experiment(paint(tmp_path)).data, exclude=audit("no.csv", ("blurred",)))
    assert len(survey(data, tmp_path).photographs) == 44
    with pytest.raises(RunError, match=r"there is no file `no\.csv`"):
        data.divided(tmp_path)


def test_features_are_what_the_frozen_part_computes(tmp_path: Path) -> None:
    study = experiment(paint(tmp_path))
    (tmp_path / "003.png").write_bytes(b"")
    found = survey(study.data, tmp_path, describe=FrozenFeatures(study, tmp_path))
    assert found.features is not None
    assert found.features.shape == (44, 6)
    assert (found.features[3] == 0).all()
    # The same by NumPy: a convolution, a BatchNorm that has seen nothing yet, relu, and the mean of all pixels.
    symbol = study.network.deploy_symbol()
    weight = study.network.starting_values(symbol, study.training.seed, None, None).all()["conv0_weight"]
    for at in (0, BATCH, 43):
        image = cv2.cvtColor(cv2.imread(str(tmp_path / f"{at:03}.png")), cv2.COLOR_BGR2RGB) / 255
        windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3), axis=(0, 1))  # [14, 14, 3, 3, 3]
        values = np.einsum("hwcij,fcij->fhw", windows, weight) / np.sqrt(1 + 1e-3)
        assert found.features[at] == pytest.approx(np.maximum(values, 0).mean(axis=(1, 2)), abs=1e-5)


def test_nothing_frozen(tmp_path: Path) -> None:
    study = experiment(paint(tmp_path), network=network(frozen=None, trained=whole_part))
    with pytest.raises(RunError, match="no part of the network is frozen"):
        FrozenFeatures(study, tmp_path)


def test_the_option_of_a_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = experiment(paint(tmp_path))
    file = tmp_path / "out.npz"
    assert run_program(study, ["--survey", str(file), "--root", str(tmp_path), "--plain"]) == 0
    assert load_survey(file).features is not None
    assert run_program(study, ["--survey", str(file), "--no-network", "--root", str(tmp_path), "--plain"]) == 0
    assert load_survey(file).features is None
    assert run_program(study, ["--survey", str(tmp_path / "no" / "x"), "--root", str(tmp_path), "--plain"]) == 1
    assert "cannot write" in capsys.readouterr().err
    (tmp_path / "labels.csv").unlink()
    assert run_program(study, ["--survey", str(file), "--root", str(tmp_path), "--plain"]) == 1


def saved_anew(photo: Photograph) -> Photograph:
    return decode(cv2.imencode(".jpg", photo[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes())


CHANGES: dict[str, Callable[[Photograph], Photograph]] = {
    "a copy": lambda photo: photo.copy(),
    "saved anew": saved_anew,
    "smaller": lambda photo: np.asarray(cv2.resize(photo, (180, 180), interpolation=cv2.INTER_AREA), np.uint8),
    "larger": lambda photo: np.asarray(cv2.resize(photo, (500, 500)), np.uint8),
    "brighter": lambda photo: np.clip(photo * 1.1 + 5, 0, 255).astype(np.uint8),
    "with a margin": lambda photo: np.asarray(cv2.copyMakeBorder(photo, 20, 20, 60, 60, cv2.BORDER_CONSTANT), np.uint8),
    "mirrored": lambda photo: np.ascontiguousarray(photo[:, ::-1]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_squares_show_near_copies(change: str) -> None:
    source = synthetic_fundus(12, ratio=(1, 1))
    samples = source.samples(Path(), Wanted(("healthy", "infected")))
    photos = [np.asarray(source.read(Path(), sample), np.uint8) for sample in samples]
    squares = [square(photo) for photo in (*photos, CHANGES[change](photos[7]), CHANGES[change](photos[2]))]
    everything = range(len(squares))
    found = near_copies(lambda at: decode(squares[at]), [(everything, everything)])
    assert [pair[:2] for pair in found] == [(2, 13), (7, 12)], "each pair once, and no photograph with itself"

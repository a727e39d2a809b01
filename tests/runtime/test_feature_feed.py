"""Features of photographs that are kept: the same run with and without, and whatever becomes of the files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from side_by_side import everywhere
from tiny_study import SIDE, experiment, frozen_part, network, paint
from tiny_trainer import BATCH, trainer

from retdsl.runtime import (
    bf16,
    cutout,
    feature_feed,
    features,
    flip_horizontal,
    flip_vertical,
    gaussian_noise,
    mixup,
    one_of,
    rotate,
    rotate180,
)
from retdsl.runtime.augment import Augmenter
from retdsl.runtime.checkpoint import load_parameters
from retdsl.runtime.feature_feed import Counts
from retdsl.runtime.frozen_part import FrozenPart
from retdsl.runtime.program import run_program
from retdsl.runtime.segments import INDEX, PIXELS
from retdsl.runtime.symbols import sym

FINITE = (one_of((flip_horizontal(p=1.0), rotate180(p=1.0))), flip_vertical(p=0.3, on=("infected",)))
CHAINS = {
    "nothing": (),
    "finite": FINITE,
    "half noise": (gaussian_noise(sigma=0.02, p=0.5), rotate180(p=0.5)),
    "continuous": (rotate(degrees=20.0),),
    "mixing": (rotate180(), mixup()),
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RETDSL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("RETDSL_CACHE_LIMIT", raising=False)
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paint(tmp_path_factory.mktemp("photographs"))


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images pass the frozen part at a time."""
    counts: list[int] = []
    plain = FrozenPart.__call__
    monkeypatch.setattr(FrozenPart, "__call__", lambda self, images: counts.append(len(images)) or plain(self, images))
    return counts


def run(root: Path, folder: Path, *options: str, cache=features(), epochs=3, **changes) -> Path:  # noqa: B008 (frozen)
    study = experiment(root, training={"epochs": epochs, "cache": cache}, **changes)
    assert run_program(study, ["--run", str(folder), "--plain", "--threads", "2", *options]) == 0
    return folder


def figures(folder: Path) -> list[tuple[object, object]]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [(line["train"], line["valid"]) for line in lines]


def results(folder: Path) -> dict[str, bytes]:
    """What a run comes to, byte by byte."""
    files = [*folder.glob("checkpoints/*.params"), *folder.glob("*.csv")]
    return {path.name: path.read_bytes() for path in files}


def facts(folder: Path) -> dict[str, object]:
    return json.loads((folder / "lock.json").read_text())["features"]


@pytest.mark.parametrize("chain", CHAINS)
def test_a_run_is_the_same_with_and_without(chain, photographs, tmp_path):
    without, cold, warm = (
        run(photographs, tmp_path / name, cache=cache, augment=CHAINS[chain])
        for name, cache in (("without", None), ("cold", features()), ("warm", features()))
    )
    assert results(cold) == results(warm)
    assert figures(cold) == figures(warm)
    one, other = (load_parameters(folder / "checkpoints" / "tiny-0003.params") for folder in (without, cold))
    for name, array in one.items():
        np.testing.assert_allclose(other[name], array, rtol=1e-5, atol=1e-6, err_msg=name)
    for before, after in zip(figures(without), figures(cold), strict=True):
        for side in (0, 1):
            assert before[side] == pytest.approx(after[side], abs=1e-5)


def test_the_second_run_needs_neither_photographs_nor_the_frozen_part(photographs, tmp_path, passed, monkeypatch):
    run(photographs, tmp_path / "first", augment=FINITE)
    dataset = experiment(photographs).data.open(photographs)
    assert len(dataset.samples) <= sum(passed) <= 4 * len(dataset.samples)
    passed.clear()
    monkeypatch.setattr("retdsl.runtime.prepared.PreparedImages.__getitem__", lambda *_: pytest.fail("looked at"))
    monkeypatch.setattr(
        "retdsl.runtime.run.Run._read", _without_its_last_lines(experiment(photographs).network.input_shape)
    )
    again = run(photographs, tmp_path / "again", augment=FINITE)
    assert passed == []
    assert facts(again)["computed"] == 0
    assert facts(again)["found"] == facts(tmp_path / "first")["computed"]


def _without_its_last_lines(_shape):
    """`Run._read` but for its look at the size of one photograph."""
    from retdsl.runtime.reading import read_all

    return lambda _, dataset: read_all(dataset, 2, None)


@pytest.mark.parametrize("precision", [None, bf16("frozen")])
def test_lock_json_tells_the_same_of_the_engines_when_all_is_known(precision, photographs, tmp_path):
    """Who goes on with a run whose features were known has to know which engine they are of."""
    training = {"epochs": 2, "cache": features(), "precision": precision}
    study = experiment(photographs, training=training, augment=())
    found = []
    for name in ("cold", "warm"):
        assert run_program(study, ["--run", str(tmp_path / name), "--plain", "--threads", "2"]) == 0
        found.append(json.loads((tmp_path / name / "lock.json").read_text())["engines"])
    assert found[0]["frozen"].startswith("mxnet")
    assert found[0] == found[1]
    assert results(tmp_path / "cold") == results(tmp_path / "warm")


def test_what_is_half_continuous_passes_only_where_it_was_drawn(photographs, tmp_path, passed):
    run(photographs, tmp_path / "run", augment=CHAINS["half noise"], epochs=10)
    kept = sum(passed)
    passed.clear()
    run(photographs, tmp_path / "without", augment=CHAINS["half noise"], epochs=10, cache=None)
    assert 0.3 < kept / sum(passed) < 0.6


def test_draws_are_so_many_variants_of_each_photograph(photographs, tmp_path, passed):
    chain = (gaussian_noise(sigma=0.05), rotate())
    drawn = run(photographs, tmp_path / "run", augment=chain, epochs=12, cache=features(draws=3))
    count = len(experiment(photographs).data.open(photographs).samples)
    assert sum(passed) <= 3 * count
    assert facts(drawn)["draws"] == 3
    again = run(photographs, tmp_path / "again", augment=chain, epochs=12, cache=features(draws=3))
    assert results(drawn) == results(again)
    streamed = run(photographs, tmp_path / "streamed", augment=chain, epochs=12)
    assert results(drawn) != results(streamed)


def variants(steps, *, draws=None, label=1):
    augment = Augmenter(steps, ("healthy", "infected"), 7, draws)
    turns = [{"epoch": epoch, "name": "a.png", "label": label, "occurrence": 0} for epoch in range(200)]
    photo = np.random.RandomState(0).randint(0, 255, (8, 8, 3)).astype(np.uint8)
    return [(augment.variant((8, 8), **turn), augment(photo, **turn).tobytes()) for turn in turns]


@pytest.mark.parametrize(
    ("steps", "count"),
    [
        ((), 1),
        ((rotate180(),), 2),
        ((flip_horizontal(), flip_vertical()), 4),
        ((flip_horizontal(), flip_vertical(), rotate180(), flip_horizontal()), 4),
        (FINITE, 2),  # a half-turn and a mirror are a mirror the other way
        ((cutout(on=("healthy",)), rotate180()), 2),
    ],
)
def test_a_variant_is_what_the_pixels_are(steps, count):
    found = variants(steps)
    assert len({variant for variant, _ in found}) == len({pixels for _, pixels in found}) == len(set(found)) == count


def test_what_is_drawn_from_a_continuum_has_no_variant_unless_it_was_not_done():
    found = variants((gaussian_noise(p=0.5), flip_horizontal()))
    known = {variant for variant, _ in found}
    assert len(known) == 3
    assert None in known


def test_draws_change_nothing_where_all_comes_again():
    assert variants(FINITE, draws=2) == variants(FINITE)


def test_draws_are_known_again():
    found = variants((gaussian_noise(sigma=0.1), rotate()), draws=4)
    assert len(set(found)) == 4
    assert len({pixels for _, pixels in found}) == 4


def test_rows_do_not_depend_on_their_neighbours_or_their_place():
    """What the whole of it rests on."""
    frozen = trainer(network()).frozen_part
    random = np.random.RandomState(5)
    images = random.normal(0, 1, (BATCH, 3, SIDE, SIDE)).astype(np.float32)
    first = frozen(images)[0].asnumpy()
    for _ in range(5):
        order = random.permutation(BATCH)
        others = images[order]
        others[BATCH // 2 :] = random.normal(0, 1, others[BATCH // 2 :].shape)
        found = frozen(others)[0].asnumpy()
        np.testing.assert_array_equal(found[: BATCH // 2], first[order[: BATCH // 2]])
    few = frozen(images[:3])[0].asnumpy()
    np.testing.assert_array_equal(few[:3], first[:3])


def kept_files(cache: Path, suffix: str) -> list[Path]:
    """Of features."""
    return list(cache.glob(f"features/*/*{suffix}"))


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("damage", [_flip, _cut])
@pytest.mark.parametrize("suffix", [INDEX, PIXELS])
def test_damaged_features_are_computed_anew(damage, suffix, photographs, tmp_path, own_cache, passed, capsys):
    sound = run(photographs, tmp_path / "sound", augment=FINITE)
    whole = sum(passed)
    passed.clear()
    (path,) = kept_files(own_cache, suffix)
    damage(path)
    again = run(photographs, tmp_path / "again", augment=FINITE)
    assert results(again) == results(sound)
    assert 0 < sum(passed) <= whole
    if damage is _flip and suffix == PIXELS:
        assert "1 features in the cache were damaged, and have been computed anew" in capsys.readouterr().err


def test_another_version_computes_anew(photographs, tmp_path, passed, monkeypatch):
    sound = run(photographs, tmp_path / "sound", augment=FINITE)
    whole = sum(passed)
    monkeypatch.setattr(feature_feed, "COMPUTATION", 999)
    assert results(run(photographs, tmp_path / "again", augment=FINITE)) == results(sound)
    assert sum(passed) == 2 * whole


def test_a_folder_that_cannot_be_written_to(photographs, tmp_path, own_cache, passed, capsys):
    sound = run(photographs, tmp_path / "sound", augment=FINITE)
    whole = sum(passed)
    shutil.rmtree(own_cache / "features")
    (own_cache / "features").write_text("a file")
    passed.clear()
    assert results(run(photographs, tmp_path / "again", augment=FINITE)) == results(sound)
    assert sum(passed) == whole, "kept for this run"
    assert "features are kept for this run alone" in capsys.readouterr().err


def test_a_cache_that_is_full(photographs, tmp_path, passed, monkeypatch, capsys):
    sound = run(photographs, tmp_path / "sound", augment=FINITE)
    whole = sum(passed)
    shutil.rmtree(tmp_path / "cache")
    monkeypatch.setenv("RETDSL_CACHE_LIMIT", "100K")
    passed.clear()
    assert results(run(photographs, tmp_path / "again", augment=FINITE)) == results(sound)
    assert sum(passed) == whole
    assert "features beyond that are kept for this run alone" in capsys.readouterr().err


def test_no_room_anywhere(photographs, tmp_path, monkeypatch):
    sound = run(photographs, tmp_path / "sound", augment=FINITE)
    shutil.rmtree(tmp_path / "cache")
    monkeypatch.setattr("retdsl.runtime.feature_cache.FeatureCache.keep", lambda *_: None)
    assert results(run(photographs, tmp_path / "again", augment=FINITE)) == results(sound)


def test_the_cache_can_be_left_alone(photographs, tmp_path, own_cache):
    alone = run(photographs, tmp_path / "run", "--no-cache", augment=FINITE)
    assert not own_cache.exists()
    assert facts(alone)["folder"] is None


def test_another_network_has_features_of_its_own(photographs, tmp_path, passed):
    run(photographs, tmp_path / "one", augment=FINITE, epochs=1)
    whole = sum(passed)
    study = experiment(photographs, training={"epochs": 1, "seed": 8}, augment=FINITE)  # draws other weights
    assert run_program(study, ["--run", str(tmp_path / "other"), "--plain", "--threads", "2"]) == 0
    assert sum(passed) >= 2 * whole - 5


def test_another_graph_of_the_same_names_has_features_of_its_own(photographs, tmp_path, passed):
    run(photographs, tmp_path / "one", augment=(), epochs=1)
    whole = sum(passed)

    def squared(data):
        return {"relu0": sym.square(frozen_part(data)["relu0"], name="relu0")}

    run(photographs, tmp_path / "other", augment=(), epochs=1, network=network(frozen=squared))
    assert sum(passed) == 2 * whole


def test_nothing_frozen_keeps_nothing(photographs, tmp_path):
    from tiny_study import whole_part

    found = run(photographs, tmp_path / "run", network=network(frozen=None, trained=whole_part), epochs=1)
    assert facts(found) is None


def test_counts_are_those_of_all_workers() -> None:
    found = everywhere(2, lambda workers: Counts(workers.rank, 10 + workers.rank).of_all(workers))
    assert found == [{"found": 1, "computed": 21}] * 2

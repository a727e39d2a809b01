"""Checkpoints: MXNet reads them, the right ones stay, and a full disk costs none that is there."""

from __future__ import annotations

import json
import math
import pickle
import resource

import numpy as np
import pytest
from tiny_study import SIDE, network
from tiny_trainer import BATCH, batches, train

from retdsl.runtime.checkpoint import (
    Checkpoints,
    Ranking,
    Snapshot,
    best,
    best_epoch,
    every,
    load_parameters,
    params_parts,
    ranking,
)
from retdsl.runtime.errors import RunError
from retdsl.runtime.inference import Predictor, predict
from retdsl.runtime.metrics import accuracy, auc, multi_ace, sensitivity
from retdsl.runtime.mx import mx
from retdsl.runtime.network import Parameters

FC, MEAN = np.ones((2, 3), np.float32), np.zeros(2, np.float32)
SMALL = Snapshot(Parameters({"fc_weight": FC}, {"bn_mean": MEAN}), b"states")
AUC = Ranking("auc", True)


def checkpoints(folder, policy, rank=AUC):
    made = Checkpoints(folder, "net", policy, rank)
    made.start("{}")
    return made


def run(folder, policy, values, rank=AUC):
    """Offers an epoch a value; returns the epochs that are there in the end, params and states together."""
    made = checkpoints(folder, policy, rank)
    for epoch, value in enumerate(values, start=1):
        made.offer(epoch, {rank.key: value, "loss": 1.0}, lambda: SMALL, final=epoch == len(values))
        made.prune()
    made.prune(final=True)
    params = sorted(int(path.stem[-4:]) for path in folder.glob("net-*.params"))
    assert params == sorted(int(path.stem[-4:]) for path in folder.glob("net-*.states"))
    return params, made


def test_mxnet_reads_the_whole_network_and_predicts_the_same(tmp_path):
    net = network()
    trainer = train(net)
    made = checkpoints(tmp_path, every())
    made.start(net.whole_symbol((1.0, 2.0)).tojson())
    made.offer(2, {"auc": 0.5}, lambda: Snapshot(trainer.parameters(), trainer.optimizer_states()))
    symbol, arguments, auxiliary = mx.model.load_checkpoint(str(tmp_path / "net"), 2)
    module = mx.mod.Module(symbol, label_names=["softmax_label"])
    module.bind([("data", (BATCH, 3, SIDE, SIDE))], for_training=False)
    module.set_params(arguments, auxiliary)
    batch = batches()[0]
    module.forward(mx.io.DataBatch([mx.nd.array(batch.images)]), is_train=False)
    theirs = module.get_outputs()[0].asnumpy()
    ours = trainer.predict([batch]).probabilities
    np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=1e-7)
    parameters = load_parameters(made.params_path(2))
    anew = Predictor(net, parameters, BATCH)
    np.testing.assert_allclose(predict([batch], anew).probabilities, ours, rtol=1e-5, atol=1e-7)
    states = pickle.loads((tmp_path / "net-0002.states").read_bytes())
    assert set(states) == {"conv1_weight", "bn1_gamma", "bn1_beta", "fc_weight", "fc_bias"}


def test_the_params_file_is_the_one_mxnet_writes(tmp_path):
    path = str(tmp_path / "a.params")
    mx.nd.save(path, {"arg:fc_weight": mx.nd.array(FC), "aux:bn_mean": mx.nd.array(MEAN)})
    assert b"".join(params_parts(SMALL.parameters)) == (tmp_path / "a.params").read_bytes()


@pytest.mark.parametrize(
    ("policy", "kept"),
    [
        (every(1), [1, 2, 3, 4, 5, 6]),
        (every(2), [2, 3, 4, 6]),
        (every(2, from_=1), [3, 5, 6]),
        (every(4), [3, 4, 6]),
        (every(1, keep=best("auc")), [3, 6]),
        (every(3, keep=best("auc")), [3, 6]),
        (every(1, from_=3), [4, 5, 6]),
        (every(1, from_=3, keep=best("auc")), [4, 6]),
        (every(1, from_=10), [6]),
    ],
)
def test_what_is_kept(tmp_path, policy, kept):
    found, made = run(tmp_path, policy, [0.5, 0.6, 0.9, 0.8, 0.7, 0.7])
    assert found == kept
    assert made.latest == 6
    best_of = {3: 4, 10: 6}.get(policy.from_, 3)
    assert made.best.epoch == best_of
    note = json.loads((tmp_path / "best.json").read_text())
    assert note["epoch"] == best_of
    assert note["metric"] == "auc"
    assert best_epoch(tmp_path) == (best_of, tmp_path / f"net-{best_of:04d}.params")


def test_an_interrupted_run_has_the_best_and_the_last_and_those_of_the_state_before(tmp_path):
    made = checkpoints(tmp_path, every(1, keep=best("auc")))
    for epoch, value in enumerate([0.5, 0.9, 0.8, 0.7], start=1):
        assert made.offer(epoch, {"auc": value}, lambda: SMALL) == (True, epoch <= 2)
        made.prune()
    assert sorted(path.stem for path in tmp_path.glob("*.params")) == ["net-0002", "net-0003", "net-0004"]
    made.prune(final=True)
    assert sorted(path.stem for path in tmp_path.glob("*.params")) == ["net-0002", "net-0004"]


def test_equal_figures_go_to_the_lower_loss_and_undefined_ones_come_last(tmp_path):
    made = checkpoints(tmp_path, every())
    offers = [(math.nan, 0.1), (0.9, 0.5), (0.9, 0.4), (0.9, 0.4), (math.nan, 0.0)]
    for epoch, (value, loss) in enumerate(offers, start=1):
        made.offer(epoch, {"auc": value, "loss": loss}, lambda: SMALL)
    assert made.best.epoch == 3
    assert Ranking("multi_ace", False).score({"multi_ace": 0.2}) > Ranking("multi_ace", False).score({"multi_ace": 0.3})


def test_nothing_is_taken_from_the_device_when_nothing_is_saved(tmp_path):
    made = checkpoints(tmp_path, every(5))
    made.offer(1, {"auc": 0.9}, lambda: SMALL)
    assert made.offer(2, {"auc": 0.8}, lambda: pytest.fail("not needed")) == (False, False)


def test_other_files_of_the_folder_stay(tmp_path):
    (tmp_path / "net-symbol.json").write_text("{}")
    (tmp_path / "other-0001.params").write_text("")
    (tmp_path / "net2-0001.params").write_text("")
    run(tmp_path, every(1, keep=best("auc")), [0.1, 0.2, 0.3])
    assert (tmp_path / "other-0001.params").exists()
    assert (tmp_path / "net2-0001.params").exists()


def test_what_ranks():
    metrics = (sensitivity(), multi_ace(), auc(), sensitivity(at_specificity=0.9))
    assert ranking(every(), metrics) == Ranking("multi_ace", False)
    assert ranking(every(), (sensitivity(),)) == Ranking("loss", False)
    assert ranking(every(keep=best("auc")), metrics) == AUC
    assert ranking(every(keep=best("loss")), metrics) == Ranking("loss", False)
    assert ranking(every(keep=best("sensitivity_at_specificity_90")), metrics).key == "sensitivity_at_specificity_90"
    with pytest.raises(RunError) as caught:
        ranking(every(keep=best("auc")), (accuracy(),))
    assert "`best(auc)` needs the metric `auc`" in str(caught.value)


def test_a_full_disk_keeps_what_was_saved(tmp_path):
    made = checkpoints(tmp_path, every(1, keep=best("auc")))
    made.offer(1, {"auc": 0.5}, lambda: SMALL)
    big = Snapshot(Parameters({"fc_weight": np.ones(10_000, np.float32)}, {}), b"states")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # One byte short of the file, where MXNet's own writer notices nothing.
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(b"".join(params_parts(big.parameters))) - 1, before[1]))
    try:
        with pytest.raises(RunError) as caught:
            made.offer(2, {"auc": 0.9}, lambda: big)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "net-0002.params" in str(caught.value)
    assert made.latest == 1
    assert best_epoch(tmp_path)[0] == 1
    assert load_parameters(made.params_path(1))["fc_weight"].shape == (2, 3)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".") or path.name.startswith("net-0002")]


def test_a_folder_without_a_best_epoch(tmp_path):
    with pytest.raises(RunError, match="no best checkpoint"):
        best_epoch(tmp_path)

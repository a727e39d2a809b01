"""Phases of training: what is unfrozen begins to move, what was trained goes on, what is frozen stays to the bit.

The network has three convolutions, each with BatchNorm, of which the upper one joins at epoch 2 and the lower at 3.
"""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from tiny_study import SIDE, experiment, paint
from tiny_trainer import BATCH, batches, trainer

from retdsl.runtime.checkpoint import every
from retdsl.runtime.feature_cache import features
from retdsl.runtime.inference import Predictor, predict
from retdsl.runtime.losses import Softmax
from retdsl.runtime.mx import mx
from retdsl.runtime.network import Network, Phase, Pretrained
from retdsl.runtime.optimizers import adam, sgd
from retdsl.runtime.program import run_program
from retdsl.runtime.proof import fingerprint
from retdsl.runtime.schedules import cosine
from retdsl.runtime.symbols import sym
from retdsl.runtime.trainer import Trainer


def unit(x, i):
    conv = sym.Convolution(x, num_filter=4 + 2 * i, kernel=(3, 3), no_bias=True, name=f"conv{i}")
    bn = sym.BatchNorm(conv, fix_gamma=False, name=f"bn{i}")
    return sym.Activation(bn, act_type="relu", name=f"relu{i}")


def frozen_part(data):
    relu0 = unit(data, 0)
    return {"relu0": relu0, "skip": sym.Pooling(relu0, global_pool=True, pool_type="avg", kernel=(1, 1), name="skip")}


def trained_from_epoch_3(features):
    return {"relu1": unit(features["relu0"], 1), "skip": features["skip"]}


def trained_from_epoch_2(features):
    relu2 = unit(features["relu1"], 2)
    pool = sym.Pooling(relu2, global_pool=True, pool_type="avg", kernel=(1, 1), name="pool")
    return {"joined": sym.Concat(pool, features["skip"], name="joined")}


def trained_part(features):
    return sym.FullyConnected(sym.Flatten(features["joined"], name="flat"), num_hidden=2, name="fc")


def network(**changes) -> Network:
    settings = {
        "input_shape": (3, SIDE, SIDE),
        "frozen": frozen_part,
        "phases": (Phase(2, trained_from_epoch_2), Phase(3, trained_from_epoch_3)),
        "trained": trained_part,
        "loss": Softmax(),
    }
    return Network(**{**settings, **changes})


def of(*units):
    return {f"{kind}{i}_{role}" for i in units for kind, role in ROLES}


ROLES = (("conv", "weight"), ("bn", "gamma"), ("bn", "beta"), ("bn", "moving_mean"), ("bn", "moving_var"))
HEAD = {"fc_weight", "fc_bias"}
FROZEN = {1: of(0, 1, 2), 2: of(0, 1), 3: of(0), 4: of(0)}
CUTS = {1: ("joined",), 2: ("relu1", "skip"), 3: ("relu0", "skip"), 4: ("relu0", "skip")}


def through(made, epochs=4, each=lambda _: None):
    for epoch in range(1, epochs + 1):
        if epoch in (2, 3):
            made.begin_phase(epoch)
        made.train_epoch(epoch, batches())
        each(epoch)
    return made


@pytest.mark.parametrize("optimizer", [sgd(lr=0.05, momentum=0.9, wd=1e-4), adam(lr=0.01)])
def test_in_every_phase_what_is_trained_moves_and_what_is_frozen_does_not(optimizer):
    made = trainer(network(), optimizer=optimizer, weights=None, epochs=4)
    values = [made.parameters().all()]

    def compare(epoch):
        values.append(made.parameters().all())
        for name, before in values[epoch - 1].items():
            assert (before == values[epoch][name]).all() == (name in FROZEN[epoch]), (epoch, name)
        assert set(made.frozen().all()) == FROZEN[epoch]
        assert made.cuts == CUTS[epoch]

    through(made, each=compare)


def test_repeats_to_the_bit():
    runs = [through(trainer(network(), weights=None, epochs=4)).parameters().all() for _ in range(2)]
    for name, value in runs[0].items():
        np.testing.assert_array_equal(value, runs[1][name], err_msg=name)


def test_below_the_lowest_trained_layer_nothing_is_bound_for_training():
    made = trainer(network(), weights=None)

    def look(epoch):
        for executor in made._trained._executors.values():
            given = {name for name, array in executor.grad_dict.items() if array is not None}
            assert given == (of(0, 1, 2) | HEAD) - FROZEN[epoch] - moving

    moving = {f"bn{i}_{role}" for i in range(3) for role in ("moving_mean", "moving_var")}
    through(made, each=look)


def test_the_optimizer_remembers_what_goes_on_and_starts_afresh_with_what_joins():
    made = trainer(network(), weights=None)
    made.train_epoch(1, batches())
    before = pickle.loads(made.optimizer_states())
    made.begin_phase(2)
    after = pickle.loads(made.optimizer_states())
    assert set(before) == set(after) == HEAD
    for name in HEAD:
        np.testing.assert_array_equal(before[name].asnumpy(), after[name].asnumpy())
    made.train_epoch(2, batches())
    assert set(pickle.loads(made.optimizer_states())) == HEAD | {"conv2_weight", "bn2_gamma", "bn2_beta"}


def test_a_phase_in_which_nothing_joins_changes_nothing():
    """As a phase that begins, so that all that is bound anew, kept and counted is seen not to matter."""
    plain = network(phases=(), frozen=network()._at(1).frozen)
    idle = network(phases=(Phase(2), Phase(3)), frozen=network()._at(1).frozen)
    schedule = cosine(warmup=0.5)
    one = trainer(plain, weights=None, epochs=4, schedule=schedule, optimizer=adam(lr=0.01))
    for epoch in range(1, 5):
        one.train_epoch(epoch, batches())
    other = through(trainer(idle, weights=None, epochs=4, schedule=schedule, optimizer=adam(lr=0.01)))
    for name, value in one.parameters().all().items():
        np.testing.assert_array_equal(value, other.parameters().all()[name], err_msg=name)


def test_the_schedule_goes_on_for_what_joins_later():
    """Plain gradient descent moves what joins by the rate of the step, not by that of its own first step.

    MXNet updates four arrays at a time, the lowest first, so that all of the first four must have joined.
    """
    made = trainer(network(), weights=None, epochs=4, optimizer=sgd(lr=0.1), schedule=cosine(warmup=2))
    made.train_epoch(1, batches())
    made.begin_phase(3)
    before = made.parameters().arguments
    [batch] = batches(count=BATCH)
    made.train_epoch(2, [batch])
    gradients = {name: array.asnumpy() for name, array in made._gradients.arrays.items()}
    rate = made._recipe.learning_rate(4)
    assert rate != made._recipe.learning_rate(3) != made._recipe.learning_rate(1)
    for name in ("conv1_weight", "conv2_weight", "fc_weight"):
        step = before[name] - made.parameters().arguments[name]
        np.testing.assert_allclose(step, rate * gradients[name] / BATCH, rtol=1e-4, atol=1e-7, err_msg=name)


def test_predictions_follow_the_parameters_in_every_phase():
    net = network()
    made = trainer(net, weights=None, optimizer=sgd(lr=0.2))

    def look(_):
        found = made.predict(batches(count=21, seed=5))
        anew = Predictor(net, made.parameters().all(), BATCH)
        expected = predict(batches(count=21, seed=5), anew)
        np.testing.assert_allclose(found.probabilities, expected.probabilities, rtol=1e-4, atol=1e-6)

    through(made, each=look)


@pytest.mark.parametrize("frozen", [("conv2_weight", "bn2_*"), ("bn1_*",), ("conv1_weight",)])
def test_gradients_through_what_is_frozen_are_those_of_the_whole_network(frozen):
    """Compared with MXNet's own gradient of the whole symbol, bound for training in one piece."""
    net = network(frozen_parameters=frozen, phases=(), frozen=None, trained=_all)
    made = trainer(net, weights=None, optimizer=sgd(lr=1e-9))
    [batch] = batches(count=BATCH)
    start = made.parameters()
    made.train_epoch(1, [batch])
    found = {name: array.asnumpy() for name, array in made._gradients.arrays.items()}

    whole = mx.sym.load_json(net.whole_symbol(None).tojson())
    given = {"data": batch.images, "softmax_label": batch.labels, **start.arguments}
    arguments = {name: mx.nd.array(given[name]) for name in whole.list_arguments()}
    auxiliary = [mx.nd.array(start.auxiliary[name]) for name in whole.list_auxiliary_states()]
    gradients = {name: mx.nd.zeros_like(array) for name, array in arguments.items() if name in start.arguments}
    executor = whole.bind(mx.cpu(), arguments, args_grad=gradients, grad_req="write", aux_states=auxiliary)
    executor.forward(is_train=True)
    executor.backward()
    kept = {name for name in gradients if any(_matches(name, pattern) for pattern in frozen)}
    assert set(found) == set(gradients) - kept
    for name, gradient in found.items():
        expected = gradients[name].asnumpy()
        scale = max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(gradient / scale, expected / scale, rtol=0, atol=1e-5, err_msg=name)


def _all(features):
    below = trained_from_epoch_3(frozen_part(features["data"]))
    return trained_part(trained_from_epoch_2(below))


def _matches(name, pattern):
    return name.startswith(pattern.rstrip("*"))


def test_frozen_batch_norm_uses_its_statistics_until_it_is_trained():
    net = network(
        frozen=None,
        trained=_all,
        frozen_parameters=("*2_*",),
        phases=(Phase(2, frozen_parameters=("bn2_*",)), Phase(3)),
    )
    attributes = {epoch: net.whole_symbol(None, epoch).attr_dict() for epoch in (1, 2, 3)}
    used = [attributes[epoch]["bn2"].get("use_global_stats") for epoch in (1, 2, 3)]
    assert used == ["True", "True", None]
    made = trainer(net, weights=None)
    moved = []
    for epoch in (1, 2, 3):
        made.begin_phase(epoch)
        before = made.parameters().all()
        made.train_epoch(epoch, batches())
        after = made.parameters().all()
        moved.append({name for name in before if (before[name] != after[name]).any()} & of(2))
    assert moved == [set(), {"conv2_weight"}, of(2)]


def test_a_scale_that_is_fixed_is_1_from_the_start_so_that_mxnet_does_not_make_it_so():
    """Old checkpoints hold other numbers there, which MXNet overwrites wherever it trains something below."""
    net = network(frozen=None, trained=_all_with_fixed_scales, frozen_parameters=("bn2_*",), phases=())
    values = {name: np.full(s, 0.5, "f4") for shapes in net.shapes(net.deploy_symbol()) for name, s in shapes.items()}
    net = replace(net, pretrained=(Pretrained(Given(values)),))
    made = trainer(net, weights=None)
    before = made.frozen().all()
    made.train_epoch(1, batches())
    after = made.frozen().all()
    assert (before["bn2_gamma"] == 1).all()
    assert (made.parameters().arguments["bn1_gamma"] != 1).any(), "one that is learned is not touched"
    for name, value in before.items():
        np.testing.assert_array_equal(value, after[name], err_msg=name)


class Given:
    """A source that gives what it holds."""

    def __init__(self, values):
        self.values = values

    def load(self, names, folder=None, root=None):  # noqa: ARG002 (as every source)
        return {name: self.values[name].copy() for name in names}


def _all_with_fixed_scales(features):
    x = unit(features["data"], 1)
    conv = sym.Convolution(x, num_filter=4, kernel=(3, 3), name="conv2")
    bn = sym.BatchNorm(conv, fix_gamma=True, name="bn2")
    return sym.FullyConnected(sym.Flatten(bn, name="flat"), num_hidden=2, name="fc")


def test_a_batch_norm_that_is_fused_with_its_activation_keeps_its_statistics_while_it_is_frozen():
    def part(features):
        conv = sym.Convolution(features["data"], num_filter=4, kernel=(3, 3), name="conv2")
        bn = sym.contrib.BatchNormWithReLU(conv, name="bn2")
        return sym.FullyConnected(sym.Flatten(bn, name="flat"), num_hidden=2, name="fc")

    made = trainer(network(frozen=None, trained=part, frozen_parameters=("bn2_*",), phases=()), weights=None)
    before = made.frozen().all()
    assert set(before) == {f"bn2_{role}" for role in ("gamma", "beta", "moving_mean", "moving_var")}
    made.train_epoch(1, batches())
    for name, value in made.frozen().all().items():
        np.testing.assert_array_equal(before[name], value, err_msg=name)


# --- whole runs


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    return paint(tmp_path_factory.mktemp("photographs"))


def run(photographs, folder, *, cache=features(), **changes):  # noqa: B008 (frozen)
    training = {"epochs": 4, "checkpoint": every(1), "cache": cache}
    study = experiment(photographs, network=network(**changes), training=training)
    return run_program(study, ["--run", str(folder), "--plain", "--threads", "2"])


def locked(folder):
    return json.loads((folder / "lock.json").read_text())["frozen"]


def loaded(folder, epoch):
    symbol, arguments, auxiliary = mx.model.load_checkpoint(str(folder / "checkpoints" / "tiny"), epoch)
    return symbol, {name: array.asnumpy() for name, array in {**arguments, **auxiliary}.items()}


@pytest.fixture(scope="module")
def done(photographs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "phases"
    assert run(photographs, folder) == 0
    return folder


def test_the_lock_has_every_phase_and_the_checkpoints_bear_it_out(done):
    phases = locked(done)
    assert [phase["epochs"] for phase in phases] == [[1, 1], [2, 2], [3, 4]]
    assert [(phase["parameters"], phase["statistics"]) for phase in phases] == [(9, 6), (6, 4), (3, 2)]
    assert "names" not in phases[0]
    for phase in phases:
        first, last = phase["epochs"]
        frozen = FROZEN[first]
        assert set(phase.get("names", frozen)) == frozen
        assert phase["sha256"]["before"] == phase["sha256"]["after"]
        _, values = loaded(done, last)
        assert fingerprint({name: values[name] for name in frozen}).sha256 == phase["sha256"]["after"]


def test_the_symbol_of_the_checkpoints_is_that_of_the_last_phase_and_predicts_for_all(done):
    net = network()
    for epoch in (1, 4):
        symbol, values = loaded(done, epoch)
        assert symbol.tojson() == net.whole_symbol(None, 4).tojson()
        [batch] = batches(count=BATCH)
        data = {"data": mx.nd.array(batch.images), "softmax_label": mx.nd.array(batch.labels)}
        arrays = {name: mx.nd.array(value) for name, value in values.items()}
        given = {name: {**data, **arrays}[name] for name in symbol.list_arguments()}
        aux = {name: arrays[name] for name in symbol.list_auxiliary_states()}
        executor = symbol.bind(mx.cpu(), given, grad_req="null", aux_states=aux)
        [found] = executor.forward(is_train=False)
        deploy = Predictor(net, values, BATCH)
        np.testing.assert_allclose(found.asnumpy(), deploy(batch.images).asnumpy(), rtol=1e-4, atol=1e-6)


def test_keeping_features_changes_no_figure_in_any_phase(done, photographs, tmp_path):
    assert run(photographs, tmp_path / "run", cache=None) == 0
    for epoch in (1, 2, 3, 4):
        name = f"checkpoints/tiny-{epoch:04d}.params"
        assert (tmp_path / "run" / name).read_bytes() == (done / name).read_bytes()
    figures = [
        [json.loads(line)["valid"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
        for folder in (done, tmp_path / "run")
    ]
    assert figures[0] == figures[1]


def test_a_phase_that_training_does_not_reach_is_left_out(photographs, tmp_path):
    assert (
        run(photographs, tmp_path / "run", phases=(Phase(2, trained_from_epoch_2), Phase(9, trained_from_epoch_3))) == 0
    )
    assert [phase["epochs"] for phase in locked(tmp_path / "run")] == [[1, 1], [2, 4]]


def test_statistics_that_drift_fail_the_run(photographs, tmp_path, monkeypatch, capsys):
    """A frozen BatchNorm behind something trained that is not told to use its statistics: MXNet moves them."""
    monkeypatch.setattr("retdsl.runtime.network._keep_statistics", lambda *_: None)
    frozen = {"phases": (), "frozen": None, "trained": _all, "frozen_parameters": ("*1_*", "bn2_*")}
    assert run(photographs, tmp_path / "run", **frozen) == 1
    said = capsys.readouterr().err
    assert "what is frozen changed in epochs 1 to 4: `bn1_moving_mean` and 3 more" in said
    [phase] = locked(tmp_path / "run")
    assert phase["sha256"]["before"] != phase["sha256"]["after"]


def test_an_update_that_should_not_be_fails_the_run_at_the_end_of_the_phase(photographs, tmp_path, monkeypatch, capsys):
    plain = Trainer.train_epoch

    def meddling(self, epoch, *rest, **more):
        outcome = plain(self, epoch, *rest, **more)
        if epoch == 2:
            self._arguments["conv0_weight"][0] += 1e-3
        return outcome

    monkeypatch.setattr(Trainer, "train_epoch", meddling)
    assert run(photographs, tmp_path / "run") == 1
    assert "what is frozen changed in epoch 2: `conv0_weight`" in capsys.readouterr().err
    phases = locked(tmp_path / "run")
    assert [phase["epochs"] for phase in phases] == [[1, 1], [2, 2]]
    assert [phase["sha256"]["before"] == phase["sha256"]["after"] for phase in phases] == [True, False]


def test_before_a_phase_ends_the_lock_has_no_answer(photographs, tmp_path, monkeypatch):
    seen = []
    plain = Trainer.train_epoch

    def looking(self, epoch, *rest, **more):
        seen.append([phase["sha256"]["after"] is not None for phase in locked(tmp_path / "run")])
        return plain(self, epoch, *rest, **more)

    monkeypatch.setattr(Trainer, "train_epoch", looking)
    assert run(photographs, tmp_path / "run") == 0
    assert seen == [[False], [True, False], [True, True, False], [True, True, False]]


def test_what_is_frozen_is_copied_once_a_phase():
    made = trainer(network(), epochs=2)
    one, two = (made.judged_parameters().all() for _ in range(2))
    frozen = {name for name in one if one[name] is two[name]}
    assert frozen == {*made.frozen().all()}
    with pytest.raises(ValueError, match="read-only"):
        one[min(frozen)][:] = 0
    made.begin_phase(2)
    made.train_epoch(2, batches())
    later = made.judged_parameters().all()
    assert later["conv2_weight"].tobytes() != one["conv2_weight"].tobytes()
    assert all(later[name].tobytes() == one[name].tobytes() for name in made.frozen().all())

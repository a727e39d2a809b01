"""All passes together: what they are called, what they tell, and that results do not depend on them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from spec_texts import TINY, carried_out, checked, experiment, program
from tiny_trainer import batches, train

from retdsl import cli, compiler
from retdsl.compiler import Refused, passes_named
from retdsl.engines.mxnet import emit_program
from retdsl.ir import Execution, to_json
from retdsl.passes import ALL, PASSES, run, tell
from retdsl.program_json import program_of
from retdsl.runtime.folding import Predicting
from retdsl.runtime.optimizers import sgd

DEEP = """
data eyes { source = synthetic_fundus(60)  classes = [healthy, infected]  image = photo => resize(32, 32) }
block unit(filters, name) =
  Convolution(filters, kernel = 3, stride = 2, pad = 1, no_bias = true, name = "{name}_conv")
    => BatchNorm(fix_gamma = false, name = "{name}_bn")
    => Activation(relu, name = "{name}_relu")
block trunk() = unit(6, name = "a") => Dropout(30%, name = "inside") => unit(8, name = "b") => unit(8, name = "c")
backbone body = trunk(weights = "body.params")
model net =
  body => Pooling(global_pool = true, pool_type = avg) => Flatten => Dropout(20%) => FullyConnected(2) => Softmax
"""
FREEZING = {
    "a prefix": "freeze = body",
    "phases": "freeze = [body, unfreeze(c, at_epoch = 2), unfreeze(body[inside ..], at_epoch = 3)]  epochs = 4",
    "above what is trained": "freeze = body[b_conv .. b_relu]",
    "nothing": "",
}


def network(keys: str, names, folder):
    text = f"{DEEP}\ntrain t {{ model = net  data = eyes  {keys} }}"
    namespace = {"__name__": "program", "__file__": str(folder / "train.py")}
    exec(emit_program(carried_out(experiment(text, root=folder), names)), namespace)
    found = namespace["EXPERIMENT"].network
    return type(found)(**{**vars(found), "pretrained": ()})


@pytest.mark.parametrize("freezing", FREEZING)
def test_trained_values_do_not_depend_on_them(freezing: str, tmp_path):
    """Split and whole, folded and plain, fused and layer after layer: the same after epochs of training."""
    epochs = 4 if freezing == "phases" else 2
    found = {}
    for names in ((), ("split",), ALL):
        net = network(FREEZING[freezing], names, tmp_path)
        made = train(net, epochs=1, optimizer=sgd(lr=0.05, momentum=0.9, wd=1e-3), data=batches(shape=(3, 32, 32)))
        for epoch in range(2, epochs + 1):
            if epoch in net.phase_starts():
                made.begin_phase(epoch)
            made.train_epoch(epoch, batches(shape=(3, 32, 32)))
        found[names] = made.parameters().all(), made.predict(batches(shape=(3, 32, 32))).probabilities
    values, answers = found[()]
    for other, its_answers in (found["split",], found[ALL]):
        assert values.keys() == other.keys()
        for name, value in values.items():
            np.testing.assert_allclose(other[name], value, rtol=1e-5, atol=1e-5, err_msg=name)
        np.testing.assert_allclose(its_answers, answers, atol=1e-5)


def test_without_any_nothing_is_cut_off_nor_joined(tmp_path):
    net = network(FREEZING["a prefix"], (), tmp_path)
    assert net.frozen is None
    assert net.resting == ("inside",)
    assert net.predicting == Predicting(fused=False)
    assert {"a_conv_weight", "a_bn_moving_mean"} <= set(net.frozen_parameters)


def test_names_are_unique_and_stand_in_the_program():
    assert len(set(ALL)) == len(ALL) == len(PASSES)
    done = run(program(TINY), ("fold", "split"))
    assert done.experiments[0].execution.passes == ("split", "fold")
    assert 'passes=("split", "fold")' in emit_program(done.experiments[0])


def test_they_change_nothing_that_a_study_means():
    before, after = program(TINY), run(program(TINY))
    for one, other in zip(before.experiments, after.experiments, strict=True):
        assert one.execution == Execution() != other.execution
        assert {n: getattr(one, n) for n in one.__slots__ if n != "execution"} == {
            n: getattr(other, n) for n in other.__slots__ if n != "execution"
        }
    assert run(after) == after, "twice is once"
    assert program_of(json.loads(json.dumps(to_json(after)))) == after


@pytest.mark.parametrize("names", [ALL, ("split",), ("share", "fold")])
def test_every_one_tells_what_it_has_done_to_each_experiment(names):
    spec = TINY + "train second from tiny { epochs = 1 }"
    told = tell(program(spec), names)
    assert {(one.name, one.experiment) for one in told} == {(n, e) for n in names for e in ("tiny", "second")}
    assert all(one.text.endswith(".") for one in told)


def test_names_on_the_command_line():
    assert passes_named(None) == passes_named("all") == ALL
    assert passes_named("none") == ()
    assert passes_named("fold, split") == ("split", "fold")


@pytest.mark.parametrize(("given", "help"), [("spilt", "`split`"), ("split,none,fold", "`none`"), ("xyz", "there are")])
def test_a_name_that_there_is_not(given: str, help: str):
    with pytest.raises(Refused) as refused:
        passes_named(given)
    assert help in refused.value.help


def test_compile_explains(tmp_path, capsys):
    (tmp_path / "tiny.retina").write_text(TINY)
    assert cli.main(["compile", str(tmp_path / "tiny.retina"), "--explain", "--passes=split,fold"]) == 0
    said = capsys.readouterr().err
    assert "2 of 2 BatchNorms" in said
    assert "off: branches, idle, fuse, share" in said
    assert [*tmp_path.iterdir()] == [tmp_path / "tiny.retina"]
    assert cli.main(["compile", str(tmp_path / "tiny.retina")]) == 2


def explained(tmp_path, capsys, blocks: str) -> str:
    (tmp_path / "deep.retina").write_text(f"{DEEP}\ntrain t {{ model = net  data = eyes  freeze = body }}\n{blocks}")
    assert cli.main(["compile", str(tmp_path / "deep.retina"), "--explain"]) == 0
    return capsys.readouterr().err


def test_what_is_true_of_several_experiments_is_told_once(tmp_path, capsys):
    said = explained(tmp_path, capsys, "train u from t { seed = 2 }\ntrain v from t { freeze = none }")
    assert "\nt: net on eyes\nu: net on eyes\npass " in said
    assert said.count("Cut behind") == 1
    assert said.count("Nothing is frozen") == 1
    assert all(line == line.rstrip() for line in said.splitlines())


def test_nothing_is_said_to_be_kept_where_the_spec_keeps_nothing(tmp_path, capsys):
    said = explained(tmp_path, capsys, "train u from t { cache = none }")
    assert said.count("computed once") == 1
    assert "Keeps no features, as `cache = none` wants it." in " ".join(said.split())


def test_what_a_program_shares_is_found_among_all_experiments_of_its_file(tmp_path):
    spec = f"{DEEP}\ntrain t {{ model = net  data = eyes  freeze = body }}\ntrain u from t {{ epochs = 2 }}"
    found = checked(spec, tmp_path).program
    assert found is not None
    train_py = compiler.compile_experiment(found, found.experiments[1], tmp_path / "u", None)
    kept = program_of(json.loads((train_py.parent / "program.json").read_text()))
    assert kept.experiments[0].execution.shares_features_with == ("t",)

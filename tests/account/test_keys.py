"""Experiments written out: what stands where, and where it says that it comes from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from spec_texts import program

from retdsl.account.keys import as_json, written_out
from retdsl.check import check_source
from retdsl.compiler import overrides
from retdsl.diagnostics import Diagnostics
from retdsl.ir import Experiment
from retdsl.schema.training import TRAIN_KEYS
from retdsl.source import Source

STUDY = (Path(__file__).resolve().parents[2] / "specs/study/three_answers.retina").read_text()
MORE = """
train wild from refreshed {
  batch = 64  optimizer = adam(0.005, wd = 0.01)
  metrics = [accuracy, multi_ace, balanced_accuracy, auc, sensitivity(at_specificity = 90%)]
}
"""


def experiment(text: str, name: str) -> Experiment:
    return next(e for e in program(text).experiments if e.name == name)


def lines(found: Experiment) -> list[str]:
    return [code + comment for code, comment in written_out(found)]


def test_every_key_stands_there_with_its_origin() -> None:
    assert (
        "\n".join(lines(experiment(STUDY, "refreshed")))
        == """\
train refreshed {  # test.retina:48
  model      = plain                                        # from balanced:47
  data       = fundus                                       # from penalised:36
  fold       = none                                         # default
  freeze     = eyes                                         # from penalised:37
  sampling   = resampled                                    # line 48
             # overrides subset of balanced:47
  augment    = gentle                                       # line 48
  optimizer  = sgd(lr = 0.01, momentum = 0.9, wd = 0.0001)  # from penalised:38
  schedule   = cosine(warmup = 2)                           # from penalised:39
  epochs     = 100                                          # from penalised:40
  batch      = 32                                           # from penalised:41
  last_batch = keep                                         # default
  views      = none                                         # default
  accumulate = 1                                            # default
  clip       = none                                         # default
  average    = none                                         # default
  precision  = none                                         # default
  metrics    = [accuracy, multi_ace, auc, sensitivity(at_specificity = 90%)]
                                                            # from penalised:42
  checkpoint = every(n = 1, keep = best(auc))               # from penalised:43
  validate   = none                                         # default
  stop       = none                                         # default
  log        = none                                         # default
  devices    = none                                         # default
  cache      = features                                     # default
  seed       = 7                                            # from penalised:44
}"""
    )


def test_what_is_set_overrides_the_nearest_and_is_not_told_twice() -> None:
    found = lines(experiment(STUDY + MORE, "wild"))
    assert "  batch      = 64                                   # line 51" in found
    assert "             # overrides 32 of penalised:41" in found
    assert not any("overrides subset" in line for line in found)
    [cut] = [line for line in found if "overrides [accuracy, multi_ace" in line]
    assert cut.endswith("… of penalised:42")
    assert len(cut) == 80


@pytest.mark.parametrize("name", ["penalised", "balanced", "refreshed", "wild"])
def test_lines_fit_a_terminal_and_end_in_no_blank(name: str) -> None:
    for line in lines(experiment(STUDY + MORE, name)):
        assert len(line) <= 80
        assert line == line.rstrip()


def test_a_long_list_is_broken_between_its_items() -> None:
    found = lines(experiment(STUDY + MORE, "wild"))
    at = next(at for at, line in enumerate(found) if "metrics" in line)
    assert found[at] == "  metrics    = [accuracy, multi_ace, balanced_accuracy, auc,"
    assert found[at + 1].startswith("                sensitivity(at_specificity = 90%)]")


def test_a_default_says_so() -> None:
    assert any(
        line.split() == ["augment", "=", "none", "#", "default"] for line in lines(experiment(STUDY, "penalised"))
    )


def test_a_value_from_the_command_line_says_so_and_what_it_overrides() -> None:
    settings = overrides(["epochs=2"], Diagnostics())
    checked = check_source(Source("test.retina", STUDY), Path(), settings)
    assert checked.program is not None
    first, second = checked.program.experiments[:2]
    said = [line.split() for line in lines(first)]
    assert ["epochs", "=", "2", "#", "--set"] in said
    assert ["#", "overrides", "100", "in", "line", "40"] in said
    assert ["#", "overrides", "100", "of", "penalised:40"] in [line.split() for line in lines(second)]
    key = next(key for key in as_json(second)["keys"] if key["key"] == "epochs")
    assert (key["from"], key["overrides"]["value"], key["overrides"]["block"]) == ("--set", "100", "penalised")


def test_a_block_of_another_file_is_named_with_it(tmp_path: Path) -> None:
    (tmp_path / "base.retina").write_text(STUDY)
    text = 'use "base.retina"\ntrain mine from penalised { batch = 8 }\n'
    checked = check_source(Source("mine.retina", text, tmp_path / "mine.retina"), tmp_path)
    assert checked.program is not None
    mine = next(e for e in checked.program.experiments if e.name == "mine")
    found = lines(mine)
    assert found[0] == "train mine {  # mine.retina:2"
    assert any(line.endswith("# from penalised (base.retina:40)") for line in found)
    assert "             # overrides 32 of penalised (base.retina:41)" in found
    assert all(len(line) <= 80 for line in found)


def test_the_json_has_every_key_once() -> None:
    found = as_json(experiment(STUDY, "balanced"))
    assert json.loads(json.dumps(found)) == found
    keys = {key["key"]: key for key in found["keys"]}
    assert len(keys) == len(found["keys"]) == len([o for o in TRAIN_KEYS.options if o.name != "rate"])
    assert keys["model"] == {
        "key": "model",
        "value": "plain",
        "from": "here",
        "block": "balanced",
        "file": "test.retina",
        "line": 47,
        "overrides": {
            "key": "model",
            "value": "weighted",
            "from": "parent",
            "block": "penalised",
            "file": "test.retina",
            "line": 35,
        },
    }
    assert keys["augment"] == {"key": "augment", "value": "none", "from": "default"}


RATES = """
train tuned from refreshed { rate(head) = 10x  freeze = none  rate(eyes) = 0.1x }
train gentle_tuned from tuned { rate(eyes) = 0.01x  rate("blocks_1*") = 0.001x }
"""


def test_the_rate_of_each_part_is_a_key_of_its_own() -> None:
    found = [line.split() for line in lines(experiment(STUDY + RATES, "gentle_tuned"))]
    assert ["rate(head)", "=", "10x", "#", "from", "tuned:50"] in found
    assert ["rate(eyes)", "=", "0.01x", "#", "line", "51"] in found
    assert ["#", "overrides", "0.1x", "of", "tuned:50"] in found
    assert ['rate("blocks_1*")', "=", "0.001x", "#", "line", "51"] in found

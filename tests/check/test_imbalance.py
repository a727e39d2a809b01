"""What the network sees of each class, against the runtime; and what is said of it, with the numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from study_texts import check, edited

from retdsl.balance.counts import Side
from retdsl.balance.prior import class_weights, seen_by_network
from retdsl.diagnostics import Diagnostic
from retdsl.diagnostics.render import render_text
from retdsl.ir import Call, Loss, Place, Value
from retdsl.runtime import class_weights as runtime_weights
from retdsl.runtime import sampling as runtime_sampling
from retdsl.runtime.drawing import Pool

counts = st.lists(st.integers(1, 300), min_size=2, max_size=4).map(tuple)
METRICS = ("[accuracy, auc, sensitivity(at_specificity = 90%)]", "[auc]")


def loss(kind: str = "WSoftmax", weights: Value = None) -> Loss:
    return Loss("softmax", kind, (("weights", weights),), "fc", Place("", 1, 1))


def policy(name: str, **options: Value) -> Call:
    return Call(name, tuple(options.items()))


@given(labels=counts, beta=st.floats(0, 0.999999999))
def test_weights_are_those_of_the_runtime(labels: tuple[int, ...], beta: float) -> None:
    classes = len(labels)
    for rule, call in (
        (runtime_weights.inverse_frequency(), Call("inverse_frequency")),
        (runtime_weights.effective_number(beta), Call("effective_number", (("beta", beta),))),
    ):
        assert class_weights(loss(weights=call), classes, labels) == rule.weights(labels)
    assert class_weights(loss(weights=(1.0, 2.0)), 2, None) == (1.0, 2.0)
    assert class_weights(loss("Softmax"), classes, labels) == (1.0,) * classes


@given(labels=counts, size=st.none() | st.integers(50, 500))
def test_the_effective_prior_is_the_share_of_the_weight_of_an_epoch(labels: tuple[int, ...], size: int | None) -> None:
    call = policy("resample", ratio=None, each="epoch", size=size)
    rule = runtime_weights.inverse_frequency()
    pool = np.repeat(np.arange(len(labels)), labels)
    epoch = pool[runtime_sampling.resample(size=size).epoch(Pool(pool), 1, 1)]
    weighed = np.bincount(epoch, weights=np.array(rule.weights(labels))[epoch], minlength=len(labels))
    seen = seen_by_network(call, loss(weights=Call("inverse_frequency")), len(labels), Side(labels))
    assert seen.effective == pytest.approx(tuple(weighed / weighed.sum()))


def test_some_of_it_is_known_without_the_counts() -> None:
    balanced = seen_by_network(policy("resample", ratio=(1, 3), each="epoch", size=None), loss("Softmax"), 2, None)
    assert (balanced.drawn, balanced.effective) == (None, (0.25, 0.75))
    weighed = seen_by_network(policy("natural"), loss(weights=Call("inverse_frequency")), 2, None)
    assert (weighed.weights, weighed.effective) == (None, (0.5, 0.5))
    assert seen_by_network(policy("natural"), loss("Softmax"), 2, None).effective is None
    assert seen_by_network(policy("natural"), loss("Softmax"), 2, Side((5, 0))).effective is None


def counted(numbers: str, head: str, sampling: str, *more: tuple[str, str]) -> list[Diagnostic]:
    """The messages about a study of so many photographs, with this loss and this sampling ("" for none)."""
    return list(
        check(
            edited(
                ("[healthy, infected]\n", f"[healthy, infected]\n  counts  = {numbers}\n"),
                ("=> Softmax", f"=> {head}"),
                ("  sampling   = fresh\n", f"  sampling   = {sampling}\n" if sampling else ""),
                *(more or (METRICS,)),
            )
        ).diagnostics
    )


@pytest.mark.parametrize(
    ("numbers", "head", "sampling", "codes"),
    [
        # the three answers, each alone
        ("45000 : 675", "WSoftmax(weights = inverse_frequency)", "", []),
        ("45000 : 675", "Softmax", "balanced_subset", []),
        ("45000 : 675", "Softmax", "resample(ratio = 1 : 1)", []),
        ("45000 : 675", "WSoftmax([1, 66.7])", "natural", []),
        ("45000 : 675", "WSoftmax(weights = effective_number(beta = 0.9999))", "", []),
        # two at once
        ("45000 : 675", "WSoftmax(weights = inverse_frequency)", "balanced_subset", ["R707"]),
        ("45000 : 675", "WSoftmax([1, 66.7])", "resample", ["R707"]),
        ("45000 : 675", "FocalSoftmax(weights = inverse_frequency)", "resample(ratio = 4 : 1)", ["R707"]),
        # half of each, and a wish
        ("45000 : 675", "WSoftmax([1, 8])", "resample(ratio = 8 : 1)", []),
        ("45000 : 675", "WSoftmax([1, 2])", "resample(ratio = 1 : 1)", []),
        ("45000 : 675", "Softmax", "resample(ratio = 1 : 5)", []),
        ("45000 : 675", "WSoftmax([1, 200])", "natural", []),
        ("45000 : 675", "WSoftmax(weights = inverse_frequency)", "oversample", ["R707"]),
        ("45000 : 675", "WSoftmax(weights = inverse_frequency)", "class_aware", ["R707"]),
        ("45000 : 675", "WSoftmax(weights = inverse_frequency)", "progressive(epochs = 2)", ["R707"]),
        ("45000 : 675", "WSoftmax(weights = inverse_frequency)", "hard(20%, of = resample)", ["R707"]),
        # where the sampling goes is what counts, and not where it comes from
        (
            "45000 : 675",
            "WSoftmax(weights = inverse_frequency)",
            "progressive(from = 1 : 1, to = natural, epochs = 2)",
            [],
        ),
        ("45000 : 675", "WSoftmax(weights = inverse_frequency)", "hard(20%)", []),
        ("45000 : 675", "WSoftmax(weights = inverse_frequency)", "natural(size = 700)", []),
        # each alone
        ("45000 : 675", "Softmax", "oversample", []),
        ("45000 : 675", "Softmax", "class_aware(size = 200)", []),
        ("45000 : 675", "Softmax", "progressive(epochs = 3)", []),
        ("45000 : 675", "Softmax", "progressive(epochs = 30)", ["R621"]),
        ("45000 : 675", "Softmax", "hard(20%, of = natural)", []),
        ("45000 : 675", "Softmax", "resample(by = patient)", []),
        # an epoch without a class
        ("45000 : 675", "Softmax", "natural(size = 20)", ["R606"]),
        ("45000 : 675", "Softmax", "class_aware(size = 1)", ["R606"]),
        ("45000 : 675", "Softmax", "progressive(epochs = 2, size = 20)", ["R606"]),
        # the wrong way round
        ("45000 : 675", "WSoftmax([66.7, 1])", "hard(20%)", ["R708"]),
        ("45000 : 675", "WSoftmax([66.7, 1])", "natural", ["R708"]),
        ("675 : 45000", "WSoftmax([1, 66.7])", "natural", ["R708"]),
        ("45000 : 675", "FocalSoftmax(gamma = 2, weights = [0.75, 0.25])", "", ["R708"]),
        ("45000 : 675", "FocalSoftmax(gamma = 2, weights = [0.75, 0.25])", "resample", ["R708"]),
        ("45000 : 675", "WSoftmax([3, 1])", "resample(ratio = 1 : 3)", []),
        ("45000 : 675", "FocalSoftmax(gamma = 2, weights = [0.25, 0.75])", "", []),
        # nothing at all
        ("45000 : 675", "Softmax", "", ["R710"]),
        ("45000 : 675", "Softmax", "hard(20%)", ["R710"]),
        ("45000 : 675", "WSoftmax([1, 1])", "", ["R710"]),
        ("45000 : 675", "WSoftmax(weights = effective_number(beta = 0.99))", "", ["R710"]),  # weights of 1 : 1.01
        ("45000 : 675", "FocalSoftmax(gamma = 0)", "", ["R710"]),
        ("45000 : 675", "FocalSoftmax(gamma = 2)", "", []),
        ("45000 : 675", "Softmax", "natural", []),
        ("9000 : 675", "Softmax", "", []),
        # nothing to correct
        ("4630 : 4820", "WSoftmax(weights = inverse_frequency)", "balanced_subset", []),
        ("4630 : 4820", "WSoftmax([1, 3])", "", []),
        ("4630 : 4820", "WSoftmax([3, 1])", "", []),
    ],
)
def test_what_is_warned_of_and_what_is_not(numbers: str, head: str, sampling: str, codes: list[str]) -> None:
    assert [item.code for item in counted(numbers, head, sampling)] == codes


def test_a_double_correction_is_told_with_its_numbers() -> None:
    [item] = counted("4000 : 60", "WSoftmax(weights = inverse_frequency)", "resample(ratio = 1 : 1)")
    assert item.message == "the imbalance is corrected twice: `infected` counts 66.7 times as much as `healthy`"
    assert [label.text for label in item.labels] == ["weights of 1 : 66.7 on top", "this makes 66.7 : 1 into 1 : 1"]
    assert "98.5 %" in item.notes[1]
    assert "1 : 2" in item.helps[1]


def test_weights_in_the_wrong_order_are_told_the_right_one() -> None:
    [item] = counted("4000 : 60", "WSoftmax([66.7, 1])", "natural")
    assert "66.7 : 1 in the labels" in item.notes[0]
    assert "4447 : 1" in item.notes[0]
    assert [(fix.edits[0].replacement, fix.safe) for fix in item.fixes] == [("[1, 66.7]", False)]


def test_a_sampling_that_helps_a_little_does_not_do_the_work_of_weights() -> None:
    [item] = counted("4000 : 60", "WSoftmax([66.7, 1])", "resample(ratio = 40 : 1)")
    assert "the sampling makes it 40 : 1" in item.notes[0]
    assert "did you mean `[1, 66.7]`?" in item.helps[0]
    assert item.helps[1:] == ("or leave the weights out",)


def test_alpha_on_the_wrong_side_says_where_it_comes_from() -> None:
    beyond, within = (
        counted("4000 : 60", "FocalSoftmax(gamma = 2, weights = [0.75, 0.25])", sampling)[0]
        for sampling in ("", "resample(ratio = 1 : 1)")
    )
    assert "200 : 1" in beyond.notes[0]
    assert "is the more frequent class already" in beyond.message
    assert "take back" in within.message
    assert "3 : 1" in within.notes[0]
    assert all("Lin et al." in item.notes[1] for item in (beyond, within))


def test_a_rule_that_hardly_weighs_is_told_what_it_comes_to() -> None:
    [item] = counted("45000 : 675", "WSoftmax(weights = effective_number(beta = 0.99))", "")
    assert "about 31500 `healthy` and about 473 `infected`" in item.notes[0]
    assert item.notes[1] == "the weights of its loss are 1 : 1.01"
    assert len(item.helps) == 4, "weights, a subset, drawing anew, or meaning it"


def test_three_classes_are_told_by_the_pair_that_is_worst() -> None:
    three = edited(
        ("[healthy, infected]\n", "[none_, mild, severe]\n  counts  = 9000 : 900 : 90\n"),
        ("=> Softmax", "=> WSoftmax(weights = inverse_frequency)"),
        ("resample(ratio = 1 : 1)", "balanced_subset"),
        METRICS,
    )
    [item] = check(three).diagnostics
    assert item.message == "the imbalance is corrected twice: `severe` counts 100 times as much as `none_`"
    assert "1 : 10 : 100" in item.notes[0]
    assert "`resample(ratio = 1 : 1 : 2)`" in item.helps[1]


def test_inherited_settings_are_told_once() -> None:
    items = counted("4000 : 60", "WSoftmax([66.7, 1])", "natural")
    assert len(items) == 1, "`second` takes them over from `first`"


@pytest.mark.parametrize(
    ("numbers", "said"),
    [("315 : 5", "`healthy` is right 98.4 % of the time: 315 of 320"), ("5 : 315", "`infected`"), ("463 : 482", None)],
)
def test_accuracy_alone_is_told_with_the_counts(numbers: str, said: str | None) -> None:
    metrics = ((METRICS[0], "[accuracy]"), (", keep = best(auc)", ""))
    found = [item for item in counted(numbers, "Softmax", "natural", *metrics) if item.code == "R703"]
    assert [said in item.notes[0] for item in found] == ([True] if said else [])


def few(numbers: str, metric: str, keep: str = "auc") -> list[Diagnostic]:
    edits = ((METRICS[0], f"[auc, {metric}]"), ("best(auc)", f"best({keep})"))
    return [item for item in counted(numbers, "Softmax", "fresh", *edits) if item.code == "R709"]


def test_too_few_positives_are_told_with_the_interval() -> None:
    [item] = few("2000 : 20", "sensitivity(at_specificity = 90%)")
    start = "validation has about 3 photographs of `infected`, and test about 3, too few"
    assert item.message.startswith(start)
    assert item.labels[0].text == "of 3, it can take 4 values only"
    assert item.notes == ("2 of 3 right, 67 %, would mean anything from 21 to 94 % (95 % interval)",)
    assert item.helps[0].startswith("plus or minus 10 points take 60 photographs")
    assert "valid = 15%, 400 `infected` in all" in item.helps[0]


def test_the_best_epoch_is_not_to_be_chosen_by_what_cannot_be_measured() -> None:
    metric = "sensitivity(at_specificity = 90%)"
    [item] = few("2000 : 40", metric, keep=metric)
    assert [label.text for label in item.labels][1] == "and the best epoch is chosen by it"
    assert "valid = 25% and test = 25% would have 10 each" in item.helps[1]
    assert any("`auc`" in text for text in item.helps)


def test_a_class_that_is_short_is_told_once_for_all_metrics() -> None:
    [item] = few("2000 : 20", "specificity(at_sensitivity = 80%), sensitivity(at_specificity = 90%)")
    assert [label.text for label in item.labels][1:] == ["hangs on them, too"]
    threshold = "specificity(at_sensitivity = 80%)"
    [item] = few("2000 : 20", f"{threshold}, sensitivity", keep=threshold)
    assert "told from all of them" in item.message
    assert [label.text for label in item.labels][1:] == ["and the best epoch is chosen by it", "hangs on them, too"]


@pytest.mark.parametrize(
    ("numbers", "metric", "warned"),
    [
        ("2000 : 67", "sensitivity(at_specificity = 90%)", False),  # 10 to validate and 10 to test
        ("2000 : 60", "sensitivity(at_specificity = 90%)", True),
        ("2000 : 60", "sensitivity", True),
        ("2000 : 67", "specificity(at_sensitivity = 90%)", False),
        ("2000 : 67", "specificity(at_sensitivity = 95%)", True),
        ("2000 : 67", "specificity(at_sensitivity = 100%)", False),  # all of them is what is asked for
        ("2000 : 60", "balanced_accuracy", False),
        ("300 : 200", "sensitivity(at_specificity = 99%)", True),
        ("60 : 2000", "specificity", True),
    ],
)
def test_how_few_are_too_few(numbers: str, metric: str, warned: bool) -> None:
    assert bool(few(numbers, metric)) == warned


@given(
    numbers=st.lists(st.sampled_from([1, 2, 3, 5, 60, 4000, 10**12]), min_size=2, max_size=2),
    weights=st.lists(st.sampled_from(["1e-300", "0.25", "1", "66.7", "1e12"]), min_size=2, max_size=2),
    head=st.sampled_from(["WSoftmax", "FocalSoftmax"]),
    sampling=st.sampled_from(
        [
            *("", "natural", "balanced_subset(size = 1)", "resample", "resample(ratio = 1e-9 : 1e12)"),
            *(
                "resample(size = 3)",
                "oversample",
                "oversample(ratio = 1e-9 : 1e12)",
                "class_aware(size = 1)",
                "hard(1%)",
            ),
            *("progressive(epochs = 9)", "progressive(from = 1e-9 : 1e12, to = natural, epochs = 1e6, size = 1)"),
        ]
    ),
    metric=st.sampled_from(["accuracy", "sensitivity", "specificity(at_sensitivity = 99.9999%)"]),
)
def test_no_numbers_are_too_odd_for_a_sentence(
    numbers: list[int], weights: list[str], head: str, sampling: str, metric: str
) -> None:
    metrics = ((METRICS[0], f"[{metric}]"), (", keep = best(auc)", ""))
    given = " : ".join(map(str, numbers))
    shown = render_text(counted(given, f"{head}(weights = [{', '.join(weights)}])", sampling, *metrics))
    assert not re.search(r"\b(nan|inf|None)\b", shown), shown

"""Whatever is changed in a spec, the comparison says that, and nothing else."""

from __future__ import annotations

from itertools import permutations

import pytest
from orderless import orderless
from spec_texts import checked, program
from values import call, candidates

from retdsl.compare import Comparison, Difference, compare
from retdsl.compare.words import rows
from retdsl.ir import Program
from retdsl.schema import ENTRIES, ESSENTIAL, LAYERS, Entry, Option
from retdsl.schema.types import Reference, Steps

STUDY = """
data d {{
  source  = {source}
  classes = [healthy, infected]
  split   = {split}
  image   = photo => {image}
}}
augment a = image => {augment}
sampling s = {sampling}
model net = d.image => {layer} => Flatten(name = "rows") => FullyConnected(2, name = "scores") => {loss}
train t {{
  model = net  data = d  augment = a  sampling = s
  optimizer = {optimizer}  schedule = {schedule}  metrics = {metrics}  checkpoint = {checkpoint}
}}
"""
PLAIN = {
    "source": "synthetic_fundus(60)",
    "split": "by_patient",
    "image": "resize(32, 32)",
    "augment": "rotate180",
    "sampling": "natural",
    "layer": "Dropout(0.5)",
    "loss": "Softmax",
    "optimizer": "sgd",
    "schedule": "constant",
    "metrics": "[accuracy, auc]",
    "checkpoint": "every",
}
WHERE = {
    "data source": ("source", "{}"),
    "split": ("split", "{}"),
    "image step": ("image", "{} => resize(32, 32)"),
    "augmentation": ("augment", "{}"),
    "sampling policy": ("sampling", "{}"),
    "optimizer": ("optimizer", "{}"),
    "schedule": ("schedule", "{}"),
    "metric": ("metrics", "[auc, {}]"),
    "checkpoint rule": ("checkpoint", "{}"),
    "loss": ("loss", "{}"),
    "layer": ("layer", "{}"),
}
"""Where an entry of a category can stand in the study."""

BY_HAND = {
    "normalize": "resize(32, 32) => {}",
    "pad": "resize(8, 8) => {} => resize(32, 32)",
    "slice": "{}",
    "Concat": "{{ identity | identity }} => {}",
    "FullyConnected": 'Flatten(name = "before") => {}',
}
GIVEN = {
    "normalize": {"mean": "(0.4, 0.3, 0.2)"},
    "Pooling": {"kernel": "2"},
    "pad": {"height": "40", "width": "40"},
    "folds": {"column": "side", "test": "held_out"},
    "Pad": {"pad_width": "[0, 0, 0, 0, 1, 1, 1, 1]"},
    "sgd": {"momentum": "0.5"},
    "rmsprop": {"centered": "true"},
    "step": {"every": "3"},
}
BESIDE = {
    "by_column": {"source": 'csv("labels.csv", patient = patient)'},
    "folds": {"source": 'csv("labels.csv", patient = patient)'},
    "Sigmoid": {"source": 'csv("labels.csv", label = findings([healthy, infected]), patient = patient)'},
}
"""What an entry needs elsewhere in the study."""

MOST_TRIED = 12


def spec(**parts: str) -> str:
    return STUDY.format(**{**PLAIN, **parts})


def built(text: str) -> Program | None:
    return checked(text).program


NO_PAIR = {
    *(("Convolution", "num_group"), ("slice", "begin"), ("slice", "end"), ("slice", "step"), ("Pad", "pad_width")),
    *(("Concat", "dim"), ("Pooling", "kernel"), ("Dropout", "axes")),
    ("resample", "each"),
    ("folds", "test"),
    ("normalize", "mean_image"),
    ("Sigmoid", "weights"),
    ("step", "at"),
}
"""Options whose other values need other options as well: see BY_HAND_PAIRS, test_means_of_two_sorts and test_labels.
`each` has a single value.
"""

OPTIONS = [
    (entry, option)
    for category in WHERE
    for entry in ENTRIES[category].values()
    for option in entry.options
    if candidates(option.type) and entry.name != "by_patient" and (entry.name, option.name) not in NO_PAIR
    if category != "layer" or entry.name in ESSENTIAL
]


def pair(entry: Entry, option: Option) -> tuple[Program, Program] | None:
    """Two studies that are right and differ in this option alone."""
    key, form = WHERE[entry.category]
    form = BY_HAND.get(entry.name, form)
    extra = {**GIVEN.get(entry.name, {}), **({"name": '"probe"'} if entry.category == "layer" else {})}
    for one, other in list(permutations(dict.fromkeys(candidates(option.type)), 2))[:MOST_TRIED]:
        texts = [
            spec(**BESIDE.get(entry.name, {}), **{key: form.format(call(entry, **{**extra, option.name: v}))})
            for v in (one, other)
        ]
        programs = [built(text) for text in texts]
        if programs[0] is not None and programs[1] is not None:
            return programs[0], programs[1]
    return None


def only(comparison: Comparison) -> Difference:
    assert comparison.count == 1, comparison
    [part] = comparison.parts
    return part.differences[0]


@pytest.mark.parametrize(("entry", "option"), OPTIONS, ids=lambda x: x.name)
def test_every_option_of_everything_is_one_difference(entry: Entry, option: Option) -> None:
    found = pair(entry, option)
    assert found is not None, "no two of its values fit a photograph of 32 x 32: add it to BY_HAND_PAIRS"
    difference = only(compare(*found))
    key = "network" if entry.category == "layer" else WHERE[entry.category][0]
    assert difference.key == key
    assert [change.option for change in difference.changes] == [option.name]
    assert difference.changes[0].a != difference.changes[0].b
    assert orderless(compare(*found[::-1])) == orderless(compare(*found).mirrored())


BY_HAND_PAIRS = {
    "slice begin": ('slice(begin = [none, none, 1, 1], end = [none, none, 9, 9], name = "p")', "1, 1]", "2, 1]"),
    "slice end": ('slice(begin = [none, none, 1, 1], end = [none, none, 9, 9], name = "p")', "9, 9]", "9, 8]"),
    "slice step": ('slice(begin = [none, none], end = [none, none], name = "p")', "end", "step = [none, 2], end"),
    "Dropout axes": ('Dropout(0.5, name = "p")', "0.5", "0.5, axes = [2, 3]"),
    "Pad pad_width": ('Pad(pad_width = [0, 0, 0, 0, 1, 1, 1, 1], name = "p")', "1, 1]", "1, 2]"),
    "Convolution num_group": ('Convolution(6, kernel = 3, name = "p")', "kernel", "num_group = 3, kernel"),
    "Pooling kernel": ('Pooling(kernel = 2, name = "p")', "kernel = 2", "kernel = (2, 3)"),
    "Concat dim": ('{ identity | identity } => Concat(name = "p")', 'name = "p"', 'dim = 2, name = "p"'),
    "Convolution kernel": ('Convolution(8, kernel = 3, pad = 1, name = "p")', "kernel = 3", "kernel = 5"),
}


@pytest.mark.parametrize("what", BY_HAND_PAIRS)
def test_by_hand(what: str) -> None:
    layer, one, other = BY_HAND_PAIRS[what]
    difference = only(compare(program(spec(layer=layer)), program(spec(layer=layer.replace(one, other)))))
    assert (difference.key, difference.changes[0].option) == ("network", what.split()[1])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("folds(3, test = 20%)", "folds(3, test = 30%)"),
        ("folds(3, column = side, test = test)", "folds(3, column = side, test = held_out)"),
    ],
)
def test_what_folds_are_tested_on(one: str, other: str) -> None:
    table = 'csv("labels.csv", patient = patient)'
    difference = only(compare(*(program(spec(source=table, split=split)) for split in (one, other))))
    assert (difference.key, [change.option for change in difference.changes]) == ("split", ["test"])


@pytest.mark.parametrize("category", [c for c in WHERE if c not in ("layer", "image step", "data source", "split")])
def test_another_call_of_the_same_category_is_one_difference(category: str) -> None:
    key, form = WHERE[category]
    calls = [call(entry, **GIVEN.get(entry.name, {})) for entry in ENTRIES[category].values()]
    calls = [written for written in calls if written not in ("auc", "every", "Sigmoid")]
    for one, other in permutations(calls, 2):
        a, b = (program(spec(**{key: form.format(written)})) for written in (one, other))
        differences = [d for part in compare(a, b).parts for d in part.differences]
        assert {d.key for d in differences} == {key}
        assert len(differences) == (2 if key in ("augment", "metrics") else 1)


KEYS = {
    "classes": ("[healthy, infected]", "[infected, healthy]"),
    "epochs": ("data = d", "data = d epochs = 11"),
    "batch": ("data = d", "data = d batch = 7"),
    "last_batch": ("data = d", "data = d last_batch = drop"),
    "views": ("data = d", "data = d views = [rotate180]"),
    "rate": ("data = d", "data = d rate(scores) = 2x"),
    "accumulate": ("data = d", "data = d accumulate = 4"),
    "clip": ("data = d", "data = d clip = norm(1)"),
    "average": ("data = d", "data = d average = ema"),
    "validate": ("data = d", "data = d validate = every(2 epochs)"),
    "stop": ("data = d", "data = d stop = early(auc, patience = 3)"),
    "log": ("data = d", "data = d log = every(50 batches)"),
    "seed": ("data = d", "data = d seed = 7"),
    "metrics": ("[accuracy, auc]", "[auc, accuracy]"),
    "sampling": ("sampling = s", "sampling = resample"),
    "augment": ("augment = a", "augment = none"),
    "split": ("by_patient", "by_patient(seed = 3)"),
    "on_bad_image": ("split   = ", "on_bad_image = skip\n  split   = "),
}


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_one_difference_under_its_name(key: str) -> None:
    one, other = KEYS[key]
    changed = spec().replace(one, other)
    assert changed != spec()
    found = compare(program(spec()), program(changed))
    assert only(found).key == key
    assert any(text.strip() == key for row in rows(found, ("one", "other")) for text, _ in row)


def test_steps_come_go_and_change_places() -> None:
    a = program(spec(augment="rotate180 => flip_horizontal"))
    cases = {
        "rotate180": "removed",
        "rotate180 => flip_horizontal => flip_vertical": "added",
        "flip_horizontal => rotate180": "reordered",
        "rotate180(p = 20%) => flip_horizontal": "changed",
        "gaussian_noise => rotate180 => flip_horizontal": "added",
    }
    assert {steps: only(compare(a, program(spec(augment=steps)))).kind for steps in cases} == cases


def test_means_of_two_sorts() -> None:
    chain = "resize(32, 32) => normalize({})"
    a, b, c = (
        program(spec(image=chain.format(mean)))
        for mean in ('mean_image = "a.nd"', 'mean_image = "b.nd"', "(0, 0, 0), scale = 255")
    )
    assert [(change.option, change.a, change.b) for change in only(compare(a, b)).changes] == [
        ("mean_image", '"a.nd"', '"b.nd"')
    ]
    assert [change.option for change in only(compare(a, c)).changes] == ["mean", "mean_image"]


LABELS = """
data d {{
  source  = csv("labels.csv", patient = person{label})
  {labels}
  classes = [healthy, infected]
  image   = photo => resize(32, 32)
}}
model m = d.image => Flatten => FullyConnected(2) => {loss}
train t {{ model = m  data = d }}
"""
SAID = {
    ("label", "label"): (", label = grade >= 2 -> infected", ", label = grade > 2 -> infected"),
    ("label", "rules"): (", label = grade >= 2 -> infected", ", label = [a >= 2 -> infected, b >= 2 -> infected]"),
    ("label", "column"): ("", ', label = dx == "DR" -> infected'),
    ("labels", "none"): ("", "labels = consensus([a, b, c])"),
    ("labels", "method"): ("labels = consensus([a, b, c])", "labels = consensus([a, b, c], method = dawid_skene)"),
    ("labels", "graders"): ("labels = consensus([a, b, c])", "labels = consensus([a, b, c >= 2 -> infected])"),
    ("findings", "columns"): (", label = findings([a, b])", ", label = findings([a, c])"),
    ("loss", "weights"): ("Sigmoid", "Sigmoid(weights = [1, 2])"),
}


@pytest.mark.parametrize("what", SAID, ids="-".join)
def test_labels(what: tuple[str, str]) -> None:
    place = {"findings": "label"}.get(what[0], what[0])
    several = what[0] in ("findings", "loss")
    plain = {"label": ", label = findings([a, b])" if several else "", "labels": "", "loss": "Softmax"}
    plain |= {"loss": "Sigmoid"} if several else {}
    a, b = (program(LABELS.format(**{**plain, place: written})) for written in SAID[what])
    difference = only(compare(a, b))
    assert difference.key == {"label": "source"}.get(place, place)
    texts = [text for change in difference.changes for text in (change.a, change.b) if text]
    assert len(set(texts)) == len(texts)


def test_references_and_chains_have_no_values_of_their_own() -> None:
    assert candidates(Reference("model")) == candidates(Steps("photo", ())) == []


def test_the_layers_are_covered() -> None:
    found = {(entry.name, option.name) for entry, option in OPTIONS} | NO_PAIR
    essential = {name: layer.entry for name, layer in LAYERS.items() if name in ESSENTIAL}
    assert found >= {(name, option.name) for name, entry in essential.items() for option in entry.options}

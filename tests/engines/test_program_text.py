"""The text of generated programs: golden files, places in the spec, and every schema entry known to the runtime.

Refresh the golden files with `RETDSL_REFRESH=1 pytest tests/engines`.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
from pathlib import Path

import pytest
from spec_texts import FROZEN, TINY, carried_out, experiment

from retdsl.check import check_source
from retdsl.compiler import read
from retdsl.diagnostics import Diagnostics
from retdsl.engines.mxnet import emit_program
from retdsl.engines.mxnet.lower import safe
from retdsl.schema import ENTRIES, REQUIRED

GOLDEN = Path(__file__).parents[1] / "golden" / "programs"
RUN_BY_RUNTIME = (
    "data source",
    "split",
    "image step",
    "augmentation",
    "sampling policy",
    "optimizer",
    "schedule",
    "metric",
    "checkpoint rule",
    "choice of checkpoints",
    "loss",
    "class weighting",
    "clipping",
    "average",
    "precision",
    "stop rule",
)


def shipped(name: str):
    spec = read(name, None, Diagnostics())
    assert spec is not None
    program = check_source(spec.source, spec.root).program
    assert program is not None
    return program.experiments


GRADUAL = (
    FROZEN.replace("body = trunk()", 'body = trunk(weights = "body.params")')
    .replace('Add(name = "sum")\n\nblock', 'Add(name = "sum")\n    => stage(12, name = "c")\n\nblock')
    .replace(
        "  freeze    = body\n",
        "  freeze    = [body, unfreeze(c, at_epoch = 2), unfreeze(b, at_epoch = 4), "
        "unfreeze(body[.. a_conv], at_epoch = 5)]\n",
    )
    .replace("epochs    = 2", "epochs    = 8")
)
"""Gradual unfreezing; from epoch 5 on the first convolution is trained behind which its own BatchNorm stays frozen."""


JOINED = TINY.replace(
    "source  = synthetic_fundus(60, ratio = 3 : 1, seed = 1, size = 64)",
    """source = [
    csv("clinic/*.csv", patient = person, encoding = "latin-1"),
    folder("camp", patient = "(p[0-9]+)_"),
    recordio("archive.rec", patient = id2),
    synthetic_fundus(60, ratio = 1 : 1),
  ]""",
)
"""Several sources of photographs."""


CASES = {
    "gradual": lambda: experiment(GRADUAL),
    "tiny": lambda: experiment(TINY),
    "joined": lambda: experiment(JOINED),
    "quickstart": lambda: shipped("quickstart")[0],
    "refreshed": lambda: shipped("three_answers")[2],
}


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str):
    text = emit_program(carried_out(CASES[name]()))
    path = GOLDEN / f"{name}.py.txt"
    if os.environ.get("RETDSL_REFRESH"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("name", CASES)
def test_every_layer_is_spelled_out_with_its_name_and_place(name: str):
    found = CASES[name]()
    text = emit_program(carried_out(found))
    for node in found.network.nodes:
        assert len(re.findall(rf'name="{re.escape(node.name)}"', text)) == 1
    calls = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call) and ast.unparse(n.func).startswith("sym.")]
    assert len(calls) == len(found.network.nodes)
    assert text.count(":") > len(found.network.nodes)


@pytest.mark.parametrize("name", CASES)
def test_code_stays_within_the_width(name: str):
    for line in emit_program(carried_out(CASES[name]())).splitlines():
        code = line.split("  # ")[0]
        assert len(code) <= 120, line


def test_steps_to_choose_from_are_broken_at_their_brackets():
    steps = "one_of([blur(sigma = 2), jpeg(quality = 40), cutout(size = 20%, holes = 3), brightness(amount = 30%)])"
    chain = TINY.replace("=> rotate180", f"=> {steps} => one_of([{steps}, rotate180], on = [infected])")
    text = emit_program(experiment(chain))
    for line in text.splitlines():
        assert len(line.split("  # ")[0]) <= 120, line
    values = {keyword.arg: keyword.value for keyword in ast.walk(ast.parse(text)) if isinstance(keyword, ast.keyword)}
    steps_of = values["augment"]
    assert isinstance(steps_of, ast.Tuple)
    _, one, two = (ast.unparse(step) for step in steps_of.elts)
    assert one in two
    assert two.endswith("on=('infected',))")


def test_every_key_of_a_data_block_leads_to_its_own_line():
    keys = '  on_bad_image = skip\n  allow_leaks = [similar]\n  exclude = audit("audit.csv", [blurred])\n'
    spec = TINY.replace("  split   = by_patient", f"{keys}  split   = by_patient")
    text = emit_program(experiment(spec))
    for key, written in {
        "classes": "classes",
        "on_bad_image": "on_bad_image",
        "allow_leaks": "allow_leaks",
        "exclude": "exclude",
        "split": "split",
        "input_shape": "image",
    }.items():
        (place,) = re.findall(rf"^ *{key}=.*# [\w.]*:(\d+)$", text, re.MULTILINE)
        assert spec.splitlines()[int(place) - 1].split()[0] == written, key


def test_option_names_that_python_reserves():
    assert safe("from") == "from_"
    assert safe("n") == "n"


def test_a_sampling_of_another_one_is_made_of_both():
    text = TINY.replace(
        "resample(ratio = 1 : 1, size = 16)", "hard(30%, of = progressive(from = natural, to = 2 : 1, epochs = 2))"
    )
    namespace = {"__name__": "program", "__file__": "train.py"}
    exec(emit_program(experiment(text)), namespace)
    from retdsl.runtime import hard, progressive

    assert namespace["EXPERIMENT"].sampling == hard(0.3, progressive(from_="natural", to=(2, 1), epochs=2))


@pytest.mark.parametrize("category", RUN_BY_RUNTIME)
def test_the_runtime_has_every_entry_with_the_schemas_options_and_defaults(category: str):
    import retdsl.runtime as runtime

    for entry in ENTRIES[category].values():
        parameters = inspect.signature(getattr(runtime, entry.name)).parameters
        assert {safe(option.name) for option in entry.options} == set(parameters), entry.name
        for option in entry.options:
            default = parameters[safe(option.name)].default
            if option.default is REQUIRED:
                continue
            assert default is not inspect.Parameter.empty, f"{entry.name}.{option.name}"
            assert default == option.default, f"{entry.name}.{option.name}"


def test_the_runtime_has_every_view_with_the_schemas_options():
    """A view is a step of the runtime that draws nothing; its chance, `p` and `on`, is that of augmentation alone."""
    import retdsl.runtime as runtime

    for entry in ENTRIES["view"].values():
        parameters = inspect.signature(getattr(runtime, entry.name)).parameters
        assert {option.name for option in entry.options} == set(parameters) - {"p", "on"}, entry.name


def test_views_stand_in_the_program():
    from retdsl.runtime import flip_horizontal, rotate180, turn

    text = TINY.replace("epochs    = 2", "epochs    = 2\n  views     = [flip_horizontal, rotate180, turn(-10)]")
    namespace = {"__name__": "program", "__file__": "train.py"}
    exec(emit_program(experiment(text)), namespace)
    assert namespace["EXPERIMENT"].training.views == (flip_horizontal(), rotate180(), turn(-10.0))


UNKNOWN_SHAPES = """
data eyes { source = synthetic_fundus(60)  classes = [healthy, infected]  image = photo => resize(32, 32) }
model odd =
  eyes.image
    => Convolution(8, kernel = 3, pad = 1, name = "first")
    => { identity | Convolution(18, kernel = 3, pad = 1, name = "offsets") }
    => DeformableConvolution(kernel = 3, num_filter = 4, pad = 1, name = "deformed")
    => GroupNorm(2)
    => UpSampling(2, sample_type = bilinear, num_filter = 4)
    => mean(axis = (2, 3))
    => topk(axis = 1, k = 3, ret_typ = value)
    => FullyConnected(2, name = "fc")
    => Softmax
train t { model = odd  data = eyes }
"""


def test_a_program_with_values_of_unknown_shape_runs():
    import numpy as np

    from retdsl.runtime.mx import mx

    namespace = {"__name__": "program", "__file__": "train.py"}
    exec(emit_program(experiment(UNKNOWN_SHAPES)), namespace)
    network = namespace["EXPERIMENT"].network
    deploy = network.deploy_symbol()
    start = network.starting_values(deploy, 0, None, None).all()
    assert start["deformed_weight"].shape == (4, 8, 3, 3)
    assert start["fc_weight"].shape == (2, 3)
    image = mx.nd.array(np.random.RandomState(0).normal(size=(5, 3, 32, 32)))
    values = {name: mx.nd.array(value) for name, value in start.items()}
    [scores] = deploy.eval(ctx=mx.cpu(), data=image, **values)
    assert scores.shape == (5, 2)
    assert np.allclose(scores.asnumpy().sum(axis=1), 1, atol=1e-5)

"""Specs for tests: texts checked into programs, without files."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from retdsl.check import Checked, check_source
from retdsl.ir import Experiment, Program
from retdsl.passes import ALL, run
from retdsl.source import Source

TINY = """
data eyes {
  source  = synthetic_fundus(60, ratio = 3 : 1, seed = 1, size = 64)
  classes = [healthy, infected]
  split   = by_patient(train = 50%, valid = 25%, test = 25%, seed = 1)
  image   = photo => resize(32, 32)
}

block stage(filters, name) =
  Convolution(filters, kernel = 3, stride = 2, pad = 1, no_bias = true, name = "{name}_conv")
    => BatchNorm(fix_gamma = false, name = "{name}_bn")
    => Activation(relu, name = "{name}_relu")

model plain =
  eyes.image
    => stage(8, name = "a")
    => { identity | stage_same(8, name = "b") } => Add(name = "sum")
    => Pooling(global_pool = true, pool_type = avg, name = "pool")
    => Flatten
    => Dropout(20%)
    => FullyConnected(count(eyes.classes))
    => WSoftmax(weights = inverse_frequency)

block stage_same(filters, name) =
  Convolution(filters, kernel = 3, pad = 1, no_bias = true, name = "{name}_conv")
    => BatchNorm(fix_gamma = false, name = "{name}_bn")

augment gentle = image => gaussian_noise(0.02, p = 50%) => rotate180

train tiny {
  model     = plain
  data      = eyes
  sampling  = resample(ratio = 1 : 1, size = 16)
  augment   = gentle
  optimizer = sgd(lr = 0.05, momentum = 0.9, wd = 0.0001)
  schedule  = cosine(warmup = 1)
  epochs    = 2
  batch     = 8
  metrics   = [accuracy, auc, sensitivity(at_specificity = 90%)]
  checkpoint = every(1, keep = best(auc))
  seed      = 3
}
"""
"""A whole study that trains in a second: painted photographs, a small network of its own, nothing pretrained."""


FROZEN = (
    TINY.replace("model plain =", "backbone body = trunk()\n\nmodel plain =")
    .replace(
        """  eyes.image
    => stage(8, name = "a")
    => { identity | stage_same(8, name = "b") } => Add(name = "sum")
""",
        "  body\n",
    )
    .replace(
        "block stage_same",
        """block trunk() =
  stage(8, name = "a")
    => { identity | stage_same(8, name = "b") } => Add(name = "sum")

block stage_same""",
    )
    .replace("  sampling ", "  freeze    = body\n  sampling ")
)
"""The same with all but its head frozen."""


def checked(text: str, root: Path | None = None, name: str = "test.retina") -> Checked:
    """A spec's text, checked."""
    return check_source(Source(name, text), root or Path())


def program(text: str, root: Path | None = None) -> Program:
    """The program of a spec that must have no errors."""
    result = checked(text, root)
    messages = [f"{d.code}: {d.message}" for d in result.diagnostics]
    assert result.program is not None, messages
    return result.program


def experiment(text: str, name: str | None = None, root: Path | None = None) -> Experiment:
    """One experiment of a spec, the first unless named."""
    experiments = program(text, root).experiments
    return next(e for e in experiments if name in (None, e.name))


def carried_out(experiment: Experiment, names: Collection[str] = ALL) -> Experiment:
    """The experiment as passes of these names decide that it is carried out, alone."""
    [done] = run(Program("test.retina", (), (), (experiment,)), names).experiments
    return done

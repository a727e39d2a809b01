"""A small valid study, and texts that differ from it in one place."""

from __future__ import annotations

from pathlib import Path

from retdsl.check import Checked, check_source
from retdsl.diagnostics import Diagnostic
from retdsl.source import Source

STUDY = """\
data eyes {
  source  = csv("labels.csv", image = image, label = label, patient = patient)
  classes = [healthy, infected]
  split   = by_patient(train = 70%, valid = 15%, test = 15%, seed = 2016)
  image   = photo => crop_circle => resize(32, 32) => normalize((0.5, 0.5, 0.5))
}

block unit(filters, name) =
  Convolution(filters, kernel = 3, pad = 1, name = "{name}_conv") => Activation(relu, name = "{name}_relu")

block trunk(width = 4) =
  unit(width, "a") => Pooling(kernel = 2, stride = 2, name = "pool") => unit(2 * width, "b") as features

backbone own = trunk(weights = "own.params")

model scores =
  own[b_relu]
    => Flatten
    => FullyConnected(count(eyes.classes))

model plain = scores => Softmax

augment gentle = image => gaussian_noise(sigma = 0.02, p = 50%) => rotate180

sampling fresh = resample(ratio = 1 : 1)

train first {
  model      = plain
  data       = eyes
  freeze     = own
  sampling   = fresh
  augment    = gentle
  optimizer  = sgd(lr = 0.01)
  epochs     = 3
  metrics    = [accuracy, auc, sensitivity(at_specificity = 90%)]
  checkpoint = every(1, keep = best(auc))
}

train second from first { epochs = 4 }
"""
"""Everything a study has: checks without a message, and with no other file than `own.params`."""

ROOT = Path(__file__).parent / "root"
"""Where that file lies."""


def check(text: str, root: Path | None = None) -> Checked:
    """A text, checked; relative paths start at `root`."""
    return check_source(Source("study.retina", text), root or ROOT)


def edited(*edits: tuple[str, str], more: str = "") -> str:
    """The study with every old text replaced by its new one, and `more` behind it."""
    text = STUDY
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the study"
        text = text.replace(old, new)
    return text + more


def said(*edits: tuple[str, str], more: str = "") -> list[tuple[str, str]]:
    """Code and subject of every message about the edited study: the text that the first label points at."""
    return [(item.code, pointed_at(item)) for item in check(edited(*edits, more=more)).diagnostics]


def only(*edits: tuple[str, str], more: str = "") -> Diagnostic:
    """The one message about the edited study."""
    found = list(check(edited(*edits, more=more)).diagnostics)
    assert len(found) == 1, [item.message for item in found]
    return found[0]


def pointed_at(item: Diagnostic) -> str:
    return item.labels[0].span.text if item.labels else ""

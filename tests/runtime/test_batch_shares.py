"""What is said of BatchNorm where several workers share a batch."""

from __future__ import annotations

from pathlib import Path

import pytest
from network_parts import experiment_of
from spec_texts import FROZEN, TINY, program

from retdsl.compiler import compile_experiment
from retdsl.runtime.batch_shares import shares_in_words

TWO = "[body, unfreeze(b_bn, at_epoch = 3), unfreeze(a_bn, at_epoch = 5)]"
LONG = FROZEN.replace("epochs    = 2", "epochs    = 9")
OWN = "there each worker normalises by its own"


@pytest.mark.parametrize(
    ("text", "epochs", "workers", "said"),
    [
        (TINY, 9, 2, f"BatchNorm layers that are trained: 2 of 2; {OWN} 4 images of a batch of 8"),
        (TINY, 9, 3, f"BatchNorm layers that are trained: 2 of 2; {OWN} 2 or 3 images of a batch of 8"),
        (TINY, 9, 1, None),
        (FROZEN, 9, 2, None),
        (
            LONG.replace("= body\n", f"= {TWO}\n"),
            9,
            2,
            f"BatchNorm layers that are trained: 1 of 2 from epoch 3 on, 2 of 2 from epoch 5 on; {OWN}",
        ),
        (
            LONG.replace("= body\n", f"= {TWO}\n"),
            4,
            2,
            f"BatchNorm layers that are trained: 1 of 2 from epoch 3 on; {OWN}",
        ),
        (LONG.replace("= body\n", f"= {TWO}\n"), 2, 2, None),
        (
            LONG.replace("= body\n", "= [body[.. a_bn], unfreeze(a_bn, at_epoch = 2)]\n"),
            9,
            2,
            f"BatchNorm layers that are trained: 1 of 2, 2 of 2 from epoch 2 on; {OWN}",
        ),
    ],
)
def test_how_many_layers_and_from_when_on(tmp_path: Path, text, epochs, workers, said) -> None:
    found = program(text)
    train_py = compile_experiment(found, found.experiments[0], tmp_path, Path())
    words = shares_in_words(experiment_of(train_py).network, epochs, workers, 8)
    assert (words or "").startswith(said or "")
    assert (words is None) == (said is None)

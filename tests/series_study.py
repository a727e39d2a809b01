"""A study of two experiments on three folds, each trained in a second; and runs that are not made but written."""

from __future__ import annotations

import json
import random
from pathlib import Path

from spec_texts import TINY, checked

from retdsl.ir import Program, to_json

STUDY = """
data eyes {
  source  = synthetic_fundus(60, ratio = 2 : 1, seed = 1, size = 64)
  classes = [healthy, infected]
  split   = folds(3, test = 30%, seed = 1)
  image   = photo => resize(32, 32)
}

model net =
  eyes.image
    => Convolution(4, kernel = 3, name = "c")
    => Activation(relu)
    => Pooling(global_pool = true, pool_type = avg, kernel = 1)
    => Flatten
    => FullyConnected(2)
    => Softmax

train first { model = net  data = eyes  epochs = 1  metrics = [accuracy, auc]  seed = 5 }
train second from first { optimizer = adam(lr = 0.01)  fold = 2  seed = 9 }
"""

JOINED = STUDY + "ensemble joined { of = [first, second]  folds = all }\n"

CLASSES = ("healthy", "infected")


def write_run(
    folder: Path,
    experiment: str = "first",
    *,
    test: int = 4,
    valid: tuple[int, ...] = (10, 11),
    seed: int = 0,
    auc: float = 0.5,
    lock: dict | None = None,
) -> Path:
    """A finished run as far as its figures go: `test` photographs t0, t1, ... and those validated, v10, v11, ..."""
    chance = random.Random(seed)
    (folder / "program").mkdir(parents=True)
    (folder / "spec.retina").write_text(STUDY)
    (folder / "program" / "train.py").write_text("")
    metrics = [{"name": "accuracy", "options": []}, {"name": "auc", "options": []}]
    tiny = checked(TINY).program
    assert isinstance(tiny, Program)
    program = json.loads(json.dumps(to_json(tiny)))
    program["experiments"][0]["training"]["metrics"] = metrics
    (folder / "program" / "program.json").write_text(json.dumps(program))
    sides = {"predictions": [f"t{at}" for at in range(test)], "validation": [f"v{at}" for at in valid]}
    for name, images in sides.items():
        rows = ["image,patient,label,p_healthy,p_infected"]
        for image in images:
            p = round(chance.random(), 3)
            rows.append(f"{image},p{image},{CLASSES[int(image[1:]) % 2]},{1 - p:.9g},{p:.9g}")
        if images:
            (folder / f"{name}.csv").write_text("\n".join(rows) + "\n")
    facts = {"experiment": experiment, "root": "/data", "seed": seed, "versions": {"mxnet": "1.9.1"}, **(lock or {})}
    (folder / "lock.json").write_text(json.dumps(facts))
    figures = {"loss": 0.7, "auc": auc, "accuracy": 0.5, "images": test, "best_epoch": 1, "seconds": 3.0}
    (folder / "test.json").write_text(json.dumps(figures))
    (folder / "metrics.jsonl").write_text(json.dumps({"epoch": 1, "valid": {"loss": 0.6, "auc": auc + 0.1}}) + "\n")
    return folder

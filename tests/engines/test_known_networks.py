"""The generated program of EfficientNet-Lite0, run with its ImageNet weights, answers as the original model does."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spec_texts import program

from retdsl import compiler

GOLDEN = Path(__file__).parents[1] / "golden" / "efficientnet_lite0_logits.npz"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "reference" / "efficientnet_lite0.npz"

WHOLE = """
data photographs {
  source  = folder("nowhere")
  classes = [%s]
  image   = photo => resize(224, 224)
}
backbone lite = zoo(efficientnet_lite0, weights = imagenet)
model whole = lite => Softmax
train whole { model = whole  data = photographs  metrics = [auc] }
""" % ", ".join(f"c{i}" for i in range(1000))  # noqa: UP031 (the text is full of braces)


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Any:
    checked = program(WHOLE)
    folder = tmp_path_factory.mktemp("program")
    train_py = compiler.compile_experiment(checked, checked.experiments[0], folder, None)
    return runpy.run_path(str(train_py))["EXPERIMENT"]


@pytest.fixture(scope="module")
def answer(experiment: Any) -> Any:
    """Images [n, 3, 224, 224] to logits [n, 1000], through the program's own symbol and weights."""
    from retdsl.runtime.mx import mx

    network = experiment.network
    start = network.starting_values(network.deploy_symbol(), 0, None, None)
    logits = network.trained({"data": mx.sym.Variable("data")})
    arrays = {name: mx.nd.array(value) for name, value in start.all().items()}

    def run(images: Any) -> Any:
        executor = logits.bind(
            mx.cpu(),
            {name: arrays[name] if name in arrays else mx.nd.array(images) for name in logits.list_arguments()},
            aux_states={name: arrays[name] for name in logits.list_auxiliary_states()},
            grad_req="null",
        )
        return executor.forward(is_train=False)[0].asnumpy()

    return run


def test_logits_equal_those_of_the_original_model(answer: Any):
    images = np.random.RandomState(2016).standard_normal((2, 3, 224, 224)).astype("float32")
    np.testing.assert_allclose(answer(images), np.load(GOLDEN)["logits"], atol=1e-3)


@pytest.mark.skipif(not SHARED.is_file(), reason=f"there is no {SHARED}")
def test_logits_equal_the_shared_reference(answer: Any):
    images = np.random.RandomState(0).standard_normal((4, 3, 224, 224)).astype("float32")
    np.testing.assert_allclose(answer(images), np.load(SHARED)["logits"], atol=1e-3)


@pytest.mark.parametrize(
    ("photograph", "classes"),
    [("chelsea", {285, 282, 281}), ("coffee", {967}), ("stereo_motorcycle", {665, 670})],
)
def test_it_recognises_photographs(experiment: Any, answer: Any, photograph: str, classes: set[int]):
    import cv2
    from skimage import data

    from retdsl.runtime.network_input import to_network

    loaded = getattr(data, photograph)()
    image = loaded[0] if isinstance(loaded, tuple) else loaded
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    square = np.ascontiguousarray(image[top : top + side, left : left + side, :3])
    small = cv2.resize(square, (224, 224), interpolation=cv2.INTER_AREA)
    prepared = to_network(small, experiment.data.normalize)
    assert set(np.argsort(-answer(prepared[None])[0])[: len(classes)]) == classes

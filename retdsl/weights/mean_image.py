"""Mean images: the mean of all training photographs, pixel by pixel, which old MXNet networks want subtracted.

MXNet's own tools wrote it as a file of one array `[3, height, width]` (`mean_224.nd`, called `mean_img` in it or not
called at all), in red, green and blue, from 0 to 255. Any format of weights files will do.
"""

from __future__ import annotations

from retdsl.weights.model import BadWeights, Sizes, Tensor, WeightsFile

NAME = "mean_img"


def mean_image_in(weights: WeightsFile, size: Sizes) -> Tensor:
    """The mean image in a file. size: `(3, height, width)` of the photographs. Raises BadWeights."""
    tensor = weights.tensors.get(NAME)
    if tensor is None:
        if len(weights.tensors) > 1:
            help = f"a mean image is one array [3, height, width]; among several it is called `{NAME}`"
            raise BadWeights(f"it holds {len(weights.tensors)} arrays, none of them called `{NAME}`", help)
        (tensor,) = weights.tensors.values()
    if tensor.shape != size:
        said = f"it has {_words(tensor.shape)} numbers, the photographs have {_words(size)}"
        helps = ["with `mean` in its place, one value a colour, photographs may have any size"]
        if len(tensor.shape) == 3 and tensor.shape[0] == 3:
            helps.insert(0, f"`resize({tensor.shape[1]}, {tensor.shape[2]})` prepares photographs as it needs them")
        raise BadWeights(said, *helps)
    return tensor


def _words(size: Sizes) -> str:
    return " x ".join(map(str, size)) or "1"

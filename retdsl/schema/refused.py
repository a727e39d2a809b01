"""Operators of MXNet that cannot stand in a chain: why, and what to write instead."""

from __future__ import annotations

from retdsl.records import dataclass


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an operator is not a layer of the language, and what to do instead."""

    why: str
    instead: str


_PART = "take each part in a fork: `{ slice_axis(1, 0, 8) | slice_axis(1, 8, 16) }`"
_LABELS = Refused(
    "it needs the labels, which only a loss head sees", "end the chain in a loss head; `retdsl layers` lists them"
)
_PARTS = Refused("it gives several values, and a step of a chain gives one", _PART)
_TYPE = Refused("every value of a network is a float of 32 bits", "leave it out")
_BATCH = "it works across the batch, and what a network says of one photograph must not depend on the others"
_BOXES = Refused(
    "it finds objects, whose labels are boxes; a study's labels are classes",
    "screen whole photographs, or parts of them",
)
_SEQUENCE = Refused(
    "it takes sequences, time before batch",
    "`mean`, `max` or `Pooling` make one value of many; `reverse` turns an axis",
)
_SYMBOLS = Refused("it takes indices or words, not values that are computed from a photograph", "use `Convolution`")

REFUSED: dict[str, Refused] = {
    "SoftmaxOutput": Refused(_LABELS.why, "end the chain in the loss head `Softmax`"),
    **dict.fromkeys(
        (
            *("LinearRegressionOutput", "LogisticRegressionOutput", "MAERegressionOutput"),
            *("SVMOutput", "CTCLoss", "ctc_loss", "softmax_cross_entropy"),
        ),
        _LABELS,
    ),
    "MakeLoss": Refused("a chain ends in one of the language's loss heads", _LABELS.instead),
    "make_loss": Refused("a chain ends in one of the language's loss heads", _LABELS.instead),
    "IdentityAttachKLSparseReg": Refused("it adds a loss of its own", "`Dropout` or weight decay, `wd`, regularise"),
    **dict.fromkeys(("SliceChannel", "split", "split_v2", "moments", "linalg_gelqf", "linalg_slogdet"), _PARTS),
    "BatchNormWithReLU": Refused("MXNet fuses the two by itself", "write `BatchNorm => Activation(relu)`"),
    "RNN": Refused("a network of retdsl has no state", "`mean` or `max` along an axis make one value of many"),
    **dict.fromkeys(("SequenceLast", "SequenceMask", "SequenceReverse"), _SEQUENCE),
    **dict.fromkeys([f"interleaved_matmul_{part}" for part in ("encdec_qk", "encdec_valatt")], _SEQUENCE),
    **dict.fromkeys([f"interleaved_matmul_{part}" for part in ("selfatt_qk", "selfatt_valatt")], _SEQUENCE),
    **dict.fromkeys(("Embedding", "SparseEmbedding", "ravel_multi_index", "unravel_index"), _SYMBOLS),
    "Custom": Refused("its Python code would not travel with the checkpoint", "write it as a `block` of layers"),
    **dict.fromkeys(("Cast", "cast", "amp_cast", "amp_multicast", "cast_storage"), _TYPE),
    "dot": Refused(_BATCH, "`batch_dot` multiplies image by image, `FullyConnected` by learned weights"),
    "take": Refused(_BATCH, "`pick` takes a value for each image"),
    "batch_take": Refused("it takes whole numbers, and every value of a network is a float", "use `pick`"),
    "khatri_rao": Refused(_BATCH, "`batch_dot` multiplies image by image"),
    **dict.fromkeys(("gather_nd", "scatter_nd", "index_copy", "index_array"), Refused(_BATCH, "use `slice` or `pick`")),
    **dict.fromkeys(("boolean_mask", "allclose", "shuffle"), Refused(_BATCH, "`where` chooses value by value")),
    **dict.fromkeys(
        ("shape_array", "size_array", "arange_like"),
        Refused(
            "shapes are known before a network runs", "write the numbers; `reshape_like` and `slice_like` take sizes"
        ),
    ),
    "count_sketch": Refused("it needs random numbers that stay the same", "use `FullyConnected` or `Convolution`"),
    **dict.fromkeys(("MultiBoxDetection", "MultiBoxPrior", "MultiBoxTarget", "MultiProposal", "Proposal"), _BOXES),
    **dict.fromkeys(("bipartite_matching", "box_decode", "box_encode", "box_iou", "box_nms"), _BOXES),
    "Crop": Refused("it is left from old networks", "use `slice`, or `slice_like` for the size of another value"),
    "Pooling_v1": Refused("it is an older one, which takes padding for zeros", "use `Pooling`"),
    **dict.fromkeys(("fft", "ifft"), Refused("MXNet has it for GPUs alone", "leave it out")),
    "repeat": Refused(
        "in this language `repeat(n, i) { chain }` writes a chain n times",
        "`UpSampling` repeats pixels, `tile` whole values",
    ),
}
"""name, as MXNet or people spell it -> why not"""

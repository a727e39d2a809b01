"""Every code that a message can carry: its name, severity and one-line meaning, once.

This table is all that a check needs, so it is all that is imported. What `retdsl explain` and docs/errors tell besides
stands in `codes/CODE.md`, a file a code, which `retdsl.diagnostics.explanations` reads when somebody asks. A new code
is a row here, such a file, and a case in tests/errors; the tests there say what is missing.
"""

from __future__ import annotations

from typing import Literal

from retdsl.records import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of mistake. `name` is its stable kebab-case name, `summary` says in one sentence what is wrong."""

    code: str
    name: str
    severity: Literal["error", "warning"]
    summary: str


RANKS = {
    "R1": "Text and grammar",
    "R2": "Names",
    "R3": "Options and values",
    "R4": "Networks and shapes",
    "R5": "Heads and losses",
    "R6": "Photographs and labels",
    "R7": "Training",
    "R8": "Checkpoints and weights",
}
"""What the codes that start so are about."""


def _codes(*rows: tuple[str, str, Literal["error", "warning"], str]) -> dict[str, Code]:
    return {row[0]: Code(*row) for row in rows}


CATALOGUE: dict[str, Code] = _codes(
    ("R101", "unexpected-character", "error", "A character that the language does not know."),
    ("R102", "unexpected-token", "error", "The text does not go on as the grammar asks."),
    ("R103", "unexpected-end", "error", "The file ends in the middle of a declaration."),
    ("R104", "unreadable-file", "error", "The file cannot be read, or is not UTF-8 text."),
    ("R105", "too-deep", "error", "The text is nested deeper than any study needs."),
    ("R106", "bad-interpolation", "error", "What stands between `{` and `}` in a text is not an expression."),
    ("R107", "too-large", "error", "A file, or a text that is built in it, is larger than any study."),
    ("R201", "unknown-name", "error", "A name that nothing declares."),
    ("R202", "declared-twice", "error", "Two declarations have the same name."),
    ("R203", "circular", "error", "Declarations that need each other in a circle."),
    ("R204", "wrong-kind", "error", "Another kind of declaration is needed there."),
    ("R205", "unknown-step", "error", "There is no such step, layer, policy or metric."),
    ("R206", "unknown-cut", "error", "A backbone has no layer of that name."),
    ("R207", "node-named-twice", "error", "Two layers of one network have the same name."),
    ("R208", "unknown-file", "error", "A file or a network of the zoo is not there."),
    ("R301", "missing-option", "error", "An option without default is not given."),
    ("R302", "unknown-option", "error", "An option that the step does not have."),
    ("R303", "wrong-type", "error", "A value of the wrong type."),
    ("R304", "out-of-range", "error", "A value outside the range that makes sense."),
    ("R305", "given-twice", "error", "An option or key is given twice."),
    ("R306", "too-many-values", "error", "More unnamed values than the step takes."),
    ("R307", "bad-arithmetic", "error", "Arithmetic that cannot be computed."),
    ("R401", "shape-mismatch", "error", "A layer gets a value of a shape it cannot take."),
    ("R402", "join-mismatch", "error", "Branches of unlike shapes are joined."),
    ("R403", "fork-not-joined", "error", "A step gets more branches than it takes, or fewer."),
    ("R404", "no-input", "error", "A network starts from nothing."),
    ("R405", "network-too-large", "error", "A network is larger than any machine can train."),
    ("R501", "no-loss", "error", "A model that is trained has no loss head."),
    ("R502", "class-count", "error", "There are not as many scores as classes."),
    ("R503", "weight-count", "error", "There are not as many weights as classes."),
    ("R504", "loss-not-last", "error", "A step follows a loss head."),
    ("R601", "split-sum", "error", "The parts of a split do not add up to 100 %."),
    ("R602", "no-patient", "warning", "Photographs are split without knowing patients."),
    ("R603", "classes", "error", "Fewer than two classes, or one class named twice."),
    (
        "R604",
        "image-chain",
        "error",
        "The chain that prepares photographs cannot be done, or does not give an image of known size.",
    ),
    ("R605", "data-problem", "error", "The labels or the photographs are not what the spec says."),
    ("R606", "class-too-rare", "warning", "A class has too few photographs for the split, or none in an epoch."),
    ("R607", "counts-differ", "warning", "The spec gives other counts than its photographs have."),
    ("R608", "bad-mean-image", "error", "The file of a mean image is none, or is of photographs of another size."),
    ("R609", "bad-patient", "error", "A regular expression that is to tell patients is none, or has no group."),
    ("R610", "source-twice", "error", "The same photographs are given twice."),
    ("R611", "label-rules", "error", "Rules or graders that give labels do not fit the classes or the source."),
    ("R612", "shadowed-rule", "error", "A rule for labels comes behind others that take all its rows."),
    (
        "R613",
        "findings-head",
        "error",
        "The loss is for one class a photograph and the labels for several findings, or reversed.",
    ),
    ("R614", "split-column", "error", "The column of a split cannot say on which side a photograph is."),
    ("R615", "two-test-sets", "error", "A split sets photographs aside to test on, and there is a test set besides."),
    ("R616", "no-fold", "error", "A fold that the split does not make."),
    ("R617", "data-warning", "warning", "The labels or the photographs can be used, but not all of them."),
    ("R619", "augment-chain", "error", "Steps of an augmentation that cannot be done in that way."),
    ("R620", "unknown-class", "error", "A step is to act on a class that the data block does not have."),
    ("R621", "sampling-unfinished", "warning", "A sampling is still on its way when training ends."),
    ("R622", "sampling-contradiction", "error", "A sampling says two things that exclude one another."),
    ("R626", "unaudited", "warning", "The audit by which photographs are left out has not seen all of them."),
    ("R627", "flattering-exclusion", "warning", "What is left out is just what is hard to tell."),
    ("R701", "nothing-frozen", "error", "`freeze` names something that the model does not contain."),
    ("R702", "nothing-to-train", "error", "Everything in the network is frozen."),
    ("R703", "accuracy-alone", "warning", "Accuracy is the only metric."),
    ("R704", "frozen-noise", "warning", "A backbone without pretrained weights is frozen."),
    ("R705", "metric-classes", "error", "A metric for two classes is asked of more."),
    ("R706", "unused-best", "error", "The best checkpoint is chosen by a metric that is not computed."),
    ("R707", "corrected-twice", "warning", "Sampling and weights both correct the imbalance, and turn it over."),
    ("R708", "weights-favour-majority", "warning", "Class weights favour the class that is the more frequent one."),
    ("R709", "too-few-positives", "warning", "Too few photographs of a class to measure what a metric asks."),
    ("R710", "uncorrected", "warning", "Neither the sampling nor the loss makes up for a strong imbalance."),
    ("R711", "unfreeze-never", "warning", "A part is unfrozen at an epoch that training does not reach."),
    ("R712", "frozen-above-trained", "warning", "What is frozen lies behind layers that are trained."),
    ("R713", "several-exits", "error", "A part is a place to cut only if one value comes out of it."),
    ("R714", "unfreezes-nothing", "error", "A part is unfrozen that is not frozen."),
    ("R715", "rate-of-nothing", "error", "A learning rate is given to a part that does not learn."),
    ("R716", "unused-stop", "error", "Training is to stop by a metric that is not computed."),
    ("R717", "stop-never", "warning", "Early stopping would wait longer than training lasts."),
    ("R718", "rate-never", "warning", "The learning rate is to change at an epoch that training does not reach."),
    ("R719", "idle-option", "error", "Options of an optimizer or a schedule that need, or exclude, one another."),
    ("R722", "two-ordered-classes", "warning", "A head for ordered classes has only two."),
    ("R723", "grades-out-of-order", "warning", "A head goes by the order of the classes, and it is another one."),
    ("R724", "random-view", "error", "A view must be the same for every photograph, and this is drawn anew."),
    ("R725", "idle-view", "warning", "A view that is given twice, or that changes nothing."),
    ("R726", "grades-of-findings", "error", "A metric for grades is asked of findings."),
    ("R727", "two-grades", "warning", "A metric for grades is asked of two classes."),
    ("R728", "shifted-probabilities", "warning", "Probabilities are taken at their word that training shifts."),
    ("R730", "ensemble-of-one", "error", "An ensemble has a single member."),
    ("R731", "ensemble-of-strangers", "error", "The members of an ensemble know other classes or photographs."),
    ("R732", "ensemble-without-folds", "error", "An ensemble is to be trained for all folds of data without folds."),
    ("R733", "member-twice", "error", "An ensemble names an experiment twice."),
    ("R734", "draws-without-need", "warning", "`draws` of kept features change nothing with this augmentation."),
    ("R735", "no-features-to-keep", "warning", "Features are to be kept, and nothing is frozen."),
    ("R736", "devices-misfit", "error", "Devices that cannot share a batch."),
    ("R737", "idle-precision", "error", "A precision is asked for a frozen part, and nothing is frozen off."),
    ("R801", "missing-checkpoint", "warning", "The files of a checkpoint, or of weights, are not there."),
    ("R802", "bad-checkpoint", "error", "A checkpoint's files cannot be used."),
    ("R803", "unknown-weights", "error", "No weights of that name are known for that network."),
    ("R804", "old-pooling", "warning", "A checkpoint is older than the rounding of its Poolings."),
    ("R805", "bad-weights", "error", "A weights file cannot be read."),
    ("R806", "weights-misfit", "error", "The tensors of a weights file are not the parameters of the network."),
    ("R807", "other-weights", "error", "A weights file is not the one whose hash is given."),
    ("R808", "unknown-input", "warning", "Nobody knows what photographs the weights were trained on."),
)

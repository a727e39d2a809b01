"""Experiments as pictures: which cards there are, what they say, and who goes past whom."""

from __future__ import annotations

from dataclasses import replace

import viz_material as material

from retdsl.ir import Call
from retdsl.viz import Look, dot_text, experiment_picture
from retdsl.viz.words import amount, brief, clipped, counted, dimensions, folded, packed, percent, phrase


def test_every_card_in_the_words_of_the_language() -> None:
    picture = experiment_picture(material.experiment())
    cards = {box.role: (box.title, *box.lines) for box in picture.boxes}
    assert cards == {
        "photographs": ("csv", "labels.csv", "healthy, infected", "patients known"),
        "every photograph": ("prepare", "crop_circle threshold 6 %", "resize 224 × 224"),
        "split": ("by_patient", "seed 2016"),
        "sampling": ("resample", "ratio 1 : 1, each epoch"),
        "training images": ("augment", "gaussian_noise sigma 0.02, p 50 %", "rotate180 p 50 %"),
        "normalize": ("as efficientnet expects", "mean (0.485, 0.456, 0.406)", "std (0.229, 0.224, 0.225)"),
        "frozen": ("efficientnet", "zoo efficientnet_lite0", "weights imagenet", "141 layers, up to global_pool"),
        "trained": ("weighted", "Flatten", "FullyConnected 128 units", "relu", "FullyConnected 2 units"),
        "loss": ("Softmax",),
        "validation and test": ("metrics", "accuracy", "multi_ace", "auc", "sensitivity at 90 % specificity"),
        "training": (
            *("sgd", "lr 0.01, momentum 0.9", "wd 0.0001", "cosine warmup 2"),
            *("100 epochs, batch 32", "seed 7"),
        ),
        "checkpoint": ("every epoch", "keep the best auc"),
    }


def test_what_becomes_of_the_photographs_as_they_were_listed() -> None:
    whole = material.experiment()
    labels = Call("consensus", (("graders", ("a", "b", "c")), ("method", "dawid_skene"), ("soft", True)))
    exclude = Call("audit", (("path", "audit.csv"), ("flags", ("blurred", "duplicate"))))
    settings = (("labels", labels), ("exclude", exclude), ("allow_leaks", ("similar",)), ("on_bad_image", "skip"))
    within = Call("class_aware", (("size", 64), ("by", "patient")))
    blurs = tuple(Call(name) for name in ("gaussian_noise", "blur", "jpeg"))
    some = Call("one_of", (("steps", blurs), ("weights", (2.0, 1.0, 1.0)), ("p", 0.5), ("on", None)))
    picture = experiment_picture(
        replace(
            whole,
            data=replace(whole.data, settings=settings),
            training=replace(whole.training, settings=(("last_batch", "drop"),)),
            sampling=Call("hard", (("fraction", 0.3), ("of", within))),
            augment=(some, *blurs, *blurs),
        )
    )
    cards = {box.role: (box.title, *box.lines) for box in picture.boxes}
    assert list(cards)[:4] == ["photographs", "labels", "left out", "every photograph"]
    assert cards["labels"] == ("consensus", "3 graders, dawid_skene", "soft labels")
    assert cards["left out"] == ("audit", "audit.csv", "blurred, duplicate", "what cannot be read")
    assert cards["split"] == ("by_patient", "seed 2016", "leaks allowed: similar")
    assert cards["sampling"] == ("hard", "fraction 30 %", "of class_aware size 64, by patient")
    # nothing is clipped that can be broken, and steps are counted, not lines
    assert cards["training images"] == (
        *("augment", "one_of gaussian_noise | blur | jpeg,", "weights 2 : 1 : 1, p 50 %"),
        *("gaussian_noise", "blur", "jpeg", "gaussian_noise", "and 2 more"),
    )
    assert "last batch: drop" in cards["training"]
    arrows = {(arrow.tail, arrow.head) for arrow in picture.arrows}
    assert {("photographs", "labels"), ("labels", "left_out"), ("left_out", "every_photograph")} <= arrows


def test_rules_and_ratios_as_the_language_writes_them() -> None:
    whole = material.experiment()
    grade = (("column", "grade"), ("comparison", ">="))
    classes = ((2, "infected"), (0, "healthy"))
    rules = tuple(Call("rule", (*grade, ("value", least), ("label", name))) for least, name in classes)
    source = Call("csv", (("path", "labels.csv"), ("label", rules), ("patient", None)))
    sampling = Call("progressive", (("from", "natural"), ("to", (4, 1)), ("epochs", 20)))
    picture = experiment_picture(replace(whole, data=replace(whole.data, source=source), sampling=sampling))
    cards = {box.role: box.lines for box in picture.boxes}
    assert cards["photographs"] == (
        "labels.csv",
        "grade >= 2 -> infected,",
        "grade >= 0 -> healthy",
        "healthy, infected",
    )
    assert cards["sampling"] == ("from natural, to 4 : 1", "epochs 20")


def test_validation_and_test_go_past_sampling_and_augmentation() -> None:
    picture = experiment_picture(material.experiment())
    arrows = {(arrow.tail, arrow.head, arrow.look): arrow.label for arrow in picture.arrows}
    assert arrows["split", "sampling", Look.TRAIN] == "training\n70 %"
    assert arrows["split", "normalize", Look.VALID] == "validation\n15 %"
    assert arrows["split", "normalize", Look.TEST] == "test\n15 %"
    assert {head for tail, head, _ in arrows if tail == "sampling"} == {"training_images"}
    assert ("trained", "loss", Look.TRAIN) in arrows
    assert ("trained", "validation_and_test", Look.TEST) in arrows


def test_what_is_left_out_has_no_card() -> None:
    picture = experiment_picture(material.bare_experiment())
    roles = {box.role for box in picture.boxes}
    assert roles.isdisjoint({"every photograph", "training images", "frozen"})
    assert dot_text(picture) == dot_text(experiment_picture(material.bare_experiment()))


def test_without_loss_and_with_many_metrics() -> None:
    whole = material.experiment()
    metrics = tuple(Call(f"metric_{i}") for i in range(9))
    best = Call("best", (("metric", Call("auc")),))
    checkpoint = Call("every", (("n", 5), ("from", 10), ("keep", best)))
    training = replace(whole.training, metrics=metrics, checkpoint=checkpoint)
    picture = experiment_picture(
        replace(whole, network=replace(whole.network, loss=None), training=training), title="no loss"
    )
    assert picture.title == "no loss"
    card = next(box for box in picture.boxes if box.title == "metrics")
    assert card.lines[-1] == "and 4 more"
    assert picture.boxes[-1].title == "every 5 epochs"
    assert picture.boxes[-1].lines == ("from epoch 10", "keep the best auc")
    assert {arrow.head for arrow in picture.arrows if arrow.tail == "trained"} == {"training", "validation_and_test"}


def test_amounts() -> None:
    given = (0, 1, 950, 999, 1000, 1642, 9949, 9960, 12_345, 999_499, 999_500, 4_652_008, 1_200_000_000)
    said = "0 1 950 999|1.0 k 1.6 k 9.9 k 10 k|12 k 999 k|1.0 M 4.7 M|1.2 G"
    assert " ".join(amount(n) for n in given) == said.replace("|", " ")
    assert counted(1, "layer") == "1 layer"
    assert [percent(x) for x in (0.7, 0.07, 0.155)] == ["70 %", "7 %", "15.5 %"]


def test_words() -> None:
    assert dimensions((None, 24, 112, 112)) == "112 × 112 × 24"
    assert dimensions((None, 1280)) == "1280"
    assert dimensions(None) == ""
    assert phrase(Call("resize", (("height", 224), ("width", 200)))) == "resize 224 × 200"
    assert phrase(Call("constant", (("warmup", 0),))) == "constant"
    blur = Call("blur", (("sigma", 1.0), ("p", 1.0), ("on", None)))
    assert phrase(blur) == "blur sigma 1"
    some = Call("one_of", (("steps", (blur, Call("jpeg"))), ("p", 0.5), ("on", ("infected", "doubtful"))))
    assert phrase(some) == "one_of blur | jpeg, p 50 %, on infected, doubtful"
    assert folded("one, two, three", 9) == ("one, two,", "three")
    assert folded("/a/very/long/path/to/labels.csv", 21) == ("/a/very/lo…labels.csv",)
    assert folded("") == ("",)
    assert clipped("short") == "short"
    assert clipped("/a/very/long/path/to/labels.csv", 21) == "/a/very/lo…labels.csv"
    hashed = Call("torch_package", (("module", "weights_of_it"), ("sha256", "5" * 64)))
    assert brief(hashed) == ("torch_package weights_of_it",)
    assert packed(["aaaa", "bbbb", "cccc"], 10) == ("aaaa, bbbb", "cccc")

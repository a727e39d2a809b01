"""What `check --verbose` tells of what the network is given: values, and photographs of which size, beside what its
weights were trained on.
"""

from __future__ import annotations

from retdsl.account.section import Section
from retdsl.ir import Call, Experiment
from retdsl.records import dataclass
from retdsl.schema.spelling import spell_call


@dataclass(frozen=True, slots=True)
class Trained:
    """What the weights of a backbone were trained on, for programs. size: height and width, null if not known."""

    backbone: str
    normalize: str
    size: tuple[int, int] | None
    origin: str


@dataclass(frozen=True, slots=True)
class InputData:
    """normalize: the last step of the photographs, null for none; normalize_from: the backbone whose weights gave it,
    null if the spec says it; size: of the photographs, height and width.
    """

    normalize: str | None
    normalize_from: str | None
    size: tuple[int | None, ...]
    trained: tuple[Trained, ...]


def input_section(experiment: Experiment) -> Section:
    """Where `normalize` comes from, and where photographs are not as the weights know them."""
    data, known = experiment.data, [b for b in experiment.network.backbones if b.convention is not None]
    size = data.image_shape[2:]
    notes, trained = [], []
    for backbone in known:
        convention = backbone.convention
        assert convention is not None
        theirs = _spelled(convention.normalize)
        trained.append(Trained(backbone.name, theirs, convention.size, convention.origin))
        if data.normalize_from == backbone.name:
            notes.append(f"`{theirs}`: what `{backbone.name}` was trained with ({convention.origin})")
        elif data.normalize is not None and not _same(data.normalize, convention.normalize):
            notes.append(f"`{backbone.name}` was trained with `{theirs}` ({convention.origin})")
        if convention.size is not None and convention.size != size:
            theirs, ours = _sides(convention.size), _sides(size)
            notes.append(f"`{backbone.name}` was trained at {theirs} pixels; photographs come as {ours}")
    normalize = None if data.normalize is None else _spelled(data.normalize)
    plain = InputData(normalize, data.normalize_from, size, tuple(trained))
    return Section("input", "what the network is given", (), (), tuple(notes), plain)


def _spelled(normalize: Call) -> str:
    return spell_call(normalize, "image step")


def _same(a: Call, b: Call) -> bool:
    return _spelled(a) == _spelled(b)


def _sides(size: tuple[int | None, ...]) -> str:
    return " x ".join(map(str, size))

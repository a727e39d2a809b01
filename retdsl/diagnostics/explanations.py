"""What `retdsl explain` and docs/errors tell about a code: what was found, why it matters, an example wrong and right.

Enters: a code. Leaves: an `Explanation`, read from `codes/CODE.md`. Such a file is prose, then the examples in fences:

    ```wrong              the spec that has the mistake; `wrong --data` if it shows only with `check --data`
    ```wrong labels.csv   a file that lies beside it; `wrong parts.retina latin-1` if its text is not UTF-8
    ```wrong x.params params   a weights file that lies beside it: `fc_weight [2, 64]`, a line a tensor
    ```wrong eyes photographs   a folder of photographs: `a.png: a photograph`, or `a.png: 0 bytes`, a line each
    ```right              the spec without the mistake, and its files likewise

An example that uses a name of `codes/preamble.retina` builds on those declarations, which stay unsaid. Guaranteed, by
tests: a wrong example gives one message, with its code; a right one gives none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

from retdsl.diagnostics.catalogue import CATALOGUE
from retdsl.records import dataclass

_FENCE = re.compile(r"^```(?P<kind>wrong|right)(?P<about>[^\n]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_DECLARED = re.compile(r"^# (?P<about>.*)\n\w+ (?P<name>\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Beside:
    """A file beside an example. encoding: of its text; `params` for a weights file of MXNet, of which the text tells
    the tensors, one a line: its name and its shape; `photographs` for a folder, of which the text tells the files.
    """

    name: str
    text: str
    encoding: str = "utf-8"

    @property
    def how(self) -> str:
        """How it is written, in words that follow its name."""
        known = {"utf-8": "", "params": ", which holds the tensors", "photographs": ", a folder that holds"}
        return known.get(self.encoding, f", saved as {self.encoding}")


@dataclass(frozen=True, slots=True)
class Example:
    """A piece of a spec, the files beside it, and whether labels and photographs must be read to see what is wrong."""

    spec: str
    files: tuple[Beside, ...] = ()
    reads_data: bool = False

    @property
    def builds_on(self) -> tuple[str, ...]:
        """The names of the preamble that the spec uses."""
        return tuple(name for name in preamble_names() if re.search(rf"\b{name}\b", self.spec))

    @property
    def whole(self) -> str:
        """The spec with what it builds on behind it, so that its own lines keep their numbers."""
        return f"{self.spec}\n{preamble()}" if self.builds_on else self.spec


@dataclass(frozen=True, slots=True)
class Explanation:
    """Paragraphs about a code, each one line, and an example with the mistake and one without it."""

    paragraphs: tuple[str, ...]
    wrong: Example
    right: Example


def explanation(code: str) -> Explanation:
    """What there is to say about a code of the catalogue. Raises KeyError for any other."""
    fences = list(_FENCE.finditer(_read(f"{CATALOGUE[code].code}.md")))
    paragraphs = tuple(" ".join(paragraph.split()) for paragraph in prose(code).split("\n\n"))
    return Explanation(paragraphs, *(_example(fences, kind) for kind in ("wrong", "right")))


def prose(code: str) -> str:
    """The explanation of a code as it is written, with its line breaks."""
    return _read(f"{CATALOGUE[code].code}.md").partition("\n```")[0].strip()


def _example(fences: list[re.Match[str]], kind: str) -> Example:
    (_, spec, flags), *files = _of_kind(fences, kind)
    beside = tuple(Beside(name, text, *encoding) for (name, *encoding), text, _ in files)
    return Example(spec, beside, "--data" in flags)


def _of_kind(fences: list[re.Match[str]], kind: str) -> Iterator[tuple[list[str], str, list[str]]]:
    for fence in fences:
        if fence["kind"] == kind:
            words = fence["about"].split()
            flags = [word for word in words if word.startswith("--")]
            yield [word for word in words if word not in flags], fence["text"], flags


@cache
def preamble() -> str:
    """The declarations that examples build on."""
    return _read("preamble.retina")


@cache
def preamble_names() -> Mapping[str, str]:
    """Every name that the preamble declares, and what it is."""
    return {found["name"]: found["about"] for found in _DECLARED.finditer(preamble())}


def find_codes(word: str) -> list[str]:
    """The codes that a word asks for: a code, the name of one, or what all codes of a rank start with (`R3`)."""
    asked = word.casefold().replace("_", "-")
    named = [item.code for item in CATALOGUE.values() if asked in (item.code.casefold(), item.name)]
    return named or [code for code in CATALOGUE if len(asked) >= len("R3") and code.casefold().startswith(asked)]


def _read(name: str) -> str:
    return resources.files("retdsl.diagnostics").joinpath("codes").joinpath(name).read_text("utf-8")

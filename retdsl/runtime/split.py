"""Dividing photographs into train, valid and test so that no patient stands on two sides.

Enters: samples with their patients. Leaves: the indices of each side. Guaranteed by `by_patient` and `folds`: every
patient is on exactly one side; sides depend on patients, labels and seed only, not on the order of the samples; exact
to the nearest patient. `by_column` does what the column says: whether it tears a patient apart is for `leaks` to tell.

Patients are drawn by a hash of the seed and their name, their ticket: a patient's place in the line stays when others
are added to the study.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import ClassVar, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from retdsl.runtime.drawing import largest_remainder
from retdsl.runtime.errors import RunError
from retdsl.runtime.problems import Problems, listed
from retdsl.runtime.sample import Sample

SIDES = ("train", "valid", "test")
TRAIN, VALID, TEST = range(3)

Numbers: TypeAlias = npt.NDArray[np.int64]


class Sides(NamedTuple):
    """Indices of samples, ascending, for each side."""

    train: tuple[int, ...]
    valid: tuple[int, ...]
    test: tuple[int, ...]


class Split(Protocol):
    """What divides photographs."""

    @property
    def column(self) -> str | None:
        """The column of the source that it goes by: `Sample.side` holds its cells. None if it goes by none."""

    @property
    def wanted(self) -> tuple[str, ...]:
        """The sides that it makes; the others stay empty."""

    @property
    def remedy(self) -> str:
        """What to do about a side that lacks a class."""

    def divide(self, samples: Sequence[Sample]) -> Sides:
        """The sides of `samples`."""


@dataclass(frozen=True, slots=True)
class by_patient:
    """Divides by patient, alike for patients of every worst label.

    train, valid, test: shares of the patients, which sum to 1; seed: of the draw. Patients are grouped by the highest
    label among their photographs (classes go from healthy to diseased), and each group is divided by largest remainder.
    A group with at least as many patients as there are sides gives every side one. A share of 0 leaves a side empty.
    stable: a patient's side follows from seed and patient alone, and never changes when patients or photographs are
    added or taken away; the shares then hold on average only, and nothing sees to it that every side has every class.
    Raises RunError for shares that are negative, do not sum to 1, or leave nothing to train on.
    """

    train: float = 0.7
    valid: float = 0.15
    test: float = 0.15
    seed: int = 0
    stable: bool = False

    column: ClassVar[None] = None
    remedy: ClassVar[str] = "give that side a larger share, use another seed, or add patients"

    @property
    def shares(self) -> tuple[float, float, float]:
        return self.train, self.valid, self.test

    @property
    def wanted(self) -> tuple[str, ...]:
        return tuple(side for side, share in zip(SIDES, self.shares, strict=True) if share > 0)

    def divide(self, samples: Sequence[Sample]) -> Sides:
        if min(self.shares) < 0 or self.train == 0 or abs(sum(self.shares) - 1) > 1e-6:
            written = ", ".join(f"{side} = {share:.4g}" for side, share in zip(SIDES, self.shares, strict=True))
            raise RunError(f"the shares of the split must sum to 1, with something to train on: {written}")
        patients = _patients(samples)
        if self.stable:
            first = _tickets(patients.names, self.seed)[:, 0].astype(np.float64) / 2.0**64  # from 0 to 1
            last = SIDES.index(self.wanted[-1])  # rounding may leave a sliver of 1 beyond it
            return _sides(np.minimum(np.searchsorted(np.cumsum(self.shares)[:2], first, "right"), last)[patients.of])
        side_of = np.empty(len(patients.names), np.int64)
        for group in _drawn(patients, self.seed):
            side_of[group] = np.repeat(np.arange(3), _portions(len(group), self.shares))
        return _sides(side_of[patients.of])


@dataclass(frozen=True, slots=True)
class folds:
    """k folds of patients, alike for patients of every worst label: one of them validates, all others are trained on.

    k: how many; fold: the one that validates, from 1; test: a share of the patients that is set aside first, the same
    ones for every fold; seed: of the draw. column: the column of the source that says what is tested on instead: that
    for which it has the word `test`; the folds divide what it calls `train`. Over all folds every other patient
    validates exactly once. The folds differ by a patient at most, within each group and in all. Raises RunError for a
    fold that is not among them, and with every photograph for which the column has neither word.
    """

    k: int
    fold: int = 1
    test: float | str = 0.0
    seed: int = 0
    column: str | None = None
    train: str = "train"

    remedy: ClassVar[str] = "use fewer folds, or add patients"

    @property
    def wanted(self) -> tuple[str, ...]:
        return SIDES if isinstance(self.test, str) or self.test > 0 else SIDES[:TEST]

    def divide(self, samples: Sequence[Sample]) -> Sides:
        if self.k < 2 or not 1 <= self.fold <= self.k:
            raise RunError(f"there is no fold {self.fold} of {self.k}")
        if isinstance(self.test, str):
            if self.column is None:
                raise RunError(f"the test side is called `{self.test}`, and no column is named that says so")
            side_of = _sides_by_word(samples, self.column, {self.train: TRAIN, self.test: TEST})
            to_train = np.flatnonzero(side_of == TRAIN)
            own = folds(self.k, self.fold, 0.0, self.seed).divide([samples[i] for i in to_train.tolist()])
            side_of[to_train[list(own.valid)]] = VALID
            return _sides(side_of)
        if not 0 <= self.test < 1:
            raise RunError(f"there is no fold {self.fold} of {self.k} beside a test share of {self.test:.4g}")
        patients = _patients(samples)
        side_of = np.full(len(patients.names), TRAIN)
        dealt = 0
        for group in _drawn(patients, self.seed):
            rest, apart = _portions(len(group), (1 - self.test, self.test), beside=self.k)
            side_of[group[:apart]] = TEST
            fold_of = (dealt + np.arange(rest)) % self.k  # dealt out like cards, going on from group to group
            side_of[group[apart:][fold_of == self.fold - 1]] = VALID
            dealt += rest
        return _sides(side_of[patients.of])


@dataclass(frozen=True, slots=True)
class by_column:
    """Divides as a column of the source says.

    column: its name; train, valid, test: the words of the sides, None for a test side that stays empty. valid may be a
    share instead: so many of the patients to train on are drawn to validate, alike for patients of every worst label,
    by `seed`. Raises RunError with every photograph whose word is none of these.
    """

    column: str
    train: str = "train"
    valid: float | str = 0.15
    test: str | None = "test"
    seed: int = 0

    remedy: ClassVar[str] = "see which photographs the column puts there, and how the classes are spelt"

    @property
    def wanted(self) -> tuple[str, ...]:
        return SIDES if self.test is not None else SIDES[:TEST]

    def divide(self, samples: Sequence[Sample]) -> Sides:
        words = {self.train: TRAIN}
        words |= {self.valid: VALID} if isinstance(self.valid, str) else {}
        words |= {} if self.test is None else {self.test: TEST}
        side_of = _sides_by_word(samples, self.column, words)
        if isinstance(self.valid, str):
            return _sides(side_of)
        to_train = np.flatnonzero(side_of == TRAIN)
        rest = by_patient(1 - self.valid, self.valid, 0.0, self.seed).divide([samples[i] for i in to_train.tolist()])
        side_of[to_train[list(rest.valid)]] = VALID
        return _sides(side_of)


def _sides_by_word(samples: Sequence[Sample], column: str, words: Mapping[str, int]) -> Numbers:
    """The number of each sample's side, `[n]`, by the word that a column has for it. Raises RunError with every sample
    whose word is none of these.
    """
    problems = Problems()
    for sample in samples:
        if sample.side not in words:
            said = f"`{sample.side}`" if sample.side else "nothing"
            kind = f"photographs that the column `{column}` puts on no side"
            problems.add(kind, f"{sample.image}: {said}", f"the words are {listed(words)}")
    problems.raise_any("the split cannot be used")
    return np.array([words[sample.side or ""] for sample in samples], np.int64)


class _Patients(NamedTuple):
    """names: each once; of: the number of each sample's patient, `[n]`; worst: the highest label of each patient."""

    names: list[str]
    of: Numbers
    worst: Numbers


def _patients(samples: Sequence[Sample]) -> _Patients:
    number: dict[str, int] = {}
    of = np.array([number.setdefault(sample.patient, len(number)) for sample in samples], np.int64)
    worst = np.zeros(len(number), np.int64)
    np.maximum.at(worst, of, np.array([sample.label for sample in samples], np.int64))
    return _Patients(list(number), of, worst)


def _tickets(names: Sequence[str], seed: int) -> npt.NDArray[np.uint64]:
    """The first 16 bytes of every patient's hash as two numbers, `[patients, 2]`: no two are alike."""
    start = f"{seed}/".encode()
    digests = b"".join([blake2b(start + name.encode("utf-8", "surrogatepass")).digest()[:16] for name in names])
    return np.frombuffer(digests, ">u8").reshape(-1, 2).astype(np.uint64)


def _drawn(patients: _Patients, seed: int) -> list[Numbers]:
    """The patients of each worst label, by their number, in the order in which they are drawn."""
    tickets = _tickets(patients.names, seed)
    order = np.lexsort((tickets[:, 1], tickets[:, 0], patients.worst))
    return np.split(order, np.flatnonzero(np.diff(patients.worst[order])) + 1) if len(order) else []


def _portions(patients: int, shares: Sequence[float], beside: int = 1) -> list[int]:
    """A group divided by largest remainder. A share gets one patient at least where enough are there.

    beside: how many patients the largest share wants at least.
    """
    counts = list(largest_remainder(patients, shares))
    wanted = [side for side, share in enumerate(shares) if share > 0]
    if patients >= len(wanted) - 1 + beside:
        for side in wanted:
            if counts[side] == 0:
                counts[counts.index(max(counts))] -= 1
                counts[side] = 1
    return counts


def _sides(side_of: Numbers) -> Sides:
    return Sides(*(tuple(np.flatnonzero(side_of == side).tolist()) for side in range(3)))

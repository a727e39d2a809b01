"""Two programs beside each other: which experiments stand for which, and what differs in each pair.

What an experiment computes, trains and saves is compared, and under which names it saves it. How that is written is
not: neither places nor layout, neither the names of data blocks, models, backbones and samplings nor whether something
is inherited, used from another file, or written out; nor what is declared and used by no experiment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from retdsl.compare.model import Comparison, Difference, Part, Sides
from retdsl.compare.pairing import is_part_of
from retdsl.compare.plans import data_differences, ensemble_differences, experiment_differences, model_differences
from retdsl.ir import Network, Program, learned_numbers
from retdsl.records import dataclass, replace

Compared: TypeAlias = Callable[[Any, Any], Iterator[Difference]]


def compare(a: Program, b: Program, chosen: Sequence[Sides] = ()) -> Comparison:
    """What differs in meaning between two programs.

    Experiments, and ensembles, stand for those of the same name; of the others, for one that means the same; and if a
    single one is left on each side, for that one. chosen: pairs of names, in a and b, that are compared and nothing
    else; that the names differ is then no difference. Raises KeyError for a name that is not there.

    Where neither program has an experiment, models and data blocks are compared. Their names are no difference, and a
    model that another one continues is a part of that one.
    """
    if a.experiments or b.experiments:
        named_a, named_b = ({e.name: e for e in program.experiments} for program in (a, b))
        matched = _match(named_a, named_b, experiment_differences, chosen)
        renamed = tuple((x, y) for x, y in matched.found if x != y and not chosen)
        if not chosen:
            joined_a, joined_b = ({e.name: e for e in program.ensembles} for program in (a, b))
            matched = matched.with_others(_match(joined_a, joined_b, ensemble_differences))
    else:
        models = _match(_models(a), _models(b), model_differences)
        data = _match({d.name: d for d in a.data}, {d.name: d for d in b.data}, data_differences)
        matched = models.with_others(data)
        renamed = ()
    parts = _parts(matched)
    return Comparison(
        a=a.file,
        b=b.file,
        of="experiments" if a.experiments or b.experiments else "declarations",
        alike=tuple(pair for pair, differences in matched.found.items() if not differences),
        parts=parts,
        only_a=matched.only_a,
        only_b=matched.only_b,
        renamed=renamed,
        same=not (parts or matched.only_a or matched.only_b or renamed),
    )


@dataclass(frozen=True, slots=True)
class _Matched:
    """Pairs of names with their differences, the sizes of their networks, and the names without a pair."""

    found: dict[Sides, tuple[Difference, ...]]
    sizes: dict[Sides, tuple[int, int]]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]

    def with_others(self, more: _Matched) -> _Matched:
        return replace(
            self,
            found={**self.found, **more.found},
            only_a=self.only_a + more.only_a,
            only_b=self.only_b + more.only_b,
        )


def _match(a: Mapping[str, Any], b: Mapping[str, Any], compared: Compared, chosen: Sequence[Sides] = ()) -> _Matched:
    pairs = list(chosen) or [(name, name) for name in a if name in b]
    found = {(x, y): tuple(compared(a[x], b[y])) for x, y in pairs}
    rest_a = [name for name in a if name not in b and not chosen]
    rest_b = [name for name in b if name not in a and not chosen]
    for x in list(rest_a):
        for y in rest_b:
            if next(compared(a[x], b[y]), None) is None:
                found[x, y] = ()
                rest_a.remove(x)
                rest_b.remove(y)
                break
    if len(rest_a) == len(rest_b) == 1:
        x, y = rest_a.pop(), rest_b.pop()
        found[x, y] = tuple(compared(a[x], b[y]))
    sizes = {(x, y): (_parameters(a[x]), _parameters(b[y])) for x, y in found}
    return _Matched(found, sizes, tuple(rest_a), tuple(rest_b))


def _models(program: Program) -> dict[str, Network]:
    """The models that stand for themselves."""
    return {
        model.name: model
        for model in program.networks
        if model.loss or not any(is_part_of(model, other) for other in program.networks)
    }


def _parts(matched: _Matched) -> tuple[Part, ...]:
    """Differences by the pairs that have them; those of more pairs first."""
    pairs_of: dict[Difference, list[Sides]] = defaultdict(list)
    for pair, differences in matched.found.items():
        for difference in differences:
            pairs_of[difference].append(pair)
    alike: dict[tuple[Sides, ...], list[Difference]] = defaultdict(list)
    for difference, pairs in pairs_of.items():
        alike[tuple(pairs)].append(difference)
    parts = [Part(pairs, tuple(found), _sizes(matched, pairs, found)) for pairs, found in alike.items()]
    return tuple(sorted(parts, key=lambda part: -len(part.pairs)))


def _sizes(matched: _Matched, pairs: Sequence[Sides], found: Sequence[Difference]) -> tuple[int, int] | None:
    """How many numbers the networks learn before and after, if that changed, and for all pairs alike."""
    sizes = {matched.sizes[pair] for pair in pairs if pair in matched.sizes}
    about = any(difference.key == "network" for difference in found)
    (before, after), *others = sizes or {(0, 0)}
    return (before, after) if about and before != after and not others else None


def _parameters(compared: Any) -> int:
    """How many numbers the network of an experiment, or a model, learns."""
    network = getattr(compared, "network", compared)
    return learned_numbers(network.nodes) if isinstance(network, Network) else 0

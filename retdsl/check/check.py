"""The order of checking: collect names, then data, chains, models, experiments."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from retdsl.balance.counts import Counts, Reading, known_counts
from retdsl.check.backbones import Found
from retdsl.check.circular import report_circles
from retdsl.check.data import check_data
from retdsl.check.evaluate import Env, Val
from retdsl.check.graph import but_head
from retdsl.check.limits import MAX_DEPTH, Limits
from retdsl.check.models import build_network, check_block
from retdsl.check.network import Builder
from retdsl.check.options import Context
from retdsl.check.photographs import check_augment
from retdsl.check.samplings import check_sampling
from retdsl.check.scope import Scope, collect
from retdsl.check.training import Parts, check_train
from retdsl.diagnostics import Diagnostics, Fix
from retdsl.ir import DataPlan, Ensemble, Experiment, Network, Program, Shape
from retdsl.records import dataclass, field
from retdsl.schema.types import Word
from retdsl.source import Source, Span
from retdsl.syntax import parse
from retdsl.syntax import tree as t

if TYPE_CHECKING:
    from retdsl.check.overrides import OnTop, Override


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking leaves: the program (None after an error, or where a checkpoint is not at hand), all messages, the
    sources that belong to it, used files first, the photographs of each data block, where they are known, and the plans
    of the data blocks that are right.
    """

    program: Program | None
    diagnostics: Diagnostics
    sources: tuple[Source, ...]
    counts: Mapping[str, Counts] = field(default_factory=dict)
    data: tuple[DataPlan, ...] = ()


def check_source(
    source: Source,
    root: Path,
    overrides: Sequence[Override] = (),
    readings: Mapping[str, Reading] | None = None,
    shape: Shape | None = None,
    chosen: Collection[str] = (),
) -> Checked:
    """Checks a spec.

    root: where relative paths start. overrides: settings put on top of the blocks that they name; those that name none,
    on top of the train blocks called `chosen` and the members of such ensembles, of every one without these. readings:
    what the labels and photographs of data blocks say, by the blocks' names, if they were read. shape: of the input of
    models that neither data nor they themselves say it of; without it, that which their backbones are made for.
    Reads only spec files and what checkpoints, weights and mean images say of themselves; never raises for any text.
    """
    out = Diagnostics()
    scope, sources = collect(parse(source, out), out)
    on_top = _on_top(overrides, chosen, scope, out)
    report_circles(scope, out)
    ctx = Context(scope, out)
    read = readings or {}
    blocks = [d for d in scope.of_kind("data") if isinstance(d, t.Data)]
    data = {d.name.name: check_data(d, ctx, root, read.get(d.name.name)) for d in blocks}
    counted = {name: known_counts(plan, read.get(name)) for name, plan in data.items() if plan is not None}
    counts = {name: found for name, found in counted.items() if found is not None}
    augments = {a.name.name: check_augment(a, ctx) for a in scope.of_kind("augment") if isinstance(a, t.Augment)}
    samplings = {s.name.name: check_sampling(s, ctx) for s in scope.of_kind("sampling") if isinstance(s, t.Sampling)}
    env = Env(dotted=lambda ref, to: _data_attribute(ref, scope, to))
    networks = _Networks(scope, out, env, data, root, shape)
    parts = Parts(
        data={name: plan for name, plan in data.items() if plan is not None},
        augments={name: steps for name, steps in augments.items() if steps is not None},
        samplings={name: policy for name, policy in samplings.items() if policy is not None},
        network=networks.build,
        counts=counts,
    )
    trains = [d for d in scope.of_kind("train") if isinstance(d, t.Train)]
    experiments = []
    for train in trains:
        more = on_top.get(train.name.name, [])
        experiment = check_train(train, [override.setting for override in more], env, parts, ctx)
        if experiment is not None and overrides:
            from retdsl.check.overrides import with_said

            experiment = with_said(experiment, more, overrides)
        experiments.append(experiment)
    declared = [d for d in scope.of_kind("ensemble") if isinstance(d, t.Ensemble)]
    ensembles = _ensembles(declared, dict(zip((train.name.name for train in trains), experiments, strict=True)), ctx)
    alone = networks.all()
    networks.check_unused()
    complete = None not in experiments and None not in ensembles and None not in alone and None not in data.values()
    program = None
    if not out.errors and complete:
        program = Program(
            file=source.name,
            networks=tuple(n for n in alone if n is not None),
            data=tuple(parts.data.values()),
            experiments=tuple(e for e in experiments if e is not None),
            ensembles=tuple(e for e in ensembles if e is not None),
        )
    return Checked(program, out, tuple(sources), counts, tuple(parts.data.values()))


def _on_top(overrides: Sequence[Override], chosen: Collection[str], scope: Scope, out: Diagnostics) -> OnTop:
    """The settings from the command line for each train block; those for other blocks are put into them."""
    if not overrides:
        return {}
    from retdsl.check.overrides import put_on_top

    return put_on_top(overrides, chosen, scope, out)


def _ensembles(
    declared: Sequence[t.Ensemble], experiments: Mapping[str, Experiment | None], ctx: Context
) -> list[Ensemble | None]:
    if not declared:
        return []
    from retdsl.check.ensembles import check_ensemble

    return [check_ensemble(one, experiments, ctx) for one in declared]


def _data_attribute(ref: t.Ref, scope: Scope, out: Diagnostics) -> Val | None:
    """`NAME.classes` of a data block, even of one that has mistakes elsewhere."""
    name, *attribute = ref.parts
    declared = scope.find("data", name)
    if not isinstance(declared, t.Data):
        scope.report_unknown("data", name, ref.span, out)
        return None
    if attribute != ["classes"]:
        helps = [f"did you mean `{name}.classes`?"]
        fixes = [Fix.at(ref.span, f"{name}.classes")]
        out.report("R201", f"`{ref.name}` means nothing here", ref.span, helps=helps, fixes=fixes)
        return None
    for setting in declared.settings:
        if setting.key.name == "classes" and isinstance(setting.value, t.Listing):
            return Val(tuple(Val(Word("class"), item.span) for item in setting.value.items), ref.span)
    return None  # missing or no list, which is reported at the data block


class _Networks:
    """Builds each model once for each shape of input."""

    def __init__(
        self,
        scope: Scope,
        out: Diagnostics,
        env: Env,
        data: dict[str, DataPlan | None],
        root: Path,
        shape: Shape | None,
    ) -> None:
        self._scope, self._out, self._env, self._root = scope, out, env, root
        self._shapes = {name: None if plan is None else plan.image_shape for name, plan in data.items()}
        self._common_shape = next(iter(self._shapes.values())) if len(set(self._shapes.values())) == 1 else shape
        self._found: set[str] = set()
        self._limits = Limits()
        self._backbones = Found()
        self._built: dict[tuple[str, Shape | None], tuple[Network | None, dict[str, Span]]] = {}
        self._first: dict[str, Network | None] = {}

    def build(self, name: str, shape: Shape | None) -> tuple[Network | None, dict[str, Span]]:
        """The network of model `name` for an input shape, and those of its backbones with weights of which nobody
        knows what they were trained on, with where these are named.
        """
        key = (name, shape)
        if key not in self._built:
            model = cast(t.Model, self._scope.find("model", name))
            builder = self._builder(shape)
            network = build_network(model, builder)
            self._limits.nodes += len(builder.graph.nodes)
            self._found.update(builder.inputs.backbones)
            used = {b.name for b in network.backbones} if network else set()
            untold = {
                name: found.weights.at
                for name, found in builder.inputs.backbones.items()
                if name in used - builder.unfit and found.weights is not None and found.weights.is_untold
            }
            self._built[key] = (network, untold)
            self._first.setdefault(name, network)
        return self._built[key]

    def _builder(self, shape: Shape | None) -> Builder:
        return Builder(
            self._scope,
            self._out,
            self._env,
            self._shapes,
            self._root,
            shape,
            limits=self._limits,
            found=self._backbones,
        )

    def check_unused(self) -> None:
        """Checks what no model reaches: backbones that nobody uses, and blocks as far as they can be known."""
        for backbone in self._scope.of_kind("backbone"):
            if isinstance(backbone, t.Backbone) and backbone.name.name not in self._found:
                found = self._builder(None).inputs.backbone(backbone, needed=False)
                found.check_weights(but_head(found.nodes), self._out)
        for block in self._scope.of_kind("block"):
            if isinstance(block, t.Block):
                check_block(block, self._builder(None))

    def all(self) -> list[Network | None]:
        """Every model on its own: for the shape an experiment gave it, else for the only data block's image."""
        networks: list[Network | None] = []
        for model in self._scope.of_kind("model"):
            name = model.name.name
            done = name in self._first
            networks.append(self._first[name] if done else self.build(name, self._only_shape(model))[0])
        return networks

    def _only_shape(self, model: object) -> Shape | None:
        """The image of the only data block, for a model that does not say itself what it starts from."""
        head: object = model
        seen: set[object] = set()
        while isinstance(head, t.Model) and head.name.name not in seen and len(seen) < MAX_DEPTH:
            seen.add(head.name.name)
            step = next(t.steps_of(head.value))
            head = self._scope.find("model", step.name) if isinstance(step, t.Ref) else step
            if isinstance(step, t.Apply) or (isinstance(step, t.Ref) and len(step.parts) == 2):
                return None
        return self._common_shape

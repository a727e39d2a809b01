"""`sampling` declarations to policies, and what a policy says about the classes, the training and itself.

Enters: a declared policy, or a checked one with the experiment that uses it. Leaves: R503, R621, R622.
"""

from __future__ import annotations

from collections.abc import Iterator

from retdsl.balance.counts import Side
from retdsl.balance.epochs import base_of, drawn_from, ratio_in_epoch
from retdsl.balance.numbers import ratio_text, short, whole_percent
from retdsl.balance.prior import shares
from retdsl.check.evaluate import Env, evaluate
from retdsl.check.heads import classes_of
from retdsl.check.options import Context, Failed, check_call
from retdsl.check.settings import Settings
from retdsl.diagnostics import Label
from retdsl.ir import Call, DataPlan, Value
from retdsl.records import dataclass
from retdsl.source import Span
from retdsl.syntax import tree as t


@dataclass(frozen=True, slots=True)
class Policy:
    """A checked policy, and how it is written, if it is: as the value of `sampling`, or where that name is declared."""

    call: Call
    written: t.Expr | None
    used: Span

    def place(self, option: str) -> Span:
        """Where the value of an option stands; of one that is not written, the whole policy."""
        value = self._argument(option)
        return value.span if value is not None else self.written.span if self.written is not None else self.used

    def nested(self) -> Iterator[Policy]:
        """The policy, and the one that it is `of`."""
        yield self
        of = dict(self.call.options).get("of")
        if isinstance(of, Call):
            yield from Policy(of, self._argument("of"), self.used).nested()

    def _argument(self, option: str) -> t.Expr | None:
        arguments = self.written.arguments if isinstance(self.written, t.Apply) else ()
        return next((a.value for a in arguments if a.name is not None and a.name.name == option), None)


def check_sampling(declared: t.Sampling, ctx: Context) -> Call | None:
    """The policy of a sampling."""
    val = evaluate(declared.value, Env(), ctx.out)
    call = None if val is None else check_call(val, "sampling policy", ctx)
    if call is None or isinstance(call, Failed):
        return None
    _check_contradictions(Policy(call, declared.value, declared.value.span), ctx)
    return call


def check_policy(
    call: Call, data: DataPlan, side: Side | None, epochs: int, checked: Settings, train: t.Train, ctx: Context
) -> bool:
    """Whether a policy makes sense for these classes. What is no mistake, but not what one expects, is warned of.

    side: what there is to learn from; epochs: of the training.
    """
    used = checked.place("sampling", train.name.span)
    written = checked.written.get("sampling")
    declared = ctx.scope.find("sampling", written.name) if isinstance(written, t.Ref) else None
    policy = Policy(call, declared.value if isinstance(declared, t.Sampling) else written, used)
    errors = ctx.out.errors
    _check_contradictions(policy, ctx)
    for part in policy.nested():
        for option in ("ratio", "from", "to"):
            _check_parts(part, option, data, ctx)
    if ctx.out.errors > errors:
        return False
    _check_arrives(policy, len(data.classes), side, epochs, checked.place("epochs", train.name.span), ctx)
    return True


def _check_contradictions(policy: Policy, ctx: Context) -> None:
    """What a policy says against itself."""
    outer, *inner = policy.nested()
    if outer.call.name == "hard":
        fraction = outer.call["fraction"]
        if fraction == 1:
            text = f"`hard` leaves nothing to `{base_of(outer.call).name}`"
            label = Label(outer.place("fraction"), "replaces all that it draws")
            notes = ["from the second epoch on, no image that was not seen in the first could come"]
            helps = ["leave a part to the other policy, as in `hard(30%, ...)`"]
            ctx.out.report("R622", text, label, notes=notes, helps=helps)
    for part in inner:
        if part.call.name == "hard":
            text = "`hard` of `hard`: the hardest images would be chosen twice"
            helps = ["one `hard` with a larger `fraction`", "or name the policy that draws the rest: `of = resample`"]
            label = Label(part.written.span if part.written else policy.used, "chooses the hardest images, too")
            ctx.out.report("R622", text, label, helps=helps)
    for part in policy.nested():
        if part.call.name == "progressive" and _alike(part.call["from"], part.call["to"]):
            text = "`progressive` ends with the ratio that it begins with"
            same = part.call["to"] or part.call["from"]
            kept = "natural" if same == "natural" else f"resample(ratio = {part.place('from').text})"
            label = Label(part.place("to"), "nothing moves")
            helps = [
                f"for a ratio that stays, write `{kept}`",
                "or let it begin with the photographs: `from = natural`",
            ]
            ctx.out.report("R622", text, label, helps=helps[: 1 if same == "natural" else 2])


def _alike(start: Value, end: Value) -> bool:
    if not isinstance(start, tuple):
        return start == end
    equal = (1,) * len(start)
    parts = end if isinstance(end, tuple) else equal if end is None else ()
    one, other = (shares([float(str(part)) for part in ratio]) for ratio in (start, parts))
    return one is not None and other is not None and [round(a, 9) for a in one] == [round(b, 9) for b in other]


def _check_parts(policy: Policy, option: str, data: DataPlan, ctx: Context) -> None:
    """A ratio has as many parts as there are classes."""
    ratio, count = dict(policy.call.options).get(option), len(data.classes)
    if not isinstance(ratio, tuple) or len(ratio) == count:
        return
    span, used = policy.place(option), policy.used
    here = [] if used.start <= span.start < used.end else [Label(used, "used here")]
    text = f"the ratio has {len(ratio)} parts, and there are {count} classes"
    ctx.out.report("R503", text, Label(span, f"{len(ratio)} parts"), *here, *classes_of(data.name, count, ctx))


def _check_arrives(policy: Policy, classes: int, side: Side | None, epochs: int, trained: Span, ctx: Context) -> None:
    """A ratio that moves arrives before training ends."""
    *_, part = policy.nested()
    arrives = dict(part.call.options).get("epochs")
    if part.call.name != "progressive" or not isinstance(arrives, int) or arrives <= epochs:
        return
    among = drawn_from(part.call, side)
    end, last = (ratio_in_epoch(part.call, epoch, classes, among) for epoch in (arrives, epochs))
    notes = [f"the last epoch is {whole_percent((epochs - 1) / (arrives - 1))} of the way"]
    if end is not None and last is not None:
        notes = [f"{notes[0]}: it draws the classes {ratio_text(last)}, and not {ratio_text(end)}"]
    text = "the sampling is still on its way when training ends"
    helps = [f"`progressive(..., epochs = {epochs})`, or fewer: the epochs behind it keep the last ratio"]
    labels = Label(part.place("epochs"), f"arrives in epoch {arrives}"), Label(trained, f"{short(epochs)} epochs")
    ctx.out.report("R621", text, *labels, notes=notes, helps=helps if epochs > 1 else ["train for more epochs"])

"""Keys that are said of parts of the network, `rate(head) = 10x`: one value for each part, the later counts.

Enters: settings as they were written. Leaves: for each part a call of the key's name with its `part`, as the language
spells it, and its `value`.
"""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.check.evaluate import Env, evaluate
from retdsl.check.options import Context, Failed, check_value, place_of
from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.ir import Call
from retdsl.schema import Option
from retdsl.schema.types import Each
from retdsl.syntax import tree as t


def report_form(setting: t.Setting, option: Option, ctx: Context) -> None:
    """Says that a part is missing in brackets behind a key that wants one, or stands behind another."""
    key = setting.key
    if isinstance(option.type, Each):
        text, label = f"`{key.name}` is said of a part of the network", "of which part?"
        ctx.out.report("R303", text, Label(key.span, label), helps=[f"as in `{key.name}(head) = 10x`"])
    else:
        text, label = f"`{key.name}` takes no part of the network", "this stands for all of it"
        fixes = [Fix.at(setting.head, key.name)]
        label_at = Label(setting.head, label)
        ctx.out.report("R303", text, label_at, helps=[f"write `{key.name} = ...`"], fixes=fixes)


def check_parts(settings: Sequence[t.Setting], option: Option, env: Env, ctx: Context) -> tuple[Call, ...] | Failed:
    """The values of a key by part."""
    assert isinstance(option.type, Each)
    found: dict[str, Call] = {}
    failed = False
    for setting in settings:
        part = part_of(setting, option, ctx)
        val = evaluate(setting.value, env, ctx.out)
        if val is not None and val.value == 0 and not isinstance(val.value, bool):
            label, helps = Label(val.span, "would learn nothing"), ["what is not to learn is frozen: `freeze = ...`"]
            ctx.out.report("R304", f"`{option.name}` must be {option.type.value.words}", label, helps=helps)
            failed = True
            continue
        value = None if val is None else check_value(val, option.type.value, ctx, f"`{option.name}`")
        if part is None or val is None or isinstance(value, Failed):
            failed = True
            continue
        found[part] = Call(option.name, (("part", part), ("value", value)), place_of(setting.value.span))
    return Failed.FAILED if failed else tuple(found.values())


def part_of(setting: t.Setting, option: Option, ctx: Context) -> str | None:
    """The part that a setting is said of, as the language spells it; None after a mistake."""
    assert isinstance(option.type, Each)
    assert setting.part is not None
    val = evaluate(setting.part, Env(), ctx.out)
    value = None if val is None else check_value(val, option.type.part, ctx, f"what `{option.name}` is said of")
    return value if isinstance(value, str) else None


def silently_part_of(setting: t.Setting, option: Option, ctx: Context) -> str | None:
    """The same for a setting whose mistakes are reported elsewhere."""
    return None if setting.part is None else part_of(setting, option, Context(ctx.scope, Diagnostics()))

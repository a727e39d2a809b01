"""The keys of a block against the schema: known, given once, of their types; defaults filled in."""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.check.evaluate import Env, evaluate
from retdsl.check.options import Context, Failed, check_value, default_of
from retdsl.diagnostics import Label
from retdsl.ir import Value
from retdsl.records import dataclass, field
from retdsl.schema import REQUIRED, Entry
from retdsl.schema.types import Each, Steps
from retdsl.source import Span
from retdsl.syntax import tree as t


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a block: the checked values of all but chains, and what was written for those that the spec gives.

    parts: what was written for keys that are said of parts of the network, the later counts.
    """

    values: dict[str, Value]
    written: dict[str, t.Expr]
    parts: dict[str, tuple[t.Setting, ...]] = field(default_factory=dict)

    def place(self, key: str, otherwise: Span) -> Span:
        """Where the value of a key was written; `otherwise` for a default."""
        return self.written[key].span if key in self.written else otherwise

    def part(self, key: str, name: str, otherwise: Span) -> Span:
        """Where `name` stands in the value of a key: an item of a list, or an option of a call."""
        value = self.written.get(key)
        for item in value.items if isinstance(value, t.Listing) else ():
            called = item.function if isinstance(item, t.Apply) else item
            if isinstance(called, t.Ref) and called.name == name:
                return item.span
        for argument in value.arguments if isinstance(value, t.Apply) else ():
            if argument.name is not None and argument.name.name == name:
                return argument.value.span
        return self.place(key, otherwise)


def check_settings(
    entry: Entry,
    settings: Sequence[t.Setting],
    name: Span,
    env: Env,
    ctx: Context,
    *,
    overriding: bool = False,
    whole: bool = True,
) -> Settings | None:
    """The keys of a block against the schema, with defaults; chains are handed on as they are.

    overriding: a later setting of the same key replaces an earlier one (inherited keys), instead of being reported.
    whole: False if missing keys are reported elsewhere, at the block that this one descends from.
    """
    written: dict[str, t.Setting] = {}
    parts: dict[str, tuple[t.Setting, ...]] = {}
    meant: set[str] = set()
    ok = True
    known = {option.name: option for option in entry.options}
    keys = {setting.key.name for setting in settings}
    given = keys if whole else known
    for setting in settings:
        key = setting.key.name
        if key not in known:
            from retdsl.check.option_messages import report_unknown_option

            near, sure = report_unknown_option(entry, setting.key, known, given, ctx.out)
            if sure is None or (sure in keys and not overriding):
                meant.update(near)
                ok = False
                continue
            key = sure
        illegible = isinstance(setting.value, t.Illegible)
        if not illegible and isinstance(known[key].type, Each) != (setting.part is not None):
            from retdsl.check.parts import report_form

            report_form(setting, known[key], ctx)
            ok = False
        elif setting.part is not None and not illegible:
            parts[key] = (*parts.get(key, ()), setting)
        elif key in written and not overriding:
            first = Label(written[key].key.span, "first given here")
            ctx.out.report("R305", f"`{key}` is given twice", Label(setting.key.span, "given again"), first)
            ok = False
        else:
            written[key] = setting
    values: dict[str, Value] = {}
    for key, option in known.items():
        if key in written and isinstance(written[key].value, t.Illegible):
            ok = False
        elif key in parts:
            from retdsl.check.parts import check_parts

            values_of_parts = check_parts(parts[key], option, env, ctx)
            if isinstance(values_of_parts, Failed):
                ok = False
            else:
                values[key] = values_of_parts
        elif key in written and isinstance(option.type, Steps):
            continue
        elif key in written:
            val = evaluate(written[key].value, env, ctx.out)
            value = None if val is None else check_value(val, option.type, ctx, f"`{key}`")
            if val is None or isinstance(value, Failed):
                ok = False
            else:
                values[key] = value
        elif option.default is REQUIRED and (key in meant or not whole):
            ok = False
        elif option.default is REQUIRED:
            from retdsl.check.option_messages import about

            label, notes = Label(name, f"no `{key}`"), [about(option)]
            helps = [f"add `{key} = ...`, {option.type.words}"]
            ctx.out.report("R301", f"this `{entry.name}` block needs `{key}`", label, notes=notes, helps=helps)
            ok = False
        else:
            values[key] = default_of(option)
    return Settings(values, {key: setting.value for key, setting in written.items()}, parts) if ok else None

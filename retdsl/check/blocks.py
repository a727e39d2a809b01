"""A block's parameters as a call gives them."""

from __future__ import annotations

from retdsl.check.evaluate import Env, Val, evaluate
from retdsl.check.fixes import rename_fixes
from retdsl.check.frame import Frame
from retdsl.diagnostics import Diagnostics, Label
from retdsl.diagnostics.suggest import guess
from retdsl.syntax import tree as t


def bind(call: t.Apply, block: t.Block, frame: Frame, out: Diagnostics) -> dict[str, Val] | None:
    """The value of every parameter; None if one is missing, unknown, given twice or has no value."""
    given = _given(call, block, frame, out)
    if given is None:
        return None
    found = Diagnostics()
    values: dict[str, Val] = {}
    missing: list[str] = []
    waiting = {parameter.name.name for parameter in block.parameters}
    ok = True
    for parameter in block.parameters:
        name = parameter.name.name
        if name in given:
            val = evaluate(given[name], frame.env, found)
        elif parameter.default is not None:
            val = evaluate(parameter.default, Env(values, frame.env.dotted, waiting), found)
        else:
            missing.append(name)
            continue
        if val is None:
            ok = False
        else:
            values[name] = val
            waiting.discard(name)
    frame.relay(found, call, out)
    if missing:
        names = " and ".join(f"`{name}`" for name in missing)
        label = Label(call.span, f"{names} {'is' if len(missing) == 1 else 'are'} missing")
        text = f"the block `{block.name.name}` needs {names}"
        frame.report(out, "R301", text, label, _declared(block), notes=[_takes(block)])
    return values if ok and not missing else None


def _given(call: t.Apply, block: t.Block, frame: Frame, out: Diagnostics) -> dict[str, t.Expr] | None:
    """The arguments by parameter; those without a name go to the parameters that are left, in their order."""
    names = dict.fromkeys(parameter.name.name for parameter in block.parameters)
    in_order = iter(names)
    given: dict[str, t.Expr] = {}
    ok = True
    for argument in call.arguments:
        if argument.name is None:
            name = next((name for name in in_order if name not in given), None)
            if name is None:
                text = f"too many values for the block `{block.name.name}`"
                label = Label(argument.span, "nothing is left that this could be")
                frame.report(out, "R306", text, label, _declared(block), notes=[_takes(block)])
                return None
            given[name] = argument.value
            continue
        name = argument.name.name
        if name not in names:
            meant = guess(name, names)
            fixes = rename_fixes(meant, name, argument.name.span, own=True)
            text = f"the block `{block.name.name}` has no parameter `{name}`"
            label = Label(argument.name.span, "not a parameter")
            helps = [meant.question] if meant.question else []
            frame.report(out, "R302", text, label, _declared(block), notes=[_takes(block)], helps=helps, fixes=fixes)
            ok = False
        elif name in given:
            again, first = Label(argument.name.span, "given again"), Label(given[name].span, "first given here")
            frame.report(out, "R305", f"`{name}` is given twice", again, first)
            ok = False
        else:
            given[name] = argument.value
    return given if ok else None


def _declared(block: t.Block) -> Label:
    return Label(block.name.span, "declared here")


def _takes(block: t.Block) -> str:
    return f"`{block.name.name}` takes {', '.join(p.name.name for p in block.parameters) or 'nothing'}"

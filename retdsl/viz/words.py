"""Values of the checked program in words that a reader takes in at a glance.

Shapes lose the batch and read as photographs do, height x width x channels; amounts are rounded to two or three
figures, shares are percentages. Text that is to be the language itself comes from `retdsl.schema.spelling`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from retdsl.ir import Call, Node, Shape, Value, learned_numbers
from retdsl.schema.spelling import spell, spell_layer

FRACTIONS = frozenset(
    {
        *("train", "valid", "test", "p", "at_specificity", "at_sensitivity", "threshold", "floor"),
        *("at_prevalence", "amount", "size", "mask", "fraction"),
    }
)
"""Options that are shares."""

Options = Sequence[tuple[str, Value]]


def amount(n: int) -> str:
    """`950`, `1.6 k`, `164 k`, `4.7 M`, `1.2 G`."""
    value, unit = float(n), ""
    for bigger in (" k", " M", " G"):
        if value < 999.5:
            break
        value, unit = value / 1000, bigger
    return f"{value:.1f}{unit}" if unit and value < 9.95 else f"{value:.0f}{unit}"


def counted(n: int, thing: str) -> str:
    """`1 layer`, `7 layers`, `164 k parameters`."""
    return f"{amount(n)} {thing}" + ("" if n == 1 else "s")


def percent(fraction: float) -> str:
    return f"{100 * fraction:.6g} %"


def size(shape: Shape | None) -> str:
    """The height and width of a picture-shaped value, `56 × 56`; empty for every other shape."""
    if shape is None or len(shape) != 4:
        return ""
    return " × ".join("?" if n is None else str(n) for n in shape[2:])


def dimensions(shape: Shape | None, between: str = " ") -> str:
    """A shape without its batch: `[N, 24, 112, 112]` is `112 × 112 × 24`, `[N, 1280]` is `1280`; unknown is empty.

    between: what stands before the channels; a line feed makes it two short lines.
    """
    if shape is None:
        return ""
    if len(shape) == 4:
        channels = "?" if shape[1] is None else str(shape[1])
        return f"{size(shape)}{between}× {channels}"
    return " × ".join("?" if n is None else str(n) for n in shape[1:])


def brackets(shape: Shape | None) -> str:
    """A shape as engineers write it, `[N, 24, 112, 112]`."""
    if shape is None:
        return "[shape not known]"
    return "[" + ", ".join("N" if n is None else str(n) for n in shape) + "]"


def value(key: str, given: Value) -> str:
    """A value as one says it; `key` tells percentages and ratios from plain numbers and lists."""
    match given:
        case bool():
            return "true" if given else "false"
        case float() if key in FRACTIONS and 0 <= given <= 1:
            return percent(given)
        case float():
            return f"{given:.6g}"
        case Call():
            return spell(given)
        case (Call(), *_):
            return ", ".join(spell(each) for each in given)
        case tuple() if key in ("ratio", "weights", "from", "to"):
            return " : ".join(value("", item) for item in given)
        case tuple():
            return "(" + ", ".join(value("", item) for item in given) + ")"
        case None:
            return "none"
        case _:
            return str(given)


def phrase(given: Call) -> str:
    """A call as one says it: `rotate180 p 50 %`, `sensitivity at 90 % specificity`, `one_of blur | jpeg, p 50 %`."""
    options = dict(given.options)
    if set(options) == {"height", "width"}:
        return f"{given.name} {options['height']} × {options['width']}"
    said = [option(key, v) for key, v in telling(given) if (key, v) != ("p", 1)]
    return f"{given.name} {', '.join(said)}" if said else given.name


def option(key: str, given: Value) -> str:
    """An option as one says it; steps to choose from by their names, and classes without brackets.

    A policy within another, as in `hard(30%, of = ...)`, is said in the same words.
    """
    match given:
        case Call():
            return f"{key} {phrase(given)}"
        case (Call(), *_):
            return " | ".join(one.name for one in given if isinstance(one, Call))
        case (*classes,) if key == "on":
            return f"on {', '.join(map(str, classes))}"
        case _ if key.startswith("at_"):
            return f"at {value(key, given)} {key[3:]}"
        case _:
            return f"{key} {value(key, given)}"


def brief(given: Call) -> tuple[str, ...]:
    """A call by its name and what tells it from others: `zoo efficientnet_lite0`, `weights imagenet`.

    The first option goes unnamed; long texts (paths, hashes) are clipped.
    """
    (_, first), *rest = given.options or ((None, ""),)
    said = [f"{given.name} {clipped(value('', first), 32)}".rstrip()]
    return (*said, *(f"{key} {value(key, v)}" for key, v in rest if v is not None and len(str(v)) <= 24))


def clipped(text: str, width: int = 36) -> str:
    """Text of at most `width` characters; of a longer one, its two ends."""
    half = (width - 1) // 2
    return text if len(text) <= width else f"{text[: width - 1 - half]}…{text[-half:]}"


def telling(given: Call) -> Options:
    """The options that change something: neither absent nor zero, but a seed always."""
    return [(key, v) for key, v in given.options if v is not None and (v != 0 or key == "seed")]


def packed(items: Iterable[str], width: int = 26) -> tuple[str, ...]:
    """Items set into lines of about `width` characters, apart by commas; no item is broken."""
    lines: list[str] = []
    for item in items:
        if lines and len(lines[-1]) + 2 + len(item) <= width:
            lines[-1] += f", {item}"
        else:
            lines.append(item)
    return tuple(lines)


def folded(text: str, width: int = 36) -> tuple[str, ...]:
    """Text in lines of about `width` characters: broken behind commas, and clipped where it has none."""
    *lines, last = packed(text.split(", "), width - 1)
    return (*(f"{clipped(line, width - 1)}," for line in lines), clipped(last, width))


def layer(node: Node) -> tuple[str, tuple[str, ...]]:
    """The title of a layer and what matters of its options in a line or two."""
    options = dict(node.options)
    match node.op:
        case "Convolution" | "Deconvolution":
            line = _window(options)
            groups = options.get("num_group")
            if isinstance(groups, int) and groups > 1:
                line += ", depthwise" if groups == options.get("num_filter") else f", {groups} groups"
            return node.op, (line,)
        case "FullyConnected":
            return node.op, (f"{value('', options.get('num_hidden'))} units",)
        case "Pooling":
            kind = str(options.get("pool_type", "max"))
            return node.op, (f"{kind}, global" if options.get("global_pool") else f"{kind} {_window(options)}",)
        case "Activation" | "LeakyReLU" if "act_type" in options:
            return str(options["act_type"]), ()
        case "Flatten" | "BatchNorm" | "Concat" | "Add" | "Multiply":
            return node.op, ()
        case _:
            return node.op, packed(f"{key} {value(key, v)}" for key, v in node.options if v is not None)[:2]


def _window(options: dict[str, Value]) -> str:
    kernel, stride = options.get("kernel"), options.get("stride")
    said = " × ".join(str(n) for n in kernel) if isinstance(kernel, tuple) else ""
    if isinstance(stride, tuple) and any(n != 1 for n in stride):
        said += f", stride {stride[0] if len(set(stride)) == 1 else value('', stride)}"
    return said


LEFT_BEHIND = "left behind"
"""The backbone of nodes that a cut leaves behind; no backbone can be declared by such a name."""


def state(node: Node) -> str:
    """What becomes of a node: it is frozen, trained, or left behind by a cut."""
    if node.backbone == LEFT_BEHIND:
        return LEFT_BEHIND
    return "frozen" if node.frozen else "trained"


def layer_in_full(node: Node) -> str:
    """Everything known of a layer, for a tooltip: name, options, shape, parameters, place."""
    lines = [
        node.name + (f" (as {node.alias})" if node.alias else ""),
        spell_layer(node.op, node.options),
        brackets(node.shape),
    ]
    if node.parameters:
        count = learned_numbers([node])
        lines.append(f"{counted(count, 'parameter')}, {state(node)}")
    return "\n".join([*lines, str(node.place)])

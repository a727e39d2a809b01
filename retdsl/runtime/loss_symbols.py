"""The loss heads as symbols of built-in operators: what they answer, and the gradient that they send back.

Enters: a symbol of logits [N, C], numbers of the spec, a name. Leaves: a training symbol with one output, the
probabilities [N, C], and the variable `<name>_label`. Guaranteed: what `losses` promises of every head.

All rest on one mechanism. `SoftmaxOutput` sends back p - onehot(y), or p - t, whatever comes after it. Before it, the
logits z become

    z2 = s + (z - s) * f,   s = z without gradient,   f = one factor a sample [N, 1], without gradient

which leaves the value alone (z2 = z) and multiplies the gradient by f. Every loss here has a gradient of that form.
With soft labels a sample weighs w.t, the mean weight of its classes. `LogisticRegressionOutput` sends back (p - t) / C,
and a sigmoid's weights, one a finding, take the place of f.
Each node carries a name of its own, `<name>_...`, because automatic names depend on what the process did before. How
many classes there are stands in no node: `arange_like` counts them.
"""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.runtime.symbols import Symbol, sym

SMALLEST_PROBABILITY = 1e-37
"""Below this a float32 probability counts as this much in a logarithm: the loss stays finite, at most 85."""

SMALLEST_DOUBT = 1e-20
"""Below this 1 - p counts as this much in a power, so that a negative exponent (gamma < 1) stays finite."""

EXCLUDED = 1e30
"""Taken from a score, this leaves nothing of its class in a softmax."""


def softmax(
    logits: Symbol, weights: Sequence[float] | None, name: str, *, soft: bool = False, smoothing: float = 0.0
) -> Symbol:
    """Probabilities [N, C]; sends back w_y (p - onehot(y)), or (w.t) (p - t). weights: one a class, None for 1.

    smoothing: the share of a label that is spread evenly over all classes; what a sample weighs remains that of its
    label.
    """
    label = _label(name)
    value = _value(logits, name)
    factor = None if weights is None else _weight(label, value, weights, name, soft=soft)
    targets = label
    if soft or smoothing:
        targets = _evenly(_shares(label, value, name, soft=soft), value, smoothing, name)
    return _output(logits, value, targets, factor, name)


def focal_softmax(
    logits: Symbol,
    gamma: float,
    weights: Sequence[float] | None,
    name: str,
    *,
    soft: bool = False,
    smoothing: float = 0.0,
) -> Symbol:
    """Probabilities [N, C]; sends back w_y f_y (p - onehot(y)) with f = (1 - p)^g - g p (1 - p)^(g - 1) log p.

    With soft labels (w.t) (sum_c t_c f_c) (p - r); r is t f scaled to the sum 1, and `SoftmaxOutput`'s label.
    smoothing: as in `softmax`.
    """
    label = _label(name)
    value = _value(logits, name)
    weight = None if weights is None else _weight(label, value, weights, name, soft=soft)
    log_all = sym.log_softmax(value, name=f"{name}_log_probabilities")
    if not (soft or smoothing):
        log_p = sym.pick(log_all, label, axis=-1, keepdims=True, name=f"{name}_log_p")
        targets, factor = label, _focus(log_p, float(gamma), name)
    else:
        shares = _evenly(_shares(label, value, name, soft=soft), value, smoothing, name)
        focused = sym.elemwise_mul(shares, _focus(log_all, float(gamma), name), name=f"{name}_focused_shares")
        factor = sym.sum(focused, axis=1, keepdims=True, name=f"{name}_share")
        # Where all is known the factor is 0, and so is the gradient, whatever the label.
        divisor = sym.clip(factor, a_min=SMALLEST_PROBABILITY, a_max=1e37, name=f"{name}_divisor")
        focused = sym.broadcast_div(focused, divisor, name=f"{name}_focused")
        targets = sym.BlockGrad(focused, name=f"{name}_target")
    if weight is not None:
        factor = sym.broadcast_mul(factor, weight, name=f"{name}_factor")
    return _output(logits, value, targets, factor, name)


def ordinal_softmax(
    logits: Symbol, weights: Sequence[float] | None, name: str, *, soft: bool = False, smoothing: float = 0.0
) -> Symbol:
    """Probabilities [N, C] of ordered classes; sends back w_y (p - r), or (w.t) (p - r).

    Question j of the C - 1 is whether the class is above j. r is the mean over the questions of what p becomes once the
    answer is known: p given c > j, or p given c <= j. Each is a softmax over some of the classes, and so stays exact
    where their probabilities are too small for a float32. smoothing: the share of a label that goes to its neighbours.
    """
    label = _label(name)
    value = _value(logits, name)
    factor = None if weights is None else _weight(label, value, weights, name, soft=soft)
    ranks = _ranks(value, name)
    shares = _to_neighbours(_shares(label, value, name, soft=soft), ranks, smoothing, name)
    question = sym.slice_axis(ranks, axis=0, begin=0, end=-1, name=f"{name}_question")
    question = sym.reshape(question, shape=(1, -1, 1), name=f"{name}_questions")
    each = sym.reshape(ranks, shape=(1, 1, -1), name=f"{name}_each")
    above = sym.broadcast_greater(each, question, name=f"{name}_above")
    below = sym.broadcast_lesser_equal(each, question, name=f"{name}_below")
    scores = sym.expand_dims(value, axis=1, name=f"{name}_scores")
    shown = sym.expand_dims(shares, axis=1, name=f"{name}_shown")
    known = []
    for answer, inside, outside in (("yes", above, below), ("no", below, above)):
        of_these = sym.broadcast_mul(shown, inside, name=f"{name}_{answer}_shares")
        so_far = sym.sum(of_these, axis=2, keepdims=True, name=f"{name}_{answer}")
        excluded = sym._internal._mul_scalar(outside, scalar=EXCLUDED, name=f"{name}_{answer}_excluded")
        among = sym.softmax(
            sym.broadcast_sub(scores, excluded, name=f"{name}_{answer}_scores"), name=f"{name}_{answer}_p"
        )
        known.append(sym.broadcast_mul(among, so_far, name=f"{name}_{answer}_known"))
    both = sym.elemwise_add(*known, name=f"{name}_known")
    targets = sym.BlockGrad(sym.mean(both, axis=1, name=f"{name}_mean"), name=f"{name}_target")
    return _output(logits, value, targets, factor, name)


def sigmoid(
    logits: Symbol,
    weights: Sequence[float] | None,
    name: str,
    *,
    positive: Sequence[float] | None = None,
    smoothing: float = 0.0,
) -> Symbol:
    """Probabilities [N, C], each on its own; sends back w_c m_c (p_c - t_c) / C with m_c = 1 + (q_c - 1) t_c.

    weights: w, one a finding; positive: q, what a photograph that shows it counts against one that does not; None for
    1. smoothing: the share of every answer that is moved half way to the other; m remains that of the label.
    """
    label = _label(name)
    value = _value(logits, name)
    factor = None if weights is None else _row(weights, f"{name}_weight")
    if smoothing or positive is not None:
        label = _known_like(label, value, f"{name}_targets")
    if positive is not None:
        more = _row([each - 1.0 for each in positive], f"{name}_positive")
        shown = sym.broadcast_mul(label, more, name=f"{name}_shown")
        counts = sym._internal._plus_scalar(shown, scalar=1.0, name=f"{name}_counts")
        factor = counts if factor is None else sym.broadcast_mul(counts, factor, name=f"{name}_factor")
    if smoothing:
        label = sym._internal._mul_scalar(label, scalar=1.0 - smoothing, name=f"{name}_kept")
        label = sym._internal._plus_scalar(label, scalar=smoothing / 2, name=f"{name}_smoothed")
    scaled = logits if factor is None else _scaled(logits, value, factor, name)
    return sym.LogisticRegressionOutput(data=scaled, label=label, name=name)


def _output(logits: Symbol, value: Symbol, targets: Symbol, factor: Symbol | None, name: str) -> Symbol:
    """SoftmaxOutput of `logits` whose gradient is multiplied by `factor` [N, 1]. targets: classes [N], or [N, C]."""
    scaled = logits if factor is None else _scaled(logits, value, factor, name)
    return sym.SoftmaxOutput(data=scaled, label=targets, name=name)


def _scaled(logits: Symbol, value: Symbol, factor: Symbol, name: str) -> Symbol:
    """The logits, with a gradient that is multiplied by `factor`."""
    difference = sym.elemwise_sub(logits, value, name=f"{name}_difference")
    scaled = sym.broadcast_mul(difference, sym.BlockGrad(factor, name=f"{name}_scale"), name=f"{name}_scaled")
    return sym.elemwise_add(value, scaled, name=f"{name}_logits")


def _focus(log_p: Symbol, gamma: float, name: str) -> Symbol:
    """(1 - p)^g - g p (1 - p)^(g - 1) log p, from log p, which stays exact where p itself rounds to 0 or 1."""
    # MXNet's log_softmax of three classes or more can be above 0 by some 1e-6.
    log_p = sym.clip(log_p, a_min=-3e38, a_max=0.0, name=f"{name}_clipped_log_p")
    doubt = sym.negative(sym.expm1(log_p, name=f"{name}_expm1"), name=f"{name}_doubt")
    # The upper bound does nothing: 1 - p is at most 1.
    doubt = sym.clip(doubt, a_min=SMALLEST_DOUBT, a_max=1.0, name=f"{name}_clipped_doubt")
    power = sym._internal._power_scalar(doubt, scalar=gamma, name=f"{name}_power")
    slope = sym._internal._power_scalar(doubt, scalar=gamma - 1.0, name=f"{name}_slope")
    p_log_p = sym.elemwise_mul(sym.exp(log_p, name=f"{name}_p"), log_p, name=f"{name}_p_log_p")
    drop = sym.elemwise_mul(p_log_p, slope, name=f"{name}_p_log_p_slope")
    drop = sym._internal._mul_scalar(drop, scalar=gamma, name=f"{name}_drop")
    return sym.elemwise_sub(power, drop, name=f"{name}_focus")


def _label(name: str) -> Symbol:
    return sym.Variable(f"{name}_label", dtype="float32")


def _value(logits: Symbol, name: str) -> Symbol:
    """The logits without gradient."""
    return sym.BlockGrad(logits, name=f"{name}_value")


def _known_like(label: Symbol, like: Symbol, name: str) -> Symbol:
    """The labels, known to have the shape of `like`: MXNet would take them for something else where nobody says it."""
    return sym._internal._identity_with_attr_like_rhs(label, like, name=name)


def _ranks(value: Symbol, name: str) -> Symbol:
    """0, 1, ..., C - 1: [C]."""
    return sym.contrib.arange_like(value, axis=1, name=f"{name}_ranks")


def _shares(label: Symbol, value: Symbol, name: str, *, soft: bool) -> Symbol:
    """How far each sample belongs to each class [N, C], of soft labels or of classes."""
    if soft:
        return _known_like(label, value, f"{name}_targets")
    classes = _known_like(label, sym.sum(value, axis=1, name=f"{name}_sample"), f"{name}_classes")
    column = sym.reshape(classes, shape=(-1, 1), name=f"{name}_class")
    row = sym.reshape(sym.contrib.arange_like(value, axis=1, name=f"{name}_places"), shape=(1, -1), name=f"{name}_row")
    return sym.broadcast_equal(column, row, name=f"{name}_shares")


def _evenly(shares: Symbol, value: Symbol, smoothing: float, name: str) -> Symbol:
    """(1 - e) t + e / C."""
    if not smoothing:
        return shares
    even = sym.softmax(sym.zeros_like(value, name=f"{name}_zeros"), name=f"{name}_even")
    return _mixed(shares, even, smoothing, name)


def _to_neighbours(shares: Symbol, ranks: Symbol, smoothing: float, name: str) -> Symbol:
    """A share e of every class goes to those beside it, half to each of two."""
    if not smoothing:
        return shares
    column = sym.reshape(ranks, shape=(-1, 1), name=f"{name}_from")
    row = sym.reshape(ranks, shape=(1, -1), name=f"{name}_to")
    apart = sym.abs(sym.broadcast_sub(column, row, name=f"{name}_difference_of_ranks"), name=f"{name}_apart")
    beside = sym._internal._equal_scalar(apart, scalar=1.0, name=f"{name}_beside")
    many = sym.sum(beside, axis=1, keepdims=True, name=f"{name}_neighbours")
    moved = sym.dot(shares, sym.broadcast_div(beside, many, name=f"{name}_moves"), name=f"{name}_moved")
    return _mixed(shares, moved, smoothing, name)


def _mixed(shares: Symbol, other: Symbol, smoothing: float, name: str) -> Symbol:
    kept = sym._internal._mul_scalar(shares, scalar=1.0 - smoothing, name=f"{name}_kept")
    given = sym._internal._mul_scalar(other, scalar=float(smoothing), name=f"{name}_given")
    return sym.BlockGrad(sym.elemwise_add(kept, given, name=f"{name}_mixed"), name=f"{name}_smoothed")


def _table(weights: Sequence[float], each: str) -> Symbol:
    """Numbers [C]. They are constants of the symbol itself, so that its JSON needs nothing beside it."""
    constants = [
        sym.full((1,), float(weight), dtype="float32", name=f"{each}{index}") for index, weight in enumerate(weights)
    ]
    return sym.concat(*constants, dim=0, name=f"{each}s")


def _row(weights: Sequence[float], each: str) -> Symbol:
    """Numbers [1, C]."""
    return sym.reshape(_table(weights, each), shape=(1, -1), name=f"{each}_row")


def _weight(label: Symbol, value: Symbol, weights: Sequence[float], name: str, *, soft: bool) -> Symbol:
    """What each sample weighs [N, 1]: w_y, or w.t."""
    if not soft:
        each = sym.take(_table(weights, f"{name}_weight"), label, name=f"{name}_w")
        return sym.reshape(each, shape=(-1, 1), name=f"{name}_weight")
    shares = _known_like(label, value, f"{name}_weighed_targets")
    weighted = sym.broadcast_mul(shares, _row(weights, f"{name}_weight"), name=f"{name}_weighted")
    return sym.sum(weighted, axis=1, keepdims=True, name=f"{name}_weight")

"""A network that only predicts gives what it gave, and MXNet computes less for it.

The other side of every comparison is MXNet's own BatchNorm, bound layer after layer.
"""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retdsl.runtime.bound import Bound, device
from retdsl.runtime.choice import forward_by
from retdsl.runtime.folding import BACKEND, Predicting, without_layers
from retdsl.runtime.forward import Inference
from retdsl.runtime.mx import mx
from retdsl.runtime.symbols import sym

SHAPE = (4, 8, 8)


def operators(symbol):
    return [node["op"] for node in json.loads(symbol.tojson())["nodes"] if node["op"] != "null"]


def values_of(symbol, seed=0, shape=SHAPE, **own):
    """Parameters of a symbol; `own` by the ends of their names."""
    random = np.random.RandomState(seed)
    arguments, _, auxiliary = symbol.infer_shape(data=(2, *shape))
    names = [*zip(symbol.list_arguments(), arguments, strict=True)]
    names += zip(symbol.list_auxiliary_states(), auxiliary, strict=True)
    found = {n: random.uniform(*((0.3, 2) if n.endswith("var") else (-1, 1)), s) for n, s in names if n != "data"}
    found |= {n: np.full_like(v, own[end]) for n, v in found.items() for end in own if n.endswith(end)}
    return {name: mx.nd.array(value) for name, value in found.items()}


def outputs(symbol, values, how, shape=SHAPE):
    images = mx.nd.array(np.random.RandomState(9).uniform(-1, 1, (2, *shape)))
    return [out.asnumpy() for out in Bound(symbol, values, {"data": shape}, 2, device(), how)([images])]


def agree(symbol, how, **own):
    """Asserts that a way to predict comes to the same; returns what is bound."""
    values = values_of(symbol, **own)
    before = {name: array.asnumpy() for name, array in values.items()}
    plain = outputs(symbol, values, Predicting(fused=False))
    for one, other in zip(plain, outputs(symbol, values, how), strict=True):
        assert np.abs(one - other).max() <= 1e-5 * max(np.abs(one).max(), 1e-3)
    for name, array in values.items():
        np.testing.assert_array_equal(array.asnumpy(), before[name], err_msg="what is trained is left alone")
    return how.prepared(symbol, values)[0]


def conv(x, name="c", **options):
    return sym.Convolution(x, **{"num_filter": 6, "kernel": (3, 3), "name": name, **options})


def norm(x, name="n", **options):
    return sym.BatchNorm(x, **{"fix_gamma": False, "name": name, **options})


LAYERS = {
    "plain": conv,
    "no bias": lambda x: conv(x, no_bias=True),
    "groups": lambda x: conv(x, num_filter=8, num_group=2),
    "depthwise": lambda x: conv(x, num_filter=4, num_group=4, no_bias=True, pad=(1, 1), stride=(2, 2)),
    "dense": lambda x: sym.FullyConnected(x, num_hidden=5, name="c"),
    "dense, no bias": lambda x: sym.FullyConnected(x, num_hidden=5, no_bias=True, name="c"),
    "transposed": lambda x: sym.Deconvolution(x, num_filter=6, kernel=(2, 2), stride=(2, 2), name="c"),
    "transposed, groups": lambda x: sym.Deconvolution(
        x, num_filter=6, kernel=(3, 3), num_group=2, no_bias=False, name="c"
    ),
    "a line": lambda x: conv(sym.Reshape(x, shape=(0, 4, -1)), kernel=(5,)),
}


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("kind", LAYERS)
def test_every_kind_of_layer(kind: str, fused: bool):
    symbol = sym.Activation(norm(LAYERS[kind](sym.Variable("data"))), act_type="relu", name="r")
    bound = agree(symbol, Predicting(folded={"n": "c"}, fused=fused))
    assert "BatchNorm" not in operators(bound)
    assert {"c_folded_weight", "c_folded_bias"} <= set(bound.list_arguments())
    assert not {"c_weight", "n_gamma", "n_beta"} & set(bound.list_arguments())
    assert bound.list_auxiliary_states() == []


@pytest.mark.parametrize("options", [{"fix_gamma": True}, {}, {"eps": 0.3}, {"use_global_stats": True}])
def test_options_of_the_batch_norm(options):
    symbol = sym.BatchNorm(conv(sym.Variable("data")), name="n", **options)  # without any, the scale is fixed
    assert "BatchNorm" not in operators(agree(symbol, Predicting(folded={"n": "c"})))


@settings(deadline=None, max_examples=25)
@given(st.floats(0, 1e-3), st.floats(-3, 3), st.floats(-5, 5), st.sampled_from([1e-5, 1e-3]))
def test_channels_that_hardly_vary(variance: float, gamma: float, mean: float, eps: float):
    """Near-zero variances make large factors: what is lost then is lost in both ways."""
    symbol = norm(conv(sym.Variable("data"), no_bias=True), eps=eps)
    values = values_of(symbol, var=variance, gamma=gamma, mean=mean)
    plain, folded = (outputs(symbol, values, how)[0] for how in (Predicting(fused=False), Predicting((), {"n": "c"})))
    # A float32 has 24 bits: both round sums as large as these, which are then scaled.
    largest = abs(gamma) / np.sqrt(variance + eps) * (abs(mean) + 36)
    assert np.abs(plain - folded).max() <= 1e-5 * np.abs(plain).max() + 2e-6 * largest


def test_what_would_be_no_number_is_left_as_it_is():
    symbol = norm(conv(norm(conv(sym.Variable("data")), eps=1e-5), "d"), "m")
    values = values_of(symbol)
    values["n_moving_var"][:] = -1.0
    bound, new = Predicting(folded={"n": "c", "m": "d"}).prepared(symbol, values)
    assert operators(bound).count("BatchNorm") == 1
    assert set(new) == {"d_folded_weight", "d_folded_bias"}


def test_two_layers_with_one_weight_are_folded_each_for_itself():
    data, weight = sym.Variable("data"), sym.Variable("shared_weight")
    sides = (norm(conv(data, f"c{i}", weight=weight, no_bias=True), f"n{i}") for i in (1, 2))
    agree(sym.elemwise_add(*sides, name="sum"), Predicting(folded={"n1": "c1", "n2": "c2"}))


def test_a_layer_that_others_look_at_stays_even_if_a_program_says_otherwise():
    layer = conv(sym.Variable("data"))
    for symbol in (sym.Group([layer, norm(layer)]), sym.Concat(layer, norm(layer), name="both")):
        assert "BatchNorm" in operators(agree(symbol, Predicting(folded={"n": "c"})))


def test_a_layer_and_the_batch_norm_behind_it_are_both_cuts():
    """MXNet 1.9.1 cannot bind that with layers joined: it then counts the layer's inputs twice."""
    layer = conv(sym.Variable("data"))
    symbol = sym.Group([layer, norm(layer)])
    agree(symbol, Predicting())
    agree(symbol, Predicting(folded={"n": "c"}))


def test_what_cannot_be_bound_at_all_is_still_told():
    with pytest.raises(mx.base.MXNetError):
        outputs(conv(sym.Variable("data")), {n: mx.nd.zeros((1,)) for n in ("c_weight", "c_bias")}, Predicting())


def test_of_a_part_only_what_is_in_it_is_changed():
    how = Predicting(without=("d", "elsewhere"), folded={"n": "c", "m": "elsewhere", "elsewhere": "c"})
    assert operators(agree(norm(sym.Variable("data")), how)) == ["BatchNorm"]
    assert operators(agree(conv(sym.Variable("data")), how)) == ["Convolution"]


def test_idle_layers_go_and_what_stands_behind_them_is_folded():
    x = sym.BlockGrad(sym.Dropout(conv(sym.Variable("data")), p=0.5, name="d"), name="b")
    symbol = sym.Dropout(norm(x), p=0.5, name="last")
    bound = agree(symbol, Predicting(without=("d", "b", "last"), folded={"n": "c"}))
    assert operators(bound) == ["Convolution"]


def test_a_part_that_is_nothing_but_idle_gives_what_it_takes():
    data = sym.Variable("data")
    symbol = sym.Group([sym.Dropout(data, name="d"), sym.identity(data, name="i")])
    bound = agree(symbol, Predicting(without=("d", "i")))
    assert operators(bound) == []


def test_outputs_of_a_layer_with_several_keep_their_order():
    parts = sym.split(norm(conv(sym.Variable("data"))), num_outputs=3, name="s")
    symbol = sym.Group([parts[2], parts[0], sym.Dropout(parts[1], name="d")])
    agree(symbol, Predicting(without=("d",), folded={"n": "c"}))


def test_layers_are_joined_or_not_as_it_is_said(monkeypatch: pytest.MonkeyPatch):
    if device() != mx.cpu():
        pytest.skip("oneDNN is the processor's")
    symbol = sym.Activation(norm(conv(sym.Variable("data"))), act_type="relu", name="r")
    values = values_of(symbol)
    for before in (None, "MKLDNN"):
        monkeypatch.delenv(BACKEND, raising=False) if before is None else monkeypatch.setenv(BACKEND, before)
        for fused in (True, False):
            bound = Bound(symbol, values, {"data": SHAPE}, 2, device(), Predicting(fused=fused))
            assert ("_sg_mkldnn_conv" in bound._executor.debug_str()) == fused
            assert os.environ.get(BACKEND) == before, "what others bind is none of its business"


def test_the_engine_says_what_its_last_digits_hang_on():
    """Features that are kept are known by it, among others."""
    symbol = norm(conv(sym.Variable("data")))

    def engine(how):
        return forward_by(Inference(symbol, values_of(symbol), "data", SHAPE, 2, device(), how)).engine

    plain = f"mxnet {mx.__version__}"
    assert engine(Predicting()) == engine(Predicting(without=("d",))) == plain
    assert engine(Predicting(folded={"n": "c"})) == f"{plain} folded"
    assert engine(Predicting(folded={"n": "c"}, fused=False)) == f"{plain} folded unfused"


def test_without_layers_gradients_pass_where_they_were():
    data = sym.Variable("data")
    symbol = sym.FullyConnected(
        sym.Dropout(sym.FullyConnected(data, num_hidden=3, name="a"), p=0.9, name="d"), num_hidden=2, name="b"
    )
    quiet = without_layers(symbol, ("d",))
    assert "Dropout" not in operators(quiet)
    assert quiet.list_arguments() == symbol.list_arguments()
    assert without_layers(symbol, ()) is symbol

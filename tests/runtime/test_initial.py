"""Starting values: their rules, and that each depends on the seed and its own name only."""

from __future__ import annotations

import numpy as np
import pytest

from retdsl.runtime.errors import RunError
from retdsl.runtime.initial import initial_values
from retdsl.runtime.mx import mx
from retdsl.runtime.symbols import sym


def net(extra: bool = False):
    x = sym.Convolution(sym.Variable("data"), num_filter=64, kernel=(3, 3), num_group=2, name="conv")
    x = sym.BatchNorm(x, fix_gamma=False, name="bn")
    x = sym.LeakyReLU(x, act_type="prelu", name="prelu")
    if extra:
        x = sym.Convolution(x, num_filter=64, kernel=(3, 3), pad=(1, 1), name="more")
    return sym.FullyConnected(sym.Flatten(x, name="flat"), num_hidden=500, name="fc")


def values(seed=0, extra=False):
    symbol = net(extra)
    arguments, _, auxiliary = symbol.infer_shape(data=(1, 32, 5, 5))
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    shapes = dict(zip(names, [*arguments, *auxiliary], strict=True))
    del shapes["data"]
    return initial_values(symbol, shapes, seed)


def test_rules():
    found = values()
    assert all(array.dtype == np.float32 for array in found.values())
    conv, fc = found["conv_weight"], found["fc_weight"]
    assert conv.shape == (64, 16, 3, 3)
    assert conv.std() == pytest.approx(np.sqrt(2 / (16 * 9)), rel=0.03)
    bound = np.sqrt(6 / sum(fc.shape))
    assert abs(fc).max() == pytest.approx(bound, rel=0.01)
    assert abs(fc).max() <= bound
    assert fc.std() == pytest.approx(bound / np.sqrt(3), rel=0.02)
    constants = {"conv_bias": 0, "fc_bias": 0, "bn_gamma": 1, "bn_beta": 0, "bn_moving_mean": 0, "bn_moving_var": 1}
    for name, value in {**constants, "prelu_gamma": 0.25}.items():
        assert (found[name] == value).all(), name


def test_another_layer_changes_no_other():
    plain, more = values(), values(extra=True)
    assert set(more) - set(plain) == {"more_weight", "more_bias"}
    for name in plain:
        np.testing.assert_array_equal(plain[name], more[name])


def test_the_seed_counts():
    assert (values(seed=1)["conv_weight"] != values(seed=2)["conv_weight"]).any()
    np.testing.assert_array_equal(values(seed=1)["fc_weight"], values(seed=1)["fc_weight"])


def test_a_parameter_without_a_rule_is_named():
    with pytest.raises(RunError, match="no rule") as caught:
        initial_values(sym.Variable("data") * sym.Variable("mystery"), {"mystery": (3, 4)}, 0)
    assert "`mystery` [3, 4]" in str(caught.value)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_up_sampling_starts_as_interpolation(scale: int):
    symbol = sym.UpSampling(
        sym.Variable("data"), scale=scale, sample_type="bilinear", num_filter=2, num_args=1, name="up"
    )
    side = 2 * scale - scale % 2
    values = initial_values(symbol, {"up_weight": (2, 1, side, side)}, seed=0)
    ramp = np.tile(np.arange(8, dtype=np.float32), (1, 2, 8, 1))
    [grown] = symbol.eval(ctx=mx.cpu(), data=mx.nd.array(ramp), up_weight=mx.nd.array(values["up_weight"]))
    row = grown.asnumpy()[0, 1, 4 * scale, scale : 7 * scale]
    assert np.allclose(np.diff(row), 1 / scale, atol=1e-5), "a slope stays the slope it was"

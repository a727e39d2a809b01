"""Networks that MXNet saved come back as programs that compute the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from spec_texts import carried_out, checked, experiment

from retdsl.engines.mxnet import emit_program
from retdsl.runtime.mx import mx

SIDE = 32
SPEC = """
data eyes {{ source = synthetic_fundus(60)  classes = [healthy, infected]  image = photo => resize(32, 32) }}
backbone old = checkpoint("old", epoch = 3)
model net = old["{cut}"] => Flatten(name = "own_flat") => FullyConnected(2, name = "own_fc") => Softmax
train t {{ model = net  data = eyes  {keys} }}
"""


def save(folder: Path, symbol, random) -> None:
    """A checkpoint with random parameters."""
    arguments, _, auxiliary = symbol.infer_shape(data=(1, 3, SIDE, SIDE))
    shapes = dict(zip(symbol.list_arguments(), arguments, strict=True))
    draw = {n: mx.nd.array(random.normal(0, 0.3, s)) for n, s in shapes.items() if n not in ("data", "softmax_label")}
    states = zip(symbol.list_auxiliary_states(), auxiliary, strict=True)
    mx.model.save_checkpoint(
        str(folder / "old"), 3, symbol, draw, {n: mx.nd.array(random.uniform(0.5, 1, s)) for n, s in states}
    )


def output_of(symbol, values, image):
    """The first output of `symbol` for images [N, 3, H, W]. values: parameters by name, more than are needed."""
    arguments = {"data": mx.nd.array(image)}
    arguments |= {n: mx.nd.array(values[n]) for n in symbol.list_arguments() if n != "data"}
    auxiliary = {n: mx.nd.array(values[n]) for n in symbol.list_auxiliary_states()}
    return symbol.bind(mx.cpu(), arguments, grad_req="null", aux_states=auxiliary).forward()[0].asnumpy()


def program_of(folder: Path, cut: str, keys: str):
    """The network of the generated program, and the values that it starts from."""
    namespace = {"__name__": "program", "__file__": str(folder / "train.py")}
    exec(emit_program(carried_out(experiment(SPEC.format(cut=cut, keys=keys), root=folder))), namespace)
    deploy = namespace["EXPERIMENT"].network.deploy_symbol()
    return deploy, namespace["EXPERIMENT"].network.starting_values(deploy, 0, None, folder).all()


def own_names():
    var = mx.sym.Variable
    x = mx.sym.Convolution(var("data"), var("filters"), var("shift"), num_filter=4, kernel=(3, 3), name="conv")
    x = mx.sym.BatchNorm(x, var("g"), var("b"), var("mean"), var("variance"), fix_gamma=False, name="norm")
    return mx.sym.Pooling(x, global_pool=True, kernel=(1, 1), pool_type="avg", name="cut")


def residual():
    x = mx.sym.Convolution(mx.sym.Variable("data"), num_filter=4, kernel=(3, 3), pad=(1, 1), name="first")
    y = mx.sym.BatchNorm(x, fix_gamma=True, name="norm")
    y = mx.sym.LeakyReLU(y, act_type="prelu", name="slope")
    x = mx.sym.Concat(x + y, x, mx.sym.Dropout(y, p=0.5, name="drop"), dim=1, name="joined")
    x = mx.sym.Pooling(x, kernel=(3, 3), stride=(2, 2), pooling_convention="full", name="cut")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(x, num_hidden=5, name="fc"), name="softmax")


@pytest.mark.parametrize("keys", ["freeze = old", ""])
@pytest.mark.parametrize("network", [own_names, residual])
def test_a_cut_gives_what_mxnet_gives(network, keys: str, tmp_path: Path):
    random = np.random.default_rng(0)
    save(tmp_path, network(), random)
    image = random.normal(size=(2, 3, SIDE, SIDE))
    symbol, arguments, auxiliary = mx.model.load_checkpoint(str(tmp_path / "old"), 3)
    wanted = output_of(symbol.get_internals()["cut_output"], {**arguments, **auxiliary}, image)

    deploy, start = program_of(tmp_path, "cut", keys)
    np.testing.assert_array_equal(output_of(deploy.get_internals()["cut_output"], start, image), wanted)
    assert {"own_fc_weight", "own_fc_bias"} <= set(start)


def test_a_network_of_gluon(tmp_path: Path):
    net = mx.gluon.model_zoo.vision.resnet18_v1(prefix="res_", classes=7)
    net.initialize(mx.init.Xavier())
    net.hybridize()
    net(mx.nd.zeros((1, 3, SIDE, SIDE)))
    net.export(str(tmp_path / "old"), epoch=3)
    deploy, start = program_of(tmp_path, "res_pool1_fwd", "freeze = old")
    image = np.random.default_rng(1).normal(size=(2, 3, SIDE, SIDE))
    symbol, arguments, auxiliary = mx.model.load_checkpoint(str(tmp_path / "old"), 3)
    wanted = output_of(symbol.get_internals()["res_pool1_fwd_output"], {**arguments, **auxiliary}, image)
    np.testing.assert_array_equal(output_of(deploy.get_internals()["res_pool1_fwd_output"], start, image), wanted)


def after(step):
    """A network with one step in the middle, which the language does not have, or not in this form."""

    def network():
        x = mx.sym.Convolution(mx.sym.Variable("data"), num_filter=4, kernel=(3, 3), name="first")
        return mx.sym.Pooling(step(x), global_pool=True, kernel=(1, 1), pool_type="avg", name="cut")

    return network


STEPS = {
    "L2Normalization": lambda x: mx.sym.L2Normalization(x, mode="channel", name="x"),
    "scalars": lambda x: mx.sym.Activation((1 - x * 2 + 1) / 3, act_type="relu", name="x"),
    "identity": lambda x: mx.sym.identity(x, name="x"),
    "gate": lambda x: mx.sym.broadcast_mul(x, mx.sym.mean(x, axis=(2, 3), keepdims=True, name="m"), name="x"),
    "contrib": lambda x: mx.sym.contrib.AdaptiveAvgPooling2D(x, output_size=4, name="x"),
    "slice with steps": lambda x: mx.sym.slice(x, begin=(0, 0, 0), end=(None, None, None), step=(1, 1, 2), name="x"),
    "pooling by norm": lambda x: mx.sym.Pooling(x, kernel=(2, 2), pool_type="lp", p_value=2, name="x"),
    "Deconvolution": lambda x: mx.sym.Deconvolution(x, num_filter=2, kernel=(2, 2), stride=(2, 2), name="x"),
    "a part": lambda x: mx.sym.SliceChannel(x, num_outputs=2, name="x")[1],
    "parts": lambda x: mx.sym.Concat(
        *mx.sym.SliceChannel(x, num_outputs=4, squeeze_axis=True, name="x"), dim=1, name="y"
    ).reshape((0, 4, 30, 30), name="z"),
    "comparison": lambda x: mx.sym.Concat(x > 0, x * 2 >= x, name="x"),
    "Pooling_v1": lambda x: mx.sym.Pooling_v1(x, kernel=(3, 3), stride=(2, 2), pad=(1, 1), pool_type="avg", name="x"),
    "Reshape of 2015": lambda x: mx.sym.Reshape(x, target_shape=(0, 8, 30, 15), name="x"),
    "Reshape of 2015 that keeps the batch": lambda x: mx.sym.Reshape(
        x, target_shape=(0, 0, 30, 15), keep_highest=True, name="x"
    ),
    "Cast": lambda x: mx.sym.Cast(x, dtype="float32", name="x"),
    "BlockGrad": lambda x: mx.sym.BlockGrad(x, name="x"),
    "LayerNorm": lambda x: mx.sym.LayerNorm(x, axis=1, name="x"),
}


@pytest.mark.parametrize("step", STEPS)
def test_layers_that_the_language_does_not_have(step: str, tmp_path: Path):
    test_a_cut_gives_what_mxnet_gives(after(STEPS[step]), "freeze = old", tmp_path)


def shared():
    weight = mx.sym.Variable("weight_of_both")
    x = mx.sym.Convolution(mx.sym.Variable("data"), weight, num_filter=3, kernel=(1, 1), no_bias=True, name="a")
    return mx.sym.Convolution(x, weight, num_filter=3, kernel=(1, 1), no_bias=True, name="cut")


REFUSED = {
    "output 1 of `x` (topk)": after(lambda x: mx.sym.topk(x, k=2, axis=1, ret_typ="both", name="x")[1]),
    "does with the variable `scale`": after(
        lambda x: mx.sym.broadcast_mul(x, mx.sym.var("scale", shape=(1, 4, 1, 1)), name="x")
    ),
    "it shares `weight_of_both` with `a`": shared,
}


@pytest.mark.parametrize("said", REFUSED)
def test_what_cannot_be_said_in_a_program_is_refused(said: str, tmp_path: Path):
    save(tmp_path, REFUSED[said](), np.random.default_rng(0))
    messages = [d.message for d in checked(SPEC.format(cut="cut", keys=""), tmp_path).diagnostics]
    assert said in messages[0]


def test_no_code_hides_in_a_checkpoint(tmp_path: Path):
    save(tmp_path, own_names(), np.random.default_rng(0))
    path = tmp_path / "old-symbol.json"
    for honest in ('"op": "Pooling"', '"global_pool"'):
        text = path.read_text()
        path.write_text(text.replace(honest, honest[:-1] + "(__import__('os').abort())\""))
        messages = [d.message for d in checked(SPEC.format(cut="cut", keys=""), tmp_path).diagnostics]
        assert "is no name that MXNet has" in messages[0]
        path.write_text(text)

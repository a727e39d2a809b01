"""Networks of MXNet's gluon, whose layers have other names than those of the zoo: stages end at the same values."""

from __future__ import annotations

from pathlib import Path

import pytest
from graph_texts import zoo

from retdsl import networks
from retdsl.ir import Network, Shape
from retdsl.outline import places

GLUON = {
    "resnet50_v1": "resnet50_v1",
    "resnet18_v2": "resnet18_v2",
    "mobilenet_v2": "mobilenet_v2_1_0",
    "vgg16_bn": "vgg16_bn",
    "squeezenet1_1": "squeezenet1_1",
}


def stages(network: Network) -> list[Shape | None]:
    return [network.node(name).shape for name, worth in places(network).items() if worth == "stage"]


@pytest.mark.parametrize("name", GLUON)
def test_stages_end_where_they_do_in_the_zoo(name: str, tmp_path: Path) -> None:
    from retdsl.runtime.mx import mx

    model = getattr(mx.gluon.model_zoo.vision, GLUON[name])()
    model(mx.sym.var("data")).save(str(tmp_path / "net-symbol.json"))
    [seen] = networks.one_network(str(tmp_path / "net")).networks
    assert stages(seen.network) == stages(zoo(name))

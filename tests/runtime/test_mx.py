"""MXNet is loaded without what it imports for classes that nobody here uses."""

import json
import subprocess
import sys

DEAR = {"sklearn", "scipy", "onnx", "requests", "pkg_resources"}
"""What takes longer to load than it is worth."""

if sys.version_info < (3, 12):  # from there on, distutils comes with it
    DEAR.add("setuptools")


def test_what_mxnet_can_do_without_is_not_loaded():
    found = _said(
        "import json, sys; finders = [*sys.meta_path]\n"
        "from retdsl.runtime.mx import mx\n"
        "assert sys.meta_path == finders\n"
        "assert (mx.nd.ones(3) * 2).sum().asscalar() == 6\n"
        "print(json.dumps([*sys.modules]))"
    )
    assert not DEAR & {*json.loads(found)}


def test_others_have_it_all_the_same():
    found = _said(
        "from retdsl.runtime.mx import mx\n"
        "import requests, scipy, sklearn\n"
        "print(requests.get.__name__, scipy.__version__ > '', sklearn.__version__ > '')"
    )
    assert found.split() == ["get", "True", "True"]


def _said(script: str) -> str:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

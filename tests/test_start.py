"""`retdsl check` starts in a blink: it imports nothing that a check of a right spec does not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import lark
import pytest

ROOT = Path(__file__).resolve().parents[1]
PATHS = [str(ROOT), str(Path(lark.__file__).parents[1])]

SLOW = {
    *("mxnet", "numpy", "cv2", "rich", "jinja2", "graphviz", "sklearn", "hypothesis"),
    *("csv", "datetime", "email", "html", "importlib.metadata", "importlib.resources"),
    *("json", "multiprocessing", "socket", "subprocess", "zipfile"),
    *("retdsl.engines", "retdsl.viz", "retdsl.running", "retdsl.compare", "retdsl.account", "retdsl.runtime.files"),
    *("retdsl.check.checkpoints", "retdsl.check.fit", "retdsl.check.imported", "retdsl.weights"),
    *("retdsl.check.option_messages", "retdsl.schema.synonyms", "retdsl.schema.left_out", "retdsl.schema.spelling"),
    *("retdsl.diagnostics.render", "retdsl.diagnostics.explanations", "retdsl.diagnostics.fixing"),
    *("retdsl.syntax.errors", "retdsl.syntax.formatter", "retdsl.syntax.recovery"),
}
"""What some commands need, or messages, or files of weights; each takes a part of the time that a check takes. Not what
Lark imports: a check waits for that anyway.
"""

MOST_MODULES = 97
"""Modules of retdsl itself; finding and reading one takes some tenths of a millisecond."""

RUN = """
import sys
from retdsl.cli import main
code = main(sys.argv[1:])
print(" ".join(sys.modules))
sys.exit(code)
"""


def modules(*arguments: str) -> set[str]:
    """What is imported when a command has run."""
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {PATHS!r}\n{RUN}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "spec", ["three_answers", "quickstart", str(ROOT / "examples" / "own_network" / "small.retina")]
)
def test_checking_a_right_spec_imports_nothing_slow(spec: str) -> None:
    loaded = modules("check", spec)
    assert loaded & SLOW == set()
    assert len([name for name in loaded if name.startswith("retdsl")]) <= MOST_MODULES


def test_a_checkpoint_is_checked_without_mxnet_and_without_numbers() -> None:
    spec = ROOT / "tests" / "errors" / "R804_inception-of-2015" / "study.retina"
    assert modules("check", str(spec)) & {"mxnet", "numpy", "cv2", "retdsl.engines"} == set()

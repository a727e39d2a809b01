"""What the runtime gives to programs, under the names that they import."""

from __future__ import annotations

from pathlib import Path

import pytest

import retdsl.runtime as runtime


def test_no_module_has_a_name_that_programs_import() -> None:
    """Once such a module is imported, the package's attribute of that name is the module, and the program's is gone."""
    modules = {path.stem for path in Path(runtime.__file__).parent.glob("*.py")}
    assert modules & set(runtime.__all__) == set()


@pytest.mark.parametrize("name", [name for name in runtime.__all__ if name != "sym"])
def test_every_name_is_there(name: str) -> None:
    assert callable(getattr(runtime, name))

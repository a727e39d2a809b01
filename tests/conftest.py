"""What holds for all tests: no test sees the weights store of whoever runs it, or writes into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from painted_runs import Runs, train

# How long an example takes says more about the machine than about what is tested; and a test that passes once passes
# always, so that whatever fails was broken by a change. To look for examples that nobody has seen yet:
# `pytest --hypothesis-profile=explore`.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("any machine", settings.get_profile("explore"), derandomize=True, database=None)
settings.load_profile("any machine")


@pytest.fixture(autouse=True, scope="session")
def own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty store; its folder is not there yet."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETDSL_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def finished_runs(own_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Two finished runs, for tests that only look at them."""
    assert own_store is not None
    return train(tmp_path_factory.mktemp("finished"))

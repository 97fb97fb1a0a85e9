"""What every test starts from: no graph, no session and no seed left over from another test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

import tideflow.v0
import tideflow.v1
from tideflow._src.core import context, tensor_shape
from tideflow._src.runtime import devices, program_options
from tideflow._src.runtime.random_state import eager_seeds
from tideflow._src.state.variable import enable_resource_variables

# The same examples at every run, however busy the machine is.
settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("repeatable")


#: Files with tests of a minute or so, which begin first, so that no worker waits for one at the end.
LONGEST = ("test_accelerator.py", "test_deep_nesting.py", "test_examples.py", "test_lifetimes.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest tests first; the rest stays in order."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(autouse=True)
def fresh_state() -> Iterator[None]:
    """Gives the test an empty default graph and eager execution, and takes away what it leaves behind."""
    _reset()
    yield
    _reset()


def _reset() -> None:
    state = context.state
    for stack in (state.graphs, state.tapes, state.devices, state.sessions):
        stack.clear()
    context.TAPES.clear()
    for keys in (context.SPECIAL, context.BUILDING):
        keys.clear()
        keys.update(dict.fromkeys(devices.ACCELERATED))
    context.mode.eager_by_default = True
    context.mode.tensor_equality = True
    context.mode.default_graph = None
    tensor_shape.set_v2_behavior(True)
    enable_resource_variables()
    eager_seeds.set_seed(None)
    program_options.set_intra_op_parallelism_threads(int(os.environ.get("TIDEFLOW_TEST_THREADS", "0")))


# Importing tideflow.v1 or tideflow.v0 makes graphs the default, once in a process: not while tests are collected.
_reset()


@pytest.fixture
def graph() -> Iterator[tideflow.v1.Graph]:
    """An empty graph that is the default graph of the test."""
    graph = tideflow.v1.Graph()
    with graph.as_default():
        yield graph


@pytest.fixture(params=["host", "xla"])
def tier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs the test on each tier."""
    monkeypatch.setenv("TIDEFLOW_TIER", request.param)
    return str(request.param)

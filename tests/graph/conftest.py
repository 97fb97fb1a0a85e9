"""Gives the tests of GraphDefs the recorded graphs and every operation's definition."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

import tideflow._src.ops
from tideflow._src.graph import protos
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.op_def import OpDef

_DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session", autouse=True)
def operations() -> None:
    """Defines the operations, which programs get from ``import tideflow``."""
    package = tideflow._src.ops
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)


@pytest.fixture
def graph() -> Iterator[Graph]:
    """An empty graph that is the default graph of the test."""
    graph = Graph()
    with graph.as_default():
        yield graph


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], Any]:
    """Reads a GraphDef that TensorFlow 2.21 wrote."""

    def read(name: str) -> Any:
        text = (_DATA / f"{name}.pbtxt").read_text()
        return text_format.Parse(text, protos.get("GraphDef")())

    return read


@pytest.fixture
def loop_operations() -> Iterator[None]:
    """Defines the operations of TF 1.x loops where they are not defined, with signatures and shapes only."""
    missing = {
        "Enter": "data: T -> output: T",
        "Exit": "data: T -> output: T",
        "NextIteration": "data: T -> output: T",
        "LoopCond": "input: bool -> output: bool",
        "Switch": "data: T, pred: bool -> output_false: T, output_true: T",
        "Merge": "inputs: N * T -> output: T, value_index: int32",
    }
    added = []
    for name, signature in missing.items():
        if name not in OpDef.registry:
            OpDef(name, signature, _kernel(signature), tier="host")
            added.append(name)
    yield
    for name in added:
        del OpDef.registry[name]


def _kernel(signature: str) -> Any:
    """A function with the signature's parameters, which is never called."""
    names = [part.split(":")[0].strip() for part in signature.split("->")[0].split(",")]
    scope: dict[str, Any] = {}
    exec(f"def kernel({', '.join(names)}): raise AssertionError", scope)
    return scope["kernel"]

"""Tests ``tf.compat.v1.graph_util``."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import text_format

from tideflow._src.graph import protos
from tideflow._src.io.graph_util import (
    extract_sub_graph,
    must_run_on_cpu,
    remove_training_nodes,
)


def graph_def(**nodes: tuple[str, ...]) -> Any:
    """A GraphDef of nodes given as ``name=(operation, *inputs)``."""
    message = protos.get("GraphDef")(versions={"producer": 2474})
    for name, (op, *inputs) in nodes.items():
        message.node.add(name=name, op=op, input=inputs)
    return message


def edges(message: Any) -> dict[str, list[str]]:
    return {node.name: list(node.input) for node in message.node}


CHAIN = {
    "a": ("Placeholder",),
    "u": ("Placeholder",),
    "b": ("Identity", "a"),
    "c": ("Identity", "b", "^u"),
    "d": ("Identity", "c"),
}


def test_a_sub_graph_holds_what_the_nodes_need() -> None:
    found = extract_sub_graph(graph_def(**CHAIN), ["c"])
    assert edges(found) == {"a": [], "u": [], "b": ["a"], "c": ["b", "^u"]}
    assert found.versions.producer == 2474
    with pytest.raises(AssertionError, match="zz is not in graph"):
        extract_sub_graph(graph_def(**CHAIN), ["zz"])
    with pytest.raises(TypeError, match="iterable of strings"):
        extract_sub_graph(graph_def(**CHAIN), "c")
    with pytest.raises(TypeError, match="GraphDef"):
        extract_sub_graph(3, ["c"])


def test_identities_and_checks_are_taken_out() -> None:
    found = remove_training_nodes(graph_def(**CHAIN))
    assert edges(found) == {"a": [], "u": [], "c": ["a", "^u"]}
    found = remove_training_nodes(graph_def(**CHAIN), protected_nodes=["b"])
    assert edges(found) == {"a": [], "u": [], "b": ["a"], "c": ["b", "^u"]}
    checked = graph_def(a=("Split",), n=("CheckNumerics", "a:1"), r=("Relu", "n", "^n"))
    assert edges(remove_training_nodes(checked)) == {"a": [], "r": ["a:1"]}


@pytest.mark.parametrize(
    ("op", "attribute", "dtype", "expected"),
    [
        ("Const", "dtype", "DT_STRING", True),
        ("Const", "dtype", "DT_INT32", True),
        ("Const", "dtype", "DT_FLOAT", False),
        ("Cast", "SrcT", "DT_INT32", True),
        ("MatMul", "T", "DT_INT32", False),
    ],
)
def test_what_must_run_on_the_cpu(op: str, attribute: str, dtype: str, expected: bool) -> None:
    node = text_format.Parse(
        f'name: "n" op: "{op}" attr {{ key: "{attribute}" value {{ type: {dtype} }} }}', protos.get("NodeDef")()
    )
    assert must_run_on_cpu(node) is expected

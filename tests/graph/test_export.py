"""Tests what ``Graph.as_graph_def``, ``Operation.node_def`` and ``tf.io.write_graph`` write."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format

from tideflow._src.core import dtypes
from tideflow._src.core.errors import FailedPreconditionError
from tideflow._src.function.func_graph import FuncGraph
from tideflow._src.graph import export, protos
from tideflow._src.graph.attr_value import NamedFunction
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.import_functions import fill_function_graph
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.op_def_proto import op_def_message, stripped_op_list
from tideflow._src.graph.protos.text import from_bytes, from_text
from tideflow._src.io.graph_files import write_graph


def call(op: str, *inputs: Any, **attributes: Any) -> Any:
    operation: Any = OpDef.registry[op]
    return operation(*inputs, **attributes)


def node(text: str) -> Any:
    return text_format.Parse(text, protos.get("NodeDef")())


def test_a_node(graph: Graph) -> None:
    x = call("Placeholder", dtype=dtypes.float32, shape=(None, 3), name="x")
    pair = call("Unpack", x, num=3, axis=1, name="pair")
    with graph.device("/cpu:0"), graph.control_dependencies([x]), graph.name_scope("s"):
        z = call("AddV2", pair[0], pair[1], name="z")
        call("AddV2", z, pair[0], name="last")
    assert x.op.node_def == node(
        'name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } }'
        'attr { key: "shape" value { shape { dim { size: -1 } dim { size: 3 } } } }'
    )
    assert z.op.node_def == node(
        'name: "s/z" op: "AddV2" input: "pair" input: "pair:1" input: "^x" device: "/device:CPU:0"'
        'attr { key: "T" value { type: DT_FLOAT } }'
    )
    assert pair[0].op.node_def.attr["num"].i == 3
    assert [item.name for item in graph.as_graph_def().node] == ["x", "pair", "s/z", "s/last"]


def test_shapes_are_written_where_they_are_asked_for(graph: Graph) -> None:
    call("Placeholder", dtype=dtypes.float32, shape=None, name="x")
    call("Placeholder", dtype=dtypes.float32, shape=(), name="y")
    call("NoOp", name="n")
    x, y, n = graph.as_graph_def(add_shapes=True).node
    assert x.attr["_output_shapes"].list.shape[0].unknown_rank
    assert len(y.attr["_output_shapes"].list.shape) == 1
    assert not y.attr["_output_shapes"].list.shape[0].unknown_rank
    assert "_output_shapes" not in n.attr
    assert all("_output_shapes" not in item.attr for item in graph.as_graph_def().node)


def test_versions_are_those_of_tensorflow(graph: Graph) -> None:
    assert graph.as_graph_def() == protos.get("GraphDef")(versions={"producer": 2474})


def test_private_attributes(graph: Graph) -> None:
    x = call("Placeholder", dtype=dtypes.float32, name="x")
    values = {"_i": 3, "_b": True, "_f": 0.5, "_s": "text", "_t": dtypes.int8, "_l": [1, 2], "_e": []}
    for name, value in values.items():
        x.op._set_attr(name, value)
    attributes = x.op.node_def.attr
    found = {name: attributes[name].WhichOneof("value") for name in values}
    assert found == {"_i": "i", "_b": "b", "_f": "f", "_s": "s", "_t": "type", "_l": "list", "_e": "list"}
    x.op._set_attr("_o", object())
    with pytest.raises(TypeError, match="'_o' of operation 'x'"):
        x.op.node_def  # noqa: B018


def test_a_function_graph_goes_there_and_back(graph: Graph) -> None:
    function = FuncGraph("Body", graph)
    with function.as_default():
        x = function.add_parameter(dtypes.float32, (None, 2), "X")
        y = function.add_parameter(dtypes.float32, (), "y")
        parts = call("Unpack", x, num=2, axis=1, name="parts")
        total = call("AddV2", parts[1], y, name="total")
        function.outputs = [total, parts[0]]
        function.control_outputs = [call("NoOp", name="done")]
    message = export.function_def(function)
    assert [item.name for item in message.signature.input_arg] == ["x", "y"]
    assert [item.name for item in message.signature.output_arg] == ["total", "parts"]
    assert dict(message.ret) == {"total": "total_0:z:0", "parts": "parts_0:output:0"}
    assert dict(message.control_ret) == {"done": "done"}
    assert [item.name for item in message.node_def] == ["parts_0", "total_0", "done"]
    assert [list(item.input) for item in message.node_def] == [["x"], ["parts_0:output:1", "y"], []]

    again = FuncGraph("Again", graph)
    body = fill_function_graph(again, message, {}, {}, lambda reference: reference)
    assert [tensor.shape.as_list() for tensor in body.inputs] == [[None, 2], []]
    assert [tensor.name for tensor in body.outputs] == ["total_0:0", "parts_0:0"]
    assert [op.name for op in body.control_outputs] == ["done"]
    again.inputs, again.outputs, again.control_outputs = body
    values = again.run([np.array([[1, 2], [3, 4]], np.float32), np.float32(10)])
    np.testing.assert_array_equal(values[0], np.array([12, 14], np.float32))


def _clashing(function: FuncGraph) -> None:
    """Gives a function names that clash once they are written: TensorFlow 2.21 was asked for the answers below."""
    x = function.add_parameter(dtypes.float32, (2,), "X")
    y = function.add_parameter(dtypes.float32, (2,), "x_1")
    a = call("AddV2", x, y, name="X_1")
    b = call("AddV2", a, y, name="B/c.d")
    c = call("AddV2", b, y, name="b_c_d")
    d = call("AddV2", c, y, name="x_0")
    function.outputs = [a, b, c, a, d]
    function.control_outputs = [a.op, b.op]


def test_names_in_functions_are_told_apart_as_tensorflow_does(graph: Graph) -> None:
    function = FuncGraph("Clash", graph)
    with function.as_default():
        _clashing(function)
    message = export.function_def(function)
    assert [item.name for item in message.signature.input_arg] == ["x", "x_1"]
    assert [item.name for item in message.signature.output_arg] == ["x_1_1", "b_c_d", "b_c_d_0", "x_1_1_0", "x_0"]
    assert {item.name: list(item.input) for item in message.node_def} == {
        "X_1_1": ["x", "x_1"],
        "B/c.d": ["X_1_1:z:0", "x_1"],
        "b_c_d_1": ["B/c.d:z:0", "x_1"],
        "x_0_0": ["b_c_d_1:z:0", "x_1"],
    }
    assert dict(message.ret) == {
        "x_1_1": "X_1_1:z:0",
        "x_1_1_0": "X_1_1:z:0",
        "b_c_d": "B/c.d:z:0",
        "b_c_d_0": "b_c_d_1:z:0",
        "x_0": "x_0_0:z:0",
    }
    assert dict(message.control_ret) == {"X_1_1": "X_1_1", "B/c.d": "B/c.d"}


def test_an_argument_that_is_returned_keeps_its_name_for_the_output(graph: Graph) -> None:
    function = FuncGraph("Passes", graph)
    with function.as_default():
        x = function.add_parameter(dtypes.float32, (2,), "s/x")
        y = call("Identity", x, name="s_x")
        with function.control_dependencies([x.op]):
            z = call("Identity", y, name="7.Y")
        w = call("Identity", z, name="9")
    function.outputs, function.control_outputs = [x, x, z, w], [y.op]
    message = export.function_def(function)
    assert [item.name for item in message.signature.input_arg] == ["s_x_1"]
    assert [item.name for item in message.signature.output_arg] == ["s_x", "s_x_0", "y", "unknown"]
    assert dict(message.ret) == {"s_x": "s_x_1", "s_x_0": "s_x_1", "y": "7.Y:output:0", "unknown": "9:output:0"}
    assert [(item.name, list(item.input)) for item in message.node_def] == [
        ("s_x_2", ["s_x_1"]),
        ("7.Y", ["s_x_2:output:0", "^s_x_1"]),
        ("9", ["7.Y:output:0"]),
    ]
    assert dict(message.control_ret) == {"s_x": "s_x_2"}


def test_functions_that_operations_hold_are_in_the_library(graph: Graph) -> None:
    inner, outer = FuncGraph("Inner", graph), FuncGraph("Outer", graph)
    for function, body in ((inner, None), (outer, inner)):
        with function.as_default():
            x = function.add_parameter(dtypes.float32, (), "x")
            if body is None:
                y = call("Identity", x)
            else:
                (y,) = call("PartitionedCall", [x], Tout=[dtypes.float32], f=body)
            function.outputs = [y]
    x = call("Placeholder", dtype=dtypes.float32, shape=(), name="x")
    for name in ("first", "second"):
        call("PartitionedCall", [x], Tout=[dtypes.float32], f=outer, name=name)
    message = graph.as_graph_def()
    assert [item.signature.name for item in message.library.function] == ["Outer", "Inner"]
    assert message.node[1].attr["f"].func.name == "Outer"
    assert message.versions.min_consumer == 12


@pytest.mark.parametrize("as_text", [True, False])
def test_files(graph: Graph, tmp_path: Path, as_text: bool) -> None:
    call("Placeholder", dtype=dtypes.float32, name="x")
    folder = tmp_path / "new" / "folder"
    path = write_graph(graph, folder, "graph.pb", as_text=as_text)
    assert path == str(folder / "graph.pb")
    assert os.listdir(folder) == ["graph.pb"]
    read = from_text if as_text else from_bytes
    content = Path(path).read_bytes()
    assert read(content, protos.get("GraphDef")()) == graph.as_graph_def()
    assert content.startswith(b"node {") is as_text
    write_graph(protos.get("GraphDef")(), str(folder), "graph.pb", as_text=as_text)
    assert not Path(path).read_bytes()
    with pytest.raises(TypeError, match="GraphDef"):
        write_graph("graph", folder, "other.pb")


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(FailedPreconditionError, match="is not a directory"):
            write_graph(protos.get("GraphDef")(), folder, "graph.pb")
    (tmp_path / "graph.pb").mkdir()
    with pytest.raises(FailedPreconditionError, match="Is a directory"):
        write_graph(protos.get("GraphDef")(), tmp_path, "graph.pb")
    assert sorted(os.listdir(tmp_path)) == ["file", "graph.pb"]


def test_definitions_as_messages(graph: Graph) -> None:
    message = op_def_message(OpDef.registry["AddN"])
    assert [(item.name, item.type_attr, item.number_attr) for item in message.input_arg] == [("inputs", "T", "N")]
    attributes = {item.name: item for item in message.attr}
    assert attributes["N"].has_minimum and attributes["N"].minimum == 1
    assert 1 in attributes["T"].allowed_values.list.type
    assert message.is_commutative and message.is_aggregate
    call("Placeholder", dtype=dtypes.float32, name="x")
    (used,) = stripped_op_list(graph.as_graph_def()).op
    assert used.name == "Placeholder"
    assert {item.name: item.default_value.shape.unknown_rank for item in used.attr}["shape"]


def test_a_function_attribute_by_name(graph: Graph) -> None:
    message = protos.get("AttrValue")()
    from tideflow._src.graph import attr_value

    attr_value.write(message, "func", NamedFunction("f", {"T": dtypes.int32}))
    assert message.func.name == "f"
    assert message.func.attr["T"].type == 3

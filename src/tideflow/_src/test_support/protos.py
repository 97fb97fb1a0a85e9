"""Compares protocol buffers and the graphs that they describe."""

from __future__ import annotations

import math
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import Message

from tideflow._src.core.dtypes import as_dtype
from tideflow._src.graph.export import PRODUCER as GRAPH_DEF_VERSION
from tideflow._src.graph.tensor_proto import make_ndarray

__all__ = ["GRAPH_DEF_VERSION", "as_message", "assert_equal_graph_def", "assert_equal_graph_def_v1", "difference"]


def as_message(expected: Any, like: Any) -> Any:
    """Returns a message: ``expected``, or the one of the type of ``like`` that it is the text of.

    Raises:
      AssertionError: it is a message of another type.
      TypeError: it is neither.
    """
    if isinstance(expected, bytes):
        expected = expected.decode()
    if isinstance(expected, str):
        return text_format.Parse(expected, type(like)())
    if not isinstance(expected, Message):
        raise TypeError(f"Can't compare protos of type {type(expected)} and {type(like)}.")
    if expected.DESCRIPTOR.full_name != like.DESCRIPTOR.full_name:
        raise AssertionError(f"Expected a {expected.DESCRIPTOR.full_name}, got a {like.DESCRIPTOR.full_name}.")
    return expected


def difference(expected: Any, actual: Any, relative_tolerance: float | None = None) -> tuple[str, str] | None:
    """Returns the texts of two messages that differ, or None if they are equal.

    Args:
      expected: a message.
      actual: a message of the same type.
      relative_tolerance: how far floating-point fields may be apart, relative to the expected ones.
    """
    if expected == actual:
        return None
    copy = type(actual)()
    copy.CopyFrom(actual)
    _align(expected, copy, relative_tolerance or 0.0)
    one, two = text_format.MessageToString(expected), text_format.MessageToString(copy)
    return None if one == two else (one, two)


def _align(expected: Any, actual: Any, tolerance: float) -> None:
    """Replaces floating-point fields by the expected ones where they are near enough."""
    for field, value in expected.ListFields():
        name = field.name
        if not _is_repeated(field) and not actual.HasField(name) if _has_presence(field) else False:
            continue
        found = getattr(actual, name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        if field.type == field.TYPE_MESSAGE:
            pairs = zip(value, found, strict=False) if _is_repeated(field) else [(value, found)]
            for one, two in pairs:
                _align(one, two, tolerance)
        elif field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
            if not _is_repeated(field):
                if _near(value, found, tolerance):
                    setattr(actual, name, value)
            elif len(value) == len(found):
                for index, (one, two) in enumerate(zip(value, list(found), strict=True)):
                    if _near(one, two, tolerance):
                        found[index] = one


def _is_repeated(field: Any) -> bool:
    known = getattr(field, "is_repeated", None)
    return bool(known) if isinstance(known, bool) else field.label == field.LABEL_REPEATED


def _has_presence(field: Any) -> bool:
    return bool(getattr(field, "has_presence", False))


def _near(expected: float, actual: float, tolerance: float) -> bool:
    if math.isnan(expected) and math.isnan(actual):
        return True
    return math.isclose(expected, actual, rel_tol=tolerance, abs_tol=0.0)


def assert_equal_graph_def(expected: Any, actual: Any) -> None:
    """Asserts that two ``GraphDef``s hold the same nodes, functions and versions, whatever their order.

    Raises:
      AssertionError: they differ.
      TypeError: one of them is no ``GraphDef``.
    """
    _check_type("actual", actual)
    _check_type("expected", expected)
    expected_nodes = {node.name: node for node in expected.node}
    actual_nodes = {node.name: node for node in actual.node}
    for name, node in expected_nodes.items():
        if name not in actual_nodes:
            raise AssertionError(f"Did not find expected node '{_summary(node)}'")
        _assert_equal_nodes(node, actual_nodes[name])
    for name, node in actual_nodes.items():
        if name not in expected_nodes:
            raise AssertionError(f"Found unexpected node '{_summary(node)}'")
    expected_functions = {function.signature.name: function for function in expected.library.function}
    actual_functions = {function.signature.name: function for function in actual.library.function}
    if expected_functions.keys() != actual_functions.keys():
        raise AssertionError(f"Expected the functions {sorted(expected_functions)}, found {sorted(actual_functions)}")
    for name, function in expected_functions.items():
        if function != actual_functions[name]:
            raise AssertionError(f"The function {name!r} differs:\n{function}\n{actual_functions[name]}")


def assert_equal_graph_def_v1(
    actual: Any, expected: Any, checkpoint_v2: bool = False, hash_table_shared_name: bool = False
) -> None:
    """Asserts that two ``GraphDef``s are equal, whatever the order of their nodes.

    Args:
      actual: what a test made.
      expected: what it should be.
      checkpoint_v2: whether the random parts of the names of checkpoints' temporary files do not count.
      hash_table_shared_name: whether the shared names of tables, which are random, do not count.
    """
    _check_type("actual", actual)
    _check_type("expected", expected)
    copies = []
    for graph in (expected, actual):
        copy = type(graph)()
        copy.CopyFrom(graph)
        for node in copy.node:
            if checkpoint_v2:
                _strip_checkpoint(node)
            if hash_table_shared_name and node.op.startswith("HashTable") and "shared_name" in node.attr:
                del node.attr["shared_name"]
        copies.append(copy)
    assert_equal_graph_def(*copies)


def _check_type(role: str, value: Any) -> None:
    if not isinstance(value, Message) or value.DESCRIPTOR.full_name != "tensorflow.GraphDef":
        raise TypeError(f"Expected tf.GraphDef for {role}, got {type(value).__name__}")


def _strip_checkpoint(node: Any) -> None:
    if node.op == "Const" and node.attr["dtype"].type == as_dtype("string").as_datatype_enum:
        value = make_ndarray(node.attr["value"].tensor)
        if value.size == 1 and b"_temp_" in bytes(value.reshape(-1)[0]) and b"part" in bytes(value.reshape(-1)[0]):
            del node.attr["value"]


def _assert_equal_nodes(expected: Any, actual: Any) -> None:
    if expected.op != actual.op:
        raise AssertionError(f"{expected.name!r}: expected the operation {expected.op}, found {actual.op}.")
    if _inputs(expected) != _inputs(actual):
        raise AssertionError(f"{expected.name!r}: expected inputs {list(expected.input)}, found {list(actual.input)}.")
    if expected.device != actual.device:
        raise AssertionError(f"{expected.name!r}: expected the device {expected.device!r}, found {actual.device!r}.")
    names = {*expected.attr, *actual.attr}
    for name in sorted(name for name in names if not name.startswith("_output_shapes")):
        if (name in expected.attr) != (name in actual.attr):
            where = "expected" if name in expected.attr else "found"
            raise AssertionError(f"{expected.name!r}: only the {where} node has the attribute {name!r}.")
        one, two = expected.attr[name], actual.attr[name]
        if one != two and not _same_tensors(one, two):
            raise AssertionError(f"{expected.name!r}: attribute {name!r}: expected {one}, found {two}.")


def _inputs(node: Any) -> list[str]:
    """Returns the inputs of a node: the order of control inputs does not count."""
    data = [name.removesuffix(":0") for name in node.input if not name.startswith("^")]
    return data + sorted(name for name in node.input if name.startswith("^"))


def _same_tensors(one: Any, two: Any) -> bool:
    """Tells whether two attributes hold equal tensors, which may be written in different ways."""
    if not (one.HasField("tensor") and two.HasField("tensor")) or one.tensor.dtype != two.tensor.dtype:
        return False
    first, second = make_ndarray(one.tensor), make_ndarray(two.tensor)
    return first.shape == second.shape and first.tobytes() == second.tobytes() if first.dtype != object else (
        first.shape == second.shape and first.tolist() == second.tolist()
    )  # fmt: skip


def _summary(node: Any) -> str:
    return f"{{{{node {node.name}}}}} = {node.op}({', '.join(node.input)})"

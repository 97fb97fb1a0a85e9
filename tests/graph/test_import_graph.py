"""Tests ``import_graph_def``: what TensorFlow 2.21 does with the same GraphDefs and arguments."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format

from tideflow._src.core import dtypes, errors
from tideflow._src.graph import attr_value, protos
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.op_def import OpDef
from tideflow._src.io.graph_files import import_graph_def

FLOAT = "DT_FLOAT"


def graph_def(text: str) -> Any:
    message = text_format.Parse(text, protos.get("GraphDef")())
    if not message.HasField("versions"):
        message.versions.producer = 2474
    return message


def placeholder(name: str, dtype: str = FLOAT, extra: str = "") -> str:
    return f'node {{ name: "{name}" op: "Placeholder" attr {{ key: "dtype" value {{ type: {dtype} }} }} {extra} }}'


def identity(name: str, *inputs: str, extra: str = "") -> str:
    edges = " ".join(f'input: "{item}"' for item in inputs)
    return f'node {{ name: "{name}" op: "Identity" {edges} attr {{ key: "T" value {{ type: {FLOAT} }} }} {extra} }}'


def make(name: str, dtype: Any = dtypes.float32) -> Any:
    operation: Any = OpDef.registry["Placeholder"]
    return operation(dtype=dtype, name=name)


def names(graph: Graph) -> list[str]:
    return [op.name for op in graph.get_operations()]


PAIR = placeholder("a") + identity("b", "a")


class TestNames:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [(None, "import/b"), ("", "b"), ("foo", "foo/b"), ("foo/", "foo/b"), ("foo/bar", "foo/bar/b")],
    )
    def test_the_prefix(self, graph: Graph, name: str | None, expected: str) -> None:
        assert import_graph_def(graph_def(PAIR), name=name) is None
        assert names(graph)[1] == expected

    def test_a_second_import_gets_a_scope_of_its_own(self, graph: Graph) -> None:
        import_graph_def(graph_def(PAIR))
        import_graph_def(graph_def(PAIR))
        assert names(graph) == ["import/a", "import/b", "import_1/a", "import_1/b"]
        assert make("import/b").name == "import/b_1:0"

    def test_the_prefix_is_below_the_current_scope(self, graph: Graph) -> None:
        with graph.name_scope("s"):
            import_graph_def(graph_def(PAIR))
            import_graph_def(graph_def(PAIR), name="")
        assert names(graph) == ["s/import/a", "s/import/b", "a", "b"]

    @pytest.mark.parametrize(
        ("existing", "imported", "expected"),
        [
            ("a", ["a"], ["a_1"]),
            ("a/b", ["a"], ["a_1"]),
            ("a", ["a", "a_1"], ["a_2", "a_1"]),
            ("a", ["a", "a_1/b"], ["a_2", "a_1/b"]),
            ("a", ["A"], ["A"]),
        ],
    )
    def test_names_in_use_are_avoided(
        self, graph: Graph, existing: str, imported: list[str], expected: list[str]
    ) -> None:
        make(existing)
        import_graph_def(graph_def("".join(placeholder(name) for name in imported)), name="")
        assert names(graph)[1:] == expected

    def test_names_count_as_used_without_their_scopes(self, graph: Graph) -> None:
        import_graph_def(graph_def(placeholder("a/b/c") + placeholder("B")), name="")
        assert [make("a").name, make("b").name] == ["a:0", "b_1:0"]

    def test_colocation_follows_the_names(self, graph: Graph) -> None:
        make("a")
        group = 'attr { key: "_class" value { list { s: "loc:@a" s: "other" } } }'
        import_graph_def(graph_def(placeholder("a") + placeholder("b", extra=group)), name="")
        assert graph.get_operation_by_name("b").get_attr("_class") == [b"loc:@a_1", b"other"]


class TestInputMap:
    @pytest.mark.parametrize("key", ["a", "a:0", b"a"])
    def test_an_input_is_replaced(self, graph: Graph, key: Any) -> None:
        x = make("x")
        (b,) = import_graph_def(graph_def(PAIR), {key: x}, ["b"]) or ()
        assert b.inputs == (x,)
        assert "import/a" in names(graph)

    def test_the_producer_may_be_missing(self, graph: Graph) -> None:
        x = make("x")
        found = import_graph_def(graph_def(identity("b", "a")), {"a": x}, ["a:0"])
        assert found == [x]

    def test_values_become_constants_in_a_scope_of_their_own(self, graph: Graph) -> None:
        (b,) = import_graph_def(graph_def(PAIR), {"a": 1.5}, ["b"]) or ()
        assert b.inputs[0].name == "import/_inputs/Const:0"

    def test_a_control_input_is_replaced_by_a_name_with_a_caret(self, graph: Graph) -> None:
        x = make("x")
        text = PAIR + identity("c", "b", "^a")
        (c,) = import_graph_def(graph_def(text), {"^a": x}, ["c"]) or ()
        assert c.control_inputs == [x.op]
        (c,) = import_graph_def(graph_def(text), {"a": x}, ["c"]) or ()
        assert [op.name for op in c.control_inputs] == ["import_1/a"]

    def test_an_output_that_nothing_uses_may_be_named(self, graph: Graph) -> None:
        assert import_graph_def(graph_def(PAIR), {"b": make("x")}) is None

    @pytest.mark.parametrize("key", ["zz", "zz:0", "a:1"])
    def test_a_name_that_is_not_there(self, graph: Graph, key: str) -> None:
        with pytest.raises(ValueError, match=r"not found in graph_def: \[(zz:0|a:1)\]"):
            import_graph_def(graph_def(PAIR), {key: make("x")})
        assert names(graph) == ["x"]

    @pytest.mark.parametrize(
        ("input_map", "error", "message"),
        [
            (3, TypeError, "must be a dictionary. Obtained int"),
            ({3: 1.0}, TypeError, "must be strings"),
            ({"a:b:c": 1.0}, ValueError, "not contain more than 1 `:`"),
            ({"a:x": 1.0}, ValueError, "should be an int. Got x"),
            ({"a": None}, ValueError, "None"),
        ],
    )
    def test_wrong_arguments(self, graph: Graph, input_map: Any, error: type, message: str) -> None:
        with pytest.raises(error, match=message):
            import_graph_def(graph_def(PAIR), input_map)
        assert names(graph) == []

    def test_a_value_needs_a_prefix_and_the_right_dtype(self, graph: Graph) -> None:
        with pytest.raises(ValueError, match="requires a non-empty `name`"):
            import_graph_def(graph_def(PAIR), {"a": 1.0}, name="")
        with pytest.raises(ValueError, match="was passed int32 from x:0 incompatible with expected float"):
            import_graph_def(graph_def(PAIR), {"a": make("x", dtypes.int32)})

    def test_a_tensor_of_another_graph(self, graph: Graph) -> None:
        with Graph().as_default():
            x = make("x")
        with pytest.raises(ValueError, match="same graph"):
            import_graph_def(graph_def(PAIR), {"a": x})


class TestReturnElements:
    def test_operations_and_tensors_in_order(self, graph: Graph) -> None:
        found = import_graph_def(graph_def(PAIR), return_elements=["b:0", "a", "b"]) or []
        assert [item.name for item in found] == ["import/b:0", "import/a", "import/b"]
        assert import_graph_def(graph_def(PAIR), return_elements=[]) == []

    @pytest.mark.parametrize(
        ("element", "error", "message"),
        [
            ("zz", ValueError, "Requested return node 'zz' not found"),
            ("zz:0", ValueError, "Requested return tensor 'zz:0' not found"),
            ("b:1", ValueError, r"Invalid return output 1 of node 'b', which has 1 output\(s\)"),
            ("b:x", ValueError, "should be an int"),
            (3, TypeError, "must be a list of strings"),
        ],
    )
    def test_what_is_not_there(self, graph: Graph, element: Any, error: type, message: str) -> None:
        with pytest.raises(error, match=message):
            import_graph_def(graph_def(PAIR), return_elements=[element])
        assert names(graph) == []


class TestSurroundings:
    def test_devices_are_merged(self, graph: Graph) -> None:
        with graph.device("/cpu:0"):
            import_graph_def(graph_def(placeholder("a", extra='device: "/job:w"') + identity("b", "a")))
        assert [op.device for op in graph.get_operations()] == ["/job:w/device:CPU:0", "/device:CPU:0"]

    def test_a_colocated_node_is_where_its_group_is(self, graph: Graph) -> None:
        group = 'attr { key: "_class" value { list { s: "loc:@a" } } }'
        text = placeholder("b", extra=f'device: "/job:q" {group}')
        import_graph_def(graph_def(text + placeholder("a", extra='device: "/cpu:0"')))
        assert {op.device for op in graph.get_operations()} == {"/device:CPU:0"}

    def test_open_control_dependencies_hold_for_every_node(self, graph: Graph) -> None:
        x = make("x")
        with graph.control_dependencies([x]):
            import_graph_def(graph_def(PAIR + identity("d", "b", "^a")))
        controls = [[control.name for control in op.control_inputs] for op in graph.get_operations()]
        assert controls == [[], ["x"], ["x"], ["import/a", "x"]]

    def test_open_gradient_overrides_do_not_act(self, graph: Graph) -> None:
        with graph.gradient_override_map({"Identity": "Other"}):
            (b,) = import_graph_def(graph_def(PAIR), return_elements=["b"]) or ()
        assert "_gradient_op_type" not in b.attrs

    def test_a_finalized_graph(self, graph: Graph) -> None:
        graph.finalize()
        with pytest.raises(RuntimeError, match="finalized"):
            import_graph_def(graph_def(PAIR))

    def test_a_message_of_another_kind(self, graph: Graph) -> None:
        with pytest.raises(TypeError, match="must be a GraphDef proto"):
            import_graph_def(b"abc")
        with pytest.raises(TypeError, match="must be a GraphDef proto"):
            import_graph_def(protos.get("NodeDef")())


class TestAttributes:
    def test_defaults_are_filled_in(self, graph: Graph) -> None:
        (a,) = import_graph_def(graph_def(placeholder("a")), return_elements=["a"]) or ()
        assert a.attrs == {"dtype": dtypes.float32, "shape": None}

    def test_unknown_ones_are_kept_unless_they_have_the_producers_default(self, graph: Graph) -> None:
        message = graph_def(placeholder("a", extra='attr { key: "zz" value { i: 3 } }'))
        producer = text_format.Parse(
            'op { name: "Placeholder" attr { name: "zz" type: "int" default_value { i: 3 } } }',
            protos.get("OpList")(),
        )
        (a,) = import_graph_def(message, return_elements=["a"]) or ()
        assert a.get_attr("zz") == 3
        (a,) = import_graph_def(message, return_elements=["a"], producer_op_list=producer) or ()
        assert "zz" not in a.attrs
        message.node[0].attr["zz"].i = 4
        (a,) = import_graph_def(message, return_elements=["a"], producer_op_list=producer) or ()
        assert a.get_attr("zz") == 4

    def test_output_shapes_add_to_what_is_inferred(self, graph: Graph) -> None:
        shapes = 'attr { key: "_output_shapes" value { list { shape { dim { size: 2 } } } } }'
        (a,) = import_graph_def(graph_def(placeholder("a", extra=shapes)), return_elements=["a"]) or ()
        assert a.outputs[0].shape == [2]
        assert "_output_shapes" not in a.attrs

    def test_a_large_constant_of_one_value_takes_no_memory(self, graph: Graph) -> None:
        text = (
            'node { name: "c" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "value" value {'
            "tensor { dtype: DT_FLOAT tensor_shape { dim { size: 1000000000000 } } float_val: 2 } } } }"
        )
        (c,) = import_graph_def(graph_def(text), return_elements=["c:0"]) or ()
        assert c.shape == [10**12]
        written = graph.as_graph_def().node[0].attr["value"].tensor
        assert written == graph_def(text).node[0].attr["value"].tensor

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("type", dtypes.bfloat16),
            ("shape", None),
            ("shape", (None, 3)),
            ("string", "caf\u00e9 \udcff"),
            ("list(shape)", [(), None, (2, None)]),
            ("list(float)", [0.5, -1.0]),
            ("list(bool)", [True, False]),
            ("list(string)", []),
            ("func", attr_value.NamedFunction("f", {"T": dtypes.float32, "n": 3})),
        ],
    )
    def test_values_survive_the_message(self, kind: str, value: Any) -> None:
        from tideflow._src.graph.op_def import Attribute

        message = protos.get("AttrValue")()
        attr_value.write(message, kind, value)
        assert attr_value.read(message, Attribute("attribute", kind)) == value


class TestRecorded:
    def test_a_network_comes_back_as_it_was(self, graph: Graph, recorded: Callable[[str], Any]) -> None:
        message = recorded("network")
        import_graph_def(message, name="")
        written = graph.as_graph_def(add_shapes=True)
        assert [node.name for node in written.node] == [node.name for node in message.node]
        for mine, theirs in zip(written.node, message.node, strict=True):
            assert mine == theirs
        assert written.versions == message.versions

    def test_a_network_runs(self, graph: Graph, recorded: Callable[[str], Any]) -> None:
        from tideflow._src.session.session import Session

        import_graph_def(recorded("network"), name="")
        with Session(graph=graph) as session:
            value = session.run("y:0", {"x:0": np.array([[1, 0, 0], [0, 1, -4]], np.float32)})
        np.testing.assert_array_equal(value, np.array([[1.5, 1.5, 3], [0, 0, 0]], np.float32))

    def test_functions_run(self, graph: Graph, recorded: Callable[[str], Any]) -> None:
        from tideflow._src.session.session import Session

        message = recorded("functions")
        import_graph_def(message, name="")
        with Session(graph=graph) as session:
            values = session.run(["r0:0", "r1:0", "count:0"], {"x:0": np.array([-1, -2], np.float32)})
        np.testing.assert_array_equal(values[0], np.array([-1, -3], np.float32))
        np.testing.assert_array_equal(values[1], np.array([1, 2], np.float32))
        assert values[2] == 12
        written = graph.as_graph_def()
        library = {function.signature.name: function for function in message.library.function}
        assert {function.signature.name: function for function in written.library.function} == library
        assert written.versions == message.versions

    @pytest.mark.usefixtures("loop_operations")
    def test_a_loop_is_closed_in_any_order(self, graph: Graph, recorded: Callable[[str], Any]) -> None:
        message = recorded("loop")
        nodes = list(message.node)
        for order in (nodes, nodes[::-1]):
            shuffled = protos.get("GraphDef")(node=order, versions=message.versions)
            merge, entry, turn = (
                import_graph_def(shuffled, return_elements=["loop/Merge", "loop/Enter:0", "loop/NextIteration:0"]) or ()
            )
            assert merge.inputs == (entry, turn)
            assert merge.outputs[0].shape.rank is None

    def test_a_function_as_the_operation_of_a_node(self, graph: Graph) -> None:
        library = """library { function {
          signature { name: "Twice" input_arg { name: "x" type: DT_FLOAT } output_arg { name: "y" type: DT_FLOAT } }
          node_def { name: "m" op: "AddV2" input: "x" input: "x" attr { key: "T" value { type: DT_FLOAT } } }
          ret { key: "y" value: "m:z:0" } } }"""
        text = placeholder("a") + 'node { name: "c" op: "Twice" input: "a" }' + library
        (c,) = import_graph_def(graph_def(text), return_elements=["c"]) or ()
        assert c.type == "PartitionedCall"
        assert [op.type for op in c.attrs["f"].get_operations()] == ["Placeholder", "AddV2"]
        with pytest.raises(ValueError, match="different function with the same name"):
            import_graph_def(graph_def(library.replace("AddV2", "Mul")))


def test_cost_is_linear_and_depth_does_not_matter(graph: Graph) -> None:
    def chain(count: int) -> Any:
        message = graph_def(placeholder("x"))
        for number in range(count, 0, -1):  # users before producers
            node = message.node.add(name=f"n{number}", op="Identity")
            node.input.append(f"n{number - 1}" if number > 1 else "x")
            node.attr["T"].type = 1
        return message

    def seconds(count: int) -> float:
        message = chain(count)
        start = time.process_time()
        import_graph_def(message)
        return time.process_time() - start

    seconds(100)
    small = min(seconds(2_000) for _ in range(3))
    assert seconds(20_000) < 10 * small * 4


def test_an_unknown_operation_is_named(graph: Graph) -> None:
    with pytest.raises(errors.NotFoundError, match="'Foo', which node 'z' of the GraphDef needs"):
        import_graph_def(graph_def('node { name: "z" op: "Foo" }'))

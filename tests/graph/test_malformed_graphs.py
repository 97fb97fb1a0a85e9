"""Tests that malformed and hostile GraphDefs are refused with TensorFlow's exceptions, and change nothing."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import text_format
from google.protobuf.message import DecodeError

import tideflow.compat.v1 as tf
from tideflow._src.core import errors
from tideflow._src.graph import protos
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.op_def import OpDef
from tideflow._src.io.graph_files import import_graph_def

_MUTATIONS = int(os.environ.get("TIDEFLOW_MUTATIONS", "10000"))

_T = 'attr { key: "T" value { type: DT_FLOAT } }'
_DTYPE = 'attr { key: "dtype" value { type: DT_FLOAT } }'
_A = f'node {{ name: "a" op: "Placeholder" {_DTYPE} }}'


def _identity(name: str, *inputs: str) -> str:
    return f'node {{ name: "{name}" op: "Identity" {" ".join(f"input: {item!r}" for item in inputs)} {_T} }}'


def _constant(tensor: str) -> str:
    return f'node {{ name: "c" op: "Const" {_DTYPE} attr {{ key: "value" value {{ tensor {{ {tensor} }} }} }} }}'


def _placeholder(attributes: str, name: str = "p") -> str:
    return f'node {{ name: "{name}" op: "Placeholder" {attributes} }}'


def _shaped(*sizes: int) -> str:
    dimensions = " ".join(f"dim {{ size: {size} }}" for size in sizes)
    return f'{_DTYPE} attr {{ key: "shape" value {{ shape {{ {dimensions} }} }} }}'


_MALFORMED = {
    "an input that is not there": (_identity("b", "a"), "Node 'b': Unknown input node 'a'"),
    "an output that is not there": (_A + _identity("b", "a:1"), "invalid output 1 of source node a"),
    "a position that is no number": (_A + _identity("b", "a:x"), "Unknown input node 'a:x'"),
    "an empty input": (_A + _identity("b", ""), "Unknown input node ''"),
    "a control input that is not there": (_A + _identity("b", "a", "^z"), "Unknown input node '^z'"),
    "a control input before others": (_A + _identity("b", "^a", "a"), "must come after regular"),
    "too few inputs": (_identity("b"), "expected 1 inputs do not match 0 inputs"),
    "too many inputs": (_A + _identity("b", "a", "a"), "expected 1 inputs do not match 2 inputs"),
    "a wrong dtype": (
        _placeholder('attr { key: "dtype" value { type: DT_INT32 } }') + _identity("b", "p"),
        "was passed int32 from import/p:0 incompatible with expected float",
    ),
    "no operation": ('node { name: "b" }', "does not specify an operation"),
    "a name twice": (_A + _A, "Node 'a' is not unique"),
    "a name with a space": (_placeholder(_DTYPE, "a b"), "invalid characters"),
    "an empty name": (_placeholder(_DTYPE, ""), "invalid characters"),
    "a name with a final newline": (_placeholder(_DTYPE, "a\\n"), "invalid characters"),
    "a cycle": (_identity("b", "c") + _identity("c", "b"), "2 nodes in a cycle"),
    "a node on itself": (_identity("b", "b"), "1 nodes in a cycle"),
    "a cycle through a control input": (
        _A + _identity("b", "a", "^c") + _identity("c", "b"),
        "2 nodes in a cycle",
    ),
    "no attribute": (_placeholder(""), "missing attr 'dtype'"),
    "an attribute of another type": (
        _placeholder('attr { key: "dtype" value { i: 3 } }'),
        "value with type 'int' when 'type' expected",
    ),
    "an empty attribute": (_placeholder('attr { key: "dtype" value { } }'), "missing value with expected"),
    "a dtype that there is not": (
        _placeholder('attr { key: "dtype" value { type: 99 } }'),
        "invalid DataType enum: 99",
    ),
    "the invalid dtype": (_placeholder('attr { key: "dtype" value { type: 0 } }'), "invalid DataType"),
    "a reference dtype": (
        _placeholder('attr { key: "dtype" value { type: 101 } }'),
        "must not have reference type",
    ),
    "a dtype that is not allowed": (
        _placeholder('attr { key: "dtype" value { type: DT_BOOL } }')
        + 'node { name: "s" op: "AddV2" input: "p" input: "p" attr { key: "T" value { type: DT_BOOL } } }',
        "not in the list of allowed values",
    ),
    "a number below its least": (
        f'node {{ name: "s" op: "AddN" attr {{ key: "N" value {{ i: 0 }} }} {_T} }}',
        "of 0 must be at least minimum 1",
    ),
    "more inputs said than there are": (
        _A + f'node {{ name: "s" op: "AddN" input: "a" attr {{ key: "N" value {{ i: 2000000000 }} }} {_T} }}',
        "expected 2000000000 inputs do not match 1 inputs",
    ),
    "shapes that do not fit": (
        _placeholder(_shaped(2), "p")
        + _placeholder(_shaped(3), "q")
        + f'node {{ name: "s" op: "AddV2" input: "p" input: "q" {_T} }}',
        "Dimensions must be equal, but are 2 and 3",
    ),
    "a negative size": (_placeholder(_shaped(-2)), "dimensions with values below -1"),
    "a shape beyond 64 bits": (_placeholder(_shaped(10**12, 10**12)), "too large"),
    "a rank beyond the highest": (_placeholder(_shaped(*[1] * 300)), "rank <= 254"),
    "a constant of another dtype": (
        _constant("dtype: DT_INT32 tensor_shape { } int_val: 3"),
        "value is of type int32, but its dtype is float32",
    ),
    "a constant of too few bytes": (
        _constant('dtype: DT_FLOAT tensor_shape { dim { size: 3 } } tensor_content: "ab"'),
        "has 2 bytes",
    ),
    "a constant of unknown size": (
        _constant("dtype: DT_FLOAT tensor_shape { dim { size: -1 } } float_val: 1"),
        "fully defined",
    ),
    "a constant beyond 64 bits": (
        _constant("dtype: DT_FLOAT tensor_shape { dim { size: 4611686018427387904 } dim { size: 4 } }"),
        "too large",
    ),
    "a constant of unknown dtype": (_constant("tensor_shape { }"), "Unsupported tensor type"),
    "a colocation with nothing": (
        _placeholder(_DTYPE + 'attr { key: "_class" value { list { s: "loc:@zz" } } }'),
        "colocated with unknown node 'zz'",
    ),
    "a device that is none": (_placeholder(_DTYPE + 'device: "foo"'), "Unknown attribute 'foo'"),
    "output shapes against inferred ones": (
        _placeholder(_shaped(3) + 'attr { key: "_output_shapes" value { list { shape { dim { size: 2 } } } } }'),
        "inconsistent with the GraphDef",
    ),
    "a consumer of the future": (_A + "versions { producer: 9999 min_consumer: 9999 }", "above current version"),
    "a producer before all": (_A + "versions { producer: -1 }", "below min producer"),
    "a version that may not read it": (
        _A + "versions { producer: 2474 bad_consumers: 2474 }",
        "disallows consumer version",
    ),
    "a function without a name": ("library { function { } }", "no name"),
}


def _state(graph: Graph) -> tuple[Any, ...]:
    return (
        graph.get_operations(),
        dict(graph._names_in_use),
        dict(graph._by_name),
        dict(graph.functions),
        graph._name_stack,
    )


@pytest.mark.parametrize("case", _MALFORMED)
def test_it_is_refused_and_changes_nothing(graph: Graph, case: str) -> None:
    text, message = _MALFORMED[case]
    import_graph_def(text_format.Parse(_A, protos.get("GraphDef")()))
    before = _state(graph)
    malformed = text_format.Parse(text + _placeholder(_DTYPE, "rest"), protos.get("GraphDef")())
    with pytest.raises(ValueError) as caught:
        import_graph_def(malformed, name="import" if "import/" in message else None)
    assert message in str(caught.value).replace("import_1/", "import/")
    assert _state(graph) == before


def test_an_import_after_a_failed_one_gets_its_name(graph: Graph) -> None:
    with pytest.raises(errors.NotFoundError):
        import_graph_def(text_format.Parse(_A + 'node { name: "z" op: "Foo" }', protos.get("GraphDef")()))
    import_graph_def(text_format.Parse(_A, protos.get("GraphDef")()))
    assert [op.name for op in graph.get_operations()] == ["import/a"]


@pytest.mark.parametrize(("op", "number", "inputs"), [("Split", "num_split", ("i", "a")), ("Unpack", "num", ("a",))])
def test_two_thousand_million_outputs(graph: Graph, op: str, number: str, inputs: tuple[str, ...]) -> None:
    edges = " ".join(f'input: "{item}"' for item in inputs)
    index = 'node { name: "i" op: "Placeholder" attr { key: "dtype" value { type: DT_INT32 } } }'
    node = f'node {{ name: "s" op: "{op}" {edges} attr {{ key: "{number}" value {{ i: 2000000000 }} }} {_T} }}'
    assert op in OpDef.registry
    with pytest.raises(ValueError, match="too many outputs"):
        import_graph_def(text_format.Parse(_A + index + node, protos.get("GraphDef")()))
    assert graph.get_operations() == []


def test_a_function_that_uses_itself(graph: Graph) -> None:
    text = f"""library {{ function {{
      signature {{ name: "F" input_arg {{ name: "x" type: DT_FLOAT }} output_arg {{ name: "y" type: DT_FLOAT }} }}
      node_def {{ name: "m" op: "F" input: "x" }} ret {{ key: "y" value: "m:y:0" }} }} }}
      {_A} node {{ name: "c" op: "F" input: "a" }}"""
    with pytest.raises(ValueError, match="'F' uses itself"):
        import_graph_def(text_format.Parse(text, protos.get("GraphDef")()))
    assert _state(graph) == ([], {}, {}, {}, "")


def test_functions_nested_without_end(graph: Graph) -> None:
    message = text_format.Parse(_A, protos.get("GraphDef")())
    for number in range(2000):
        function = message.library.function.add()
        function.signature.name = f"F{number}"
        function.signature.input_arg.add(name="x", type=1)
        function.signature.output_arg.add(name="y", type=1)
        function.node_def.add(name="m", op=f"F{number + 1}", input=["x"])
        function.ret["y"] = "m:y:0"
    message.node.add(name="c", op="F0", input=["a"])
    with pytest.raises(ValueError, match="nested too deeply"):
        import_graph_def(message)


def test_a_shape_of_a_thousand_million_elements(graph: Graph) -> None:
    number = _constant("dtype: DT_INT32 tensor_shape { dim { size: 1000000000 } } int_val: 1").replace(
        "DT_FLOAT", "DT_INT32"
    )
    integers = 'attr { key: "dtype" value { type: DT_INT32 } }'
    shape = _placeholder(_shaped(10**12).replace(_DTYPE, integers), "s")
    for producer, name in ((number, "c"), (shape, "s")):
        reshape = f'node {{ name: "r" op: "Reshape" input: "a" input: "{name}" {_T} }}'
        message = text_format.Parse(_A + producer + reshape, protos.get("GraphDef")())
        (r,) = import_graph_def(message, return_elements=["r:0"]) or ()
        assert r.shape.rank is None


def test_a_shape_that_is_computed_along_very_many_paths(graph: Graph) -> None:
    """Each level uses the one below twice: evaluating every path would take 2**40 steps."""
    reshape: Any = OpDef.registry["Reshape"]
    slice_op: Any = OpDef.registry["StridedSlice"]
    concat: Any = OpDef.registry["ConcatV2"]
    placeholder: Any = OpDef.registry["Placeholder"]
    x = placeholder(dtype="int32", shape=(2,))
    for _ in range(40):
        x = slice_op(concat([x, x], 0), [0], [2], [1])
    assert reshape(placeholder(dtype="float32"), x).shape.as_list() == [None, None]


@pytest.mark.usefixtures("loop_operations")
def test_mutated_files(graph: Graph, recorded: Callable[[str], Any]) -> None:
    """Each of many mutated files imports, or is refused with a proper exception and changes nothing."""
    generator = random.Random(2026)
    originals = [recorded(name).SerializeToString(deterministic=True) for name in ("network", "functions", "loop")]
    outcomes: Counter[str] = Counter()
    import_graph_def(text_format.Parse(_A, protos.get("GraphDef")()), name="before")
    before = _state(graph)
    for number in range(_MUTATIONS):
        data = _mutated(generator, generator.choice(originals))
        try:
            message = protos.get("GraphDef").FromString(data)
        except DecodeError:
            outcomes["not decoded"] += 1
            continue
        fresh = Graph()
        target = graph if number % 2 else fresh
        try:
            with fresh.as_default() if target is fresh else graph.as_default():
                import_graph_def(message)
        except (ValueError, TypeError, errors.OpError):
            outcomes["refused"] += 1
            assert _state(target) == (before if target is graph else ([], {}, {}, {}, ""))
        else:
            outcomes["imported"] += 1
            target.as_graph_def()
            before = _state(graph)
        if len(graph.get_operations()) > 500:
            graph = Graph()
            before = _state(graph)
    for outcome in ("not decoded", "refused", "imported"):
        assert outcomes[outcome] > _MUTATIONS // 100, outcomes


def _mutated(generator: random.Random, data: bytes) -> bytes:
    if generator.random() < 0.3:
        return _with_other_bytes(generator, bytearray(data))
    message = protos.get("GraphDef").FromString(data)
    for _ in range(generator.choice((1, 1, 1, 2, 4))):
        _change_something(generator, message)
    return bytes(message.SerializeToString())


def _with_other_bytes(generator: random.Random, data: bytearray) -> bytes:
    for _ in range(generator.choice((1, 1, 2, 5))):
        start = generator.randrange(len(data))
        kind = generator.randrange(4)
        if kind == 0:
            data[start] = generator.randrange(256)
        elif kind == 1:
            data[start] ^= 1 << generator.randrange(8)
        elif kind == 2:
            del data[start : start + generator.randrange(1, 9)]
        else:
            other = generator.randrange(len(data))
            data[start:start] = data[other : other + generator.randrange(1, 40)]
    return bytes(data)


_NUMBERS = (0, 1, -1, 2, 3, 7, -2, 64, 255, 1 << 20, (1 << 31) - 1, -(1 << 31), 1 << 62, -(1 << 62))


def _change_something(generator: random.Random, graph_def: Any) -> None:
    """Changes one field, somewhere below a message, to a value that its type allows."""
    fields = list(_fields(graph_def))
    if not fields:
        return
    message, field = generator.choice(fields)
    value = getattr(message, field.name)
    names = [node.name for node in graph_def.node] + ["", "^x", "x:1", "y:9", "layer/bias"]
    if hasattr(value, "extend"):
        position = generator.randrange(len(value))
        kind = generator.randrange(4)
        if kind == 0:
            del value[position:]
        elif kind == 1:
            del value[position]
        elif kind == 2 or field.message_type is not None:
            value.extend([value[position]])
        else:
            value[position] = _other(generator, value[position], names)
    elif hasattr(value, "keys"):
        key = generator.choice(sorted(value))
        donors = [node for node in graph_def.node if node.attr]
        if field.name == "attr" and donors and generator.random() < 0.6:
            donor = generator.choice(donors)
            value[key].CopyFrom(donor.attr[generator.choice(sorted(donor.attr))])
        else:
            value.pop(key)
    elif field.message_type is not None:
        message.ClearField(field.name)
    else:
        setattr(message, field.name, _other(generator, value, names))


def _fields(message: Any) -> Any:
    for field, value in message.ListFields():
        yield message, field
        if field.message_type is None:
            continue
        if hasattr(value, "extend"):
            children = list(value)
        elif hasattr(value, "keys"):
            children = [value[key] for key in sorted(value) if hasattr(value[key], "ListFields")]
        else:
            children = [value]
        for child in children:
            yield from _fields(child)


def _other(generator: random.Random, value: Any, names: list[str]) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        small = [item for item in _NUMBERS if -(1 << 31) <= item < 1 << 31]
        fits = _NUMBERS if abs(value) >= 1 << 31 else small
        return generator.choice([*fits, value + 1 if value < (1 << 31) - 1 else 0])
    if isinstance(value, float):
        return generator.choice([0.0, -1.0, 1e38, float("nan"), float("inf")])
    if isinstance(value, bytes):
        return generator.choice([b"", value[:-1], value + b"x", b"\xff" * 8])
    return generator.choice([*names, "AddV2", "Const", "Split", "Merge", "Pack", "StridedSlice", "Fill", value + "x"])


def test_functions_and_nodes_that_lost_an_output() -> None:
    with tf.Graph().as_default():
        tf.cond(tf.placeholder(tf.bool, [], "p"), lambda: tf.constant(1.0), lambda: tf.constant(2.0), name="cond")
        definition = tf.get_default_graph().as_graph_def()
    lost = tf.GraphDef.FromString(definition.SerializeToString())
    assert len(lost.library.function) == 2
    for function in lost.library.function:
        function.ret.clear()
        del function.signature.output_arg[:]
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(lost, name="")
        with pytest.raises(errors.InvalidArgumentError):
            session.run("cond:0", {"p:0": True})
    for node in definition.node:
        if "Tout" in node.attr:
            del node.attr["Tout"].list.type[:]
    with tf.Graph().as_default(), pytest.raises(ValueError, match="declares 0 outputs"):
        tf.import_graph_def(definition, name="")

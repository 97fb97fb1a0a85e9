"""Compares what functions are and what they refuse with TensorFlow's."""

from __future__ import annotations

import re
from typing import Any

import pytest

import tideflow as tf
from tideflow._src.graph.op_def import OpDef
from tideflow._src.runtime import must_compile

from .oracle import Oracle

#: Calls whose error has TensorFlow's class.
CALLS = """
tf.map_fn(lambda x: tf.cast(x, tf.int32), tf.constant([1.0]))
tf.function(tf.map_fn)(lambda x: tf.cast(x, tf.int32), tf.constant([1.0]))
tf.map_fn(lambda x: (x, x), tf.constant([1.0]))
tf.scan(lambda a, x: tf.cast(a + x, tf.int32), tf.constant([1.0, 2.0]))
tf.function(tf.scan)(lambda a, x: tf.cast(a + x, tf.int32), tf.constant([1.0, 2.0]))
tf.function(tf.foldl)(lambda a, x: tf.cast(a + x, tf.int32), tf.constant([1.0, 2.0]))
tf.function(lambda p: tf.cond(p, lambda: [p, p], lambda: (p, p)))(True)
tf.function(lambda p: tf.cond(p, lambda: {"a": p}, lambda: {"b": p}))(tf.constant(True))
tf.function(lambda p: tf.cond(p, lambda: p, lambda: 1.0))(tf.constant(True))
tf.function(lambda p: tf.cond(p, lambda: p, lambda: None))(tf.constant(True))
tf.function(lambda x: tf.while_loop(lambda i: i < 3, lambda i: (tf.cast(i, tf.float32),), (x,)))(tf.constant(0))
tf.function(lambda x: tf.while_loop(lambda i: i < 3, lambda i: (i, i), (x,)))(tf.constant(0))
tf.py_function(lambda: "a", [], tf.float32)
tf.py_function(lambda: object(), [], tf.float32)
tf.py_function(lambda: None, [], tf.float32)
tf.py_function(lambda: {}["a"], [], tf.float32)
tf.py_function(lambda: tf.gather([1.0], [7]), [], tf.float32)
tf.py_function(lambda: next(iter([])), [], tf.float32)
tf.function(lambda: tf.py_function(lambda: "a", [], tf.float32))()
tf.function(lambda: tf.py_function(lambda: None, [], tf.float32))()
tf.function(lambda: tf.numpy_function(lambda: "a", [], tf.float32))()
tf.function(lambda a: a).get_concrete_function(tf.TensorSpec([]))(object())
tf.function(lambda a: a).get_concrete_function(tf.TensorSpec([]))(None)
tf.function(lambda a: a).get_concrete_function(tf.TensorSpec([]))("a")
tf.function(lambda a: a).get_concrete_function(tf.TensorSpec([]))(tf.constant(1))
tf.function(lambda a, b=2: a).get_concrete_function(tf.TensorSpec([]))(tf.constant(1.0), 3)
tf.constant(1.0).op
tf.constant(1.0).graph
tf.constant(1.0).name
tf.constant(1.0).consumers()
tf.function(lambda x: [item for item in x], autograph=False).get_concrete_function(tf.TensorSpec([3]))
tf.function(lambda x: len(x)).get_concrete_function(tf.TensorSpec([3]))
tf.function(lambda x: 1.0 in x).get_concrete_function(tf.TensorSpec([3]))
""".strip().splitlines()

_KERNELS = """
from tensorflow.python.framework import kernels

tf.function(lambda x: x, jit_compile=True)(1)  # registers the kernels of compiled programs
result = []
for name in {names!r}:
    found = kernels.get_registered_kernels_for_op(name).kernel
    if any(kernel.device_type == "XLA_CPU_JIT" for kernel in found):
        result.append(name)
"""


def test_operations_that_only_tensorflow_compiles(oracle: Oracle) -> None:
    definitions = [OpDef.registry[name] for name in OpDef.registry.all_names()]
    for_host = sorted(item.name for item in definitions if item.tier == "host" and item.xla_kernel is None)
    assert len(for_host) > 300
    answer = oracle.ask("evaluate", source=_KERNELS.format(names=for_host))
    assert set(answer["result"]) == must_compile.COMPILED_BY_TENSORFLOW


@pytest.mark.parametrize("call", CALLS)
def test_classes_of_errors(oracle: Oracle, call: str) -> None:
    wanted, _ = oracle.ask("evaluate", source=call)["error"]
    with pytest.raises(Exception) as raised:
        eval(call, {"tf": tf})
    kinds = [kind.__name__ for kind in type(raised.value).__mro__]
    assert wanted in kinds, raised.value


#: Where TensorFlow fails at an assertion of its own, the error says what differs.
CLEARER = [
    "tf.function(lambda p: tf.cond(p, lambda: (p, p), lambda: p))(tf.constant(True))",
    "tf.function(lambda p: tf.cond(p, lambda: [p, p], lambda: [p]))(tf.constant(True))",
    "tf.function(lambda i: tf.switch_case(i, [lambda: (i, i), lambda: i]))(tf.constant(0))",
]


@pytest.mark.parametrize("call", CLEARER)
def test_errors_that_are_clearer(oracle: Oracle, call: str) -> None:
    answer: Any = oracle.ask("evaluate", source=call)
    assert answer["error"][0] == "AssertionError"
    with pytest.raises(TypeError, match="must have the same number, type, and overall structure"):
        eval(call, {"tf": tf})


_SPECS = "tf.TensorSpec([]), tf.TensorSpec([], tf.bool), tf.TensorSpec([], tf.int32)"
#: What functions of ``x``, ``p`` and ``n`` return, in which ``v`` is a variable.
NAMED = [
    "tf.cond(p, lambda: x * 2.0, lambda: tf.sin(x) + 1.0)",
    "tf.cond(p, lambda: x + 1.0, lambda: tf.constant(1.0), name='pick')",
    "tf.cond(p, lambda: tf.cond(x > 0.0, lambda: x + 1.0, lambda: x * x), lambda: -x)",
    "[tf.cond(p, lambda: x + 1.0, lambda: -x) for _ in range(2)]",
    "tf.switch_case(n, [lambda: x + 1.0, lambda: x * 2.0, lambda: -x])",
    "tf.case([(p, lambda: -x), (x > 1.0, lambda: x + 1.0)], default=lambda: x * 2.0)",
    "tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s + tf.cast(i, tf.float32) * x), (0, 0.0))",
    "tf.while_loop(lambda i: i < n, lambda i: (i + 1,), (0,), maximum_iterations=5, name='loop')",
]
_LIBRARY = """
def function(x, p, n):
    return {body}

graph = tf.function(function, autograph=False).get_concrete_function({specs}).graph
result = []
for function in graph.as_graph_def().library.function:
    result.append((
        function.signature.name,
        [argument.name for argument in function.signature.input_arg],
        sorted((node.name, node.op) for node in function.node_def),
    ))
"""


def _named(library: Any) -> Any:
    """Returns functions by name, without the numbers of a process.

    What loops do not change they return as it is here, while in TensorFlow all goes through identities: so these are
    left out, and the numbers that tell a loop's arguments from results of the same name.
    """
    found = []
    for name, arguments, nodes in library:
        name = re.sub(r"_\d+$", "", name)
        arguments = [re.sub(r"_\d+___", "___", item) for item in arguments]
        if re.search("_(body|cond)$", name):
            arguments = [re.sub("_0$", "", item) for item in arguments]
            nodes = [node for node in nodes if node[1] != "Identity"]
        found.append((name, arguments, nodes))
    return sorted(found)


@pytest.mark.parametrize("body", NAMED)
def test_names_in_branches_and_loops(oracle: Oracle, body: str) -> None:
    source = _LIBRARY.format(body=body, specs=_SPECS)
    names: dict[str, Any] = {"tf": tf}
    exec(source, names)
    wanted = oracle.ask("evaluate", source=source)["result"]
    assert _named(names["result"]) == _named(wanted)


_USER_NAMES = """
def function(a, b, *rest, k=None):
    return [a["x"] + 0.0, a["y"], b[0], rest[0], k]

spec = tf.TensorSpec([])
concrete = tf.function(function).get_concrete_function(
    {"x": spec, "y": tf.TensorSpec([], name="named")}, [spec], spec, k=spec
)
given = [tensor.op.get_attr("_user_specified_name") for tensor in concrete.inputs]
exported = [concrete.function_def.arg_attr[index].attr["_user_specified_name"].s for index in range(len(given))]
result = [tensor.op.name for tensor in concrete.inputs], given, exported
"""


def test_names_that_users_gave(oracle: Oracle) -> None:
    names: dict[str, Any] = {"tf": tf}
    exec(_USER_NAMES, names)
    assert names["result"] == oracle.ask("evaluate", source=_USER_NAMES)["result"]

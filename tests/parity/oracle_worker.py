"""Answers questions about ops with TensorFlow's own answers, over a pipe.

The parity tests start this script with the interpreter of an environment that holds TensorFlow. It reads
requests `(method, arguments, seconds)` from standard input, and writes `("ok", answer)` or `("failed", traceback)`
to the file descriptor that its argument names: standard output stays free for what TensorFlow prints. An
error that TensorFlow raises for the question asked is an answer, `{"error": (class name, message)}`;
`failed` means that the question itself was wrong, `died` and `hung` that TensorFlow did. Nothing here may import
Tideflow.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import documentation as documented_examples
import numpy as np
import private_names
import public_names
import tensorflow as tf
import wire
from oracle_values import (
    attributes_for,
    check_question,
    definition_of,
    dtype_name,
    op_defs,
    to_array,
    to_error,
    to_shape,
    to_tensor,
    to_value,
)
from tensorflow.core.framework import attr_value_pb2, function_pb2, graph_pb2, tensor_pb2
from tensorflow.python import pywrap_tfe
from tensorflow.python.eager import context
from tensorflow.python.framework import op_def_library, ops

VARIANTS = ("full", "dimensions", "rank")


# Running one op


class EagerRun:
    """Makes the inputs of one call eagerly and runs ops on them."""

    def __init__(self) -> None:
        self.variables: list[tf.Variable] = []
        self._made: dict[int, Any] = {}

    def input(self, item: Any) -> Any:
        if isinstance(item, list):
            return [self.input(each) for each in item]
        if isinstance(item, wire.Variable):
            return self._once(item, lambda: self._variable(item).handle)
        if isinstance(item, wire.Produced):
            return self._once(item, lambda: self.execute(item.op, item.inputs, _of_its_own(item)))[item.output]
        return to_tensor(item)

    def _variable(self, item: wire.Variable) -> tf.Variable:
        self.variables.append(tf.Variable(to_tensor(item.value)))
        return self.variables[-1]

    def _once(self, item: Any, make: Callable[[], Any]) -> Any:
        if id(item) not in self._made:
            self._made[id(item)] = make()
        return self._made[id(item)]

    def execute(self, op: str, inputs: Sequence[Any], attributes: dict[str, Any]) -> list[tf.Tensor]:
        return run_eagerly(op, [self.input(item) for item in inputs], attributes)


_numbers = itertools.count()


def _of_its_own(item: wire.Produced) -> dict[str, Any]:
    """Returns the attributes of what makes a queue or table, with a name: else TensorFlow takes one it made before."""
    named = any(attribute.name == "shared_name" for attribute in definition_of(item.op).attr)
    if not named or item.attributes.get("shared_name"):
        return item.attributes
    return {**item.attributes, "shared_name": f"parity_{next(_numbers)}"}


def run_eagerly(op: str, tensors: Sequence[Any], attributes: dict[str, Any]) -> list[tf.Tensor]:
    """Runs an op on eager tensors, in the order of its OpDef, and returns its outputs as a flat list."""
    definition = definition_of(op)
    converted = attributes_for(definition, attributes)
    pairs: list[Any] = []
    for name, value in converted.items():
        if isinstance(value, tf.TensorShape):
            value = None if value.rank is None else value.as_list()
        elif isinstance(value, list) and value and isinstance(value[0], tf.TensorShape):
            value = [None if shape.rank is None else shape.as_list() for shape in value]
        elif isinstance(value, attr_value_pb2.NameAttrList):
            value = value.name
        elif isinstance(value, list) and value and isinstance(value[0], attr_value_pb2.NameAttrList):
            value = [function.name for function in value]
        pairs += (name, value)
    result = pywrap_tfe.TFE_Py_FastPathExecute(context.context(), op, None, *tensors, *pairs)
    if isinstance(result, ops.Operation) or result is None:
        return []
    return tf.nest.flatten(result)


class GraphRun:
    """Makes the inputs of one call in the default graph: constants, or placeholders of some knowledge."""

    def __init__(self, variant: str = "full", constants: bool = False, static: Sequence[int] | None = None) -> None:
        self.variant = variant
        self.constants = constants
        self.static = static
        self.feeds: dict[tf.Tensor, np.ndarray] = {}
        self.initial: list[tf.Operation] = []
        self.state: list[tf.Tensor] = []
        self._made: dict[int, Any] = {}

    def inputs(self, items: Sequence[Any]) -> list[Any]:
        return [
            self.input(item, self.constants and (self.static is None or position in self.static))
            for position, item in enumerate(items)
        ]

    def input(self, item: Any, constant: bool = False) -> Any:
        if isinstance(item, list):
            return [self.input(each, constant) for each in item]
        if isinstance(item, (wire.Variable, wire.Reference)):
            return self._once(item, lambda: self._variable(item))
        if isinstance(item, wire.Produced):
            return self._once(item, lambda: apply(item.op, self.inputs(item.inputs), item.attributes).outputs)[
                item.output
            ]
        array = to_array(item)
        if constant:
            return to_tensor(item)
        shape = {"full": array.shape, "dimensions": [None] * array.ndim, "rank": None}[self.variant]
        placeholder = tf.compat.v1.placeholder(tf.dtypes.as_dtype(item[0]), shape)
        self.feeds[placeholder] = array
        return placeholder

    def _variable(self, item: wire.Variable | wire.Reference) -> tf.Tensor:
        value = to_tensor(item.value)
        variable = tf.compat.v1.Variable(value, use_resource=isinstance(item, wire.Variable), trainable=False)
        self.initial.append(variable.initializer)
        self.state.append(variable.read_value())
        return variable.handle if isinstance(item, wire.Variable) else variable._ref()

    def _once(self, item: Any, make: Callable[[], Any]) -> Any:
        if id(item) not in self._made:
            self._made[id(item)] = make()
        return self._made[id(item)]

    def fetch(self, session: tf.compat.v1.Session, operation: tf.Operation) -> list[wire.Value | tuple[str, None]]:
        """Runs an operation and returns its outputs, those that have a value outside a graph."""
        opaque = [tensor.dtype.base_dtype in (tf.resource, tf.variant) for tensor in operation.outputs]
        fetched = [tensor for tensor, hidden in zip(operation.outputs, opaque, strict=True) if not hidden]
        arrays = iter(session.run([operation, *fetched], self.feeds)[1:])
        return [
            (tensor.dtype.name, None) if hidden else to_value(next(arrays), tensor.dtype)
            for tensor, hidden in zip(operation.outputs, opaque, strict=True)
        ]


def apply(op: str, inputs: Sequence[Any], attributes: dict[str, Any]) -> tf.Operation:
    """Adds an op to the default graph."""
    definition = definition_of(op)
    named = {arg.name: tensor for arg, tensor in zip(definition.input_arg, inputs, strict=True)}
    named.update(attributes_for(definition, attributes))
    _import_functions(named)
    return op_def_library._apply_op_helper(op, name=None, **named)[2]


def call(
    op: str,
    inputs: Sequence[Any],
    attributes: dict[str, Any],
    *,
    before: Sequence[tuple[str, Sequence[Any], dict[str, Any]]] = (),
    library: Sequence[bytes] = (),
    graph: bool = False,
    shapes: bool = True,
    static: Sequence[int] | None = None,
    gradient: bool = False,
    second: bool = False,
) -> dict[str, Any]:
    """Runs one op and returns all that there is to compare.

    Args:
      op: the op's name.
      inputs: one item for each input of the OpDef: a value, a list, or what stands for a value (`wire`).
      attributes: those that the inputs do not imply; dtypes by name, shapes as tuples.
      before: steps `(op, inputs, attributes)` that run first, on the same variables and queues.
      library: serialized FunctionDefs that attributes name.
      graph: runs the op in a session even where it could run eagerly.
      shapes: whether to infer static shapes.
      static: positions of the inputs that are constants in the "constant" shape variants (all by default).
      gradient, second: whether to differentiate once, twice. The outputs' gradients and the weights of the
        first gradients are `wire.weights`.

    Returns:
      `outputs` and `state` (the final values of variables) or `error`; `shapes`, by variant, a list of shapes
      or an error; `first`, and `second` with `second_upstream`, one entry for each differentiable input (and
      upstream gradient): None, or (value, "dense" or "sparse"); or `first_error`, `second_error`.
    """
    check_question(op, inputs, attributes)
    _add_library(library)
    definition = definition_of(op)
    needs_graph = (
        graph
        or any(arg.is_ref for arg in [*definition.input_arg, *definition.output_arg])
        or any(attr.type == "tensor" for attr in definition.attr)
        or op in ("Placeholder", "PlaceholderV2", "PlaceholderWithDefault")
    )
    answer = run_in_session(op, inputs, attributes, before) if needs_graph else run_one(op, inputs, attributes, before)
    if shapes:
        answer["shapes"] = static_shapes(op, inputs, attributes, static)
    if gradient and "error" not in answer and not needs_graph:
        answer.update(gradients(op, inputs, attributes, before, second))
    return answer


_library: dict[str, function_pb2.FunctionDef] = {}


def _add_library(serialized: Sequence[bytes]) -> None:
    """Makes functions known to eager calls, and to the graphs in which `apply` uses them."""
    for item in serialized:
        function = function_pb2.FunctionDef.FromString(item)
        if function.signature.name not in _library:
            context.context().add_function_def(function)
            _library[function.signature.name] = function


def _import_functions(attributes: dict[str, Any]) -> None:
    """Adds the functions that attributes name to the default graph."""
    wanted = graph_pb2.GraphDef()
    for value in attributes.values():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, attr_value_pb2.NameAttrList):
                wanted.library.function.add().CopyFrom(_library[item.name])
    if wanted.library.function:
        tf.import_graph_def(wanted, name="")


def run_one(
    op: str, inputs: Sequence[Any], attributes: dict[str, Any], before: Sequence[tuple[str, Any, Any]]
) -> dict[str, Any]:
    run = EagerRun()
    for step in before:
        run.execute(*step)
    tensors = [run.input(item) for item in inputs]
    try:
        outputs = run_eagerly(op, tensors, attributes)
        values = [to_value(tensor) for tensor in outputs]
    except Exception as error:
        return {"error": to_error(error)}
    return {"outputs": values, "state": [to_value(variable.read_value()) for variable in run.variables]}


def run_in_session(
    op: str, inputs: Sequence[Any], attributes: dict[str, Any], before: Sequence[tuple[str, Any, Any]]
) -> dict[str, Any]:
    with tf.Graph().as_default():
        run = GraphRun()
        steps = [apply(name, run.inputs(items), attrs) for name, items, attrs in before]
        tensors = run.inputs(inputs)
        try:
            operation = apply(op, tensors, attributes)
            with tf.compat.v1.Session() as session:
                for initializer in run.initial:
                    session.run(initializer)
                for step in steps:
                    session.run(step, run.feeds)
                values = run.fetch(session, operation)
                state = [to_value(session.run(tensor), tensor.dtype) for tensor in run.state]
        except Exception as error:
            return {"error": to_error(error)}
    return {"outputs": values, "state": state}


def static_shapes(
    op: str, inputs: Sequence[Any], attributes: dict[str, Any], static: Sequence[int] | None
) -> dict[str, Any]:
    """Returns the shapes that TensorFlow infers for each knowledge of the inputs, and with constants."""
    answer: dict[str, Any] = {}
    for constants in (False, True):
        for variant in VARIANTS:
            if constants and variant != "full" and (static is None or not static):
                continue
            with tf.Graph().as_default():
                run = GraphRun(variant, constants, static)
                key = f"{variant}, constants" if constants else variant
                try:
                    operation = apply(op, run.inputs(inputs), attributes)
                    answer[key] = [to_shape(tensor.shape) for tensor in operation.outputs]
                except Exception as error:
                    answer[key] = {"error": to_error(error)}
    return answer


def gradients(
    op: str,
    inputs: Sequence[Any],
    attributes: dict[str, Any],
    before: Sequence[tuple[str, Any, Any]],
    second: bool,
) -> dict[str, Any]:
    run = EagerRun()
    for step in before:
        run.execute(*step)
    tensors = [run.input(item) for item in inputs]
    flat = tf.nest.flatten(tensors)
    sources = [tensor for tensor in flat if _differentiable(tensor, run)]
    answer: dict[str, Any] = {}
    with tf.GradientTape(persistent=True) as outer:
        for tensor in sources:
            outer.watch(tensor)
        with tf.GradientTape() as inner:
            for tensor in sources:
                inner.watch(tensor)
            outputs = run_eagerly(op, tensors, attributes)
        outputs = [tensor for tensor in outputs if tensor.dtype.name in wire.DIFFERENTIABLE]
        upstream = [_weights(tensor, f"upstream {i}") for i, tensor in enumerate(outputs)]
        for tensor in upstream:
            outer.watch(tensor)
        try:
            first = inner.gradient(outputs, sources, output_gradients=upstream) if outputs else [None] * len(sources)
            dense = [None if g is None else tf.convert_to_tensor(g) for g in first]
        except Exception as error:
            return {"first_error": to_error(error)}
        answer["first"] = [_gradient(g, d) for g, d in zip(first, dense, strict=True)]
        if not second:
            return answer
        targets = [g for g in dense if g is not None]
        seeds = [None if g is None else _weights(g, f"first {i}") for i, g in enumerate(dense)]
    try:
        wanted = [*sources, *upstream]
        seeds = [seed for seed in seeds if seed is not None]
        found = outer.gradient(targets, wanted, output_gradients=seeds) if targets else [None] * len(wanted)
        entries = [_gradient(g, None if g is None else tf.convert_to_tensor(g)) for g in found]
        answer["second"], answer["second_upstream"] = entries[: len(sources)], entries[len(sources) :]
    except Exception as error:
        answer["second_error"] = to_error(error)
    return answer


def _differentiable(tensor: tf.Tensor, run: EagerRun) -> bool:
    if tensor.dtype == tf.resource:
        return any(v.handle is tensor and v.dtype.name in wire.DIFFERENTIABLE for v in run.variables)
    return tensor.dtype.name in wire.DIFFERENTIABLE


def _weights(tensor: tf.Tensor, label: str) -> tf.Tensor:
    return tf.constant(wire.weights(tuple(tensor.shape), tensor.dtype.name, label), dtype=tensor.dtype)


def _gradient(gradient: Any, dense: tf.Tensor | None) -> tuple[wire.Value, str] | None:
    if gradient is None or dense is None:
        return None
    return to_value(dense), "sparse" if isinstance(gradient, tf.IndexedSlices) else "dense"


# Graphs


def make_graph_def(
    op: str,
    inputs: Sequence[Any],
    attributes: dict[str, Any],
    *,
    library: Sequence[bytes] = (),
    constants: Sequence[int] = (),
) -> dict[str, Any]:
    """Returns a GraphDef, made by TensorFlow, of placeholders, constants where asked, and one op below "subject"."""
    check_question(op, inputs, attributes)
    _add_library(library)
    with tf.Graph().as_default() as graph:
        run = GraphRun("full", bool(constants), constants)
        try:
            tensors = run.inputs(inputs)
            with tf.name_scope("subject/"):
                operation = apply(op, tensors, attributes)
        except Exception as error:
            return {"error": to_error(error)}
        return {
            "graph_def": graph.as_graph_def(add_shapes=False).SerializeToString(),
            "operation": operation.name,
            "feeds": {tensor.name: wire.encode(array, tensor.dtype.name) for tensor, array in run.feeds.items()},
            "outputs": [tensor.name for tensor in operation.outputs],
            "initializers": [initializer.name for initializer in run.initial],
        }


def run_graph_def(
    graph_def: bytes,
    feeds: dict[str, wire.Value],
    fetches: Sequence[str],
    *,
    initializers: Sequence[str] = (),
    times: int = 1,
) -> dict[str, Any]:
    """Imports a GraphDef and runs it in a session, after its initializers; returns what the last run gave."""
    with tf.Graph().as_default() as graph:
        try:
            tf.import_graph_def(graph_pb2.GraphDef.FromString(graph_def), name="")
            with tf.compat.v1.Session() as session:
                for name in initializers:
                    session.run(graph.get_operation_by_name(name))
                for _ in range(times):
                    values = session.run(list(fetches), {name: to_array(value) for name, value in feeds.items()})
            dtypes = [graph.get_tensor_by_name(name).dtype if ":" in name else None for name in fetches]
        except Exception as error:
            return {"error": to_error(error)}
    return {"outputs": [None if d is None else to_value(v, d) for v, d in zip(values, dtypes, strict=True)]}


def infer_graph_def(graph_def: bytes) -> dict[str, Any]:
    """Imports a GraphDef and returns, by tensor name, the dtype and shape that TensorFlow infers."""
    with tf.Graph().as_default() as graph:
        try:
            tf.import_graph_def(graph_pb2.GraphDef.FromString(graph_def), name="")
        except Exception as error:
            return {"error": to_error(error)}
        tensors = [tensor for operation in graph.get_operations() for tensor in operation.outputs]
        return {"tensors": {tensor.name: (tensor.dtype.name, to_shape(tensor.shape)) for tensor in tensors}}


def random_stream(
    op: str,
    inputs: Sequence[Any],
    attributes: dict[str, Any],
    *,
    graph_seed: int | None = None,
    times: int = 3,
) -> dict[str, Any]:
    """Runs a random op several times: in one session, and eagerly after emptying the kernel cache."""
    check_question(op, inputs, attributes)
    answer: dict[str, Any] = {}
    try:
        with tf.Graph().as_default():
            tf.compat.v1.set_random_seed(graph_seed)
            run = GraphRun()
            operation = apply(op, run.inputs(inputs), attributes)
            with tf.compat.v1.Session() as session:
                answer["session"] = [run.fetch(session, operation) for _ in range(times)]
        tf.random.set_seed(0 if graph_seed is None else graph_seed)
        context.context().clear_kernel_cache()
        eager = EagerRun()
        tensors = [eager.input(item) for item in inputs]
        answer["eager"] = [[to_value(t) for t in run_eagerly(op, tensors, attributes)] for _ in range(times)]
    except Exception as error:
        return {"error": to_error(error)}
    return answer


def evaluate(source: str, values: dict[str, wire.Value] | None = None) -> dict[str, Any]:
    """Runs Python source with `tf`, `np` and the given tensors; returns what it left in `result`."""
    names: dict[str, Any] = {"tf": tf, "np": np, "wire": wire}
    names.update({name: to_tensor(value) for name, value in (values or {}).items()})
    try:
        exec(compile(source, "<question>", "exec"), names)
        return {"result": tf.nest.map_structure(_portable, names.get("result"))}
    except Exception as error:
        return {"error": to_error(error)}


def _portable(item: Any) -> Any:
    if isinstance(item, tf.Tensor):
        return to_value(item)
    if isinstance(item, tf.DType):
        return item.name
    if isinstance(item, tf.TensorShape):
        return to_shape(item)
    if isinstance(item, np.ndarray):
        return wire.encode(item)
    return item


def constant_graph(values: Sequence[wire.Value]) -> bytes:
    """Returns TensorProtos, as TensorFlow writes them, in the Const nodes of a GraphDef."""
    with tf.Graph().as_default() as graph:
        for value in values:
            to_tensor(value)
        return graph.as_graph_def().SerializeToString()


def parse_tensor(serialized: bytes) -> wire.Value:
    """Returns what TensorFlow reads from a serialized TensorProto."""
    proto = tensor_pb2.TensorProto.FromString(serialized)
    return wire.encode(tf.make_ndarray(proto), dtype_name(proto.dtype))


def version() -> str:
    return tf.__version__


def signatures(namespace: str) -> dict[str, list[public_names.Parameter] | None]:
    """Returns the signature of every function and class below `tf` or, for "v1", `tf.compat.v1`."""
    root = tf.compat.v1 if namespace == "v1" else tf
    return {name: public_names.signature(value) for name, value in public_names.callables(root)}


def dispatchable() -> dict[str, str]:
    """Returns the public names of functions that support dispatch: each with `T`, and with `U`, `B` or `A` if it is
    element-wise with one argument or with two, or an assertion on elements."""
    from tensorflow.python.util import dispatch, tf_decorator

    groups = {
        "T": dispatch._TYPE_BASED_DISPATCH_SIGNATURES,
        "U": dispatch.unary_elementwise_apis(),
        "B": dispatch.binary_elementwise_apis(),
        "A": dispatch._BINARY_ELEMENTWISE_ASSERT_APIS,
    }
    found: dict[str, str] = {}
    for kind, functions in groups.items():
        for function in functions:
            _, inner = tf_decorator.unwrap(function)
            in_1 = [f"compat.v1.{name}" for name in getattr(inner, "_tf_api_names_v1", ())]
            for name in (*getattr(inner, "_tf_api_names", ()), *in_1):
                if not name.startswith(("raw_ops.", "compat.v1.raw_ops.")):
                    found[name] = found.get(name, "").replace(kind, "") + kind
    return found


def private_name_table() -> str:
    """Returns the table of private names that have public ones."""
    return private_names.table()


def documentation() -> dict[str, dict[str, str]]:
    """Returns the docstrings of public names that hold examples, by group of namespaces."""
    return documented_examples.documented(tf)


METHODS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        op_defs,
        call,
        make_graph_def,
        run_graph_def,
        infer_graph_def,
        random_stream,
        evaluate,
        constant_graph,
        parse_tensor,
        signatures,
        documentation,
        dispatchable,
        private_name_table,
        version,
    )
}


def serve(answers: Any) -> None:
    """Answers requests until the pipe closes. A request that takes longer than it may ends the process."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    requests = sys.stdin.buffer
    while True:
        try:
            method, arguments, seconds = wire.receive(requests)
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.setitimer(signal.ITIMER_REAL, wire.WAITING * seconds)
        context.ensure_initialized()  # or an operation without inputs fails, where it is the first
        try:
            answer = ("ok", METHODS[method](**arguments))
        except Exception:
            answer = ("failed", traceback.format_exc())
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        wire.send(answers, answer)


def main() -> None:
    """Serves in a child of this process, and in another when a request kills it: importing TensorFlow takes long."""
    answers = os.fdopen(int(sys.argv[1]), "wb")
    while True:
        child = os.fork()
        if child == 0:
            serve(answers)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        if status == 0:
            return
        killer = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        wire.send(
            answers,
            ("hung" if killer in (signal.SIGALRM, signal.SIGPROF) else "died", f"signal {killer}, status {status}"),
        )


if __name__ == "__main__":
    main()

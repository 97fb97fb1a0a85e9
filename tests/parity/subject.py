"""Runs sample calls on Tideflow and answers as the oracle does, so that the two answers can be compared.

A call's answer is a dict with the keys that `oracle_worker.call` documents. Nothing here knows TensorFlow.
"""

from __future__ import annotations

import importlib
import itertools
import os
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tideflow._src import ops
from tideflow._src.autodiff.tape import GradientTape
from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import EagerTensor, wrap
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.function.func_graph import FuncGraph, build
from tideflow._src.graph import protos
from tideflow._src.graph import samples as forms
from tideflow._src.graph.export import function_def
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.op_def import REQUIRED, Argument, OpDef
from tideflow._src.graph.operation import Operation
from tideflow._src.graph.samples import Sample
from tideflow._src.io.graph_files import import_graph_def
from tideflow._src.ops.control.python_function import token_of
from tideflow._src.runtime.convert import constant, convert_to_tensor
from tideflow._src.runtime.random_state import eager_seeds
from tideflow._src.session.session import Session

from . import wire

VARIANTS = ("full", "dimensions", "rank")

_numbers = itertools.count()


def every_op(tolerate: Callable[[str, Exception], None] | None = None) -> list[str]:
    """Returns the names of all registered ops, after importing every file that could define one.

    Args:
      tolerate: called with the name of a file that cannot be imported; without it, that is an error.
    """
    importlib.import_module("tideflow")  # what lies above the operations gives some of them gradients
    for module in pkgutil.walk_packages(ops.__path__, f"{ops.__name__}."):
        try:
            importlib.import_module(module.name)
        except Exception as error:
            if tolerate is None:
                raise
            tolerate(module.name, error)
    return OpDef.registry.all_names()


# Values


def to_value(tensor: Any) -> wire.Value | tuple[str, None]:
    """Returns the value of an eager tensor or of an array from a session."""
    value = tensor._value if isinstance(tensor, EagerTensor) else tensor
    dtype = dtypes.of_numpy[value.dtype].name if hasattr(value, "dtype") else "string"
    if dtype in ("resource", "variant"):
        return dtype, None
    return wire.encode(np.asarray(value), dtype)


def to_array(value: wire.Value) -> np.ndarray[Any, Any]:
    """Returns the array of a value in the NumPy dtype that Tideflow uses for it."""
    name, array = value
    if name in wire.BIT_CARRIERS:
        return np.ascontiguousarray(array).reshape(array.shape).view(dtypes.as_dtype(name).as_numpy_dtype)
    return array


def to_error(error: BaseException) -> tuple[str, str]:
    return type(error).__name__, str(error)


# Questions for the oracle


def question(sample: Sample) -> dict[str, Any]:
    """Returns a sample as the arguments of the oracle's `call`."""
    known: dict[int, Any] = {}
    bodies = [item for value in sample.attributes.values() for item in _items(value) if isinstance(item, forms.Body)]
    library = [function_def(function(body)).SerializeToString() for body in bodies]
    return {
        **({"library": library} if library else {}),
        "op": sample.op,
        "inputs": [_portable_input(item, known) for item in sample.inputs],
        "attributes": _portable_attributes(sample.attributes),
        "before": [
            (
                step.op,
                [_portable_input(item, known) for item in step.inputs],
                _portable_attributes(step.attributes),
            )
            for step in sample.before
        ],
    }


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_functions: dict[forms.Body, FuncGraph] = {}


def function(body: forms.Body) -> FuncGraph:
    """Returns the function graph that a body stands for; always the same one."""
    if body not in _functions:
        parameters = [(dtype, shape, f"p{number}") for number, (dtype, shape) in enumerate(body.parameters)]
        _functions[body] = build(f"{body.name}_{next(_numbers)}", body.function, parameters)[0]
    return _functions[body]


def _default(attribute: Any) -> Any:
    value = list(attribute.default) if attribute.type.startswith("list(") else attribute.default
    return _as_bytes(portable(value))


def attributes_of(call: Sample | forms.Produced) -> dict[str, Any]:
    """Returns a call's attributes in which functions are what operations take for them."""
    return {name: _resolved(value) for name, value in call.attributes.items()}


def _resolved(value: Any) -> Any:
    if isinstance(value, forms.Body):
        return function(value)
    if isinstance(value, forms.PythonFunction):
        return token_of(eval(value.source), value.eager)
    return [_resolved(item) for item in value] if isinstance(value, list) else value


def _portable_input(item: Any, known: dict[int, Any]) -> Any:
    if isinstance(item, list):
        return [_portable_input(each, known) for each in item]
    if isinstance(item, np.ndarray):
        return to_value(item)
    if id(item) not in known:
        if isinstance(item, forms.Variable):
            known[id(item)] = wire.Variable(to_value(item.value))
        elif isinstance(item, forms.Reference):
            known[id(item)] = wire.Reference(to_value(item.value))
        elif isinstance(item, forms.Produced):
            inputs = tuple(_portable_input(each, known) for each in item.inputs)
            known[id(item)] = wire.Produced(item.op, inputs, _portable_attributes(item.attributes), item.output)
        else:
            raise TypeError(f"not an input of a sample: {item!r}")
    return known[id(item)]


def _portable_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: portable(value) for name, value in attributes.items()}


def portable(value: Any) -> Any:
    """Returns an attribute's value as the oracle takes it: dtypes by name, shapes as tuples."""
    if isinstance(value, DType):
        return value.name
    if isinstance(value, forms.Body):
        return function(value).name
    if isinstance(value, forms.PythonFunction):
        return wire.PythonFunction(value.source, value.eager)
    if isinstance(value, TensorShape):
        return None if value.rank is None else tuple(value.as_list())
    if isinstance(value, list):
        return [portable(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return to_value(np.asarray(value))
    return value


def op_def(name: str) -> dict[str, Any]:
    """Returns the definition of an op in the form of `oracle_values.op_def`, as far as both have it."""
    definition = OpDef.registry[name]

    def argument(item: Argument) -> dict[str, Any]:
        return {
            "name": item.name,
            "type": "" if item.dtype is None else item.dtype.name,
            "type_attr": item.type_attr,
            "number_attr": item.number_attr,
            "type_list_attr": item.type_list_attr,
            "is_ref": item.is_ref,
        }

    return {
        "name": definition.name,
        "inputs": [argument(item) for item in definition.inputs],
        "outputs": [argument(item) for item in definition.outputs],
        "attributes": [
            {
                "name": item.name,
                "type": item.type,
                "has_default": item.default is not REQUIRED,
                "default": None if item.default is REQUIRED else _default(item),
                "allowed": None if item.allowed is None else [_as_bytes(portable(each)) for each in item.allowed],
                "minimum": item.minimum,
            }
            for item in definition.attributes.values()
        ],
        "is_stateful": definition.is_stateful or definition.random is not None,
        "is_commutative": definition.commutative,
        "is_aggregate": definition.aggregate,
    }


def _as_bytes(value: Any) -> Any:
    """Returns a default in which strings, but not the names of dtypes, are bytes, as protobuf gives them."""
    if isinstance(value, list):
        return [_as_bytes(item) for item in value]
    if isinstance(value, str) and value not in _DTYPE_NAMES:
        return value.encode()
    return value


_DTYPE_NAMES = frozenset(dtype.name for dtype in dtypes.all_dtypes())


# Running one op


class Run:
    """Makes the inputs of one call, eagerly or in the current graph, and calls ops on them."""

    def __init__(self) -> None:
        self.state: list[tuple[Any, DType, bool]] = []
        self.initial: list[Any] = []
        self._made: dict[int, Any] = {}

    def inputs(self, sample: Sample | forms.Produced) -> list[Any]:
        return [self.input(item) for item in sample.inputs]

    def input(self, item: Any) -> Any:
        if isinstance(item, list):
            return [self.input(each) for each in item]
        if isinstance(item, np.ndarray):
            return self.array(item)
        if id(item) not in self._made:
            if isinstance(item, forms.Produced):
                self._made[id(item)] = flatten(OpDef.registry[item.op](*self.inputs(item), **attributes_of(item)))
            else:
                self._made[id(item)] = [self._variable(item.value, isinstance(item, forms.Reference))]
        return self._made[id(item)][item.output if isinstance(item, forms.Produced) else 0]

    def array(self, array: np.ndarray[Any, Any]) -> Any:
        return wrap(array)

    def _variable(self, value: np.ndarray[Any, Any], is_reference: bool) -> Any:
        dtype = dtypes.of_numpy[value.dtype]
        registry: dict[str, Any] = OpDef.registry
        name = f"parity_{next(_numbers)}"
        if is_reference:
            variable = registry["VariableV2"](shape=value.shape, dtype=dtype, shared_name=name)
            self.initial.append(registry["Assign"](variable, constant(value)))
        else:
            variable = registry["VarHandleOp"](dtype=dtype, shape=value.shape, shared_name=name)
            self.initial.append(registry["AssignVariableOp"](variable, constant(value), dtype=dtype))
        self.state.append((variable, dtype, is_reference))
        return variable

    def read_state(self) -> list[Any]:
        """Returns a tensor for each variable that the call got."""
        registry: dict[str, Any] = OpDef.registry
        return [
            registry["Identity"](variable) if is_reference else registry["ReadVariableOp"](variable, dtype=dtype)
            for variable, dtype, is_reference in self.state
        ]


class GraphRun(Run):
    """Makes placeholders of some static knowledge, or constants, for the arrays of one call."""

    def __init__(self, variant: str = "full", static: Sequence[int] = ()) -> None:
        super().__init__()
        self.variant = variant
        self.static = static
        self.feeds: dict[Any, np.ndarray[Any, Any]] = {}
        self._constant = False

    def inputs(self, sample: Sample | forms.Produced) -> list[Any]:
        made = []
        for position, item in enumerate(sample.inputs):
            self._constant = isinstance(sample, Sample) and position in self.static
            made.append(self.input(item))
        self._constant = False
        return made

    def array(self, array: np.ndarray[Any, Any]) -> Any:
        if self._constant:
            return constant(array)
        shape = {"full": array.shape, "dimensions": (None,) * array.ndim, "rank": None}[self.variant]
        placeholder = OpDef.registry["Placeholder"](dtype=dtypes.of_numpy[array.dtype], shape=shape)
        self.feeds[placeholder] = array
        return placeholder


def flatten(outputs: Any) -> list[Any]:
    """Returns the outputs of an op call as a flat list of tensors."""
    if outputs is None or isinstance(outputs, Operation):
        return []
    if isinstance(outputs, (list, tuple)):
        return [tensor for item in outputs for tensor in flatten(item)]
    return [outputs]


def needs_graph(sample: Sample) -> bool:
    """Tells whether a call makes sense only in a graph."""
    definition = OpDef.registry[sample.op]
    return sample.op.startswith("Placeholder") or any(item.is_ref for item in (*definition.inputs, *definition.outputs))


def call(sample: Sample) -> dict[str, Any]:
    """Runs one op, eagerly where it can be."""
    if needs_graph(sample):
        return run_in_session(sample)
    run = Run()
    for step in sample.before:
        OpDef.registry[step.op](*run.inputs(step), **attributes_of(step))
    try:
        outputs = flatten(OpDef.registry[sample.op](*run.inputs(sample), **attributes_of(sample)))
        answer: dict[str, Any] = {"outputs": [to_value(tensor) for tensor in outputs]}
        answer["state"] = [to_value(tensor) for tensor in run.read_state()]
    except Exception as error:
        return {"error": to_error(error)}
    return answer


@contextmanager
def tier(name: str) -> Iterator[None]:
    """Makes the sessions that run inside use one tier: "host", "xla", or "auto"."""
    saved = os.environ.get("TIDEFLOW_TIER")
    os.environ["TIDEFLOW_TIER"] = name
    try:
        yield
    finally:
        if saved is None:
            del os.environ["TIDEFLOW_TIER"]
        else:
            os.environ["TIDEFLOW_TIER"] = saved


class _Node:
    """Is one call built in the current graph."""

    def __init__(self, sample: Sample, static: Sequence[int], variant: str = "full") -> None:
        self.run = run = GraphRun(variant, static)
        self.steps = [
            _operation(OpDef.registry[step.op](*run.inputs(step), **attributes_of(step))) for step in sample.before
        ]
        made = OpDef.registry[sample.op](*run.inputs(sample), **attributes_of(sample))
        self.outputs = flatten(made)
        self.operation = _operation(made)
        self.state = run.read_state()
        self.shown = [tensor for tensor in self.outputs if not _is_opaque(tensor)]

    def answer(self, values: Sequence[Any], state: Sequence[Any]) -> dict[str, Any]:
        shown = iter(values)
        return {
            "outputs": [
                (tensor.dtype.name, None) if _is_opaque(tensor) else to_value(_array(next(shown), tensor))
                for tensor in self.outputs
            ],
            "state": [to_value(_array(value, tensor)) for value, tensor in zip(state, self.state, strict=True)],
        }


def _operation(made: Any) -> Operation:
    outputs = flatten(made)
    return outputs[0].op if outputs else made


def _is_opaque(tensor: Any) -> bool:
    return tensor.dtype.base_dtype.name in ("resource", "variant")


def run_in_session(sample: Sample, *, static: bool = False, variant: str = "full") -> dict[str, Any]:
    """Builds the op in a graph of its own, its static inputs constants if asked, and runs it in a session."""
    try:
        return _run_in_session([sample], static, variant)[0]
    except Exception as error:
        return {"error": to_error(error)}


def run_compiled(samples: Sequence[Sample], *, variant: str = "full") -> list[dict[str, Any]]:
    """Runs calls on the compiled tier: all in one program, or each in its own if that fails."""
    with tier("xla"):
        try:
            return _run_in_session(samples, True, variant)
        except Exception as error:
            if len(samples) == 1:
                return [{"error": to_error(error)}]
            # One of them cannot run: the others still can.
            return [run_in_session(sample, static=True, variant=variant) for sample in samples]


def _run_in_session(samples: Sequence[Sample], static: bool, variant: str = "full") -> list[dict[str, Any]]:
    with Graph().as_default() as graph, Session(graph=graph) as session:
        nodes = [_Node(sample, sample.static if static else (), variant) for sample in samples]
        feeds = {tensor: array for node in nodes for tensor, array in node.run.feeds.items()}
        with tier("host"):  # nothing is gained by compiling what sets variables and reads them
            session.run([node.run.initial for node in nodes])
        for node in nodes:
            for operation in node.steps:
                session.run(operation, node.run.feeds)
        values = session.run([[*node.shown, node.operation] for node in nodes], feeds)
        with tier("host"):
            state = session.run([node.state for node in nodes])
    return [node.answer(value[:-1], final) for node, value, final in zip(nodes, values, state, strict=True)]


def _array(value: Any, tensor: Any) -> Any:
    return np.asarray(value, tensor.dtype.as_numpy_dtype) if isinstance(value, bytes) else value


def static_shapes(sample: Sample) -> dict[str, Any]:
    """Returns the inferred shapes for each knowledge of the inputs, as `oracle_worker.static_shapes` does."""
    answer: dict[str, Any] = {}
    for constants in (False, True):
        for variant in VARIANTS:
            if constants and variant != "full" and not sample.static:
                continue
            static = (sample.static or range(len(sample.inputs))) if constants else ()
            with Graph().as_default():
                run = GraphRun(variant, static)
                key = f"{variant}, constants" if constants else variant
                try:
                    outputs = flatten(OpDef.registry[sample.op](*run.inputs(sample), **attributes_of(sample)))
                    answer[key] = [to_shape(tensor.shape) for tensor in outputs]
                except Exception as error:
                    answer[key] = {"error": to_error(error)}
    return answer


def to_shape(shape: TensorShape) -> tuple[int | None, ...] | None:
    return None if shape.rank is None else tuple(shape.as_list())


# Gradients


def gradients(sample: Sample, *, second: bool = False) -> dict[str, Any]:
    """Differentiates an eager call by every differentiable input, once or twice."""
    run = Run()
    for step in sample.before:
        OpDef.registry[step.op](*run.inputs(step), **attributes_of(step))
    inputs = run.inputs(sample)
    sources = [tensor for tensor in flatten(inputs) if _differentiable(tensor, run)]
    answer: dict[str, Any] = {}
    with GradientTape(persistent=True) as outer:
        for tensor in sources:
            outer.watch(tensor)
        with GradientTape() as inner:
            for tensor in sources:
                inner.watch(tensor)
            outputs = flatten(OpDef.registry[sample.op](*inputs, **attributes_of(sample)))
        outputs = [tensor for tensor in outputs if tensor.dtype.name in wire.DIFFERENTIABLE]
        upstream = [_weights(tensor, f"upstream {i}") for i, tensor in enumerate(outputs)]
        for tensor in upstream:
            outer.watch(tensor)
        try:
            first = inner.gradient(outputs, sources, output_gradients=upstream) if outputs else [None] * len(sources)
            dense = [None if g is None else convert_to_tensor(g) for g in first]
        except Exception as error:
            return {"first_error": to_error(error)}
        answer["first"] = [_gradient(g, d) for g, d in zip(first, dense, strict=True)]
        if not second:
            return answer
        targets = [g for g in dense if g is not None]
        seeds = [_weights(g, f"first {i}") for i, g in enumerate(dense) if g is not None]
    wanted = [*sources, *upstream]
    try:
        found = outer.gradient(targets, wanted, output_gradients=seeds) if targets else [None] * len(wanted)
        entries = [_gradient(g, None if g is None else convert_to_tensor(g)) for g in found]
    except Exception as error:
        answer["second_error"] = to_error(error)
        return answer
    answer["second"], answer["second_upstream"] = entries[: len(sources)], entries[len(sources) :]
    return answer


def _differentiable(tensor: Any, run: Run) -> bool:
    if tensor.dtype.name == "resource":
        return any(variable is tensor and dtype.name in wire.DIFFERENTIABLE for variable, dtype, _ in run.state)
    return tensor.dtype.name in wire.DIFFERENTIABLE


def _weights(tensor: Any, label: str) -> Any:
    values = wire.weights(tuple(tensor.shape), tensor.dtype.name, label)
    return wrap(values.astype(tensor.dtype.as_numpy_dtype))


def _gradient(gradient: Any, dense: Any) -> tuple[Any, str] | None:
    if gradient is None:
        return None
    return to_value(dense), "sparse" if isinstance(gradient, IndexedSlices) else "dense"


# Graphs


#: The graph that was written last: the Python functions that it calls live as long as it does.
_written: list[Graph] = []


def make_graph_def(sample: Sample, constants: Sequence[int] = ()) -> dict[str, Any]:
    """Returns a GraphDef of placeholders and one op, in the form of `oracle_worker.make_graph_def`."""
    with Graph().as_default() as graph:
        run = GraphRun(static=constants)
        made = OpDef.registry[sample.op](*run.inputs(sample), **attributes_of(sample))
        outputs, operation = flatten(made), _operation(made)
        _written[:] = [graph]
        return {
            "graph_def": graph.as_graph_def().SerializeToString(),
            "operation": operation.name,
            "feeds": {tensor.name: to_value(array) for tensor, array in run.feeds.items()},
            "outputs": [tensor.name for tensor in outputs],
            "initializers": [_operation(initializer).name for initializer in run.initial],
        }


def run_graph_def(
    graph_def: bytes, feeds: dict[str, wire.Value], fetches: Sequence[str], initializers: Sequence[str] = ()
) -> dict[str, Any]:
    """Imports a serialized GraphDef and runs it in a session."""
    with Graph().as_default() as graph:
        try:
            message = protos.get("GraphDef")()
            message.ParseFromString(graph_def)
            import_graph_def(message, name="")
            tensors = [graph.get_tensor_by_name(name) if ":" in name else None for name in fetches]
            with Session(graph=graph) as session:
                for name in initializers:
                    session.run(graph.get_operation_by_name(name))
                found = session.run(list(fetches), {name: to_array(value) for name, value in feeds.items()})
        except Exception as error:
            return {"error": to_error(error)}
    return {
        "outputs": [
            None if tensor is None else to_value(_array(value, tensor))
            for value, tensor in zip(found, tensors, strict=True)
        ]
    }


def random_stream(sample: Sample, *, graph_seed: int | None = None, times: int = 3) -> dict[str, Any]:
    """Runs a random op several times, in one session and eagerly, as `oracle_worker.random_stream` does."""
    answer: dict[str, Any] = {}
    operation: Callable[..., Any] = OpDef.registry[sample.op]
    with Graph().as_default() as graph:
        graph.seed = graph_seed
        run = GraphRun()
        outputs = flatten(operation(*run.inputs(sample), **attributes_of(sample)))
        with Session(graph=graph) as session:
            answer["session"] = [[to_value(value) for value in session.run(outputs, run.feeds)] for _ in range(times)]
    eager_seeds.set_seed(0 if graph_seed is None else graph_seed)
    eager = Run()
    inputs = eager.inputs(sample)
    answer["eager"] = [
        [to_value(tensor) for tensor in flatten(operation(*inputs, **attributes_of(sample)))] for _ in range(times)
    ]
    return answer

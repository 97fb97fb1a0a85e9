"""Control flow as operations that hold functions: calls, conditionals and loops.

A function attribute is a function graph; it knows how to run itself on the host and how to be traced.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import Function, OpDef, Shape, at_least
from tideflow._src.runtime import absent, traced_branches, traced_list, traced_loop
from tideflow._src.runtime.lazy import lax
from tideflow._src.runtime.op import op
from tideflow._src.runtime.tracing import NeedsHost, is_known

#: Says while branches and turns are traced that their shapes differ, or that an operation rejects its input: the host
#: raises the latter if that branch is taken, or that turn happens.
_NOT_SO_HERE = (TypeError, InvalidArgumentError)


def truth(value: Any) -> bool:
    """Returns the truth of a condition as TensorFlow's conditionals see it.

    A scalar is true if it is not zero (a string: not empty); anything else if it is not empty.
    """
    array = np.asarray(value)
    if array.ndim:
        return array.size > 0
    item = array[()]
    return bool(item)


def _conditional_kernel(cond: Any, input: list[Any], then_branch: Any, else_branch: Any) -> list[Any]:
    branch = then_branch if truth(cond) else else_branch
    return branch.run(input)  # type: ignore[no-any-return]


def _conditional_xla(cond: Any, input: list[Any], then_branch: Any, else_branch: Any) -> list[Any]:
    if is_known(cond):
        return absent.settled((then_branch if truth(cond) else else_branch).trace(input))
    if cond.ndim:
        return absent.settled((then_branch if cond.size else else_branch).trace(input))
    try:
        index = cond.astype(bool).astype(np.int32)
        return traced_branches.choose(index, [else_branch, then_branch], input)
    except _NOT_SO_HERE as error:
        raise NeedsHost(str(error)) from None


def _conditional_shape(cond: Any, input: Any, *, output_shapes: Any, Tout: Any) -> list[Any]:
    return list(output_shapes) if output_shapes else [None] * len(Tout)


@op(
    "If",
    "cond: Tcond, input: list(Tin) -> output: list(Tout)",
    tier="host",
    stateful=True,
    Tin=at_least(0),
    Tout=at_least(0),
)
def if_op(cond, input, *, then_branch: Function, else_branch: Function, output_shapes: list[Shape] = []):  # noqa: B006
    """Runs one of two functions; each may have effects."""
    return _conditional_kernel(cond, input, then_branch, else_branch)


@op(
    "StatelessIf", "cond: Tcond, input: list(Tin) -> output: list(Tout)", tier="host", Tin=at_least(0), Tout=at_least(0)
)
def stateless_if(cond, input, *, then_branch: Function, else_branch: Function, output_shapes: list[Shape] = []):  # noqa: B006
    """Runs one of two functions that have no effects."""
    return _conditional_kernel(cond, input, then_branch, else_branch)


for _operation in (if_op, stateless_if):

    @_operation.xla
    def _if_xla(cond, input, *, then_branch, else_branch, output_shapes):
        return _conditional_xla(cond, input, then_branch, else_branch)

    _operation.shape(_conditional_shape)


@op(
    "Case", "branch_index: int32, input: list(Tin) -> output: list(Tout)", tier="host", stateful=True,
    Tin=at_least(0), Tout=at_least(0), branches=at_least(1),
)  # fmt: skip
def case_op(branch_index, input, *, branches: list[Function], output_shapes: list[Shape] = []):  # noqa: B006
    """Runs the function at an index; the last one for an index out of range."""
    return _branch(branch_index, branches).run(input)


@op(
    "StatelessCase", "branch_index: int32, input: list(Tin) -> output: list(Tout)", tier="host",
    Tin=at_least(0), Tout=at_least(0), branches=at_least(1),
)  # fmt: skip
def stateless_case(branch_index, input, *, branches: list[Function], output_shapes: list[Shape] = []):  # noqa: B006
    """Runs the function at an index, where none has effects; the last one for an index out of range."""
    return _branch(branch_index, branches).run(input)


def _branch(index: Any, branches: list[Any]) -> Any:
    index = int(index)
    return branches[index if 0 <= index < len(branches) else -1]


def _case_shape(branch_index, input, *, output_shapes, Tout):
    if branch_index not in (None, ()):
        raise ValueError(f"Shape must be rank 0 but is rank {len(branch_index)}")
    return list(output_shapes) if output_shapes else [None] * len(Tout)


for _operation in (case_op, stateless_case):

    @_operation.xla
    def _case_xla(branch_index, input, *, branches, output_shapes):
        if is_known(branch_index):
            return absent.settled(_branch(branch_index, branches).trace(input))
        index = lax.select(
            (branch_index >= 0) & (branch_index < len(branches)), branch_index, np.int32(len(branches) - 1)
        )
        try:
            return traced_branches.choose(index, branches, input)
        except _NOT_SO_HERE as error:
            raise NeedsHost(str(error)) from None

    _operation.shape(_case_shape)


def _loop(input: list[Any], cond: Any, body: Any) -> list[Any]:
    cond.check_types(input)
    body.check_types(input)
    condition, step = cond.bound(input), body.bound(input)
    values: Any = input
    while _goes_on(condition(values)[0]):
        values = step(values)
    return list(values)


def _goes_on(condition: Any) -> bool:
    """Returns the truth of a loop's condition: not that of an array, which would be true for ever."""
    if np.ndim(condition):
        problem = f"The condition of a loop must be a scalar, but it has shape {list(np.shape(condition))}."
        raise InvalidArgumentError(None, None, problem)
    return truth(condition)


def _loop_xla(input: list[Any], cond: Any, body: Any) -> list[Any]:
    try:
        return traced_loop.run(input, cond, body)
    except (*_NOT_SO_HERE, traced_list.Unrepresentable) as error:
        # A value changes its shape from one turn to the next.
        raise NeedsHost(str(error)) from None


def _loop_shape(input: Any, *, output_shapes: Any) -> list[Any]:
    return list(output_shapes) if output_shapes else list(input)


@op("While", "input: list(T) -> output: list(T)", tier="host", stateful=True, T=at_least(0))
def while_op(input, *, cond: Function, body: Function, output_shapes: list[Shape] = [], parallel_iterations: int = 10):  # noqa: B006
    """Runs ``body`` on its own results as long as ``cond`` says so."""
    return _loop(input, cond, body)


@op("StatelessWhile", "input: list(T) -> output: list(T)", tier="host", T=at_least(0))
def stateless_while(
    input,
    *,
    cond: Function,
    body: Function,
    output_shapes: list[Shape] = [],  # noqa: B006
    parallel_iterations: int = 10,
):
    """Runs ``body``, which has no effects, on its own results as long as ``cond`` says so."""
    return _loop(input, cond, body)


for _operation in (while_op, stateless_while):

    @_operation.xla
    def _while_xla(input, *, cond, body, output_shapes, parallel_iterations):
        return _loop_xla(input, cond, body)

    _operation.shape(_loop_shape)


@op("For", "start: int32, limit: int32, delta: int32, input: list(T) -> output: list(T)", tier="host",
    differentiable="missing", T=at_least(0))  # fmt: skip
def for_op(start, limit, delta, input, *, body: Function):
    """Runs ``body`` on the numbers of a range and its own results."""
    for name, number in (("start", start), ("limit", limit), ("delta", delta)):
        if np.ndim(number):
            raise InvalidArgumentError(None, None, f"{name} must be a scalar, but has shape {list(np.shape(number))}.")
    first, last, step = int(start), int(limit), int(delta)
    if not step:
        raise InvalidArgumentError(None, None, "Requires delta != 0, but got 0.")
    if (step > 0 and first > last) or (step < 0 and first < last):
        order = "start <= limit when delta > 0" if step > 0 else "start >= limit when delta < 0"
        raise InvalidArgumentError(None, None, f"Requires {order}: {first} and {last}.")
    given = [np.int32(first), *input]
    body.check_types(given)
    program = body.bound(given)
    values: Any = input
    for index in range(first, last, step):
        values = program([np.int32(index), *values])
    return list(values)


@for_op.shape
def _for_shape(start, limit, delta, input):
    return [None] * len(input)


@op("PartitionedCall", "args: list(Tin) -> output: list(Tout)", tier="host", Tin=at_least(0), Tout=at_least(0))
def partitioned_call(args, *, f: Function, config: str = "", config_proto: str = "", executor_type: str = ""):
    """Calls a function that has no effects."""
    return f.run(args)


@op(
    "StatefulPartitionedCall",
    "args: list(Tin) -> output: list(Tout)",
    tier="host",
    stateful=True,
    Tin=at_least(0),
    Tout=at_least(0),
)
def stateful_partitioned_call(args, *, f: Function, config: str = "", config_proto: str = "", executor_type: str = ""):
    """Calls a function, which may have effects."""
    return f.run(args)


def _call_shape(args, *, f):
    return [output._shape for output in f.outputs]


for _operation in (partitioned_call, stateful_partitioned_call):

    @_operation.xla
    def _call_xla(args, *, f, config, config_proto, executor_type):
        return f.trace(args)

    _operation.shape(_call_shape)


def _functions(operation: Any) -> list[Any]:
    found: list[Any] = []
    for value in operation.attrs.values():
        found.extend(value if isinstance(value, list) and value and hasattr(value[0], "compilable") else [value])
    return [function for function in found if hasattr(function, "compilable")]


def _compiles(operation: Any) -> bool:
    """Tells whether XLA can take a control flow operation: its functions hold nothing but pure, traceable work."""
    return all(function.compilable() for function in _functions(operation))


for _operation in (
    if_op,
    stateless_if,
    case_op,
    stateless_case,
    while_op,
    stateless_while,
    partitioned_call,
    stateful_partitioned_call,
):
    _operation.compiles = _compiles


# Samples. Their functions call other operations through the registry: this file defines none of those.


def _conditional_samples(s):
    scaled = s.body("then", lambda x, y: [_call("Mul", x, y), _call("Exp", y)], ("double", (2,)), ("double", ()))
    added = s.body("else", lambda x, y: [_call("Add", x, y), _call("Neg", y)], ("double", (2,)), ("double", ()))
    x, y = s.normal(2, dtype="float64"), s.normal(dtype="float64")
    for condition in (
        True,
        False,
        np.int32(3),
        np.float32(0),
        "",
        "yes",
        np.zeros(0, np.float32),
        np.zeros(1, np.int64),
    ):
        yield s(condition, [x, y], then_branch=scaled, else_branch=added, Tout=["double", "double"])
    shapes = [None, ()]
    yield s(True, [x, y], then_branch=scaled, else_branch=added, Tout=["double", "double"], output_shapes=shapes)
    long = s.body("long", lambda: [np.zeros((3, 2), np.float32), np.int32(1)])
    short = s.body("short", lambda: [np.ones((1, 2), np.float32), np.int32(2)])
    yield s(False, [], then_branch=long, else_branch=short, Tout=["float", "int32"])
    none = s.body("none", lambda x: [], ("float", ()))
    yield s(True, [np.float32(1)], then_branch=none, else_branch=none, Tout=[])


if_op.samples(_conditional_samples)
stateless_if.samples(_conditional_samples)


def _case_samples(s):
    double = ("double", (2,))
    branches = [
        s.body("square", lambda x: [_call("Square", x)], double),
        s.body("sine", lambda x: [_call("Sin", x)], double),
        s.body("same", lambda x: [_call("Identity", x)], double),
    ]
    x = s.normal(2, dtype="float64")
    for index in (0, 1, 2, 3, -1):
        yield s(index, [x], branches=branches, Tout=["double"])
    yield s(0, [x], branches=branches[:1], Tout=["double"], output_shapes=[(2,)])


case_op.samples(_case_samples)
stateless_case.samples(_case_samples)


def _while_samples(s):
    kinds = (("int32", ()), ("double", (2,)))
    below = s.body("below", lambda i, x: [_call("Less", i, np.int32(3))], *kinds)
    never = s.body("never", lambda i, x: [_call("Less", i, np.int32(-9))], *kinds)
    step = s.body("step", lambda i, x: [_call("AddV2", i, np.int32(1)), _call("Mul", x, _call("Sin", x))], *kinds)
    x = s.normal(2, dtype="float64")
    yield s([0, x], cond=below, body=step)
    yield s([5, x], cond=below, body=step)
    yield s([0, x], cond=never, body=step, output_shapes=[(), (2,)])
    growing = s.body("growing", lambda x: [_call("Less", _call("Size", x), np.int32(9))], ("float", (None,)))
    grow = s.body("grow", lambda x: [_call("ConcatV2", [x, x], np.int32(0))], ("float", (None,)))
    yield s([s.normal(2)], cond=growing, body=grow, output_shapes=[(None,)], gradient=False)


while_op.samples(_while_samples)
stateless_while.samples(_while_samples)


@for_op.samples
def _for_samples(s):
    step = s.body(
        "for_step", lambda i, x: [_call("Mul", x, _call("Cast", i, DstT="double"))], ("int32", ()), ("double", (2,))
    )
    x = s.normal(2, dtype="float64")
    for bounds in ((1, 5, 1), (1, 6, 2), (3, 3, 1), (4, 0, -2)):
        yield s(*bounds, [x], body=step)
    yield s(1, 5, 0, [x], body=step, error="InvalidArgumentError")
    yield s(5, 1, 1, [x], body=step, error="InvalidArgumentError")
    yield s([1], 2, 1, [x], body=step, error="InvalidArgumentError")


def _call_samples(s):
    double = ("double", (2,))
    two = s.body("two", lambda x, y: [_call("Mul", x, _call("Exp", y)), _call("Neg", x)], double, double)
    none = s.body("none", list)
    yield s([s.normal(2, dtype="float64"), s.normal(2, dtype="float64")], f=two, Tout=["double", "double"])
    text = s.body("text", lambda x: [_call("Identity", x)], ("string", (3,)))
    yield s([s.strings((3,))], f=text, Tout=["string"])
    yield s([], f=none, Tout=[])


partitioned_call.samples(_call_samples)
stateful_partitioned_call.samples(_call_samples)


def _call(name: str, *inputs: Any, **attrs: Any) -> Any:
    operation: Any = OpDef.registry[name]
    return operation(*inputs, **attrs)

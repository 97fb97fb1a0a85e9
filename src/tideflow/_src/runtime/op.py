"""Makes a definition callable: the ``op`` decorator, and the functions that calls go through.

A call takes the fast path when its tensors are eager, of dtypes seen before, and nothing special is going on (no
graph or device scope in any thread): the kernel runs and its result is wrapped and recorded. Everything else takes the
general path, which converts arguments, checks dtypes, and then either runs the kernel (:mod:`.eager`) or adds a node
to the current graph (:mod:`.building`).

The fast path of each operation is generated when the operation is first called, so that it holds nothing that the
operation does not need.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import context, float_errors
from tideflow._src.core.tensor import wrap
from tideflow._src.graph import evaluation, source
from tideflow._src.graph.op_def import REQUIRED, Argument, OpDef
from tideflow._src.graph.signature import MOST_LISTED_OUTPUTS
from tideflow._src.runtime import building, eager
from tideflow._src.runtime.fast_path import NAMES, wrapped


class Op(OpDef):
    """Is an operation that can be called: on values, on tensors of a graph, or on a mix with Python values.

    ``op(*inputs, name=None, **attributes)`` returns the output tensor, a named tuple of several, a list for a list
    output, or the ``Operation`` (None when eager) if there is no output.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.checked: set[Any] = set()

    def __getattr__(self, name: str) -> Any:
        if name == "call":
            call = self.call = _generate(self)
            return call
        return super().__getattr__(name)

    def __call__(self, *inputs: Any, **attributes: Any) -> Any:
        return self.call(*inputs, **attributes)


def op(name: str, signature: str, **options: Any) -> Callable[[Callable[..., Any]], Op]:
    """Defines the operation ``name`` from the decorated kernel; see :mod:`tideflow._src.graph.op_def`.

    Args:
      name: TensorFlow's name of the operation.
      signature: inputs and outputs, ``"a: T, b: T -> product: T"``.
      options: options of :class:`~tideflow._src.graph.op_def.OpDef` by name; every other keyword constrains the
        attribute of that name.
    """
    constraints = {key: options.pop(key) for key in list(options) if key not in _OPTIONS}

    def define(kernel: Callable[..., Any]) -> Op:
        return Op(name, signature, kernel, constraints=constraints, **options)

    return define


_OPTIONS = frozenset(
    "tier stateful declared_pure broadcasts structural commutative aggregate allows_uninitialized differentiable reads "
    "updates random in_place checks_shapes host".split()
)


def _generate(definition: Op) -> Callable[..., Any]:
    """Writes and compiles the function that calls of ``definition`` go through."""
    names = [_python_name(argument.name) for argument in definition.inputs]
    attributes = list(definition.kernel_attributes)
    scope: dict[str, Any] = {
        **NAMES,
        "OP": definition,
        "GENERAL": general,
        "CHECKED": definition.checked,
        "enter": float_errors.enter,
        "leave": float_errors.leave,
        "QUIET": float_errors.QUIET,
        "EXPLAIN": eager.explain,
    }
    parameters = list(names)
    keyword_only = []
    for attribute in attributes:
        value = definition.attributes[attribute].default
        if value is REQUIRED:
            keyword_only.append(attribute)
        else:
            scope[f"default_{attribute}"] = value
            keyword_only.append(f"{attribute}=default_{attribute}")
    implied = [name for name in definition.attributes if name not in attributes]
    keyword_only += [f"{name}=None" for name in implied]
    keyword_only.append("name=None")
    header = f"def {definition.name}({', '.join([*parameters, '*', *keyword_only])}):\n"
    inputs = "(" + "".join(f"{name}, " for name in names) + ")"
    given = ", ".join(f"{name!r}: {name}" for name in attributes)
    chosen = "".join(f"\n    if {name} is not None: attrs[{name!r}] = {name}" for name in implied)
    body = _fast_path(definition, names, attributes, implied, scope)
    body += f"    attrs = {{{given}}}{chosen}\n    return GENERAL(OP, {inputs}, attrs, name)\n"
    exec(compile(header + body, os.path.join(source.PACKAGE, f"<operation {definition.name}>"), "exec"), scope)
    call: Callable[..., Any] = scope[definition.name]
    call.__doc__ = definition.kernel.__doc__
    call.__module__ = definition.kernel.__module__
    return call


def _fast_path(
    definition: Op, names: list[str], attributes: list[str], implied: list[str], scope: dict[str, Any]
) -> str:
    """The lines that handle the commonest call, or nothing if this operation has no such case."""
    kernel = evaluation.host_kernel(definition)
    simple = (
        names
        and kernel is not None
        and not definition.stateful
        and definition.random is None
        and not (definition.reads or definition.updates)
        and len(definition.outputs) == 1
        and not definition.outputs[0].is_list
        and not any(_is_untyped(argument) for argument in definition.inputs)
    )
    if not simple:
        return ""
    over_xp = evaluation.is_over_xp(definition)
    scope["kernel"] = definition.kernel if over_xp else kernel
    lines = []
    for place, argument in enumerate(definition.inputs):
        if argument.is_static and not argument.is_list:
            # Under a name of its own, for the general path must see what was given: its dtype follows the others'.
            given, name = names[place], f"tensor_{names[place]}"
            names = [*names[:place], name, *names[place + 1 :]]
            scope["INTEGERS"] = _integers
            lines += [
                f"    {name} = {given}",
                f"    if {name}.__class__ is not EagerTensor and not BUILDING: {name} = INTEGERS({name})",
            ]
    inputs = "(" + "".join(f"{name}, " for name in names) + ")"
    lists = [argument.is_list for argument in definition.inputs]
    conditions = ["not BUILDING"]
    setup = []
    dtypes_of = []
    for name, is_list in zip(names, lists, strict=True):
        if is_list:
            conditions.append(f"{name}.__class__ is list")
        else:
            conditions.append(f"{name}.__class__ is EagerTensor")
            setup.append(f"v_{name} = {name}._value")
            dtypes_of.append(f"v_{name}.dtype")
    indent = "        "
    lines.append(f"    if {' and '.join(conditions)}:")
    for name, is_list in zip(names, lists, strict=True):
        if is_list:
            lines.append(f"{indent}if all([item.__class__ is EagerTensor for item in {name}]):")
            indent += "    "
            lines.append(f"{indent}v_{name} = [item._value for item in {name}]")
            dtypes_of.append(f"*[item.dtype for item in v_{name}]")
    lines += [indent + line for line in setup]
    if len(dtypes_of) == 1 and "*" not in dtypes_of[0]:
        key = dtypes_of[0]
    else:
        key = f"({', '.join(dtypes_of)},)"
    one_type = len({argument.type_attr for argument in definition.inputs}) == 1 and not any(lists)
    if one_type and len(dtypes_of) > 1:
        guard = " is ".join(dtypes_of) + f" and {dtypes_of[0]} in CHECKED"
    else:
        guard = f"{key} in CHECKED"
    guards = [guard, *(f"{name} is None" for name in implied)]
    for name in attributes:
        attribute = definition.attributes[name]
        if attribute.type == "string" and attribute.allowed is not None:
            scope[f"ALLOWED_{name}"] = frozenset(attribute.allowed)
            guards.append(f"{name}.__class__ is str and {name} in ALLOWED_{name}")
        elif attribute.type == "int" and attribute.minimum is not None:
            counts_outputs = any(argument.number_attr == name for argument in definition.outputs)
            most = f" and {name} <= {MOST_LISTED_OUTPUTS}" if counts_outputs else ""
            guards.append(f"{name}.__class__ is int and {name} >= {attribute.minimum}{most}")
    keywords = [f"{name}={name}" for name in attributes]
    passed = [*(["np"] if over_xp else []), *(f"v_{name}" for name in names), *keywords]
    lines += [
        f"{indent}if {' and '.join(guards)}:",
        f"{indent}    _token = enter(QUIET)",
        f"{indent}    try:",
        f"{indent}        _value = kernel({', '.join(passed)})",
        f"{indent}    except Exception as error:",
        f"{indent}        raise EXPLAIN(error, OP, {inputs}, dict({', '.join(keywords)})) from None",
        f"{indent}    finally:",
        f"{indent}        leave(_token)",
        *[f"{indent}    {line}" for line in wrapped(inputs, f"dict({', '.join(keywords)})")],
    ]
    return "\n".join(lines) + "\n"


def _integers(value: Any) -> Any:
    """Returns integers given for a static input as an eager tensor at once; anything else unchanged."""
    kind = value.__class__
    try:
        if (kind is np.ndarray and value.dtype.kind != "O") or kind is np.int32 or kind is np.int64:
            return wrap(value)
        if kind is int:
            return wrap(np.int32(value))
        if (kind is list or kind is tuple) and all([item.__class__ is int for item in value]):  # noqa: C419 - faster
            return wrap(np.array(value, np.int32))
    except OverflowError:
        pass
    return value


def _is_untyped(argument: Argument) -> bool:
    return argument.is_ref or (argument.dtype is not None and argument.dtype.name in ("resource", "variant"))


def _python_name(name: str) -> str:
    return name + "_" if name in ("lambda", "in", "is", "def", "class", "with", "if", "for") else name


def general(definition: OpDef, inputs: tuple[Any, ...], attrs: dict[str, Any], name: str | None) -> Any:
    """Calls an operation in the current context, whatever its arguments are."""
    graph = context.current_graph()
    if graph is not None:
        return building.add_node(graph, definition, inputs, attrs, name)
    return eager.execute(definition, inputs, attrs)

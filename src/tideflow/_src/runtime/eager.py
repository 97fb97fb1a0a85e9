"""Runs operations at once on values: the general path of eager execution."""

from __future__ import annotations

import collections
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes, errors, float_errors
from tideflow._src.core.tensor import EagerTensor, SymbolicTensor, out_of_scope, wrap
from tideflow._src.graph import evaluation, shape_inference
from tideflow._src.graph.op_def import OpDef, StaticValue
from tideflow._src.runtime import device_calls, device_kernels, random_state, rollback, spans
from tideflow._src.runtime.arguments import bind, normalize
from tideflow._src.runtime.buffers import Buffer, buffer_in, locked
from tideflow._src.runtime.devices import ACCELERATED
from tideflow._src.runtime.failures import class_of, is_out_of_memory

_result_types: dict[str, Any] = {}


def execute(definition: OpDef, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
    """Calls an operation eagerly, whatever its arguments are, and records it on the tapes of this thread."""
    if spans.RECORDERS:
        return spans.measured("eager", definition.name, {}, _execute, definition, inputs, attrs)
    return _execute(definition, inputs, attrs)


def _execute(definition: OpDef, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
    placed = ACCELERATED or context.state.devices
    if ACCELERATED:
        found = device_calls.again(definition, inputs, attrs)
        if found is not None:
            return _recorded(definition, inputs, attrs, found)
    key = None if placed else _dtype_key(definition, inputs)
    if key is None:
        inputs = [
            item._dense_var_to_tensor()
            if item.__class__ is not EagerTensor and hasattr(item, "_dense_var_to_tensor")
            else item
            for item in inputs
        ]
        key = None if placed else _dtype_key(definition, inputs)
    if key is not None and len(attrs) == len(definition.kernel_attributes) and key in definition.checked:
        tensors: Sequence[Any] = inputs
        attrs = {name: normalize(definition, definition.attributes[name], value, True) for name, value in attrs.items()}
    else:
        for item in inputs:
            for tensor in item if item.__class__ is list or item.__class__ is tuple else (item,):
                if tensor.__class__ is SymbolicTensor:
                    raise out_of_scope(tensor, "here")
        binding = bind(definition, inputs, attrs, eager=True)
        tensors = binding.inputs
        attrs = {name: binding.attrs[name] for name in definition.kernel_attributes}
        if placed:
            return _execute_placed(device_calls.Call(definition, inputs, tensors, binding.attrs, attrs))
        key = _dtype_key(definition, tensors)
        if key is not None and not binding_has_extra(definition, binding.attrs):
            definition.checked.add(key)
            if key.__class__ is tuple and len({id(dtype) for dtype in key}) == 1:
                definition.checked.add(key[0])
    values = [[tensor._value for tensor in item] if item.__class__ is list else item._value for item in tensors]
    try:
        result = _run_quietly(definition, values, attrs)
    except Exception as error:
        raise explain(error, definition, tensors, attrs) from None
    outputs = wrap_outputs(definition, result)
    _record(definition, tensors, attrs, outputs)
    return outputs


def _execute_placed(call: device_calls.Call) -> Any:
    """Runs a call where devices have a say in it."""
    definition, tensors, attrs = call.definition, call.tensors, call.attrs
    try:
        outputs = device_calls.run(
            call,
            on_host=lambda values: _run_quietly(definition, values, attrs),
            shape_problem=lambda: _shape_problem(definition, tensors, attrs),
        )
    except Exception as error:
        raise explain(error, definition, tensors, attrs) from None
    return _recorded(definition, tensors, attrs, outputs)


def _recorded(definition: OpDef, tensors: Sequence[Any], attrs: dict[str, Any], outputs: Any) -> Any:
    """Returns what an accelerator gave in the form that the call returns, once the tapes know."""
    if len(definition.outputs) > 1:
        outputs = result_type(definition)(*outputs)
    _record(definition, tensors, attrs, outputs)
    return outputs


def _run_quietly(definition: OpDef, values: list[Any], attrs: dict[str, Any]) -> Any:
    token = float_errors.enter(float_errors.QUIET)
    try:
        return run_kernel(definition, values, attrs)
    finally:
        float_errors.leave(token)


def _record(definition: OpDef, tensors: Sequence[Any], attrs: dict[str, Any], outputs: Any) -> None:
    tapes = context.state.tapes
    if tapes and outputs is not None:
        for tape in tapes:
            tape.record(definition, tensors, attrs, outputs)


def binding_has_extra(definition: OpDef, attrs: dict[str, Any]) -> bool:
    """Tells whether some type attribute does not follow from the inputs, so that dtypes alone prove nothing."""
    implied = {argument.type_attr for argument in definition.inputs}
    implied |= {argument.number_attr for argument in definition.inputs}
    implied |= {argument.type_list_attr for argument in definition.inputs}
    return any(name not in implied for name in attrs if name not in definition.kernel_attributes)


def _dtype_key(definition: OpDef, inputs: Sequence[Any]) -> Any:
    """The dtypes of eager inputs as the generated fast paths look them up; None if some input is not eager."""
    key: list[Any] = []
    lists: list[Any] = []
    is_list = False
    for item in inputs:
        if item.__class__ is EagerTensor:
            key.append(item._value.dtype)
        elif item.__class__ is list:
            if not definition.is_variadic:
                return None  # a list of tensors that stands for one tensor
            is_list = True
            for each in item:
                if each.__class__ is not EagerTensor:
                    return None
                lists.append(each._value.dtype)
        else:
            return None
    if len(key) == 1 and not is_list:
        return key[0]
    return (*key, *lists)


def run_kernel(definition: OpDef, values: list[Any], attrs: dict[str, Any]) -> Any:
    """Runs the kernel of an operation on values, with whatever state it needs."""
    kernel = evaluation.host_kernel(definition)
    if kernel is None:
        return device_kernels.call_on_host(definition, values, attrs)
    if definition.random is not None:
        generator = random_state.eager_generator(definition, values, attrs, definition.random(*values, **attrs))
        return kernel(*values, generator=generator, **attrs)
    if definition.reads or definition.updates:
        return run_stateful(definition, kernel, values, attrs)
    return kernel(*values, **attrs)


def run_stateful(definition: OpDef, kernel: Callable[..., Any], values: list[Any], attrs: dict[str, Any]) -> Any:
    """Runs a kernel that reads and updates variables, given by resource handles, and stores what it returns.

    The variables are locked from reading to storing, so that no update is lost.
    """
    touched = {
        index: buffer_in(values[index])
        for index, argument in enumerate(definition.inputs)
        if argument.name in definition.updates or argument.name in definition.reads
    }
    if len(touched) == 1:
        ((index, buffer),) = touched.items()
        if not definition.updates:
            return borrowed(buffer, kernel, values, index, attrs)
        with buffer.lock:
            return _update(definition, kernel, values, attrs, touched)
    with locked(set(touched.values())):
        return _update(definition, kernel, values, attrs, touched)


def borrowed(buffer: Buffer, kernel: Callable[..., Any], values: list[Any], index: int, attrs: dict[str, Any]) -> Any:
    """Runs a kernel on the value of a variable, which is leased only if the result is made of the same memory."""
    with buffer.lock:
        value = values[index] = buffer.peek()
        result = kernel(*values, **attrs)
        if result is value or getattr(result, "base", None) is not None:
            buffer.read()
    return result


def _update(
    definition: OpDef, kernel: Callable[..., Any], values: list[Any], attrs: dict[str, Any], touched: dict[int, Buffer]
) -> Any:
    updated: list[Buffer] = []
    for index, buffer in touched.items():
        if definition.inputs[index].name not in definition.updates:
            values[index] = buffer.read()
            continue
        updated.append(buffer)
        if definition.in_place:
            values[index] = rollback.rows_to_change(buffer)
        else:
            values[index] = buffer.value if definition.allows_uninitialized else buffer.peek()
    if updated[0].value is not None:
        _check_dtype(definition, updated[0], values)
    result = kernel(*values, **attrs)
    results = result if isinstance(result, tuple) else (result,)
    for buffer, value in zip(updated, results, strict=False):
        if definition.in_place:
            buffer.store(value, rollback.current_log())
        else:
            rollback.replace(buffer, value)
    if not definition.outputs:
        return None
    references, rest = iter(updated), iter(results[len(updated) :])
    outputs = tuple([next(references) if argument.is_ref else next(rest) for argument in definition.outputs])
    return outputs[0] if len(outputs) == 1 else outputs


def _check_dtype(definition: OpDef, buffer: Buffer, values: list[Any]) -> None:
    """Checks that what a variable is updated with is of its dtype.

    Raises:
      InvalidArgumentError: it is of another.
    """
    for argument, value in zip(definition.inputs, values, strict=True):
        if argument.type_attr in ("T", "dtype") and argument.name not in definition.updates:
            value = value[0] if argument.is_list else value
            if value.dtype is not buffer.value.dtype and value.dtype != buffer.value.dtype:
                raise errors.InvalidArgumentError(
                    None,
                    None,
                    f"DType of variable handle and value do not match: {buffer.name} is {buffer.dtype.name}, "
                    f"{argument.name} is {dtypes.of_numpy[value.dtype].name}",
                )
            return


def wrap_outputs(definition: OpDef, result: Any) -> Any:
    """Wraps what a kernel returned as eager tensors, in the form that the call returns."""
    outputs = definition.outputs
    if len(outputs) == 1:
        if outputs[0].is_list:
            return [wrap(item) for item in result]
        return wrap(result)
    if not outputs:
        return None
    return result_type(definition)(
        *([wrap(each) for each in item] if isinstance(item, list) else wrap(item) for item in result)
    )


def result_type(definition: OpDef) -> Any:
    """Returns the named tuple of an operation with several outputs."""
    kind = _result_types.get(definition.name)
    if kind is None:
        named_tuple: Any = collections.namedtuple  # a checker wants the names of the fields spelled out
        kind = named_tuple(definition.name, [argument.name for argument in definition.outputs])
        _result_types[definition.name] = kind
    return kind


def explain(error: Exception, definition: OpDef, inputs: Sequence[Any], attrs: dict[str, Any]) -> Exception:
    """Returns the exception that a failed kernel becomes: TensorFlow's class, and what came in.

    The shape rule knows what was wrong more often than NumPy does, so it is asked first.
    """
    suffix = f" [Op:{definition.name}]"
    if isinstance(error, errors.OpError):
        if suffix not in error.message:
            error._message = error.message + suffix
        return error
    if is_out_of_memory(error):
        return errors.ResourceExhaustedError(None, None, f"OOM: {error or 'out of memory'}{suffix}")
    try:
        found = _shape_problem(definition, inputs, attrs)
    except Exception:  # a rule that cannot cope with these arguments has nothing to say
        found = ""
    problem = found or str(error)
    described = "    ".join(_describe(definition, inputs))
    message = f"{problem}{suffix}\n  {described}" if described else problem + suffix
    if found or class_of(error) is errors.InvalidArgumentError:
        return errors.InvalidArgumentError(None, None, message)
    if isinstance(error, NotImplementedError):
        return errors.UnimplementedError(None, None, message)
    if isinstance(error, OSError | UnicodeError):
        return error
    wrapped = errors.InternalError(None, None, f"{type(error).__name__} in {message}")
    wrapped.__cause__ = error
    return wrapped


def _shape_problem(definition: OpDef, inputs: Sequence[Any], attrs: dict[str, Any]) -> str:
    shapes: list[Any] = []
    held = (*definition.reads, *definition.updates)
    for argument, item in zip(definition.inputs, inputs, strict=True):
        if argument.name in held:
            shapes.append(np.shape(item._value.resource.value))
        elif item.__class__ is list:
            shapes.append([_static(each) if argument.is_static else each._value.shape for each in item])
        else:
            shapes.append(_static(item) if argument.is_static else item._value.shape)
    if definition.shape_rule is not None:
        wanted = shape_inference.rule_attributes(definition.shape_rule)
        complete = dict(attrs)
        for name in wanted:
            if name not in complete:
                complete[name] = bind(definition, inputs, attrs, eager=True).attrs[name]
        attrs = complete
    try:
        shape_inference.apply_rule(definition, shapes, attrs, len(definition.outputs))
    except ValueError as error:
        return str(error)
    return ""


def _static(tensor: EagerTensor) -> StaticValue:
    return StaticValue(np.asarray(tensor._value), None, tensor._value.shape)


def _describe(definition: OpDef, inputs: Sequence[Any]) -> list[str]:
    described = []
    for argument, item in zip(definition.inputs, inputs, strict=True):
        if item.__class__ is list:
            described.append(f"{argument.name}: {len(item)} tensors {[each._value.shape for each in item]}")
        else:
            described.append(f"{argument.name}: {item.dtype.name} {item._value.shape}")
    return described

"""Runs eager operations that belong on another device than the host: finds the device, copies, runs a kernel there.

An operation runs on the device that a scope asks for, else where the first tensor is that it is given and that is on an
accelerator, else on the first accelerator. What an accelerator cannot do (strings, Python functions, shapes that depend
on data) the host does on copies, unless soft placement is off. Integers of 32 bits that are on the host stay there, as
in TensorFlow.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.device_tensor import DeviceTensor, shape_of, wrap_array, wrap_on
from tideflow._src.core.errors import InvalidArgumentError, OpError
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.graph.op_def import Argument, OpDef
from tideflow._src.runtime import device_kernels, devices, random_state
from tideflow._src.runtime.buffers import Buffer, buffer_in, locked
from tideflow._src.runtime.devices import HOST, configuration
from tideflow._src.runtime.lazy import jax
from tideflow._src.runtime.stages import SHAPE_OPS
from tideflow._src.runtime.tracing import NeedsHost

_INT32 = np.dtype(np.int32)
_HOST_ONLY = frozenset((dtypes.string, dtypes.resource, dtypes.variant))


class Call:
    """Is an eager call whose arguments are converted and checked.

    Attributes:
      definition: the operation.
      given: the inputs as the caller gave them.
      tensors: a tensor for each input, or a list of them.
      types: the type attributes, and every other, by name.
      attrs: the attributes that the kernel takes.
    """

    __slots__ = ("definition", "given", "tensors", "types", "attrs")

    def __init__(
        self,
        definition: OpDef,
        given: Sequence[Any],
        tensors: Sequence[Any],
        types: dict[str, Any],
        attrs: dict[str, Any],
    ) -> None:
        self.definition = definition
        self.given = given
        self.tensors = tensors
        self.types = types
        self.attrs = attrs

    def flat(self) -> list[Any]:
        """The input tensors with lists flattened."""
        return [each for item in self.tensors for each in (item if item.__class__ is list else (item,))]

    def buffers(self) -> dict[int, Buffer]:
        """The variables that the call reads or updates, by the position of their handles."""
        definition = self.definition
        if not (definition.reads or definition.updates):
            return {}
        touched = (*definition.reads, *definition.updates)
        return {
            index: buffer_in(self.tensors[index]._value)
            for index, argument in enumerate(definition.inputs)
            if argument.name in touched
        }

    def output_types(self) -> list[Any]:
        """The dtype of each output; a list of them for a list output."""
        return [self._type_of(argument) for argument in self.definition.outputs]

    def _type_of(self, argument: Argument) -> Any:
        if argument.type_list_attr:
            return list(self.types[argument.type_list_attr])
        dtype = argument.dtype if argument.dtype is not None else self.types[argument.type_attr]
        return [dtype] * self.types[argument.number_attr] if argument.number_attr else dtype


def again(definition: OpDef, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
    """Runs a call that is like one before, of tensors on one accelerator, without looking at it any closer.

    Returns:
      What :func:`run` returns, or None if the call has to be looked at.
    """
    if len(attrs) != len(definition.kernel_attributes) or not _is_plain(definition):
        return None
    device = None
    arrays = []
    for tensor in inputs:
        if tensor.__class__ is not DeviceTensor or tensor._checks:
            return None
        if device is None:
            device = tensor._device
        elif tensor._device != device:
            return None
        arrays.append(tensor._array)
    if device is None or (context.state.devices and devices.asked_for() not in (None, device)):
        return None
    kernel = device_kernels.known(definition, arrays, attrs, configuration.engine_device(device))
    if kernel is None or kernel.refused:
        return None
    results, outcome = kernel(arrays)
    return _wrapped_in_place(results, device, () if outcome is None else (outcome,))


@functools.cache
def _is_plain(definition: OpDef) -> bool:
    """Tells whether a call depends on nothing but its inputs, each of them one tensor, of which it needs no value."""
    if definition.static_inputs or definition.is_variadic or definition.name in SHAPE_OPS:
        return False
    return not (definition.stateful or definition.random or definition.reads or definition.updates)


def run(call: Call, on_host: Callable[[list[Any]], Any], shape_problem: Callable[[], str]) -> Any:
    """Runs a call where it belongs.

    Args:
      call: the call.
      on_host: runs it on values in host memory.
      shape_problem: says what the operation's shape rule finds wrong with the shapes of the inputs, or nothing.

    Returns:
      A tensor for each output, or a list of them; the only one alone; None if there is none.
    """
    buffers = call.buffers()
    device = _device_of(call, buffers)
    engine_device = configuration.engine_device(device)
    if engine_device is None:
        return _wrapped(call, on_host(_host_values(call, device)), device)
    if call.definition.name in SHAPE_OPS:
        return _wrapped(call, _shapes(call), device)
    if _stays_on_host(call):
        return _wrapped(call, on_host([_plain(item) for item in call.tensors]), device)
    if call.definition.name == "VariableShape":
        (buffer,) = buffers.values()
        return _wrapped(call, np.array(buffer.read_in_place().shape, call.output_types()[0].as_numpy_dtype), device)
    if not _runs_on_accelerators(call, buffers):
        return _softly(call, device, on_host)
    with locked(buffers.values()):
        return _on_accelerator(call, buffers, device, engine_device, on_host, shape_problem)


def _device_of(call: Call, buffers: dict[int, Buffer]) -> str:
    for buffer in buffers.values():  # a variable is used where it is
        return buffer.placement or HOST
    asked = devices.asked_for()
    if asked is not None:
        return asked
    for tensor in call.flat():
        if tensor.__class__ is DeviceTensor:
            return tensor._device
    return configuration.default() if devices.ACCELERATED else HOST


def _shapes(call: Call) -> Any:
    """The result of an operation on shapes, which waits for no value."""
    definition = call.definition
    rule = definition.shape_value_rule
    assert rule is not None
    if definition.name == "ShapeN":
        values = rule([shape_of(tensor) for tensor in call.tensors[0]])
        return [
            np.asarray(value, dtype.as_numpy_dtype) for value, dtype in zip(values, call.output_types()[0], strict=True)
        ]
    value = rule(*[shape_of(tensor) for tensor in call.tensors])
    return np.asarray(value, call.output_types()[0].as_numpy_dtype)


def _stays_on_host(call: Call) -> bool:
    """Whether everything that the call takes are 32-bit integers of the host, and all that it gives, or booleans."""
    definition = call.definition
    if definition.stateful or definition.random is not None or not call.tensors:
        return False
    for tensor in call.flat():
        if tensor.__class__ is DeviceTensor or tensor._value.dtype is not _INT32:
            return False
    return all(kind is dtypes.int32 or kind is dtypes.bool for kind in call.output_types())


def _runs_on_accelerators(call: Call, buffers: dict[int, Buffer]) -> bool:
    definition = call.definition
    if definition.tier == "host" and definition.xla_kernel is None:
        return False
    if definition.takes_functions:
        return False
    if definition.stateful and definition.random is None and not buffers:
        return False
    handles = [call.tensors[index] for index in buffers]
    kinds: list[Any] = [buffer.dtype for buffer in buffers.values()]
    kinds += [tensor.dtype for tensor in call.flat() if not any(tensor is handle for handle in handles)]
    for kind in call.output_types():
        kinds.extend(kind if kind.__class__ is list else (kind,))
    return _HOST_ONLY.isdisjoint(kinds)


def _softly(call: Call, device: str, on_host: Callable[[list[Any]], Any]) -> Any:
    """Runs on the host what an accelerator cannot do.

    Raises:
      InvalidArgumentError: soft placement is off, and a scope asks for the accelerator.
    """
    if not configuration.soft_placement and devices.asked_for() == device:
        raise _not_satisfied(device)
    return _wrapped(call, on_host(_host_values(call, HOST)), HOST)


def _not_satisfied(device: str) -> InvalidArgumentError:
    available = ", ".join(devices.full_name(item) for item in configuration.logical())
    return InvalidArgumentError(
        None,
        None,
        f"Could not satisfy device specification '{device}'. enable_soft_placement=0. Supported device types [CPU]. "
        f"All available devices [{available}].",
    )


def _host_values(call: Call, device: str) -> list[Any]:
    if devices.ACCELERATED:
        for position, (given, tensor) in enumerate(zip(call.given, call.tensors, strict=True)):
            for each, source in _pairs(tensor, given):
                if each.__class__ is DeviceTensor:
                    _check_policy(call, each, source, position, device)
    return [_plain(item) for item in call.tensors]


def _plain(item: Any) -> Any:
    return [tensor._value for tensor in item] if item.__class__ is list else item._value


def _pairs(tensor: Any, given: Any) -> Any:
    """Pairs the tensors of an input with what the caller gave for them."""
    if tensor.__class__ is not list:
        return ((tensor, given),)
    sources = given if isinstance(given, list | tuple) and len(given) == len(tensor) else [given] * len(tensor)
    return zip(tensor, sources, strict=True)


def _check_policy(call: Call, tensor: Any, given: Any, position: int, device: str) -> None:
    """Sees to it that a tensor of another device may be copied.

    Raises:
      InvalidArgumentError: the device policy forbids it.
    """
    policy = configuration.policy
    if policy == "silent" or not isinstance(given, Tensor):
        return
    if policy == "silent_for_int32" and tensor.dtype is dtypes.int32:
        return
    expected = f"as input #{position} was expected to be on {device} but is actually on {tensor.backing_device}"
    name = call.definition.name
    if policy == "warn":
        import logging  # nothing else of a program that does not log needs it

        logging.getLogger("tensorflow").warning(
            "before computing %s %s (operation running on %s). This triggers a copy which can be a performance "
            "bottleneck.",
            name,
            expected,
            device,
        )
        return
    raise InvalidArgumentError(
        None,
        None,
        f"Tensors on conflicting devices: cannot compute {name} {expected} (operation running on {device}). Tensors "
        "can be copied explicitly using:\n with tf.device(device_name): x = tf.identity(x)\nor transparently copied by "
        "using tf.config.experimental.set_device_policy('silent'). Copying tensors between devices may slow down your "
        "model.",
    )


def _on_accelerator(
    call: Call,
    buffers: dict[int, Buffer],
    device: str,
    engine_device: Any,
    on_host: Callable[[list[Any]], Any],
    shape_problem: Callable[[], str],
) -> Any:
    definition = call.definition
    found: list[Any] = []
    pending: tuple[Callable[[], None], ...] = ()
    static = definition.static_inputs
    copies = definition.name not in ("Identity", "IdentityN")
    for position, (tensor, given) in enumerate(zip(call.tensors, call.given, strict=True)):
        values = []
        for each, source in _pairs(tensor, given):
            if position in buffers:
                values.append(_value_of(buffers[position], engine_device, definition))
                continue
            if position in static:
                values.append(np.asarray(each._value))
                continue
            if each.__class__ is DeviceTensor:
                value = each._array
                if each._checks:
                    pending += tuple(check for check in each._checks if check not in pending)
                if each._device != device:
                    if copies:
                        _check_policy(call, each, source, position, device)
                    value = jax.device_put(value, engine_device)
            else:
                value = each._value
                if copies:
                    _check_policy(call, each, source, position, device)
            values.append(value)
        found.append(values if tensor.__class__ is list else values[0])
    updated = [buffer for position, buffer in buffers.items() if definition.inputs[position].name in definition.updates]
    types = [*[buffer.dtype for buffer in updated], *call.output_types()]
    try:
        kernel, arrays = device_kernels.find(definition, found, call.attrs, types, engine_device)
    except NeedsHost:
        return _softly(call, device, on_host)
    if kernel.refused:
        return _softly(call, device, on_host)
    try:
        if definition.random is not None:
            blocks = definition.random(*found, **call.attrs)
            generator = random_state.eager_generator(definition, found, call.attrs, blocks)
            key, counter = _words(generator.key), np.array(generator.counter, np.uint64)
            results, outcome = kernel(arrays, key, counter)
        else:
            results, outcome = kernel(arrays)
    except OpError:
        raise
    except Exception:
        problem = shape_problem()
        if problem:
            raise InvalidArgumentError(None, None, problem) from None
        if definition.random is not None:
            raise
        outputs = on_host(_host_values(call, HOST))  # raises if the values are at fault
        kernel.refused = True
        if not configuration.soft_placement and devices.asked_for() == device:
            raise _not_satisfied(device) from None
        import logging  # nothing else of a program that does not log needs it

        logging.getLogger("tideflow").debug("running %s on the host: XLA does not take it", definition.name)
        return _wrapped(call, outputs, HOST)
    if outcome is not None:
        pending += (outcome,)
    if updated:
        for check in pending:  # a run that fails leaves the variables as they were
            check()
        pending = ()
        for buffer, value in zip(updated, results, strict=False):
            buffer.store(value)
        results = results[len(updated) :]
        if not definition.outputs:
            return None
    return _wrapped_in_place(results, device, pending)


def _wrapped_in_place(results: Sequence[Any], device: str, checks: tuple[Callable[[], None], ...]) -> Any:
    """Wraps the values that a kernel of an accelerator returned."""
    wrapped = [
        [wrap_array(each, device, checks) for each in item]
        if isinstance(item, list)
        else wrap_array(item, device, checks)
        for item in results
    ]
    return wrapped[0] if len(wrapped) == 1 else wrapped


def _value_of(buffer: Buffer, engine_device: Any, definition: OpDef) -> Any:
    """Returns a variable's value in the memory of an accelerator, and keeps it there; None if there is none yet.

    Raises:
      FailedPreconditionError: there is none, and the operation needs one.
    """
    value = buffer.value
    if value is None:
        return None if definition.allows_uninitialized else buffer.peek()
    if not isinstance(value, jax.Array) or value.device != engine_device:
        value = jax.device_put(value, engine_device)
        buffer.move(value)
    return value if definition.updates else buffer.read_in_place()


def _words(key: Any) -> np.ndarray[Any, Any]:
    return np.array([key], np.uint64) if isinstance(key, int) else np.asarray(key)


def _wrapped(call: Call, result: Any, device: str) -> Any:
    """Wraps the values that a kernel of the host returned."""
    outputs = call.definition.outputs
    if not outputs:
        return None
    results = (result,) if len(outputs) == 1 else result
    wrapped = [
        [wrap_on(each, device if _belongs(each) else HOST) for each in item]
        if argument.is_list
        else wrap_on(item, device if _belongs(item) else HOST)
        for argument, item in zip(outputs, results, strict=True)
    ]
    return wrapped[0] if len(outputs) == 1 else wrapped


def _belongs(value: Any) -> bool:
    return value.dtype.__class__ is not dtypes.DType and value.dtype.kind != "O"


def new_buffer(name: str, dtype: dtypes.DType, shape: Any, initial: EagerTensor) -> Buffer:
    """Returns the storage of a variable on the device that this thread's operations run on, with its first value.

    32-bit integers and what no accelerator holds stay in host memory, as in TensorFlow.
    """
    device = devices.current()
    engine_device = configuration.engine_device(device) if device != HOST else None
    on_host = engine_device is None or dtype is dtypes.int32 or dtype in _HOST_ONLY
    if engine_device is not None and on_host:
        device = HOST
    buffer = Buffer(name, dtype, shape, None if device == HOST else device)
    if on_host:
        buffer.share(initial._value)
    else:
        array = initial._array if initial.__class__ is DeviceTensor else initial._value
        buffer.share(jax.device_put(array, engine_device))
    return buffer


def read(buffer: Buffer) -> EagerTensor:
    """Returns the value of a variable as a tensor, on the device where the variable is."""
    device = buffer.placement
    if device is None:
        return wrap_on(buffer.read(), HOST)
    engine_device = configuration.engine_device(device)
    if engine_device is None:
        return wrap_on(buffer.read(), device)
    with buffer.lock:
        value = buffer.value
        if value is not None and not (isinstance(value, jax.Array) and value.device == engine_device):
            buffer.move(jax.device_put(value, engine_device))
        return wrap_array(buffer.read_in_place(), device)


def wrap_anywhere(value: Any, device: str) -> EagerTensor:
    """Makes an eager tensor of a value in host memory, or in the memory of the accelerator ``device``."""
    return wrap_array(value, device) if devices.is_on_engine(value) else wrap_on(value, HOST)


def place(tensor: Any) -> Any:
    """Returns a tensor that was made of Python values on the device that this thread's operations run on.

    As in TensorFlow, 32-bit integers and strings stay in host memory.
    """
    if tensor.__class__ is not EagerTensor:
        return tensor
    device = devices.current()
    if device == HOST:
        return tensor
    value = tensor._value
    engine_device = configuration.engine_device(device)
    if engine_device is None:
        return wrap_on(value, device) if _belongs(value) else tensor
    if not _belongs(value) or value.dtype is _INT32:
        return tensor
    return wrap_array(jax.device_put(value, engine_device), device)

"""Operations that ask about devices or wait for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import FailedPreconditionError, InvalidArgumentError
from tideflow._src.graph.op_def import Function, OpDef, at_least
from tideflow._src.runtime import devices
from tideflow._src.runtime.lazy import jax
from tideflow._src.runtime.op import op


@op("DeviceIndex", "-> index: int32", tier="host", stateful=True, differentiable="missing")
def device_index_op(*, device_names: list[str]):
    """Finds the device that it runs on, the processor, in a list of types; the length of the list if it has none."""
    return _index(device_names, "CPU")


def _index(names: list[str], kind: str) -> Any:
    return np.int32(names.index(kind) if kind in names else len(names))


@device_index_op.shape
def _device_index_shape():
    return ()


@device_index_op.samples
def _device_index_samples(s):
    yield s(device_names=["GPU", "CPU"])
    yield s(device_names=["CPU", "GPU"])
    yield s(device_names=["GPU"])
    yield s(device_names=[])


@op("SyncDevice", "->", tier="host", stateful=True, differentiable="missing")
def sync_device_op():
    """Waits until the accelerators have done what they were given."""
    for device in devices.list_logical_devices():
        if device.device_type != "CPU":
            engine_device = devices.engine_device_of_program(devices.full_name(device))
            jax.device_put(0, engine_device).block_until_ready()
    return []


@sync_device_op.shape
def _sync_device_shape():
    return []


@sync_device_op.samples
def _sync_device_samples(s):
    yield s()


@op("CheckPinned", "tensor: T -> output: T", tier="host", differentiable="missing")
def check_pinned_op(tensor):
    """Passes on a tensor in page-locked memory; host values here are in NumPy's memory, which is not."""
    raise FailedPreconditionError(
        None, None, "The tensor is not in page-locked (pinned) memory: values on the host are in NumPy's memory."
    )


def check_pinned(tensor: Any, name: str | None = None) -> Any:
    """Passes on a tensor that lies in page-locked memory.

    Args:
      tensor: the tensor.
      name: the name of the operation.

    Raises:
      FailedPreconditionError: it does not; no value on the host does.
    """
    return check_pinned_op(tensor, name=name)


@check_pinned_op.shape
def _check_pinned_shape(tensor):
    return tensor


@check_pinned_op.samples
def _check_pinned_samples(s):
    yield s(s.normal(2, 3), error="FailedPreconditionError")


@op(
    "RemoteCall",
    "target: string, args: list(Tin) -> output: list(Tout)",
    tier="host",
    stateful=True,
    differentiable="missing",
    Tin=at_least(1),
    Tout=at_least(1),
)
def remote_call_op(target, args, *, f: Function):
    """Calls a function on a device of this process that is named when it runs."""
    if target.ndim:
        raise InvalidArgumentError(None, None, f"target must be a scalar, but has shape {list(target.shape)}")
    name = target[()].decode("utf-8", "replace")
    try:
        devices.resolve(name)
    except ValueError as error:
        raise InvalidArgumentError(None, None, str(error)) from None
    return f.run(args)


@remote_call_op.shape
def _remote_call_shape(target, args, *, f):
    return [output._shape for output in f.outputs]


@remote_call_op.samples
def _remote_call_samples(s):
    double = ("float32", (2,))
    scaled = s.body("scaled", lambda x, y: [_call("Mul", x, y), _call("Exp", y)], double, double)
    target = b"/job:localhost/replica:0/task:0/device:CPU:0"
    yield s(target, [s.normal(2), s.normal(2)], f=scaled, Tout=["float32", "float32"], gradient=False)


def _call(name: str, *inputs: Any) -> Any:
    operation: Any = OpDef.registry[name]
    return operation(*inputs)

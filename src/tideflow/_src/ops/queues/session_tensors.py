"""Tensors that stay in a session between runs, under a handle; and small operations about the process."""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import AbortedError, FailedPreconditionError, InvalidArgumentError
from tideflow._src.graph.op_def import Shape
from tideflow._src.ops.queues.queue_resource import lent, owned
from tideflow._src.ops.queues.reader_resources import file_error
from tideflow._src.runtime.buffers import ResourceHandle, eager_resources, resources
from tideflow._src.runtime.op import op

DType = dtypes.DType
_DEVICE = "/job:localhost/replica:0/task:0/device:CPU:0"
_NAME = "session tensors"


class SessionTensors:
    """Keeps the values that one session was asked to keep, by handle."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._numbers = itertools.count()

    def keep(self, value: Any) -> str:
        """Keeps a value and returns its handle."""
        handle = f"GetSessionHandle;{next(self._numbers)};{_DEVICE}"
        self._values[handle] = owned(value)
        return handle

    def value(self, handle: str) -> Any:
        """Returns the value of a handle.

        Raises:
          InvalidArgumentError: there is none.
        """
        try:
            return self._values[handle]
        except KeyError:
            raise _unknown(handle) from None

    def delete(self, handle: str) -> None:
        """Forgets the value of a handle.

        Raises:
          InvalidArgumentError: there is none.
        """
        if self._values.pop(handle, None) is None:
            raise _unknown(handle)


def _unknown(handle: str) -> Exception:
    return InvalidArgumentError(None, None, f"The tensor with handle '{handle}' is not in the session store.")


def _store() -> SessionTensors:
    manager = resources()
    if manager is eager_resources:
        raise FailedPreconditionError(None, None, "GetSessionHandle called on null session state")
    store: SessionTensors = manager.get_or_create("", _NAME, SessionTensors, SessionTensors)
    return store


def _text(handle: Any) -> str:
    value = np.asarray(handle, object)
    if value.ndim:
        raise InvalidArgumentError(None, None, f"A handle is a scalar, but got shape {list(value.shape)}.")
    return bytes(value.item()).decode("utf-8", "replace")


_STATEFUL = {"tier": "host", "stateful": True, "differentiable": False}


@op("GetSessionHandle", "value: T -> handle: string", **_STATEFUL)
def get_session_handle_op(value):
    """Keeps a value in the session and gives its handle."""
    result = np.empty((), object)
    result[()] = _store().keep(value).encode()
    return result


@op("GetSessionHandleV2", "value: T -> handle: resource", **_STATEFUL)
def get_session_handle_v2(value):
    """Keeps a value in the session and gives its handle."""
    store = _store()
    return ResourceHandle(store, store.keep(value))


@op("GetSessionTensor", "handle: string -> value: dtype", **_STATEFUL)
def get_session_tensor_op(handle, *, dtype: DType):
    """Gives the value that the session keeps under a handle."""
    value = _store().value(_text(handle))
    found = dtypes.of_numpy[value.dtype]
    if found is not dtype:
        raise InvalidArgumentError(None, None, f"The tensor of this handle is {found.name}, not {dtype.name}.")
    return lent(value)


@op("DeleteSessionTensor", "handle: string ->", **_STATEFUL)
def delete_session_tensor_op(handle):
    """Lets the session forget the value of a handle."""
    _store().delete(_text(handle))


for _operation in (get_session_handle_op, get_session_handle_v2):

    @_operation.shape
    def _handle_shape(value):
        return ()


@get_session_tensor_op.shape
def _tensor_shape(handle):
    return None


@delete_session_tensor_op.shape
def _nothing(handle):
    return []


@op("Timestamp", "-> ts: float64", **_STATEFUL)
def timestamp_op():
    """Gives the seconds since the beginning of 1970."""
    return np.float64(time.time())


@timestamp_op.shape
def _timestamp_shape():
    return ()


@timestamp_op.samples
def _timestamp_samples(s):
    # Two calls read the clock at two times: all that can be compared is that both are seconds since 1970.
    yield s(tolerance=1.0)


@op("Abort", "->", tier="host", differentiable=False)
def abort_op(*, error_msg: str = "", exit_without_error: bool = False):
    """Stops the program: with ``SystemExit`` if that is no error, else with ``AbortedError``.

    TensorFlow ends the process on the spot; here the program can still clean up.
    """
    if exit_without_error:
        raise SystemExit(0)
    raise AbortedError(None, None, f"Abort_op intentional failure; {error_msg}")


@abort_op.shape
def _abort_shape():
    return []


@abort_op.samples
def _abort_samples(s):
    yield s(error_msg="stop", error="AbortedError")


@op("ImmutableConst", "-> tensor: dtype", tier="host", differentiable=False)
def immutable_const(*, dtype: DType, shape: Shape, memory_region_name: str):
    """Gives the contents of a file as a tensor, mapped into memory rather than read."""
    if dtype.as_numpy_dtype is object:
        raise InvalidArgumentError(None, None, f"ImmutableConst holds numbers, not {dtype.name}.")
    if shape is None or None in shape:
        raise InvalidArgumentError(None, None, f"ImmutableConst needs a fully known shape, got {shape}.")
    try:
        sizes: Any = shape or (1,)
        mapped = np.memmap(memory_region_name, dtype.as_numpy_dtype, "r", shape=sizes)
    except OSError as error:
        raise file_error(error, memory_region_name) from None
    except ValueError as error:
        raise InvalidArgumentError(
            None, None, f"{memory_region_name} does not hold a tensor of shape {shape}: {error}"
        ) from None
    return np.asarray(mapped).reshape(shape)


@immutable_const.shape
def _immutable_const_shape(*, shape):
    return shape


@get_session_handle_op.samples
@get_session_handle_v2.samples
def _handle_samples(s):
    yield s(s.normal(2), error="FailedPreconditionError")


@get_session_tensor_op.samples
def _tensor_samples(s):
    yield s(np.array(b"GetSessionHandle;0;", object), dtype="float", error="FailedPreconditionError")


@delete_session_tensor_op.samples
def _delete_samples(s):
    yield s(np.array(b"GetSessionHandle;0;", object), error="FailedPreconditionError")


@immutable_const.samples
def _immutable_const_samples(s):
    yield s(dtype="float", shape=(2,), memory_region_name="no such file", error="NotFoundError")

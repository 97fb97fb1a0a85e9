"""Handles of tensors that stay in a session between runs: ``get_session_handle`` and what goes with it."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.errors import OpError
from tideflow._src.ops.array.placeholders import placeholder
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.convert import convert_to_tensor

#: Operations whose value a caller gets as a ``TensorHandle``.
HANDLE_OPERATIONS = frozenset(("GetSessionHandle", "GetSessionHandleV2"))


class TensorHandle:
    """Is a handle of a tensor that a session keeps.

    It can be fed in place of the tensor's value. The session forgets the tensor when the handle is deleted or lost.
    """

    def __init__(self, handle: Any, dtype: Any, session: Any) -> None:
        if isinstance(handle, bytes):
            handle = handle.decode()
        self._handle = handle if isinstance(handle, str) else handle.name
        self._dtype = dtype
        self._session = session
        self._deleted = False

    @property
    def handle(self) -> str:
        """The handle as a string, to be fed to what ``get_session_tensor`` returns."""
        return self._handle

    @property
    def dtype(self) -> Any:
        """The dtype of the tensor."""
        return self._dtype

    def __str__(self) -> str:
        return self._handle

    def to_numpy_array(self) -> Any:
        """Returns the value, as the feed of another tensor."""
        return self.eval()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        del copy
        return np.asarray(self.eval(), dtype)

    def eval(self) -> Any:
        """Returns the value of the tensor.

        Raises:
          TypeError: the handle was deleted.
        """
        self._check_held()
        holder, tensor = self._reader()
        return self._session.run(tensor, feed_dict={holder: self._handle})

    def delete(self) -> None:
        """Lets the session forget the tensor.

        Raises:
          TypeError: the handle was deleted before.
        """
        self._check_held()
        self._deleted = True
        with self._session.graph.as_default():
            holder, deleter = delete_session_tensor(self._handle)
        self._session.run(deleter, feed_dict={holder: self._handle})

    def get_raw_handle(self) -> str:
        """Returns the handle as a string; the tensor then stays until the session is closed."""
        self._deleted = True
        return self._handle

    def _reader(self) -> Any:
        graph = self._session.graph
        readers = graph.__dict__.setdefault("_session_tensor_readers", {})
        if self._dtype not in readers:
            with graph.as_default():
                readers[self._dtype] = get_session_tensor(self._handle, self._dtype)
        return readers[self._dtype]

    def _check_held(self) -> None:
        if self._deleted:
            raise TypeError(f"Persistent tensor {self._handle} may have already been deleted.")

    def __del__(self) -> None:
        if not getattr(self, "_deleted", True) and not self._session._closed:
            with contextlib.suppress(OpError):  # somebody else may have deleted it
                self._session._forget(self._handle)


def get_session_handle(data: Any, name: str | None = None) -> Any:
    """Returns the operation that keeps a tensor in the session; running it gives a ``TensorHandle``.

    Args:
      data: the tensor.
      name: the name of the operation.

    Raises:
      TypeError: ``data`` is not a tensor.
    """
    if not hasattr(data, "dtype"):
        raise TypeError(f"`data` must be of type Tensor, but got {type(data).__name__}.")
    return raw.GetSessionHandle(convert_to_tensor(data), name=name)


def get_session_tensor(handle: str, dtype: Any, name: str | None = None) -> tuple[Any, Any]:
    """Returns a placeholder for a handle, and the tensor that the session keeps under the handle fed to it.

    Args:
      handle: a handle as a string.
      dtype: the dtype of the tensor.
      name: the name of the operation.
    """
    _check_handle(handle)
    holder = placeholder(dtypes.string)
    return holder, raw.GetSessionTensor(holder, dtype=dtype, name=name)


def delete_session_tensor(handle: str, name: str | None = None) -> tuple[Any, Any]:
    """Returns a placeholder for a handle, and the operation that lets the session forget what is kept under it.

    Args:
      handle: a handle as a string.
      name: the name of the operation.
    """
    _check_handle(handle)
    graph = context.default_graph()
    deleters = graph.__dict__.setdefault("_session_tensor_deleters", {})
    if name not in deleters:
        holder = placeholder(dtypes.string)
        deleters[name] = holder, raw.DeleteSessionTensor(holder, name=name)
    return deleters[name]


def _check_handle(handle: Any) -> None:
    text = handle.decode() if isinstance(handle, bytes) else handle
    if not isinstance(text, str) or text.count(";") != 2:
        raise ValueError(f"{handle!r} is not the handle of a session's tensor; take the `handle` of a TensorHandle.")

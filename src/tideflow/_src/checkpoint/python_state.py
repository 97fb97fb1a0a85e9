"""``tf.train.experimental.PythonState``: objects of Python whose state a checkpoint holds."""

from __future__ import annotations

import abc
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.trackable import Trackable

#: The name of the state in a checkpoint.
PYTHON_STATE = "py_state"


class PythonState(Trackable, metaclass=abc.ABCMeta):
    """Is the base class of what puts its state into a checkpoint as a string.

    >>> import tideflow as tf
    >>> class Counter(tf.train.experimental.PythonState):
    ...     count = 0
    ...     def serialize(self):
    ...         return str(self.count)
    ...     def deserialize(self, string_value):
    ...         self.count = int(string_value)
    >>> checkpoint = tf.train.Checkpoint(counter=Counter())
    """

    @abc.abstractmethod
    def serialize(self) -> Any:
        """Returns the state, a string or bytes."""

    @abc.abstractmethod
    def deserialize(self, string_value: Any) -> None:
        """Takes a state over.

        Args:
          string_value: what `serialize` returned, as bytes.
        """

    def _serialize_to_tensors(self) -> dict[str, Any]:
        with init_scope():
            return {PYTHON_STATE: convert_to_tensor(self.serialize(), dtypes.string)}

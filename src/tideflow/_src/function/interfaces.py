"""What programs check and annotate: what can be called as a function, and what converts to a tensor."""

from __future__ import annotations

import abc
from typing import Any, Union

import numpy as np

from tideflow._src.core.tensor import Tensor
from tideflow._src.function.function_type import FunctionType

#: What converts to a tensor.
TensorLike = Union[Tensor, int, float, bool, str, bytes, complex, tuple, list, np.ndarray, np.generic]  # noqa: UP007


class Callable(abc.ABC):
    """Is what TensorFlow calls as a function: it has a signature, and can be called."""

    @property
    @abc.abstractmethod
    def function_type(self) -> FunctionType:
        """The signature."""

    @abc.abstractmethod
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls it."""


class AtomicFunction(Callable):
    """Is a function of the runtime, which takes what it captures beside its arguments; for annotations and checks."""

    def call_with_captures(self, args: Any, kwargs: Any, captures: Any) -> Any:
        """Calls it with captured values of one's own."""
        raise NotImplementedError("An AtomicFunction is abstract.")


class DistributedValues:
    """Is a value that each replica has its own part of; for annotations and checks."""


class PerReplica(DistributedValues):
    """Is a value that may differ from replica to replica; for annotations and checks."""


class Mirrored(DistributedValues):
    """Is a value that is the same on all replicas; for annotations and checks."""

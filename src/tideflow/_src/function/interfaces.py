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

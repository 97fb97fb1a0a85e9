"""NumPy's methods and properties of tensors: ``.T``, ``.astype``, ``.reshape`` and others."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core.tensor import EagerTensor, SymbolicTensor, Tensor
from tideflow._src.numpy_api import elementwise, manipulation, reductions
from tideflow._src.numpy_api.operators import as_weak
from tideflow._src.numpy_api.weak_tensor import WeakTensor
from tideflow._src.ops.math.casting import cast


def _transposed(self: Any) -> Any:
    """The tensor with its axes reversed."""
    return manipulation.transpose(self)


def _ndim(self: Any) -> Any:
    """The number of axes, or None if it is not known."""
    return self.shape.rank


def _size(self: Any) -> Any:
    """The number of elements, or None if it is not known."""
    if not self.shape.is_fully_defined():
        return None
    return np.prod(self.shape.as_list(), dtype=np.int64) if self.shape.rank else np.float64(1.0)


def _itself(self: Any) -> Any:
    """The tensor itself."""
    return self


def _tolist(self: Any) -> Any:
    """Returns the elements as nested lists of Python numbers."""
    if isinstance(self, SymbolicTensor):
        raise ValueError("Symbolic Tensors do not support the tolist API.")
    return self.numpy().tolist()


def _reshape(self: Any, *newshape: Any, **kwargs: Any) -> Any:
    """Returns the elements in another shape, which may be given as one sequence or as several integers."""
    order = kwargs.pop("order", "C")
    if kwargs:
        raise ValueError(f"Unsupported arguments: {kwargs.keys()}")
    if len(newshape) == 1 and not isinstance(newshape[0], numbers.Integral):
        (newshape,) = newshape
    return manipulation.reshape(self, newshape, order=order)


_METHODS: dict[str, Any] = {
    "T": property(_transposed),
    "ndim": property(_ndim),
    "size": property(_size),
    "data": property(_itself),
    "__pos__": _itself,
    "tolist": _tolist,
    "transpose": manipulation.transpose,
    "flatten": manipulation.flatten,
    "reshape": _reshape,
    "ravel": manipulation.ravel,
    "clip": elementwise.clip,
    "astype": cast,
    "__round__": elementwise.around,
    "max": reductions.amax,
    "mean": reductions.mean,
    "min": reductions.amin,
}
#: Methods whose result is weak if the tensor is.
_KEEP_WEAKNESS = ("transpose", "flatten", "reshape", "ravel", "__round__", "max", "mean", "min")
#: What ``install`` replaced, by class and name; None where there was nothing.
_replaced: dict[tuple[type, str], Any] = {}


def install() -> None:
    """Gives every tensor NumPy's methods. It may be called again."""
    if _replaced:
        return
    for kind in (Tensor, EagerTensor):
        for name, method in _METHODS.items():
            if kind is Tensor or name in kind.__dict__:
                _replaced[kind, name] = kind.__dict__.get(name)
                setattr(kind, name, method)
    for name, method in _METHODS.items():
        if isinstance(method, property) or name == "tolist" or name == "__pos__":
            setattr(WeakTensor, name, method)
        elif name in _KEEP_WEAKNESS:
            setattr(WeakTensor, name, _weakly(method))
    WeakTensor.T = property(lambda self: as_weak(manipulation.transpose(self.tensor)))  # type: ignore[attr-defined]


def _weakly(method: Callable[..., Any]) -> Callable[..., Any]:
    def of_weak(self: Any, *args: Any, **kwargs: Any) -> Any:
        return as_weak(method(self.tensor, *args, **kwargs))

    of_weak.__doc__ = method.__doc__
    return of_weak


def uninstall() -> None:
    """Takes back what ``install`` gave."""
    for (kind, name), method in _replaced.items():
        if method is None:
            delattr(kind, name)
        else:
            setattr(kind, name, method)
    _replaced.clear()

"""Gives NumPy the names back that NumPy 1.24 and 2.x removed, for programs of the time of TensorFlow 1.x.

Only ``python -m tideflow --v1`` and ``--v0`` do so: what a process imports as a library sees NumPy as it is.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

_SAME_AS: dict[str, Any] = {
    "Inf": np.inf,
    "Infinity": np.inf,
    "NINF": -np.inf,
    "NZERO": -0.0,
    "NaN": np.nan,
    "PINF": np.inf,
    "PZERO": 0.0,
    "alltrue": np.all,
    "cfloat": np.complex128,
    "clongfloat": np.clongdouble,
    "complex": complex,
    "complex_": np.complex128,
    "cumproduct": np.cumprod,
    "float": float,
    "float_": np.float64,
    "infty": np.inf,
    "int": int,
    "longcomplex": np.clongdouble,
    "longfloat": np.longdouble,
    "mat": np.asmatrix,
    "object": object,
    "product": np.prod,
    "rank": np.ndim,
    "round_": np.round,
    "row_stack": np.vstack,
    "singlecomplex": np.complex64,
    "sometrue": np.any,
    "str": str,
    "string_": np.bytes_,
    "trapz": np.trapezoid,
    "unicode": str,
    "unicode_": np.str_,
}


def restore() -> None:
    """Adds the names to the module ``numpy`` that it does not have."""
    names = vars(np)
    for name, value in {**_SAME_AS, "asfarray": _asfarray, "asscalar": _asscalar, "in1d": _in1d}.items():
        if name not in names:
            setattr(np, name, value)
    if not hasattr(np.reshape, "takes_newshape"):
        np.reshape = _with_newshape(np.reshape)
    if not hasattr(np.issubdtype, "takes_kinds"):
        np.issubdtype = _with_kinds(np.issubdtype)


def _asscalar(a: Any) -> Any:
    """Returns the one element of an array as a Python number."""
    return a.item()


def _asfarray(a: Any, dtype: Any = np.float64) -> Any:
    """Returns an array of floating numbers."""
    return np.asarray(a, dtype if np.issubdtype(dtype, np.inexact) else np.float64)


def _in1d(ar1: Any, ar2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """Tells of each element of the flattened ``ar1`` whether it is in ``ar2``."""
    return np.isin(np.ravel(ar1), ar2, assume_unique=assume_unique, invert=invert)


def _with_newshape(reshape: Any) -> Any:
    """Returns ``np.reshape`` with the argument ``newshape``, the older name of ``shape``."""

    @functools.wraps(reshape)
    def function(a: Any, *args: Any, **kwargs: Any) -> Any:
        if "newshape" in kwargs:
            kwargs["shape"] = kwargs.pop("newshape")
        return reshape(a, *args, **kwargs)

    function.takes_newshape = True  # type: ignore[attr-defined]
    return function


def _with_kinds(issubdtype: Any) -> Any:
    """Returns ``np.issubdtype`` for which Python's ``float`` and ``int``, too, mean numbers of every size."""
    kinds = {float: np.floating, int: np.signedinteger}

    @functools.wraps(issubdtype)
    def function(arg1: Any, arg2: Any) -> Any:
        return issubdtype(arg1, kinds.get(arg2, arg2) if isinstance(arg2, type) else arg2)

    function.takes_kinds = True  # type: ignore[attr-defined]
    return function

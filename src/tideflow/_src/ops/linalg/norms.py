"""Norms of vectors, matrices and lists of tensors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.linalg.decompositions import svd_op
from tideflow._src.ops.math.reduction import l2_loss_op
from tideflow._src.ops.math.reduction_functions import one_of, reduce_max, reduce_sum
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

_MATRIX_ORDERS = ("euclidean", "fro", 1, 2, np.inf)


def l2_loss(t: Any, name: str | None = None) -> Any:
    """Halves the sum of the squares of all elements.

    Args:
      t: a tensor of a floating type.
      name: the name of the node.

    Returns:
      A scalar of the same dtype.
    """
    return l2_loss_op(t, name=name)


def norm(tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: Any = None, name: str | None = None) -> Any:
    """Computes the norms of vectors or matrices.

    Args:
      tensor: a tensor of real or complex numbers.
      ord: ``"euclidean"``, ``"fro"``, ``inf`` or a positive number; for matrices ``"euclidean"``, ``"fro"``, 1, 2 or
        ``inf``.
      axis: the axis of the vectors, or the two axes of the matrices; the whole tensor as one vector if None.
      keepdims: whether the axes stay, with size 1.
      name: the name scope of the nodes.

    Returns:
      A tensor of the same dtype.

    Raises:
      ValueError: there is no such norm, or ``axis`` is neither.
    """
    keepdims = bool(keepdims)
    is_matrix = isinstance(axis, list | tuple) and len(axis) == 2
    if is_matrix:
        axis = tuple(axis)
        if axis[0] == axis[1] or not all(isinstance(item, int) for item in axis):
            raise ValueError(f"'axis' must be None, an integer, or a tuple of 2 unique integers, got {axis}")
        if ord not in _MATRIX_ORDERS:
            raise ValueError(f"'ord' must be a supported matrix norm in {list(_MATRIX_ORDERS)}, got {ord}")
    else:
        if not (axis is None or isinstance(axis, int | np.integer)):
            raise ValueError(f"'axis' must be None, an integer, or a tuple of 2 unique integers, got {axis}")
        if ord in ("fro",) or (isinstance(ord, str) and ord != "euclidean"):
            raise ValueError(f"'ord' must be a supported vector norm, got {ord}")
        if not isinstance(ord, str) and ord <= 0:
            raise ValueError(f"'ord' must be a supported vector norm, got {ord}")
    with name_scope(name, "norm", [tensor]):
        x = convert_to_tensor(tensor)
        axes = list(axis) if is_matrix else axis
        if ord in ("fro", "euclidean", 2, 2.0):
            if is_matrix and ord in (2, 2.0):
                return _spectral_norm(x, axis, keepdims)
            conjugate = raw.Conj(x) if x.dtype.is_complex else x
            result = raw.Sqrt(reduce_sum(raw.Mul(x, conjugate, name="mul"), axes, True))
        else:
            magnitudes = raw.ComplexAbs(x, Tout=x.dtype.real_dtype) if x.dtype.is_complex else raw.Abs(x)
            if ord == 1:
                result = reduce_sum(magnitudes, axes[0] if is_matrix else axes, True)
                result = reduce_max(result, axes[1], True) if is_matrix else result
            elif ord == np.inf:
                if is_matrix:
                    magnitudes = reduce_sum(magnitudes, axes[1], True)
                result = reduce_max(magnitudes, axes[0] if is_matrix else axes, True)
            else:
                power = np.asarray(ord, magnitudes.dtype.as_numpy_dtype)
                total = reduce_sum(raw.Pow(magnitudes, power), axes, True)
                result = raw.Pow(total, np.asarray(1.0 / ord, magnitudes.dtype.as_numpy_dtype))
        if keepdims:
            return result
        if axis is None:
            return raw.Squeeze(result)
        return raw.Squeeze(result, squeeze_dims=axes if is_matrix else [int(axis)])


def _spectral_norm(x: Any, axis: tuple[int, int], keepdims: bool) -> Any:
    rank = x.shape.rank
    if rank is None:
        raise ValueError("The spectral norm needs a tensor of known rank.")
    matrix = [item % rank for item in axis]
    order = [item for item in range(rank) if item not in matrix] + matrix
    if order != list(range(rank)):
        x = raw.Transpose(x, np.array(order, np.int32))
    values = svd_op(x, compute_uv=False)[0]
    if values.dtype.is_complex:
        values = raw.Real(values, Tout=values.dtype.real_dtype)
    result = reduce_max(values, -1, False)
    if keepdims:
        for item in sorted(matrix):
            result = raw.ExpandDims(result, np.int32(item))
    return result


def norm_v1(
    tensor: Any,
    ord: Any = "euclidean",
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    keep_dims: Any = None,
) -> Any:
    """Computes the norms of vectors or matrices, with TensorFlow 1's arguments; see ``norm``."""
    return norm(tensor, ord, axis, one_of("keepdims", keepdims, "keep_dims", keep_dims), name)


def normalize(tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None) -> tuple[Any, Any]:
    """Divides vectors or matrices by their norms.

    Args:
      tensor: a tensor of real or complex numbers.
      ord: the norm; see ``norm``.
      axis: the axis of the vectors, or the two axes of the matrices; the whole tensor as one vector if None.
      name: the name scope of the nodes.

    Returns:
      The normalized tensor, and the norms with the axes kept.
    """
    with name_scope(name, "normalize", [tensor]):
        x = convert_to_tensor(tensor)
        size = norm(x, ord, axis, True)
        if size.dtype != x.dtype:
            size = raw.Cast(size, DstT=x.dtype)
        return raw.RealDiv(x, size, name="truediv"), size


def global_norm(t_list: Iterable[Any], name: str | None = None) -> Any:
    """Computes the norm of all elements of several tensors together.

    Args:
      t_list: tensors, ``IndexedSlices`` and None, which is skipped.
      name: the name scope of the nodes.

    Returns:
      A scalar.

    Raises:
      TypeError: ``t_list`` is not a sequence.
    """
    if not isinstance(t_list, list | tuple):
        raise TypeError(f"`t_list` should be a sequence of tensors. Received {type(t_list)}.")
    items = list(t_list)
    with name_scope(name, "global_norm", items):
        halves = []
        for item in items:
            if item is None:
                continue
            values = item.values if hasattr(item, "dense_shape") and not isinstance(item, Tensor) else item
            halves.append(l2_loss_op(values if isinstance(values, Tensor) else convert_to_tensor(values)))
        half = reduce_sum(raw.Pack(halves, name="stack"))
        two = convert_to_tensor(np.asarray(2.0, half.dtype.as_numpy_dtype))
        return raw.Sqrt(raw.Mul(half, two, name="mul"), name="global_norm")

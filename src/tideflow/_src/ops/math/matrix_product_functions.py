"""The public matrix products: ``tf.matmul`` and the ``@`` operator, ``matvec``, ``tensordot``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import EagerTensor, Tensor, install_operator
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops import dispatch
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape
from tideflow._src.ops.math.arithmetic import conjugate
from tideflow._src.ops.math.matrix_product import batch_mat_mul_v2, batch_mat_mul_v3, mat_mul, sparse_mat_mul
from tideflow._src.ops.math.reduction import remaining_axes
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.fast_path import fast_path

_EXACT = frozenset(np.dtype(name) for name in ("f4", "f8", "c8", "c16", "i4", "i8"))


@fast_path(
    mat_mul,
    tensors=("a", "b"),
    when=(
        "v_a.dtype is v_b.dtype and v_a.dtype in EXACT and v_a.ndim == 2 == v_b.ndim and output_type is None"
        " and not (adjoint_a or adjoint_b or a_is_sparse or b_is_sparse)"
    ),
    value="RUN((v_a.T if transpose_a else v_a).dot, v_b.T if transpose_b else v_b)",
    inputs="(a, b)",
    attrs="{'transpose_a': bool(transpose_a), 'transpose_b': bool(transpose_b)}",
    EXACT=_EXACT,
)
def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    output_type: Any = None,
    grad_a: bool = False,
    grad_b: bool = False,
    name: str | None = None,
) -> Any:
    """Multiplies matrices; of tensors of higher rank, the matrices in the last two dimensions.

    Args:
      a, b: tensors of rank 2 or more, of one dtype; the dimensions before the last two are broadcast.
      transpose_a, transpose_b: whether to transpose the matrices of ``a`` or ``b`` first.
      adjoint_a, adjoint_b: whether to transpose and conjugate them.
      a_is_sparse, b_is_sparse: hints that a matrix holds many zeros.
      output_type: the dtype of the result, if it is not that of the inputs.
      grad_a, grad_b: mark products made for a gradient.
      name: the name of the node.

    Returns:
      The products.

    Raises:
      ValueError: both transpose and adjoint are asked for, or static shapes do not fit.
      InvalidArgumentError: shapes of values do not fit.
    """
    if hasattr(a, "_linop_matmul") or hasattr(b, "_linop_matmul"):
        return _operator_product(
            a, b, transpose_a or transpose_b, adjoint_a, adjoint_b, a_is_sparse or b_is_sparse, name
        )
    if transpose_a and adjoint_a:
        raise ValueError("Only one of `transpose_a` and `adjoint_a` can be True. Received both as True.")
    if transpose_b and adjoint_b:
        raise ValueError("Only one of `transpose_b` and `adjoint_b` can be True. Received both as True.")
    with name_scope(name, "MatMul", [a, b]) as scope:
        a = convert_to_tensor(a, name="a")
        b = convert_to_tensor(b, name="b", dtype_hint=a.dtype.base_dtype) if not isinstance(b, Tensor) else b
        shape_a, shape_b = known_shape(a), known_shape(b)
        wanted = None if output_type is None else dtypes.as_dtype(output_type)
        other_type = wanted is not None and (wanted is not a.dtype.base_dtype or wanted is not b.dtype.base_dtype)
        batches = (shape_a is None or len(shape_a) > 2) and (shape_b is None or len(shape_b) > 2)
        batches = batches or (shape_a is not None and len(shape_a) > 2) or (shape_b is not None and len(shape_b) > 2)
        unknown = shape_a is None or shape_b is None
        if batches or unknown or other_type:
            if transpose_a:
                a, adjoint_a = conjugate(a), True
            if transpose_b:
                b, adjoint_b = conjugate(b), True
            marks = {"adj_x": adjoint_a, "adj_y": adjoint_b, "grad_x": grad_a, "grad_y": grad_b}
            if other_type:
                return batch_mat_mul_v3(a, b, Tout=wanted, **marks, name=scope)
            return batch_mat_mul_v2(a, b, **marks, name=scope)
        if adjoint_a:
            a, transpose_a = conjugate(a), True
        if adjoint_b:
            b, transpose_b = conjugate(b), True
        sparse_types = (dtypes.float32, dtypes.bfloat16)
        if (a_is_sparse or b_is_sparse) and a.dtype in sparse_types and b.dtype in sparse_types:
            product = sparse_mat_mul(
                a,
                b,
                transpose_a=transpose_a,
                transpose_b=transpose_b,
                a_is_sparse=a_is_sparse,
                b_is_sparse=b_is_sparse,
                name=scope,
            )
            if a.dtype == b.dtype == dtypes.bfloat16:
                return raw.Cast(product, DstT=dtypes.bfloat16)
            return product
        return mat_mul(a, b, transpose_a=transpose_a, transpose_b=transpose_b, grad_a=grad_a, grad_b=grad_b, name=scope)


def _operator_product(
    a: Any, b: Any, transposes: bool, adjoint_a: bool, adjoint_b: bool, sparse: bool, name: str | None
) -> Any:
    """Multiplies with a ``LinearOperator``, whose method does it."""
    if transposes:
        raise ValueError("Transposing not supported at this time.")
    if sparse:
        raise ValueError("Sparse methods not supported at this time.")
    name = name or "matmul"
    if hasattr(a, "_linop_matmul"):
        return a.matmul(b, adjoint=adjoint_a, adjoint_arg=adjoint_b, name=name)
    turned = b.matmul(a, adjoint=not adjoint_b, adjoint_arg=not adjoint_a, name=name)
    rank = turned.shape.rank
    order = np.array([*range(rank - 2), rank - 1, rank - 2], np.int32)
    return raw.Transpose(conjugate(turned), order)


def matmul_v0(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Any:
    """Multiplies two matrices, with the arguments of TensorFlow 0.x; see ``matmul``."""
    return matmul(a, b, transpose_a, transpose_b, a_is_sparse=a_is_sparse, b_is_sparse=b_is_sparse, name=name)


def batch_matmul_v0(x: Any, y: Any, adj_x: bool = False, adj_y: bool = False, name: str | None = None) -> Any:
    """Multiplies matrices pair by pair in two batches, as ``tf.batch_matmul`` of TensorFlow 0.x does."""
    return raw.BatchMatMul(x, y, adj_x=adj_x, adj_y=adj_y, name=name)


def _operator(x: Any, y: Any) -> Any:
    """Is ``x @ y``."""
    if x.__class__ is EagerTensor and y.__class__ is EagerTensor and not context.BUILDING:
        return matmul(x, y)
    if isinstance(y, Tensor) or not hasattr(type(y), "__rmatmul__"):
        return matmul(x, y, name="matmul")
    try:
        return matmul(x, y, name="matmul")
    except (TypeError, ValueError):
        result = y.__rmatmul__(x)
        if result is NotImplemented:
            raise
        return result


def _reflected_operator(y: Any, x: Any) -> Any:
    """Is ``x @ y`` where ``x`` is not a tensor."""
    if not isinstance(x, Tensor):
        result = dispatch.handled(matmul, x, y)
        if result is not dispatch.NOT_SUPPORTED:
            return result
        x = convert_to_tensor(x, dtype_hint=y.dtype.base_dtype, name="x")
    return matmul(x, y, name="matmul")


install_operator("__matmul__", _operator)
install_operator("__rmatmul__", _reflected_operator)


def matvec(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    adjoint_a: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Any:
    """Multiplies matrices by vectors.

    Args:
      a: a tensor of shape (..., rows, columns).
      b: a tensor of shape (..., columns).
      transpose_a, adjoint_a: whether to transpose (and conjugate) the matrices first.
      a_is_sparse, b_is_sparse: hints that a tensor holds many zeros.
      name: the name scope of the nodes.

    Returns:
      A tensor of shape (..., rows).
    """
    with name_scope(name, "MatVec", [a, b]):
        column = raw.ExpandDims(b, np.int32(-1)) if isinstance(b, Tensor) else _column(a, b)
        product = matmul(
            a, column, transpose_a=transpose_a, adjoint_a=adjoint_a, a_is_sparse=a_is_sparse, b_is_sparse=b_is_sparse
        )
        return raw.Squeeze(product, squeeze_dims=[-1])


def _column(a: Any, b: Any) -> Any:
    hint = a.dtype.base_dtype if isinstance(a, Tensor) else None
    return raw.ExpandDims(convert_to_tensor(b, dtype_hint=hint), np.int32(-1))


# tensordot.


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Any:
    """Sums products over pairs of axes of two tensors, as ``numpy.tensordot`` does.

    Args:
      a, b: tensors of one dtype.
      axes: a number ``n``: the last ``n`` axes of ``a`` with the first ``n`` of ``b``; or two lists of axes (or a
        tensor of shape (2, n)): those of ``a`` with those of ``b``.
      name: the name of the result's node.

    Returns:
      A tensor whose axes are the remaining ones of ``a``, then those of ``b``.

    Raises:
      ValueError: ``axes`` is neither, or names axes that do not exist.
    """
    with name_scope(name, "Tensordot", [a, b, axes]) as scope:
        a = convert_to_tensor(a, name="a")
        b = convert_to_tensor(b, name="b", dtype_hint=a.dtype.base_dtype)
        axes_a, axes_b = _contracted_axes(a, axes)
        matrix_a, free_a, static_a = _as_matrix(a, axes_a, contracted_last=True)
        matrix_b, free_b, static_b = _as_matrix(b, axes_b, contracted_last=False)
        product = matmul(matrix_a, matrix_b)
        if isinstance(free_a, list) and isinstance(free_b, list):
            shape = free_a + free_b
            if product.__class__ is not EagerTensor and known_shape(product) == tuple(shape):
                return product
            return raw.Reshape(product, convert_to_tensor(np.array(shape, np.int32), name="shape"), name=scope)
        sizes = [
            convert_to_tensor(np.array(free, np.int32), name="Const") if isinstance(free, list) else free
            for free in (free_a, free_b)
        ]
        result = raw.Reshape(product, raw.ConcatV2(sizes, np.int32(0), name="concat"), name=scope)
        if static_a is not None and static_b is not None and result.__class__ is not EagerTensor:
            result.set_shape(static_a + static_b)
        return result


def _contracted_axes(a: Any, axes: Any) -> tuple[Any, Any]:
    if isinstance(axes, Tensor):
        value = static_value(axes)
        if value is None:
            parts = raw.Unpack(axes, num=2)
            return parts[0], parts[1]
        axes = value.tolist()
    if isinstance(axes, int | np.integer):
        if axes < 0:
            raise ValueError(f"`axes` must be at least 0. Received: {axes}.")
        shape = known_shape(a)
        if shape is not None:
            if axes > len(shape):
                raise ValueError(
                    f"`axes` must not be larger than the number of dimensions of tensor {a}. Received {axes}."
                )
            return list(range(len(shape) - axes, len(shape))), list(range(axes))
        rank = raw.Rank(a)
        return raw.Range(raw.Sub(rank, np.int32(axes)), rank, np.int32(1)), list(range(axes))
    if isinstance(axes, np.ndarray):
        axes = axes.tolist()
    if not isinstance(axes, Sequence) or len(axes) != 2:
        raise ValueError(f"`axes` must be an integer or have length 2. Received {axes}.")
    first, second = ([int(item)] if isinstance(item, int | np.integer) else list(item) for item in axes)
    if len(first) != len(second):
        raise ValueError(f"Different number of contraction axes `a` and `b`, {len(first)} != {len(second)}.")
    return [int(axis) for axis in first], [int(axis) for axis in second]


def _as_matrix(tensor: Any, axes: Any, *, contracted_last: bool) -> tuple[Any, Any, Any]:
    """Returns the matrix of free and contracted elements, the sizes of the free axes, and their static sizes."""
    shape = known_shape(tensor)
    if shape is not None and isinstance(axes, list):
        rank = len(shape)
        for axis in axes:
            if not -rank <= axis < rank:
                raise ValueError(f"`axes` names the dimension {axis} of a tensor of rank {rank}.")
        axes = [axis % rank for axis in axes]
        free = [axis for axis in range(rank) if axis not in axes]
        order = free + axes if contracted_last else axes + free
        static_free: Any = [shape[axis] for axis in free]
        if None not in shape:
            free_size = int(np.prod(static_free, dtype=np.int64))
            contracted = int(np.prod([shape[axis] for axis in axes], dtype=np.int64))
            target = (free_size, contracted) if contracted_last else (contracted, free_size)
            if order != list(range(rank)):
                tensor = raw.Transpose(tensor, np.array(order, np.int32), name="transpose")
            if known_shape(tensor) != target:
                tensor = raw.Reshape(tensor, np.array(target, np.int32))
            return tensor, static_free, static_free
        axes_tensor = convert_to_tensor(np.array(axes, np.int32), name="axes")
        free_tensor = convert_to_tensor(np.array(free, np.int32), name="free")
        sizes = raw.Shape(tensor)
    else:
        static_free = None
        sizes = raw.Shape(tensor)
        rank_tensor = raw.Rank(tensor)
        axes_tensor = convert_to_tensor(np.array(axes, np.int32) if isinstance(axes, list) else axes, name="axes")
        axes_tensor = raw.FloorMod(raw.AddV2(axes_tensor, rank_tensor), rank_tensor)
        free_tensor = remaining_axes(rank_tensor, axes_tensor)
    free_sizes = raw.GatherV2(sizes, free_tensor, np.int32(0))
    zero = np.array([0], np.int32)
    free_count = raw.Prod(free_sizes, zero)
    contracted_count = raw.Prod(raw.GatherV2(sizes, axes_tensor, np.int32(0)), zero)
    parts = [free_tensor, axes_tensor] if contracted_last else [axes_tensor, free_tensor]
    counts = [free_count, contracted_count] if contracted_last else [contracted_count, free_count]
    permuted = raw.Transpose(tensor, raw.ConcatV2(parts, np.int32(0)), name="transpose")
    return raw.Reshape(permuted, raw.Pack(counts, name="stack")), free_sizes, static_free

"""Matrix products: of two matrices, of batches of matrices with broadcasting, and their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import default
from tideflow._src.graph.shape_inference import broadcast
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, merge, merge_dimensions, text, with_rank, with_rank_at_least
from tideflow._src.ops.math.arithmetic import conjugate
from tideflow._src.ops.math.reduction import is_short_float
from tideflow._src.runtime.lazy import jnp
from tideflow._src.runtime.op import op

_MATMUL_TYPES = [
    "bfloat16",
    "half",
    "float",
    "double",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "complex64",
    "complex128",
]
_BATCH_TYPES = ["bfloat16", "half", "float", "double", "int32", "int64", "complex64", "complex128"]
_BATCH_V2_TYPES = [*_BATCH_TYPES, "int16", "uint8", "uint16", "uint32", "uint64"]
_BATCH_V3_TYPES = [*_BATCH_TYPES, "uint8", "int8", "int16"]
_BATCH_V3_RESULTS = [*_BATCH_TYPES, "int16"]


def _host_product(x: Any, y: Any) -> Any:
    """Multiplies (batches of) matrices with NumPy; 16-bit floats are multiplied in 32 bits."""
    dtype = x.dtype
    if is_short_float(dtype):
        return np.matmul(x.astype(np.float32), y.astype(np.float32)).astype(dtype)
    return np.matmul(x, y)


def _xla_product(x: Any, y: Any) -> Any:
    """Multiplies (batches of) matrices in a compiled program.

    A batch times one matrix is one large product of two matrices, which XLA does faster than a product with two
    free dimensions on one side.
    """
    if y.ndim == 2 and x.ndim > 2:
        rows = jnp.reshape(x, (-1, x.shape[-1])) if x.size else x.reshape(int(np.prod(x.shape[:-1])), x.shape[-1])
        return jnp.reshape(_xla_product(rows, y), (*x.shape[:-1], y.shape[-1]))
    if is_short_float(x.dtype):
        return jnp.matmul(x, y, preferred_element_type=np.float32).astype(x.dtype)
    return jnp.matmul(x, y)


def _swap(xp: Any, x: Any) -> Any:
    return xp.swapaxes(x, -1, -2)


def _adjoint(xp: Any, x: Any) -> Any:
    return _swap(xp, xp.conj(x)) if x.dtype.kind == "c" else _swap(xp, x)


# MatMul.


@op("MatMul", "a: T, b: T -> product: T", T=_MATMUL_TYPES)
def mat_mul(
    xp, a, b, *, transpose_a: bool = False, transpose_b: bool = False, grad_a: bool = False, grad_b: bool = False
):
    """Multiplies two matrices, each transposed first if asked."""
    _check_matrices(a, b, transpose_a, transpose_b)
    return _xla_product(a.T if transpose_a else a, b.T if transpose_b else b)


@mat_mul.host
def _mat_mul_host(
    a, b, *, transpose_a: bool = False, transpose_b: bool = False, grad_a: bool = False, grad_b: bool = False
):
    _check_matrices(a, b, transpose_a, transpose_b)
    if transpose_a:
        a = a.T
    if transpose_b:
        b = b.T
    return _host_product(a, b) if is_short_float(a.dtype) else a.dot(b)


def _check_matrices(a: Any, b: Any, transpose_a: bool, transpose_b: bool) -> None:
    if a.ndim != 2 or b.ndim != 2:
        which, value = (0, a) if a.ndim != 2 else (1, b)
        raise InvalidArgumentError(
            None, None, f"In[{which}] is not a matrix. Instead it has shape {text(tuple(value.shape))}"
        )
    if a.shape[0 if transpose_a else 1] != b.shape[1 if transpose_b else 0]:
        raise InvalidArgumentError(
            None,
            None,
            f"Matrix size-incompatible: In[0]: {text(a.shape)}, In[1]: {text(b.shape)}"
            + (f" with transpose_a={transpose_a}, transpose_b={transpose_b}" if transpose_a or transpose_b else ""),
        )


@mat_mul.shape
def _mat_mul_shape(a, b, *, transpose_a, transpose_b):
    a, b = with_rank(a, 2), with_rank(b, 2)
    rows, inner = reversed(a) if transpose_a else a
    other, columns = reversed(b) if transpose_b else b
    merge_dimensions(inner, other)
    return rows, columns


@mat_mul.gradient
def _mat_mul_gradient(call, dy):
    a, b = (conjugate(item) for item in call.inputs)
    of_a, of_b = {"grad_a": True}, {"grad_b": True}
    if call.attr("transpose_a"):
        if call.attr("transpose_b"):
            return (
                mat_mul(b, dy, transpose_a=True, transpose_b=True, **of_b),
                mat_mul(dy, a, transpose_a=True, transpose_b=True, **of_a),
            )
        return mat_mul(b, dy, transpose_b=True, **of_b), mat_mul(a, dy, **of_a)
    if call.attr("transpose_b"):
        return mat_mul(dy, b, **of_b), mat_mul(dy, a, transpose_a=True, **of_a)
    return mat_mul(dy, b, transpose_b=True, **of_b), mat_mul(a, dy, transpose_a=True, **of_a)


@mat_mul.samples
def _mat_mul_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), s.array((3, 2), dtype))
    yield s(s.normal(3, 2), s.normal(3, 4), transpose_a=True)
    yield s(s.normal(2, 3), s.normal(4, 3), transpose_b=True)
    yield s(s.normal(3, 2), s.normal(4, 3), transpose_a=True, transpose_b=True)
    yield s(s.normal(3, 2, dtype="complex64"), s.normal(4, 3, dtype="complex64"), transpose_a=True, transpose_b=True)
    yield s(s.empty(2, 0), s.empty(0, 3))
    yield s(s.empty(0, 2), s.normal(2, 3))
    yield s(s.normal(2, 3), s.normal(2, 3), error="InvalidArgumentError")
    yield s(s.normal(3), s.normal(3, 2), error="InvalidArgumentError")
    yield s(s.normal(2, 2, 3), s.normal(3, 2), error="InvalidArgumentError")


@op(
    "SparseMatMul",
    "a: Ta, b: Tb -> product: float",
    Ta=default("float", ("float", "bfloat16")),
    Tb=default("float", ("float", "bfloat16")),
)
def sparse_mat_mul(
    xp,
    a,
    b,
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
):
    """Multiplies two dense matrices that hold many zeros; the result is ``float32``."""
    _check_matrices(a, b, transpose_a, transpose_b)
    a, b = a.astype(np.float32), b.astype(np.float32)
    return xp.matmul(a.T if transpose_a else a, b.T if transpose_b else b)


sparse_mat_mul.shape(_mat_mul_shape)


@sparse_mat_mul.gradient
def _sparse_mat_mul_gradient(call, dy):
    a, b = call.inputs
    transposed = call.attr("transpose_a"), call.attr("transpose_b")
    wide_a, wide_b = (
        raw.Cast(item, DstT=dtypes.float32) if item.dtype is not dtypes.float32 else item for item in (a, b)
    )
    if transposed == (True, True):
        grads = (
            mat_mul(wide_b, dy, transpose_a=True, transpose_b=True),
            mat_mul(dy, wide_a, transpose_a=True, transpose_b=True),
        )
    elif transposed == (True, False):
        grads = mat_mul(wide_b, dy, transpose_b=True), mat_mul(wide_a, dy)
    elif transposed == (False, True):
        grads = mat_mul(dy, wide_b), mat_mul(dy, wide_a, transpose_a=True)
    else:
        grads = mat_mul(dy, wide_b, transpose_b=True), mat_mul(wide_a, dy, transpose_a=True)
    return tuple(
        grad if item.dtype == grad.dtype else raw.Cast(grad, DstT=item.dtype)
        for grad, item in zip(grads, (a, b), strict=True)
    )


@sparse_mat_mul.samples
def _sparse_mat_mul_samples(s):
    yield s(s.normal(2, 3), s.normal(3, 4), a_is_sparse=True)
    yield s(s.normal(3, 2), s.normal(3, 4), transpose_a=True)
    yield s(s.normal(2, 3), s.normal(4, 3), transpose_b=True, b_is_sparse=True)
    yield s(s.normal(3, 2), s.normal(4, 3), transpose_a=True, transpose_b=True)
    yield s(s.normal(2, 3, dtype="bfloat16"), s.normal(3, 4), gradient=False)
    yield s(s.normal(2, 3), s.normal(2, 3), error="InvalidArgumentError")


# Batches of matrices.


def _check_batch(x: Any, y: Any, adj_x: bool, adj_y: bool, *, broadcasting: bool) -> None:
    for which, value in enumerate((x, y)):
        if value.ndim < 2:
            raise InvalidArgumentError(
                None, None, f"In[{which}] ndims must be >= 2, but it has shape {text(tuple(value.shape))}"
            )
    shapes = f"{text(tuple(x.shape))} vs. {text(tuple(y.shape))}"
    if x.shape[-2 if adj_x else -1] != y.shape[-1 if adj_y else -2]:
        raise InvalidArgumentError(
            None,
            None,
            f"Matrix size-incompatible: In[0], In[1]: {shapes} with adj_x={adj_x}, adj_y={adj_y}",
        )
    if broadcasting:
        try:
            broadcast(tuple(x.shape[:-2]), tuple(y.shape[:-2]))
        except ValueError:
            raise InvalidArgumentError(
                None, None, f"In[0] and In[1] must have compatible batch dimensions: {shapes}"
            ) from None
    elif x.shape[:-2] != y.shape[:-2]:
        raise InvalidArgumentError(None, None, f"In[0] and In[1] must have the same batch dimensions: {shapes}")


def _batch_shape(x: Any, y: Any, *, adj_x: bool, adj_y: bool) -> Any:
    """Is the static shape with batch dimensions broadcast."""
    x, y = with_rank_at_least(x, 2), with_rank_at_least(y, 2)
    if x is None or y is None:
        return None
    merge_dimensions(x[-2 if adj_x else -1], y[-1 if adj_y else -2])
    batch = broadcast(x[:-2], y[:-2])
    return (*batch, x[-1 if adj_x else -2], y[-2 if adj_y else -1])


def _batch_samples(s: Any, attribute: str = "T", *, broadcasting: bool = True) -> Any:
    for dtype in s.dtypes(attribute):
        yield s(s.array((2, 2, 3), dtype), s.array((2, 3, 2), dtype))
    yield s(s.normal(2, 3), s.normal(3, 4))
    yield s(s.normal(2, 3, 2), s.normal(2, 3, 4), adj_x=True)
    yield s(s.normal(2, 2, 3), s.normal(2, 4, 3), adj_y=True)
    yield s(s.normal(2, 3, 2, dtype="complex128"), s.normal(2, 4, 3, dtype="complex128"), adj_x=True, adj_y=True)
    yield s(s.empty(0, 2, 3), s.empty(0, 3, 2))
    yield s(s.normal(2, 2, 3), s.normal(2, 2, 3), error="InvalidArgumentError")
    yield s(s.normal(2, 2, 3), s.normal(3, 3, 2), error="InvalidArgumentError")
    yield s(s.normal(3), s.normal(3, 2), error="InvalidArgumentError")
    if broadcasting:
        yield s(s.normal(3, 2, 3), s.normal(3, 4))
        yield s(s.normal(2, 1, 2, 3), s.normal(3, 3, 2))
        yield s(s.normal(3, 2, 3), s.normal(4, 3), adj_y=True)
        yield s(s.normal(2, 2, 3, dtype="complex64"), s.normal(4, 3, dtype="complex64"), adj_y=True)
        yield s(s.normal(3, 2), s.normal(4, 3, 5), adj_x=True)
        yield s(s.normal(3, 3, 2), s.normal(3, 4), adj_x=True)


@op("BatchMatMul", "x: T, y: T -> output: T", T=_BATCH_TYPES)
def batch_mat_mul(xp, x, y, *, adj_x: bool = False, adj_y: bool = False, grad_x: bool = False, grad_y: bool = False):
    """Multiplies matrices pair by pair in two batches of the same shape."""
    _check_batch(x, y, adj_x, adj_y, broadcasting=False)
    product = _host_product if xp is np else _xla_product
    return product(_adjoint(xp, x) if adj_x else x, _adjoint(xp, y) if adj_y else y)


@batch_mat_mul.shape
def _batch_mat_mul_shape(x, y, *, adj_x, adj_y):
    x, y = with_rank_at_least(x, 2), with_rank_at_least(y, 2)
    if x is None or y is None:
        return None
    batch = merge(x[:-2], y[:-2])
    merge_dimensions(x[-2 if adj_x else -1], y[-1 if adj_y else -2])
    return (*batch, x[-1 if adj_x else -2], y[-2 if adj_y else -1])


def _batch_gradients(product: Any, x: Any, y: Any, dy: Any, adj_x: bool, adj_y: bool) -> tuple[Any, Any]:
    """Returns the gradients of a batch product before any broadcasting is undone."""
    if adj_x:
        if adj_y:
            return product(y, dy, adj_x=True, adj_y=True), product(dy, x, adj_x=True, adj_y=True)
        return product(y, dy, adj_y=True), product(x, dy)
    if adj_y:
        return product(dy, y), product(dy, x, adj_x=True)
    return product(dy, y, adj_y=True), product(x, dy, adj_x=True)


@batch_mat_mul.gradient
def _batch_mat_mul_gradient(call, dy):
    x, y = call.inputs
    return _batch_gradients(batch_mat_mul, x, y, dy, call.attr("adj_x"), call.attr("adj_y"))


@batch_mat_mul.samples
def _batch_mat_mul_samples(s):
    yield from _batch_samples(s, broadcasting=False)


@op("BatchMatMulV2", "x: T, y: T -> output: T", T=_BATCH_V2_TYPES)
def batch_mat_mul_v2(xp, x, y, *, adj_x: bool = False, adj_y: bool = False, grad_x: bool = False, grad_y: bool = False):
    """Multiplies matrices in two batches that are broadcast against each other."""
    _check_batch(x, y, adj_x, adj_y, broadcasting=True)
    product = _host_product if xp is np else _xla_product
    return product(_adjoint(xp, x) if adj_x else x, _adjoint(xp, y) if adj_y else y)


batch_mat_mul_v2.shape(_batch_shape)


@batch_mat_mul_v2.gradient
def _batch_mat_mul_v2_gradient(call, dy):
    x, y = call.inputs
    adj_x, adj_y = call.attr("adj_x"), call.attr("adj_y")
    shape_x, shape_y = known_shape(x), known_shape(y)
    if shape_x is not None and shape_y is not None and len(shape_y) == 2 and len(shape_x) > 2 and not adj_x:
        return _shared_matrix_gradients(x, y, dy, adj_y, shape_y)
    grads = _batch_gradients(batch_mat_mul_v2, x, y, dy, adj_x, adj_y)
    return unbroadcast_batch(grads[0], x, y, 0), unbroadcast_batch(grads[1], x, y, 1)


def _shared_matrix_gradients(x: Any, y: Any, dy: Any, adj_y: bool, shape_y: Any) -> tuple[Any, Any]:
    """Returns the gradients of a batch times one matrix; the matrix's is one product over all rows."""
    dx = batch_mat_mul_v2(dy, y, adj_y=not adj_y)
    columns = shape_y[0] if adj_y else shape_y[1]
    inner = shape_y[1] if adj_y else shape_y[0]
    if not inner or not columns:
        grads = _batch_gradients(batch_mat_mul_v2, x, y, dy, False, adj_y)
        return dx, unbroadcast_batch(grads[1], x, y, 1)
    rows = raw.Reshape(x, np.array([-1, inner], np.int32))
    dy_rows = raw.Reshape(dy, np.array([-1, columns], np.int32))
    if adj_y:
        return dx, mat_mul(conjugate(dy_rows), rows, transpose_a=True)
    return dx, mat_mul(conjugate(rows), dy_rows, transpose_a=True)


def unbroadcast_batch(grad: Any, x: Any, y: Any, which: int) -> Any:
    """Sums a gradient over the batch dimensions along which input ``which`` was broadcast."""
    shapes = known_shape(x), known_shape(y)
    own = shapes[which]
    if shapes[0] is not None and shapes[1] is not None and None not in shapes[0][:-2] + shapes[1][:-2]:
        batch = broadcast(shapes[0][:-2], shapes[1][:-2]) or ()
        if own[:-2] == batch:  # type: ignore[index]
            return grad
        padded = (1,) * (len(batch) + 2 - len(own)) + own[:-2]  # type: ignore[index, arg-type]
        axes = [axis for axis, (left, right) in enumerate(zip(padded, batch, strict=True)) if left != right]
        axes += [axis for axis in range(len(batch) + 2 - len(own)) if axis not in axes]  # type: ignore[arg-type]
        if axes:
            grad = raw.Sum(grad, np.array(sorted(axes), np.int32))
        return raw.Reshape(grad, raw.Shape((x, y)[which]))
    inputs = (x, y)
    sizes = [raw.Shape(item) for item in inputs]
    batches = [_all_but_two(item) for item in sizes]
    axes = raw.BroadcastGradientArgs(*batches)[which]
    return raw.Reshape(raw.Sum(grad, axes), sizes[which])


def _all_but_two(sizes: Any) -> Any:
    count = raw.Reshape(raw.Sub(raw.Size(sizes), np.int32(2)), np.array([1], np.int32))
    return raw.Slice(sizes, np.array([0], np.int32), count)


@batch_mat_mul_v2.samples
def _batch_mat_mul_v2_samples(s):
    yield from _batch_samples(s)


@op("BatchMatMulV3", "x: Ta, y: Tb -> output: Tout", Ta=_BATCH_V3_TYPES, Tb=_BATCH_V3_TYPES, Tout=_BATCH_V3_RESULTS)
def batch_mat_mul_v3(
    xp, x, y, *, Tout: DType, adj_x: bool = False, adj_y: bool = False, grad_x: bool = False, grad_y: bool = False
):
    """Multiplies matrices in two batches that are broadcast against each other, with a result type of its own."""
    _check_batch(x, y, adj_x, adj_y, broadcasting=True)
    product = _host_product if xp is np else _xla_product
    result = np.dtype(Tout.as_numpy_dtype)
    x, y = x.astype(result), y.astype(result)
    return product(_adjoint(xp, x) if adj_x else x, _adjoint(xp, y) if adj_y else y)


batch_mat_mul_v3.shape(_batch_shape)


@batch_mat_mul_v3.gradient
def _batch_mat_mul_v3_gradient(call, dy):
    x, y = call.inputs
    wide_x, wide_y = (item if item.dtype == dy.dtype else raw.Cast(item, DstT=dy.dtype) for item in (x, y))
    grads = _batch_gradients(batch_mat_mul_v2, wide_x, wide_y, dy, call.attr("adj_x"), call.attr("adj_y"))
    grads = tuple(unbroadcast_batch(grad, x, y, which) for which, grad in enumerate(grads))
    return tuple(
        grad if item.dtype == dy.dtype else raw.Cast(grad, DstT=item.dtype)
        for grad, item in zip(grads, (x, y), strict=True)
    )


@batch_mat_mul_v3.samples
def _batch_mat_mul_v3_samples(s):
    for dtype in ("float32", "float64", "int32", "complex64"):
        yield s(s.array((2, 2, 3), dtype), s.array((3, 2), dtype), Tout=dtype)
    yield s(s.array((2, 3), "int8"), s.array((3, 4), "int8"), Tout="int32")
    yield s(s.normal(3, 2), s.normal(4, 3, 5), adj_x=True, Tout="float32")
    yield s(s.normal(2, 2, 3), s.normal(2, 2, 3), Tout="float32", error="InvalidArgumentError")

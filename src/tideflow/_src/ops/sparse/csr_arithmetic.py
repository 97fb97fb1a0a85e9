"""Products, sums, softmax and factors of sparse matrices in compressed rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import text
from tideflow._src.ops.sparse.csr_conversion import TYPES, check_type, pruned, sampled, scalar_shape, short, values_at
from tideflow._src.ops.sparse.csr_matrix import CSRMatrix, added, mapped, matrix_of
from tideflow._src.ops.sparse.positions import run_starts
from tideflow._src.runtime.checks import require_memory
from tideflow._src.runtime.op import op


def _check_flags(transpose_a: bool, transpose_b: bool, adjoint_a: bool, adjoint_b: bool) -> None:
    for letter, both in (("a", transpose_a and adjoint_a), ("b", transpose_b and adjoint_b)):
        if both:
            raise invalid_argument(f"Only one of adjoint_{letter} and transpose_{letter} may be true.")


def _turned(matrix: Any, transpose: bool, adjoint: bool) -> Any:
    """Returns a matrix of SciPy's or an array, transposed or adjoint if asked for."""
    if not (transpose or adjoint):
        return matrix
    turned = np.swapaxes(matrix, -1, -2) if isinstance(matrix, np.ndarray) else matrix.T
    return turned.conj() if adjoint else turned


@op("SparseMatrixMatMul", "a: variant, b: T -> output: T", tier="host")
def sparse_matrix_mat_mul_op(
    a,
    b,
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    transpose_output: bool = False,
    conjugate_output: bool = False,
):
    """Multiplies a sparse matrix by a dense one, matrix by matrix of a batch."""
    _check_flags(transpose_a, transpose_b, adjoint_a, adjoint_b)
    matrix = matrix_of(a, "a")
    found = dtypes.of_numpy[np.dtype(b.dtype)]
    if matrix.element_dtype is not found:
        raise invalid_argument(
            f"Input types don't match.  a.dtype == {short(matrix.element_dtype)} vs. b.dtype == {short(found)}"
        )
    if len(matrix.sizes) != b.ndim:
        raise invalid_argument(f"Ranks of a and b must match, saw: {len(matrix.sizes)} vs. {b.ndim}.")
    batch = b.ndim == 3
    if batch and matrix.sizes[0] != len(b):
        raise invalid_argument(f"Batch sizes of a and b must match, saw: {matrix.sizes[0]} vs. {len(b)}.")
    right = _turned(b, transpose_b, adjoint_b)
    rows, inner = matrix.sizes[-2:][::-1] if transpose_a or adjoint_a else matrix.sizes[-2:]
    if inner != right.shape[-2]:
        raise invalid_argument(
            f"Inner product dimensions of A and B do not agree. Shapes are: {text(matrix.sizes)} vs. {text(b.shape)}"
        )
    require_memory((*b.shape[:-2], rows, right.shape[-1]), b.dtype.itemsize)
    every = right if batch else right[None]
    products = [
        _turned(item, transpose_a, adjoint_a) @ np.ascontiguousarray(dense)
        for item, dense in zip(matrix.scipy(), every, strict=True)
    ]
    result = np.stack(products) if products else np.zeros((0, rows, right.shape[-1]), b.dtype)
    result = result if batch else result[0]
    if transpose_output:
        result = np.swapaxes(result, -1, -2)
    return np.ascontiguousarray((result.conj() if conjugate_output else result).astype(b.dtype, copy=False))


@sparse_matrix_mat_mul_op.shape
def _sparse_matrix_mat_mul_shape(a, b, *, transpose_b, adjoint_b, transpose_output, **flags):
    if b is None or len(b) not in (2, 3):
        return None
    columns = b[-2] if transpose_b or adjoint_b else b[-1]
    return (*b[:-2], columns, None) if transpose_output else (*b[:-2], None, columns)


def _last_two(tensor: Any) -> Any:
    """Swaps the last two dimensions of a tensor of rank 2 or 3."""
    rank = raw.Rank(tensor)
    axes = raw.Range(np.int32(0), raw.Sub(rank, np.int32(2)), np.int32(1))
    swapped = raw.Pack([raw.Sub(rank, np.int32(1)), raw.Sub(rank, np.int32(2))])
    return raw.Transpose(tensor, raw.ConcatV2([axes, swapped], np.int32(0)))


def _conj(tensor: Any) -> Any:
    return raw.Conj(tensor) if tensor.dtype.is_complex else tensor


@sparse_matrix_mat_mul_op.gradient
def _sparse_matrix_mat_mul_gradient(call, dy):
    a, b = call.inputs
    transpose_a, adjoint_a = call.attr("transpose_a"), call.attr("adjoint_a")
    transpose_b, adjoint_b = call.attr("transpose_b"), call.attr("adjoint_b")
    if call.attr("conjugate_output"):
        dy = _conj(dy)
    if call.attr("transpose_output"):
        dy = _last_two(dy)
    right = _last_two(b) if transpose_b or adjoint_b else b
    if not adjoint_b:
        right = _conj(right)
    # The product of dy and the adjoint of the right side, at the positions of a.
    indices, _, sizes = raw.CSRSparseMatrixToSparseTensor(a, type=b.dtype)
    batch, places = indices[:, :-2], (indices[:, -2:-1], indices[:, -1:])
    first, second = places[::-1] if transpose_a or adjoint_a else places
    left = raw.GatherNd(dy, raw.ConcatV2([batch, first], np.int32(1)))
    products = raw.Mul(left, raw.GatherNd(right, raw.ConcatV2([batch, second], np.int32(1))))
    values = raw.Sum(products, np.array([-1], np.int32))
    of_a = raw.SparseTensorToCSRSparseMatrix(indices, _conj(values) if adjoint_a else values, sizes)
    if transpose_a:
        of_b = raw.SparseMatrixMatMul(a, _conj(dy), conjugate_output=True)
    else:
        of_b = raw.SparseMatrixMatMul(a, dy, adjoint_a=not adjoint_a)
    if transpose_b or adjoint_b:
        of_b = _last_two(_conj(of_b) if adjoint_b else of_b)
    return of_a, of_b


@sparse_matrix_mat_mul_op.samples
def _sparse_matrix_mat_mul_samples(s):
    for dtype in ("float32", "float64", "complex64", "complex128"):
        yield s(sampled(s, dtype), s.array((3, 2), dtype), gradient=False)
    for flags in ("transpose_a", "adjoint_a", "transpose_b", "adjoint_b", "transpose_output", "conjugate_output"):
        shape = (2, 4) if flags.endswith("a") else (4, 3) if flags.endswith("_b") else (3, 4)
        yield s(sampled(s, "complex64"), s.array(shape, "complex64"), **{flags: True}, gradient=False)
    yield s(
        sampled(s, "complex64"), s.array((4, 2), "complex64"), adjoint_a=True, adjoint_b=True, transpose_output=True,
        gradient=False,
    )  # fmt: skip
    yield s(sampled(s, batch=True), s.normal(2, 3, 4), gradient=False)
    yield s(sampled(s, batch=True), s.normal(2, 3, 4), transpose_output=True, gradient=False)
    bad = {"error": "InvalidArgumentError"}
    yield s(sampled(s), s.normal(2, 3), **bad)
    yield s(sampled(s), s.normal(3), **bad)
    yield s(sampled(s), s.normal(3, 2, dtype="float64"), **bad)
    yield s(sampled(s), s.normal(2, 3), transpose_a=True, adjoint_a=True, **bad)
    yield s(sampled(s, batch=True), s.normal(3, 3, 2), **bad)


@op("SparseMatrixSparseMatMul", "a: variant, b: variant -> c: variant", tier="host", type=TYPES)
def sparse_matrix_sparse_mat_mul_op(
    a,
    b,
    *,
    type: DType,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
):
    """Multiplies two sparse matrices, matrix by matrix of a batch."""
    _check_flags(transpose_a, transpose_b, adjoint_a, adjoint_b)
    left, right = matrix_of(a, "a"), matrix_of(b, "b")
    for letter, matrix in (("a", left), ("b", right)):
        if matrix.element_dtype is not type:
            raise invalid_argument(
                f"dtype of {letter} is not equal to 'type': {short(matrix.element_dtype)} vs. {short(type)}"
            )
    inner = left.sizes[-2] if transpose_a or adjoint_a else left.sizes[-1]
    other = right.sizes[-1] if transpose_b or adjoint_b else right.sizes[-2]
    if left.sizes[:-2] != right.sizes[:-2] or inner != other:
        raise invalid_argument(
            f"Inner product dimensions of A and B do not agree.  Shapes are: {text(left.sizes)} vs. {text(right.sizes)}"
        )
    products = []
    for first, second in zip(left.scipy(), right.scipy(), strict=True):
        product = (_turned(first, transpose_a, adjoint_a) @ _turned(second, transpose_b, adjoint_b)).tocsr()
        product.sort_indices()
        products.append(product)
    return CSRMatrix.of_scipy(left, products)


def _form(call: Any, letter: str) -> str:
    """Returns in what form a matrix is multiplied: as it is, transposed, or adjoint."""
    return "transpose" if call.attr(f"transpose_{letter}") else "adjoint" if call.attr(f"adjoint_{letter}") else ""


def _adjoint_of(matrix: Any, form: str, type: Any) -> tuple[Any, str]:
    """Returns the adjoint of a matrix in some form, as a matrix and its form."""
    if form == "adjoint":
        return matrix, ""
    if form == "transpose":
        return raw.SparseMatrixTranspose(matrix, conjugate=True, type=type), "transpose"
    return matrix, "adjoint"


def _product(a: Any, a_form: str, b: Any, b_form: str, type: Any) -> Any:
    flags = {f"{form}_{letter}": True for letter, form in (("a", a_form), ("b", b_form)) if form}
    return raw.SparseMatrixSparseMatMul(a, b, type=type, **flags)


@sparse_matrix_sparse_mat_mul_op.gradient
def _sparse_matrix_sparse_mat_mul_gradient(call, dc):
    a, b = call.inputs
    type = call.attr("type")
    a_form, b_form = _form(call, "a"), _form(call, "b")
    of_a = _product(dc, "", *_adjoint_of(b, b_form, type), type)
    of_b = _product(*_adjoint_of(a, a_form, type), dc, "", type)
    found = []
    for gradient, form, matrix in ((of_a, a_form, a), (of_b, b_form, b)):
        if form:
            gradient = raw.SparseMatrixTranspose(gradient, conjugate=form == "adjoint", type=type)
        found.append(pruned(gradient, matrix, type))
    return found


@sparse_matrix_sparse_mat_mul_op.samples
def _sparse_matrix_sparse_mat_mul_samples(s):
    yield s(sampled(s), sampled(s), type="float32", transpose_b=True, gradient=False)
    yield s(sampled(s, batch=True), sampled(s, batch=True), type="float32", adjoint_a=True, gradient=False)
    bad = {"error": "InvalidArgumentError"}
    yield s(sampled(s), sampled(s), type="float32", **bad)
    yield s(sampled(s), sampled(s), type="float64", transpose_b=True, **bad)
    yield s(sampled(s), sampled(s), type="float32", transpose_b=True, adjoint_b=True, **bad)


@op("SparseMatrixTranspose", "input: variant -> output: variant", tier="host", type=TYPES)
def sparse_matrix_transpose_op(input, *, conjugate: bool = False, type: DType):
    """Transposes a sparse matrix, or each of a batch."""
    matrix = check_type(matrix_of(input), type)
    return mapped(matrix, lambda item: _turned(item, True, conjugate).tocsr())


@sparse_matrix_transpose_op.gradient
def _sparse_matrix_transpose_gradient(call, dy):
    return (raw.SparseMatrixTranspose(dy, conjugate=call.attr("conjugate"), type=call.attr("type")),)


@sparse_matrix_transpose_op.samples
def _sparse_matrix_transpose_samples(s):
    yield s(sampled(s), type="float32", gradient=False)
    yield s(sampled(s, "complex64", batch=True), type="complex64", conjugate=True, gradient=False)
    yield s(sampled(s), type="float64", error="InvalidArgumentError")


@op("SparseMatrixAdd", "a: variant, b: variant, alpha: T, beta: T -> c: variant", tier="host", T=TYPES)
def sparse_matrix_add_op(a, b, alpha, beta):
    """Adds up two sparse matrices, each times a factor."""
    left, right = matrix_of(a, "a"), matrix_of(b, "b")
    for name, factor in (("alpha", alpha), ("beta", beta)):
        if np.ndim(factor):
            raise invalid_argument(f"{name} must be a scalar, saw shape: {text(np.shape(factor))}")
    found = dtypes.of_numpy[np.dtype(alpha.dtype)]
    for name, matrix in (("a", left), ("b", right)):
        if matrix.element_dtype is not found:
            raise invalid_argument(
                f"dtype of {name} must match the type of the op, saw: {short(matrix.element_dtype)} vs. {short(found)}"
            )
    return added(left, right, np.asarray(alpha)[()], np.asarray(beta)[()])


@sparse_matrix_add_op.gradient
def _sparse_matrix_add_gradient(call, dc):
    a, b, alpha, beta = call.inputs
    type = alpha.dtype
    return (
        raw.SparseMatrixMul(pruned(dc, a, type), _conj(alpha)),
        raw.SparseMatrixMul(pruned(dc, b, type), _conj(beta)),
        None,
        None,
    )


@sparse_matrix_add_op.samples
def _sparse_matrix_add_samples(s):
    yield s(sampled(s), sampled(s), 2.0, 3.0, gradient=False)


@op("SparseMatrixMul", "a: variant, b: T -> output: variant", tier="host")
def sparse_matrix_mul_op(a, b):
    """Multiplies the values of a sparse matrix by the elements of a dense one, which is broadcast."""
    matrix = matrix_of(a, "a")
    found = dtypes.of_numpy[np.dtype(b.dtype)]
    if matrix.element_dtype is not found:
        raise invalid_argument(
            f"Input types don't match.  a.dtype == {short(matrix.element_dtype)} vs. b.dtype == {short(found)}"
        )
    sizes = (1,) * (len(matrix.sizes) - np.ndim(b)) + np.shape(b)
    if len(sizes) != len(matrix.sizes) or any(
        size not in (1, wanted) for size, wanted in zip(sizes, matrix.sizes, strict=True)
    ):
        raise invalid_argument(f"b must be broadcast to a, saw shapes: {text(np.shape(b))} vs. {text(matrix.sizes)}")
    places = matrix.positions()
    columns = [
        np.zeros(len(places), np.int64) if size == 1 else column for size, column in zip(sizes, places.T, strict=True)
    ]
    factors = np.reshape(b, sizes)[tuple(columns)]
    cuts = np.cumsum([len(values) for values in matrix.values])[:-1]
    return matrix.with_values(np.split(matrix.all_values() * factors, cuts))


@sparse_matrix_mul_op.gradient
def _sparse_matrix_mul_gradient(call, dy):
    a, b = call.inputs
    indices, values, sizes = raw.CSRSparseMatrixToSparseTensor(a, type=b.dtype)
    change = raw.Mul(values_at(dy, indices, b.dtype), _conj(values))
    ones = raw.Fill(raw.Reshape(raw.Sub(raw.Size(sizes), raw.Rank(b)), np.array([1], np.int32)), np.int64(1))
    wide = raw.ConcatV2([ones, raw.Shape(b, out_type=dtypes.int64)], np.int32(0))
    places = raw.Minimum(indices, raw.Sub(wide, np.int64(1)))
    return raw.SparseMatrixMul(dy, _conj(b)), raw.Reshape(raw.ScatterNd(places, change, wide), raw.Shape(b))


@sparse_matrix_mul_op.samples
def _sparse_matrix_mul_samples(s):
    yield s(sampled(s), 2.0, gradient=False)


@op("SparseMatrixSoftmax", "logits: variant -> softmax: variant", tier="host", type=("float", "double"))
def sparse_matrix_softmax_op(logits, *, type: DType):
    """Applies softmax to the values of each row."""
    matrix = check_type(matrix_of(logits), type)
    values = []
    for number, held in enumerate(matrix.values):
        starts = run_starts(matrix.rows(number))
        lengths = np.diff(np.append(starts, len(held)))
        if len(held):
            exponentials = np.exp(held - np.repeat(np.maximum.reduceat(held, starts), lengths))
            held = exponentials / np.repeat(np.add.reduceat(exponentials, starts), lengths)
        values.append(held)
    return matrix.with_values(values)


@sparse_matrix_softmax_op.gradient
def _sparse_matrix_softmax_gradient(call, dy):
    return (raw.SparseMatrixSoftmaxGrad(call.outputs[0], dy, type=call.attr("type")),)


@op(
    "SparseMatrixSoftmaxGrad",
    "softmax: variant, grad_softmax: variant -> gradient: variant",
    tier="host",
    type=("float", "double"),
    differentiable="missing",
)
def sparse_matrix_softmax_grad_op(softmax, grad_softmax, *, type: DType):
    """Is the gradient of ``SparseMatrixSoftmax``."""
    matrix, gradient = check_type(matrix_of(softmax), type), check_type(matrix_of(grad_softmax), type)
    if matrix.sizes != gradient.sizes:
        raise invalid_argument(
            f"Shapes of softmax and grad_softmax must match, saw: {text(matrix.sizes)} vs. {text(gradient.sizes)}"
        )
    values = []
    for number, (held, item) in enumerate(zip(matrix.values, gradient.scipy(), strict=True)):
        rows = matrix.rows(number)
        given = np.asarray(item[rows, matrix.columns[number]]).reshape(-1) if len(held) else held
        totals = np.bincount(rows, weights=held * given, minlength=matrix.sizes[-2]).astype(held.dtype)
        values.append(held * (given - totals[rows]))
    return matrix.with_values(values)


@sparse_matrix_softmax_op.samples
def _sparse_matrix_softmax_samples(s):
    yield s(sampled(s), type="float32", gradient=False)


@sparse_matrix_softmax_grad_op.samples
def _sparse_matrix_softmax_grad_samples(s):
    yield s(sampled(s), sampled(s), type="float32")


# Factors.


def _check_square(matrix: CSRMatrix) -> int:
    rows, columns = matrix.sizes[-2:]
    if rows != columns:
        raise invalid_argument(f"sparse matrix must be square; got: {rows} != {columns}")
    return rows


@op("SparseMatrixOrderingAMD", "input: variant -> output: int32", tier="host", differentiable="missing")
def sparse_matrix_ordering_amd_op(input):
    """Finds an order of rows and columns in which a Cholesky factor has few values, by the minimum degree."""
    matrix = matrix_of(input)
    size = _check_square(matrix)
    orders = [_order(item, size) for item in matrix.scipy()]
    result = np.array(orders, np.int32).reshape(-1, size)
    return result if len(matrix.sizes) == 3 else result[0]


def _order(matrix: Any, size: int) -> Any:
    """Returns the order of minimum degree that SuperLU makes of a matrix with the same pattern, which has a factor."""
    from scipy.sparse import csc_array, eye_array  # heavy: loaded for the first factor
    from scipy.sparse.linalg import splu

    if not size:
        return np.zeros(0, np.int32)
    pattern = csc_array((np.ones(matrix.nnz), matrix.indices, matrix.indptr), shape=matrix.shape)
    pattern = (pattern + pattern.T + eye_array(size) * (4.0 * size)).tocsc()
    return np.argsort(splu(pattern, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).perm_c)


@op(
    "SparseMatrixSparseCholesky",
    "input: variant, permutation: int32 -> output: variant",
    tier="host",
    type=TYPES,
    differentiable="missing",
)
def sparse_matrix_sparse_cholesky_op(input, permutation, *, type: DType):
    """Finds the Cholesky factor of a sparse matrix whose rows and columns are put into an order first."""
    matrix = check_type(matrix_of(input), type)
    size = _check_square(matrix)
    if permutation.ndim != len(matrix.sizes) - 1:
        raise invalid_argument(
            f"permutation must have rank {len(matrix.sizes) - 1}, but its shape is {text(permutation.shape)}"
        )
    if permutation.shape[-1] != size:
        raise invalid_argument(
            "permutation must have the same number of elements in each batch as the number of rows in sparse matrix; "
            f"got: {permutation.shape[-1]} != {size}"
        )
    if len(matrix.sizes) == 3 and len(permutation) != matrix.sizes[0]:
        raise invalid_argument(f"permutation must have the batch size {matrix.sizes[0]}, but has {len(permutation)}")
    orders = permutation.reshape(-1, size)
    factors = [
        _factor(item, order, number) for number, (item, order) in enumerate(zip(matrix.scipy(), orders, strict=True))
    ]
    return CSRMatrix.of_scipy(matrix, factors)


def _factor(matrix: Any, order: Any, number: int) -> Any:
    from scipy.sparse import diags_array  # heavy: loaded for the first factor
    from scipy.sparse.linalg import splu

    failure = invalid_argument(
        f"Sparse Cholesky factorization failed for batch index {number}. The input might not be valid."
    )
    size = matrix.shape[0]
    if not np.array_equal(np.sort(order), np.arange(size)):
        raise failure
    if not size:
        return matrix
    wide = matrix.astype(np.complex128 if matrix.dtype.kind == "c" else np.float64)[order][:, order].tocsc()
    try:
        found = splu(wide, permc_spec="NATURAL", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    except RuntimeError:
        raise failure from None
    diagonal = found.U.diagonal()
    if not (np.array_equal(found.perm_r, np.arange(size)) and (diagonal.real > 0).all()):
        raise failure
    factor = (found.L @ diags_array(np.sqrt(diagonal.real))).tocsr()
    factor.sort_indices()
    return factor


def _square(s: Any, diagonal: float = 5.0) -> Any:
    places = np.int64([[0, 0], [0, 1], [1, 0], [1, 1], [1, 3], [2, 2], [3, 1], [3, 3]])
    values = np.float32([diagonal, 1, 1, diagonal, 2, diagonal, 2, diagonal])
    return s.produced("SparseTensorToCSRSparseMatrix", places, values, np.int64([4, 4]))


@sparse_matrix_ordering_amd_op.samples
def _sparse_matrix_ordering_amd_samples(s):
    yield s(_square(s))
    yield s(sampled(s), error="InvalidArgumentError")


@sparse_matrix_sparse_cholesky_op.samples
def _sparse_matrix_sparse_cholesky_samples(s):
    yield s(_square(s), [0, 2, 3, 1], type="float32")
    bad = {"error": "InvalidArgumentError"}
    yield s(_square(s), [0, 2, 3, 9], type="float32", **bad)
    yield s(_square(s), [0, 2, 3], type="float32", **bad)
    yield s(_square(s, 0.5), [0, 2, 3, 1], type="float32", **bad)
    yield s(sampled(s), [0, 1], type="float32", **bad)


for _definition in (
    sparse_matrix_sparse_mat_mul_op,
    sparse_matrix_transpose_op,
    sparse_matrix_add_op,
    sparse_matrix_mul_op,
    sparse_matrix_softmax_op,
    sparse_matrix_softmax_grad_op,
    sparse_matrix_sparse_cholesky_op,
):
    _definition.shape(scalar_shape)
sparse_matrix_ordering_amd_op.shape(lambda input: None)

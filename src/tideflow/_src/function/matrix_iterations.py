"""Functions of matrices that need loops: exponentials, and solutions by conjugate gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.function.loops import while_loop
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.broadcasting import broadcast_dynamic_shape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.linalg.batches import diagonal_matrix, diagonal_of, for_each_matrix, product
from tideflow._src.ops.linalg.norms import norm
from tideflow._src.ops.math.matrix_product_functions import matvec
from tideflow._src.ops.math.reduction_functions import reduce_max, reduce_sum
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

#: The coefficients of diagonal Padé approximants of the exponential, and the norms up to which they are exact enough
#: for single and for double precision (Higham 2005, tables 2.3 and 3.1).
_SINGLE = (17297280.0, 8648640.0, 1995840.0, 277200.0, 25200.0, 1512.0, 56.0, 1.0), 3.925724783138660
_DOUBLE = (
    (
        64764752532480000.0,
        32382376266240000.0,
        7771770303897600.0,
        1187353796428800.0,
        129060195264000.0,
        10559470521600.0,
        670442572800.0,
        33522128640.0,
        1323241920.0,
        40840800.0,
        960960.0,
        16380.0,
        182.0,
        1.0,
    ),
    5.371920351148152,
)


def expm(input: Any, name: str | None = None) -> Any:
    """Computes the exponentials of square matrices, by scaling, a Padé approximant and squaring (Higham 2005).

    Args:
      input: a tensor (..., n, n) of a floating or complex type.
      name: the name scope of the nodes.

    Returns:
      A tensor of the same shape and dtype; not a number if an element is not finite.

    Raises:
      ValueError: the dtype is none that there are exponentials of.
    """
    with name_scope(name, "matrix_exponential", [input]):
        x = input if isinstance(input, Tensor) else convert_to_tensor(input, name="input")
        if not (x.dtype.is_floating or x.dtype.is_complex):
            raise ValueError(f"tf.linalg.expm does not support matrices of type {x.dtype}")
        real = x.dtype.real_dtype
        coefficients, bound = _SINGLE if real in (dtypes.float16, dtypes.float32) else _DOUBLE
        magnitudes = raw.ComplexAbs(x, Tout=real) if x.dtype.is_complex else raw.Abs(x)
        size = raw.Cast(reduce_max(reduce_sum(magnitudes, -2), -1), DstT=dtypes.float64)
        ratio = raw.Maximum(raw.RealDiv(size, np.float64(bound)), np.float64(1.0))
        halvings = raw.StopGradient(raw.Ceil(raw.RealDiv(raw.Log(ratio), np.float64(np.log(2.0)))))
        finite = raw.IsFinite(halvings)
        halvings = raw.SelectV2(finite, halvings, np.float64(0))
        shrink = raw.Cast(raw.Pow(np.float64(2.0), raw.Neg(halvings)), DstT=x.dtype)
        x = raw.SelectV2(for_each_matrix(finite), x, np.zeros((), x.dtype.as_numpy_dtype))
        odd, even = _pade(raw.Mul(x, for_each_matrix(shrink)), coefficients)
        result = _squared(raw.MatrixSolve(raw.Sub(even, odd), raw.AddV2(even, odd)), halvings)
        return raw.SelectV2(for_each_matrix(finite), result, np.asarray(np.nan, x.dtype.as_numpy_dtype))


def _pade(x: Any, coefficients: tuple[float, ...]) -> tuple[Any, Any]:
    """Returns the odd and even parts of the numerator of a Padé approximant."""
    dtype = x.dtype.as_numpy_dtype
    values = [np.asarray(coefficient / coefficients[0], dtype) for coefficient in coefficients]
    square = product(x, x)
    power = diagonal_matrix(raw.OnesLike(diagonal_of(x)))
    even, odd = raw.Mul(values[0], power), raw.Mul(values[1], power)
    for index in range(2, len(values), 2):
        power = square if index == 2 else product(power, square)
        even = raw.AddV2(even, raw.Mul(values[index], power))
        odd = raw.AddV2(odd, raw.Mul(values[index + 1], power))
    return product(x, odd), even


def _squared(x: Any, times: Any) -> Any:
    """Squares each matrix of a batch as often as ``times`` says."""
    most = reduce_max(times)
    known = static_value(most)
    if known is not None and known <= 0:
        return x

    def square(count: Any, x: Any) -> tuple[Any, Any]:
        more = for_each_matrix(raw.Greater(times, count))
        return raw.AddV2(count, np.float64(1)), raw.SelectV2(more, product(x, x), x)

    start = convert_to_tensor(np.float64(0))
    return while_loop(lambda count, _: raw.Less(count, most), square, [start, x])[1]


class CGState(NamedTuple):
    """Is the state of the method of conjugate gradients.

    Attributes:
      i: the number of steps made, int32.
      x: the solution so far, (..., N).
      r: the residual.
      p: the direction of the next step.
      gamma: the product of the residual with the preconditioned residual.
    """

    i: Any
    x: Any
    r: Any
    p: Any
    gamma: Any


def conjugate_gradient(
    operator: Any,
    rhs: Any,
    preconditioner: Any = None,
    x: Any = None,
    tol: Any = 1e-5,
    max_iter: int = 20,
    name: str = "conjugate_gradient",
) -> CGState:
    """Solves ``A x = rhs`` for a self-adjoint, positive definite operator by conjugate gradients.

    Args:
      operator: the ``LinearOperator``, which must have these hints.
      rhs: the right sides, (..., N).
      preconditioner: an operator that is close to the inverse of ``A``; none if None.
      x: a first guess; zeros if None.
      tol: the norm of the residual at which to stop, relative to that of ``rhs``.
      max_iter: the greatest number of steps.
      name: the name scope of the nodes.

    Returns:
      The last state, a named tuple ``(i, x, r, p, gamma)``.

    Raises:
      ValueError: the operator is not known to be self-adjoint and positive definite.
    """
    if not (operator.is_self_adjoint and operator.is_positive_definite):
        raise ValueError("Expected a self-adjoint, positive definite operator.")
    with name_scope(name):
        rhs = rhs if isinstance(rhs, Tensor) else convert_to_tensor(rhs, dtype_hint=operator.dtype, name="rhs")
        sizes = raw.Shape(rhs)
        batch = broadcast_dynamic_shape(sizes[:-1], operator.batch_shape_tensor())
        if preconditioner is not None:
            batch = broadcast_dynamic_shape(batch, preconditioner.batch_shape_tensor())
        sizes = raw.ConcatV2([batch, sizes[-1:]], np.int32(0))
        residual = raw.BroadcastTo(rhs, sizes)
        bound = _scaled(norm(residual, axis=-1), tol)
        if x is None:
            x = raw.ZerosLike(residual)
        else:
            x = x if isinstance(x, Tensor) else convert_to_tensor(x, rhs.dtype, name="x")
            residual = raw.Sub(rhs, operator.matvec(x))
            x, residual = raw.BroadcastTo(x, sizes), raw.BroadcastTo(residual, sizes)
        direction = residual if preconditioner is None else preconditioner.matvec(residual)
        steps = convert_to_tensor(np.int32(0))
        start = CGState(steps, x, residual, direction, _inner(residual, direction))

        def goes_on(i: Any, state: CGState) -> Any:
            above = raw.Greater(_scaled(norm(state.r, axis=-1), 1.0), bound)
            return raw.LogicalAnd(raw.Less(i, np.int32(max_iter)), raw.Any(above, _axes(above)))

        def step(i: Any, state: CGState) -> tuple[Any, CGState]:
            z = operator.matvec(state.p)
            alpha = raw.ExpandDims(raw.RealDiv(state.gamma, _inner(state.p, z)), np.int32(-1))
            x = raw.AddV2(state.x, raw.Mul(alpha, state.p))
            r = raw.Sub(state.r, raw.Mul(alpha, z))
            q = r if preconditioner is None else preconditioner.matvec(r)
            gamma = _inner(r, q)
            beta = raw.ExpandDims(raw.RealDiv(gamma, state.gamma), np.int32(-1))
            p = raw.AddV2(q, raw.Mul(beta, state.p))
            i = raw.AddV2(i, np.int32(1))
            return i, CGState(i, x, r, p, gamma)

        return while_loop(goes_on, step, [steps, start])[1]


def _inner(x: Any, y: Any) -> Any:
    """Returns the products ``x^H y`` of vectors."""
    return raw.Squeeze(matvec(raw.ExpandDims(x, np.int32(-1)), y, adjoint_a=True), squeeze_dims=[-1])


def _scaled(norms: Any, tol: Any) -> Any:
    """Returns norms, which are real, times a tolerance."""
    if norms.dtype.is_complex:
        norms = raw.Real(norms, Tout=norms.dtype.real_dtype)
    tol = tol if isinstance(tol, Tensor) else convert_to_tensor(tol, norms.dtype)
    return raw.Mul(norms, raw.Cast(tol, DstT=norms.dtype) if tol.dtype != norms.dtype else tol)


def _axes(x: Any) -> Any:
    return raw.Range(np.int32(0), raw.Rank(x), np.int32(1))

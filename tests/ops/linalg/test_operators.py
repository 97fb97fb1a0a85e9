"""Tests linear operators: whatever a class does in its own way is compared with its dense matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.core import nest
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.linalg import operators as linear

RANDOM = np.random.default_rng(11)


def normal(*shape: int, is_complex: bool = False) -> Any:
    values = RANDOM.standard_normal(shape)
    return values + 1j * RANDOM.standard_normal(shape) if is_complex else values


def regular(*shape: int, is_complex: bool = False) -> Any:
    return normal(*shape, is_complex=is_complex) + 4 * np.eye(shape[-1])


def positive(size: int) -> Any:
    matrix = normal(size, size)
    return matrix @ matrix.T + np.eye(size)


def full(*shape: int, is_complex: bool = False) -> Any:
    return linear.LinearOperatorFullMatrix(regular(*shape, is_complex=is_complex))


def has_transforms() -> bool:
    try:
        return raw.FFT3D is not None
    except AttributeError:
        return False


def make() -> dict[str, Any]:
    diagonals = normal(2, 3, 3)
    diagonals[:, 1] += 4
    triangle = linear.LinearOperatorLowerTriangular(regular(3, 3), is_non_singular=True)
    made = {
        "full": full(2, 3, 3),
        "complex": full(3, 3, is_complex=True),
        "positive": linear.LinearOperatorFullMatrix(positive(3), is_self_adjoint=True, is_positive_definite=True),
        "diagonal": linear.LinearOperatorDiag(normal(2, 3) + 3),
        "complex diagonal": linear.LinearOperatorDiag(normal(3, is_complex=True)),
        "triangular": linear.LinearOperatorLowerTriangular(regular(2, 3, 3)),
        "identity": linear.LinearOperatorIdentity(3, [2], tf.float64),
        "scaled": linear.LinearOperatorScaledIdentity(3, normal(2)),
        "complex scaled": linear.LinearOperatorScaledIdentity(3, np.complex128(1 + 2j)),
        "reflection": linear.LinearOperatorHouseholder(normal(2, 3)),
        "permutation": linear.LinearOperatorPermutation([[2, 0, 1], [0, 2, 1]], tf.float64),
        "tridiagonal": linear.LinearOperatorTridiag(diagonals),
        "complex tridiagonal": linear.LinearOperatorTridiag(diagonals[0] + 1j * normal(3, 3)),
        "sequence": linear.LinearOperatorTridiag(list(np.moveaxis(diagonals, 1, 0)), "sequence"),
        "adjoint": linear.LinearOperatorAdjoint(full(3, 3, is_complex=True)),
        "inverse": linear.LinearOperatorInversion(full(2, 3, 3)),
        "product": linear.LinearOperatorComposition([full(2, 3, 3), linear.LinearOperatorDiag(normal(3) + 3)]),
        "gram": linear.LinearOperatorComposition([triangle, triangle.H]),
        "kronecker": linear.LinearOperatorKronecker([full(2, 2, 2, is_complex=True), full(3, 3, is_complex=True)]),
        "update": linear.LinearOperatorLowRankUpdate(
            linear.LinearOperatorDiag(np.array([1.0, 2, 3]), is_positive_definite=True), normal(2, 3, 2)
        ),
        "complex update": linear.LinearOperatorLowRankUpdate(
            full(3, 3, is_complex=True),
            normal(3, 2, is_complex=True),
            normal(2, is_complex=True),
            normal(3, 2, is_complex=True),
        ),
        "blocks": linear.LinearOperatorBlockDiag([full(2, 2, 2), linear.LinearOperatorDiag(normal(1))]),
        "lower blocks": linear.LinearOperatorBlockLowerTriangular(
            [[full(2, 2, 2)], [linear.LinearOperatorFullMatrix(normal(2, 1, 2)), full(1, 1)]]
        ),
    }
    if has_transforms():
        spectrum = normal(2, 6, is_complex=True)
        made |= {
            "circulant": linear.LinearOperatorCirculant(spectrum, tf.complex128),
            "circulant 2": linear.LinearOperatorCirculant2D(spectrum.reshape(2, 2, 3), tf.complex128),
            "circulant 3": linear.LinearOperatorCirculant3D(spectrum.reshape(2, 1, 3, 2), tf.complex128),
            "toeplitz": linear.LinearOperatorToeplitz(normal(2, 3) + [4, 0, 0], normal(2, 3) + [4, 0, 0]),
        }
    return made


OPERATORS = make()
each = pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS.keys())


def adjoint(x: Any) -> Any:
    return np.swapaxes(np.conj(x), -1, -2)


def arguments(operator: Any, *shape: int) -> Any:
    return normal(*shape, is_complex=operator.dtype.is_complex)


@each
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("turned_argument", [False, True])
def test_products_and_solutions(operator: Any, turned: bool, turned_argument: bool) -> None:
    dense = operator.to_dense().numpy()
    matrix = adjoint(dense) if turned else dense
    size = dense.shape[-1]
    for lead in ((), (2,)):
        x = arguments(operator, *lead, size, 4)
        given = adjoint(x) if turned_argument else x
        product = operator.matmul(given, adjoint=turned, adjoint_arg=turned_argument).numpy()
        np.testing.assert_allclose(product, matrix @ x, rtol=1e-6, atol=1e-9)
        solution = operator.solve(given, adjoint=turned, adjoint_arg=turned_argument).numpy()
        np.testing.assert_allclose(matrix @ solution, np.broadcast_to(x, solution.shape), rtol=1e-6, atol=1e-8)


@each
def test_vectors_numbers_and_diagonals(operator: Any) -> None:
    dense = operator.to_dense().numpy()
    assert operator.shape == dense.shape
    assert operator.shape_tensor().numpy().tolist() == list(dense.shape)
    vector = arguments(operator, dense.shape[-1])
    np.testing.assert_allclose(operator.matvec(vector).numpy(), dense @ vector, atol=1e-9)
    solution = operator.solvevec(vector).numpy()
    np.testing.assert_allclose(
        (dense @ solution[..., None])[..., 0], np.broadcast_to(vector, solution.shape), atol=1e-8
    )
    np.testing.assert_allclose(operator.determinant().numpy(), np.linalg.det(dense), rtol=1e-6)
    np.testing.assert_allclose(operator.log_abs_determinant().numpy(), np.linalg.slogdet(dense)[1], atol=1e-8)
    np.testing.assert_allclose(operator.trace().numpy(), np.trace(dense, axis1=-2, axis2=-1), atol=1e-8)
    np.testing.assert_allclose(operator.diag_part().numpy(), np.diagonal(dense, axis1=-2, axis2=-1), atol=1e-8)
    np.testing.assert_allclose(operator.cond().numpy(), np.linalg.cond(dense), rtol=1e-6)
    added = operator.add_to_tensor(np.ones((2, *dense.shape[-2:]), dense.dtype)).numpy()
    np.testing.assert_allclose(added, dense + np.ones((2, 1, 1)), atol=1e-8)


@each
def test_operators_made_of_others(operator: Any) -> None:
    dense = operator.to_dense().numpy()
    np.testing.assert_allclose(operator.H.to_dense().numpy(), adjoint(dense), atol=1e-9)
    np.testing.assert_allclose(operator.inverse().to_dense().numpy(), np.linalg.inv(dense), atol=1e-8)
    other = linear.LinearOperatorFullMatrix(arguments(operator, 2, dense.shape[-1], 4))
    np.testing.assert_allclose((operator @ other).to_dense().numpy(), dense @ other.to_dense().numpy(), atol=1e-8)
    assert operator.assert_non_singular() is None
    if operator.is_self_adjoint:
        values = np.sort(operator.eigvals().numpy().real, axis=-1)
        np.testing.assert_allclose(values, np.linalg.eigvalsh(dense), atol=1e-8)
        assert operator.assert_self_adjoint() is None
    if operator.is_self_adjoint and operator.is_positive_definite:
        np.testing.assert_allclose(operator.cholesky().to_dense().numpy(), np.linalg.cholesky(dense), atol=1e-8)
        assert operator.assert_positive_definite() is None


@each
def test_operators_are_composite_tensors(operator: Any) -> None:
    leaves = nest.flatten(operator, expand_composites=True)
    again = nest.pack_sequence_as(operator, leaves, expand_composites=True)
    assert type(again) is type(operator)
    np.testing.assert_array_equal(again.to_dense().numpy(), operator.to_dense().numpy())
    assert operator._type_spec.is_compatible_with(again)
    if operator.batch_shape.rank:
        np.testing.assert_allclose(operator[1].to_dense().numpy(), operator.to_dense().numpy()[1], atol=1e-9)
        np.testing.assert_allclose(
            operator[None, 1:].to_dense().numpy(), operator.to_dense().numpy()[None, 1:], atol=1e-9
        )


def test_products_keep_their_structure() -> None:
    diagonal, other = OPERATORS["diagonal"], linear.LinearOperatorDiag(np.array([1.0, 2, 3]))
    scaled, triangular = OPERATORS["scaled"], OPERATORS["triangular"]
    identity = OPERATORS["identity"]
    assert isinstance(diagonal @ other, linear.LinearOperatorDiag)
    assert isinstance(diagonal @ scaled, linear.LinearOperatorDiag)
    assert isinstance(scaled @ diagonal, linear.LinearOperatorDiag)
    assert isinstance(scaled.solve(scaled), linear.LinearOperatorScaledIdentity)
    assert isinstance(diagonal @ triangular, linear.LinearOperatorLowerTriangular)
    assert isinstance(triangular @ diagonal, linear.LinearOperatorLowerTriangular)
    assert identity @ triangular is triangular
    assert triangular @ identity is triangular
    assert isinstance(diagonal.inverse(), linear.LinearOperatorDiag)
    assert isinstance(diagonal @ OPERATORS["full"], linear.LinearOperatorComposition)
    blocks = OPERATORS["blocks"]
    assert isinstance(blocks @ blocks, linear.LinearOperatorBlockDiag)
    assert isinstance(OPERATORS["lower blocks"].inverse(), linear.LinearOperatorBlockLowerTriangular)
    np.testing.assert_allclose(
        diagonal.solve(triangular).to_dense().numpy(),
        np.linalg.solve(diagonal.to_dense().numpy(), triangular.to_dense().numpy()),
    )


def test_hints_that_contradict() -> None:
    with pytest.raises(ValueError, match="always non-singular"):
        full_options: dict[str, Any] = {"is_positive_definite": True, "is_non_singular": False}
        linear.LinearOperatorFullMatrix(np.eye(2), **full_options)
    with pytest.raises(ValueError, match="self adjoint"):
        linear.LinearOperatorDiag([1.0], is_self_adjoint=False)
    with pytest.raises(ValueError, match="once"):
        linear.LinearOperatorPermutation([0, 0])
    with pytest.raises(ValueError, match="is_square"):
        _ = linear.LinearOperatorFullMatrix(np.eye(2), is_square=False).is_square
    with pytest.raises(TypeError, match="same dtype"):
        linear.LinearOperatorComposition([linear.LinearOperatorIdentity(2), linear.LinearOperatorDiag(np.ones(2))])
    with pytest.raises(NotImplementedError, match="singular"):
        linear.LinearOperatorZeros(2).solve(np.eye(2, dtype=np.float32))


def test_arguments_that_do_not_fit() -> None:
    operator = OPERATORS["full"]
    with pytest.raises(ValueError, match="not compatible"):
        operator.matmul(np.ones((4, 2)))
    with pytest.raises(TypeError, match="dtype"):
        operator.matmul(np.ones((3, 2), np.float32))
    with pytest.raises(ValueError, match="incompatible"):
        operator.matmul(linear.LinearOperatorIdentity(4, dtype=tf.float64))


def test_assertions() -> None:
    with pytest.raises(InvalidArgumentError, match="zero values"):
        linear.LinearOperatorDiag([0.0, 1.0]).assert_non_singular()
    with pytest.raises(InvalidArgumentError, match="Singular matrix"):
        linear.LinearOperatorFullMatrix(np.ones((2, 2))).assert_non_singular()
    with pytest.raises(InvalidArgumentError, match="adjoint"):
        linear.LinearOperatorFullMatrix([[1.0, 2], [3, 4]]).assert_self_adjoint()
    with pytest.raises(InvalidArgumentError, match="positive definite"):
        linear.LinearOperatorDiag([-1.0, 1.0]).assert_positive_definite()


def test_blockwise_arguments() -> None:
    operator = OPERATORS["blocks"]
    parts = [normal(2, 4), normal(1, 4)]
    whole = operator.matmul(np.concatenate(parts)).numpy()
    found = [part.numpy() for part in operator.matmul(parts)]
    np.testing.assert_allclose(np.concatenate([found[0], np.broadcast_to(found[1], (2, 1, 4))], -2), whole)
    rest = operator.solvevec([part[:, 0] for part in parts])
    np.testing.assert_allclose(operator.matvec(rest)[1].numpy(), parts[1][:, 0])


def test_zeros() -> None:
    zeros = linear.LinearOperatorZeros(2, 3, [4], tf.float64, is_self_adjoint=False, is_square=False)
    assert zeros.matmul(np.ones((3, 5))).shape == (4, 2, 5)
    assert zeros.matmul(np.ones((2, 5)), adjoint=True).shape == (4, 3, 5)
    np.testing.assert_array_equal(zeros.add_to_tensor(np.ones((2, 3))).numpy(), np.ones((4, 2, 3)))


def test_variables_are_followed() -> None:
    variable = tf.Variable([3.0, 4.0])
    operator = linear.LinearOperatorDiag(variable)
    assert operator.trainable_variables[0] is variable
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(operator.matvec([1.0, 2.0]))
    np.testing.assert_allclose(tape.gradient(total, variable).numpy(), [1, 2])
    variable.assign([1.0, 1.0])
    np.testing.assert_array_equal(operator.to_dense().numpy(), np.eye(2))


def test_functions_of_matrices_take_operators() -> None:
    operator = OPERATORS["full"]
    dense = operator.to_dense().numpy()
    np.testing.assert_allclose(tf.matmul(operator, dense).numpy(), dense @ dense)
    np.testing.assert_allclose(tf.matmul(dense, operator).numpy(), dense @ dense)
    np.testing.assert_allclose((tf.constant(dense) @ operator).numpy(), dense @ dense)
    np.testing.assert_allclose(tf.linalg.inv(operator).to_dense().numpy(), np.linalg.inv(dense))
    np.testing.assert_allclose(tf.linalg.det(operator).numpy(), np.linalg.det(dense))
    np.testing.assert_allclose(tf.linalg.trace(operator).numpy(), np.trace(dense, axis1=1, axis2=2))
    np.testing.assert_allclose(tf.linalg.adjoint(operator).to_dense().numpy(), adjoint(dense))


def test_unknown_shapes() -> None:
    from tideflow import v1

    with tf.Graph().as_default():
        matrix = v1.placeholder(tf.float64, None)
        vector = v1.placeholder(tf.float64, [None, None])
        operator = linear.LinearOperatorBlockDiag(
            [linear.LinearOperatorFullMatrix(matrix), linear.LinearOperatorDiag(vector)]
        )
        results = [operator.shape_tensor(), operator.to_dense(), operator.log_abs_determinant()]
        with v1.Session() as session:
            feeds = {matrix: regular(2, 3, 3), vector: np.ones((2, 2))}
            shape, dense, logarithm = session.run(results, feeds)
    assert shape.tolist() == [2, 5, 5]
    np.testing.assert_allclose(logarithm, np.linalg.slogdet(dense)[1])


class Twice(linear.LinearOperator):
    """Doubles vectors of length 2, and gives no more than what it must."""

    def __init__(self) -> None:
        super().__init__(tf.float64, is_self_adjoint=True, is_positive_definite=True)

    def _shape(self) -> Any:
        return tf.TensorShape([2, 2])

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return 2 * (tf.linalg.adjoint(x) if adjoint_arg else x)


def test_a_class_of_the_user() -> None:
    twice = Twice()
    np.testing.assert_array_equal(twice.to_dense().numpy(), 2 * np.eye(2))
    np.testing.assert_allclose(twice.solve(np.eye(2)).numpy(), np.eye(2) / 2)
    np.testing.assert_allclose(twice.determinant().numpy(), 4)
    with pytest.raises(TypeError, match="abstract"):
        linear.LinearOperator(tf.float32)  # type: ignore[abstract]

"""Tests the public matrix products: which operation they choose, their errors, and products over axes."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import wrap
from tideflow._src.graph.graph import Graph
from tideflow._src.ops.array.placeholders import placeholder
from tideflow._src.ops.math.einsum import einsum
from tideflow._src.ops.math.matrix_product_functions import matmul, matvec, tensordot
from tideflow._src.session.session import Session

RANDOM = np.random.default_rng(1)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape)


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
def test_products_of_matrices(transpose_a: bool, transpose_b: bool) -> None:
    a, b = normal(2, 3), normal(3, 4)
    found = matmul(wrap(a.T if transpose_a else a), wrap(b.T if transpose_b else b), transpose_a, transpose_b)
    np.testing.assert_allclose(found.numpy(), a @ b)


def test_adjoints_conjugate() -> None:
    a, b = normal(3, 2) + 1j * normal(3, 2), normal(3, 4) + 1j * normal(3, 4)
    np.testing.assert_allclose(matmul(wrap(a), wrap(b), adjoint_a=True).numpy(), a.conj().T @ b)
    with pytest.raises(ValueError, match="Only one of"):
        matmul(wrap(a), wrap(b), transpose_a=True, adjoint_a=True)


def test_operators_take_python_values() -> None:
    a = wrap(np.eye(2, dtype=np.float32))
    assert (a @ [[1.0], [2.0]]).numpy().tolist() == [[1], [2]]
    assert ([[1.0, 2.0]] @ a).numpy().tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("shapes", "chosen"),
    [(((2, 3), (3, 4)), "MatMul"), (((5, 2, 3), (3, 4)), "BatchMatMulV2"), ((None, (2, 3)), "BatchMatMulV2")],
)
def test_the_operation_follows_from_the_rank(shapes: tuple, chosen: str) -> None:
    with Graph().as_default():
        product = matmul(placeholder(dtypes.float32, shapes[0]), placeholder(dtypes.float32, shapes[1]))
    assert (product.op.type, product.op.name) == (chosen, "MatMul")


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(InvalidArgumentError, match="incompatible"):
        matmul(wrap(normal(2, 3)), wrap(normal(2, 3)))
    with pytest.raises(InvalidArgumentError, match="batch dimensions"):
        matmul(wrap(normal(2, 3, 4)), wrap(normal(3, 4, 5)))
    with Graph().as_default(), pytest.raises(ValueError, match="4 and 3"):
        matmul(placeholder(dtypes.float32, [2, 4]), placeholder(dtypes.float32, [3, 5]))


def test_matrix_times_vector() -> None:
    a, b = normal(2, 3, 4), normal(2, 4)
    np.testing.assert_allclose(matvec(wrap(a), wrap(b)).numpy(), np.einsum("bij,bj->bi", a, b))


@pytest.mark.parametrize("axes", [0, 1, 2, [[1], [0]], [[2, 0], [1, 2]]])
def test_tensordot_is_numpys(axes: object) -> None:
    a = normal(2, 3, 4)
    b = normal(4, 4, 2) if axes == [[2, 0], [1, 2]] else normal(3, 4, 2) if axes != 1 else normal(4, 2)
    np.testing.assert_allclose(tensordot(wrap(a), wrap(b), axes).numpy(), np.tensordot(a, b, axes))


@pytest.mark.parametrize("shape", [[None, 3, 4], None])
def test_tensordot_of_unknown_shapes(shape: object) -> None:
    a, b = normal(2, 3, 4), normal(4, 3, 5)
    with Graph().as_default():
        x = placeholder(dtypes.float64, shape)
        product = tensordot(x, b, [[1, 2], [1, 0]])
        with Session() as session:
            np.testing.assert_allclose(session.run(product, {x: a}), np.tensordot(a, b, [[1, 2], [1, 0]]))


def test_tensordot_rejects_axes_that_do_not_exist() -> None:
    with pytest.raises(ValueError, match="axes"):
        tensordot(wrap(normal(2, 3)), wrap(normal(3, 2)), [[2], [0]])


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]),
        ("ij,jk", [(2, 3), (3, 4)]),
        ("...ij,...jk->...ik", [(5, 1, 2, 3), (4, 3, 2)]),
        ("ii->i", [(3, 3)]),
        ("abc,cd,b->ad", [(2, 3, 4), (4, 5), (3,)]),
    ],
)
def test_einsum_is_numpys(equation: str, shapes: list) -> None:
    values = [normal(*shape) for shape in shapes]
    np.testing.assert_allclose(einsum(equation, *map(wrap, values)).numpy(), np.einsum(equation, *values))


@pytest.mark.parametrize(
    ("equation", "count"), [("ij,jk->ik", 1), ("ij->k", 1), ("i->ii", 1), ("i1->i", 1), ("ij->", 2)]
)
def test_malformed_equations_are_rejected(equation: str, count: int) -> None:
    with pytest.raises(ValueError):
        einsum(equation, *[wrap(normal(2, 2))] * count)

"""Lists where Tideflow differs from TensorFlow on purpose, or has yet to agree with it; the list is meant to shrink.

By aspect and op: why. An entry whose op agrees with TensorFlow fails the tests, so that it is removed.
"""

from __future__ import annotations

_TOKEN = "the graph holds a token of a Python function, which means something only in the process that wrote it"
_LIST = "TensorFlow's graphs carry the type and shape of a list's elements; here the list tells when it runs"

EXEMPTIONS: dict[str, dict[str, str]] = {
    "static_shapes": {
        "TensorListGetItem": _LIST,
        "TensorListPopBack": _LIST,
        "TensorListPushBack": _LIST,
        "TensorListStack": _LIST,
    },
    "second_gradients": {
        "EagerPyFunc": "TensorFlow loses the part of the second gradient that goes through the function's own tape",
    },
    "graph_def_from_tensorflow": {"EagerPyFunc": _TOKEN, "PyFunc": _TOKEN, "PyFuncStateless": _TOKEN},
    "graph_def_to_tensorflow": {"EagerPyFunc": _TOKEN, "PyFunc": _TOKEN, "PyFuncStateless": _TOKEN},
    "generated_calls": {
        "TopKV2": "TensorFlow's place for not-a-number depends on the algorithm; here it comes last",
        "NthElement": "TensorFlow's place for not-a-number depends on the algorithm; here it comes last",
        "LowerBound": "rows that are not sorted, or not-a-number, have no bound; binary searches then differ",
        "UpperBound": "rows that are not sorted, or not-a-number, have no bound; binary searches then differ",
        "MatrixInverse": "TensorFlow's answer to not-a-number depends on which pivots it compares",
        "Lu": "TensorFlow's answer to not-a-number depends on which pivots it compares",
        "MatrixTriangularSolve": "singular matrices: rounding decides",
        "MatrixDeterminant": "singular matrices: rounding decides",
        "LogMatrixDeterminant": "singular matrices: rounding decides",
        "MatrixSolveLs": "singular matrices: rounding decides",
        "Cholesky": "TensorFlow leaves rubbish where a matrix is not positive definite",
        "CholeskyGrad": "TensorFlow leaves rubbish where a matrix is not positive definite",
        "Qr": "singular matrices have no unique decomposition or root",
        "Svd": "singular matrices have no unique decomposition or root",
        "SelfAdjointEigV2": "singular matrices have no unique decomposition or root",
        "Eig": "singular matrices have no unique decomposition or root",
        "MatrixSquareRoot": "singular matrices have no unique decomposition or root",
        "MatrixLogarithm": "singular matrices have no unique decomposition or root",
        "TopK": "TensorFlow has removed it, and has no kernel any more",
        "Erf": "TensorFlow gives nan for the largest double; it is 1",
        "SparseMatMul": "TensorFlow skips the zeros of the matrix said to be sparse: zero times nan is 0 there",
    },
    "values": {
        "Svd": "the vectors that were not asked for are uninitialized memory in TensorFlow",
        "SelfAdjointEigV2": "the vectors that were not asked for are uninitialized memory in TensorFlow",
        "Eig": "the vectors that were not asked for are uninitialized memory in TensorFlow",
        "TopK": "TensorFlow has removed it, and has no kernel any more",
    },
    "graph_def_from_tensorflow": {
        "Svd": "the vectors that were not asked for are uninitialized memory in TensorFlow",
        "SelfAdjointEigV2": "the vectors that were not asked for are uninitialized memory in TensorFlow",
        "Eig": "the vectors that were not asked for are uninitialized memory in TensorFlow",
    },
    "static_shapes": {
        "TopK": "TensorFlow has removed it, and has no kernel any more",
    },
    "second_gradients": {
        "MatrixSolveLs": "TensorFlow differentiates the regularizer by another formula",
    },
}

"""Linear operators: matrices known by what they do. Importing the package defines every class of them."""

from __future__ import annotations

from tideflow._src.ops.linalg.operators.adjoint import LinearOperatorAdjoint as LinearOperatorAdjoint
from tideflow._src.ops.linalg.operators.base import LinearOperator as LinearOperator
from tideflow._src.ops.linalg.operators.block_diag import LinearOperatorBlockDiag as LinearOperatorBlockDiag
from tideflow._src.ops.linalg.operators.block_lower_triangular import (
    LinearOperatorBlockLowerTriangular as LinearOperatorBlockLowerTriangular,
)
from tideflow._src.ops.linalg.operators.circulant import LinearOperatorCirculant as LinearOperatorCirculant
from tideflow._src.ops.linalg.operators.circulant import LinearOperatorCirculant2D as LinearOperatorCirculant2D
from tideflow._src.ops.linalg.operators.circulant import LinearOperatorCirculant3D as LinearOperatorCirculant3D
from tideflow._src.ops.linalg.operators.composition import LinearOperatorComposition as LinearOperatorComposition
from tideflow._src.ops.linalg.operators.diag import LinearOperatorDiag as LinearOperatorDiag
from tideflow._src.ops.linalg.operators.full_matrix import LinearOperatorFullMatrix as LinearOperatorFullMatrix
from tideflow._src.ops.linalg.operators.householder import LinearOperatorHouseholder as LinearOperatorHouseholder
from tideflow._src.ops.linalg.operators.identity import LinearOperatorIdentity as LinearOperatorIdentity
from tideflow._src.ops.linalg.operators.inversion import LinearOperatorInversion as LinearOperatorInversion
from tideflow._src.ops.linalg.operators.kronecker import LinearOperatorKronecker as LinearOperatorKronecker
from tideflow._src.ops.linalg.operators.low_rank_update import (
    LinearOperatorLowRankUpdate as LinearOperatorLowRankUpdate,
)
from tideflow._src.ops.linalg.operators.lower_triangular import (
    LinearOperatorLowerTriangular as LinearOperatorLowerTriangular,
)
from tideflow._src.ops.linalg.operators.permutation import LinearOperatorPermutation as LinearOperatorPermutation
from tideflow._src.ops.linalg.operators.scaled_identity import (
    LinearOperatorScaledIdentity as LinearOperatorScaledIdentity,
)
from tideflow._src.ops.linalg.operators.toeplitz import LinearOperatorToeplitz as LinearOperatorToeplitz
from tideflow._src.ops.linalg.operators.tridiag import LinearOperatorTridiag as LinearOperatorTridiag
from tideflow._src.ops.linalg.operators.zeros import LinearOperatorZeros as LinearOperatorZeros

"""Linear algebra: ``tf.linalg``."""

from __future__ import annotations

from tideflow._src.ops.array.diagonals import (matrix_band_part as band_part, matrix_diag as diag, matrix_diag_part as diag_part, matrix_set_diag as set_diag, tensor_diag as tensor_diag, tensor_diag_part as tensor_diag_part)
from tideflow._src.ops.array.permuting import (matrix_transpose as matrix_transpose, transpose_v1 as transpose)
from tideflow._src.ops.array.sequences import (eye as eye)
from tideflow._src.ops.linalg.batches import (adjoint as adjoint)
from tideflow._src.ops.linalg.functions import (cholesky as cholesky, cholesky_solve as cholesky_solve, cross as cross, det as det, eigh as eigh, eigvalsh as eigvalsh, expm as expm, inv as inv, logdet as logdet, logm as logm, lstsq as lstsq, lu as lu, lu_matrix_inverse as lu_matrix_inverse, lu_reconstruct as lu_reconstruct, lu_solve as lu_solve, matrix_rank as matrix_rank, pinv as pinv, qr as qr, slogdet as slogdet, solve as solve, sqrtm as sqrtm, svd as svd, trace as trace, triangular_solve as triangular_solve)
from tideflow._src.ops.linalg.norms import (global_norm as global_norm, norm_v1 as norm, normalize as normalize)
from tideflow._src.ops.math.einsum import (einsum as einsum)
from tideflow._src.ops.math.matmul import (matmul as matmul, matvec as matvec, tensordot as tensordot)

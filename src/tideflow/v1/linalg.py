"""Linear algebra: ``tf.linalg``."""

from __future__ import annotations

from tideflow._src.ops.array.diagonals import matrix_band_part as band_part
from tideflow._src.ops.array.diagonals import matrix_diag as diag
from tideflow._src.ops.array.diagonals import matrix_diag_part as diag_part
from tideflow._src.ops.array.diagonals import matrix_set_diag as set_diag
from tideflow._src.ops.array.diagonals import tensor_diag as tensor_diag
from tideflow._src.ops.array.diagonals import tensor_diag_part as tensor_diag_part
from tideflow._src.ops.array.permuting import matrix_transpose as matrix_transpose
from tideflow._src.ops.array.permuting import transpose_v1 as transpose
from tideflow._src.ops.array.sequences import eye as eye
from tideflow._src.ops.linalg.functions import adjoint as adjoint
from tideflow._src.ops.linalg.functions import cholesky as cholesky
from tideflow._src.ops.linalg.functions import cholesky_solve as cholesky_solve
from tideflow._src.ops.linalg.functions import cross as cross
from tideflow._src.ops.linalg.functions import det as det
from tideflow._src.ops.linalg.functions import eigh as eigh
from tideflow._src.ops.linalg.functions import eigvalsh as eigvalsh
from tideflow._src.ops.linalg.functions import expm as expm
from tideflow._src.ops.linalg.functions import inv as inv
from tideflow._src.ops.linalg.functions import logdet as logdet
from tideflow._src.ops.linalg.functions import logm as logm
from tideflow._src.ops.linalg.functions import lstsq as lstsq
from tideflow._src.ops.linalg.functions import lu as lu
from tideflow._src.ops.linalg.functions import lu_matrix_inverse as lu_matrix_inverse
from tideflow._src.ops.linalg.functions import lu_reconstruct as lu_reconstruct
from tideflow._src.ops.linalg.functions import lu_solve as lu_solve
from tideflow._src.ops.linalg.functions import matrix_rank as matrix_rank
from tideflow._src.ops.linalg.functions import pinv as pinv
from tideflow._src.ops.linalg.functions import qr as qr
from tideflow._src.ops.linalg.functions import slogdet as slogdet
from tideflow._src.ops.linalg.functions import solve as solve
from tideflow._src.ops.linalg.functions import sqrtm as sqrtm
from tideflow._src.ops.linalg.functions import svd as svd
from tideflow._src.ops.linalg.functions import trace as trace
from tideflow._src.ops.linalg.functions import triangular_solve as triangular_solve
from tideflow._src.ops.linalg.norms import global_norm as global_norm
from tideflow._src.ops.linalg.norms import norm_v1 as norm
from tideflow._src.ops.linalg.norms import normalize as normalize
from tideflow._src.ops.math.einsum import einsum as einsum
from tideflow._src.ops.math.matmul import matmul as matmul
from tideflow._src.ops.math.matmul import matvec as matvec
from tideflow._src.ops.math.matmul import tensordot as tensordot
from tideflow._src.ops.nn.moments import l2_normalize as l2_normalize

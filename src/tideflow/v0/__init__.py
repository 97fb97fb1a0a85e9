"""The TensorFlow 0.8 to 0.12 namespace: ``import tideflow.v0 as tf``.

It is :mod:`tideflow.v1` with the names and argument orders that those releases had.
"""

from __future__ import annotations

from tideflow._src.compat.removed import module_getattr
from tideflow._src.ops.array.diagonals import matrix_band_part as batch_matrix_band_part
from tideflow._src.ops.array.diagonals import matrix_diag as batch_matrix_diag
from tideflow._src.ops.array.diagonals import matrix_diag_part as batch_matrix_diag_part
from tideflow._src.ops.array.diagonals import matrix_set_diag as batch_matrix_set_diag
from tideflow._src.ops.array.joining import concat_v0 as concat
from tideflow._src.ops.array.joining import pack_v0 as pack
from tideflow._src.ops.array.permuting import reverse_v0 as reverse
from tideflow._src.ops.array.selection import select_v0 as select
from tideflow._src.ops.array.splitting import split_v0 as split
from tideflow._src.ops.array.splitting import unpack_v0 as unpack
from tideflow._src.ops.linalg.functions import batch_cholesky as batch_cholesky
from tideflow._src.ops.linalg.functions import batch_matrix_determinant as batch_matrix_determinant
from tideflow._src.ops.linalg.functions import batch_matrix_inverse as batch_matrix_inverse
from tideflow._src.ops.linalg.functions import batch_matrix_solve as batch_matrix_solve
from tideflow._src.ops.linalg.functions import batch_matrix_transpose as batch_matrix_transpose
from tideflow._src.ops.linalg.functions import batch_matrix_triangular_solve as batch_matrix_triangular_solve
from tideflow._src.ops.linalg.functions import svd_v0 as svd
from tideflow._src.ops.math.argument_extrema import argmax_v0 as argmax
from tideflow._src.ops.math.argument_extrema import argmin_v0 as argmin
from tideflow._src.ops.math.arithmetic import multiply as mul
from tideflow._src.ops.math.arithmetic import subtract as sub
from tideflow._src.ops.math.division import div as div
from tideflow._src.ops.math.division import mod as mod
from tideflow._src.ops.math.matmul import batch_matmul_v0 as batch_matmul
from tideflow._src.ops.math.matmul import matmul_v0 as matmul
from tideflow._src.ops.math.reduce import reduce_all_v0 as reduce_all
from tideflow._src.ops.math.reduce import reduce_any_v0 as reduce_any
from tideflow._src.ops.math.reduce import reduce_logsumexp_v0 as reduce_logsumexp
from tideflow._src.ops.math.reduce import reduce_max_v0 as reduce_max
from tideflow._src.ops.math.reduce import reduce_mean_v0 as reduce_mean
from tideflow._src.ops.math.reduce import reduce_min_v0 as reduce_min
from tideflow._src.ops.math.reduce import reduce_prod_v0 as reduce_prod
from tideflow._src.ops.math.reduce import reduce_sum_v0 as reduce_sum
from tideflow._src.ops.math.unary import complex_abs as complex_abs
from tideflow._src.ops.math.unary import inv as inv
from tideflow._src.ops.math.unary import neg as neg
from tideflow.v0 import nn as nn
from tideflow.v1 import *

# The star import above brings the 1.x forms of these; the 0.x forms win.
from tideflow._src.ops.array.diagonals import matrix_band_part as batch_matrix_band_part
from tideflow._src.ops.array.diagonals import matrix_diag as batch_matrix_diag
from tideflow._src.ops.array.diagonals import matrix_diag_part as batch_matrix_diag_part
from tideflow._src.ops.array.diagonals import matrix_set_diag as batch_matrix_set_diag
from tideflow._src.ops.array.joining import concat_v0 as concat
from tideflow._src.ops.array.joining import pack_v0 as pack
from tideflow._src.ops.array.permuting import reverse_v0 as reverse
from tideflow._src.ops.array.selection import select_v0 as select
from tideflow._src.ops.array.splitting import split_v0 as split
from tideflow._src.ops.array.splitting import unpack_v0 as unpack
from tideflow._src.ops.linalg.functions import batch_cholesky as batch_cholesky
from tideflow._src.ops.linalg.functions import batch_matrix_determinant as batch_matrix_determinant
from tideflow._src.ops.linalg.functions import batch_matrix_inverse as batch_matrix_inverse
from tideflow._src.ops.linalg.functions import batch_matrix_solve as batch_matrix_solve
from tideflow._src.ops.linalg.functions import batch_matrix_transpose as batch_matrix_transpose
from tideflow._src.ops.linalg.functions import batch_matrix_triangular_solve as batch_matrix_triangular_solve
from tideflow._src.ops.linalg.functions import svd_v0 as svd
from tideflow._src.ops.math.argument_extrema import argmax_v0 as argmax
from tideflow._src.ops.math.argument_extrema import argmin_v0 as argmin
from tideflow._src.ops.math.arithmetic import multiply as mul
from tideflow._src.ops.math.arithmetic import subtract as sub
from tideflow._src.ops.math.division import div as div
from tideflow._src.ops.math.division import mod as mod
from tideflow._src.ops.math.matmul import batch_matmul_v0 as batch_matmul
from tideflow._src.ops.math.matmul import matmul_v0 as matmul
from tideflow._src.ops.math.reduce import reduce_all_v0 as reduce_all
from tideflow._src.ops.math.reduce import reduce_any_v0 as reduce_any
from tideflow._src.ops.math.reduce import reduce_logsumexp_v0 as reduce_logsumexp
from tideflow._src.ops.math.reduce import reduce_max_v0 as reduce_max
from tideflow._src.ops.math.reduce import reduce_mean_v0 as reduce_mean
from tideflow._src.ops.math.reduce import reduce_min_v0 as reduce_min
from tideflow._src.ops.math.reduce import reduce_prod_v0 as reduce_prod
from tideflow._src.ops.math.reduce import reduce_sum_v0 as reduce_sum
from tideflow._src.ops.math.unary import complex_abs as complex_abs
from tideflow._src.ops.math.unary import inv as inv
from tideflow._src.ops.math.unary import neg as neg

__getattr__ = module_getattr("tideflow.v0", "v0")

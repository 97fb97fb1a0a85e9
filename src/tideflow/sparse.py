"""Sparse tensors: ``tf.sparse``."""

from __future__ import annotations

from tideflow._src.ops.math.sparse_segments import sparse_segment_mean as segment_mean
from tideflow._src.ops.math.sparse_segments import sparse_segment_sqrt_n as segment_sqrt_n
from tideflow._src.ops.math.sparse_segments import sparse_segment_sum as segment_sum
from tideflow._src.ops.sparse.arithmetic_functions import add as add
from tideflow._src.ops.sparse.arithmetic_functions import map_values as map_values
from tideflow._src.ops.sparse.arithmetic_functions import maximum as maximum
from tideflow._src.ops.sparse.arithmetic_functions import minimum as minimum
from tideflow._src.ops.sparse.arithmetic_functions import reduce_max as reduce_max
from tideflow._src.ops.sparse.arithmetic_functions import reduce_sum as reduce_sum
from tideflow._src.ops.sparse.arithmetic_functions import sampled_addmm as sampled_addmm
from tideflow._src.ops.sparse.arithmetic_functions import softmax as softmax
from tideflow._src.ops.sparse.dense_functions import eye as eye
from tideflow._src.ops.sparse.dense_functions import from_dense as from_dense
from tideflow._src.ops.sparse.dense_functions import sparse_reorder as reorder
from tideflow._src.ops.sparse.dense_functions import sparse_reshape as reshape
from tideflow._src.ops.sparse.dense_functions import sparse_tensor_dense_matmul as sparse_dense_matmul
from tideflow._src.ops.sparse.dense_functions import sparse_tensor_to_dense as to_dense
from tideflow._src.ops.sparse.ids import bincount as bincount
from tideflow._src.ops.sparse.ids import cross as cross
from tideflow._src.ops.sparse.ids import cross_hashed as cross_hashed
from tideflow._src.ops.sparse.ids import to_indicator as to_indicator
from tideflow._src.ops.sparse.shape_functions import concat as concat
from tideflow._src.ops.sparse.shape_functions import expand_dims as expand_dims
from tideflow._src.ops.sparse.shape_functions import fill_empty_rows as fill_empty_rows
from tideflow._src.ops.sparse.shape_functions import mask as mask
from tideflow._src.ops.sparse.shape_functions import reset_shape as reset_shape
from tideflow._src.ops.sparse.shape_functions import retain as retain
from tideflow._src.ops.sparse.shape_functions import slice as slice
from tideflow._src.ops.sparse.shape_functions import split as split
from tideflow._src.ops.sparse.shape_functions import transpose as transpose
from tideflow._src.runtime.sparse_tensor import SparseTensor as SparseTensor

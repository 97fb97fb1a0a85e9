"""Sparse tensors: ``tf.sparse``."""

from __future__ import annotations

from tideflow._src.ops.array.placeholders import sparse_placeholder as placeholder
from tideflow._src.ops.math.sparse_segments import sparse_segment_mean_v1 as segment_mean
from tideflow._src.ops.math.sparse_segments import sparse_segment_sqrt_n_v1 as segment_sqrt_n
from tideflow._src.ops.math.sparse_segments import sparse_segment_sum_v1 as segment_sum
from tideflow._src.ops.queues.accumulator_classes import SparseConditionalAccumulator as SparseConditionalAccumulator
from tideflow._src.ops.sparse.arithmetic import add_v1 as add
from tideflow._src.ops.sparse.arithmetic import maximum as maximum
from tideflow._src.ops.sparse.arithmetic import minimum as minimum
from tideflow._src.ops.sparse.arithmetic import reduce_max_sparse_v1 as reduce_max_sparse
from tideflow._src.ops.sparse.arithmetic import reduce_max_v1 as reduce_max
from tideflow._src.ops.sparse.arithmetic import reduce_sum_sparse_v1 as reduce_sum_sparse
from tideflow._src.ops.sparse.arithmetic import reduce_sum_v1 as reduce_sum
from tideflow._src.ops.sparse.arithmetic import softmax as softmax
from tideflow._src.ops.sparse.arranging import concat_v1 as concat
from tideflow._src.ops.sparse.arranging import expand_dims as expand_dims
from tideflow._src.ops.sparse.arranging import fill_empty_rows as fill_empty_rows
from tideflow._src.ops.sparse.arranging import mask as mask
from tideflow._src.ops.sparse.arranging import reset_shape as reset_shape
from tideflow._src.ops.sparse.arranging import retain as retain
from tideflow._src.ops.sparse.arranging import slice as slice
from tideflow._src.ops.sparse.arranging import split_v1 as split
from tideflow._src.ops.sparse.arranging import transpose as transpose
from tideflow._src.ops.sparse.conversion import eye as eye
from tideflow._src.ops.sparse.conversion import from_dense as from_dense
from tideflow._src.ops.sparse.conversion import sparse_reorder as reorder
from tideflow._src.ops.sparse.conversion import sparse_reshape as reshape
from tideflow._src.ops.sparse.conversion import sparse_tensor_dense_matmul as matmul
from tideflow._src.ops.sparse.conversion import sparse_tensor_dense_matmul as sparse_dense_matmul
from tideflow._src.ops.sparse.conversion import sparse_tensor_to_dense as to_dense
from tideflow._src.ops.sparse.ids import bincount as bincount
from tideflow._src.ops.sparse.ids import cross as cross
from tideflow._src.ops.sparse.ids import cross_hashed as cross_hashed
from tideflow._src.ops.sparse.ids import merge as merge
from tideflow._src.ops.sparse.ids import to_indicator as to_indicator
from tideflow._src.runtime.sparse_tensor import SparseTensor as SparseTensor

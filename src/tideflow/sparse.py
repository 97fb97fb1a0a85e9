"""Sparse tensors: ``tf.sparse``."""

from __future__ import annotations

from tideflow._src.ops.math.sparse_segments import sparse_segment_mean as segment_mean
from tideflow._src.ops.math.sparse_segments import sparse_segment_sqrt_n as segment_sqrt_n
from tideflow._src.ops.math.sparse_segments import sparse_segment_sum as segment_sum
from tideflow._src.ops.sparse.dense_functions import eye as eye
from tideflow._src.ops.sparse.dense_functions import from_dense as from_dense
from tideflow._src.ops.sparse.dense_functions import sparse_reorder as reorder
from tideflow._src.ops.sparse.dense_functions import sparse_reshape as reshape
from tideflow._src.ops.sparse.dense_functions import sparse_tensor_dense_matmul as sparse_dense_matmul
from tideflow._src.ops.sparse.dense_functions import sparse_tensor_to_dense as to_dense
from tideflow._src.runtime.sparse_tensor import SparseTensor as SparseTensor

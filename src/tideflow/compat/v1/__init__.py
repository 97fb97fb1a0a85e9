"""The TensorFlow 1.x namespace: ``import tideflow.compat.v1 as tf``.

As with TensorFlow's ``tf.compat.v1``, importing it changes nothing yet; ``tf.disable_v2_behavior()`` makes operations
join graphs by default. ``import tideflow.v1`` gives this module and does that at once, ``python -m tideflow --v1`` does
it for a whole program that says ``import tensorflow``.
"""

from __future__ import annotations

from tideflow._src.autodiff.custom_gradient import custom_gradient as custom_gradient
from tideflow._src.autodiff.custom_gradient import grad_pass_through as grad_pass_through
from tideflow._src.autodiff.custom_gradient import recompute_grad as recompute_grad
from tideflow._src.autodiff.graph_gradients import gradients_v1 as gradients
from tideflow._src.autodiff.jacobian import hessians_v1 as hessians
from tideflow._src.autodiff.rules import RegisterGradient as RegisterGradient
from tideflow._src.autodiff.rules import not_differentiable as NoGradient
from tideflow._src.autodiff.rules import not_differentiable as NotDifferentiable
from tideflow._src.autodiff.rules import not_differentiable as no_gradient
from tideflow._src.autodiff.tape import GradientTape as GradientTape
from tideflow._src.autodiff.unconnected import AggregationMethod as AggregationMethod
from tideflow._src.autodiff.unconnected import UnconnectedGradients as UnconnectedGradients
from tideflow._src.compat.behavior import control_flow_v2_enabled as control_flow_v2_enabled
from tideflow._src.compat.behavior import disable_control_flow_v2 as disable_control_flow_v2
from tideflow._src.compat.behavior import disable_eager_execution as disable_eager_execution
from tideflow._src.compat.behavior import disable_tensor_equality as disable_tensor_equality
from tideflow._src.compat.behavior import disable_v2_behavior as disable_v2_behavior
from tideflow._src.compat.behavior import disable_v2_tensorshape as disable_v2_tensorshape
from tideflow._src.compat.behavior import enable_control_flow_v2 as enable_control_flow_v2
from tideflow._src.compat.behavior import enable_eager_execution as enable_eager_execution
from tideflow._src.compat.behavior import enable_tensor_equality as enable_tensor_equality
from tideflow._src.compat.behavior import enable_v2_behavior as enable_v2_behavior
from tideflow._src.compat.behavior import enable_v2_tensorshape as enable_v2_tensorshape
from tideflow._src.compat.removed import module_dir, module_getattr
from tideflow._src.compat.sysconfig import CXX11_ABI_FLAG as CXX11_ABI_FLAG
from tideflow._src.compat.sysconfig import CXX_VERSION as CXX_VERSION
from tideflow._src.compat.sysconfig import MONOLITHIC_BUILD as MONOLITHIC_BUILD
from tideflow._src.core.device import DeviceSpecV1 as DeviceSpec
from tideflow._src.core.dimension import Dimension as Dimension
from tideflow._src.core.dimension import dimension_value as dimension_value
from tideflow._src.core.dtypes import QUANTIZED_DTYPES as QUANTIZED_DTYPES
from tideflow._src.core.dtypes import DType as DType
from tideflow._src.core.dtypes import as_dtype as as_dtype
from tideflow._src.core.dtypes import bfloat16 as bfloat16
from tideflow._src.core.dtypes import bool as bool
from tideflow._src.core.dtypes import complex64 as complex64
from tideflow._src.core.dtypes import complex128 as complex128
from tideflow._src.core.dtypes import double as double
from tideflow._src.core.dtypes import float16 as float16
from tideflow._src.core.dtypes import float32 as float32
from tideflow._src.core.dtypes import float64 as float64
from tideflow._src.core.dtypes import half as half
from tideflow._src.core.dtypes import int8 as int8
from tideflow._src.core.dtypes import int16 as int16
from tideflow._src.core.dtypes import int32 as int32
from tideflow._src.core.dtypes import int64 as int64
from tideflow._src.core.dtypes import qint8 as qint8
from tideflow._src.core.dtypes import qint16 as qint16
from tideflow._src.core.dtypes import qint32 as qint32
from tideflow._src.core.dtypes import quint8 as quint8
from tideflow._src.core.dtypes import quint16 as quint16
from tideflow._src.core.dtypes import resource as resource
from tideflow._src.core.dtypes import string as string
from tideflow._src.core.dtypes import uint8 as uint8
from tideflow._src.core.dtypes import uint16 as uint16
from tideflow._src.core.dtypes import uint32 as uint32
from tideflow._src.core.dtypes import uint64 as uint64
from tideflow._src.core.dtypes import variant as variant
from tideflow._src.core.errors import OpError as OpError
from tideflow._src.core.indexed_slices import IndexedSlices as IndexedSlices
from tideflow._src.core.logger import get_logger as get_logger
from tideflow._src.core.none_tensor import NoneTensorSpec as NoneTensorSpec
from tideflow._src.core.tensor import Tensor as Tensor
from tideflow._src.core.tensor import is_symbolic_tensor as is_symbolic_tensor
from tideflow._src.core.tensor import is_tensor as is_tensor
from tideflow._src.core.tensor_shape import TensorShape as TensorShape
from tideflow._src.core.tensor_shape import dimension_at_index as dimension_at_index
from tideflow._src.core.tensor_spec import TensorSpec as TensorSpec
from tideflow._src.core.type_spec import TypeSpec as TypeSpec
from tideflow._src.core.type_spec import type_spec_from_value as type_spec_from_value
from tideflow._src.function import conditional as _conditional
from tideflow._src.function import loop_gradients as _loop_gradients
from tideflow._src.function.conditional import case as case
from tideflow._src.function.conditional import cond_v1 as cond
from tideflow._src.function.conditional import switch_case as switch_case
from tideflow._src.function.critical_section import CriticalSection as CriticalSection
from tideflow._src.function.loops import while_loop_v1 as while_loop
from tideflow._src.function.mapping import foldl as foldl
from tideflow._src.function.mapping import foldr as foldr
from tideflow._src.function.mapping import map_fn as map_fn
from tideflow._src.function.mapping import scan as scan
from tideflow._src.function.name_scopes import name_scope_v1 as name_scope
from tideflow._src.function.traced_function import function as function
from tideflow._src.function.vectorized_map import vectorized_map as vectorized_map
from tideflow._src.function.wrapped_function import wrap_function as wrap_function
from tideflow._src.graph.default_graph import add_to_collection as add_to_collection
from tideflow._src.graph.default_graph import add_to_collections as add_to_collections
from tideflow._src.graph.default_graph import colocate_with as colocate_with
from tideflow._src.graph.default_graph import container as container
from tideflow._src.graph.default_graph import executing_eagerly as executing_eagerly
from tideflow._src.graph.default_graph import executing_eagerly_outside_functions as executing_eagerly_outside_functions
from tideflow._src.graph.default_graph import get_collection as get_collection
from tideflow._src.graph.default_graph import get_collection_ref as get_collection_ref
from tideflow._src.graph.default_graph import get_default_graph as get_default_graph
from tideflow._src.graph.default_graph import op_scope as op_scope
from tideflow._src.graph.default_graph import reset_default_graph as reset_default_graph
from tideflow._src.graph.graph import Graph as Graph
from tideflow._src.graph.operation import Operation as Operation
from tideflow._src.graph.static_value import get_static_value as get_static_value
from tideflow._src.graph.tensor_proto import make_ndarray as make_ndarray
from tideflow._src.graph.tensor_proto import make_tensor_proto as make_tensor_proto
from tideflow._src.io.graph_files import import_graph_def as import_graph_def
from tideflow._src.io.lookup_tables import initialize_all_tables as initialize_all_tables
from tideflow._src.ops import everything as _everything
from tideflow._src.ops.array.band_part import matrix_band_part as matrix_band_part
from tideflow._src.ops.array.blocks import batch_to_space_nd as batch_to_space_nd
from tideflow._src.ops.array.blocks import batch_to_space_v1 as batch_to_space
from tideflow._src.ops.array.blocks import depth_to_space_v1 as depth_to_space
from tideflow._src.ops.array.blocks import required_space_to_batch_paddings as required_space_to_batch_paddings
from tideflow._src.ops.array.blocks import space_to_batch_nd as space_to_batch_nd
from tideflow._src.ops.array.blocks import space_to_batch_v1 as space_to_batch
from tideflow._src.ops.array.blocks import space_to_depth_v1 as space_to_depth
from tideflow._src.ops.array.broadcasting import broadcast_dynamic_shape as broadcast_dynamic_shape
from tideflow._src.ops.array.broadcasting import broadcast_static_shape as broadcast_static_shape
from tideflow._src.ops.array.broadcasting import broadcast_to as broadcast_to
from tideflow._src.ops.array.constants import constant_v1 as constant
from tideflow._src.ops.array.constants import fill as fill
from tideflow._src.ops.array.constants import ones as ones
from tideflow._src.ops.array.constants import ones_like_v1 as ones_like
from tideflow._src.ops.array.constants import zeros as zeros
from tideflow._src.ops.array.constants import zeros_like_v1 as zeros_like
from tideflow._src.ops.array.diagonals import matrix_diag as matrix_diag
from tideflow._src.ops.array.diagonals import matrix_diag_part as matrix_diag_part
from tideflow._src.ops.array.diagonals import matrix_set_diag as matrix_set_diag
from tideflow._src.ops.array.gathering import batch_gather as batch_gather
from tideflow._src.ops.array.gathering import gather_nd_v1 as gather_nd
from tideflow._src.ops.array.gathering import gather_v1 as gather
from tideflow._src.ops.array.identity import guarantee_const as guarantee_const
from tideflow._src.ops.array.identity import identity as identity
from tideflow._src.ops.array.identity import identity_n as identity_n
from tideflow._src.ops.array.identity import no_op as no_op
from tideflow._src.ops.array.identity import stop_gradient as stop_gradient
from tideflow._src.ops.array.joining import concat as concat
from tideflow._src.ops.array.joining import parallel_stack as parallel_stack
from tideflow._src.ops.array.joining import stack as stack
from tideflow._src.ops.array.masking import boolean_mask_v1 as boolean_mask
from tideflow._src.ops.array.masking import sequence_mask as sequence_mask
from tideflow._src.ops.array.padding import pad_v1 as pad
from tideflow._src.ops.array.partitioning import dynamic_partition as dynamic_partition
from tideflow._src.ops.array.partitioning import dynamic_stitch as dynamic_stitch
from tideflow._src.ops.array.partitioning import unique as unique
from tideflow._src.ops.array.partitioning import unique_with_counts as unique_with_counts
from tideflow._src.ops.array.permuting import invert_permutation as invert_permutation
from tideflow._src.ops.array.permuting import matrix_transpose as matrix_transpose
from tideflow._src.ops.array.permuting import reverse as reverse
from tideflow._src.ops.array.permuting import reverse as reverse_v2
from tideflow._src.ops.array.permuting import reverse_sequence_v1 as reverse_sequence
from tideflow._src.ops.array.permuting import roll as roll
from tideflow._src.ops.array.permuting import tile as tile
from tideflow._src.ops.array.permuting import transpose_v1 as transpose
from tideflow._src.ops.array.placeholders import placeholder as placeholder
from tideflow._src.ops.array.placeholders import placeholder_with_default as placeholder_with_default
from tideflow._src.ops.array.placeholders import sparse_placeholder as sparse_placeholder
from tideflow._src.ops.array.position_functions import setdiff1d_v1 as setdiff1d
from tideflow._src.ops.array.position_functions import unravel_index as unravel_index
from tideflow._src.ops.array.scattering import scatter_nd as scatter_nd
from tideflow._src.ops.array.scattering import tensor_scatter_nd_add as tensor_scatter_add
from tideflow._src.ops.array.scattering import tensor_scatter_nd_add as tensor_scatter_nd_add
from tideflow._src.ops.array.scattering import tensor_scatter_nd_max as tensor_scatter_nd_max
from tideflow._src.ops.array.scattering import tensor_scatter_nd_min as tensor_scatter_nd_min
from tideflow._src.ops.array.scattering import tensor_scatter_nd_sub as tensor_scatter_nd_sub
from tideflow._src.ops.array.scattering import tensor_scatter_nd_sub as tensor_scatter_sub
from tideflow._src.ops.array.scattering import tensor_scatter_nd_update as tensor_scatter_nd_update
from tideflow._src.ops.array.scattering import tensor_scatter_nd_update as tensor_scatter_update
from tideflow._src.ops.array.selection import where_v1 as where
from tideflow._src.ops.array.selection import where_v2 as where_v2
from tideflow._src.ops.array.sequences import eye as eye
from tideflow._src.ops.array.sequences import linspace as lin_space
from tideflow._src.ops.array.sequences import linspace as linspace
from tideflow._src.ops.array.sequences import meshgrid as meshgrid
from tideflow._src.ops.array.sequences import one_hot as one_hot
from tideflow._src.ops.array.sequences import range as range
from tideflow._src.ops.array.sequences import repeat as repeat
from tideflow._src.ops.array.shape import expand_dims_v1 as expand_dims
from tideflow._src.ops.array.shape import rank as rank
from tideflow._src.ops.array.shape import reshape as reshape
from tideflow._src.ops.array.shape import shape_n as shape_n
from tideflow._src.ops.array.shape import shape_v1 as shape
from tideflow._src.ops.array.shape import size_v1 as size
from tideflow._src.ops.array.shape import squeeze_v1 as squeeze
from tideflow._src.ops.array.slicing import slice as slice
from tideflow._src.ops.array.slicing import strided_slice as strided_slice
from tideflow._src.ops.array.splitting import split as split
from tideflow._src.ops.array.splitting import unstack as unstack
from tideflow._src.ops.array.tensor_diagonals import tensor_diag as diag
from tideflow._src.ops.array.tensor_diagonals import tensor_diag_part as diag_part
from tideflow._src.ops.control.assertions import Assert as Assert
from tideflow._src.ops.control.assertions import assert_equal_v1 as assert_equal
from tideflow._src.ops.control.assertions import assert_greater_equal_v1 as assert_greater_equal
from tideflow._src.ops.control.assertions import assert_greater_v1 as assert_greater
from tideflow._src.ops.control.assertions import assert_integer as assert_integer
from tideflow._src.ops.control.assertions import assert_less_equal_v1 as assert_less_equal
from tideflow._src.ops.control.assertions import assert_less_v1 as assert_less
from tideflow._src.ops.control.assertions import assert_near_v1 as assert_near
from tideflow._src.ops.control.assertions import assert_negative_v1 as assert_negative
from tideflow._src.ops.control.assertions import assert_non_negative_v1 as assert_non_negative
from tideflow._src.ops.control.assertions import assert_non_positive_v1 as assert_non_positive
from tideflow._src.ops.control.assertions import assert_none_equal_v1 as assert_none_equal
from tideflow._src.ops.control.assertions import assert_positive_v1 as assert_positive
from tideflow._src.ops.control.assertions import assert_proper_iterable as assert_proper_iterable
from tideflow._src.ops.control.assertions import assert_rank_at_least_v1 as assert_rank_at_least
from tideflow._src.ops.control.assertions import assert_rank_in_v1 as assert_rank_in
from tideflow._src.ops.control.assertions import assert_rank_v1 as assert_rank
from tideflow._src.ops.control.assertions import assert_same_float_dtype as assert_same_float_dtype
from tideflow._src.ops.control.assertions import assert_scalar_v1 as assert_scalar
from tideflow._src.ops.control.assertions import assert_type as assert_type
from tideflow._src.ops.control.assertions import is_non_decreasing as is_non_decreasing
from tideflow._src.ops.control.assertions import is_numeric_tensor as is_numeric_tensor
from tideflow._src.ops.control.assertions import is_strictly_increasing as is_strictly_increasing
from tideflow._src.ops.control.clock import timestamp as timestamp
from tideflow._src.ops.control.grouping import control_dependencies as control_dependencies
from tideflow._src.ops.control.grouping import group as group
from tideflow._src.ops.control.grouping import tuple_v1 as tuple
from tideflow._src.ops.control.init_scope import init_scope as init_scope
from tideflow._src.ops.control.printing import Print as Print
from tideflow._src.ops.control.printing import print_v2_function as print
from tideflow._src.ops.control.python_function import numpy_function as numpy_function
from tideflow._src.ops.control.python_function import py_func as py_func
from tideflow._src.ops.control.python_function import py_function as py_function
from tideflow._src.ops.control.tensor_array import TensorArray as TensorArray
from tideflow._src.ops.control.tensor_array import TensorArraySpec as TensorArraySpec
from tideflow._src.ops.files.file_ops import matching_files as matching_files
from tideflow._src.ops.files.file_ops import read_file as read_file
from tideflow._src.ops.files.file_ops import write_file as write_file
from tideflow._src.ops.image.patch_functions import extract_image_patches as extract_image_patches
from tideflow._src.ops.image.patch_functions import extract_volume_patches as extract_volume_patches
from tideflow._src.ops.linalg.functions import cholesky as cholesky
from tideflow._src.ops.linalg.functions import cholesky_solve as cholesky_solve
from tideflow._src.ops.linalg.functions import cross as cross
from tideflow._src.ops.linalg.functions import det as matrix_determinant
from tideflow._src.ops.linalg.functions import eigh as self_adjoint_eig
from tideflow._src.ops.linalg.functions import eigvalsh as self_adjoint_eigvals
from tideflow._src.ops.linalg.functions import inv as matrix_inverse
from tideflow._src.ops.linalg.functions import lstsq as matrix_solve_ls
from tideflow._src.ops.linalg.functions import qr as qr
from tideflow._src.ops.linalg.functions import solve as matrix_solve
from tideflow._src.ops.linalg.functions import sqrtm as matrix_square_root
from tideflow._src.ops.linalg.functions import svd as svd
from tideflow._src.ops.linalg.functions import trace as trace
from tideflow._src.ops.linalg.functions import triangular_solve as matrix_triangular_solve
from tideflow._src.ops.linalg.norms import global_norm as global_norm
from tideflow._src.ops.linalg.norms import norm_v1 as norm
from tideflow._src.ops.math.argument_extrema import arg_max_function as arg_max
from tideflow._src.ops.math.argument_extrema import arg_min_function as arg_min
from tideflow._src.ops.math.argument_extrema import argmax_v1 as argmax
from tideflow._src.ops.math.argument_extrema import argmin_v1 as argmin
from tideflow._src.ops.math.arithmetic import accumulate_n as accumulate_n
from tideflow._src.ops.math.arithmetic import add as add
from tideflow._src.ops.math.arithmetic import add_n as add_n
from tideflow._src.ops.math.arithmetic import atan2 as atan2
from tideflow._src.ops.math.arithmetic import maximum as maximum
from tideflow._src.ops.math.arithmetic import minimum as minimum
from tideflow._src.ops.math.arithmetic import multiply as multiply
from tideflow._src.ops.math.arithmetic import pow as pow
from tideflow._src.ops.math.arithmetic import scalar_mul_v1 as scalar_mul
from tideflow._src.ops.math.arithmetic import squared_difference as squared_difference
from tideflow._src.ops.math.arithmetic import subtract as subtract
from tideflow._src.ops.math.casting import bitcast as bitcast
from tideflow._src.ops.math.casting import cast as cast
from tideflow._src.ops.math.casting import saturate_cast as saturate_cast
from tideflow._src.ops.math.casting import to_bfloat16 as to_bfloat16
from tideflow._src.ops.math.casting import to_complex64 as to_complex64
from tideflow._src.ops.math.casting import to_complex128 as to_complex128
from tideflow._src.ops.math.casting import to_double as to_double
from tideflow._src.ops.math.casting import to_float as to_float
from tideflow._src.ops.math.casting import to_int32 as to_int32
from tideflow._src.ops.math.casting import to_int64 as to_int64
from tideflow._src.ops.math.clip import clip_by_average_norm as clip_by_average_norm
from tideflow._src.ops.math.clip import clip_by_global_norm as clip_by_global_norm
from tideflow._src.ops.math.clip import clip_by_norm as clip_by_norm
from tideflow._src.ops.math.clip import clip_by_value as clip_by_value
from tideflow._src.ops.math.comparison import equal as equal
from tideflow._src.ops.math.comparison import greater as greater
from tideflow._src.ops.math.comparison import greater_equal as greater_equal
from tideflow._src.ops.math.comparison import less as less
from tideflow._src.ops.math.comparison import less_equal as less_equal
from tideflow._src.ops.math.comparison import not_equal as not_equal
from tideflow._src.ops.math.complex_numbers import angle as angle
from tideflow._src.ops.math.complex_numbers import complex as complex
from tideflow._src.ops.math.complex_numbers import conj as conj
from tideflow._src.ops.math.complex_numbers import imag as imag
from tideflow._src.ops.math.complex_numbers import real as real
from tideflow._src.ops.math.counting import bincount_v1 as bincount
from tideflow._src.ops.math.counting import confusion_matrix_v1 as confusion_matrix
from tideflow._src.ops.math.cumulative import cumprod as cumprod
from tideflow._src.ops.math.cumulative import cumsum as cumsum
from tideflow._src.ops.math.division import div as div
from tideflow._src.ops.math.division import div_no_nan as div_no_nan
from tideflow._src.ops.math.division import divide as divide
from tideflow._src.ops.math.division import floor_div_v1 as floor_div
from tideflow._src.ops.math.division import floordiv as floordiv
from tideflow._src.ops.math.division import floormod as floormod
from tideflow._src.ops.math.division import mod as mod
from tideflow._src.ops.math.division import realdiv as realdiv
from tideflow._src.ops.math.division import truediv as truediv
from tideflow._src.ops.math.division import truncatediv as truncatediv
from tideflow._src.ops.math.division import truncatemod as truncatemod
from tideflow._src.ops.math.einsum import einsum as einsum
from tideflow._src.ops.math.histogram_functions import histogram_fixed_width as histogram_fixed_width
from tideflow._src.ops.math.histogram_functions import histogram_fixed_width_bins as histogram_fixed_width_bins
from tideflow._src.ops.math.incomplete_gamma import igamma as igamma
from tideflow._src.ops.math.incomplete_gamma import igammac as igammac
from tideflow._src.ops.math.logical import logical_and as logical_and
from tideflow._src.ops.math.logical import logical_not as logical_not
from tideflow._src.ops.math.logical import logical_or as logical_or
from tideflow._src.ops.math.logical import logical_xor as logical_xor
from tideflow._src.ops.math.matrix_product_functions import matmul as matmul
from tideflow._src.ops.math.matrix_product_functions import tensordot as tensordot
from tideflow._src.ops.math.numerics_watch import add_check_numerics_ops as add_check_numerics_ops
from tideflow._src.ops.math.reduction_functions import count_nonzero_v1 as count_nonzero
from tideflow._src.ops.math.reduction_functions import reduce_all_v1 as reduce_all
from tideflow._src.ops.math.reduction_functions import reduce_any_v1 as reduce_any
from tideflow._src.ops.math.reduction_functions import reduce_logsumexp_v1 as reduce_logsumexp
from tideflow._src.ops.math.reduction_functions import reduce_max_v1 as reduce_max
from tideflow._src.ops.math.reduction_functions import reduce_mean_v1 as reduce_mean
from tideflow._src.ops.math.reduction_functions import reduce_min_v1 as reduce_min
from tideflow._src.ops.math.reduction_functions import reduce_prod_v1 as reduce_prod
from tideflow._src.ops.math.reduction_functions import reduce_sum_v1 as reduce_sum
from tideflow._src.ops.math.rounding import ceil as ceil
from tideflow._src.ops.math.rounding import floor as floor
from tideflow._src.ops.math.rounding import is_finite as is_finite
from tideflow._src.ops.math.rounding import is_inf as is_inf
from tideflow._src.ops.math.rounding import is_nan as is_nan
from tideflow._src.ops.math.rounding import rint as rint
from tideflow._src.ops.math.rounding import round as round
from tideflow._src.ops.math.segments import segment_max as segment_max
from tideflow._src.ops.math.segments import segment_mean as segment_mean
from tideflow._src.ops.math.segments import segment_min as segment_min
from tideflow._src.ops.math.segments import segment_prod as segment_prod
from tideflow._src.ops.math.segments import segment_sum as segment_sum
from tideflow._src.ops.math.segments import unsorted_segment_max as unsorted_segment_max
from tideflow._src.ops.math.segments import unsorted_segment_mean as unsorted_segment_mean
from tideflow._src.ops.math.segments import unsorted_segment_min as unsorted_segment_min
from tideflow._src.ops.math.segments import unsorted_segment_prod as unsorted_segment_prod
from tideflow._src.ops.math.segments import unsorted_segment_sqrt_n as unsorted_segment_sqrt_n
from tideflow._src.ops.math.segments import unsorted_segment_sum as unsorted_segment_sum
from tideflow._src.ops.math.sorting import argsort as argsort
from tideflow._src.ops.math.sorting import searchsorted as searchsorted
from tideflow._src.ops.math.sorting import sort as sort
from tideflow._src.ops.math.sparse_segments import sparse_segment_mean_v1 as sparse_segment_mean
from tideflow._src.ops.math.sparse_segments import sparse_segment_sqrt_n_v1 as sparse_segment_sqrt_n
from tideflow._src.ops.math.sparse_segments import sparse_segment_sum_v1 as sparse_segment_sum
from tideflow._src.ops.math.special_functions import betainc as betainc
from tideflow._src.ops.math.special_functions import digamma as digamma
from tideflow._src.ops.math.special_functions import erf as erf
from tideflow._src.ops.math.special_functions import erfc as erfc
from tideflow._src.ops.math.special_functions import lbeta as lbeta
from tideflow._src.ops.math.special_functions import lgamma as lgamma
from tideflow._src.ops.math.trigonometric import acos as acos
from tideflow._src.ops.math.trigonometric import acosh as acosh
from tideflow._src.ops.math.trigonometric import asin as asin
from tideflow._src.ops.math.trigonometric import asinh as asinh
from tideflow._src.ops.math.trigonometric import atan as atan
from tideflow._src.ops.math.trigonometric import atanh as atanh
from tideflow._src.ops.math.trigonometric import cos as cos
from tideflow._src.ops.math.trigonometric import cosh as cosh
from tideflow._src.ops.math.trigonometric import sin as sin
from tideflow._src.ops.math.trigonometric import sinh as sinh
from tideflow._src.ops.math.trigonometric import tan as tan
from tideflow._src.ops.math.unary import abs as abs
from tideflow._src.ops.math.unary import exp as exp
from tideflow._src.ops.math.unary import expm1 as expm1
from tideflow._src.ops.math.unary import log as log
from tideflow._src.ops.math.unary import log1p as log1p
from tideflow._src.ops.math.unary import negative as negative
from tideflow._src.ops.math.unary import reciprocal as reciprocal
from tideflow._src.ops.math.unary import rsqrt as rsqrt
from tideflow._src.ops.math.unary import sigmoid as sigmoid
from tideflow._src.ops.math.unary import sign as sign
from tideflow._src.ops.math.unary import sqrt as sqrt
from tideflow._src.ops.math.unary import square as square
from tideflow._src.ops.math.unary import tanh as tanh
from tideflow._src.ops.math.validation import check_numerics as check_numerics
from tideflow._src.ops.math.validation import ensure_shape as ensure_shape
from tideflow._src.ops.math.validation import verify_tensor_all_finite as verify_tensor_all_finite
from tideflow._src.ops.math.zeta_functions import polygamma as polygamma
from tideflow._src.ops.math.zeta_functions import zeta as zeta
from tideflow._src.ops.nn.activation import log_sigmoid as log_sigmoid
from tideflow._src.ops.nn.root_functions import approx_top_k as approx_top_k
from tideflow._src.ops.nn.root_functions import conv as conv
from tideflow._src.ops.nn.root_functions import conv2d_backprop_filter_v2 as conv2d_backprop_filter_v2
from tideflow._src.ops.nn.root_functions import conv2d_backprop_input_v2 as conv2d_backprop_input_v2
from tideflow._src.ops.nn.root_functions import sparse_matmul_v1 as sparse_matmul
from tideflow._src.ops.parsing.csv import decode_csv_v1 as decode_csv
from tideflow._src.ops.parsing.encodings import decode_compressed as decode_compressed
from tideflow._src.ops.parsing.encodings import decode_json_example as decode_json_example
from tideflow._src.ops.parsing.features import FixedLenFeature as FixedLenFeature
from tideflow._src.ops.parsing.features import FixedLenSequenceFeature as FixedLenSequenceFeature
from tideflow._src.ops.parsing.features import SparseFeature as SparseFeature
from tideflow._src.ops.parsing.features import VarLenFeature as VarLenFeature
from tideflow._src.ops.parsing.parse_functions import parse_example_v1 as parse_example
from tideflow._src.ops.parsing.parse_functions import parse_single_example_v1 as parse_single_example
from tideflow._src.ops.parsing.parse_functions import parse_single_sequence_example as parse_single_sequence_example
from tideflow._src.ops.parsing.raw_bytes import decode_raw_v1 as decode_raw
from tideflow._src.ops.parsing.tensors import parse_tensor as parse_tensor
from tideflow._src.ops.parsing.tensors import serialize_tensor as serialize_tensor
from tideflow._src.ops.quantization.functions import dequantize as dequantize
from tideflow._src.ops.quantization.functions import fake_quant_with_min_max_args as fake_quant_with_min_max_args
from tideflow._src.ops.quantization.functions import (
    fake_quant_with_min_max_args_gradient as fake_quant_with_min_max_args_gradient,
)
from tideflow._src.ops.quantization.functions import fake_quant_with_min_max_vars as fake_quant_with_min_max_vars
from tideflow._src.ops.quantization.functions import (
    fake_quant_with_min_max_vars_gradient as fake_quant_with_min_max_vars_gradient,
)
from tideflow._src.ops.quantization.functions import (
    fake_quant_with_min_max_vars_per_channel as fake_quant_with_min_max_vars_per_channel,
)
from tideflow._src.ops.quantization.functions import (
    fake_quant_with_min_max_vars_per_channel_gradient as fake_quant_with_min_max_vars_per_channel_gradient,
)
from tideflow._src.ops.quantization.functions import quantize as quantize
from tideflow._src.ops.quantization.functions import quantize_v2_v1 as quantize_v2
from tideflow._src.ops.quantization.functions import quantized_concat as quantized_concat
from tideflow._src.ops.queues.accumulator_classes import ConditionalAccumulator as ConditionalAccumulator
from tideflow._src.ops.queues.accumulator_classes import ConditionalAccumulatorBase as ConditionalAccumulatorBase
from tideflow._src.ops.queues.accumulator_classes import SparseConditionalAccumulator as SparseConditionalAccumulator
from tideflow._src.ops.queues.queue_classes import FIFOQueue as FIFOQueue
from tideflow._src.ops.queues.queue_classes import PaddingFIFOQueue as PaddingFIFOQueue
from tideflow._src.ops.queues.queue_classes import PriorityQueue as PriorityQueue
from tideflow._src.ops.queues.queue_classes import QueueBase as QueueBase
from tideflow._src.ops.queues.queue_classes import RandomShuffleQueue as RandomShuffleQueue
from tideflow._src.ops.queues.reader_classes import FixedLengthRecordReader as FixedLengthRecordReader
from tideflow._src.ops.queues.reader_classes import IdentityReader as IdentityReader
from tideflow._src.ops.queues.reader_classes import LMDBReader as LMDBReader
from tideflow._src.ops.queues.reader_classes import ReaderBase as ReaderBase
from tideflow._src.ops.queues.reader_classes import TextLineReader as TextLineReader
from tideflow._src.ops.queues.reader_classes import TFRecordReader as TFRecordReader
from tideflow._src.ops.queues.reader_classes import WholeFileReader as WholeFileReader
from tideflow._src.ops.random.random_crop import random_crop as random_crop
from tideflow._src.ops.random.seeds import get_seed as get_seed
from tideflow._src.ops.random.seeds import set_random_seed as set_random_seed
from tideflow._src.ops.random.stateful_functions import multinomial as multinomial
from tideflow._src.ops.random.stateful_functions import random_gamma as random_gamma
from tideflow._src.ops.random.stateful_functions import random_normal as random_normal
from tideflow._src.ops.random.stateful_functions import random_poisson_v1 as random_poisson
from tideflow._src.ops.random.stateful_functions import random_shuffle as random_shuffle
from tideflow._src.ops.random.stateful_functions import random_uniform as random_uniform
from tideflow._src.ops.random.stateful_functions import truncated_normal as truncated_normal
from tideflow._src.ops.random.stateless_functions import random_index_shuffle as random_index_shuffle
from tideflow._src.ops.signal.fourier_functions import fft as fft
from tideflow._src.ops.signal.fourier_functions import fft2d as fft2d
from tideflow._src.ops.signal.fourier_functions import fft3d as fft3d
from tideflow._src.ops.signal.fourier_functions import fftnd as fftnd
from tideflow._src.ops.signal.fourier_functions import ifft as ifft
from tideflow._src.ops.signal.fourier_functions import ifft2d as ifft2d
from tideflow._src.ops.signal.fourier_functions import ifft3d as ifft3d
from tideflow._src.ops.signal.fourier_functions import ifftnd as ifftnd
from tideflow._src.ops.signal.fourier_functions import irfftnd as irfftnd
from tideflow._src.ops.signal.fourier_functions import rfftnd as rfftnd
from tideflow._src.ops.sparse.conversion import sparse_reorder as sparse_reorder
from tideflow._src.ops.sparse.conversion import sparse_reshape as sparse_reshape
from tideflow._src.ops.sparse.conversion import sparse_tensor_dense_matmul as sparse_tensor_dense_matmul
from tideflow._src.ops.sparse.conversion import sparse_tensor_to_dense as sparse_tensor_to_dense
from tideflow._src.ops.sparse.conversion import sparse_to_dense_v1 as sparse_to_dense
from tideflow._src.ops.strings.base64_codec import decode_base64 as decode_base64
from tideflow._src.ops.strings.base64_codec import encode_base64 as encode_base64
from tideflow._src.ops.strings.characters import strip as string_strip
from tideflow._src.ops.strings.characters import substr_v1 as substr
from tideflow._src.ops.strings.functions import as_string as as_string
from tideflow._src.ops.strings.functions import edit_distance as edit_distance
from tideflow._src.ops.strings.functions import fingerprint as fingerprint
from tideflow._src.ops.strings.hashing import string_to_hash_bucket_fast as string_to_hash_bucket_fast
from tideflow._src.ops.strings.hashing import string_to_hash_bucket_strong as string_to_hash_bucket_strong
from tideflow._src.ops.strings.hashing import string_to_hash_bucket_v1 as string_to_hash_bucket
from tideflow._src.ops.strings.joining import reduce_join_v1 as reduce_join
from tideflow._src.ops.strings.joining import string_join as string_join
from tideflow._src.ops.strings.numbers import string_to_number as string_to_number
from tideflow._src.ops.strings.regex import regex_replace as regex_replace
from tideflow._src.ops.strings.rows import string_split as string_split
from tideflow._src.runtime.convert import register_tensor_conversion_function as register_tensor_conversion_function
from tideflow._src.runtime.device_copies import convert_to_tensor_v1 as convert_to_tensor
from tideflow._src.runtime.devices import device_v1 as device
from tideflow._src.runtime.indexed_slices_spec import IndexedSlicesSpec as IndexedSlicesSpec
from tideflow._src.runtime.indexed_slices_spec import (
    convert_to_tensor_or_indexed_slices as convert_to_tensor_or_indexed_slices,
)
from tideflow._src.runtime.sparse_tensor import SparseTensor as SparseTensor
from tideflow._src.runtime.sparse_tensor import SparseTensorSpec as SparseTensorSpec
from tideflow._src.runtime.sparse_tensor import SparseTensorValue as SparseTensorValue
from tideflow._src.runtime.sparse_tensor import convert_to_tensor_or_sparse_tensor as convert_to_tensor_or_sparse_tensor
from tideflow._src.session.handles import delete_session_tensor as delete_session_tensor
from tideflow._src.session.handles import get_session_handle as get_session_handle
from tideflow._src.session.handles import get_session_tensor as get_session_tensor
from tideflow._src.session.session import InteractiveSession as InteractiveSession
from tideflow._src.session.session import Session as Session
from tideflow._src.session.session import get_default_session as get_default_session
from tideflow._src.state import ref_variable as _ref_variable
from tideflow._src.state import resource_variable as _resource_variable
from tideflow._src.state.assignment import assign as assign
from tideflow._src.state.assignment import assign_add as assign_add
from tideflow._src.state.assignment import assign_sub as assign_sub
from tideflow._src.state.assignment import batch_scatter_update as batch_scatter_update
from tideflow._src.state.assignment import count_up_to as count_up_to
from tideflow._src.state.assignment import is_variable_initialized as is_variable_initialized
from tideflow._src.state.assignment import scatter_add as scatter_add
from tideflow._src.state.assignment import scatter_div as scatter_div
from tideflow._src.state.assignment import scatter_max as scatter_max
from tideflow._src.state.assignment import scatter_min as scatter_min
from tideflow._src.state.assignment import scatter_mul as scatter_mul
from tideflow._src.state.assignment import scatter_nd_add as scatter_nd_add
from tideflow._src.state.assignment import scatter_nd_sub as scatter_nd_sub
from tideflow._src.state.assignment import scatter_nd_update as scatter_nd_update
from tideflow._src.state.assignment import scatter_sub as scatter_sub
from tideflow._src.state.assignment import scatter_update as scatter_update
from tideflow._src.state.create_partitioned import create_partitioned_variables as create_partitioned_variables
from tideflow._src.state.graph_keys import GraphKeys as GraphKeys
from tideflow._src.state.initializers import constant_initializer as constant_initializer
from tideflow._src.state.initializers import glorot_normal_initializer as glorot_normal_initializer
from tideflow._src.state.initializers import glorot_uniform_initializer as glorot_uniform_initializer
from tideflow._src.state.initializers import ones_initializer as ones_initializer
from tideflow._src.state.initializers import orthogonal_initializer as orthogonal_initializer
from tideflow._src.state.initializers import random_normal_initializer as random_normal_initializer
from tideflow._src.state.initializers import random_uniform_initializer as random_uniform_initializer
from tideflow._src.state.initializers import truncated_normal_initializer as truncated_normal_initializer
from tideflow._src.state.initializers import uniform_unit_scaling_initializer as uniform_unit_scaling_initializer
from tideflow._src.state.initializers import variance_scaling_initializer as variance_scaling_initializer
from tideflow._src.state.initializers import zeros_initializer as zeros_initializer
from tideflow._src.state.module import Module as Module
from tideflow._src.state.partitioned_variable import fixed_size_partitioner as fixed_size_partitioner
from tideflow._src.state.partitioned_variable import min_max_variable_partitioner as min_max_variable_partitioner
from tideflow._src.state.partitioned_variable import variable_axis_size_partitioner as variable_axis_size_partitioner
from tideflow._src.state.replication import VariableAggregation as VariableAggregation
from tideflow._src.state.replication import VariableSynchronization as VariableSynchronization
from tideflow._src.state.template import make_template as make_template
from tideflow._src.state.variable import VariableV1 as Variable
from tideflow._src.state.variable import disable_resource_variables as disable_resource_variables
from tideflow._src.state.variable import enable_resource_variables as enable_resource_variables
from tideflow._src.state.variable import resource_variables_enabled as resource_variables_enabled
from tideflow._src.state.variable import variable_creator_scope_v1 as variable_creator_scope
from tideflow._src.state.variable_collections import all_variables as all_variables
from tideflow._src.state.variable_collections import assert_variables_initialized as assert_variables_initialized
from tideflow._src.state.variable_collections import global_variables as global_variables
from tideflow._src.state.variable_collections import global_variables_initializer as global_variables_initializer
from tideflow._src.state.variable_collections import initialize_all_variables as initialize_all_variables
from tideflow._src.state.variable_collections import initialize_local_variables as initialize_local_variables
from tideflow._src.state.variable_collections import initialize_variables as initialize_variables
from tideflow._src.state.variable_collections import local_variables as local_variables
from tideflow._src.state.variable_collections import local_variables_initializer as local_variables_initializer
from tideflow._src.state.variable_collections import model_variables as model_variables
from tideflow._src.state.variable_collections import moving_average_variables as moving_average_variables
from tideflow._src.state.variable_collections import report_uninitialized_variables as report_uninitialized_variables
from tideflow._src.state.variable_collections import tables_initializer as tables_initializer
from tideflow._src.state.variable_collections import trainable_variables as trainable_variables
from tideflow._src.state.variable_collections import variables_initializer as variables_initializer
from tideflow._src.state.variable_scope import VariableScope as VariableScope
from tideflow._src.state.variable_scope import get_local_variable as get_local_variable
from tideflow._src.state.variable_scope import get_variable as get_variable
from tideflow._src.state.variable_scope import get_variable_scope as get_variable_scope
from tideflow._src.state.variable_scope import no_regularizer as no_regularizer
from tideflow._src.state.variable_scope import variable_op_scope as variable_op_scope
from tideflow._src.state.variable_scope import variable_scope as variable_scope
from tideflow._src.state.variable_store import AUTO_REUSE as AUTO_REUSE
from tideflow._src.version import COMPILER_VERSION as COMPILER_VERSION
from tideflow._src.version import GIT_VERSION as GIT_VERSION
from tideflow._src.version import GRAPH_DEF_VERSION as GRAPH_DEF_VERSION
from tideflow._src.version import GRAPH_DEF_VERSION_MIN_CONSUMER as GRAPH_DEF_VERSION_MIN_CONSUMER
from tideflow._src.version import GRAPH_DEF_VERSION_MIN_PRODUCER as GRAPH_DEF_VERSION_MIN_PRODUCER
from tideflow._src.version import VERSION as VERSION
from tideflow._src.version import VERSION as __version__

newaxis = None

#: The namespaces inside this one, some of them shared with TensorFlow 2. Each is imported when it is first used.
SUBMODULES = (
    "app",
    "audio",
    "autograph",
    "tideflow.bitwise",
    "tideflow.compat",
    "tideflow.config",
    "data",
    "debugging",
    "distributions",
    "dtypes",
    "errors",
    "examples",
    "estimator",
    "experimental",
    "feature_column",
    "flags",
    "gfile",
    "graph_util",
    "image",
    "initializers",
    "io",
    "layers",
    "linalg",
    "logging",
    "lookup",
    "losses",
    "manip",
    "math",
    "metrics",
    "mixed_precision",
    "nest",
    "nn",
    "profiler",
    "python_io",
    "quantization",
    "queue",
    "ragged",
    "random",
    "tideflow.raw_ops",
    "resource_loader",
    "saved_model",
    "sets",
    "signal",
    "sparse",
    "spectral",
    "strings",
    "summary",
    "tideflow.sysconfig",
    "test",
    "train",
    "types",
    "user_ops",
    "tideflow.version",
    "tideflow.xla",
)
#: Names whose modules are imported when they are first used.
LATER = {
    "OptionalSpec": "ops.composite.optional",
    "RaggedTensor": "ops.ragged.ragged_tensor",
    "RaggedTensorSpec": "ops.ragged.ragged_tensor",
    "ragged_fill_empty_rows": "ops.ragged.fill",
    "check_pinned": "ops.control.device_ops",
    "load_file_system_library": "compat.libraries",
    "load_library": "compat.libraries",
    "load_op_library": "compat.libraries",
    "ragged_fill_empty_rows_grad": "ops.ragged.fill",
    "deserialize_many_sparse": "ops.sparse.as_strings",
    "serialize_many_sparse": "ops.sparse.as_strings:serialize_many_sparse_v1",
    "serialize_sparse": "ops.sparse.as_strings:serialize_sparse_v1",
    "sparse_add": "ops.sparse.arithmetic:add_v1",
    "sparse_concat": "ops.sparse.arranging:concat_v1",
    "sparse_fill_empty_rows": "ops.sparse.arranging:fill_empty_rows",
    "sparse_mask": "ops.sparse.arranging:mask",
    "sparse_maximum": "ops.sparse.arithmetic:maximum",
    "sparse_merge": "ops.sparse.ids:merge",
    "sparse_minimum": "ops.sparse.arithmetic:minimum",
    "sparse_reduce_max": "ops.sparse.arithmetic:reduce_max_v1",
    "sparse_reduce_max_sparse": "ops.sparse.arithmetic:reduce_max_sparse_v1",
    "sparse_reduce_sum": "ops.sparse.arithmetic:reduce_sum_v1",
    "sparse_reduce_sum_sparse": "ops.sparse.arithmetic:reduce_sum_sparse_v1",
    "sparse_reset_shape": "ops.sparse.arranging:reset_shape",
    "sparse_retain": "ops.sparse.arranging:retain",
    "sparse_slice": "ops.sparse.arranging:slice",
    "sparse_softmax": "ops.sparse.arithmetic:softmax",
    "sparse_split": "ops.sparse.arranging:split_v1",
    "sparse_to_indicator": "ops.sparse.ids:to_indicator",
    "sparse_transpose": "ops.sparse.arranging:transpose",
}
__getattr__ = module_getattr("tideflow.compat.v1", "v1", SUBMODULES, LATER)
__dir__ = module_dir("tideflow.compat.v1", SUBMODULES, LATER)

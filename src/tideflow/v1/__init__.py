"""The TensorFlow 1.x namespace: ``import tideflow.v1 as tf``, also ``tideflow.compat.v1``.

As with TensorFlow's ``tf.compat.v1``, importing it changes nothing yet; ``tf.disable_v2_behavior()`` makes operations join
graphs by default. ``python -m tideflow --v1`` does that for a whole program.
"""

from __future__ import annotations

from tideflow._src.autodiff.custom_gradient import (custom_gradient as custom_gradient, grad_pass_through as grad_pass_through, recompute_grad as recompute_grad)
from tideflow._src.autodiff.graph_gradients import (gradients as gradients)
from tideflow._src.autodiff.jacobian import (hessians as hessians)
from tideflow._src.autodiff.rules import (RegisterGradient as RegisterGradient, not_differentiable as NoGradient, not_differentiable as NotDifferentiable, not_differentiable as no_gradient)
from tideflow._src.autodiff.tape import (GradientTape as GradientTape)
from tideflow._src.autodiff.unconnected import (AggregationMethod as AggregationMethod, UnconnectedGradients as UnconnectedGradients)
from tideflow._src.compat.behavior import (control_flow_v2_enabled as control_flow_v2_enabled, disable_control_flow_v2 as disable_control_flow_v2, disable_eager_execution as disable_eager_execution, disable_tensor_equality as disable_tensor_equality, disable_v2_behavior as disable_v2_behavior, disable_v2_tensorshape as disable_v2_tensorshape, enable_control_flow_v2 as enable_control_flow_v2, enable_eager_execution as enable_eager_execution, enable_tensor_equality as enable_tensor_equality, enable_v2_behavior as enable_v2_behavior, enable_v2_tensorshape as enable_v2_tensorshape)
from tideflow._src.core.device import (DeviceSpec as DeviceSpec)
from tideflow._src.core.dimension import (Dimension as Dimension, dimension_value as dimension_value)
from tideflow._src.core.dtypes import (DType as DType, QUANTIZED_DTYPES as QUANTIZED_DTYPES, as_dtype as as_dtype, bfloat16 as bfloat16, bool as bool, complex128 as complex128, complex64 as complex64, double as double, float16 as float16, float32 as float32, float64 as float64, half as half, int16 as int16, int32 as int32, int64 as int64, int8 as int8, qint16 as qint16, qint32 as qint32, qint8 as qint8, quint16 as quint16, quint8 as quint8, resource as resource, string as string, uint16 as uint16, uint32 as uint32, uint64 as uint64, uint8 as uint8, variant as variant)
from tideflow._src.core.errors import (OpError as OpError)
from tideflow._src.core.indexed_slices import (IndexedSlices as IndexedSlices)
from tideflow._src.core.tensor import (Tensor as Tensor, is_symbolic_tensor as is_symbolic_tensor, is_tensor as is_tensor)
from tideflow._src.core.tensor_shape import (TensorShape as TensorShape, dimension_at_index as dimension_at_index)
from tideflow._src.core.tensor_spec import (TensorSpec as TensorSpec)
from tideflow._src.core.type_spec import (TypeSpec as TypeSpec, type_spec_from_value as type_spec_from_value)
from tideflow._src.function.assertions import (Assert as Assert, assert_equal_v1 as assert_equal, assert_greater_equal_v1 as assert_greater_equal, assert_greater_v1 as assert_greater, assert_integer as assert_integer, assert_less_equal_v1 as assert_less_equal, assert_less_v1 as assert_less, assert_near_v1 as assert_near, assert_negative_v1 as assert_negative, assert_non_negative_v1 as assert_non_negative, assert_non_positive_v1 as assert_non_positive, assert_none_equal_v1 as assert_none_equal, assert_positive_v1 as assert_positive, assert_rank_at_least_v1 as assert_rank_at_least, assert_rank_in_v1 as assert_rank_in, assert_rank_v1 as assert_rank, assert_same_float_dtype as assert_same_float_dtype, assert_scalar as assert_scalar, assert_type as assert_type, is_non_decreasing as is_non_decreasing, is_numeric_tensor as is_numeric_tensor, is_strictly_increasing as is_strictly_increasing)
from tideflow._src.function.conditional import (case as case, cond_v1 as cond, switch_case as switch_case)
from tideflow._src.function.loops import (while_loop_v1 as while_loop)
from tideflow._src.function.name_scopes import (name_scope_v1 as name_scope)
from tideflow._src.graph.default_graph import (add_to_collection as add_to_collection, add_to_collections as add_to_collections, colocate_with as colocate_with, container as container, executing_eagerly as executing_eagerly, executing_eagerly_outside_functions as executing_eagerly_outside_functions, get_collection as get_collection, get_collection_ref as get_collection_ref, get_default_graph as get_default_graph, op_scope as op_scope, reset_default_graph as reset_default_graph)
from tideflow._src.graph.graph import (Graph as Graph, Operation as Operation)
from tideflow._src.graph.static_value import (static_value as get_static_value)
from tideflow._src.graph.tensor_proto import (make_ndarray as make_ndarray, make_tensor_proto as make_tensor_proto)
from tideflow._src.io.graph_files import (import_graph_def as import_graph_def)
from tideflow._src.ops.array.blocks import (batch_to_space_nd as batch_to_space_nd, batch_to_space_v1 as batch_to_space, depth_to_space_v1 as depth_to_space, required_space_to_batch_paddings as required_space_to_batch_paddings, space_to_batch_nd as space_to_batch_nd, space_to_batch_v1 as space_to_batch, space_to_depth_v1 as space_to_depth)
from tideflow._src.ops.array.broadcasting import (broadcast_dynamic_shape as broadcast_dynamic_shape, broadcast_static_shape as broadcast_static_shape)
from tideflow._src.ops.array.constants import (constant_v1 as constant, fill as fill, ones as ones, ones_like_v1 as ones_like, zeros as zeros, zeros_like_v1 as zeros_like)
from tideflow._src.ops.array.diagonals import (matrix_band_part as matrix_band_part, matrix_diag as matrix_diag, matrix_diag_part as matrix_diag_part, matrix_set_diag as matrix_set_diag, tensor_diag_part as diag_part)
from tideflow._src.ops.array.gathering import (batch_gather as batch_gather, gather_nd_v1 as gather_nd, gather_v1 as gather)
from tideflow._src.ops.array.identity import (guarantee_const as guarantee_const, identity as identity, identity_n as identity_n, no_op as no_op, stop_gradient as stop_gradient)
from tideflow._src.ops.array.joining import (concat as concat, parallel_stack as parallel_stack, stack as stack)
from tideflow._src.ops.array.masking import (boolean_mask_v1 as boolean_mask, sequence_mask as sequence_mask)
from tideflow._src.ops.array.padding import (pad_v1 as pad)
from tideflow._src.ops.array.partitioning import (dynamic_partition as dynamic_partition, dynamic_stitch as dynamic_stitch, unique as unique, unique_with_counts as unique_with_counts)
from tideflow._src.ops.array.permuting import (invert_permutation as invert_permutation, matrix_transpose as matrix_transpose, reverse as reverse, reverse_sequence_v1 as reverse_sequence, roll as roll, tile as tile, transpose_v1 as transpose)
from tideflow._src.ops.array.placeholders import (placeholder as placeholder, placeholder_with_default as placeholder_with_default)
from tideflow._src.ops.array.scattering import (scatter_nd as scatter_nd, tensor_scatter_nd_add as tensor_scatter_nd_add, tensor_scatter_nd_max as tensor_scatter_nd_max, tensor_scatter_nd_min as tensor_scatter_nd_min, tensor_scatter_nd_sub as tensor_scatter_nd_sub, tensor_scatter_nd_update as tensor_scatter_nd_update, tensor_scatter_nd_update as tensor_scatter_update)
from tideflow._src.ops.array.selection import (where_v1 as where, where_v2 as where_v2)
from tideflow._src.ops.array.sequences import (eye as eye, linspace as linspace, meshgrid as meshgrid, one_hot as one_hot, range as range, repeat as repeat)
from tideflow._src.ops.array.shape import (expand_dims_v1 as expand_dims, rank as rank, reshape as reshape, shape_n as shape_n, shape_v1 as shape, size_v1 as size, squeeze_v1 as squeeze)
from tideflow._src.ops.array.slicing import (slice as slice, strided_slice as strided_slice)
from tideflow._src.ops.array.splitting import (split as split, unstack as unstack)
from tideflow._src.ops.control.grouping import (control_dependencies as control_dependencies, group as group, tuple_v1 as tuple)
from tideflow._src.ops.control.init_scope import (init_scope as init_scope)
from tideflow._src.ops.control.printing import (Print as Print, print_v2_function as print)
from tideflow._src.ops.control.python_function import (numpy_function as numpy_function, py_func as py_func, py_function as py_function)
from tideflow._src.ops.linalg.functions import (cholesky as cholesky, cholesky_solve as cholesky_solve, cross as cross, qr as qr, svd as svd, trace as trace)
from tideflow._src.ops.linalg.norms import (global_norm as global_norm, norm_v1 as norm)
from tideflow._src.ops.math.argument_extrema import (argmax_v1 as argmax, argmin_v1 as argmin)
from tideflow._src.ops.math.arithmetic import (accumulate_n as accumulate_n, add as add, add_n as add_n, atan2 as atan2, maximum as maximum, minimum as minimum, multiply as multiply, pow as pow, scalar_mul_v1 as scalar_mul, squared_difference as squared_difference, subtract as subtract)
from tideflow._src.ops.math.casting import (bitcast as bitcast, cast as cast, saturate_cast as saturate_cast, to_bfloat16 as to_bfloat16, to_complex128 as to_complex128, to_complex64 as to_complex64, to_double as to_double, to_float as to_float, to_int32 as to_int32, to_int64 as to_int64)
from tideflow._src.ops.math.clip import (clip_by_average_norm as clip_by_average_norm, clip_by_global_norm as clip_by_global_norm, clip_by_norm as clip_by_norm, clip_by_value as clip_by_value)
from tideflow._src.ops.math.comparison import (equal as equal, greater as greater, greater_equal as greater_equal, less as less, less_equal as less_equal, not_equal as not_equal)
from tideflow._src.ops.math.complex_numbers import (angle as angle, complex as complex, conj as conj, imag as imag, real as real)
from tideflow._src.ops.math.counting import (bincount_v1 as bincount, confusion_matrix_v1 as confusion_matrix)
from tideflow._src.ops.math.cumulative import (cumprod as cumprod, cumsum as cumsum)
from tideflow._src.ops.math.division import (div as div, div_no_nan as div_no_nan, divide as divide, floor_div_v1 as floor_div, floordiv as floordiv, floormod as floormod, mod as mod, realdiv as realdiv, truediv as truediv, truncatediv as truncatediv, truncatemod as truncatemod)
from tideflow._src.ops.math.einsum import (einsum as einsum)
from tideflow._src.ops.math.logical import (logical_and as logical_and, logical_not as logical_not, logical_or as logical_or, logical_xor as logical_xor)
from tideflow._src.ops.math.matmul import (matmul as matmul, tensordot as tensordot)
from tideflow._src.ops.math.reduce import (count_nonzero_v1 as count_nonzero, reduce_all_v1 as reduce_all, reduce_any_v1 as reduce_any, reduce_logsumexp_v1 as reduce_logsumexp, reduce_max_v1 as reduce_max, reduce_mean_v1 as reduce_mean, reduce_min_v1 as reduce_min, reduce_prod_v1 as reduce_prod, reduce_sum_v1 as reduce_sum)
from tideflow._src.ops.math.rounding import (ceil as ceil, floor as floor, is_finite as is_finite, is_inf as is_inf, is_nan as is_nan, rint as rint, round as round)
from tideflow._src.ops.math.segments import (segment_max as segment_max, segment_mean as segment_mean, segment_min as segment_min, segment_prod as segment_prod, segment_sum as segment_sum, sparse_segment_mean_v1 as sparse_segment_mean, sparse_segment_sqrt_n_v1 as sparse_segment_sqrt_n, sparse_segment_sum_v1 as sparse_segment_sum, unsorted_segment_max as unsorted_segment_max, unsorted_segment_mean as unsorted_segment_mean, unsorted_segment_min as unsorted_segment_min, unsorted_segment_prod as unsorted_segment_prod, unsorted_segment_sqrt_n as unsorted_segment_sqrt_n, unsorted_segment_sum as unsorted_segment_sum)
from tideflow._src.ops.math.sorting import (argsort as argsort, searchsorted as searchsorted, sort as sort)
from tideflow._src.ops.math.special_functions import (betainc as betainc, digamma as digamma, erf as erf, erfc as erfc, igamma as igamma, igammac as igammac, lgamma as lgamma, polygamma as polygamma, zeta as zeta)
from tideflow._src.ops.math.trigonometric import (acos as acos, acosh as acosh, asin as asin, asinh as asinh, atan as atan, atanh as atanh, cos as cos, cosh as cosh, sin as sin, sinh as sinh, tan as tan)
from tideflow._src.ops.math.unary import (abs as abs, exp as exp, expm1 as expm1, log as log, log1p as log1p, negative as negative, reciprocal as reciprocal, rsqrt as rsqrt, sigmoid as sigmoid, sign as sign, sqrt as sqrt, square as square, tanh as tanh)
from tideflow._src.ops.math.validation import (check_numerics as check_numerics, ensure_shape as ensure_shape, verify_tensor_all_finite as verify_tensor_all_finite)
from tideflow._src.ops.random.random_crop import (random_crop as random_crop)
from tideflow._src.ops.random.random_ops import (multinomial as multinomial, random_gamma as random_gamma, random_normal as random_normal, random_poisson_v1 as random_poisson, random_shuffle as random_shuffle, random_uniform as random_uniform, truncated_normal as truncated_normal)
from tideflow._src.ops.random.seeds import (get_seed as get_seed, set_random_seed as set_random_seed)
from tideflow._src.runtime.convert import (convert_to_tensor as convert_to_tensor, register_tensor_conversion_function as register_tensor_conversion_function)
from tideflow._src.runtime.devices import (device as device)
from tideflow._src.session.session import (InteractiveSession as InteractiveSession, Session as Session, get_default_session as get_default_session)
from tideflow._src.session.values import (SparseTensorValue as SparseTensorValue)
from tideflow._src.state.assignment import (assign as assign, assign_add as assign_add, assign_sub as assign_sub, batch_scatter_update as batch_scatter_update, count_up_to as count_up_to, is_variable_initialized as is_variable_initialized, scatter_add as scatter_add, scatter_div as scatter_div, scatter_max as scatter_max, scatter_min as scatter_min, scatter_mul as scatter_mul, scatter_nd_add as scatter_nd_add, scatter_nd_sub as scatter_nd_sub, scatter_nd_update as scatter_nd_update, scatter_sub as scatter_sub, scatter_update as scatter_update)
from tideflow._src.state.graph_keys import (GraphKeys as GraphKeys)
from tideflow._src.state.initialization import (all_variables as all_variables, assert_variables_initialized as assert_variables_initialized, global_variables as global_variables, global_variables_initializer as global_variables_initializer, initialize_all_variables as initialize_all_variables, initialize_local_variables as initialize_local_variables, initialize_variables as initialize_variables, local_variables as local_variables, local_variables_initializer as local_variables_initializer, model_variables as model_variables, moving_average_variables as moving_average_variables, report_uninitialized_variables as report_uninitialized_variables, trainable_variables as trainable_variables, variables_initializer as variables_initializer)
from tideflow._src.state.initializers import (constant_initializer as constant_initializer, glorot_normal_initializer as glorot_normal_initializer, glorot_uniform_initializer as glorot_uniform_initializer, ones_initializer as ones_initializer, orthogonal_initializer as orthogonal_initializer, random_normal_initializer as random_normal_initializer, random_uniform_initializer as random_uniform_initializer, truncated_normal_initializer as truncated_normal_initializer, uniform_unit_scaling_initializer as uniform_unit_scaling_initializer, variance_scaling_initializer as variance_scaling_initializer, zeros_initializer as zeros_initializer)
from tideflow._src.state.partitioned_variable import (fixed_size_partitioner as fixed_size_partitioner, min_max_variable_partitioner as min_max_variable_partitioner, variable_axis_size_partitioner as variable_axis_size_partitioner)
from tideflow._src.state.replication import (VariableAggregation as VariableAggregation, VariableSynchronization as VariableSynchronization)
from tideflow._src.state.variable import (Variable as Variable, disable_resource_variables as disable_resource_variables, enable_resource_variables as enable_resource_variables, resource_variables_enabled as resource_variables_enabled, variable_creator_scope_v1 as variable_creator_scope)
from tideflow._src.state.variable_scope import (VariableScope as VariableScope, get_local_variable as get_local_variable, get_variable as get_variable, get_variable_scope as get_variable_scope, no_regularizer as no_regularizer, variable_op_scope as variable_op_scope, variable_scope as variable_scope)
from tideflow._src.state.variable_store import (AUTO_REUSE as AUTO_REUSE)
from tideflow._src.version import (COMPILER_VERSION as COMPILER_VERSION, GIT_VERSION as GIT_VERSION, GRAPH_DEF_VERSION as GRAPH_DEF_VERSION, GRAPH_DEF_VERSION_MIN_CONSUMER as GRAPH_DEF_VERSION_MIN_CONSUMER, GRAPH_DEF_VERSION_MIN_PRODUCER as GRAPH_DEF_VERSION_MIN_PRODUCER, VERSION as VERSION)
from tideflow._src.function import conditional as _conditional, loops as _loops
from tideflow._src.ops import everything as _everything
from tideflow import bitwise as bitwise
from tideflow import compat as compat
from tideflow import config as config
from tideflow import raw_ops as raw_ops
from tideflow import version as version
from tideflow._src.compat.removed import module_getattr
from tideflow._src.version import VERSION as VERSION
from tideflow._src.version import VERSION as __version__
from tideflow.v1 import (
    debugging as debugging, dtypes as dtypes, errors as errors, graph_util as graph_util, initializers as initializers,
    io as io, linalg as linalg, manip as manip, math as math, nest as nest, nn as nn, random as random, train as train,
)

newaxis = None
__getattr__ = module_getattr("tideflow.v1", "v1")

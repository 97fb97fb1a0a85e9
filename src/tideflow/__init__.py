"""Tideflow: the TensorFlow programming model on NumPy and XLA.

This module is the TensorFlow 2 namespace: ``import tideflow as tf``. TensorFlow 1.x is :mod:`tideflow.v1`, and
0.x is :mod:`tideflow.v0`. The implementation lives in ``tideflow._src``; see ``docs/architecture.md``.
"""

from __future__ import annotations

from tideflow._src.autodiff.custom_gradient import (custom_gradient as custom_gradient, grad_pass_through as grad_pass_through, recompute_grad as recompute_grad)
from tideflow._src.autodiff.graph_gradients import (gradients as gradients)
from tideflow._src.autodiff.jacobian import (hessians as hessians)
from tideflow._src.autodiff.rules import (RegisterGradient as RegisterGradient, not_differentiable as no_gradient)
from tideflow._src.autodiff.tape import (GradientTape as GradientTape)
from tideflow._src.autodiff.unconnected import (AggregationMethod as AggregationMethod, UnconnectedGradients as UnconnectedGradients)
from tideflow._src.core.device import (DeviceSpec as DeviceSpec)
from tideflow._src.core.dtypes import (DType as DType, QUANTIZED_DTYPES as QUANTIZED_DTYPES, as_dtype as as_dtype, bfloat16 as bfloat16, bool as bool, complex128 as complex128, complex64 as complex64, double as double, float16 as float16, float32 as float32, float64 as float64, half as half, int16 as int16, int32 as int32, int64 as int64, int8 as int8, qint16 as qint16, qint32 as qint32, qint8 as qint8, quint16 as quint16, quint8 as quint8, resource as resource, string as string, uint16 as uint16, uint32 as uint32, uint64 as uint64, uint8 as uint8, variant as variant)
from tideflow._src.core.indexed_slices import (IndexedSlices as IndexedSlices)
from tideflow._src.core.tensor import (Tensor as Tensor, is_symbolic_tensor as is_symbolic_tensor, is_tensor as is_tensor)
from tideflow._src.core.tensor_shape import (TensorShape as TensorShape)
from tideflow._src.core.tensor_spec import (TensorSpec as TensorSpec)
from tideflow._src.core.type_spec import (TypeSpec as TypeSpec, type_spec_from_value as type_spec_from_value)
from tideflow._src.function.assertions import (Assert as Assert, assert_equal as assert_equal, assert_greater as assert_greater, assert_less as assert_less, assert_rank as assert_rank)
from tideflow._src.function.conditional import (case as case, cond as cond, switch_case as switch_case)
from tideflow._src.function.loops import (while_loop as while_loop)
from tideflow._src.function.name_scopes import (get_current_name_scope as get_current_name_scope, name_scope as name_scope)
from tideflow._src.graph.default_graph import (executing_eagerly as executing_eagerly)
from tideflow._src.graph.graph import (Graph as Graph, Operation as Operation)
from tideflow._src.graph.static_value import (static_value as get_static_value)
from tideflow._src.graph.tensor_proto import (make_ndarray as make_ndarray, make_tensor_proto as make_tensor_proto)
from tideflow._src.io.graph_files import (import_graph_def as import_graph_def)
from tideflow._src.ops.array.blocks import (batch_to_space as batch_to_space, required_space_to_batch_paddings as required_space_to_batch_paddings, space_to_batch as space_to_batch, space_to_batch_nd as space_to_batch_nd)
from tideflow._src.ops.array.broadcasting import (broadcast_dynamic_shape as broadcast_dynamic_shape, broadcast_static_shape as broadcast_static_shape)
from tideflow._src.ops.array.constants import (constant as constant, fill as fill, ones as ones, ones_like as ones_like, zeros as zeros, zeros_like as zeros_like)
from tideflow._src.ops.array.gathering import (gather as gather, gather_nd as gather_nd)
from tideflow._src.ops.array.identity import (guarantee_const as guarantee_const, identity as identity, identity_n as identity_n, no_op as no_op, stop_gradient as stop_gradient)
from tideflow._src.ops.array.joining import (concat as concat, parallel_stack as parallel_stack, stack as stack)
from tideflow._src.ops.array.masking import (boolean_mask as boolean_mask, sequence_mask as sequence_mask)
from tideflow._src.ops.array.padding import (pad as pad)
from tideflow._src.ops.array.partitioning import (dynamic_partition as dynamic_partition, dynamic_stitch as dynamic_stitch, unique as unique, unique_with_counts as unique_with_counts)
from tideflow._src.ops.array.permuting import (reverse as reverse, reverse_sequence as reverse_sequence, roll as roll, tile as tile, transpose as transpose)
from tideflow._src.ops.array.scattering import (scatter_nd as scatter_nd, tensor_scatter_nd_add as tensor_scatter_nd_add, tensor_scatter_nd_max as tensor_scatter_nd_max, tensor_scatter_nd_min as tensor_scatter_nd_min, tensor_scatter_nd_sub as tensor_scatter_nd_sub, tensor_scatter_nd_update as tensor_scatter_nd_update)
from tideflow._src.ops.array.selection import (where_v2 as where)
from tideflow._src.ops.array.sequences import (eye as eye, linspace as linspace, meshgrid as meshgrid, one_hot as one_hot, range as range, repeat as repeat)
from tideflow._src.ops.array.shape import (expand_dims as expand_dims, rank as rank, reshape as reshape, shape as shape, shape_n as shape_n, size as size, squeeze as squeeze)
from tideflow._src.ops.array.slicing import (slice as slice, strided_slice as strided_slice)
from tideflow._src.ops.array.splitting import (split as split, unstack as unstack)
from tideflow._src.ops.control.grouping import (control_dependencies as control_dependencies, group as group, tuple_v2 as tuple)
from tideflow._src.ops.control.init_scope import (init_scope as init_scope)
from tideflow._src.ops.control.printing import (print_v2_function as print)
from tideflow._src.ops.control.python_function import (numpy_function as numpy_function, py_function as py_function)
from tideflow._src.ops.linalg.functions import (eig as eig, eigvals as eigvals)
from tideflow._src.ops.linalg.norms import (norm as norm)
from tideflow._src.ops.math.argument_extrema import (argmax as argmax, argmin as argmin)
from tideflow._src.ops.math.arithmetic import (add as add, add_n as add_n, atan2 as atan2, maximum as maximum, minimum as minimum, multiply as multiply, pow as pow, scalar_mul as scalar_mul, subtract as subtract)
from tideflow._src.ops.math.casting import (bitcast as bitcast, cast as cast, saturate_cast as saturate_cast)
from tideflow._src.ops.math.clip import (clip_by_global_norm as clip_by_global_norm, clip_by_norm as clip_by_norm, clip_by_value as clip_by_value)
from tideflow._src.ops.math.comparison import (equal as equal, greater as greater, greater_equal as greater_equal, less as less, less_equal as less_equal, not_equal as not_equal)
from tideflow._src.ops.math.complex_numbers import (complex as complex)
from tideflow._src.ops.math.cumulative import (cumsum as cumsum)
from tideflow._src.ops.math.division import (divide as divide, realdiv as realdiv, truediv as truediv, truncatediv as truncatediv, truncatemod as truncatemod)
from tideflow._src.ops.math.einsum import (einsum as einsum)
from tideflow._src.ops.math.logical import (logical_and as logical_and, logical_not as logical_not, logical_or as logical_or)
from tideflow._src.ops.math.matmul import (matmul as matmul, tensordot as tensordot)
from tideflow._src.ops.math.reduce import (reduce_all as reduce_all, reduce_any as reduce_any, reduce_logsumexp as reduce_logsumexp, reduce_max as reduce_max, reduce_mean as reduce_mean, reduce_min as reduce_min, reduce_prod as reduce_prod, reduce_sum as reduce_sum)
from tideflow._src.ops.math.rounding import (floor as floor, round as round)
from tideflow._src.ops.math.sorting import (argsort as argsort, searchsorted as searchsorted, sort as sort)
from tideflow._src.ops.math.trigonometric import (acos as acos, acosh as acosh, asin as asin, asinh as asinh, atan as atan, atanh as atanh, cos as cos, cosh as cosh, sin as sin, sinh as sinh, tan as tan)
from tideflow._src.ops.math.unary import (abs as abs, exp as exp, negative as negative, sigmoid as sigmoid, sign as sign, sqrt as sqrt, square as square, tanh as tanh)
from tideflow._src.ops.math.validation import (ensure_shape as ensure_shape)
from tideflow._src.runtime.convert import (convert_to_tensor as convert_to_tensor, register_tensor_conversion_function as register_tensor_conversion_function)
from tideflow._src.runtime.devices import (device as device)
from tideflow._src.state.initializers import (constant_initializer as constant_initializer, ones_initializer as ones_initializer, random_normal_initializer as random_normal_initializer, random_uniform_initializer as random_uniform_initializer, zeros_initializer as zeros_initializer)
from tideflow._src.state.replication import (VariableAggregation as VariableAggregation, VariableSynchronization as VariableSynchronization)
from tideflow._src.state.variable import (Variable as Variable, variable_creator_scope as variable_creator_scope)
from tideflow._src.function import conditional as _conditional, loops as _loops
from tideflow._src.ops import everything as _everything
from tideflow._src.compat.alias import install_as_tensorflow as install_as_tensorflow
from tideflow._src.compat.removed import module_getattr
from tideflow._src.version import VERSION as __version__
from tideflow import (
    autodiff as autodiff, bitwise as bitwise, compat as compat, config as config, debugging as debugging, dtypes as dtypes,
    errors as errors, graph_util as graph_util, initializers as initializers, io as io, linalg as linalg, math as math,
    nest as nest, nn as nn, random as random, raw_ops as raw_ops, train as train, v1 as v1, version as version,
)

newaxis = None
__getattr__ = module_getattr("tideflow", "v2")

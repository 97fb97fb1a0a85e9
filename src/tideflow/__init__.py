"""Tideflow: the TensorFlow programming model on NumPy and XLA.

This module is the TensorFlow 2 namespace: ``import tideflow as tf``. TensorFlow 1.x is :mod:`tideflow.v1`, and
0.x is :mod:`tideflow.v0`: importing one of these makes graphs the default of the process, since programs of their time
expect that. :mod:`tideflow.compat.v1` holds the names of 1.x beside eager execution, as in TensorFlow. The
implementation lives in ``tideflow._src``; see ``docs/architecture.md``.
"""

from __future__ import annotations

from tideflow._src import first_import as _first_import
from tideflow._src.autodiff.custom_gradient import custom_gradient as custom_gradient
from tideflow._src.autodiff.custom_gradient import grad_pass_through as grad_pass_through
from tideflow._src.autodiff.custom_gradient import recompute_grad as recompute_grad
from tideflow._src.autodiff.graph_gradients import gradients as gradients
from tideflow._src.autodiff.rules import RegisterGradient as RegisterGradient
from tideflow._src.autodiff.rules import not_differentiable as no_gradient
from tideflow._src.autodiff.tape import GradientTape as GradientTape
from tideflow._src.autodiff.unconnected import AggregationMethod as AggregationMethod
from tideflow._src.autodiff.unconnected import UnconnectedGradients as UnconnectedGradients
from tideflow._src.compat.removed import module_dir, module_getattr
from tideflow._src.core.device import DeviceSpec as DeviceSpec
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
from tideflow._src.core.indexed_slices import IndexedSlices as IndexedSlices
from tideflow._src.core.none_tensor import NoneTensorSpec as NoneTensorSpec
from tideflow._src.core.tensor import Tensor as Tensor
from tideflow._src.core.tensor import is_symbolic_tensor as is_symbolic_tensor
from tideflow._src.core.tensor import is_tensor as is_tensor
from tideflow._src.core.tensor_shape import TensorShape as TensorShape
from tideflow._src.core.tensor_spec import TensorSpec as TensorSpec
from tideflow._src.core.type_spec import TypeSpec as TypeSpec
from tideflow._src.core.type_spec import type_spec_from_value as type_spec_from_value
from tideflow._src.function import conditional as _conditional
from tideflow._src.function import loop_gradients as _loop_gradients
from tideflow._src.function.batch_function import batch_function as nondifferentiable_batch_function
from tideflow._src.function.conditional import case as case
from tideflow._src.function.conditional import cond as cond
from tideflow._src.function.conditional import switch_case as switch_case
from tideflow._src.function.loops import while_loop as while_loop
from tideflow._src.function.mapping import foldl as foldl
from tideflow._src.function.mapping import foldr as foldr
from tideflow._src.function.mapping import map_fn as map_fn
from tideflow._src.function.mapping import scan as scan
from tideflow._src.function.name_scopes import get_current_name_scope as get_current_name_scope
from tideflow._src.function.name_scopes import name_scope as name_scope
from tideflow._src.function.traced_function import function as function
from tideflow._src.function.vectorized_map import vectorized_map as vectorized_map
from tideflow._src.graph.default_graph import executing_eagerly as executing_eagerly
from tideflow._src.graph.default_graph import inside_function as inside_function
from tideflow._src.graph.graph import Graph as Graph
from tideflow._src.graph.operation import Operation as Operation
from tideflow._src.graph.static_value import get_static_value as get_static_value
from tideflow._src.graph.tensor_proto import make_ndarray as make_ndarray
from tideflow._src.graph.tensor_proto import make_tensor_proto as make_tensor_proto
from tideflow._src.ops import everything as _everything
from tideflow._src.ops.array.broadcasting import broadcast_dynamic_shape as broadcast_dynamic_shape
from tideflow._src.ops.array.broadcasting import broadcast_static_shape as broadcast_static_shape
from tideflow._src.ops.array.broadcasting import broadcast_to as broadcast_to
from tideflow._src.ops.array.constants import constant as constant
from tideflow._src.ops.array.constants import fill as fill
from tideflow._src.ops.array.constants import ones as ones
from tideflow._src.ops.array.constants import ones_like as ones_like
from tideflow._src.ops.array.constants import zeros as zeros
from tideflow._src.ops.array.constants import zeros_like as zeros_like
from tideflow._src.ops.array.gathering import gather as gather
from tideflow._src.ops.array.gathering import gather_nd as gather_nd
from tideflow._src.ops.array.identity import guarantee_const as guarantee_const
from tideflow._src.ops.array.identity import identity as identity
from tideflow._src.ops.array.identity import identity_n as identity_n
from tideflow._src.ops.array.identity import no_op as no_op
from tideflow._src.ops.array.identity import stop_gradient as stop_gradient
from tideflow._src.ops.array.joining import concat as concat
from tideflow._src.ops.array.joining import parallel_stack as parallel_stack
from tideflow._src.ops.array.joining import stack as stack
from tideflow._src.ops.array.masking import boolean_mask as boolean_mask
from tideflow._src.ops.array.masking import sequence_mask as sequence_mask
from tideflow._src.ops.array.padding import pad as pad
from tideflow._src.ops.array.partitioning import dynamic_partition as dynamic_partition
from tideflow._src.ops.array.partitioning import dynamic_stitch as dynamic_stitch
from tideflow._src.ops.array.partitioning import unique as unique
from tideflow._src.ops.array.partitioning import unique_with_counts as unique_with_counts
from tideflow._src.ops.array.permuting import reverse as reverse
from tideflow._src.ops.array.permuting import reverse_sequence as reverse_sequence
from tideflow._src.ops.array.permuting import roll as roll
from tideflow._src.ops.array.permuting import tile as tile
from tideflow._src.ops.array.permuting import transpose as transpose
from tideflow._src.ops.array.scattering import scatter_nd as scatter_nd
from tideflow._src.ops.array.scattering import tensor_scatter_nd_add as tensor_scatter_nd_add
from tideflow._src.ops.array.scattering import tensor_scatter_nd_max as tensor_scatter_nd_max
from tideflow._src.ops.array.scattering import tensor_scatter_nd_min as tensor_scatter_nd_min
from tideflow._src.ops.array.scattering import tensor_scatter_nd_sub as tensor_scatter_nd_sub
from tideflow._src.ops.array.scattering import tensor_scatter_nd_update as tensor_scatter_nd_update
from tideflow._src.ops.array.selection import where_v2 as where
from tideflow._src.ops.array.sequences import eye as eye
from tideflow._src.ops.array.sequences import linspace as linspace
from tideflow._src.ops.array.sequences import meshgrid as meshgrid
from tideflow._src.ops.array.sequences import one_hot as one_hot
from tideflow._src.ops.array.sequences import range as range
from tideflow._src.ops.array.sequences import repeat as repeat
from tideflow._src.ops.array.shape import expand_dims as expand_dims
from tideflow._src.ops.array.shape import rank as rank
from tideflow._src.ops.array.shape import reshape as reshape
from tideflow._src.ops.array.shape import shape as shape
from tideflow._src.ops.array.shape import shape_n as shape_n
from tideflow._src.ops.array.shape import size as size
from tideflow._src.ops.array.shape import squeeze as squeeze
from tideflow._src.ops.array.slicing import slice as slice
from tideflow._src.ops.array.slicing import strided_slice as strided_slice
from tideflow._src.ops.array.splitting import split as split
from tideflow._src.ops.array.splitting import unstack as unstack
from tideflow._src.ops.control.assertions import Assert as Assert
from tideflow._src.ops.control.assertions import assert_equal as assert_equal
from tideflow._src.ops.control.assertions import assert_greater as assert_greater
from tideflow._src.ops.control.assertions import assert_less as assert_less
from tideflow._src.ops.control.assertions import assert_rank as assert_rank
from tideflow._src.ops.control.grouping import control_dependencies as control_dependencies
from tideflow._src.ops.control.grouping import group as group
from tideflow._src.ops.control.grouping import tuple_v2 as tuple
from tideflow._src.ops.control.init_scope import init_scope as init_scope
from tideflow._src.ops.control.printing import print_v2_function as print
from tideflow._src.ops.control.python_function import numpy_function as numpy_function
from tideflow._src.ops.control.python_function import py_function as py_function
from tideflow._src.ops.control.tensor_array import TensorArray as TensorArray
from tideflow._src.ops.control.tensor_array import TensorArraySpec as TensorArraySpec
from tideflow._src.ops.math.argument_extrema import argmax as argmax
from tideflow._src.ops.math.argument_extrema import argmin as argmin
from tideflow._src.ops.math.arithmetic import add as add
from tideflow._src.ops.math.arithmetic import add_n as add_n
from tideflow._src.ops.math.arithmetic import atan2 as atan2
from tideflow._src.ops.math.arithmetic import maximum as maximum
from tideflow._src.ops.math.arithmetic import minimum as minimum
from tideflow._src.ops.math.arithmetic import multiply as multiply
from tideflow._src.ops.math.arithmetic import pow as pow
from tideflow._src.ops.math.arithmetic import scalar_mul as scalar_mul
from tideflow._src.ops.math.arithmetic import subtract as subtract
from tideflow._src.ops.math.casting import bitcast as bitcast
from tideflow._src.ops.math.casting import cast as cast
from tideflow._src.ops.math.casting import saturate_cast as saturate_cast
from tideflow._src.ops.math.clip import clip_by_global_norm as clip_by_global_norm
from tideflow._src.ops.math.clip import clip_by_norm as clip_by_norm
from tideflow._src.ops.math.clip import clip_by_value as clip_by_value
from tideflow._src.ops.math.comparison import equal as equal
from tideflow._src.ops.math.comparison import greater as greater
from tideflow._src.ops.math.comparison import greater_equal as greater_equal
from tideflow._src.ops.math.comparison import less as less
from tideflow._src.ops.math.comparison import less_equal as less_equal
from tideflow._src.ops.math.comparison import not_equal as not_equal
from tideflow._src.ops.math.complex_numbers import complex as complex
from tideflow._src.ops.math.division import divide as divide
from tideflow._src.ops.math.division import realdiv as realdiv
from tideflow._src.ops.math.division import truediv as truediv
from tideflow._src.ops.math.division import truncatediv as truncatediv
from tideflow._src.ops.math.division import truncatemod as truncatemod
from tideflow._src.ops.math.logical import logical_and as logical_and
from tideflow._src.ops.math.logical import logical_not as logical_not
from tideflow._src.ops.math.logical import logical_or as logical_or
from tideflow._src.ops.math.matrix_product_functions import matmul as matmul
from tideflow._src.ops.math.matrix_product_functions import tensordot as tensordot
from tideflow._src.ops.math.reduction_functions import reduce_all as reduce_all
from tideflow._src.ops.math.reduction_functions import reduce_any as reduce_any
from tideflow._src.ops.math.reduction_functions import reduce_logsumexp as reduce_logsumexp
from tideflow._src.ops.math.reduction_functions import reduce_max as reduce_max
from tideflow._src.ops.math.reduction_functions import reduce_mean as reduce_mean
from tideflow._src.ops.math.reduction_functions import reduce_min as reduce_min
from tideflow._src.ops.math.reduction_functions import reduce_prod as reduce_prod
from tideflow._src.ops.math.reduction_functions import reduce_sum as reduce_sum
from tideflow._src.ops.math.rounding import floor as floor
from tideflow._src.ops.math.rounding import round as round
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
from tideflow._src.ops.math.unary import negative as negative
from tideflow._src.ops.math.unary import sigmoid as sigmoid
from tideflow._src.ops.math.unary import sign as sign
from tideflow._src.ops.math.unary import sqrt as sqrt
from tideflow._src.ops.math.unary import square as square
from tideflow._src.ops.math.unary import tanh as tanh
from tideflow._src.ops.math.validation import ensure_shape as ensure_shape
from tideflow._src.runtime.convert import register_tensor_conversion_function as register_tensor_conversion_function
from tideflow._src.runtime.device_copies import convert_to_tensor as convert_to_tensor
from tideflow._src.runtime.devices import device as device
from tideflow._src.runtime.indexed_slices_spec import IndexedSlicesSpec as IndexedSlicesSpec
from tideflow._src.runtime.sparse_tensor import SparseTensor as SparseTensor
from tideflow._src.runtime.sparse_tensor import SparseTensorSpec as SparseTensorSpec
from tideflow._src.state import ref_variable as _ref_variable
from tideflow._src.state import resource_variable as _resource_variable
from tideflow._src.state import variable_spec as _variable_spec
from tideflow._src.state.replication import VariableAggregationV2 as VariableAggregation
from tideflow._src.state.replication import VariableSynchronization as VariableSynchronization
from tideflow._src.state.variable import Variable as Variable
from tideflow._src.state.variable import variable_creator_scope as variable_creator_scope
from tideflow._src.version import VERSION as __version__

newaxis = None

#: The namespaces inside this one. Each is imported when it is first used.
SUBMODULES = (
    "__operators__",
    "audio",
    "autograph",
    "autodiff",
    "bitwise",
    "compat",
    "config",
    "data",
    "debugging",
    "distribute",
    "dtypes",
    "errors",
    "estimator",
    "experimental",
    "feature_column",
    "graph_util",
    "image",
    "io",
    "linalg",
    "lookup",
    "math",
    "nest",
    "nn",
    "profiler",
    "quantization",
    "queue",
    "ragged",
    "random",
    "raw_ops",
    "saved_model",
    "sets",
    "signal",
    "sparse",
    "strings",
    "summary",
    "sysconfig",
    "test",
    "train",
    "types",
    "version",
    "xla",
)
#: Names whose modules are imported when they are first used.
LATER = {
    "CriticalSection": "function.critical_section",
    "Module": "state.module",
    "OptionalSpec": "ops.composite.optional",
    "RaggedTensor": "ops.ragged.ragged_tensor",
    "initializers": "keras.loading",
    "keras": "keras.loading",
    "losses": "keras.loading",
    "metrics": "keras.loading",
    "optimizers": "keras.loading",
    "RaggedTensorSpec": "ops.ragged.ragged_tensor",
    "ragged_fill_empty_rows": "ops.ragged.fill",
    "check_pinned": "ops.control.device_ops",
    "load_library": "compat.libraries",
    "load_op_library": "compat.libraries",
    "ragged_fill_empty_rows_grad": "ops.ragged.fill",
    "approx_top_k": "ops.nn.root_functions",
    "argsort": "ops.math.sorting",
    "as_string": "ops.strings.functions",
    "batch_to_space": "ops.array.blocks",
    "constant_initializer": "state.initializers_v2",
    "conv": "ops.nn.root_functions",
    "conv2d_backprop_filter_v2": "ops.nn.root_functions",
    "conv2d_backprop_input_v2": "ops.nn.root_functions",
    "cumsum": "ops.math.cumulative",
    "edit_distance": "ops.strings.functions",
    "eig": "ops.linalg.functions",
    "eigvals": "ops.linalg.functions",
    "einsum": "ops.math.einsum",
    "extract_volume_patches": "ops.image.patch_functions",
    "fftnd": "ops.signal.fourier_functions",
    "fingerprint": "ops.strings.functions",
    "get_logger": "core.logger",
    "hessians": "autodiff.jacobian",
    "histogram_fixed_width": "ops.math.histogram_functions",
    "histogram_fixed_width_bins": "ops.math.histogram_functions",
    "ifftnd": "ops.signal.fourier_functions",
    "import_graph_def": "io.graph_files",
    "irfftnd": "ops.signal.fourier_functions",
    "matrix_square_root": "ops.linalg.functions:sqrtm",
    "install_as_tensorflow": "compat.alias",
    "norm": "ops.linalg.norms",
    "ones_initializer": "state.initializers_v2",
    "random_index_shuffle": "ops.random.stateless_functions",
    "random_normal_initializer": "state.initializers_v2",
    "random_uniform_initializer": "state.initializers_v2",
    "required_space_to_batch_paddings": "ops.array.blocks",
    "rfftnd": "ops.signal.fourier_functions",
    "searchsorted": "ops.math.sorting",
    "sort": "ops.math.sorting",
    "space_to_batch": "ops.array.blocks",
    "space_to_batch_nd": "ops.array.blocks",
    "timestamp": "ops.control.clock",
    "unravel_index": "ops.array.position_functions",
    "zeros_initializer": "state.initializers_v2",
}
__getattr__ = module_getattr("tideflow", "v2", SUBMODULES, LATER)
__dir__ = module_dir("tideflow", SUBMODULES, LATER)

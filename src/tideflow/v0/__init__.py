"""The TensorFlow 0.8 to 0.12 namespace, for programs written for it: ``import tideflow.v0 as tf``.

It is :mod:`tideflow.v1` with the names and argument orders that those releases had. A program that says so is one of
2016: as with :mod:`tideflow.v1`, importing this module switches TensorFlow 2 behaviour off for the whole process.
"""

from __future__ import annotations

from tideflow._src.compat.removed import module_dir, module_getattr
from tideflow._src.ops.array.band_part import matrix_band_part as batch_matrix_band_part
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
from tideflow._src.ops.linalg.functions import batch_cholesky_solve as batch_cholesky_solve
from tideflow._src.ops.linalg.functions import batch_matrix_determinant as batch_matrix_determinant
from tideflow._src.ops.linalg.functions import batch_matrix_inverse as batch_matrix_inverse
from tideflow._src.ops.linalg.functions import batch_matrix_solve as batch_matrix_solve
from tideflow._src.ops.linalg.functions import batch_matrix_solve_ls as batch_matrix_solve_ls
from tideflow._src.ops.linalg.functions import batch_matrix_transpose as batch_matrix_transpose
from tideflow._src.ops.linalg.functions import batch_matrix_triangular_solve as batch_matrix_triangular_solve
from tideflow._src.ops.linalg.functions import batch_self_adjoint_eig as batch_self_adjoint_eig
from tideflow._src.ops.linalg.functions import batch_self_adjoint_eigvals as batch_self_adjoint_eigvals
from tideflow._src.ops.linalg.functions import batch_svd as batch_svd
from tideflow._src.ops.linalg.functions import svd_v0 as svd
from tideflow._src.ops.math.argument_extrema import argmax_v0 as argmax
from tideflow._src.ops.math.argument_extrema import argmin_v0 as argmin
from tideflow._src.ops.math.arithmetic import multiply as mul
from tideflow._src.ops.math.arithmetic import subtract as sub
from tideflow._src.ops.math.division import div as div
from tideflow._src.ops.math.division import mod as mod
from tideflow._src.ops.math.matrix_product_functions import batch_matmul_v0 as batch_matmul
from tideflow._src.ops.math.matrix_product_functions import matmul_v0 as matmul
from tideflow._src.ops.math.reduction_functions import reduce_all_v0 as reduce_all
from tideflow._src.ops.math.reduction_functions import reduce_any_v0 as reduce_any
from tideflow._src.ops.math.reduction_functions import reduce_logsumexp_v0 as reduce_logsumexp
from tideflow._src.ops.math.reduction_functions import reduce_max_v0 as reduce_max
from tideflow._src.ops.math.reduction_functions import reduce_mean_v0 as reduce_mean
from tideflow._src.ops.math.reduction_functions import reduce_min_v0 as reduce_min
from tideflow._src.ops.math.reduction_functions import reduce_prod_v0 as reduce_prod
from tideflow._src.ops.math.reduction_functions import reduce_sum_v0 as reduce_sum
from tideflow._src.ops.math.unary import complex_abs as complex_abs
from tideflow._src.ops.math.unary import inv as inv
from tideflow._src.ops.math.unary import neg as neg
from tideflow._src.summary.graph_summaries import audio_summary_v0 as audio_summary
from tideflow._src.summary.graph_summaries import histogram_summary_v0 as histogram_summary
from tideflow._src.summary.graph_summaries import image_summary_v0 as image_summary
from tideflow._src.summary.graph_summaries import merge_all_summaries_v0 as merge_all_summaries
from tideflow._src.summary.graph_summaries import merge_summary_v0 as merge_summary
from tideflow._src.summary.graph_summaries import scalar_summary_v0 as scalar_summary
from tideflow.compat.v1 import AUTO_REUSE as AUTO_REUSE
from tideflow.compat.v1 import COMPILER_VERSION as COMPILER_VERSION
from tideflow.compat.v1 import GIT_VERSION as GIT_VERSION
from tideflow.compat.v1 import GRAPH_DEF_VERSION as GRAPH_DEF_VERSION
from tideflow.compat.v1 import GRAPH_DEF_VERSION_MIN_CONSUMER as GRAPH_DEF_VERSION_MIN_CONSUMER
from tideflow.compat.v1 import GRAPH_DEF_VERSION_MIN_PRODUCER as GRAPH_DEF_VERSION_MIN_PRODUCER
from tideflow.compat.v1 import QUANTIZED_DTYPES as QUANTIZED_DTYPES
from tideflow.compat.v1 import VERSION as VERSION
from tideflow.compat.v1 import AggregationMethod as AggregationMethod
from tideflow.compat.v1 import Assert as Assert
from tideflow.compat.v1 import ConditionalAccumulator as ConditionalAccumulator
from tideflow.compat.v1 import ConditionalAccumulatorBase as ConditionalAccumulatorBase
from tideflow.compat.v1 import DeviceSpec as DeviceSpec
from tideflow.compat.v1 import Dimension as Dimension
from tideflow.compat.v1 import DType as DType
from tideflow.compat.v1 import FIFOQueue as FIFOQueue
from tideflow.compat.v1 import FixedLenFeature as FixedLenFeature
from tideflow.compat.v1 import FixedLengthRecordReader as FixedLengthRecordReader
from tideflow.compat.v1 import FixedLenSequenceFeature as FixedLenSequenceFeature
from tideflow.compat.v1 import GradientTape as GradientTape
from tideflow.compat.v1 import Graph as Graph
from tideflow.compat.v1 import GraphKeys as GraphKeys
from tideflow.compat.v1 import IdentityReader as IdentityReader
from tideflow.compat.v1 import IndexedSlices as IndexedSlices
from tideflow.compat.v1 import InteractiveSession as InteractiveSession
from tideflow.compat.v1 import NoGradient as NoGradient
from tideflow.compat.v1 import NotDifferentiable as NotDifferentiable
from tideflow.compat.v1 import Operation as Operation
from tideflow.compat.v1 import OpError as OpError
from tideflow.compat.v1 import PaddingFIFOQueue as PaddingFIFOQueue
from tideflow.compat.v1 import Print as Print
from tideflow.compat.v1 import PriorityQueue as PriorityQueue
from tideflow.compat.v1 import QueueBase as QueueBase
from tideflow.compat.v1 import RandomShuffleQueue as RandomShuffleQueue
from tideflow.compat.v1 import ReaderBase as ReaderBase
from tideflow.compat.v1 import RegisterGradient as RegisterGradient
from tideflow.compat.v1 import Session as Session
from tideflow.compat.v1 import SparseConditionalAccumulator as SparseConditionalAccumulator
from tideflow.compat.v1 import SparseFeature as SparseFeature
from tideflow.compat.v1 import SparseTensorValue as SparseTensorValue
from tideflow.compat.v1 import Tensor as Tensor
from tideflow.compat.v1 import TensorArray as TensorArray
from tideflow.compat.v1 import TensorShape as TensorShape
from tideflow.compat.v1 import TensorSpec as TensorSpec
from tideflow.compat.v1 import TextLineReader as TextLineReader
from tideflow.compat.v1 import TFRecordReader as TFRecordReader
from tideflow.compat.v1 import TypeSpec as TypeSpec
from tideflow.compat.v1 import UnconnectedGradients as UnconnectedGradients
from tideflow.compat.v1 import Variable as Variable
from tideflow.compat.v1 import VariableAggregation as VariableAggregation
from tideflow.compat.v1 import VariableScope as VariableScope
from tideflow.compat.v1 import VariableSynchronization as VariableSynchronization
from tideflow.compat.v1 import VarLenFeature as VarLenFeature
from tideflow.compat.v1 import WholeFileReader as WholeFileReader
from tideflow.compat.v1 import __version__ as __version__
from tideflow.compat.v1 import abs as abs
from tideflow.compat.v1 import accumulate_n as accumulate_n
from tideflow.compat.v1 import acos as acos
from tideflow.compat.v1 import acosh as acosh
from tideflow.compat.v1 import add as add
from tideflow.compat.v1 import add_n as add_n
from tideflow.compat.v1 import add_to_collection as add_to_collection
from tideflow.compat.v1 import add_to_collections as add_to_collections
from tideflow.compat.v1 import all_variables as all_variables
from tideflow.compat.v1 import angle as angle
from tideflow.compat.v1 import argsort as argsort
from tideflow.compat.v1 import as_dtype as as_dtype
from tideflow.compat.v1 import as_string as as_string
from tideflow.compat.v1 import asin as asin
from tideflow.compat.v1 import asinh as asinh
from tideflow.compat.v1 import assert_equal as assert_equal
from tideflow.compat.v1 import assert_greater as assert_greater
from tideflow.compat.v1 import assert_greater_equal as assert_greater_equal
from tideflow.compat.v1 import assert_integer as assert_integer
from tideflow.compat.v1 import assert_less as assert_less
from tideflow.compat.v1 import assert_less_equal as assert_less_equal
from tideflow.compat.v1 import assert_near as assert_near
from tideflow.compat.v1 import assert_negative as assert_negative
from tideflow.compat.v1 import assert_non_negative as assert_non_negative
from tideflow.compat.v1 import assert_non_positive as assert_non_positive
from tideflow.compat.v1 import assert_none_equal as assert_none_equal
from tideflow.compat.v1 import assert_positive as assert_positive
from tideflow.compat.v1 import assert_rank as assert_rank
from tideflow.compat.v1 import assert_rank_at_least as assert_rank_at_least
from tideflow.compat.v1 import assert_rank_in as assert_rank_in
from tideflow.compat.v1 import assert_same_float_dtype as assert_same_float_dtype
from tideflow.compat.v1 import assert_scalar as assert_scalar
from tideflow.compat.v1 import assert_type as assert_type
from tideflow.compat.v1 import assert_variables_initialized as assert_variables_initialized
from tideflow.compat.v1 import assign as assign
from tideflow.compat.v1 import assign_add as assign_add
from tideflow.compat.v1 import assign_sub as assign_sub
from tideflow.compat.v1 import atan as atan
from tideflow.compat.v1 import atan2 as atan2
from tideflow.compat.v1 import atanh as atanh
from tideflow.compat.v1 import batch_gather as batch_gather
from tideflow.compat.v1 import batch_scatter_update as batch_scatter_update
from tideflow.compat.v1 import batch_to_space as batch_to_space
from tideflow.compat.v1 import batch_to_space_nd as batch_to_space_nd
from tideflow.compat.v1 import betainc as betainc
from tideflow.compat.v1 import bfloat16 as bfloat16
from tideflow.compat.v1 import bincount as bincount
from tideflow.compat.v1 import bitcast as bitcast
from tideflow.compat.v1 import bool as bool
from tideflow.compat.v1 import boolean_mask as boolean_mask
from tideflow.compat.v1 import broadcast_dynamic_shape as broadcast_dynamic_shape
from tideflow.compat.v1 import broadcast_static_shape as broadcast_static_shape
from tideflow.compat.v1 import broadcast_to as broadcast_to
from tideflow.compat.v1 import case as case
from tideflow.compat.v1 import cast as cast
from tideflow.compat.v1 import ceil as ceil
from tideflow.compat.v1 import check_numerics as check_numerics
from tideflow.compat.v1 import cholesky as cholesky
from tideflow.compat.v1 import cholesky_solve as cholesky_solve
from tideflow.compat.v1 import clip_by_average_norm as clip_by_average_norm
from tideflow.compat.v1 import clip_by_global_norm as clip_by_global_norm
from tideflow.compat.v1 import clip_by_norm as clip_by_norm
from tideflow.compat.v1 import clip_by_value as clip_by_value
from tideflow.compat.v1 import colocate_with as colocate_with
from tideflow.compat.v1 import complex as complex
from tideflow.compat.v1 import complex64 as complex64
from tideflow.compat.v1 import complex128 as complex128
from tideflow.compat.v1 import cond as cond
from tideflow.compat.v1 import confusion_matrix as confusion_matrix
from tideflow.compat.v1 import conj as conj
from tideflow.compat.v1 import constant as constant
from tideflow.compat.v1 import constant_initializer as constant_initializer
from tideflow.compat.v1 import container as container
from tideflow.compat.v1 import control_dependencies as control_dependencies
from tideflow.compat.v1 import control_flow_v2_enabled as control_flow_v2_enabled
from tideflow.compat.v1 import convert_to_tensor as convert_to_tensor
from tideflow.compat.v1 import cos as cos
from tideflow.compat.v1 import cosh as cosh
from tideflow.compat.v1 import count_nonzero as count_nonzero
from tideflow.compat.v1 import count_up_to as count_up_to
from tideflow.compat.v1 import cross as cross
from tideflow.compat.v1 import cumprod as cumprod
from tideflow.compat.v1 import cumsum as cumsum
from tideflow.compat.v1 import custom_gradient as custom_gradient
from tideflow.compat.v1 import decode_base64 as decode_base64
from tideflow.compat.v1 import decode_csv as decode_csv
from tideflow.compat.v1 import decode_json_example as decode_json_example
from tideflow.compat.v1 import decode_raw as decode_raw
from tideflow.compat.v1 import delete_session_tensor as delete_session_tensor
from tideflow.compat.v1 import depth_to_space as depth_to_space
from tideflow.compat.v1 import device as device
from tideflow.compat.v1 import diag as diag
from tideflow.compat.v1 import diag_part as diag_part
from tideflow.compat.v1 import digamma as digamma
from tideflow.compat.v1 import dimension_at_index as dimension_at_index
from tideflow.compat.v1 import dimension_value as dimension_value
from tideflow.compat.v1 import disable_control_flow_v2 as disable_control_flow_v2
from tideflow.compat.v1 import disable_eager_execution as disable_eager_execution
from tideflow.compat.v1 import disable_resource_variables as disable_resource_variables
from tideflow.compat.v1 import disable_tensor_equality as disable_tensor_equality
from tideflow.compat.v1 import disable_v2_behavior as disable_v2_behavior
from tideflow.compat.v1 import disable_v2_tensorshape as disable_v2_tensorshape
from tideflow.compat.v1 import div_no_nan as div_no_nan
from tideflow.compat.v1 import divide as divide
from tideflow.compat.v1 import double as double
from tideflow.compat.v1 import dynamic_partition as dynamic_partition
from tideflow.compat.v1 import dynamic_stitch as dynamic_stitch
from tideflow.compat.v1 import edit_distance as edit_distance
from tideflow.compat.v1 import einsum as einsum
from tideflow.compat.v1 import enable_control_flow_v2 as enable_control_flow_v2
from tideflow.compat.v1 import enable_eager_execution as enable_eager_execution
from tideflow.compat.v1 import enable_resource_variables as enable_resource_variables
from tideflow.compat.v1 import enable_tensor_equality as enable_tensor_equality
from tideflow.compat.v1 import enable_v2_behavior as enable_v2_behavior
from tideflow.compat.v1 import enable_v2_tensorshape as enable_v2_tensorshape
from tideflow.compat.v1 import encode_base64 as encode_base64
from tideflow.compat.v1 import ensure_shape as ensure_shape
from tideflow.compat.v1 import equal as equal
from tideflow.compat.v1 import erf as erf
from tideflow.compat.v1 import erfc as erfc
from tideflow.compat.v1 import executing_eagerly as executing_eagerly
from tideflow.compat.v1 import executing_eagerly_outside_functions as executing_eagerly_outside_functions
from tideflow.compat.v1 import exp as exp
from tideflow.compat.v1 import expand_dims as expand_dims
from tideflow.compat.v1 import expm1 as expm1
from tideflow.compat.v1 import eye as eye
from tideflow.compat.v1 import fill as fill
from tideflow.compat.v1 import fixed_size_partitioner as fixed_size_partitioner
from tideflow.compat.v1 import float16 as float16
from tideflow.compat.v1 import float32 as float32
from tideflow.compat.v1 import float64 as float64
from tideflow.compat.v1 import floor as floor
from tideflow.compat.v1 import floor_div as floor_div
from tideflow.compat.v1 import floordiv as floordiv
from tideflow.compat.v1 import floormod as floormod
from tideflow.compat.v1 import foldl as foldl
from tideflow.compat.v1 import foldr as foldr
from tideflow.compat.v1 import gather as gather
from tideflow.compat.v1 import gather_nd as gather_nd
from tideflow.compat.v1 import get_collection as get_collection
from tideflow.compat.v1 import get_collection_ref as get_collection_ref
from tideflow.compat.v1 import get_default_graph as get_default_graph
from tideflow.compat.v1 import get_default_session as get_default_session
from tideflow.compat.v1 import get_local_variable as get_local_variable
from tideflow.compat.v1 import get_seed as get_seed
from tideflow.compat.v1 import get_session_handle as get_session_handle
from tideflow.compat.v1 import get_session_tensor as get_session_tensor
from tideflow.compat.v1 import get_static_value as get_static_value
from tideflow.compat.v1 import get_variable as get_variable
from tideflow.compat.v1 import get_variable_scope as get_variable_scope
from tideflow.compat.v1 import global_norm as global_norm
from tideflow.compat.v1 import global_variables as global_variables
from tideflow.compat.v1 import global_variables_initializer as global_variables_initializer
from tideflow.compat.v1 import glorot_normal_initializer as glorot_normal_initializer
from tideflow.compat.v1 import glorot_uniform_initializer as glorot_uniform_initializer
from tideflow.compat.v1 import grad_pass_through as grad_pass_through
from tideflow.compat.v1 import gradients as gradients
from tideflow.compat.v1 import greater as greater
from tideflow.compat.v1 import greater_equal as greater_equal
from tideflow.compat.v1 import group as group
from tideflow.compat.v1 import guarantee_const as guarantee_const
from tideflow.compat.v1 import half as half
from tideflow.compat.v1 import hessians as hessians
from tideflow.compat.v1 import identity as identity
from tideflow.compat.v1 import identity_n as identity_n
from tideflow.compat.v1 import igamma as igamma
from tideflow.compat.v1 import igammac as igammac
from tideflow.compat.v1 import imag as imag
from tideflow.compat.v1 import import_graph_def as import_graph_def
from tideflow.compat.v1 import init_scope as init_scope
from tideflow.compat.v1 import initialize_all_tables as initialize_all_tables
from tideflow.compat.v1 import initialize_all_variables as initialize_all_variables
from tideflow.compat.v1 import initialize_local_variables as initialize_local_variables
from tideflow.compat.v1 import initialize_variables as initialize_variables
from tideflow.compat.v1 import int8 as int8
from tideflow.compat.v1 import int16 as int16
from tideflow.compat.v1 import int32 as int32
from tideflow.compat.v1 import int64 as int64
from tideflow.compat.v1 import invert_permutation as invert_permutation
from tideflow.compat.v1 import is_finite as is_finite
from tideflow.compat.v1 import is_inf as is_inf
from tideflow.compat.v1 import is_nan as is_nan
from tideflow.compat.v1 import is_non_decreasing as is_non_decreasing
from tideflow.compat.v1 import is_numeric_tensor as is_numeric_tensor
from tideflow.compat.v1 import is_strictly_increasing as is_strictly_increasing
from tideflow.compat.v1 import is_symbolic_tensor as is_symbolic_tensor
from tideflow.compat.v1 import is_tensor as is_tensor
from tideflow.compat.v1 import is_variable_initialized as is_variable_initialized
from tideflow.compat.v1 import less as less
from tideflow.compat.v1 import less_equal as less_equal
from tideflow.compat.v1 import lgamma as lgamma
from tideflow.compat.v1 import lin_space as lin_space
from tideflow.compat.v1 import linspace as linspace
from tideflow.compat.v1 import local_variables as local_variables
from tideflow.compat.v1 import local_variables_initializer as local_variables_initializer
from tideflow.compat.v1 import log as log
from tideflow.compat.v1 import log1p as log1p
from tideflow.compat.v1 import log_sigmoid as log_sigmoid
from tideflow.compat.v1 import logical_and as logical_and
from tideflow.compat.v1 import logical_not as logical_not
from tideflow.compat.v1 import logical_or as logical_or
from tideflow.compat.v1 import logical_xor as logical_xor
from tideflow.compat.v1 import make_ndarray as make_ndarray
from tideflow.compat.v1 import make_template as make_template
from tideflow.compat.v1 import make_tensor_proto as make_tensor_proto
from tideflow.compat.v1 import map_fn as map_fn
from tideflow.compat.v1 import matching_files as matching_files
from tideflow.compat.v1 import matrix_band_part as matrix_band_part
from tideflow.compat.v1 import matrix_determinant as matrix_determinant
from tideflow.compat.v1 import matrix_diag as matrix_diag
from tideflow.compat.v1 import matrix_diag_part as matrix_diag_part
from tideflow.compat.v1 import matrix_inverse as matrix_inverse
from tideflow.compat.v1 import matrix_set_diag as matrix_set_diag
from tideflow.compat.v1 import matrix_solve as matrix_solve
from tideflow.compat.v1 import matrix_solve_ls as matrix_solve_ls
from tideflow.compat.v1 import matrix_square_root as matrix_square_root
from tideflow.compat.v1 import matrix_transpose as matrix_transpose
from tideflow.compat.v1 import matrix_triangular_solve as matrix_triangular_solve
from tideflow.compat.v1 import maximum as maximum
from tideflow.compat.v1 import meshgrid as meshgrid
from tideflow.compat.v1 import min_max_variable_partitioner as min_max_variable_partitioner
from tideflow.compat.v1 import minimum as minimum
from tideflow.compat.v1 import model_variables as model_variables
from tideflow.compat.v1 import moving_average_variables as moving_average_variables
from tideflow.compat.v1 import multinomial as multinomial
from tideflow.compat.v1 import multiply as multiply
from tideflow.compat.v1 import name_scope as name_scope
from tideflow.compat.v1 import negative as negative
from tideflow.compat.v1 import newaxis as newaxis
from tideflow.compat.v1 import no_gradient as no_gradient
from tideflow.compat.v1 import no_op as no_op
from tideflow.compat.v1 import no_regularizer as no_regularizer
from tideflow.compat.v1 import norm as norm
from tideflow.compat.v1 import not_equal as not_equal
from tideflow.compat.v1 import numpy_function as numpy_function
from tideflow.compat.v1 import one_hot as one_hot
from tideflow.compat.v1 import ones as ones
from tideflow.compat.v1 import ones_initializer as ones_initializer
from tideflow.compat.v1 import ones_like as ones_like
from tideflow.compat.v1 import op_scope as op_scope
from tideflow.compat.v1 import orthogonal_initializer as orthogonal_initializer
from tideflow.compat.v1 import pad as pad
from tideflow.compat.v1 import parallel_stack as parallel_stack
from tideflow.compat.v1 import parse_example as parse_example
from tideflow.compat.v1 import parse_single_example as parse_single_example
from tideflow.compat.v1 import parse_single_sequence_example as parse_single_sequence_example
from tideflow.compat.v1 import placeholder as placeholder
from tideflow.compat.v1 import placeholder_with_default as placeholder_with_default
from tideflow.compat.v1 import polygamma as polygamma
from tideflow.compat.v1 import pow as pow
from tideflow.compat.v1 import print as print
from tideflow.compat.v1 import py_func as py_func
from tideflow.compat.v1 import py_function as py_function
from tideflow.compat.v1 import qint8 as qint8
from tideflow.compat.v1 import qint16 as qint16
from tideflow.compat.v1 import qint32 as qint32
from tideflow.compat.v1 import qr as qr
from tideflow.compat.v1 import quint8 as quint8
from tideflow.compat.v1 import quint16 as quint16
from tideflow.compat.v1 import random_crop as random_crop
from tideflow.compat.v1 import random_gamma as random_gamma
from tideflow.compat.v1 import random_normal as random_normal
from tideflow.compat.v1 import random_normal_initializer as random_normal_initializer
from tideflow.compat.v1 import random_poisson as random_poisson
from tideflow.compat.v1 import random_shuffle as random_shuffle
from tideflow.compat.v1 import random_uniform as random_uniform
from tideflow.compat.v1 import random_uniform_initializer as random_uniform_initializer
from tideflow.compat.v1 import range as range
from tideflow.compat.v1 import rank as rank
from tideflow.compat.v1 import read_file as read_file
from tideflow.compat.v1 import real as real
from tideflow.compat.v1 import realdiv as realdiv
from tideflow.compat.v1 import reciprocal as reciprocal
from tideflow.compat.v1 import recompute_grad as recompute_grad
from tideflow.compat.v1 import reduce_join as reduce_join
from tideflow.compat.v1 import register_tensor_conversion_function as register_tensor_conversion_function
from tideflow.compat.v1 import repeat as repeat
from tideflow.compat.v1 import report_uninitialized_variables as report_uninitialized_variables
from tideflow.compat.v1 import required_space_to_batch_paddings as required_space_to_batch_paddings
from tideflow.compat.v1 import reset_default_graph as reset_default_graph
from tideflow.compat.v1 import reshape as reshape
from tideflow.compat.v1 import resource as resource
from tideflow.compat.v1 import resource_variables_enabled as resource_variables_enabled
from tideflow.compat.v1 import reverse_sequence as reverse_sequence
from tideflow.compat.v1 import reverse_v2 as reverse_v2
from tideflow.compat.v1 import rint as rint
from tideflow.compat.v1 import roll as roll
from tideflow.compat.v1 import round as round
from tideflow.compat.v1 import rsqrt as rsqrt
from tideflow.compat.v1 import saturate_cast as saturate_cast
from tideflow.compat.v1 import scalar_mul as scalar_mul
from tideflow.compat.v1 import scan as scan
from tideflow.compat.v1 import scatter_add as scatter_add
from tideflow.compat.v1 import scatter_div as scatter_div
from tideflow.compat.v1 import scatter_max as scatter_max
from tideflow.compat.v1 import scatter_min as scatter_min
from tideflow.compat.v1 import scatter_mul as scatter_mul
from tideflow.compat.v1 import scatter_nd as scatter_nd
from tideflow.compat.v1 import scatter_nd_add as scatter_nd_add
from tideflow.compat.v1 import scatter_nd_sub as scatter_nd_sub
from tideflow.compat.v1 import scatter_nd_update as scatter_nd_update
from tideflow.compat.v1 import scatter_sub as scatter_sub
from tideflow.compat.v1 import scatter_update as scatter_update
from tideflow.compat.v1 import searchsorted as searchsorted
from tideflow.compat.v1 import segment_max as segment_max
from tideflow.compat.v1 import segment_mean as segment_mean
from tideflow.compat.v1 import segment_min as segment_min
from tideflow.compat.v1 import segment_prod as segment_prod
from tideflow.compat.v1 import segment_sum as segment_sum
from tideflow.compat.v1 import self_adjoint_eig as self_adjoint_eig
from tideflow.compat.v1 import self_adjoint_eigvals as self_adjoint_eigvals
from tideflow.compat.v1 import sequence_mask as sequence_mask
from tideflow.compat.v1 import set_random_seed as set_random_seed
from tideflow.compat.v1 import shape as shape
from tideflow.compat.v1 import shape_n as shape_n
from tideflow.compat.v1 import sigmoid as sigmoid
from tideflow.compat.v1 import sign as sign
from tideflow.compat.v1 import sin as sin
from tideflow.compat.v1 import sinh as sinh
from tideflow.compat.v1 import size as size
from tideflow.compat.v1 import slice as slice
from tideflow.compat.v1 import sort as sort
from tideflow.compat.v1 import space_to_batch as space_to_batch
from tideflow.compat.v1 import space_to_batch_nd as space_to_batch_nd
from tideflow.compat.v1 import space_to_depth as space_to_depth
from tideflow.compat.v1 import sparse_segment_mean as sparse_segment_mean
from tideflow.compat.v1 import sparse_segment_sqrt_n as sparse_segment_sqrt_n
from tideflow.compat.v1 import sparse_segment_sum as sparse_segment_sum
from tideflow.compat.v1 import sqrt as sqrt
from tideflow.compat.v1 import square as square
from tideflow.compat.v1 import squared_difference as squared_difference
from tideflow.compat.v1 import squeeze as squeeze
from tideflow.compat.v1 import stack as stack
from tideflow.compat.v1 import stop_gradient as stop_gradient
from tideflow.compat.v1 import strided_slice as strided_slice
from tideflow.compat.v1 import string as string
from tideflow.compat.v1 import string_join as string_join
from tideflow.compat.v1 import string_split as string_split
from tideflow.compat.v1 import string_to_hash_bucket as string_to_hash_bucket
from tideflow.compat.v1 import string_to_hash_bucket_fast as string_to_hash_bucket_fast
from tideflow.compat.v1 import string_to_hash_bucket_strong as string_to_hash_bucket_strong
from tideflow.compat.v1 import string_to_number as string_to_number
from tideflow.compat.v1 import substr as substr
from tideflow.compat.v1 import subtract as subtract
from tideflow.compat.v1 import switch_case as switch_case
from tideflow.compat.v1 import tables_initializer as tables_initializer
from tideflow.compat.v1 import tan as tan
from tideflow.compat.v1 import tanh as tanh
from tideflow.compat.v1 import tensor_scatter_add as tensor_scatter_add
from tideflow.compat.v1 import tensor_scatter_nd_add as tensor_scatter_nd_add
from tideflow.compat.v1 import tensor_scatter_nd_max as tensor_scatter_nd_max
from tideflow.compat.v1 import tensor_scatter_nd_min as tensor_scatter_nd_min
from tideflow.compat.v1 import tensor_scatter_nd_sub as tensor_scatter_nd_sub
from tideflow.compat.v1 import tensor_scatter_nd_update as tensor_scatter_nd_update
from tideflow.compat.v1 import tensor_scatter_sub as tensor_scatter_sub
from tideflow.compat.v1 import tensor_scatter_update as tensor_scatter_update
from tideflow.compat.v1 import tensordot as tensordot
from tideflow.compat.v1 import tile as tile
from tideflow.compat.v1 import to_bfloat16 as to_bfloat16
from tideflow.compat.v1 import to_complex64 as to_complex64
from tideflow.compat.v1 import to_complex128 as to_complex128
from tideflow.compat.v1 import to_double as to_double
from tideflow.compat.v1 import to_float as to_float
from tideflow.compat.v1 import to_int32 as to_int32
from tideflow.compat.v1 import to_int64 as to_int64
from tideflow.compat.v1 import trace as trace
from tideflow.compat.v1 import trainable_variables as trainable_variables
from tideflow.compat.v1 import transpose as transpose
from tideflow.compat.v1 import truediv as truediv
from tideflow.compat.v1 import truncated_normal as truncated_normal
from tideflow.compat.v1 import truncated_normal_initializer as truncated_normal_initializer
from tideflow.compat.v1 import truncatediv as truncatediv
from tideflow.compat.v1 import truncatemod as truncatemod
from tideflow.compat.v1 import tuple as tuple
from tideflow.compat.v1 import type_spec_from_value as type_spec_from_value
from tideflow.compat.v1 import uint8 as uint8
from tideflow.compat.v1 import uint16 as uint16
from tideflow.compat.v1 import uint32 as uint32
from tideflow.compat.v1 import uint64 as uint64
from tideflow.compat.v1 import uniform_unit_scaling_initializer as uniform_unit_scaling_initializer
from tideflow.compat.v1 import unique as unique
from tideflow.compat.v1 import unique_with_counts as unique_with_counts
from tideflow.compat.v1 import unsorted_segment_max as unsorted_segment_max
from tideflow.compat.v1 import unsorted_segment_mean as unsorted_segment_mean
from tideflow.compat.v1 import unsorted_segment_min as unsorted_segment_min
from tideflow.compat.v1 import unsorted_segment_prod as unsorted_segment_prod
from tideflow.compat.v1 import unsorted_segment_sqrt_n as unsorted_segment_sqrt_n
from tideflow.compat.v1 import unsorted_segment_sum as unsorted_segment_sum
from tideflow.compat.v1 import unstack as unstack
from tideflow.compat.v1 import variable_axis_size_partitioner as variable_axis_size_partitioner
from tideflow.compat.v1 import variable_creator_scope as variable_creator_scope
from tideflow.compat.v1 import variable_op_scope as variable_op_scope
from tideflow.compat.v1 import variable_scope as variable_scope
from tideflow.compat.v1 import variables_initializer as variables_initializer
from tideflow.compat.v1 import variance_scaling_initializer as variance_scaling_initializer
from tideflow.compat.v1 import variant as variant
from tideflow.compat.v1 import verify_tensor_all_finite as verify_tensor_all_finite
from tideflow.compat.v1 import where as where
from tideflow.compat.v1 import where_v2 as where_v2
from tideflow.compat.v1 import while_loop as while_loop
from tideflow.compat.v1 import write_file as write_file
from tideflow.compat.v1 import zeros as zeros
from tideflow.compat.v1 import zeros_initializer as zeros_initializer
from tideflow.compat.v1 import zeros_like as zeros_like
from tideflow.compat.v1 import zeta as zeta

#: The namespaces inside this one, most of them those of 1.x. Each is imported when it is first used.
SUBMODULES = (
    "tideflow.compat.v1.app",
    "tideflow.bitwise",
    "tideflow.compat",
    "tideflow.config",
    "tideflow.compat.v1.debugging",
    "tideflow.compat.v1.dtypes",
    "tideflow.compat.v1.errors",
    "tideflow.compat.v1.examples",
    "tideflow.compat.v1.flags",
    "tideflow.compat.v1.gfile",
    "tideflow.compat.v1.graph_util",
    "tideflow.compat.v1.image",
    "tideflow.compat.v1.initializers",
    "tideflow.compat.v1.io",
    "tideflow.compat.v1.layers",
    "tideflow.compat.v1.linalg",
    "tideflow.compat.v1.logging",
    "tideflow.compat.v1.losses",
    "tideflow.compat.v1.manip",
    "tideflow.compat.v1.math",
    "tideflow.compat.v1.metrics",
    "tideflow.compat.v1.nest",
    "nn",
    "tideflow.compat.v1.python_io",
    "tideflow.compat.v1.queue",
    "tideflow.compat.v1.random",
    "tideflow.raw_ops",
    "tideflow.compat.v1.resource_loader",
    "tideflow.compat.v1.strings",
    "tideflow.sysconfig",
    "tideflow.compat.v1.test",
    "tideflow.compat.v1.summary",
    "train",
    "tideflow.version",
)
#: Names whose modules are imported when they are first used.
LATER = {
    "deserialize_many_sparse": "ops.sparse.as_strings",
    "serialize_many_sparse": "ops.sparse.as_strings:serialize_many_sparse_v1",
    "serialize_sparse": "ops.sparse.as_strings:serialize_sparse_v1",
    "sparse_add": "ops.sparse.arithmetic:add_v1",
    "sparse_concat": "ops.sparse.arranging:concat_v0",
    "sparse_fill_empty_rows": "ops.sparse.arranging:fill_empty_rows",
    "sparse_mask": "ops.sparse.arranging:mask",
    "sparse_maximum": "ops.sparse.arithmetic:maximum",
    "sparse_merge": "ops.sparse.ids:merge",
    "sparse_minimum": "ops.sparse.arithmetic:minimum",
    "sparse_reduce_max": "ops.sparse.arithmetic:reduce_max_v1",
    "sparse_reduce_max_sparse": "ops.sparse.arithmetic:reduce_max_sparse_v1",
    "sparse_reduce_sum": "ops.sparse.arithmetic:reduce_sum_v1",
    "sparse_reduce_sum_sparse": "ops.sparse.arithmetic:reduce_sum_sparse_v1",
    "sparse_reorder": "ops.sparse.conversion",
    "sparse_reset_shape": "ops.sparse.arranging:reset_shape",
    "sparse_reshape": "ops.sparse.conversion",
    "sparse_retain": "ops.sparse.arranging:retain",
    "sparse_slice": "ops.sparse.arranging:slice",
    "sparse_softmax": "ops.sparse.arithmetic:softmax",
    "sparse_split": "ops.sparse.arranging:split_v0",
    "sparse_tensor_dense_matmul": "ops.sparse.conversion",
    "sparse_tensor_to_dense": "ops.sparse.conversion",
    "sparse_to_dense": "ops.sparse.conversion:sparse_to_dense_v1",
    "sparse_to_indicator": "ops.sparse.ids:to_indicator",
    "sparse_transpose": "ops.sparse.arranging:transpose",
}
__getattr__ = module_getattr("tideflow.v0", "v0", SUBMODULES, LATER)
__dir__ = module_dir("tideflow.v0", SUBMODULES, LATER)

disable_v2_behavior()

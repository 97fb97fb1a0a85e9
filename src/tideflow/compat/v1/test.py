"""Tests of programs: ``tf.test``."""

from __future__ import annotations

from unittest import mock as mock

from tideflow._src.test_support.benchmark import Benchmark as Benchmark
from tideflow._src.test_support.benchmark import benchmark_config as benchmark_config
from tideflow._src.test_support.environment import disable_with_predicate as disable_with_predicate
from tideflow._src.test_support.environment import get_temp_dir as get_temp_dir
from tideflow._src.test_support.environment import gpu_device_name as gpu_device_name
from tideflow._src.test_support.environment import is_built_with_cuda as is_built_with_cuda
from tideflow._src.test_support.environment import is_built_with_gpu_support as is_built_with_gpu_support
from tideflow._src.test_support.environment import is_built_with_rocm as is_built_with_rocm
from tideflow._src.test_support.environment import is_built_with_xla as is_built_with_xla
from tideflow._src.test_support.environment import is_cpu_target_available as is_cpu_target_available
from tideflow._src.test_support.environment import is_gpu_available as is_gpu_available
from tideflow._src.test_support.environment import test_src_dir_path as test_src_dir_path
from tideflow._src.test_support.environment import with_eager_op_as_function as with_eager_op_as_function
from tideflow._src.test_support.gradient_check import compute_gradient_error_v1 as compute_gradient_error
from tideflow._src.test_support.gradient_check import compute_gradient_v1 as compute_gradient
from tideflow._src.test_support.main import main as main
from tideflow._src.test_support.protos import assert_equal_graph_def_v1 as assert_equal_graph_def
from tideflow._src.test_support.stubs import StubOutForTesting as StubOutForTesting
from tideflow._src.test_support.test_case import TestCase as TestCase
from tideflow.test import experimental as experimental

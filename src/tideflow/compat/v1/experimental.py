"""What TensorFlow 1 tries out: ``tf.experimental``."""

from __future__ import annotations

from tideflow._src.compat.deprecation import enable_strict_mode as enable_strict_mode
from tideflow._src.compat.executors import async_clear_error as async_clear_error
from tideflow._src.compat.executors import async_scope as async_scope
from tideflow._src.compat.executors import function_executor_type as function_executor_type
from tideflow._src.core.dtypes import float4_e2m1fn as float4_e2m1fn
from tideflow._src.core.dtypes import float8_e4m3b11fnuz as float8_e4m3b11fnuz
from tideflow._src.core.dtypes import float8_e4m3fn as float8_e4m3fn
from tideflow._src.core.dtypes import float8_e4m3fnuz as float8_e4m3fnuz
from tideflow._src.core.dtypes import float8_e5m2 as float8_e5m2
from tideflow._src.core.dtypes import float8_e5m2fnuz as float8_e5m2fnuz
from tideflow._src.core.dtypes import int2 as int2
from tideflow._src.core.dtypes import int4 as int4
from tideflow._src.core.dtypes import uint2 as uint2
from tideflow._src.core.dtypes import uint4 as uint4
from tideflow._src.ops.composite.extension_type import BatchableExtensionType as BatchableExtensionType
from tideflow._src.ops.composite.extension_type import ExtensionType as ExtensionType
from tideflow._src.ops.composite.extension_type import ExtensionTypeBatchEncoder as ExtensionTypeBatchEncoder
from tideflow._src.ops.composite.extension_type import ExtensionTypeSpec as ExtensionTypeSpec
from tideflow._src.ops.composite.optional import Optional as Optional
from tideflow._src.ops.composite.structured_tensor import StructuredTensor as StructuredTensor
from tideflow._src.ops.dispatch import dispatch_for_api as dispatch_for_api
from tideflow._src.ops.dispatch import unregister_dispatch_for as unregister_dispatch_for
from tideflow._src.ops.elementwise_dispatch import (
    dispatch_for_binary_elementwise_apis as dispatch_for_binary_elementwise_apis,
)
from tideflow._src.ops.elementwise_dispatch import (
    dispatch_for_binary_elementwise_assert_apis as dispatch_for_binary_elementwise_assert_apis,
)
from tideflow._src.ops.elementwise_dispatch import (
    dispatch_for_unary_elementwise_apis as dispatch_for_unary_elementwise_apis,
)
from tideflow._src.ops.ragged.dynamic_ragged_shape import DynamicRaggedShape as DynamicRaggedShape
from tideflow._src.ops.ragged.row_partition import RowPartition as RowPartition
from tideflow.experimental import extension_type as extension_type

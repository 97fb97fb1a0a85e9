"""Types of elements: ``tf.dtypes``."""

from __future__ import annotations

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
from tideflow._src.ops.math.casting import cast as cast
from tideflow._src.ops.math.casting import saturate_cast as saturate_cast
from tideflow._src.ops.math.complex_numbers import complex as complex
from tideflow._src.ops.strings.functions import as_string as as_string
from tideflow.dtypes import experimental as experimental

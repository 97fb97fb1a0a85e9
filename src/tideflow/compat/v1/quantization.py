"""Quantization: ``tf.quantization``."""

from __future__ import annotations

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
from tideflow._src.ops.quantization.functions import quantize_and_dequantize as quantize_and_dequantize
from tideflow._src.ops.quantization.functions import quantize_and_dequantize_v2 as quantize_and_dequantize_v2
from tideflow._src.ops.quantization.functions import quantized_concat as quantized_concat

"""The kernels of convolution under the names of their operations.

Each has a *host* kernel (NumPy) and an *xla* kernel (traced by JAX). Arrays, and sizes as tuples of ints, come in the
order of TensorFlow's raw operations; after them the attributes, as a :class:`.convolution_plan.Window`. Both layouts
work everywhere: what comes with the channels first is transposed.
"""

from __future__ import annotations

from typing import Any

from tideflow._src.ops.nn import convolution_host, convolution_xla, depthwise_kernels
from tideflow._src.ops.nn.convolution_plan import filter_gradient, forward, input_gradient
from tideflow._src.ops.nn.tiers import Estimate, TieredKernel, convolution_work, depthwise_work


def _kernels(
    operation: str, host: Any, xla: Any, work: Estimate = convolution_work, **options: Any
) -> tuple[TieredKernel, TieredKernel, TieredKernel]:
    """Returns a convolution and its gradients of the input and of the filter.

    Args:
      operation: the name of the convolution.
      host: its three functions, in NumPy.
      xla: its three functions, for JAX.
      work: estimates what a call of one of them does.
      options: those of :func:`.convolution_plan.forward`.
    """
    makers = (forward, ""), (input_gradient, "BackpropInput"), (filter_gradient, "BackpropFilter")
    convolve, of_input, of_filter = (
        TieredKernel(make(operation + suffix, on_host, **options), make(operation + suffix, on_xla, **options), work)
        for (make, suffix), on_host, on_xla in zip(makers, host, xla, strict=True)
    )
    return convolve, of_input, of_filter


_HOST = convolution_host.convolve_host, convolution_host.input_gradient_host, convolution_host.filter_gradient_host
_XLA = convolution_xla.convolve_xla, convolution_xla.input_gradient_xla, convolution_xla.filter_gradient_xla

conv2d, conv2d_backprop_input, conv2d_backprop_filter = _kernels("Conv2D", _HOST, _XLA)
conv3d, conv3d_backprop_input, conv3d_backprop_filter = _kernels("Conv3D", _HOST, _XLA, rank=5)
depthwise_conv2d_native, depthwise_conv2d_native_backprop_input, depthwise_conv2d_native_backprop_filter = _kernels(
    "DepthwiseConv2dNative",
    (
        depthwise_kernels.depthwise_host,
        depthwise_kernels.depthwise_input_gradient_host,
        depthwise_kernels.depthwise_filter_gradient_host,
    ),
    (
        depthwise_kernels.depthwise_xla,
        depthwise_kernels.depthwise_input_gradient_xla,
        depthwise_kernels.depthwise_filter_gradient_xla,
    ),
    depthwise_work,
    depthwise=True,
)

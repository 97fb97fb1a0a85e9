"""The kernels of convolution under the names of their operations, for each tier.

An operation has a *host* kernel (NumPy) and an *xla* kernel (traced by JAX). Arguments carry the names and the order of
TensorFlow's raw operations: ``strides`` and ``dilations`` are lists with a number for each dimension,
``explicit_paddings`` a list of twice as many (empty unless ``padding`` is ``"EXPLICIT"``), sizes tuples of ints. Both
layouts work everywhere: what comes with the channels first is transposed.
"""

from __future__ import annotations

from tideflow._src.ops.nn import convolution_host, convolution_xla, depthwise_kernels
from tideflow._src.ops.nn.convolution_plan import filter_gradient, forward, input_gradient
from tideflow._src.ops.nn.tiers import tiered

conv2d_host = forward("Conv2D", convolution_host.convolve_host)
conv2d_xla = forward("Conv2D", convolution_xla.convolve_xla)
conv2d_backprop_input_host = input_gradient("Conv2DBackpropInput", convolution_host.input_gradient_host)
conv2d_backprop_input_xla = input_gradient("Conv2DBackpropInput", convolution_xla.input_gradient_xla)
conv2d_backprop_filter_host = filter_gradient("Conv2DBackpropFilter", convolution_host.filter_gradient_host)
conv2d_backprop_filter_xla = filter_gradient("Conv2DBackpropFilter", convolution_xla.filter_gradient_xla)

conv3d_host = forward("Conv3D", convolution_host.convolve_host, rank=5)
conv3d_xla = forward("Conv3D", convolution_xla.convolve_xla, rank=5)
conv3d_backprop_input_host = input_gradient("Conv3DBackpropInput", convolution_host.input_gradient_host, rank=5)
conv3d_backprop_input_xla = input_gradient("Conv3DBackpropInput", convolution_xla.input_gradient_xla, rank=5)
conv3d_backprop_filter_host = filter_gradient("Conv3DBackpropFilter", convolution_host.filter_gradient_host, rank=5)
conv3d_backprop_filter_xla = filter_gradient("Conv3DBackpropFilter", convolution_xla.filter_gradient_xla, rank=5)

_NATIVE = "DepthwiseConv2dNative"
depthwise_conv2d_native_host = forward(_NATIVE, depthwise_kernels.depthwise_host, depthwise=True)
depthwise_conv2d_native_xla = forward(_NATIVE, depthwise_kernels.depthwise_xla, depthwise=True)
depthwise_conv2d_native_backprop_input_host = input_gradient(
    f"{_NATIVE}BackpropInput", depthwise_kernels.depthwise_input_gradient_host, depthwise=True
)
depthwise_conv2d_native_backprop_input_xla = input_gradient(
    f"{_NATIVE}BackpropInput", depthwise_kernels.depthwise_input_gradient_xla, depthwise=True
)
depthwise_conv2d_native_backprop_filter_host = filter_gradient(
    f"{_NATIVE}BackpropFilter", depthwise_kernels.depthwise_filter_gradient_host, depthwise=True
)
depthwise_conv2d_native_backprop_filter_xla = filter_gradient(
    f"{_NATIVE}BackpropFilter", depthwise_kernels.depthwise_filter_gradient_xla, depthwise=True
)

# What eager calls run: either of the two.
conv2d_eager = tiered(conv2d_host, conv2d_xla)
conv2d_backprop_input_eager = tiered(conv2d_backprop_input_host, conv2d_backprop_input_xla)
conv2d_backprop_filter_eager = tiered(conv2d_backprop_filter_host, conv2d_backprop_filter_xla)
conv3d_eager = tiered(conv3d_host, conv3d_xla)
conv3d_backprop_input_eager = tiered(conv3d_backprop_input_host, conv3d_backprop_input_xla)
conv3d_backprop_filter_eager = tiered(conv3d_backprop_filter_host, conv3d_backprop_filter_xla)
depthwise_conv2d_native_eager = tiered(depthwise_conv2d_native_host, depthwise_conv2d_native_xla)
depthwise_conv2d_native_backprop_input_eager = tiered(
    depthwise_conv2d_native_backprop_input_host, depthwise_conv2d_native_backprop_input_xla
)
depthwise_conv2d_native_backprop_filter_eager = tiered(
    depthwise_conv2d_native_backprop_filter_host, depthwise_conv2d_native_backprop_filter_xla
)

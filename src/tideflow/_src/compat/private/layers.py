"""The longer names of layer classes, and layers' specifications of their inputs."""

from __future__ import annotations

from tideflow._src.layers.convolution import Conv1D as Convolution1D
from tideflow._src.layers.convolution import Conv2D as Convolution2D
from tideflow._src.layers.convolution import Conv3D as Convolution3D
from tideflow._src.layers.input_spec import InputSpec
from tideflow._src.layers.separable_convolution import SeparableConv1D as SeparableConvolution1D
from tideflow._src.layers.separable_convolution import SeparableConv2D as SeparableConvolution2D
from tideflow._src.layers.transposed_convolution import Conv2DTranspose as Convolution2DTranspose
from tideflow._src.layers.transposed_convolution import Conv3DTranspose as Convolution3DTranspose

__all__ = [
    "Convolution1D",
    "Convolution2D",
    "Convolution2DTranspose",
    "Convolution3D",
    "Convolution3DTranspose",
    "InputSpec",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
]

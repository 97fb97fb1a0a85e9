"""Layers of TensorFlow 1.x, which follow variable scopes: ``tf.layers``."""

from __future__ import annotations

from tideflow._src.layers.convolution import Conv1D as Conv1D
from tideflow._src.layers.convolution import Conv2D as Conv2D
from tideflow._src.layers.convolution import Conv3D as Conv3D
from tideflow._src.layers.convolution import conv1d as conv1d
from tideflow._src.layers.convolution import conv2d as conv2d
from tideflow._src.layers.convolution import conv3d as conv3d
from tideflow._src.layers.core import Dense as Dense
from tideflow._src.layers.core import Dropout as Dropout
from tideflow._src.layers.core import Flatten as Flatten
from tideflow._src.layers.core import dense as dense
from tideflow._src.layers.core import dropout as dropout
from tideflow._src.layers.core import flatten as flatten
from tideflow._src.layers.input_spec import InputSpec as InputSpec
from tideflow._src.layers.layer import Layer as Layer
from tideflow._src.layers.normalization import BatchNormalization as BatchNormalization
from tideflow._src.layers.normalization import batch_normalization as batch_normalization
from tideflow._src.layers.pooling import AveragePooling1D as AveragePooling1D
from tideflow._src.layers.pooling import AveragePooling2D as AveragePooling2D
from tideflow._src.layers.pooling import AveragePooling3D as AveragePooling3D
from tideflow._src.layers.pooling import MaxPooling1D as MaxPooling1D
from tideflow._src.layers.pooling import MaxPooling2D as MaxPooling2D
from tideflow._src.layers.pooling import MaxPooling3D as MaxPooling3D
from tideflow._src.layers.pooling import average_pooling1d as average_pooling1d
from tideflow._src.layers.pooling import average_pooling2d as average_pooling2d
from tideflow._src.layers.pooling import average_pooling3d as average_pooling3d
from tideflow._src.layers.pooling import max_pooling1d as max_pooling1d
from tideflow._src.layers.pooling import max_pooling2d as max_pooling2d
from tideflow._src.layers.pooling import max_pooling3d as max_pooling3d
from tideflow._src.layers.separable_convolution import SeparableConv1D as SeparableConv1D
from tideflow._src.layers.separable_convolution import SeparableConv2D as SeparableConv2D
from tideflow._src.layers.separable_convolution import separable_conv1d as separable_conv1d
from tideflow._src.layers.separable_convolution import separable_conv2d as separable_conv2d
from tideflow._src.layers.transposed_convolution import Conv2DTranspose as Conv2DTranspose
from tideflow._src.layers.transposed_convolution import Conv3DTranspose as Conv3DTranspose
from tideflow._src.layers.transposed_convolution import conv2d_transpose as conv2d_transpose
from tideflow._src.layers.transposed_convolution import conv3d_transpose as conv3d_transpose
from tideflow.compat.v1.layers import experimental as experimental

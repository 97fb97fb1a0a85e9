"""Neural networks as TensorFlow 0.x had them: ``tf.nn``."""

from __future__ import annotations

from tideflow._src.ops.nn.losses import sigmoid_cross_entropy_with_logits_v0 as sigmoid_cross_entropy_with_logits
from tideflow._src.ops.nn.losses import softmax_cross_entropy_with_logits_v0 as softmax_cross_entropy_with_logits
from tideflow._src.ops.nn.losses import (
    sparse_softmax_cross_entropy_with_logits_v0 as sparse_softmax_cross_entropy_with_logits,
)
from tideflow._src.ops.nn.losses import weighted_cross_entropy_with_logits_v0 as weighted_cross_entropy_with_logits
from tideflow._src.ops.nn.moments import l2_normalize_v0 as l2_normalize
from tideflow._src.ops.nn.softmax import log_softmax_v0 as log_softmax
from tideflow._src.ops.nn.softmax import softmax_v0 as softmax
from tideflow.v1.nn import atrous_conv2d as atrous_conv2d
from tideflow.v1.nn import atrous_conv2d_transpose as atrous_conv2d_transpose
from tideflow.v1.nn import avg_pool as avg_pool
from tideflow.v1.nn import avg_pool1d as avg_pool1d
from tideflow.v1.nn import avg_pool2d as avg_pool2d
from tideflow.v1.nn import avg_pool_v2 as avg_pool_v2
from tideflow.v1.nn import batch_norm_with_global_normalization as batch_norm_with_global_normalization
from tideflow.v1.nn import batch_normalization as batch_normalization
from tideflow.v1.nn import bias_add as bias_add
from tideflow.v1.nn import conv1d as conv1d
from tideflow.v1.nn import conv1d_transpose as conv1d_transpose
from tideflow.v1.nn import conv2d as conv2d
from tideflow.v1.nn import conv2d_backprop_filter as conv2d_backprop_filter
from tideflow.v1.nn import conv2d_backprop_input as conv2d_backprop_input
from tideflow.v1.nn import conv2d_transpose as conv2d_transpose
from tideflow.v1.nn import conv_transpose as conv_transpose
from tideflow.v1.nn import convolution as convolution
from tideflow.v1.nn import crelu as crelu
from tideflow.v1.nn import depth_to_space as depth_to_space
from tideflow.v1.nn import depthwise_conv2d as depthwise_conv2d
from tideflow.v1.nn import depthwise_conv2d_backprop_filter as depthwise_conv2d_backprop_filter
from tideflow.v1.nn import depthwise_conv2d_backprop_input as depthwise_conv2d_backprop_input
from tideflow.v1.nn import depthwise_conv2d_native as depthwise_conv2d_native
from tideflow.v1.nn import depthwise_conv2d_native_backprop_filter as depthwise_conv2d_native_backprop_filter
from tideflow.v1.nn import depthwise_conv2d_native_backprop_input as depthwise_conv2d_native_backprop_input
from tideflow.v1.nn import dropout as dropout
from tideflow.v1.nn import elu as elu
from tideflow.v1.nn import embedding_lookup as embedding_lookup
from tideflow.v1.nn import fused_batch_norm as fused_batch_norm
from tideflow.v1.nn import in_top_k as in_top_k
from tideflow.v1.nn import l2_loss as l2_loss
from tideflow.v1.nn import leaky_relu as leaky_relu
from tideflow.v1.nn import local_response_normalization as local_response_normalization
from tideflow.v1.nn import log_poisson_loss as log_poisson_loss
from tideflow.v1.nn import lrn as lrn
from tideflow.v1.nn import max_pool as max_pool
from tideflow.v1.nn import max_pool1d as max_pool1d
from tideflow.v1.nn import max_pool2d as max_pool2d
from tideflow.v1.nn import max_pool_v2 as max_pool_v2
from tideflow.v1.nn import max_pool_with_argmax as max_pool_with_argmax
from tideflow.v1.nn import moments as moments
from tideflow.v1.nn import normalize_moments as normalize_moments
from tideflow.v1.nn import pool as pool
from tideflow.v1.nn import relu as relu
from tideflow.v1.nn import relu6 as relu6
from tideflow.v1.nn import relu_layer as relu_layer
from tideflow.v1.nn import selu as selu
from tideflow.v1.nn import separable_conv2d as separable_conv2d
from tideflow.v1.nn import sigmoid as sigmoid
from tideflow.v1.nn import silu as silu
from tideflow.v1.nn import softmax_cross_entropy_with_logits_v2 as softmax_cross_entropy_with_logits_v2
from tideflow.v1.nn import softplus as softplus
from tideflow.v1.nn import softsign as softsign
from tideflow.v1.nn import space_to_batch as space_to_batch
from tideflow.v1.nn import space_to_depth as space_to_depth
from tideflow.v1.nn import sufficient_statistics as sufficient_statistics
from tideflow.v1.nn import swish as swish
from tideflow.v1.nn import tanh as tanh
from tideflow.v1.nn import top_k as top_k
from tideflow.v1.nn import weighted_moments as weighted_moments
from tideflow.v1.nn import xw_plus_b as xw_plus_b
from tideflow.v1.nn import zero_fraction as zero_fraction

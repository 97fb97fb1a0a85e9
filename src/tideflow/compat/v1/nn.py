"""Neural networks: ``tf.nn``."""

from __future__ import annotations

from tideflow._src.layers.dynamic_recurrence import bidirectional_dynamic_rnn as bidirectional_dynamic_rnn
from tideflow._src.layers.dynamic_recurrence import dynamic_rnn as dynamic_rnn
from tideflow._src.layers.raw_recurrence import raw_rnn as raw_rnn
from tideflow._src.layers.static_recurrence import static_bidirectional_rnn as static_bidirectional_rnn
from tideflow._src.layers.static_recurrence import static_rnn as static_rnn
from tideflow._src.layers.static_recurrence import static_state_saving_rnn as static_state_saving_rnn
from tideflow._src.ops.array.blocks import depth_to_space_v1 as depth_to_space
from tideflow._src.ops.array.blocks import space_to_batch_v1 as space_to_batch
from tideflow._src.ops.array.blocks import space_to_depth_v1 as space_to_depth
from tideflow._src.ops.image.dilation_functions import dilation2d_v1 as dilation2d
from tideflow._src.ops.image.dilation_functions import erosion2d_v1 as erosion2d
from tideflow._src.ops.linalg.norms import l2_loss as l2_loss
from tideflow._src.ops.math.sorting import in_top_k_v1 as in_top_k
from tideflow._src.ops.math.sorting import top_k as top_k
from tideflow._src.ops.math.unary import sigmoid as sigmoid
from tideflow._src.ops.math.unary import tanh as tanh
from tideflow._src.ops.nn.activation import crelu_v1 as crelu
from tideflow._src.ops.nn.activation import elu as elu
from tideflow._src.ops.nn.activation import leaky_relu as leaky_relu
from tideflow._src.ops.nn.activation import relu as relu
from tideflow._src.ops.nn.activation import relu6 as relu6
from tideflow._src.ops.nn.activation import selu as selu
from tideflow._src.ops.nn.activation import silu as silu
from tideflow._src.ops.nn.activation import softplus as softplus
from tideflow._src.ops.nn.activation import softsign as softsign
from tideflow._src.ops.nn.activation import swish as swish
from tideflow._src.ops.nn.activation import zero_fraction as zero_fraction
from tideflow._src.ops.nn.approximate_top_k import approx_max_k as approx_max_k
from tideflow._src.ops.nn.approximate_top_k import approx_min_k as approx_min_k
from tideflow._src.ops.nn.bias import bias_add as bias_add
from tideflow._src.ops.nn.bias import relu_layer as relu_layer
from tideflow._src.ops.nn.bias import xw_plus_b as xw_plus_b
from tideflow._src.ops.nn.candidate_sampling import all_candidate_sampler as all_candidate_sampler
from tideflow._src.ops.nn.candidate_sampling import compute_accidental_hits as compute_accidental_hits
from tideflow._src.ops.nn.candidate_sampling import fixed_unigram_candidate_sampler as fixed_unigram_candidate_sampler
from tideflow._src.ops.nn.candidate_sampling import (
    learned_unigram_candidate_sampler as learned_unigram_candidate_sampler,
)
from tideflow._src.ops.nn.candidate_sampling import log_uniform_candidate_sampler as log_uniform_candidate_sampler
from tideflow._src.ops.nn.candidate_sampling import uniform_candidate_sampler as uniform_candidate_sampler
from tideflow._src.ops.nn.convolution3d_functions import conv3d_backprop_filter as conv3d_backprop_filter
from tideflow._src.ops.nn.convolution3d_functions import conv3d_backprop_filter as conv3d_backprop_filter_v2
from tideflow._src.ops.nn.convolution3d_functions import conv3d_transpose_v1 as conv3d_transpose
from tideflow._src.ops.nn.convolution3d_functions import conv3d_v1 as conv3d
from tideflow._src.ops.nn.convolution_functions import atrous_conv2d as atrous_conv2d
from tideflow._src.ops.nn.convolution_functions import atrous_conv2d_transpose as atrous_conv2d_transpose
from tideflow._src.ops.nn.convolution_functions import conv1d_transpose as conv1d_transpose
from tideflow._src.ops.nn.convolution_functions import conv1d_v1 as conv1d
from tideflow._src.ops.nn.convolution_functions import conv2d_backprop_filter as conv2d_backprop_filter
from tideflow._src.ops.nn.convolution_functions import conv2d_backprop_input as conv2d_backprop_input
from tideflow._src.ops.nn.convolution_functions import conv2d_transpose_v1 as conv2d_transpose
from tideflow._src.ops.nn.convolution_functions import conv2d_v1 as conv2d
from tideflow._src.ops.nn.convolution_functions import conv_transpose as conv_transpose
from tideflow._src.ops.nn.convolution_functions import convolution_v1 as convolution
from tideflow._src.ops.nn.ctc_functions import collapse_repeated as collapse_repeated
from tideflow._src.ops.nn.ctc_functions import ctc_beam_search_decoder as ctc_beam_search_decoder_v2
from tideflow._src.ops.nn.ctc_functions import ctc_beam_search_decoder_v1 as ctc_beam_search_decoder
from tideflow._src.ops.nn.ctc_functions import ctc_greedy_decoder as ctc_greedy_decoder
from tideflow._src.ops.nn.ctc_functions import ctc_loss as ctc_loss_v2
from tideflow._src.ops.nn.ctc_functions import ctc_loss_v1 as ctc_loss
from tideflow._src.ops.nn.ctc_functions import ctc_unique_labels as ctc_unique_labels
from tideflow._src.ops.nn.depthwise_functions import (
    depthwise_conv2d_backprop_filter as depthwise_conv2d_backprop_filter,
)
from tideflow._src.ops.nn.depthwise_functions import depthwise_conv2d_backprop_input as depthwise_conv2d_backprop_input
from tideflow._src.ops.nn.depthwise_functions import depthwise_conv2d_native as depthwise_conv2d_native
from tideflow._src.ops.nn.depthwise_functions import (
    depthwise_conv2d_native_backprop_filter as depthwise_conv2d_native_backprop_filter,
)
from tideflow._src.ops.nn.depthwise_functions import (
    depthwise_conv2d_native_backprop_input as depthwise_conv2d_native_backprop_input,
)
from tideflow._src.ops.nn.depthwise_functions import depthwise_conv2d_v1 as depthwise_conv2d
from tideflow._src.ops.nn.depthwise_functions import separable_conv2d_v1 as separable_conv2d
from tideflow._src.ops.nn.dropout import dropout_v1 as dropout
from tideflow._src.ops.nn.embedding import embedding_lookup_v1 as embedding_lookup
from tideflow._src.ops.nn.embedding_sparse import embedding_lookup_sparse_v1 as embedding_lookup_sparse
from tideflow._src.ops.nn.embedding_sparse import safe_embedding_lookup_sparse_v1 as safe_embedding_lookup_sparse
from tideflow._src.ops.nn.fractional_pooling import fractional_avg_pool_v1 as fractional_avg_pool
from tideflow._src.ops.nn.fractional_pooling import fractional_max_pool_v1 as fractional_max_pool
from tideflow._src.ops.nn.local_response import local_response_normalization as local_response_normalization
from tideflow._src.ops.nn.local_response import lrn as lrn
from tideflow._src.ops.nn.losses import log_poisson_loss as log_poisson_loss
from tideflow._src.ops.nn.losses import sigmoid_cross_entropy_with_logits as sigmoid_cross_entropy_with_logits
from tideflow._src.ops.nn.losses import softmax_cross_entropy_with_logits_v1 as softmax_cross_entropy_with_logits
from tideflow._src.ops.nn.losses import softmax_cross_entropy_with_logits_v2 as softmax_cross_entropy_with_logits_v2
from tideflow._src.ops.nn.losses import (
    sparse_softmax_cross_entropy_with_logits_v1 as sparse_softmax_cross_entropy_with_logits,
)
from tideflow._src.ops.nn.losses import weighted_cross_entropy_with_logits_v1 as weighted_cross_entropy_with_logits
from tideflow._src.ops.nn.moments import batch_norm_with_global_normalization_v1 as batch_norm_with_global_normalization
from tideflow._src.ops.nn.moments import batch_normalization as batch_normalization
from tideflow._src.ops.nn.moments import fused_batch_norm as fused_batch_norm
from tideflow._src.ops.nn.moments import l2_normalize as l2_normalize
from tideflow._src.ops.nn.moments import moments_v1 as moments
from tideflow._src.ops.nn.moments import normalize_moments as normalize_moments
from tideflow._src.ops.nn.moments import sufficient_statistics_v1 as sufficient_statistics
from tideflow._src.ops.nn.moments import weighted_moments_v1 as weighted_moments
from tideflow._src.ops.nn.pooling_functions import avg_pool1d as avg_pool1d
from tideflow._src.ops.nn.pooling_functions import avg_pool2d_v1 as avg_pool2d
from tideflow._src.ops.nn.pooling_functions import avg_pool3d as avg_pool3d
from tideflow._src.ops.nn.pooling_functions import avg_pool_v1 as avg_pool
from tideflow._src.ops.nn.pooling_functions import avg_pool_v2 as avg_pool_v2
from tideflow._src.ops.nn.pooling_functions import max_pool1d as max_pool1d
from tideflow._src.ops.nn.pooling_functions import max_pool2d as max_pool2d
from tideflow._src.ops.nn.pooling_functions import max_pool3d as max_pool3d
from tideflow._src.ops.nn.pooling_functions import max_pool_v1 as max_pool
from tideflow._src.ops.nn.pooling_functions import max_pool_v2 as max_pool_v2
from tideflow._src.ops.nn.pooling_functions import max_pool_with_argmax_v1 as max_pool_with_argmax
from tideflow._src.ops.nn.pooling_functions import pool_v1 as pool
from tideflow._src.ops.nn.sampled_losses import nce_loss_v1 as nce_loss
from tideflow._src.ops.nn.sampled_losses import sampled_softmax_loss_v1 as sampled_softmax_loss
from tideflow._src.ops.nn.scaled_losses import compute_average_loss as compute_average_loss
from tideflow._src.ops.nn.scaled_losses import scale_regularization_loss as scale_regularization_loss
from tideflow._src.ops.nn.softmax import log_softmax_v1 as log_softmax
from tideflow._src.ops.nn.softmax import softmax_v1 as softmax
from tideflow._src.ops.nn.space_to_batch import with_space_to_batch as with_space_to_batch
from tideflow._src.ops.quantization.functions import quantized_avg_pool as quantized_avg_pool
from tideflow._src.ops.quantization.functions import quantized_conv2d as quantized_conv2d
from tideflow._src.ops.quantization.functions import quantized_max_pool as quantized_max_pool
from tideflow._src.ops.quantization.functions import quantized_relu_x as quantized_relu_x
from tideflow.compat.v1 import rnn_cell as rnn_cell
from tideflow.nn import experimental as experimental

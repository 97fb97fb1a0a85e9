"""Neural networks: ``tf.nn``."""

from __future__ import annotations

from tideflow._src.compat.removed import module_dir, module_getattr
from tideflow._src.ops.array.blocks import depth_to_space as depth_to_space
from tideflow._src.ops.array.blocks import space_to_batch as space_to_batch
from tideflow._src.ops.array.blocks import space_to_depth as space_to_depth
from tideflow._src.ops.image.dilation_functions import dilation2d as dilation2d
from tideflow._src.ops.image.dilation_functions import erosion2d as erosion2d
from tideflow._src.ops.linalg.norms import l2_loss as l2_loss
from tideflow._src.ops.math.sorting import in_top_k as in_top_k
from tideflow._src.ops.math.sorting import top_k as top_k
from tideflow._src.ops.math.unary import sigmoid as sigmoid
from tideflow._src.ops.math.unary import tanh as tanh
from tideflow._src.ops.nn.activation import crelu as crelu
from tideflow._src.ops.nn.activation import elu as elu
from tideflow._src.ops.nn.activation import gelu as gelu
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
from tideflow._src.ops.nn.candidate_sampling import all_candidate_sampler as all_candidate_sampler
from tideflow._src.ops.nn.candidate_sampling import compute_accidental_hits as compute_accidental_hits
from tideflow._src.ops.nn.candidate_sampling import fixed_unigram_candidate_sampler as fixed_unigram_candidate_sampler
from tideflow._src.ops.nn.candidate_sampling import (
    learned_unigram_candidate_sampler as learned_unigram_candidate_sampler,
)
from tideflow._src.ops.nn.convolution3d_functions import conv3d as conv3d
from tideflow._src.ops.nn.convolution3d_functions import conv3d_transpose as conv3d_transpose
from tideflow._src.ops.nn.convolution_functions import atrous_conv2d as atrous_conv2d
from tideflow._src.ops.nn.convolution_functions import atrous_conv2d_transpose as atrous_conv2d_transpose
from tideflow._src.ops.nn.convolution_functions import conv1d as conv1d
from tideflow._src.ops.nn.convolution_functions import conv1d_transpose as conv1d_transpose
from tideflow._src.ops.nn.convolution_functions import conv2d as conv2d
from tideflow._src.ops.nn.convolution_functions import conv2d_transpose as conv2d_transpose
from tideflow._src.ops.nn.convolution_functions import conv_transpose as conv_transpose
from tideflow._src.ops.nn.convolution_functions import convolution as convolution
from tideflow._src.ops.nn.ctc_functions import collapse_repeated as collapse_repeated
from tideflow._src.ops.nn.ctc_functions import ctc_beam_search_decoder as ctc_beam_search_decoder
from tideflow._src.ops.nn.ctc_functions import ctc_greedy_decoder as ctc_greedy_decoder
from tideflow._src.ops.nn.ctc_functions import ctc_loss as ctc_loss
from tideflow._src.ops.nn.ctc_functions import ctc_unique_labels as ctc_unique_labels
from tideflow._src.ops.nn.depthwise_functions import depthwise_conv2d as depthwise_conv2d
from tideflow._src.ops.nn.depthwise_functions import (
    depthwise_conv2d_backprop_filter as depthwise_conv2d_backprop_filter,
)
from tideflow._src.ops.nn.depthwise_functions import depthwise_conv2d_backprop_input as depthwise_conv2d_backprop_input
from tideflow._src.ops.nn.depthwise_functions import separable_conv2d as separable_conv2d
from tideflow._src.ops.nn.dropout import dropout as dropout
from tideflow._src.ops.nn.embedding import embedding_lookup as embedding_lookup
from tideflow._src.ops.nn.embedding_sparse import embedding_lookup_sparse as embedding_lookup_sparse
from tideflow._src.ops.nn.embedding_sparse import safe_embedding_lookup_sparse as safe_embedding_lookup_sparse
from tideflow._src.ops.nn.fractional_pooling import fractional_avg_pool as fractional_avg_pool
from tideflow._src.ops.nn.fractional_pooling import fractional_max_pool as fractional_max_pool
from tideflow._src.ops.nn.isotonic import isotonic_regression as isotonic_regression
from tideflow._src.ops.nn.local_response import local_response_normalization as local_response_normalization
from tideflow._src.ops.nn.local_response import lrn as lrn
from tideflow._src.ops.nn.losses import log_poisson_loss as log_poisson_loss
from tideflow._src.ops.nn.losses import sigmoid_cross_entropy_with_logits as sigmoid_cross_entropy_with_logits
from tideflow._src.ops.nn.losses import softmax_cross_entropy_with_logits as softmax_cross_entropy_with_logits
from tideflow._src.ops.nn.losses import (
    sparse_softmax_cross_entropy_with_logits as sparse_softmax_cross_entropy_with_logits,
)
from tideflow._src.ops.nn.losses import weighted_cross_entropy_with_logits as weighted_cross_entropy_with_logits
from tideflow._src.ops.nn.moments import batch_norm_with_global_normalization as batch_norm_with_global_normalization
from tideflow._src.ops.nn.moments import batch_normalization as batch_normalization
from tideflow._src.ops.nn.moments import l2_normalize as l2_normalize
from tideflow._src.ops.nn.moments import moments as moments
from tideflow._src.ops.nn.moments import normalize_moments as normalize_moments
from tideflow._src.ops.nn.moments import sufficient_statistics as sufficient_statistics
from tideflow._src.ops.nn.moments import weighted_moments as weighted_moments
from tideflow._src.ops.nn.pooling_functions import avg_pool1d as avg_pool1d
from tideflow._src.ops.nn.pooling_functions import avg_pool2d as avg_pool2d
from tideflow._src.ops.nn.pooling_functions import avg_pool3d as avg_pool3d
from tideflow._src.ops.nn.pooling_functions import avg_pool_v2 as avg_pool
from tideflow._src.ops.nn.pooling_functions import max_pool1d as max_pool1d
from tideflow._src.ops.nn.pooling_functions import max_pool2d as max_pool2d
from tideflow._src.ops.nn.pooling_functions import max_pool3d as max_pool3d
from tideflow._src.ops.nn.pooling_functions import max_pool_v2 as max_pool
from tideflow._src.ops.nn.pooling_functions import max_pool_with_argmax as max_pool_with_argmax
from tideflow._src.ops.nn.pooling_functions import pool as pool
from tideflow._src.ops.nn.sampled_losses import nce_loss as nce_loss
from tideflow._src.ops.nn.sampled_losses import sampled_softmax_loss as sampled_softmax_loss
from tideflow._src.ops.nn.scaled_losses import compute_average_loss as compute_average_loss
from tideflow._src.ops.nn.scaled_losses import scale_regularization_loss as scale_regularization_loss
from tideflow._src.ops.nn.softmax import log_softmax as log_softmax
from tideflow._src.ops.nn.softmax import softmax as softmax
from tideflow._src.ops.nn.space_to_batch import with_space_to_batch as with_space_to_batch
from tideflow.nn import experimental as experimental

#: Names whose modules are imported when they are first used.
LATER = {
    "RNNCellDeviceWrapper": "layers.cell_wrappers:DeviceWrapper",
    "RNNCellDropoutWrapper": "layers.cell_wrappers:DropoutWrapper",
    "RNNCellResidualWrapper": "layers.cell_wrappers:ResidualWrapper",
}
__getattr__ = module_getattr("tideflow.nn", "v2", ("experimental",), LATER)
__dir__ = module_dir("tideflow.nn", ("experimental",), LATER)

"""Losses of TensorFlow 1.x, which collect themselves: ``tf.losses``."""

from __future__ import annotations

from tideflow._src.layers.losses import Reduction as Reduction
from tideflow._src.layers.losses import absolute_difference as absolute_difference
from tideflow._src.layers.losses import add_loss as add_loss
from tideflow._src.layers.losses import compute_weighted_loss as compute_weighted_loss
from tideflow._src.layers.losses import cosine_distance as cosine_distance
from tideflow._src.layers.losses import get_losses as get_losses
from tideflow._src.layers.losses import get_regularization_loss as get_regularization_loss
from tideflow._src.layers.losses import get_regularization_losses as get_regularization_losses
from tideflow._src.layers.losses import get_total_loss as get_total_loss
from tideflow._src.layers.losses import hinge_loss as hinge_loss
from tideflow._src.layers.losses import huber_loss as huber_loss
from tideflow._src.layers.losses import log_loss as log_loss
from tideflow._src.layers.losses import mean_pairwise_squared_error as mean_pairwise_squared_error
from tideflow._src.layers.losses import mean_squared_error as mean_squared_error
from tideflow._src.layers.losses import sigmoid_cross_entropy as sigmoid_cross_entropy
from tideflow._src.layers.losses import softmax_cross_entropy as softmax_cross_entropy
from tideflow._src.layers.losses import sparse_softmax_cross_entropy as sparse_softmax_cross_entropy

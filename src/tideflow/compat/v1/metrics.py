"""Metrics of TensorFlow 1.x, which accumulate in local variables: ``tf.metrics``."""

from __future__ import annotations

from tideflow._src.layers.metric_classes import false_negatives as false_negatives
from tideflow._src.layers.metric_classes import false_positives as false_positives
from tideflow._src.layers.metric_classes import mean_iou as mean_iou
from tideflow._src.layers.metric_classes import mean_per_class_accuracy as mean_per_class_accuracy
from tideflow._src.layers.metric_classes import precision as precision
from tideflow._src.layers.metric_classes import recall as recall
from tideflow._src.layers.metric_classes import true_negatives as true_negatives
from tideflow._src.layers.metric_classes import true_positives as true_positives
from tideflow._src.layers.metric_means import accuracy as accuracy
from tideflow._src.layers.metric_means import mean as mean
from tideflow._src.layers.metric_means import mean_absolute_error as mean_absolute_error
from tideflow._src.layers.metric_means import mean_cosine_distance as mean_cosine_distance
from tideflow._src.layers.metric_means import mean_relative_error as mean_relative_error
from tideflow._src.layers.metric_means import mean_squared_error as mean_squared_error
from tideflow._src.layers.metric_means import mean_tensor as mean_tensor
from tideflow._src.layers.metric_means import percentage_below as percentage_below
from tideflow._src.layers.metric_means import root_mean_squared_error as root_mean_squared_error
from tideflow._src.layers.metric_thresholds import auc as auc
from tideflow._src.layers.metric_thresholds import false_negatives_at_thresholds as false_negatives_at_thresholds
from tideflow._src.layers.metric_thresholds import false_positives_at_thresholds as false_positives_at_thresholds
from tideflow._src.layers.metric_thresholds import precision_at_thresholds as precision_at_thresholds
from tideflow._src.layers.metric_thresholds import recall_at_thresholds as recall_at_thresholds
from tideflow._src.layers.metric_thresholds import sensitivity_at_specificity as sensitivity_at_specificity
from tideflow._src.layers.metric_thresholds import specificity_at_sensitivity as specificity_at_sensitivity
from tideflow._src.layers.metric_thresholds import true_negatives_at_thresholds as true_negatives_at_thresholds
from tideflow._src.layers.metric_thresholds import true_positives_at_thresholds as true_positives_at_thresholds
from tideflow._src.layers.metric_top_k import average_precision_at_k as average_precision_at_k
from tideflow._src.layers.metric_top_k import precision_at_k as precision_at_k
from tideflow._src.layers.metric_top_k import precision_at_top_k as precision_at_top_k
from tideflow._src.layers.metric_top_k import recall_at_k as recall_at_k
from tideflow._src.layers.metric_top_k import recall_at_top_k as recall_at_top_k
from tideflow._src.layers.metric_top_k import sparse_average_precision_at_k as sparse_average_precision_at_k
from tideflow._src.layers.metric_top_k import sparse_precision_at_k as sparse_precision_at_k

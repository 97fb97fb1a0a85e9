"""Training: ``tf.train``."""

from __future__ import annotations

from tideflow._src.compat.messages import message_members
from tideflow._src.io.filenames import match_filenames_once as match_filenames_once
from tideflow._src.io.graph_files import write_graph as write_graph
from tideflow._src.train.adagrad import AdadeltaOptimizer as AdadeltaOptimizer
from tideflow._src.train.adagrad import AdagradDAOptimizer as AdagradDAOptimizer
from tideflow._src.train.adagrad import AdagradOptimizer as AdagradOptimizer
from tideflow._src.train.adagrad import ProximalAdagradOptimizer as ProximalAdagradOptimizer
from tideflow._src.train.adam import AdamOptimizer as AdamOptimizer
from tideflow._src.train.batching import batch as batch
from tideflow._src.train.batching import batch_join as batch_join
from tideflow._src.train.batching import maybe_batch as maybe_batch
from tideflow._src.train.batching import maybe_batch_join as maybe_batch_join
from tideflow._src.train.batching import maybe_shuffle_batch as maybe_shuffle_batch
from tideflow._src.train.batching import maybe_shuffle_batch_join as maybe_shuffle_batch_join
from tideflow._src.train.batching import shuffle_batch as shuffle_batch
from tideflow._src.train.batching import shuffle_batch_join as shuffle_batch_join
from tideflow._src.train.coordinator import Coordinator as Coordinator
from tideflow._src.train.coordinator import LooperThread as LooperThread
from tideflow._src.train.ftrl import FtrlOptimizer as FtrlOptimizer
from tideflow._src.train.ftrl import ProximalGradientDescentOptimizer as ProximalGradientDescentOptimizer
from tideflow._src.train.global_step import assert_global_step as assert_global_step
from tideflow._src.train.global_step import create_global_step as create_global_step
from tideflow._src.train.global_step import get_global_step as get_global_step
from tideflow._src.train.global_step import get_or_create_global_step as get_or_create_global_step
from tideflow._src.train.global_step import global_step as global_step
from tideflow._src.train.gradient_descent import GradientDescentOptimizer as GradientDescentOptimizer
from tideflow._src.train.gradient_descent import MomentumOptimizer as MomentumOptimizer
from tideflow._src.train.input_producers import input_producer as input_producer
from tideflow._src.train.input_producers import limit_epochs as limit_epochs
from tideflow._src.train.input_producers import range_input_producer as range_input_producer
from tideflow._src.train.input_producers import slice_input_producer as slice_input_producer
from tideflow._src.train.input_producers import string_input_producer as string_input_producer
from tideflow._src.train.learning_rate_decay import cosine_decay as cosine_decay
from tideflow._src.train.learning_rate_decay import cosine_decay_restarts as cosine_decay_restarts
from tideflow._src.train.learning_rate_decay import exponential_decay as exponential_decay
from tideflow._src.train.learning_rate_decay import inverse_time_decay as inverse_time_decay
from tideflow._src.train.learning_rate_decay import linear_cosine_decay as linear_cosine_decay
from tideflow._src.train.learning_rate_decay import natural_exp_decay as natural_exp_decay
from tideflow._src.train.learning_rate_decay import noisy_linear_cosine_decay as noisy_linear_cosine_decay
from tideflow._src.train.learning_rate_decay import piecewise_constant as piecewise_constant
from tideflow._src.train.learning_rate_decay import piecewise_constant as piecewise_constant_decay
from tideflow._src.train.learning_rate_decay import polynomial_decay as polynomial_decay
from tideflow._src.train.moving_averages import ExponentialMovingAverage as ExponentialMovingAverage
from tideflow._src.train.optimizer import Optimizer as Optimizer
from tideflow._src.train.queue_runner import QueueRunner as QueueRunner
from tideflow._src.train.queue_runner import add_queue_runner as add_queue_runner
from tideflow._src.train.queue_runner import start_queue_runners as start_queue_runners
from tideflow._src.train.rmsprop import RMSPropOptimizer as RMSPropOptimizer

__getattr__, __dir__ = message_members(
    "tideflow.v1.train",
    "BytesList ClusterDef Example Feature FeatureList FeatureLists Features FloatList Int64List JobDef SaverDef "
    "SequenceExample ServerDef",
)

"""Training: ``tf.train``."""

from __future__ import annotations

from tideflow._src.io.graph_files import write_graph as write_graph
from tideflow._src.train.adagrad import AdadeltaOptimizer as AdadeltaOptimizer
from tideflow._src.train.adagrad import AdagradDAOptimizer as AdagradDAOptimizer
from tideflow._src.train.adagrad import AdagradOptimizer as AdagradOptimizer
from tideflow._src.train.adagrad import ProximalAdagradOptimizer as ProximalAdagradOptimizer
from tideflow._src.train.adam import AdamOptimizer as AdamOptimizer
from tideflow._src.train.ftrl import FtrlOptimizer as FtrlOptimizer
from tideflow._src.train.ftrl import ProximalGradientDescentOptimizer as ProximalGradientDescentOptimizer
from tideflow._src.train.global_step import assert_global_step as assert_global_step
from tideflow._src.train.global_step import create_global_step as create_global_step
from tideflow._src.train.global_step import get_global_step as get_global_step
from tideflow._src.train.global_step import get_or_create_global_step as get_or_create_global_step
from tideflow._src.train.global_step import global_step as global_step
from tideflow._src.train.gradient_descent import GradientDescentOptimizer as GradientDescentOptimizer
from tideflow._src.train.gradient_descent import MomentumOptimizer as MomentumOptimizer
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
from tideflow._src.train.rmsprop import RMSPropOptimizer as RMSPropOptimizer

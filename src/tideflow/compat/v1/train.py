"""Training: ``tf.train``."""

from __future__ import annotations

from tideflow._src.checkpoint.checkpoint import CheckpointV1 as Checkpoint
from tideflow._src.checkpoint.checkpoint_manager import CheckpointManager as CheckpointManager
from tideflow._src.checkpoint.checkpoint_options import CheckpointOptions as CheckpointOptions
from tideflow._src.checkpoint.meta_graph import export_meta_graph as export_meta_graph
from tideflow._src.checkpoint.reading import checkpoints_iterator as checkpoints_iterator
from tideflow._src.checkpoint.reading import list_variables as list_variables
from tideflow._src.checkpoint.reading import load_checkpoint as load_checkpoint
from tideflow._src.checkpoint.reading import load_variable as load_variable
from tideflow._src.checkpoint.reading import new_checkpoint_reader as NewCheckpointReader
from tideflow._src.checkpoint.saver import Saver as Saver
from tideflow._src.checkpoint.saver import import_meta_graph as import_meta_graph
from tideflow._src.checkpoint.state_file import checkpoint_exists as checkpoint_exists
from tideflow._src.checkpoint.state_file import generate_checkpoint_state_proto as generate_checkpoint_state_proto
from tideflow._src.checkpoint.state_file import get_checkpoint_mtimes as get_checkpoint_mtimes
from tideflow._src.checkpoint.state_file import get_checkpoint_state as get_checkpoint_state
from tideflow._src.checkpoint.state_file import latest_checkpoint as latest_checkpoint
from tideflow._src.checkpoint.state_file import remove_checkpoint as remove_checkpoint
from tideflow._src.checkpoint.state_file import update_checkpoint_state as update_checkpoint_state
from tideflow._src.checkpoint.vocabularies import VocabInfo as VocabInfo
from tideflow._src.checkpoint.warm_start import init_from_checkpoint as init_from_checkpoint
from tideflow._src.checkpoint.warm_start import warm_start as warm_start
from tideflow._src.compat.messages import message_members
from tideflow._src.io.filenames import match_filenames_once as match_filenames_once
from tideflow._src.io.graph_files import write_graph as write_graph
from tideflow._src.ops.nn.dual_coordinate_ascent_functions import sdca_fprint as sdca_fprint
from tideflow._src.ops.nn.dual_coordinate_ascent_functions import sdca_optimizer as sdca_optimizer
from tideflow._src.ops.nn.dual_coordinate_ascent_functions import sdca_shrink_l1 as sdca_shrink_l1
from tideflow._src.ops.summary.event_file import summary_iterator as summary_iterator
from tideflow._src.train import queue_runner as queue_runner
from tideflow._src.train.adagrad import AdadeltaOptimizer as AdadeltaOptimizer
from tideflow._src.train.adagrad import AdagradDAOptimizer as AdagradDAOptimizer
from tideflow._src.train.adagrad import AdagradOptimizer as AdagradOptimizer
from tideflow._src.train.adagrad import ProximalAdagradOptimizer as ProximalAdagradOptimizer
from tideflow._src.train.adam import AdamOptimizer as AdamOptimizer
from tideflow._src.train.basic_loops import basic_train_loop as basic_train_loop
from tideflow._src.train.basic_session_run_hooks import FeedFnHook as FeedFnHook
from tideflow._src.train.basic_session_run_hooks import FinalOpsHook as FinalOpsHook
from tideflow._src.train.basic_session_run_hooks import GlobalStepWaiterHook as GlobalStepWaiterHook
from tideflow._src.train.basic_session_run_hooks import LoggingTensorHook as LoggingTensorHook
from tideflow._src.train.basic_session_run_hooks import NanLossDuringTrainingError as NanLossDuringTrainingError
from tideflow._src.train.basic_session_run_hooks import NanTensorHook as NanTensorHook
from tideflow._src.train.basic_session_run_hooks import StepCounterHook as StepCounterHook
from tideflow._src.train.basic_session_run_hooks import StopAtStepHook as StopAtStepHook
from tideflow._src.train.batching import batch as batch
from tideflow._src.train.batching import batch_join as batch_join
from tideflow._src.train.batching import maybe_batch as maybe_batch
from tideflow._src.train.batching import maybe_batch_join as maybe_batch_join
from tideflow._src.train.batching import maybe_shuffle_batch as maybe_shuffle_batch
from tideflow._src.train.batching import maybe_shuffle_batch_join as maybe_shuffle_batch_join
from tideflow._src.train.batching import shuffle_batch as shuffle_batch
from tideflow._src.train.batching import shuffle_batch_join as shuffle_batch_join
from tideflow._src.train.cluster import ClusterSpec as ClusterSpec
from tideflow._src.train.coordinator import Coordinator as Coordinator
from tideflow._src.train.coordinator import LooperThread as LooperThread
from tideflow._src.train.device_setter import replica_device_setter as replica_device_setter
from tideflow._src.train.ftrl import FtrlOptimizer as FtrlOptimizer
from tideflow._src.train.ftrl import ProximalGradientDescentOptimizer as ProximalGradientDescentOptimizer
from tideflow._src.train.global_step import assert_global_step as assert_global_step
from tideflow._src.train.global_step import create_global_step as create_global_step
from tideflow._src.train.global_step import get_global_step as get_global_step
from tideflow._src.train.global_step import get_or_create_global_step as get_or_create_global_step
from tideflow._src.train.global_step import global_step as global_step
from tideflow._src.train.gradient_descent import GradientDescentOptimizer as GradientDescentOptimizer
from tideflow._src.train.gradient_descent import MomentumOptimizer as MomentumOptimizer
from tideflow._src.train.hook_timers import SecondOrStepTimer as SecondOrStepTimer
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
from tideflow._src.train.monitored_session import MonitoredSession as MonitoredSession
from tideflow._src.train.monitored_session import MonitoredTrainingSession as MonitoredTrainingSession
from tideflow._src.train.monitored_session import SingularMonitoredSession as SingularMonitoredSession
from tideflow._src.train.moving_averages import ExponentialMovingAverage as ExponentialMovingAverage
from tideflow._src.train.optimizer import Optimizer as Optimizer
from tideflow._src.train.profiler_hook import ProfilerHook as ProfilerHook
from tideflow._src.train.queue_runner import QueueRunner as QueueRunner
from tideflow._src.train.queue_runner import add_queue_runner as add_queue_runner
from tideflow._src.train.queue_runner import start_queue_runners as start_queue_runners
from tideflow._src.train.rmsprop import RMSPropOptimizer as RMSPropOptimizer
from tideflow._src.train.saving_hooks import CheckpointSaverHook as CheckpointSaverHook
from tideflow._src.train.saving_hooks import CheckpointSaverListener as CheckpointSaverListener
from tideflow._src.train.saving_hooks import SummarySaverHook as SummarySaverHook
from tideflow._src.train.scaffold import Scaffold as Scaffold
from tideflow._src.train.server import Server as Server
from tideflow._src.train.session_creators import ChiefSessionCreator as ChiefSessionCreator
from tideflow._src.train.session_creators import SessionCreator as SessionCreator
from tideflow._src.train.session_creators import WorkerSessionCreator as WorkerSessionCreator
from tideflow._src.train.session_manager import SessionManager as SessionManager
from tideflow._src.train.session_run_hook import SessionRunArgs as SessionRunArgs
from tideflow._src.train.session_run_hook import SessionRunContext as SessionRunContext
from tideflow._src.train.session_run_hook import SessionRunHook as SessionRunHook
from tideflow._src.train.session_run_hook import SessionRunValues as SessionRunValues
from tideflow._src.train.supervisor import Supervisor as Supervisor
from tideflow._src.train.sync_replicas_optimizer import SyncReplicasOptimizer as SyncReplicasOptimizer
from tideflow.compat.v1 import train_experimental as experimental

__getattr__, __dir__ = message_members(
    "tideflow.compat.v1.train",
    "BytesList ClusterDef Example Feature FeatureList FeatureLists Features FloatList Int64List JobDef SaverDef "
    "SequenceExample ServerDef",
)

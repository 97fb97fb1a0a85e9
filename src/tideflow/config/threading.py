"""Threads: ``tf.config.threading``."""

from __future__ import annotations

from tideflow._src.runtime.program_options import get_inter_op_parallelism_threads as get_inter_op_parallelism_threads
from tideflow._src.runtime.program_options import get_intra_op_parallelism_threads as get_intra_op_parallelism_threads
from tideflow._src.runtime.program_options import set_inter_op_parallelism_threads as set_inter_op_parallelism_threads
from tideflow._src.runtime.program_options import set_intra_op_parallelism_threads as set_intra_op_parallelism_threads

"""Compilation: ``tf.config.optimizer``."""

from __future__ import annotations

from tideflow._src.runtime.program_options import get_experimental_options as get_experimental_options
from tideflow._src.runtime.program_options import get_jit as get_jit
from tideflow._src.runtime.program_options import set_experimental_options as set_experimental_options
from tideflow._src.runtime.program_options import set_jit as set_jit

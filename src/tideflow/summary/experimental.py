"""Defining kinds of summaries, and the default step: ``tf.summary.experimental``."""

from __future__ import annotations

from tideflow._src.summary.recording import get_step as get_step
from tideflow._src.summary.recording import set_step as set_step
from tideflow._src.summary.recording import summary_scope as summary_scope
from tideflow._src.summary.writing import write_raw_pb as write_raw_pb

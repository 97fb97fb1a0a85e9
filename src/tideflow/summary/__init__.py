"""Summaries for TensorBoard: ``tf.summary``."""

from __future__ import annotations

from tideflow._src.summary.graphs import graph as graph
from tideflow._src.summary.kinds import audio as audio
from tideflow._src.summary.kinds import histogram as histogram
from tideflow._src.summary.kinds import image as image
from tideflow._src.summary.kinds import scalar as scalar
from tideflow._src.summary.kinds import text as text
from tideflow._src.summary.recording import record_if as record_if
from tideflow._src.summary.recording import should_record_summaries as should_record_summaries
from tideflow._src.summary.traces import trace_export as trace_export
from tideflow._src.summary.traces import trace_off as trace_off
from tideflow._src.summary.traces import trace_on as trace_on
from tideflow._src.summary.writers import SummaryWriter as SummaryWriter
from tideflow._src.summary.writers import create_file_writer as create_file_writer
from tideflow._src.summary.writers import create_noop_writer as create_noop_writer
from tideflow._src.summary.writers import flush as flush
from tideflow._src.summary.writing import write as write
from tideflow.summary import experimental as experimental

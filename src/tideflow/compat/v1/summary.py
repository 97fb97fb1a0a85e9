"""Summaries for TensorBoard: ``tf.summary`` of TensorFlow 1.x."""

from __future__ import annotations

from tideflow._src.compat.messages import message_members
from tideflow._src.summary.file_writer import FileWriter as FileWriter
from tideflow._src.summary.file_writer import FileWriterCache as FileWriterCache
from tideflow._src.summary.graph_summaries import audio as audio
from tideflow._src.summary.graph_summaries import get_summary_description as get_summary_description
from tideflow._src.summary.graph_summaries import histogram as histogram
from tideflow._src.summary.graph_summaries import image as image
from tideflow._src.summary.graph_summaries import merge as merge
from tideflow._src.summary.graph_summaries import merge_all as merge_all
from tideflow._src.summary.graph_summaries import scalar as scalar
from tideflow._src.summary.graph_summaries import tensor_summary as tensor_summary
from tideflow._src.summary.graph_summaries import text as text
from tideflow._src.summary.writers import initialize as initialize
from tideflow._src.summary.writing import all_v2_summary_ops as all_v2_summary_ops

__getattr__, __dir__ = message_members(
    "tideflow.compat.v1.summary", "Event SessionLog Summary SummaryDescription TaggedRunMetadata"
)

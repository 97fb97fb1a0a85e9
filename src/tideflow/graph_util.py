"""Graphs as messages: ``tf.graph_util``."""

from __future__ import annotations

from tideflow._src.io.graph_files import import_graph_def as import_graph_def

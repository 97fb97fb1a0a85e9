"""Graphs as messages: ``tf.graph_util``."""

from __future__ import annotations

from tideflow._src.io.freezing import convert_variables_to_constants as convert_variables_to_constants
from tideflow._src.io.graph_files import import_graph_def as import_graph_def
from tideflow._src.io.graph_util import extract_sub_graph as extract_sub_graph
from tideflow._src.io.graph_util import must_run_on_cpu as must_run_on_cpu
from tideflow._src.io.graph_util import remove_training_nodes as remove_training_nodes
from tideflow._src.io.graph_util import tensor_shape_from_node_def_name as tensor_shape_from_node_def_name

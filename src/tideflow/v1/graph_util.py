"""Graphs as messages: ``tf.graph_util``."""

from __future__ import annotations

from tideflow._src.io.graph_files import (import_graph_def as import_graph_def)
from tideflow._src.io.graph_util import (convert_variables_to_constants as convert_variables_to_constants, extract_sub_graph as extract_sub_graph, must_run_on_cpu as must_run_on_cpu, remove_training_nodes as remove_training_nodes, tensor_shape_from_node_def_name as tensor_shape_from_node_def_name)

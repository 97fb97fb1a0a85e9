"""Variables of models: of ``tf.contrib.framework``."""

from __future__ import annotations

from typing import Any

from tideflow._src.checkpoint.vocabularies import load_and_remap_matrix as load_and_remap_matrix
from tideflow._src.checkpoint.vocabularies import load_and_remap_matrix_initializer as load_and_remap_matrix_initializer
from tideflow._src.checkpoint.vocabularies import load_embedding_initializer as load_embedding_initializer
from tideflow._src.core import context
from tideflow._src.state.graph_keys import GraphKeys


def add_model_variable(var: Any) -> None:
    """Adds a variable to the collection of a model's variables, where it is not there yet."""
    if not any(var is known for known in context.default_graph().get_collection(GraphKeys.MODEL_VARIABLES)):
        context.default_graph().add_to_collection(GraphKeys.MODEL_VARIABLES, var)

"""Defines ``simple_save``: a session's graph as a SavedModel for serving, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tideflow._src.core import context
from tideflow._src.saved_model import constants
from tideflow._src.saved_model.v1.builder import SavedModelBuilder
from tideflow._src.saved_model.v1.signature_definitions import predict_signature_def
from tideflow._src.state.graph_keys import GraphKeys


def simple_save(
    session: Any,
    export_dir: Any,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    legacy_init_op: Any = None,
) -> None:
    """Writes a session's graph and variables as a SavedModel with the tag ``serve`` and one signature.

    Args:
      session: the session.
      export_dir: the folder, which must be empty or not exist.
      inputs: the tensors that are fed, by their names in the signature.
      outputs: the tensors that are fetched.
      legacy_init_op: what to run after the variables are restored.

    Raises:
      AssertionError: the folder is not empty.
      ValueError: there are no inputs or no outputs.
    """
    signature = predict_signature_def(inputs, outputs)
    builder = SavedModelBuilder(export_dir)
    builder.add_meta_graph_and_variables(
        session,
        tags=[constants.SERVING],
        signature_def_map={constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY: signature},
        assets_collection=context.default_graph().get_collection(GraphKeys.ASSET_FILEPATHS),
        main_op=legacy_init_op,
        clear_devices=True,
    )
    builder.save()

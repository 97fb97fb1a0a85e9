"""Other generations of the interface, and helpers for programs that serve several: ``tf.compat``."""

from __future__ import annotations

import importlib
from typing import Any

from tideflow._src.compat.forward_compatibility import forward_compatibility_horizon as forward_compatibility_horizon
from tideflow._src.compat.forward_compatibility import forward_compatible as forward_compatible
from tideflow._src.compat.text import as_bytes as as_bytes
from tideflow._src.compat.text import as_str as as_str
from tideflow._src.compat.text import as_str_any as as_str_any
from tideflow._src.compat.text import as_text as as_text
from tideflow._src.compat.text import bytes_or_text_types as bytes_or_text_types
from tideflow._src.compat.text import complex_types as complex_types
from tideflow._src.compat.text import integral_types as integral_types
from tideflow._src.compat.text import path_to_bytes as path_to_bytes
from tideflow._src.compat.text import path_to_str as path_to_str
from tideflow._src.compat.text import real_types as real_types
from tideflow._src.core.dimension import dimension_value as dimension_value
from tideflow._src.core.tensor_shape import dimension_at_index as dimension_at_index


def __getattr__(name: str) -> Any:
    """Finds ``v1`` and ``v2``, which themselves have this module."""
    if name == "v1":
        return importlib.import_module("tideflow.compat.v1")
    if name == "v2":
        import tideflow

        return tideflow
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

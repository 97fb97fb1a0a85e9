"""What asks for the compiler: ``tf.xla.experimental``."""

from __future__ import annotations

from tideflow._src.function.xla_scopes import compile as compile
from tideflow._src.function.xla_scopes import jit_scope as jit_scope

"""Command line flags: ``tf.flags`` and ``tf.app.flags``, which are absl's."""

from __future__ import annotations

from absl.flags import *
from absl.flags import DEFINE as DEFINE

from tideflow._src.compat.flags import FLAGS as FLAGS  # type: ignore[assignment]
from tideflow._src.compat.flags import DEFINE_bool as DEFINE_bool
from tideflow._src.compat.flags import DEFINE_boolean as DEFINE_boolean
from tideflow._src.compat.flags import DEFINE_float as DEFINE_float
from tideflow._src.compat.flags import DEFINE_integer as DEFINE_integer
from tideflow._src.compat.flags import DEFINE_string as DEFINE_string

"""What steers the conversion of a function: ``tf.autograph.experimental``."""

from __future__ import annotations

from tideflow._src.function.autograph.interface import Feature as Feature
from tideflow._src.function.autograph.interface import do_not_convert as do_not_convert
from tideflow._src.function.autograph.interface import set_loop_options as set_loop_options

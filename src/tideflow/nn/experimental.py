"""Dropout with other generators: ``tf.nn.experimental``."""

from __future__ import annotations

from tideflow._src.ops.nn.dropout import general_dropout as general_dropout
from tideflow._src.ops.nn.dropout import stateless_dropout as stateless_dropout

"""The style of names of layers: ``tf.layers.experimental``."""

from __future__ import annotations

from tideflow._src.layers.keras_style import keras_style_scope as keras_style_scope
from tideflow._src.layers.keras_style import set_keras_style as set_keras_style

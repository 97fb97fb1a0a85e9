"""What a coordinator of workers gives out, under its earlier name: ``tf.distribute.experimental.coordinator``."""

from __future__ import annotations

from tideflow._src.distribute.several_machines import RemoteValue as RemoteValue

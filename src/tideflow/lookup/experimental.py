"""Tables that change as a program runs: ``tf.lookup.experimental``."""

from __future__ import annotations

from tideflow._src.io.lookup_tables import DenseHashTable as DenseHashTable
from tideflow._src.io.lookup_tables import MutableHashTable as MutableHashTable

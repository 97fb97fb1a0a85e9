"""Tables from keys to values: ``tf.lookup``."""

from __future__ import annotations

from tideflow._src.io.lookup_initializers import KeyValueTensorInitializer as KeyValueTensorInitializer
from tideflow._src.io.lookup_initializers import TextFileIndex as TextFileIndex
from tideflow._src.io.lookup_initializers import TextFileInitializer as TextFileInitializer
from tideflow._src.io.lookup_tables import StaticHashTableV1 as StaticHashTable
from tideflow._src.io.lookup_tables import StaticVocabularyTableV1 as StaticVocabularyTable
from tideflow.lookup import experimental as experimental

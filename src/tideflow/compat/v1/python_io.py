"""Files of records by their names in TensorFlow 1.x: ``tf.python_io``."""

from __future__ import annotations

from tideflow._src.io.tf_record import TFRecordCompressionType as TFRecordCompressionType
from tideflow._src.io.tf_record import TFRecordOptions as TFRecordOptions
from tideflow._src.io.tf_record import TFRecordWriter as TFRecordWriter
from tideflow._src.io.tf_record import tf_record_iterator as tf_record_iterator

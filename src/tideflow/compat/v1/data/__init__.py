"""Input pipelines: ``tf.data`` of TensorFlow 1.x."""

from __future__ import annotations

from tideflow._src.data.dataset import NumpyIterator as NumpyIterator
from tideflow._src.data.file_sources import FixedLengthRecordDatasetV1 as FixedLengthRecordDataset
from tideflow._src.data.file_sources import TextLineDatasetV1 as TextLineDataset
from tideflow._src.data.file_sources import TFRecordDatasetV1 as TFRecordDataset
from tideflow._src.data.options import Options as Options
from tideflow._src.data.options import ThreadingOptions as ThreadingOptions
from tideflow._src.data.specs import DatasetSpec as DatasetSpec
from tideflow._src.data.v1 import DatasetV1 as Dataset
from tideflow._src.data.v1 import Iterator as Iterator
from tideflow._src.data.v1 import get_output_classes as get_output_classes
from tideflow._src.data.v1 import get_output_shapes as get_output_shapes
from tideflow._src.data.v1 import get_output_types as get_output_types
from tideflow._src.data.v1 import make_initializable_iterator as make_initializable_iterator
from tideflow._src.data.v1 import make_one_shot_iterator as make_one_shot_iterator
from tideflow.compat.v1.data import experimental as experimental
from tideflow.data import AUTOTUNE as AUTOTUNE
from tideflow.data import INFINITE_CARDINALITY as INFINITE_CARDINALITY
from tideflow.data import UNKNOWN_CARDINALITY as UNKNOWN_CARDINALITY

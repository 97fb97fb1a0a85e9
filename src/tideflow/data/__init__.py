"""Input pipelines: ``tf.data``."""

from __future__ import annotations

from tideflow._src.data.dataset import Dataset as Dataset
from tideflow._src.data.dataset import NumpyIterator as NumpyIterator
from tideflow._src.data.file_sources import FixedLengthRecordDataset as FixedLengthRecordDataset
from tideflow._src.data.file_sources import TextLineDataset as TextLineDataset
from tideflow._src.data.file_sources import TFRecordDataset as TFRecordDataset
from tideflow._src.data.iterators import IteratorBase as Iterator
from tideflow._src.data.options import Options as Options
from tideflow._src.data.options import ThreadingOptions as ThreadingOptions
from tideflow._src.data.specs import DatasetSpec as DatasetSpec
from tideflow._src.data.specs import IteratorSpec as IteratorSpec
from tideflow.data import experimental as experimental

#: Leaves a number of threads or of elements to the pipeline.
AUTOTUNE = -1
#: The cardinality of a dataset without end.
INFINITE_CARDINALITY = -1
#: The cardinality of a dataset whose length only going over it tells.
UNKNOWN_CARDINALITY = -2

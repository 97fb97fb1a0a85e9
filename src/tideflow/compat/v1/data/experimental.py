"""Experimental parts of input pipelines: ``tf.data.experimental`` of TensorFlow 1.x."""

from __future__ import annotations

from tideflow._src.core.type_spec import TypeSpec as Structure
from tideflow._src.data.csv_datasets import CsvDatasetV1 as CsvDataset
from tideflow._src.data.csv_datasets import make_csv_dataset_v1 as make_csv_dataset
from tideflow._src.data.example_datasets import make_batched_features_dataset_v1 as make_batched_features_dataset
from tideflow._src.data.example_datasets import parse_example_dataset as parse_example_dataset
from tideflow._src.data.experimental import Counter as Counter
from tideflow._src.data.experimental import RandomDataset as RandomDataset
from tideflow._src.data.experimental import Reducer as Reducer
from tideflow._src.data.experimental import TFRecordWriter as TFRecordWriter
from tideflow._src.data.experimental import assert_cardinality as assert_cardinality
from tideflow._src.data.experimental import bucket_by_sequence_length as bucket_by_sequence_length
from tideflow._src.data.experimental import cardinality as cardinality
from tideflow._src.data.experimental import choose_from_datasets as choose_from_datasets
from tideflow._src.data.experimental import copy_to_device as copy_to_device
from tideflow._src.data.experimental import dense_to_ragged_batch as dense_to_ragged_batch
from tideflow._src.data.experimental import dense_to_sparse_batch as dense_to_sparse_batch
from tideflow._src.data.experimental import enumerate_dataset as enumerate_dataset
from tideflow._src.data.experimental import from_list as from_list
from tideflow._src.data.experimental import from_variant as from_variant
from tideflow._src.data.experimental import get_model_proto as get_model_proto
from tideflow._src.data.experimental import get_next_as_optional as get_next_as_optional
from tideflow._src.data.experimental import get_single_element as get_single_element
from tideflow._src.data.experimental import get_structure as get_structure
from tideflow._src.data.experimental import group_by_reducer as group_by_reducer
from tideflow._src.data.experimental import group_by_window as group_by_window
from tideflow._src.data.experimental import ignore_errors as ignore_errors
from tideflow._src.data.experimental import map_and_batch as map_and_batch
from tideflow._src.data.experimental import map_and_batch as map_and_batch_with_legacy_function
from tideflow._src.data.experimental import pad_to_cardinality as pad_to_cardinality
from tideflow._src.data.experimental import parallel_interleave as parallel_interleave
from tideflow._src.data.experimental import prefetch_to_device as prefetch_to_device
from tideflow._src.data.experimental import rejection_resample as rejection_resample
from tideflow._src.data.experimental import sample_from_datasets as sample_from_datasets
from tideflow._src.data.experimental import scan as scan
from tideflow._src.data.experimental import shuffle_and_repeat as shuffle_and_repeat
from tideflow._src.data.experimental import snapshot as snapshot
from tideflow._src.data.experimental import take_while as take_while
from tideflow._src.data.experimental import to_variant as to_variant
from tideflow._src.data.experimental import unbatch as unbatch
from tideflow._src.data.experimental import unique as unique
from tideflow._src.data.options import AutoShardPolicy as AutoShardPolicy
from tideflow._src.data.options import AutotuneAlgorithm as AutotuneAlgorithm
from tideflow._src.data.options import AutotuneOptions as AutotuneOptions
from tideflow._src.data.options import DistributeOptions as DistributeOptions
from tideflow._src.data.options import ExternalStatePolicy as ExternalStatePolicy
from tideflow._src.data.options import OptimizationOptions as OptimizationOptions
from tideflow._src.data.options import ServiceOptions as ServiceOptions
from tideflow._src.data.options import ThreadingOptions as ThreadingOptions
from tideflow._src.data.specs import DatasetSpec as DatasetStructure
from tideflow._src.data.sql_dataset import SqlDatasetV1 as SqlDataset
from tideflow._src.data.tables import DatasetInitializer as DatasetInitializer
from tideflow._src.data.tables import index_table_from_dataset as index_table_from_dataset
from tideflow._src.data.tables import table_from_dataset as table_from_dataset
from tideflow._src.data.v1 import SparseTensorStructure as SparseTensorStructure
from tideflow._src.data.v1 import TensorStructure as TensorStructure
from tideflow._src.ops.composite.optional import Optional as Optional
from tideflow._src.ops.data.stage import INFINITE as INFINITE_CARDINALITY
from tideflow._src.ops.data.stage import UNKNOWN as UNKNOWN_CARDINALITY

#: Leaves a number of threads or of elements to the pipeline.
AUTOTUNE = -1
#: Leaves the number of shards to who distributes a dataset.
SHARD_HINT = -1

"""Columns of features: ``tf.compat.v1.feature_column``."""

from __future__ import annotations

from tideflow._src.feature_column.base import make_parse_example_spec as make_parse_example_spec
from tideflow._src.feature_column.categorical import (
    categorical_column_with_hash_bucket as categorical_column_with_hash_bucket,
)
from tideflow._src.feature_column.categorical import (
    categorical_column_with_identity as categorical_column_with_identity,
)
from tideflow._src.feature_column.categorical import (
    categorical_column_with_vocabulary_file_v1 as categorical_column_with_vocabulary_file,
)
from tideflow._src.feature_column.categorical import (
    categorical_column_with_vocabulary_list as categorical_column_with_vocabulary_list,
)
from tideflow._src.feature_column.categorical import crossed_column as crossed_column
from tideflow._src.feature_column.categorical import weighted_categorical_column as weighted_categorical_column
from tideflow._src.feature_column.dense import embedding_column as embedding_column
from tideflow._src.feature_column.dense import indicator_column as indicator_column
from tideflow._src.feature_column.dense import shared_embedding_columns as shared_embedding_columns
from tideflow._src.feature_column.models import input_layer as input_layer
from tideflow._src.feature_column.models import linear_model as linear_model
from tideflow._src.feature_column.numeric import bucketized_column as bucketized_column
from tideflow._src.feature_column.numeric import numeric_column as numeric_column
from tideflow._src.feature_column.sequence import (
    sequence_categorical_column_with_hash_bucket as sequence_categorical_column_with_hash_bucket,
)
from tideflow._src.feature_column.sequence import (
    sequence_categorical_column_with_identity as sequence_categorical_column_with_identity,
)
from tideflow._src.feature_column.sequence import (
    sequence_categorical_column_with_vocabulary_file as sequence_categorical_column_with_vocabulary_file,
)
from tideflow._src.feature_column.sequence import (
    sequence_categorical_column_with_vocabulary_list as sequence_categorical_column_with_vocabulary_list,
)
from tideflow._src.feature_column.sequence import sequence_numeric_column as sequence_numeric_column

"""Files: ``tf.io``."""

from __future__ import annotations

from tideflow._src.io.filenames import match_filenames_once as match_filenames_once
from tideflow._src.io.graph_files import write_graph as write_graph
from tideflow._src.io.tf_record import TFRecordOptions as TFRecordOptions
from tideflow._src.io.tf_record import TFRecordWriter as TFRecordWriter
from tideflow._src.ops.files.file_ops import matching_files as matching_files
from tideflow._src.ops.files.file_ops import read_file as read_file
from tideflow._src.ops.files.file_ops import write_file as write_file
from tideflow._src.ops.image.codec_functions import decode_and_crop_jpeg as decode_and_crop_jpeg
from tideflow._src.ops.image.codec_functions import decode_bmp as decode_bmp
from tideflow._src.ops.image.codec_functions import decode_gif as decode_gif
from tideflow._src.ops.image.codec_functions import decode_image as decode_image
from tideflow._src.ops.image.codec_functions import decode_jpeg as decode_jpeg
from tideflow._src.ops.image.codec_functions import decode_png as decode_png
from tideflow._src.ops.image.codec_functions import decode_webp as decode_webp
from tideflow._src.ops.image.codec_functions import encode_jpeg as encode_jpeg
from tideflow._src.ops.image.codec_functions import encode_png as encode_png
from tideflow._src.ops.image.codec_functions import extract_jpeg_shape as extract_jpeg_shape
from tideflow._src.ops.image.codec_functions import is_jpeg as is_jpeg
from tideflow._src.ops.parsing.csv import decode_csv as decode_csv
from tideflow._src.ops.parsing.encodings import decode_compressed as decode_compressed
from tideflow._src.ops.parsing.encodings import decode_json_example as decode_json_example
from tideflow._src.ops.parsing.features import FixedLenFeature as FixedLenFeature
from tideflow._src.ops.parsing.features import FixedLenSequenceFeature as FixedLenSequenceFeature
from tideflow._src.ops.parsing.features import SparseFeature as SparseFeature
from tideflow._src.ops.parsing.features import VarLenFeature as VarLenFeature
from tideflow._src.ops.parsing.message_fields import decode_proto as decode_proto
from tideflow._src.ops.parsing.message_fields import encode_proto as encode_proto
from tideflow._src.ops.parsing.parse_functions import parse_example as parse_example
from tideflow._src.ops.parsing.parse_functions import parse_sequence_example as parse_sequence_example
from tideflow._src.ops.parsing.parse_functions import parse_single_example as parse_single_example
from tideflow._src.ops.parsing.parse_functions import parse_single_sequence_example as parse_single_sequence_example
from tideflow._src.ops.parsing.ragged_features import RaggedFeature as RaggedFeature
from tideflow._src.ops.parsing.raw_bytes import decode_raw as decode_raw
from tideflow._src.ops.parsing.tensors import parse_tensor as parse_tensor
from tideflow._src.ops.parsing.tensors import serialize_tensor as serialize_tensor
from tideflow._src.ops.sparse.as_strings import deserialize_many_sparse as deserialize_many_sparse
from tideflow._src.ops.sparse.as_strings import serialize_many_sparse as serialize_many_sparse
from tideflow._src.ops.sparse.as_strings import serialize_sparse as serialize_sparse
from tideflow._src.ops.strings.base64_codec import decode_base64 as decode_base64
from tideflow._src.ops.strings.base64_codec import encode_base64 as encode_base64
from tideflow.io import gfile as gfile

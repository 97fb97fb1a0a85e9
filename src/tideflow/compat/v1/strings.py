"""Strings: ``tf.strings`` of TensorFlow 1.x."""

from __future__ import annotations

from tideflow._src.ops.strings.characters import lower as lower
from tideflow._src.ops.strings.characters import string_length_v1 as length
from tideflow._src.ops.strings.characters import strip as strip
from tideflow._src.ops.strings.characters import substr_v1 as substr
from tideflow._src.ops.strings.characters import upper as upper
from tideflow._src.ops.strings.formatting import format as format
from tideflow._src.ops.strings.functions import as_string as as_string
from tideflow._src.ops.strings.hashing import string_to_hash_bucket_fast as to_hash_bucket_fast
from tideflow._src.ops.strings.hashing import string_to_hash_bucket_strong as to_hash_bucket_strong
from tideflow._src.ops.strings.hashing import string_to_hash_bucket_v1 as to_hash_bucket
from tideflow._src.ops.strings.joining import reduce_join_v1 as reduce_join
from tideflow._src.ops.strings.joining import string_join as join
from tideflow._src.ops.strings.joining import unsorted_segment_join as unsorted_segment_join
from tideflow._src.ops.strings.ngram_ops import ngrams as ngrams
from tideflow._src.ops.strings.numbers import string_to_number as to_number
from tideflow._src.ops.strings.regex import regex_full_match as regex_full_match
from tideflow._src.ops.strings.regex import regex_replace as regex_replace
from tideflow._src.ops.strings.rows import bytes_split as bytes_split
from tideflow._src.ops.strings.rows import split_v1 as split
from tideflow._src.ops.strings.rows import unicode_decode as unicode_decode
from tideflow._src.ops.strings.rows import unicode_decode_with_offsets as unicode_decode_with_offsets
from tideflow._src.ops.strings.rows import unicode_split as unicode_split
from tideflow._src.ops.strings.rows import unicode_split_with_offsets as unicode_split_with_offsets
from tideflow._src.ops.strings.unicode import unicode_encode as unicode_encode
from tideflow._src.ops.strings.unicode import unicode_script as unicode_script
from tideflow._src.ops.strings.unicode import unicode_transcode as unicode_transcode

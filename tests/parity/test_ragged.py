"""Compares ragged tensors, their partitions and shapes with TensorFlow's: what they print, and what they refuse."""

from __future__ import annotations

import re
from typing import Any

import tideflow

from .oracle import Oracle

#: Runs expressions, here and in TensorFlow: gives for each what it prints, or the class and first line of its error.
PROGRAM = '''
import numpy as np

def rows(x, make=None):
    return (make or tf.RaggedTensor.from_row_splits)(x, [0, 2, 2, 5, 6])

one = tf.ragged.constant([[1, 2], [], [3]])
two = tf.ragged.constant([[[1, 2], [3]], [], [[], [4, 5, 6]]])
inner = tf.ragged.constant([[[1, 2], [3, 4]], [], [[5, 6]]], ragged_rank=1)
uniform = tf.RaggedTensor.from_uniform_row_length([1, 2, 3, 4, 5, 6], 2)
outer = tf.RaggedTensor.from_uniform_row_length(tf.ragged.constant([[1], [2, 3], [4], [5, 6]]), 2)
words = tf.ragged.constant([["a", "bc"], [], ["d"]])
empty = tf.ragged.constant([], ragged_rank=1, dtype=tf.int32)
narrow = tf.ragged.constant([[1, 2], [3]], row_splits_dtype=tf.int32)
by_ids = tf.RaggedTensor.from_value_rowids([1, 2, 3], [0, 0, 2], 4)
number = tf.constant(1)
Shape = tf.experimental.DynamicRaggedShape
Partition = tf.experimental.RowPartition
Spec = tf.RaggedTensorSpec

def indexed(rt, key):
    """Gives a slice taken eagerly, and in a function that knows the rank alone."""
    def text(x):
        return (repr(x.to_list() if hasattr(x, "to_list") else x.numpy().tolist()), str(x.dtype))
    spec = rt._type_spec
    shapes = []
    def f(x):
        y = x[key]
        shapes.append(str(y.shape))
        return y
    spec = Spec([None] * spec.shape.rank, spec.dtype, spec.ragged_rank)
    return text(rt[key]), text(tf.function(f, input_signature=[spec], autograph=False)(rt)), str(rt[key].shape), shapes

def graph(make):
    with tf.Graph().as_default():
        return str(make())

def run(make, feed=None):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        result = make()
        fetched, feeds = result if feed else (result, None)
        return str(session.run(fetched, feeds))

def shown(function, *arguments):
    texts = []
    def traced(*inside):
        result = function(*inside)
        texts.append(str(getattr(result, "shape", "")))
        return result
    return repr(tf.function(traced, autograph=False)(*arguments)), texts

result = []
for expression in EXPRESSIONS:
    try:
        result.append((expression, repr(eval(expression))))
    except Exception as error:
        result.append((expression, type(error).__name__, (str(error).splitlines() or [""])[0]))
'''

EXPRESSIONS = """
one
two
inner
uniform
outer
words
empty
narrow
by_ids
tf.ragged.constant([[1.5, 2.0], [-0.25]])
tf.ragged.constant([[True], []])
tf.ragged.constant([[]])
tf.ragged.constant([[[]], []])
tf.ragged.constant([[1 + 2j]])
tf.ragged.constant(np.arange(3000).reshape(1000, 3).tolist())
tf.ragged.constant([list(range(40))] * 3 + [[1]])
tf.ragged.constant([[1e10, 1e-10], [float("nan")]])
tf.ragged.constant([[1], [2]], dtype=tf.float16)
str(one), f"{one}"
one.numpy(), two.numpy(), inner.numpy(), uniform.numpy(), outer.numpy(), empty.numpy(), words.numpy()
two.to_list(), inner.to_list(), words.to_list(), empty.to_list()
[x.shape for x in (one, two, inner, uniform, outer, empty, narrow, by_ids)]
[x._type_spec for x in (one, two, inner, uniform, outer, empty, narrow, by_ids)]
[x.row_lengths() for x in (one, uniform, outer, empty, by_ids)], two.row_lengths(axis=2), inner.row_lengths(axis=2)
[x.nrows() for x in (one, uniform, outer, empty, narrow, by_ids)]
[x.bounding_shape() for x in (one, two, inner, uniform, outer, empty, narrow)]
one.bounding_shape(axis=0), two.bounding_shape(axis=[0, 2]), one.bounding_shape(axis=1, out_type=tf.int32)
two.nested_row_splits, two.nested_row_lengths(), two.nested_value_rowids(), outer.nested_row_splits
two.merge_dims(0, 1), two.merge_dims(1, 2), two.merge_dims(0, 2), inner.merge_dims(1, 2), inner.merge_dims(0, 1)
outer.merge_dims(0, 1), outer.merge_dims(1, 2), outer.merge_dims(-2, -1), two.merge_dims(1, 1)
[two.merge_dims(0, 1)._type_spec, inner.merge_dims(1, 2)._type_spec, outer.merge_dims(1, 2)._type_spec]
two.with_values(two.values.row_lengths()), two.with_flat_values(tf.ones([6, 2]))
two.with_row_splits_dtype(tf.int32)._type_spec
one.consumers(), one.uniform_row_length, uniform.uniform_row_length
one.to_tensor(), two.to_tensor(), inner.to_tensor(), uniform.to_tensor(), outer.to_tensor(), words.to_tensor()
empty.to_tensor(), by_ids.to_tensor(), narrow.to_tensor(), words.to_tensor(default_value="-")
one.to_tensor(default_value=9, shape=[None, 1]), one.to_tensor(shape=[4, 4]), one.to_tensor(shape=(2, None))
one.to_tensor(shape=tf.constant([2, 3])), one.to_tensor(shape=[tf.constant(2), 3])
inner.to_tensor(default_value=[7, 8]), two.to_tensor(shape=[None, None, 2])
one.to_tensor(shape=[3])
one.to_tensor(default_value=[1, 2, 3])
one.to_sparse(), two.to_sparse(), inner.to_sparse(), uniform.to_sparse(), empty.to_sparse(), words.to_sparse()
tf.RaggedTensor.from_sparse(one.to_sparse()), tf.RaggedTensor.from_sparse(empty.to_sparse())
tf.RaggedTensor.from_sparse(tf.sparse.SparseTensor([[0, 1]], [1], [2, 3]))
tf.RaggedTensor.from_sparse(two.to_sparse())
tf.RaggedTensor.from_sparse(one)
tf.RaggedTensor.from_tensor([[1, 2, 0], [0, 0, 0], [3, 0, 4]])
tf.RaggedTensor.from_tensor([[1, 2, 0], [0, 0, 0], [3, 0, 4]], padding=0)
tf.RaggedTensor.from_tensor([[1, 2, 0], [0, 0, 0], [3, 0, 4]], lengths=[1, 9, -1])
tf.RaggedTensor.from_tensor([[[1, 2], [0, 0]], [[0, 1], [3, 4]]], padding=[0, 0])
tf.RaggedTensor.from_tensor(tf.reshape(tf.range(24), [2, 3, 4]), ragged_rank=2)
tf.RaggedTensor.from_tensor(tf.reshape(tf.range(24), [2, 3, 4]) % 3, ragged_rank=2, padding=0)
tf.RaggedTensor.from_tensor(tf.reshape(tf.range(8), [2, 2, 2]), lengths=([1, 2], [1, 2, 1]))
tf.RaggedTensor.from_tensor(tf.reshape(tf.range(24), [2, 3, 4]), ragged_rank=2).shape
tf.RaggedTensor.from_tensor(np.zeros((0, 3), np.int32)), tf.RaggedTensor.from_tensor(np.zeros((2, 0), np.int32))
tf.RaggedTensor.from_tensor([[1, 2]], row_splits_dtype=tf.int32)._type_spec
tf.RaggedTensor.from_tensor([1])
tf.RaggedTensor.from_tensor([[1]], ragged_rank=2)
tf.RaggedTensor.from_tensor([[1]], ragged_rank=0)
tf.RaggedTensor.from_tensor([[1]], lengths=[1], padding=0)
tf.RaggedTensor.from_tensor([[1]], lengths=[1.5])
tf.RaggedTensor.from_tensor([[[1]]], lengths=([1], [1]), ragged_rank=3)
shown(lambda x: x.to_tensor(), one)
shown(lambda x: x.to_tensor(shape=[None, 5]), one)
shown(lambda x: tf.RaggedTensor.from_tensor(x, padding=0), tf.constant([[1, 0], [2, 3]]))
shown(lambda x: tf.RaggedTensor.from_tensor(x, ragged_rank=2), tf.zeros([2, 1, 3]))
shown(lambda x: tf.RaggedTensor.from_sparse(x), one.to_sparse())
shown(lambda x: x.merge_dims(1, 2), outer)
shown(lambda x: x.with_row_splits_dtype(tf.int32), two)
shown(lambda x: tf.RaggedTensor.from_value_rowids(x, [0, 0, 2]), tf.constant([1, 2, 3]))
shown(lambda x: tf.RaggedTensor.from_uniform_row_length(x, 2), tf.constant([1, 2, 3, 4]))
shown(lambda x: tf.RaggedTensor.from_row_limits(x, [1, 3]), tf.constant([1, 2, 3]))
[r for r in one], [r for r in uniform], [r for r in two], [r for r in empty]
rows(tf.range(6)), rows(one.values[:1])
tf.RaggedTensor.from_row_splits([1, 2], [])
tf.RaggedTensor.from_row_splits([1, 2], [0, 3])
tf.RaggedTensor.from_row_splits([1, 2], [1, 2])
tf.RaggedTensor.from_row_splits([1, 2], [0, 3, 2])
tf.RaggedTensor.from_row_splits(5, [0, 3, 2], validate=False)
tf.RaggedTensor.from_row_splits([1, 2], [[0, 2]])
tf.RaggedTensor.from_row_splits([1, 2], ["a"])
tf.RaggedTensor.from_row_splits([1, 2], [0, 2], validate="yes")
tf.RaggedTensor.from_row_lengths([1, 2], [1])
tf.RaggedTensor.from_row_lengths([1, 2], [3, -1])
tf.RaggedTensor.from_value_rowids([1, 2], [0])
tf.RaggedTensor.from_value_rowids([1, 2], [1, 0])
tf.RaggedTensor.from_value_rowids([1, 2], [0, 3], nrows=2)
tf.RaggedTensor.from_value_rowids([1, 2], [0, 3], nrows=-2)
tf.RaggedTensor.from_row_starts([1, 2], [1])
tf.RaggedTensor.from_row_starts([1, 2], [0, 3])
tf.RaggedTensor.from_row_limits([1, 2], [1])
tf.RaggedTensor.from_row_limits([1, 2], [2, 1])
tf.RaggedTensor.from_uniform_row_length([1, 2, 3], 2)
tf.RaggedTensor.from_uniform_row_length([1, 2, 3], 0)
tf.RaggedTensor.from_uniform_row_length([1, 2, 3, 4], 2, nrows=3)
tf.RaggedTensor.from_uniform_row_length([], 0, nrows=3)
tf.RaggedTensor.from_nested_row_splits([1], tf.constant([[0, 1]]))
tf.RaggedTensor.from_nested_row_lengths([1], [[1], [2]])
tf.RaggedTensor.from_nested_value_rowids([1], [[0]], [1, 2])
tf.RaggedTensor.from_row_splits(one, np.array([0, 3], np.int32))
one.with_values([1])
one.with_values(narrow)
one.with_row_splits_dtype("float32")
one.row_lengths(axis=2)
one.row_lengths(axis="a")
one.merge_dims(1, 0)
two.merge_dims(0, 3)
bool(one)
len(one)
hash(one)
one.set_shape
one.numpy().shape, tf.is_tensor(one), isinstance(one, tf.Tensor)
np.array(one).dtype
tf.RaggedTensor([1], [0])
one[3]
one[-5]
one[:, 0]
one["a"]
one[1.5]
one[:, "a":]
one[::0]
one[0, 0, 0]
one[..., 0, 0, 0]
uniform[:, 2]
uniform[:, -3]
two[0, 5]
tf.ragged.constant([[1, [2]]])
tf.ragged.constant([[1], [[]]])
tf.ragged.constant([1, 2], ragged_rank=1)
tf.ragged.constant(3, ragged_rank=1)
tf.ragged.constant(3, inner_shape=(1,))
tf.ragged.constant([[1]], ragged_rank=-1)
tf.ragged.constant([[1]], ragged_rank=1, inner_shape=(1,))
tf.ragged.constant([[[1], [2, 3]]], ragged_rank=1)
tf.ragged.constant([[[1, 2]], [[3, 4], [5, 6]]], inner_shape=(2,))
tf.ragged.constant(one)
tf.ragged.constant([np.array([1, 2]), np.array([3])])
tf.ragged.constant([], ragged_rank=2), tf.ragged.constant([], dtype=tf.string, ragged_rank=1)
tf.compat.v1.ragged.constant_value([[1, 2], []]), str(tf.compat.v1.ragged.constant_value([["a"], []]))
tf.compat.v1.ragged.constant_value([[1, 2], []], dtype=tf.float32, row_splits_dtype="int32")
tf.compat.v1.ragged.constant_value([[[1, 2]], []]).shape
tf.compat.v1.ragged.RaggedTensorValue([1], np.array([0, 1]))
tf.compat.v1.ragged.RaggedTensorValue(np.array([1]), [0, 1])
graph(lambda: tf.ragged.constant([[1, 2], [3]]))
graph(lambda: tf.compat.v1.ragged.placeholder(tf.int32, 2))
graph(lambda: tf.compat.v1.ragged.placeholder(tf.int32, 1, [3], "p"))
graph(lambda: tf.compat.v1.ragged.placeholder(tf.int32, 1, [3]).shape)
graph(lambda: tf.RaggedTensor.from_row_lengths(tf.range(3), [1, 2]))
run(lambda: tf.ragged.constant([[1, 2], [3]]))
run(lambda: [tf.ragged.constant([["a"], []]), {"b": tf.ragged.constant([[[1]], []])}])
run(lambda: tf.RaggedTensor.from_row_lengths(tf.range(3), [1, 2])[1:])
tf.compat.v1.ragged.placeholder(tf.int32, 1)
Spec([None, None], tf.int32), Spec([2, None, 3], "int64", 1, tf.int32), Spec(ragged_rank=1)
Spec([2, None, 3], tf.int32, 1)._component_specs
Spec(None, tf.int32, 2)._component_specs
Spec([3], ragged_rank=0)._component_specs
Spec([2, None], tf.int32)._flat_tensor_specs
Spec([2, None], tf.int32)._batch(4)
Spec([2, None], tf.int32)._unbatch()
Spec([2, None], tf.int32)._unbatch()._unbatch()
Spec([2, None], tf.int32).value_type.__name__, Spec([2], tf.int32, 0).value_type.__name__
Spec([None, None], tf.int32).is_compatible_with(one), Spec([None, None], tf.float32).is_compatible_with(one)
Spec([None, None], tf.int32, 0).is_compatible_with(tf.zeros([1, 1], tf.int32))
Spec([None], tf.int32, 0).is_compatible_with(1)
Spec([3, None], tf.int32).most_specific_common_supertype([Spec([4, None], tf.int32)])
Spec([3, None], tf.int32).most_specific_common_supertype([Spec([4, None, None], tf.int32)])
Spec([3, None], tf.int32).is_subtype_of(Spec([None, None], tf.int32))
Spec([None, None]).is_subtype_of(Spec([3, None]))
Spec([3, None], tf.int32)._to_legacy_output_classes(), Spec([3, None], tf.int32)._to_legacy_output_shapes()
Spec([3, None], tf.int32)._from_tensor_list(Spec([3, None], tf.int32)._to_tensor_list(one))
Spec([3, None], tf.int32)._to_tensor_list(two)
Spec([3, None], tf.int32)._to_batched_tensor_list(one)[0].shape
Spec([None], tf.int32, 0)._from_tensor_list([Spec([3, None], tf.int32)._to_batched_tensor_list(one)[0][0]])
Spec(None, tf.int32)
Spec([2], tf.int32, 1)
Spec([2, None], tf.int32, 1.0)
Spec([2, None], None)
[tf.RaggedTensor._from_variant(x._to_variant(), tf.int32, x.ragged_rank) for x in (one, two, inner)]
Partition.from_row_lengths([2, 0, 1])
Partition.from_uniform_row_length(2, 6)
Partition.from_row_lengths([2])._type_spec
Partition.from_value_rowids([0, 2], 4).row_splits(), Partition.from_row_starts([0, 2], 4).row_lengths()
Partition.from_row_lengths([2, 0, 1]).offsets_in_rows(), Partition.from_row_lengths([2, 0, 1]).value_rowids()
Partition.from_uniform_row_length(2, nrows=3).nvals(), Partition.from_uniform_row_length(0, nvals=0).nrows()
Partition.from_row_splits([0, 2], dtype=tf.int32).dtype, Partition.from_row_splits(np.array([0, 2], np.int32)).dtype
Partition.from_uniform_row_length(2)
Partition.from_uniform_row_length(3, 7)
Partition.from_uniform_row_length(-1, nrows=2)
Partition.from_row_splits([0, 1])._merge_precomputed_encodings(Partition.from_row_splits([0, 2]))
Partition.from_row_splits([0, 1])._merge_precomputed_encodings(Partition.from_row_splits([0, 2, 3]))
[Partition.from_row_splits([0, 1, 3])._merge_precomputed_encodings(Partition.from_value_rowids([0, 1, 1])).static_nvals]
tf.shape(one), tf.shape(two), tf.shape(uniform), tf.shape(inner), tf.shape(outer), tf.shape(empty)
tf.shape(one)[0]
tf.shape(two)[:2]
tf.shape(uniform)[1:]
tf.shape(inner)[2]
tf.shape(one).dtype
tf.shape(inner)[-1]
tf.shape(one)[1]
tf.shape(two)[1:]
tf.shape(one)[7]
tf.shape(one)[::2]
tf.shape(one)["a"]
Shape.from_lengths([2, (2, 1), 3]), Shape.from_lengths([]), Shape.from_lengths([2, (1, 2), 3], num_row_partitions=2)
Shape.from_lengths([2, (2, 1, 1)])
Shape.from_lengths((2, 3))
Shape.from_lengths([2, [3]])
Shape.from_lengths([2, 3], num_row_partitions=2)
Shape.from_lengths([], num_row_partitions=1)
Shape.from_lengths([2, (1, 2), 3]).static_lengths()
Shape.from_lengths([2, (1, 2), 3]).static_lengths(ragged_lengths=False)
Shape.from_lengths([2, (1, 2), 3])._merge_dims(0, 1), Shape.from_lengths([2, (1, 2), 3])._merge_dims(1, 2)
Shape.from_lengths([2, (1, 2), (1, 1, 2)])._merge_dims(1, 2), Shape.from_lengths([2, 3, 4])._merge_dims(0, 1)
Shape.from_lengths([2, (1, 2), 3])._merge_dims(0, 2), Shape.from_lengths([2, 3, 4])._with_num_row_partitions(2)
Shape.from_lengths([2, 3, 4], num_row_partitions=2)._with_num_row_partitions(0)
Shape.from_lengths([2, (1, 2), 4])._with_num_row_partitions(0)
Shape.from_row_partitions([])
Shape.from_tensor(one)._type_spec, Shape.from_lengths([2, 3])._type_spec
Shape.from_tensor(one) == Shape.from_tensor(one), Shape.from_lengths([2, (1, 2)]) == Shape.from_lengths([2, (2, 1)])
Shape([one._row_partition], [3], dtype=tf.int32), Shape([], [2, 3]).inner_shape, Shape([], [2, 3]).rank
Shape([one._row_partition, one._row_partition], [3])
Shape([Partition.from_value_rowids([0, 1])], [3])
Shape(3, [3])
Shape([3], [3])
tf.broadcast_dynamic_shape(Shape.from_lengths([2, 1]), Shape.from_lengths([2, (1, 3)]))
tf.broadcast_dynamic_shape(Shape.from_lengths([3]), Shape.from_lengths([2, 3]))
tf.broadcast_dynamic_shape(Shape.from_lengths([1]), Shape.from_lengths([2, (1, 2)]))
tf.broadcast_dynamic_shape(Shape.from_lengths([]), Shape.from_lengths([2, (1, 2)]))
tf.broadcast_dynamic_shape(Shape.from_lengths([1, 1]), Shape.from_lengths([2, (1, 2), 3]))
tf.broadcast_dynamic_shape(Shape.from_lengths([2, (1, 2), 1]), Shape.from_lengths([2, 1, 3]))
tf.broadcast_dynamic_shape(Shape.from_lengths([2, (1, 2), 1]), Shape.from_lengths([2, (1, 2), (1, 2, 3)]))
tf.broadcast_dynamic_shape(Shape.from_lengths([2, 1, (3, 1)]), Shape.from_lengths([2, (1, 2), 1]))
tf.broadcast_dynamic_shape([2, 1], Shape.from_lengths([2, (1, 3)]))
tf.broadcast_dynamic_shape(Shape.from_lengths([2, (1, 3)]), Shape.from_lengths([2, (1, 2)]))
tf.broadcast_dynamic_shape(Shape.from_lengths([3]), Shape.from_lengths([2, (1, 2)]))
tf.broadcast_dynamic_shape(Shape.from_lengths([3, 1]), Shape.from_lengths([2, (1, 2)]))
tf.broadcast_to(1, Shape.from_lengths([2, (1, 3)])), tf.broadcast_to([[1], [2]], Shape.from_lengths([2, (1, 3)]))
tf.broadcast_to(tf.ragged.constant([[1], [2, 3]]), Shape.from_lengths([2, (1, 2)]))
tf.broadcast_to([[[1]], [[2]]], Shape.from_lengths([2, (1, 2), (1, 2, 3)]))
tf.broadcast_to([1, 2, 3], Shape.from_lengths([2, 3]))
tf.broadcast_to([[[1, 2]]], Shape.from_lengths([2, (1, 2), 2]))
tf.broadcast_to([5], Shape.from_lengths([2, (1, 2), 2]))
tf.broadcast_to(tf.ragged.constant([[1], [2, 3]]), Shape.from_lengths([2, (1, 3)]))
tf.broadcast_to([1, 2], Shape.from_lengths([2, (1, 3)]))
tf.broadcast_to(one, Shape.from_lengths([3]))
tf.reshape(one, [-1]), tf.reshape(one, tf.shape(one)), tf.reshape([1, 2, 3], Shape.from_lengths([2, (1, 2)]))
tf.reshape(two, Shape.from_lengths([2, (1, 2), 2])), tf.reshape(one, [3, 1])
tf.ones(Shape.from_lengths([2, (1, 2)])), tf.zeros(Shape.from_lengths([2, (1, 2), 2]), tf.int32)
tf.fill(Shape.from_lengths([2, (1, 2)]), "a"), tf.ones(Shape.from_lengths([2, 3]))
shown(lambda x: tf.shape(x)[0], one)
shown(lambda x: tf.broadcast_to([[1], [2], [3]], tf.shape(x, out_type=tf.int64)), one)
shown(lambda x, y: tf.reshape(y, tf.shape(x)), one, tf.constant([1, 2, 3]))
""".strip().splitlines()

#: Indices, for each of the tensors that they are tried on.
KEYS = {
    "one two inner uniform outer by_ids": """
        0 | -1 | number | slice(1, None) | slice(-2, None) | slice(None, None, -1) | slice(5, 9) | slice(0, 0)
        (slice(None), slice(1)) | (slice(None), slice(-1, None)) | (slice(None), slice(None, None, -1))
        (slice(None), slice(5, 0, -1)) | (slice(None), slice(-1, None, -2)) | (slice(1, None), slice(None, 1))
        (Ellipsis, slice(0, 1)) | (0, Ellipsis) | (slice(None), None) | None | (Ellipsis, None) | (None, slice(1, None))
    """,
    "words": "np.int64(2) | slice(None, 2) | slice(2, 0, -1) | Ellipsis | () | (0, slice(0, 1)) | slice(None, None, 2)",
    "one uniform": """
        (slice(None), slice(None, None, 2)) | (slice(None), slice(1, None, 2)) | (slice(None), slice(-2, None))
    """,
    "one": "(slice(None), slice(number, None)) | (slice(None), slice(None, -1)) | (slice(0, 2), None, slice(0, 1))",
    "two inner outer": """
        (0, 0) | (2, -1) | (slice(None), slice(None), slice(0, 1)) | (Ellipsis, slice(None, None, -1))
        (2, slice(None), slice(-1, None)) | (slice(None), None, slice(0, 1)) | (slice(None), slice(None), None)
    """,
    "inner": "(slice(None), slice(None), 0) | (Ellipsis, 1) | (0, 1, 1)",
}
for _tensors, _keys in KEYS.items():
    for _key in re.split(r"[|\n]", _keys.strip()):
        EXPRESSIONS += [f"indexed({_tensor}, {_key.strip()})" for _tensor in _tensors.split()]
for _key in ("(slice(None), 1)", "(slice(None), -1)", "(slice(1, None), number)"):
    EXPRESSIONS += [f"uniform[{_key}], outer[{_key}]"]

#: What differs, and why.
KNOWN: dict[str, str] = {}


def _normal(outcome: Any) -> Any:
    """Leaves out of an error what says where it happened, and the end of a message that says more."""
    if len(outcome) == 2:
        return outcome
    expression, kind, line = outcome
    line = re.sub(r"^\{\{.*?\}\} ", "", line)
    line = re.sub(r" \[Op:.*", "", line)
    return expression, kind, line


def test_ragged_tensors(oracle: Oracle) -> None:
    source = f"EXPRESSIONS = {EXPRESSIONS!r}\n" + PROGRAM
    answer = oracle.ask("evaluate", source=source)
    assert "result" in answer, answer
    here: dict[str, Any] = {"tf": tideflow}
    exec(source, here)
    problems = []
    for theirs, ours in zip(map(tuple, answer["result"]), here["result"], strict=True):
        same = _normal(theirs) == _normal(ours)
        if same == (theirs[0] in KNOWN):
            problems.append(f"{theirs[0]}\n  TensorFlow: {theirs[1:]}\n  Tideflow:   {ours[1:]}")
    assert not problems, "\n" + "\n".join(problems)

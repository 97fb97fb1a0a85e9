"""Compares the public functions that take ragged tensors with TensorFlow's: values, dtypes, static shapes and errors.

Each expression is evaluated eagerly, and in a function that gets its ragged tensors as arguments.
"""

from __future__ import annotations

from typing import Any

import tideflow

from .oracle import Oracle

PROGRAM = """
import numpy as np

rc = tf.ragged.constant
v1 = tf.compat.v1
A = rc([[1, 2], [3, 4, 5], [], [6]])
B = rc([[[1, 2], [3]], [], [[4, 5, 6]], [[7], [8], []]])
U = rc([[[1, 2], [3, 4]], [], [[5, 6]]], ragged_rank=1)
F, G, V = (tf.cast(x, tf.float32) for x in (A, B, U))
S = rc([["a", "bc"], [], ["d"]])
W = tf.RaggedTensor.from_uniform_row_length([1, 2, 3, 4], 2)
M = rc([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]], []], ragged_rank=1)
N = rc([[[1.0, 2.0, 3.0], [3.0, 4.0, 5.0]], [[5.0, 6.0]]])
T = tf.reshape(tf.range(20.0), [10, 2])
names = "A B U F G V S W M N T".split()

def number(value):
    return float("%.5g" % value) if isinstance(value, float) else value

def plain(value):
    return [plain(item) for item in value] if isinstance(value, list) else number(value)

def shown(result):
    if isinstance(result, (list, tuple)):
        return [shown(item) for item in result]
    if isinstance(result, tf.RaggedTensor):
        return plain(result.to_list()), str(result.shape), result.dtype.name
    if isinstance(result, tf.sparse.SparseTensor):
        return [shown(part) for part in (result.indices, result.values, result.dense_shape)]
    if tf.is_tensor(result):
        return plain(result.numpy().tolist()), str(result.shape), result.dtype.name
    return repr(result)

def outcome(call):
    try:
        return repr(shown(call()))
    except Exception as error:
        return type(error).__name__, (str(error).splitlines() or [""])[0]

result = []
scope = dict(globals())
for place, expression in enumerate(EXPRESSIONS):
    used = [name for name in names if any(part == name for part in SPLIT(expression))]
    function = eval(f"lambda {', '.join(used)}: ({expression})", scope)
    values = [scope[name] for name in used]
    traced = tf.function(function, autograph=False)
    is_traced = place >= GENERATED or place % 10 == 0
    inside = outcome(lambda: traced(*values)) if is_traced else ""
    result.append((expression, outcome(lambda: function(*values)), inside))
"""

EXPRESSIONS = [
    f"tf.reduce_{name}({tensor}, axis={axis}, keepdims={keep})"
    for name, tensors in {"sum": "ABUG", "prod": "AV", "min": "AB", "max": "AV", "mean": "FGV"}.items()
    for tensor in tensors
    for axis in ("None", "0", "1", "[0, 1]", "5")
    for keep in (False, True)
]
EXPRESSIONS += [f"tf.reduce_{name}(A > 2, axis={axis})" for name in ("all", "any") for axis in ("None", "0", "[0, 1]")]
EXPRESSIONS += [f"tf.math.reduce_{name}(F, axis={axis})" for name in ("variance", "std") for axis in ("None", "0", "1")]
EXPRESSIONS += [
    expression.format(axis)
    for axis in (0, 1, 2, -1)
    for expression in (
        "tf.concat([A, A[::-1]], {})|tf.concat([B, B], {})|tf.concat([U, U], {})|"
        "tf.concat([A, [[1], [2], [3], [4]]], {})|"
        "tf.concat([U, B], {})|tf.stack([A, A], {})|tf.stack([U, U], {})|tf.stack([B, B], {})|tf.expand_dims(A, {})|"
        "tf.expand_dims(B, {})|tf.expand_dims(U, {})|tf.squeeze(tf.expand_dims(A, {0}), {0})|tf.squeeze(A, {})|"
        "tf.reverse(A, [{}])|tf.reverse(B, [{}, 0])|tf.reverse(U, [{}])|tf.one_hot(A, 3, axis={})|"
        "tf.gather(U, [0, 0], axis={})|tf.gather(B[2:], [1, 0], axis={})|tf.cumsum(A, {})|"
        "tf.cumsum(B, {}, reverse=True)|tf.cumsum(U, {}, exclusive=True)"
    ).split("|")
]
#: How many of the expressions, every tenth of them, are traced, too: that takes TensorFlow a tenth of a second each.
GENERATED = len(EXPRESSIONS)

EXPRESSIONS += """
A + A, A + 1, 1 - A, A * [[1], [2], [3], [4]], A + [[1]], A + [1], 2 ** A
A / 2, A // 2, A % 2, -A, abs(A), A < 3, A == A
A + [[10, 20], [1, 2], [3, 4], [5, 6]]
A + A[:2]
A + rc([[1], [2], [3], [4]])
A + rc([[1, 2], [3, 4, 5], [7], [6]])
A == A[:2], A != A[:2]
A == rc([[1, 2], [3, 4, 5], [], [7]])
A + A.with_row_splits_dtype(tf.int32)
A + 1.5
B + B, B + [[[1]], [[2]], [[3]], [[4]]], B * [[[2]]]
B + [[[1], [2]]]
U + [10, 20], U + [[10, 20]], U + [[[10, 20]], [[1, 2]], [[3, 4]]], U + U
U + [1, 2, 3]
W + [[1], [2]], W + [[1, 2], [3, 4]], W + W
tf.expand_dims(A, 0) + tf.ones([2, 1, 1], tf.int32)
tf.maximum(A, [[2], [4], [0], [9]]), tf.pow(A, 2)
tf.math.floormod(A, 2), tf.equal(A, 2), tf.math.squared_difference(A, 1)
tf.abs(A), tf.negative(B), tf.square(U), tf.sign(F), tf.sqrt(F), tf.zeros_like(B), tf.ones_like(G), tf.cast(A, tf.bool)
tf.clip_by_value(A, 2, 4), tf.nn.relu(F), tf.math.is_nan(F), tf.bitwise.invert(A), tf.nn.gelu(F), tf.math.erf(F)
tf.strings.upper(S), tf.strings.length(S), tf.strings.substr(S, 0, 1), tf.strings.to_hash_bucket_fast(S, 10)
tf.strings.as_string(A), tf.strings.to_number(tf.strings.as_string(A)), tf.strings.regex_replace(S, "a", "z")
tf.debugging.assert_equal(A, A)
tf.debugging.assert_less(A, 10)
tf.identity(A), tf.stop_gradient(B)
tf.bitcast(A, tf.float32), tf.bitcast(U, tf.int64)
tf.bitcast(A, tf.int64)
tf.where(A > 2, A, 0), tf.where([[True], [False], [True], [True]], A, -A)
tf.where(A > 2), tf.where(B > 2), tf.where(U > 2)
tf.where([True, False, True], A, A)
v1.where([True, False, True, True], A, A + 10), v1.where(A > 2, A, -A)
v1.where(A > 2, A, 1)
tf.gather(A, [3, 0]), tf.gather(A, [[3, 0], [1, 1]]), tf.gather(A, 1)
tf.gather(B, [2, 0]), tf.gather(B, 2), tf.gather(U, [2])
tf.gather(A, rc([[0], [1, 3], []], dtype=tf.int32)), tf.gather(tf.constant([10, 20, 30, 40, 50, 60, 70]), A)
tf.gather(A, [9])
tf.gather(A, [0, 1], batch_dims=1)
tf.gather(A[:2], [[0], [1]], batch_dims=1), tf.gather(A, rc([[1, 0], [2], [], [0, 0]]), batch_dims=1)
tf.gather(B, rc([[[0], [0, 0]], [], [[2, 1]], [[0], [], []]], dtype=tf.int64), batch_dims=2)
v1.batch_gather(A, rc([[1, 0], [2], [], [0, 0]]))
tf.gather_nd(A, [[1, 2], [0, 0]]), tf.gather_nd(A, [[1], [0]]), tf.gather_nd(A, [[[1, 2]], [[0, 0]]])
tf.gather_nd(B, [[0, 1, 0], [3, 1, 0]]), tf.gather_nd(B, [[0, 1], [2, 0]]), tf.gather_nd(U, [[0, 1, 0]])
tf.gather_nd(A, tf.zeros([2, 0], tf.int32))
tf.gather_nd(A, [[1, 2]], batch_dims=1)
tf.tile(A, [1, 2]), tf.tile(A, [2, 1]), tf.tile(A, [2, 3]), tf.tile(A, [0, 1]), tf.tile(A, [1, 0])
tf.tile(B, [1, 2, 1]), tf.tile(B, [2, 2, 2]), tf.tile(U, [1, 1, 3]), tf.tile(U, [2, 2, 1]), tf.tile(B, [0, 1, 1])
tf.tile(A, [1, 1, 1])
tf.size(B), tf.rank(U), tf.size(B, out_type=tf.int64), v1.size(A)
tf.ragged.boolean_mask(A, [True, False, True, True]), tf.ragged.boolean_mask(A, A > 2), tf.ragged.boolean_mask(B, B > 2)
tf.ragged.boolean_mask(B, rc([[True, False], [], [False], [True, True, False]])), tf.ragged.boolean_mask(U, U > 2)
tf.ragged.boolean_mask([[1, 2], [3, 4]], [[True, False], [True, True]])
tf.ragged.boolean_mask(np.arange(8).reshape(2, 2, 2), np.arange(8).reshape(2, 2, 2) % 3 == 0)
tf.ragged.boolean_mask(W, [[True, False], [False, True]])
tf.ragged.boolean_mask(A, rc([[True]]))
tf.ragged.boolean_mask(A, True)
tf.math.unsorted_segment_sum(A, [0, 1, 0, 1], 2), tf.math.unsorted_segment_prod(F, [0, 1, 0, 1], 2)
tf.math.unsorted_segment_max(G, [0, 1, 0, 3], 4), tf.math.unsorted_segment_min(A, [0, 1, 0, 1], 2)
tf.math.unsorted_segment_mean(F, [0, 1, 0, 1], 2), tf.math.unsorted_segment_sqrt_n(F, [0, 1, 0, 1], 2)
tf.math.unsorted_segment_sum(A, rc([[0, 1], [0, 0, 1], [], [2]]), 3)
tf.math.unsorted_segment_sum(A, rc([[0, 1]]), 3)
tf.ragged.range([3, 5, 2]), tf.ragged.range([0, 5, 8], [3, 3, 12], 2)
tf.ragged.range(3.0), tf.ragged.range([1, 2], 5, 0.5)
tf.ragged.range([3], dtype=tf.float64, row_splits_dtype=tf.int32)
tf.ragged.range([1, 2], [3, 4], 0)
tf.ragged.range([1, 2], [5])
tf.ragged.row_splits_to_segment_ids([0, 3, 3, 5]), tf.ragged.row_splits_to_segment_ids([0, 3], out_type=tf.int32)
tf.ragged.row_splits_to_segment_ids([])
tf.ragged.segment_ids_to_row_splits([0, 0, 2]), tf.ragged.segment_ids_to_row_splits([0, 2], num_segments=5)
tf.ragged.stack_dynamic_partitions(["a", "b", "c", "d"], [3, 0, 2, 3], 4), tf.ragged.stack_dynamic_partitions("a", 1, 3)
tf.ragged.stack_dynamic_partitions(["a", "b"], [3, 0], 2)
tf.ragged.stack_dynamic_partitions(A, [0, 1, 1, 0], 3), tf.dynamic_partition(A, [0, 1, 1, 0], 3)
tf.ragged.stack_dynamic_partitions(A, rc([[0, 1], [0, 0, 1], [], [2]], dtype=tf.int64), 3)
tf.ragged.cross([S, S]), tf.ragged.cross_hashed([S, S], 10), tf.ragged.cross_hashed([A, A], hash_key=5)
tf.ragged.cross([S, [["p"], ["q"], ["r"]]]), tf.ragged.cross([tf.sparse.from_dense([[1, 2], [0, 0], [3, 0]]), S])
tf.ragged.cross([F])
tf.ragged.cross([B])
tf.ragged.cross(S)
tf.ragged.stack([A, B[0]]), tf.ragged.stack([[1, 2], [3]]), tf.ragged.stack([[[1, 2]], [[3]]])
tf.ragged.stack([])
tf.ragged.map_flat_values(tf.add, A, A), tf.ragged.map_flat_values(lambda x: x * 2, B)
tf.ragged.map_flat_values(tf.reduce_sum, A)
tf.ragged.map_flat_values(tf.add, A, A[:2])
tf.nn.softmax(F), tf.nn.softmax(G), tf.nn.softmax(V, axis=1), tf.add_n([A, A, A])
tf.nn.softmax(F, axis=0)
tf.matmul(M, tf.reshape(tf.range(12.0), [3, 2, 2]))
tf.matmul(M, M, transpose_b=True), tf.matmul(M, M, transpose_a=True)
tf.matmul(N, N, transpose_b=True), tf.matmul(rc([[1.0, 2.0], [3.0, 4.0]]), [[1.0], [2.0]])
tf.matmul(N, N)
tf.matmul(rc([[1.0, 2.0], [3.0]]), rc([[1.0, 2.0], [3.0]]))
tf.matmul(M, tf.ones([2, 2]))
tf.math.bincount(A), tf.math.bincount(A, axis=-1), tf.math.bincount(A, axis=-1, minlength=10, binary_output=True)
tf.math.bincount(A, weights=F, axis=-1), tf.math.bincount(A, maxlength=3), tf.math.bincount(B)
tf.math.bincount(A, axis=1)
tf.sparse.bincount(A, axis=-1), tf.sparse.bincount(A, weights=F, axis=-1), tf.sparse.bincount(A, minlength=9)
tf.nn.embedding_lookup(T, A)
tf.nn.embedding_lookup_sparse(T, A, None), tf.nn.embedding_lookup_sparse(T, A, F, combiner="sum")
tf.nn.safe_embedding_lookup_sparse(T, A), tf.nn.safe_embedding_lookup_sparse(T, A - 2, F - 2)
tf.nn.embedding_lookup(T, F)
tf.strings.join([S, S, "!"], "+")
tf.strings.reduce_join(S, axis=1, separator="-"), tf.strings.reduce_join(S, keepdims=True)
tf.strings.reduce_join(S, axis=0), tf.strings.reduce_join(S, axis=[0, 1])
tf.strings.format("a {} b", A)
tf.strings.format("{} {}", [B, tf.constant([1, 2])], summarize=1), tf.strings.format("{}", S)
tf.strings.format("{}", [A, A])
tf.split(A, 2), tf.split(A, [1, 2, 1]), tf.split(U, 2, axis=2), tf.split(W, 2, axis=1), tf.split(A, 1)
tf.split(A, 3)
tf.split(A, 2, axis=1)
tf.nn.dropout(F, 0.0), tf.nn.experimental.stateless_dropout(F, 0.5, seed=[1, 2])
tf.nn.dropout(F, 0.5, noise_shape=[1])
tf.map_fn(tf.reduce_sum, F, fn_output_signature=tf.float32), tf.map_fn(lambda r: r + 1, B)
tf.map_fn(tf.range, tf.constant([1, 0, 3]), fn_output_signature=tf.RaggedTensorSpec([None], tf.int32))
tf.image.resize(tf.ragged.stack([tf.ones([2, 3, 1]), 2 * tf.ones([4, 2, 1])]), [2, 2])
tf.sort(A)
tf.unique(A)
tf.transpose(A)
tf.pad(A, [[1, 1], [1, 1]])
tf.argmax(A)
tf.einsum("ij->i", A)
tf.boolean_mask(A, [True, False, True, True])
tf.convert_to_tensor(A)
""".strip().splitlines()

#: Expressions of which something differs, and why.
KNOWN = {
    ("A == A[:2], A != A[:2]", "in a function"): "TensorFlow's comparison fails when the function runs",
}


def _normal(outcome: Any) -> Any:
    """Leaves of an error its class alone; a value as it is."""
    return outcome if isinstance(outcome, str) else outcome[0]


def test_functions_over_ragged_tensors(oracle: Oracle) -> None:
    split = "import re\nSPLIT = re.compile(r'\\W+').split\n"
    source = f"{split}EXPRESSIONS = {EXPRESSIONS!r}\nGENERATED = {GENERATED}\n" + PROGRAM
    answer = oracle.ask("evaluate", source=source)
    assert "result" in answer, answer
    here: dict[str, Any] = {"tf": tideflow}
    exec(source, here)
    problems = []
    for (expression, *theirs), (_, *ours) in zip(answer["result"], here["result"], strict=True):
        for way, expected, found in zip(("eagerly", "in a function"), theirs, ours, strict=True):
            expected = expected if isinstance(expected, str) else tuple(expected)
            same = _normal(expected) == _normal(found)
            if same == ((expression, way) in KNOWN):
                problems.append(f"{expression} {way}\n  TensorFlow: {expected}\n  Tideflow:   {found}")
    assert not problems, f"{len(problems)} differ\n" + "\n".join(problems)

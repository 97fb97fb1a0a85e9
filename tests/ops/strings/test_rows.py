"""Strings taken apart: a row of parts for each, eagerly, in functions and in graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tideflow as tf
import tideflow.v1 as v1

ö = "ö".encode()

CALLS: list[tuple[Callable[[Any], Any], Any, Any]] = [
    (tf.strings.split, "a b  c", [b"a", b"b", b"c"]),
    (tf.strings.split, ["a b", "", "c "], [[b"a", b"b"], [], [b"c"]]),
    (tf.strings.split, [["a b", "c"], ["", "d"]], [[[b"a", b"b"], [b"c"]], [[], [b"d"]]]),
    (lambda x: tf.strings.split(x, ",", 1), ["a,b,,c"], [[b"a", b"b,,c"]]),
    (tf.strings.bytes_split, "hi", [b"h", b"i"]),
    (tf.strings.bytes_split, ["hi", "", "ö"], [[b"h", b"i"], [], [b"\xc3", b"\xb6"]]),
    (lambda x: tf.strings.unicode_decode(x, "UTF-8"), "öh", [246, 104]),
    (
        lambda x: tf.strings.unicode_decode(x, "UTF-8"),
        [["öh", ""], ["x", "yz"]],
        [[[246, 104], []], [[120], [121, 122]]],
    ),
    (lambda x: tf.strings.unicode_decode(x, "UTF-8", "ignore"), [b"a\xffb"], [[97, 98]]),
    (lambda x: tf.strings.unicode_decode_with_offsets(x, "UTF-8")[1], ["öh", ""], [[0, 2], []]),
    (lambda x: tf.strings.unicode_split(x, "UTF-8"), ["öh", "", "x"], [[ö, b"h"], [], [b"x"]]),
    (lambda x: tf.strings.unicode_split(x, "UTF-8", replacement_char=65), [b"a\xffb"], [[b"a", b"A", b"b"]]),
    (lambda x: tf.strings.unicode_split_with_offsets(x, "UTF-8")[1], ["öh"], [[0, 2]]),
    (lambda x: tf.strings.unicode_encode(tf.strings.unicode_decode(x, "UTF-8"), "UTF-8"), ["öh", ""], [ö + b"h", b""]),
    (lambda x: tf.strings.ngrams(tf.strings.split(x), 2), ["a b c", "d"], [[b"a b", b"b c"], []]),
]


def _listed(value: Any) -> Any:
    return value.to_list() if isinstance(value, tf.RaggedTensor) else value.numpy().tolist()


@pytest.mark.parametrize(("function", "value", "expected"), CALLS)
def test_rows_of_parts(function: Callable[[Any], Any], value: Any, expected: Any) -> None:
    assert _listed(function(value)) == expected
    rank = tf.constant(value).shape.rank
    traced = tf.function(function, input_signature=[tf.TensorSpec([None] * rank, tf.string)], autograph=False)
    assert _listed(traced(tf.constant(value))) == expected
    with v1.Graph().as_default(), v1.Session() as session:
        found = session.run(function(v1.placeholder_with_default(tf.constant(value), [None] * rank)))
        assert (found.to_list() if hasattr(found, "to_list") else found.tolist()) == expected


def test_rows_of_ragged_strings() -> None:
    words = tf.ragged.constant([["a b"], [], ["c", "d  e"]])
    assert tf.strings.split(words).to_list() == [[[b"a", b"b"]], [], [[b"c"], [b"d", b"e"]]]
    assert tf.strings.unicode_decode(words, "UTF-8").to_list()[2] == [[99], [100, 32, 32, 101]]
    assert tf.strings.unicode_encode(tf.ragged.constant([[[104], []], [[120]]]), "UTF-8").to_list() == [
        [b"h", b""],
        [b"x"],
    ]
    assert tf.map_fn(
        lambda row: tf.size(tf.strings.split(row)), tf.constant(["a b", "", "c"]), tf.int32
    ).numpy().tolist() == [
        2,
        0,
        1,
    ]


def test_rows_of_nothing() -> None:
    empty = tf.zeros([0, 2], tf.string)
    for rows in (tf.strings.split(empty), tf.strings.unicode_split(empty, "UTF-8"), tf.strings.bytes_split(empty)):
        assert rows.to_list() == []
        assert rows.shape.rank == 3


def test_the_result_of_1x_is_sparse_or_ragged() -> None:
    sparse = v1.strings.split([["a b", "c"]])
    assert sparse.indices.numpy().tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert sparse.dense_shape.numpy().tolist() == [1, 2, 2]
    assert v1.strings.split("a b", result_type="RaggedTensor").to_list() == [[b"a", b"b"]]
    assert v1.string_split(["a b", "c"], result_type="RaggedTensor").to_list() == [[b"a", b"b"], [b"c"]]
    with pytest.raises(ValueError, match="result_type must be"):
        v1.string_split(["a"], result_type="Tensor")


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: tf.strings.unicode_decode([b"\xff"], "UTF-8", errors="strict"), tf.errors.InvalidArgumentError),
        (lambda: tf.strings.unicode_split([b"a"], "ISO-8859-1"), tf.errors.InvalidArgumentError),
        (lambda: tf.strings.unicode_decode(["a"], "UTF-9"), tf.errors.InvalidArgumentError),
        (lambda: tf.strings.unicode_encode(104, "UTF-8"), ValueError),
        (lambda: tf.strings.split(3), TypeError),
        (lambda: tf.strings.split(["a"], ",", maxsplit="x"), TypeError),
        (lambda: tf.strings.split(["a"], ["a"]), tf.errors.InvalidArgumentError),
    ],
)
def test_wrong_calls(call: Callable[[], Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        call()


def test_separators_of_several_bytes() -> None:
    for separator in ("ab", "aa", "aba"):
        words = ["xababay", "aab", "a", "", "baab", "aaaa"]
        for most in (-1, 1, 2):
            found = tf.strings.split(words, separator, most).to_list()
            assert found == [[part.encode() for part in word.split(separator, most)] for word in words]
            assert tf.function(tf.strings.split)(tf.constant(words), separator, most).to_list() == found


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16-BE", "UTF-32-BE", "ISO-8859-1", "windows-1252", "ibm-437"])
def test_malformed_strings_among_others(encoding: str) -> None:
    words = [b"a", b"\xff\x00\x00b", b"", b"\xe2\x82", b"\xd8\x00\x00a", "ö€😀".encode()]
    points, starts = tf.strings.unicode_decode_with_offsets(words, encoding)
    for index, word in enumerate(words):
        alone = tf.strings.unicode_decode_with_offsets(word, encoding)
        assert points[index].numpy().tolist() == alone[0].numpy().tolist()
        assert starts[index].numpy().tolist() == alone[1].numpy().tolist()


def test_transcoding_with_surrogates_and_control_characters() -> None:
    transcode = tf.strings.unicode_transcode
    assert transcode([b"\xff"], "UTF-8", "UTF-16-BE", replacement_char=0xD800).numpy().tolist() == [b"\xd8\x00"]
    assert transcode([b"\xff"], "UTF-8", "UTF-8", replacement_char=0xD800).numpy().tolist() == [b"\xef\xbf\xbd"]
    with pytest.raises(tf.errors.InvalidArgumentError):
        transcode([b"\x01"], "UTF-8", "UTF-8", errors="strict", replace_control_characters=True)
    assert tf.strings.unicode_decode(
        [b"\x01"], "UTF-8", errors="strict", replace_control_characters=True
    ).to_list() == [[65533]]

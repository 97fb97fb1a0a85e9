"""Checks the public functions on strings: arguments, names of nodes, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
import tideflow.v1 as v1


def values(tensor):
    return np.asarray(tensor).tolist()


def nodes(build):
    with tf.Graph().as_default() as graph:
        build()
        return [operation.name for operation in graph.get_operations()]


def test_names_of_nodes():
    assert nodes(lambda: tf.strings.join(["a", "b"])) == ["StringJoin/inputs_0", "StringJoin/inputs_1", "StringJoin"]
    assert nodes(lambda: tf.strings.regex_replace(tf.constant(["a"]), "a", "b"))[1:] == ["StaticRegexReplace"]
    assert nodes(lambda: tf.strings.reduce_join(["a"]))[-1] == "ReduceJoin/ReduceJoin"
    assert nodes(lambda: v1.string_split(["a b"], name="q")) == ["q/Const", "q/Const_1", "q/StringSplit"]
    assert nodes(lambda: tf.strings.to_number(["1"])) == ["StringToNumber/string_tensor", "StringToNumber"]


def test_split():
    parts = v1.strings.split([["a b", ""], ["c", "d e f"]])
    assert values(parts.dense_shape) == [2, 2, 3]
    assert values(parts.indices) == [[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 1, 0], [1, 1, 1], [1, 1, 2]]
    assert values(parts.values) == [b"a", b"b", b"c", b"d", b"e", b"f"]
    assert values(v1.strings.split("a,b,c", ",", 1).values) == [b"a", b"b,c"]
    assert values(v1.string_split(["a,b;;c"], delimiter=",;").values) == [b"a", b"b", b"c"]
    with pytest.raises(ValueError, match="'delimiter' and 'sep'"):
        v1.string_split(["a"], sep=",", delimiter=",")
    with pytest.raises(ValueError, match="result_type must be"):
        v1.strings.split(["a"], result_type="other")
    with pytest.raises(ValueError, match="'source' and 'input'"):
        v1.strings.split(["a"], source=["a"])


def test_ngrams():
    words = [["a", "b", "c"], ["d", "e", "f"]]
    assert values(tf.strings.ngrams(words, 2)) == [[b"a b", b"b c"], [b"d e", b"e f"]]
    expected = [b"a", b"b", b"c", b"L|a", b"a|b", b"b|c", b"c|R"]
    found = tf.strings.ngrams(words[0], (1, 2), separator="|", pad_values=("L", "R"), padding_width=1)
    assert values(found) == expected
    assert values(tf.strings.ngrams(["a", "b"], 5)) == []
    for wrong in ({"ngram_width": 0}, {"ngram_width": 2, "padding_width": 0}, {"ngram_width": 2, "padding_width": 1}):
        with pytest.raises(ValueError):
            tf.strings.ngrams(["a"], **wrong)
    with pytest.raises(TypeError):
        tf.strings.ngrams(["a"], 2, pad_values=3)


def test_unicode_encode():
    assert values(tf.strings.unicode_encode([97, 0x20AC], "UTF-8")) == "a\u20ac".encode()
    assert values(tf.strings.unicode_encode([[[97, 98]], [[99, 100]]], "UTF-16-BE")) == [[b"\0a\0b"], [b"\0c\0d"]]
    with pytest.raises(ValueError, match="rank must be at least 1"):
        tf.strings.unicode_encode(97, "UTF-8")


def test_reduce_join():
    words = [["a", "b"], ["c", "d"]]
    assert values(tf.strings.reduce_join(words)) == b"abcd"
    assert values(tf.strings.reduce_join(words, [0, 1])) == b"acbd"
    assert values(v1.reduce_join(words, reduction_indices=0, keepdims=True, separator="-")) == [[b"a-c", b"b-d"]]
    with tf.Graph().as_default(), v1.Session() as session:
        unknown = v1.placeholder(tf.string)
        assert session.run(tf.strings.reduce_join(unknown), {unknown: words}) == b"abcd"
    with pytest.raises(tf.errors.OutOfRangeError):
        tf.strings.reduce_join(words, 2)
    with pytest.raises(ValueError, match="'reduction_indices' and 'axis'"):
        v1.reduce_join(words, 0, reduction_indices=0)


def test_format():
    assert values(tf.strings.format("x {} {}", (tf.constant([1, 2]), "a"))) == b'x [1 2] "a"'
    with pytest.raises(ValueError, match="expects 2 tensors"):
        tf.strings.format("{} {}", [1])


def test_both_names_of_an_argument():
    with pytest.raises(ValueError, match="'string_tensor' and 'input'"):
        v1.string_to_number(["1"], input=["1"])
    with pytest.raises(ValueError, match="'string_tensor' and 'input'"):
        v1.string_to_hash_bucket(["1"], 2, input=["1"])
    assert values(v1.string_to_number(input=["1", "0x10"])) == [1.0, 16.0]
    assert values(tf.strings.to_number("-7", tf.int64)) == -7


@pytest.mark.parametrize(
    "call",
    [
        lambda: tf.strings.to_number(["nonsense"]),
        lambda: tf.strings.substr("abc", 4, 1),
        lambda: tf.strings.regex_replace("a", "(", ""),
        lambda: tf.strings.regex_full_match("a", tf.constant("[")),
        lambda: tf.strings.unicode_transcode(b"\xff", "UTF-8", "UTF-8", errors="strict"),
        lambda: tf.strings.unicode_transcode("a", "rot13", "UTF-8"),
        lambda: tf.io.decode_base64("a+b/"),
        lambda: tf.as_string(1, precision=2),
        lambda: tf.strings.lower("a", encoding="latin-1"),
    ],
)
def test_bad_values(call):
    with pytest.raises(tf.errors.InvalidArgumentError):
        call()


def test_rounding_once():
    halfway = "1.00000005960464477539062500000000000000000"
    found = tf.strings.to_number([halfway, halfway[:-1] + "1", halfway.replace("625", "624")])
    assert values(found) == [1.0, float(np.float32(1.0000001)), 1.0]


def test_too_large_a_width():
    with pytest.raises(tf.errors.ResourceExhaustedError):
        tf.as_string([1.0], width=2**40)


@pytest.mark.parametrize(
    ("names", "points"),
    [
        ("latin1 latin-1 LATIN_1 csISOLatin1 iso88591 8859_1 ISO-8859-1", [97, 164, 208]),
        ("latin2 latin-2 csisolatin2 iso88592 8859-2", [97, 164, 272]),
        ("latin-9 csisolatin9 8859_15 iso885915 ISO-8859-15", [97, 8364, 208]),
        ("mac macintosh x-mac-roman", [97, 167, 8211]),
        ("ucs-2 ucs2 utf16be ISO-10646-UCS-2 unicode", [0x61A4, 0xFFFD]),
    ],
)
def test_spellings_of_encodings(names, points):
    for name in names.split():
        assert values(tf.strings.unicode_decode(b"a\xa4\xd0", name)) == points, name

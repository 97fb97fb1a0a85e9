"""Datasets in files: damage, interruptions, what was begun and never finished, positions in the middle."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.ops.checkpoint import snappy

D: Any = tf.data.Dataset


def loaded(path: Path, compression: str | None = None) -> list[int]:
    return [int(x) for x in D.load(str(path), compression=compression)]


def shard_file(path: Path) -> Path:
    (found,) = path.glob("*/*.shard/*.snapshot")
    return found


@pytest.mark.parametrize("compression", [None, "GZIP", "SNAPPY"])
def test_damage_is_an_error_or_the_end_and_never_another_element(tmp_path: Path, compression: str | None) -> None:
    D.range(200).save(str(tmp_path), compression)
    file = shard_file(tmp_path)
    whole = file.read_bytes()
    draw = random.Random(5)
    outcomes = set()
    for turn in range(120):
        content = bytearray(whole)
        if turn % 2:
            del content[draw.randrange(len(content)) :]
        else:
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        file.write_bytes(content)
        found: list[int] = []
        try:
            for x in D.load(str(tmp_path), compression=compression):
                found.append(int(x))
            outcomes.add("end")
        except tf.errors.OpError as error:
            outcomes.add(type(error).__name__)
        assert found == list(range(len(found)))
    assert outcomes <= {"end", "DataLossError", "InvalidArgumentError"}
    assert "DataLossError" in outcomes


def test_a_truncated_file_of_metadata_is_an_error(tmp_path: Path) -> None:
    D.range(3).save(str(tmp_path))
    file = tmp_path / "snapshot.metadata"
    whole = file.read_bytes()
    for size in (0, 1, 10, 15):
        file.write_bytes(whole[:size])
        with pytest.raises(tf.errors.OutOfRangeError):
            D.load(str(tmp_path))
    file.unlink()
    with pytest.raises(tf.errors.NotFoundError):
        D.load(str(tmp_path))


def test_mutated_specs_are_an_error_or_specs(tmp_path: Path) -> None:
    D.from_tensor_slices({"b": [1.0, 2.0], "a": [["x"], ["y"]]}).map(lambda d: (d, None)).save(str(tmp_path))
    file = tmp_path / "dataset_spec.pb"
    whole = file.read_bytes()
    draw = random.Random(6)
    for _ in range(300):
        content = bytearray(whole)
        content[draw.randrange(len(content))] = draw.randrange(256)
        file.write_bytes(content[: draw.randrange(len(content)) + 1])
        try:
            D.load(str(tmp_path))
        except tf.errors.NotFoundError:
            continue
    file.write_bytes(whole)
    assert [element["a"].numpy().tolist() for element, _ in D.load(str(tmp_path))] == [[b"x"], [b"y"]]


def test_a_saving_that_fails_leaves_what_came_before_and_no_open_file(tmp_path: Path) -> None:
    risky = D.range(5).map(lambda x: tf.debugging.check_numerics(1.0 / (3.0 - tf.cast(x, tf.float32)), "infinite"))
    with pytest.raises(tf.errors.InvalidArgumentError):
        risky.save(str(tmp_path))
    assert len(list(D.load(str(tmp_path)))) == 3
    assert D.load(str(tmp_path)).cardinality() == tf.data.UNKNOWN_CARDINALITY


def test_what_sparse_elements_are_made_of_cannot_be_saved(tmp_path: Path) -> None:
    sparse = D.from_tensors(tf.SparseTensor([[0]], [1], [2]))
    with pytest.raises(tf.errors.UnimplementedError, match="only tensors"):
        sparse.save(str(tmp_path))
    with pytest.raises(tf.errors.UnimplementedError, match="cannot be saved"):
        list(sparse.snapshot(str(tmp_path)))


def test_a_snapshot_is_written_once_by_equal_pipelines(tmp_path: Path) -> None:
    made = tf.Variable(0)  # a capture: fingerprints leave its value out

    def dataset(factor: int) -> Any:
        def times(x: Any) -> Any:
            made.assign_add(1)
            return x * factor

        return D.range(5).map(times).snapshot(str(tmp_path))

    assert [int(x) for x in dataset(2)] == [0, 2, 4, 6, 8]
    assert [int(x) for x in dataset(2)] == [0, 2, 4, 6, 8]
    assert int(made) == 5
    assert [int(x) for x in dataset(3)] == [0, 3, 6, 9, 12]
    assert int(made) == 10


def test_a_snapshot_that_was_given_up_is_not_read(tmp_path: Path) -> None:
    dataset = D.range(5).snapshot(str(tmp_path))
    iterator = iter(dataset)
    next(iterator)
    del iterator
    # It is not complete, and might still be written by somebody else: the input is read.
    assert [int(x) for x in dataset] == list(range(5))
    assert len(list(tmp_path.glob("*/*/"))) == 1


def test_positions_in_saved_datasets_are_restored(tmp_path: Path) -> None:
    D.range(9).save(str(tmp_path), shard_func=lambda x: x % 2)
    dataset = D.load(str(tmp_path), reader_func=lambda shards: shards.flat_map(lambda shard: shard))
    iterator = iter(dataset)
    first = [int(next(iterator)) for _ in range(6)]
    position = tf.raw_ops.SerializeIterator(resource_handle=iterator._iterator_resource)
    rest = [int(x) for x in iterator]
    other = iter(dataset)
    tf.raw_ops.DeserializeIterator(resource_handle=other._iterator_resource, serialized=position)
    assert [int(x) for x in other] == rest
    assert first + rest == [0, 2, 4, 6, 8, 1, 3, 5, 7]


def test_snappy_blocks() -> None:
    draw = random.Random(7)
    for size in (0, 1, 7, 8, 9, 60, 61, 257, 70000):
        for content in (bytes(size), draw.randbytes(size), np.arange(size, dtype=np.int64).tobytes()):
            assert snappy.uncompress(snappy.compress(content)) == content


def test_saving_in_a_graph_of_1x(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        operation = D.range(4).save(str(tmp_path))
        assert not list(tmp_path.glob("*/*.shard"))
        session.run(operation)
        element = tf.compat.v1.data.make_one_shot_iterator(
            D.load(str(tmp_path), tf.TensorSpec([], tf.int64))
        ).get_next()
        assert [session.run(element) for _ in range(4)] == [0, 1, 2, 3]


def test_fingerprints_tell_constants_and_functions_apart() -> None:
    def of(dataset: Any) -> int:
        return int(dataset.fingerprint())

    makers = [
        lambda: D.from_tensor_slices([1, 2]), lambda: D.from_tensor_slices([1, 3]), lambda: D.range(3),
        lambda: D.range(3).map(lambda x: x * 2), lambda: D.range(3).map(lambda x: x + 2),
        lambda: D.range(3).map(lambda x: tf.cond(x > 1, lambda: x, lambda: -x)),
        lambda: D.range(3).map(lambda x: tf.cond(x > 1, lambda: x, lambda: -2 * x)),
        lambda: D.range(3).batch(2), lambda: D.range(3).batch(2, drop_remainder=True),
    ]  # fmt: skip
    found = [of(make()) for make in makers]
    assert found == [of(make()) for make in makers]
    assert len(set(found)) == len(found)

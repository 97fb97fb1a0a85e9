"""Comma-separated values and rows of databases: files that vanish or change, positions, threads of the reader."""

from __future__ import annotations

import gzip
import random
import sqlite3
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tideflow as tf

E: Any = tf.data.experimental


def until_error(dataset: Any) -> tuple[list[Any], str]:
    found: list[Any] = []
    try:
        for item in dataset.as_numpy_iterator():
            found.append(item)
    except tf.errors.OpError as error:
        return found, type(error).__name__
    return found, ""


def test_blocks_and_single_records_agree(tmp_path: Path) -> None:
    draw = random.Random(3)
    lines, wanted = [], []
    for number in range(3000):
        word = draw.choice(["a", "b,c", 'd"e', "f\ng", "", "h\r\ni"])
        quoted = '"' + word.replace('"', '""') + '"'
        lines.append(f"{number},{quoted},{number / 4}\r\n" if number % 2 else f"{number},{quoted},{number / 4}\n")
        wanted.append((number, word.encode() or b"none", np.float32(number / 4)))
    path = tmp_path / "values.csv"
    path.write_bytes("".join(lines).encode() * 4)
    dataset = E.CsvDataset(str(path), [tf.int32, tf.constant("none"), tf.float32])
    assert list(dataset.as_numpy_iterator()) == wanted * 4
    batches = list(dataset.batch(1000).as_numpy_iterator())
    assert np.concatenate([batch[0] for batch in batches]).tolist() == [row[0] for row in wanted] * 4
    assert np.concatenate([batch[1] for batch in batches]).tolist() == [row[1] for row in wanted] * 4


def test_a_wrong_record_in_a_block_comes_after_those_before_it(tmp_path: Path) -> None:
    path = tmp_path / "values.csv"
    path.write_text("".join("wrong\n" if number == 70 else f"{number}\n" for number in range(200)))
    dataset = E.CsvDataset(str(path), [tf.int32])
    found, error = until_error(dataset)
    assert [number for (number,) in found] == list(range(70)) and error == "InvalidArgumentError"
    rest = dataset.ignore_errors()
    assert [number for (number,) in rest.as_numpy_iterator()] == [number for number in range(200) if number != 70]


def test_mutated_files_give_records_or_errors(tmp_path: Path) -> None:
    whole = b"".join(b'%d,"w%d",%d.5\n' % (number, number, number) for number in range(50))
    path = tmp_path / "values.csv"
    draw = random.Random(4)
    outcomes = set()
    for turn in range(300):
        content = bytearray(whole if turn % 3 else gzip.compress(whole))
        for _ in range(3):
            content[draw.randrange(len(content))] = draw.choice(b'",\n\r0a\x00\xff')
        path.write_bytes(content)
        kind = "" if turn % 3 else "GZIP"
        outcomes.add(until_error(E.CsvDataset(str(path), [tf.int32, tf.string, tf.float32], kind))[1])
    assert outcomes <= {"", "InvalidArgumentError", "DataLossError"} and len(outcomes) == 3


def test_positions_are_restored(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "ab"]
    for path in paths:
        path.write_text("h\n" + "".join(f"{number}\n" for number in range(5)))
    database = tmp_path / "rows.sqlite3"
    with sqlite3.connect(database) as connection:
        connection.execute("create table t (a integer)")
        connection.executemany("insert into t values (?)", [(number,) for number in range(9)])
    connection.close()
    for dataset in (
        E.CsvDataset([str(path) for path in paths], [tf.int32], header=True),
        E.SqlDataset("sqlite", str(database), "select a from t order by a", (tf.int32,)),
    ):
        for taken in range(9):
            iterator, other = iter(dataset), iter(dataset)
            for _ in range(taken):
                next(iterator)
            position = tf.raw_ops.SerializeIterator(resource_handle=iterator._iterator_resource)
            tf.raw_ops.DeserializeIterator(resource_handle=other._iterator_resource, serialized=position)
            rest = [int(number) for (number,) in iterator]
            assert [int(number) for (number,) in other] == rest and len(rest) >= 9 - taken


def test_rows_can_be_had_by_another_thread(tmp_path: Path) -> None:
    database = tmp_path / "rows.sqlite3"
    with sqlite3.connect(database) as connection:
        connection.execute("create table t (a integer)")
        connection.execute("insert into t values (1), (2)")
    connection.close()
    iterator = iter(E.SqlDataset("sqlite", str(database), "select a from t order by a", (tf.int32,)))
    found = [int(next(iterator)[0])]
    thread = threading.Thread(target=lambda: found.append(int(next(iterator)[0])))
    thread.start()
    thread.join()
    assert found == [1, 2]


def test_a_database_is_neither_made_nor_changed(tmp_path: Path) -> None:
    missing = tmp_path / "none.sqlite3"
    with pytest.raises(tf.errors.NotFoundError):
        list(E.SqlDataset("sqlite", str(missing), "select 1", (tf.int32,)))
    assert not missing.exists()
    database = tmp_path / "rows.sqlite3"
    with sqlite3.connect(database) as connection:
        connection.execute("create table t (a integer)")
    connection.close()
    with pytest.raises(tf.errors.OpError):
        list(E.SqlDataset("sqlite", str(database), "insert into t values (1)", (tf.int32,)))
    damaged = tmp_path / "damaged.sqlite3"
    damaged.write_bytes(b"no database at all" * 100)
    with pytest.raises(tf.errors.UnknownError):
        list(E.SqlDataset("sqlite", str(damaged), "select 1 from t", (tf.int32,)))
    with sqlite3.connect(database) as connection:
        assert connection.execute("select count(*) from t").fetchone() == (0,)
    connection.close()


def test_in_graphs_and_functions(tmp_path: Path) -> None:
    path = tmp_path / "values.csv"
    path.write_text("a,b\n1,x\n2,y\n")

    @tf.function
    def total() -> Any:
        found = tf.constant(0)
        for number, _ in E.CsvDataset(str(path), [tf.int32, tf.string], header=True):
            found += number
        return found

    assert int(total()) == 3
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        dataset = v1.data.experimental.make_csv_dataset(str(path), 2, num_epochs=1, shuffle=False)
        element = dataset.make_one_shot_iterator().get_next()
        assert session.run(element)["a"].tolist() == [1, 2]

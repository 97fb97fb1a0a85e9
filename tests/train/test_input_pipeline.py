"""Whole input pipelines of TensorFlow 1.x programs: producers, readers, batches, queue runners, a coordinator."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.v1 as tf


@pytest.fixture
def session(graph):
    with tf.Session(graph=graph) as session:
        yield session


def _start(session):
    session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    coord = tf.train.Coordinator()
    return coord, tf.train.start_queue_runners(session, coord)


def _finish(coord, threads):
    coord.request_stop()
    coord.join(threads, stop_grace_period_secs=60)
    assert not any(thread.is_alive() for thread in threads)


def _until_the_end(session, coord, threads, fetches):
    results = []
    try:
        while not coord.should_stop():
            results.append(session.run(fetches))
    except tf.errors.OutOfRangeError:
        pass
    _finish(coord, threads)
    return results


def test_text_files_train_a_model(session, tmp_path):
    generator = np.random.default_rng(0)
    names = []
    for number in range(3):
        inputs = generator.normal(size=(40, 2))
        lines = [f"{a:.6f},{b:.6f},{2 * a - 3 * b + 1:.6f}" for a, b in inputs]
        path = tmp_path / f"part{number}.csv"
        path.write_text("a,b,target\n" + "\n".join(lines) + "\n")
        names.append(str(path))
    queue = tf.train.string_input_producer(names, num_epochs=20, seed=1)
    _, line = tf.TextLineReader(skip_header_lines=1).read(queue)

    def decode(text):
        return np.array(text.split(b","), np.float32)

    row = tf.py_func(decode, [line], tf.float32)
    row.set_shape([3])
    inputs, targets = tf.train.shuffle_batch([row[:2], row[2:]], 20, capacity=200, min_after_dequeue=50, seed=2)
    weights = tf.get_variable("weights", [2, 1], initializer=tf.zeros_initializer())
    bias = tf.get_variable("bias", [1], initializer=tf.zeros_initializer())
    loss = tf.reduce_mean(tf.square(tf.matmul(inputs, weights) + bias - targets))
    step = tf.train.GradientDescentOptimizer(0.2).minimize(loss)
    coord, threads = _start(session)
    losses = [value for value, _ in _until_the_end(session, coord, threads, [loss, step])]
    assert len(losses) == 20 * 120 // 20
    assert losses[-1] < 1e-4 < losses[0]
    np.testing.assert_allclose(session.run(weights)[:, 0], [2, -3], atol=0.02)


def test_epochs_end_with_out_of_range(session):
    queue = tf.train.range_input_producer(5, num_epochs=2, shuffle=False)
    number = queue.dequeue()
    coord, threads = _start(session)
    assert _until_the_end(session, coord, threads, number) == [*range(5), *range(5)]


def test_slices_of_several_tensors_stay_together(session):
    number, word = tf.train.slice_input_producer([[1, 2, 3], ["a", "b", "c"]], num_epochs=1, seed=3)
    coord, threads = _start(session)
    pairs = _until_the_end(session, coord, threads, [number, word])
    assert sorted((int(a), b) for a, b in pairs) == [(1, b"a"), (2, b"b"), (3, b"c")]


def test_final_batch_may_be_smaller(session):
    number = tf.train.range_input_producer(7, num_epochs=1, shuffle=False).dequeue()
    batch = tf.train.batch([number], 3, allow_smaller_final_batch=True)
    coord, threads = _start(session)
    batches = _until_the_end(session, coord, threads, batch)
    assert [item.tolist() for item in batches] == [[0, 1, 2], [3, 4, 5], [6]]


def test_incomplete_final_batch_is_dropped(session):
    number = tf.train.range_input_producer(7, num_epochs=1, shuffle=False).dequeue()
    batch = tf.train.batch([number], 3)
    coord, threads = _start(session)
    batches = _until_the_end(session, coord, threads, batch)
    assert [item.tolist() for item in batches] == [[0, 1, 2], [3, 4, 5]]


def test_dynamic_padding_fills_up_to_the_longest(session):
    number = tf.train.range_input_producer(4, num_epochs=1, shuffle=False).dequeue()
    batch = tf.train.batch({"row": tf.fill([number], number), "n": number}, 4, dynamic_pad=True)
    coord, threads = _start(session)
    (result,) = _until_the_end(session, coord, threads, batch)
    assert result["row"].tolist() == [[0, 0, 0], [1, 0, 0], [2, 2, 0], [3, 3, 3]]
    assert result["n"].tolist() == [0, 1, 2, 3]


def test_examples_that_are_not_kept_do_not_come(session):
    number = tf.train.range_input_producer(10, num_epochs=1, shuffle=False).dequeue()
    batch = tf.train.maybe_batch([number], tf.equal(number % 2, 0), 5)
    coord, threads = _start(session)
    assert _until_the_end(session, coord, threads, batch)[0].tolist() == [0, 2, 4, 6, 8]


def test_a_vector_says_which_of_many_examples_are_kept(session):
    number = tf.train.range_input_producer(3, num_epochs=1, shuffle=False).dequeue()
    pair = tf.stack([number, number + 10])
    batch = tf.train.maybe_batch([pair], [True, False], 3, enqueue_many=True)
    coord, threads = _start(session)
    assert _until_the_end(session, coord, threads, batch)[0].tolist() == [0, 1, 2]


def test_join_reads_several_sets_at_once(session):
    numbers = tf.train.range_input_producer(40, num_epochs=1, shuffle=False)
    sets = [[numbers.dequeue()] for _ in range(4)]
    batch = tf.train.shuffle_batch_join(sets, 5, capacity=20, min_after_dequeue=5, seed=1)
    coord, threads = _start(session)
    batches = _until_the_end(session, coord, threads, batch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(40))


def test_many_threads_fill_one_queue(session):
    lock_free = tf.train.range_input_producer(200, num_epochs=1, shuffle=False).dequeue()
    batch = tf.train.batch([lock_free], 10, num_threads=4, capacity=16)
    coord, threads = _start(session)
    assert len(threads) == 2 + 5
    batches = _until_the_end(session, coord, threads, batch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(200))


def test_an_error_of_a_thread_reaches_the_main_program(session, tmp_path):
    queue = tf.train.string_input_producer([str(tmp_path / "missing")], shuffle=False)
    _, contents = tf.WholeFileReader().read(queue)
    batch = tf.train.batch([contents], 1)
    coord, threads = _start(session)
    with pytest.raises(tf.errors.OutOfRangeError):
        session.run(batch)
    with pytest.raises(tf.errors.NotFoundError, match="No such file"):
        coord.join(threads, stop_grace_period_secs=60)


def test_names_of_the_operations(graph):
    tf.train.batch([tf.constant(1)], 2)
    names = [op.name for op in graph.get_operations()]
    for name in ("batch/fifo_queue", "batch/fifo_queue_enqueue", "batch/fifo_queue_Close_1", "batch/n", "batch"):
        assert name in names


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tf.train.string_input_producer([]), "non-null"),
        (lambda: tf.train.limit_epochs(tf.constant(1), 0), "must be > 0"),
        (lambda: tf.train.batch([], 2), "at least one tensor"),
        (lambda: tf.train.batch([tf.placeholder(tf.float32)], 2), "rank"),
        (lambda: tf.train.shuffle_batch([tf.constant(1)], 2, 5, 5), "must be bigger"),
        (lambda: tf.train.maybe_batch([tf.constant([1, 2])], [True, False], 2), "cannot be a vector"),
        (lambda: tf.train.slice_input_producer([]), "at least one tensor"),
        (lambda: tf.train.batch_join([], 2), "at least one set"),
    ],
)
def test_bad_arguments_are_rejected(graph, call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_types_of_joined_sets_must_agree(graph):
    with pytest.raises(TypeError, match=r"int32 vs\. float32"):
        tf.train.batch_join([[1], [1.0]], 2)


def test_pipelines_exist_in_graphs_only():
    with pytest.raises(RuntimeError, match=r"tf\.data"):
        tf.train.string_input_producer(["a"])
    with pytest.raises(ValueError, match=r"tf\.data"):
        tf.train.batch([1], 2)

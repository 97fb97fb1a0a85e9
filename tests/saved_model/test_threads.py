"""Tests that several threads may be the first to use a loaded function."""

from __future__ import annotations

import sys
import threading

import pytest

import tideflow as tf

_THREADS = 8


class _Looping(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = tf.Variable(2.0)

    @tf.function(input_signature=[tf.TensorSpec([])])
    def __call__(self, x):
        y = tf.cond(x > 0.0, lambda: x * self.weight, lambda: tf.sin(x))
        for _ in tf.range(3):
            y = tf.cond(y > 100.0, lambda y=y: y, lambda y=y: y * self.weight)
        return y


@pytest.fixture
def impatient():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_threads_that_use_a_function_first_all_get_its_values(tmp_path, impatient) -> None:
    tf.saved_model.save(_Looping(), str(tmp_path))
    module = tf.saved_model.load(str(tmp_path))
    start = threading.Barrier(_THREADS)
    found = []

    def work(number):
        start.wait()
        x = tf.constant(3.0)
        try:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = module.signatures["serving_default"](x)["output_0"] if number % 2 else module(x)
            found.append((float(y), float(tape.gradient(y, x))))
        except Exception as error:  # said below, in the thread of the test
            found.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(48.0, 16.0)] * _THREADS

"""What surrounds an operation, for each thread."""

from __future__ import annotations

import sys
import threading
from typing import Any

import tideflow as tf
from tideflow._src.core import context


def test_threads_come_and_go_without_taking_each_other_s_place() -> None:
    """What all threads look at before the short way of an operation is empty in the end, and never before."""
    rounds, interval = 300, sys.getswitchinterval()
    found: list[Any] = []

    def work(number: int) -> None:
        x = tf.constant(3.0)
        try:
            for _ in range(rounds):
                with tf.GradientTape() as tape:
                    tape.watch(x)
                    y = x * x
                found.append(tape.gradient(y, x).numpy() == 6.0)
                with tf.Graph().as_default() as graph:
                    z = tf.constant(1.0) + 2.0
                found.append(z.graph is graph)
        except Exception as error:  # said below, in the thread of the test
            found.append(error)

    before = set(context.SPECIAL), set(context.BUILDING), set(context.TAPES)
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert found == [True] * (2 * rounds * 6)
    assert (set(context.SPECIAL), set(context.BUILDING), set(context.TAPES)) == before

"""Summaries of scalars for TensorBoard, a thousand at a time, with the file written to its end."""

from __future__ import annotations

import itertools
import tempfile
from typing import Any

from harness.verification import gives
from harness.workload import SteadyWorkload, Step, Target

COUNT = 1000


def tensorflow_program(tf: Any) -> dict[str, Step]:
    folder = tempfile.TemporaryDirectory()
    tf.summary.create_file_writer(folder.name).set_as_default()
    loss = tf.constant(0.5)
    steps = itertools.count()

    def step(folder: Any = folder) -> int:
        for number in itertools.islice(steps, COUNT):
            written = tf.summary.scalar("loss", loss, step=number)
        tf.summary.flush()
        return COUNT * int(written)

    return {"": step}


WORKLOAD = SteadyWorkload(
    name="summaries",
    title=f"{COUNT:,} scalar summaries",
    programs={"tideflow": tensorflow_program, "tensorflow": tensorflow_program},
    verify=gives({"": COUNT}),
    targets={"": (Target(0.2, "tensorflow"),)},
)

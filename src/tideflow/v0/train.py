"""Training: ``tf.train`` of TensorFlow 0.8 to 0.12."""

from __future__ import annotations

from typing import Any

from tideflow._src.summary.file_writer import FileWriter as SummaryWriter
from tideflow.compat.v1 import train as _train
from tideflow.compat.v1.train import *


def __getattr__(name: str) -> Any:
    return getattr(_train, name)

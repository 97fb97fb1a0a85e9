"""Queues: ``tf.compat.v1.queue``."""

from __future__ import annotations

from tideflow._src.ops.queues.queue_classes import FIFOQueue as FIFOQueue
from tideflow._src.ops.queues.queue_classes import PaddingFIFOQueue as PaddingFIFOQueue
from tideflow._src.ops.queues.queue_classes import PriorityQueue as PriorityQueue
from tideflow._src.ops.queues.queue_classes import QueueBase as QueueBase
from tideflow._src.ops.queues.queue_classes import RandomShuffleQueue as RandomShuffleQueue

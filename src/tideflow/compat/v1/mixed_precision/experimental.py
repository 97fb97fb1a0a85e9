"""Scales of losses: ``tf.mixed_precision.experimental``."""

from __future__ import annotations

from tideflow._src.train.loss_scale import DynamicLossScale as DynamicLossScale
from tideflow._src.train.loss_scale import FixedLossScale as FixedLossScale
from tideflow._src.train.loss_scale import LossScale as LossScale

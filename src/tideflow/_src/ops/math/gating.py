"""Gradients that pass at some places and not at others."""

from __future__ import annotations

from typing import Any

import numpy as np


def gated(xp: Any, gradients: Any, passes: Any) -> Any:
    """Multiplies gradients by 1 where they pass and by 0 elsewhere.

    Where an infinite or undefined gradient does not pass, that is NaN, as in TensorFlow. XLA makes a selection of the
    product with a mask, and would give 0 there; the product with zero alone it leaves as it is.
    """
    if xp is np:
        return gradients * passes.astype(gradients.dtype)
    return xp.where(passes, gradients, gradients * np.zeros((), gradients.dtype))

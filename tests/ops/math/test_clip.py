"""Tests clipping to a range and to norms."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.ops.math import clip
from tideflow._src.runtime.convert import convert_to_tensor


def test_clip_by_norm_and_global_norm() -> None:
    x = convert_to_tensor([3.0, 4.0])
    np.testing.assert_allclose(clip.clip_by_norm(x, 1.0).numpy(), [0.6, 0.8], rtol=1e-6)
    np.testing.assert_allclose(clip.clip_by_norm(x, 9.0).numpy(), [3.0, 4.0])
    assert clip.clip_by_norm(convert_to_tensor([0.0, 0.0]), 1.0).numpy().tolist() == [0.0, 0.0]
    clipped, norm = clip.clip_by_global_norm([x, None], 1.0)
    np.testing.assert_allclose(clipped[0].numpy(), [0.6, 0.8], rtol=1e-6)
    assert clipped[1] is None
    assert norm.numpy() == 5.0
    with pytest.raises(TypeError, match="sequence"):
        clip.clip_by_global_norm(x, 1.0)
    infinite = convert_to_tensor([3.0, np.inf])
    assert np.isnan(clip.clip_by_global_norm([infinite], 1.0)[0][0].numpy()).all()


def test_clip_by_value_does_not_grow() -> None:
    assert clip.clip_by_value([1.0, 5.0], 2.0, 3.0).numpy().tolist() == [2.0, 3.0]
    with pytest.raises(ValueError, match="incompatible"):
        clip.clip_by_value(convert_to_tensor([[1.0], [5.0]]), [1.0, 2.0], 2.0)

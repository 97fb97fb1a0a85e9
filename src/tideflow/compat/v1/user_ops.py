"""Operations of users: ``tf.user_ops``."""

from __future__ import annotations

from tideflow._src.ops.array.in_place import my_fact as my_fact

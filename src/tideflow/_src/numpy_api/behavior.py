"""``experimental_enable_numpy_behavior``: the switch that makes every tensor behave as an array of NumPy does."""

from __future__ import annotations

from tideflow._src.core import context
from tideflow._src.core.logger import get_logger
from tideflow._src.numpy_api import methods, operators, weak_functions
from tideflow._src.numpy_api.weak_promotion import MODES, rules


def experimental_enable_numpy_behavior(prefer_float32: bool = False, dtype_conversion_mode: str = "legacy") -> None:
    """Makes tensors behave as NumPy's arrays do, in the whole process.

    Tensors get NumPy's methods (``.T``, ``.astype``, ``.reshape``, ``.ravel``, ``.clip``, ``.tolist`` and others),
    their operators promote dtypes, and ``[]`` takes arrays of positions and booleans. It cannot be undone but for the
    promotion (``dtype_conversion_mode="off"``).

    Args:
      prefer_float32: whether Python floats count as float32 rather than float64, in the modes ``"legacy"`` and
        ``"off"``.
      dtype_conversion_mode: ``"off"``: operators do not promote; ``"legacy"``: by NumPy's rules; ``"all"``: by a
        lattice in which Python numbers are weak and give way to the dtype of the tensor beside them; ``"safe"``: by
        the same lattice, but what may lose precision or needs more bits raises a TypeError. The last two should be
        chosen before any other function is called.

    Raises:
      ValueError: there is no such mode.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.experimental_enable_numpy_behavior()  # doctest: +SKIP
      >>> (tf.constant([1, 2]) + tf.constant(0.5)).dtype  # doctest: +SKIP
      tf.float64
    """
    if dtype_conversion_mode in ("safe", "all"):
        get_logger().warning(
            "UserWarning: enabling the new type promotion must happen at the beginning of the program. Please ensure "
            "no TF APIs have been used yet."
        )
    if dtype_conversion_mode not in MODES:
        raise ValueError(
            f"The provided promotion mode {dtype_conversion_mode} does not exist. Make sure the provided dtype "
            "conversion mode is one of the followings: 'off', 'legacy', 'safe' or 'all'."
        )
    operators.install()
    methods.install()
    if dtype_conversion_mode in ("safe", "all"):
        weak_functions.install()
    rules.mode = dtype_conversion_mode
    rules.prefer_float32 = prefer_float32
    context.mode.choices += 1


def disable() -> None:
    """Undoes what ``experimental_enable_numpy_behavior`` did: for tests."""
    rules.mode = "off"
    rules.prefer_float32 = False
    weak_functions.uninstall()
    methods.uninstall()
    operators.uninstall()
    context.mode.choices += 1

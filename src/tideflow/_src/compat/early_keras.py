"""The names of `tf.keras` that libraries of TensorFlow 1.x use beside its layers: initializers and regularizers.

Models and layers of Keras come with a later release; asked for them, these modules say so.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.reduction_functions import reduce_sum
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state import initializers


class L1L2:
    """Adds up absolute weights, and squares of weights.

    Args:
      l1: the factor of absolute weights.
      l2: the factor of squares.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = float(l1), float(l2)

    def __call__(self, x: Any) -> Any:
        """Returns the penalty of a tensor, a scalar."""
        x = convert_to_tensor(x)
        penalty: Any = 0.0
        if self.l1:
            penalty += self.l1 * reduce_sum(raw.Abs(x))
        if self.l2:
            penalty += self.l2 * reduce_sum(raw.Square(x))
        return penalty

    def get_config(self) -> dict[str, float]:
        """Returns the arguments that make another."""
        return {"l1": self.l1, "l2": self.l2}


def _l1(l: float = 0.01) -> L1L2:  # noqa: E741 - Keras's name
    return L1L2(l1=l)


def _l2(l: float = 0.01) -> L1L2:  # noqa: E741 - Keras's name
    return L1L2(l2=l)


def _l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    return L1L2(l1=l1, l2=l2)


def _hard_sigmoid(x: Any) -> Any:
    """Returns a sigmoid of straight lines: 0 up to -2.5, 1 from 2.5."""
    return raw.ClipByValue(0.2 * convert_to_tensor(x) + 0.5, 0.0, 1.0)


_NAMES: dict[str, dict[str, Any]] = {
    "backend": {"hard_sigmoid": _hard_sigmoid},
    "initializers": {
        name: getattr(initializers, name)
        for name in (
            ("Constant", "Identity", "Initializer", "Ones", "Orthogonal", "RandomNormal", "RandomUniform")
            + (
                "TruncatedNormal",
                "VarianceScaling",
                "Zeros",
                "he_normal",
                "he_uniform",
                "lecun_normal",
                "lecun_uniform",
            )
        )
    }
    | {"glorot_normal": initializers.GlorotNormal, "glorot_uniform": initializers.GlorotUniform},
    "regularizers": {"L1L2": L1L2, "l1": _l1, "l2": _l2, "l1_l2": _l1_l2},
}


class EarlyKeras(ModuleType):
    """Is ``tf.keras`` or a part of it.

    Args:
      part: the part, empty for the whole.
    """

    def __init__(self, part: str = "") -> None:
        super().__init__(f"tensorflow.keras.{part}".rstrip("."), __doc__)
        self._part = part
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if not self._part and name in _NAMES:
            return early_keras(name)
        if name in _NAMES.get(self._part, ()):
            return _NAMES[self._part][name]
        path = f"{self._part}.{name}".lstrip(".")
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        raise AttributeError(f"Tideflow does not have tf.keras.{path} yet; Keras comes with a later release.")

    def __dir__(self) -> list[str]:
        return sorted(_NAMES[self._part] if self._part else _NAMES)


@functools.cache
def early_keras(part: str = "") -> EarlyKeras:
    """Returns ``tf.keras`` or a part of it, always the same module."""
    return EarlyKeras(part)

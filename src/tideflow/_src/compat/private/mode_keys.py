"""The modes of a model as `tensorflow.python.saved_model.model_utils` names them, which tf_keras imports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tideflow._src.estimator.specs import ModeKeys as EstimatorModeKeys

__all__ = ["EstimatorModeKeys", "KerasModeKeys", "ModeKeyMap", "is_eval", "is_predict", "is_train"]


class KerasModeKeys:
    """Names what Keras 2 calls a model for."""

    TRAIN = "train"
    TEST = "test"
    PREDICT = "predict"


def is_train(mode: str) -> bool:
    """Returns whether a mode is training."""
    return mode in (KerasModeKeys.TRAIN, EstimatorModeKeys.TRAIN)


def is_eval(mode: str) -> bool:
    """Returns whether a mode is evaluation, as Keras or an estimator names it."""
    return mode in (KerasModeKeys.TEST, EstimatorModeKeys.EVAL)


def is_predict(mode: str) -> bool:
    """Returns whether a mode is prediction, as Keras or an estimator names it."""
    return mode in (KerasModeKeys.PREDICT, EstimatorModeKeys.PREDICT)


class ModeKeyMap(Mapping[str, Any]):
    """Maps modes to values; Keras's and an estimator's name of a mode are one key.

    Args:
      **values: the value of each mode.

    Raises:
      ValueError: a name is no mode, or two names are the same mode.
    """

    def __init__(self, **values: Any) -> None:
        self._values: dict[str, Any] = {}
        for name, value in values.items():
            mode = _keras_name(name)
            if mode in self._values:
                raise ValueError(f"ModeKeyMap: two values for the mode {mode!r}: {', '.join(values)}.")
            self._values[mode] = value

    def __getitem__(self, key: str) -> Any:
        """Returns the value of a mode; raises ValueError for what is no mode, and KeyError for one without a value."""
        return self._values[_keras_name(key)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _keras_name(mode: str) -> str:
    """Returns Keras's name of a mode."""
    if is_train(mode):
        return KerasModeKeys.TRAIN
    if is_eval(mode):
        return KerasModeKeys.TEST
    if is_predict(mode):
        return KerasModeKeys.PREDICT
    raise ValueError(f"{mode!r} is no mode: modes are train, test (or eval) and predict (or infer).")

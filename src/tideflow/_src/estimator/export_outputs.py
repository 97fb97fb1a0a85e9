"""What exported models give out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.saved_model.v1.signature_definitions import (
    classification_signature_def,
    predict_signature_def,
    regression_signature_def,
)


class ExportOutput:
    """Is one thing that an exported model gives out."""

    def as_signature_def(self, receiver_tensors: Mapping[str, Any]) -> Any:
        """Returns the signature of a model that takes tensors of these names."""
        raise NotImplementedError


class ClassificationOutput(ExportOutput):
    """Is scores of classes, or classes, or both.

    Args:
      scores: a tensor of floats.
      classes: a tensor of strings.

    Raises:
      ValueError: there is neither, or one is of another type.
    """

    def __init__(self, scores: Any = None, classes: Any = None) -> None:
        if scores is not None and not (isinstance(scores, Tensor) and scores.dtype.is_floating):
            raise ValueError(f"Classification scores must be a float32 Tensor; got {scores}")
        if classes is not None and not (isinstance(classes, Tensor) and classes.dtype == dtypes.string):
            raise ValueError(f"Classification classes must be a string Tensor; got {classes}")
        if scores is None and classes is None:
            raise ValueError(
                "Cannot create a ClassificationOutput with empty arguments. At least one of `scores` and "
                "`classes` must be defined."
            )
        self.scores = scores
        self.classes = classes

    def as_signature_def(self, receiver_tensors: Mapping[str, Any]) -> Any:
        examples = _only_examples("Classification", receiver_tensors)
        return classification_signature_def(examples, self.classes, self.scores)


class RegressionOutput(ExportOutput):
    """Is a number for each example.

    Args:
      value: a tensor of floats.

    Raises:
      ValueError: it is none.
    """

    def __init__(self, value: Any) -> None:
        if not (isinstance(value, Tensor) and value.dtype.is_floating):
            raise ValueError(f"Regression output value must be a float32 Tensor; got {value}")
        self.value = value

    def as_signature_def(self, receiver_tensors: Mapping[str, Any]) -> Any:
        return regression_signature_def(_only_examples("Regression", receiver_tensors), self.value)


class PredictOutput(ExportOutput):
    """Is tensors of any kind by name.

    Args:
      outputs: a tensor, or tensors by name.

    Raises:
      ValueError: something is no tensor.
    """

    def __init__(self, outputs: Any) -> None:
        outputs = outputs if isinstance(outputs, Mapping) else {"output": outputs}
        for name, value in outputs.items():
            if not isinstance(value, Tensor):
                raise ValueError(f"Prediction output value must be a Tensor; got {value} for {name}")
        self.outputs = dict(outputs)

    def as_signature_def(self, receiver_tensors: Mapping[str, Any]) -> Any:
        return predict_signature_def(dict(receiver_tensors), self.outputs)


def _only_examples(kind: str, receiver_tensors: Mapping[str, Any]) -> Any:
    """Returns what a model is fed, if that is serialized examples and nothing else.

    Raises:
      ValueError: it is not.
    """
    if len(receiver_tensors) == 1:
        ((_, examples),) = receiver_tensors.items()
        if examples.dtype == dtypes.string:
            return examples
    raise ValueError(
        f"{kind} signatures can only accept a single tensor input of type tf.string. Please check that you "
        "have structured the serving_input_receiver_fn so that it creates a single string placeholder. If your model "
        "function expects several inputs, then use `tf.io.parse_example()` to parse the string into tensors.\n "
        f"Received: {receiver_tensors}"
    )

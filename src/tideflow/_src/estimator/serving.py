"""How exported models take in what they are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.array.placeholders import placeholder
from tideflow._src.ops.parsing.parse_functions import parse_example
from tideflow._src.runtime.sparse_tensor import SparseTensor


class _Receiver(NamedTuple):
    features: Any
    receiver_tensors: dict[str, Any]
    receiver_tensors_alternatives: Any


class ServingInputReceiver(_Receiver):
    """Is what an exported model is fed, and the features that it makes of that.

    Args:
      features: a tensor, or tensors by name, for the model function.
      receiver_tensors: what is fed: a tensor, or tensors by name.
      receiver_tensors_alternatives: other tensors that can be fed, by the name of a signature.

    Raises:
      ValueError: something is no tensor.
    """

    def __new__(
        cls, features: Any, receiver_tensors: Any, receiver_tensors_alternatives: Any = None
    ) -> ServingInputReceiver:
        if features is None:
            raise ValueError("features must be defined.")
        if receiver_tensors is None:
            raise ValueError("receiver_tensors must be defined.")
        if isinstance(features, Mapping):
            for name, value in features.items():
                _check(name, value, "feature")
        else:
            _check("feature", features, "feature")
        receivers = dict(receiver_tensors) if isinstance(receiver_tensors, Mapping) else {"input": receiver_tensors}
        for name, value in receivers.items():
            _check(name, value, "receiver tensor")
        return super().__new__(cls, features, receivers, receiver_tensors_alternatives)


class TensorServingInputReceiver(ServingInputReceiver):
    """Is a `ServingInputReceiver` whose features are one tensor, which the model function gets as it is."""


def _check(name: Any, value: Any, label: str) -> None:
    if not isinstance(name, str):
        raise ValueError(f"{label} keys must be strings: {name}.")
    if not isinstance(value, Tensor | SparseTensor):
        raise ValueError(f"{label} {name} must be a Tensor or SparseTensor.")


def build_parsing_serving_input_receiver_fn(
    feature_spec: Mapping[str, Any], default_batch_size: int | None = None
) -> Callable[[], ServingInputReceiver]:
    """Returns a function for models that are fed serialized examples.

    Args:
      feature_spec: what `tf.io.parse_example` needs, by the names of features.
      default_batch_size: how many examples are fed; any number by default.

    Returns:
      A function for `Estimator.export_saved_model`.
    """

    def serving_input_receiver_fn() -> ServingInputReceiver:
        examples = placeholder(dtypes.string, [default_batch_size], name="input_example_tensor")
        return ServingInputReceiver(parse_example(examples, dict(feature_spec)), {"examples": examples})

    return serving_input_receiver_fn


def build_raw_serving_input_receiver_fn(
    features: Mapping[str, Any], default_batch_size: int | None = None
) -> Callable[[], ServingInputReceiver]:
    """Returns a function for models that are fed features.

    Args:
      features: tensors by name, for their types and shapes; the first dimension is that of the batch.
      default_batch_size: the size of the batch; any by default.

    Returns:
      A function for `Estimator.export_saved_model`.
    """

    def serving_input_receiver_fn() -> ServingInputReceiver:
        receivers = {}
        for name, tensor in features.items():
            shape = tensor.shape.as_list()
            shape[0] = default_batch_size
            receivers[name] = placeholder(tensor.dtype, shape, name=name)
        return ServingInputReceiver(dict(receivers), receivers)

    return serving_input_receiver_fn


def with_names(receiver: Any) -> Any:
    """Returns features as a model function takes them: one tensor goes under the name ``feature``."""
    features = receiver.features
    if isinstance(receiver, TensorServingInputReceiver) or isinstance(features, Mapping):
        return features
    return {"feature": features}

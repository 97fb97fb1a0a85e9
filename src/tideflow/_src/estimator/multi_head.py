"""Several heads as one: their losses are added up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tideflow._src.estimator.export_outputs import PredictOutput
from tideflow._src.estimator.heads import Head, regularized, step_operation
from tideflow._src.estimator.specs import DEFAULT_SERVING_KEY, EstimatorSpec, ModeKeys
from tideflow._src.layers.metric_means import mean
from tideflow._src.ops.math.arithmetic import add_n
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.summary.graph_summaries import scalar


class MultiHead(Head):
    """Learns several labels at once, each by a head of its own.

    Args:
      heads: the heads, which have names.
      head_weights: what the loss of each is multiplied with; 1 by default.

    Labels, and logits if they are not one tensor to be cut along its last dimension, are dictionaries by the names of
    the heads. Predictions have pairs of names: ``("head", "logits")``.

    Raises:
      ValueError: there are no heads, one has no name, or there are not as many weights.

    >>> import tideflow as tf
    >>> head = tf.estimator.MultiHead([tf.estimator.RegressionHead(name="a"), tf.estimator.RegressionHead(name="b")])
    >>> head.loss(labels={"a": [[1.0]], "b": [[2.0]]}, logits=[[2.0, 4.0]]).numpy().item()
    5.0
    """

    def __init__(self, heads: Sequence[Head], head_weights: Sequence[float] | None = None) -> None:
        if not heads:
            raise ValueError(f"Must specify heads. Given: {heads}")
        if head_weights and len(head_weights) != len(heads):
            raise ValueError(
                f"heads and head_weights must have the same size. Given len(heads): {len(heads)}. Given "
                f"len(head_weights): {len(head_weights)}."
            )
        for head in heads:
            if head.name is None:
                raise ValueError(f"All given heads must have name specified. Given: {head}")
        super().__init__()
        self._heads = {str(head.name): head for head in heads}
        self._factors = list(head_weights) if head_weights else [None] * len(heads)
        self.logits_dimension = sum(head.logits_dimension for head in heads)

    @property
    def name(self) -> str:
        """The names of the heads, joined."""
        return "_".join(self._heads)

    @property
    def loss_reduction(self) -> str:
        """What becomes of the losses of a batch.

        Raises:
          ValueError: heads differ in that.
        """
        found = [head.loss_reduction for head in self._heads.values()]
        if len(set(found)) > 1:
            raise ValueError(f"The loss_reduction must be the same for different heads. Given: {found}")
        return found[0]

    def _logits_of_heads(self, logits: Any) -> dict[str, Any]:
        if isinstance(logits, Mapping):
            missing = [name for name in self._heads if name not in logits]
            if missing:
                raise ValueError(f"logits has missing values for head(s): {missing}")
            return dict(logits)
        logits = convert_to_tensor(logits)
        sizes = [head.logits_dimension for head in self._heads.values()]
        if logits.shape.rank is not None and logits.shape[-1] not in (None, sum(sizes)):
            raise ValueError(
                f"Could not split logits of shape {logits.shape.as_list()} among the heads with individual logits "
                f"dimensions: {sizes}. The last dimension of the logits tensor should equal {sum(sizes)} but is "
                f"{logits.shape[-1]}."
            )
        found, start = {}, 0
        for name, size in zip(self._heads, sizes, strict=True):
            found[name] = logits[..., start : start + size]
            start += size
        return found

    def _labels_of_heads(self, labels: Any) -> Mapping[str, Any]:
        if not isinstance(labels, Mapping):
            raise ValueError(f"labels must be a dict. Given: {labels}")
        missing = [name for name in self._heads if name not in labels]
        if missing:
            raise ValueError(f"labels has missing values for head(s): {missing}")
        return labels

    def loss(
        self,
        labels: Any,
        logits: Any,
        features: Any = None,
        mode: str | None = None,
        regularization_losses: Sequence[Any] | None = None,
    ) -> Any:
        """Returns the sum of the losses of the heads; see :meth:`Head.loss`."""
        logits, labels = self._logits_of_heads(logits), self._labels_of_heads(labels)
        losses = [head.loss(labels[name], logits[name], features, mode) for name, head in self._heads.items()]
        return regularized(self._sum(losses), regularization_losses)

    def _sum(self, losses: Sequence[Any]) -> Any:
        pairs = zip(losses, self._factors, strict=True)
        return add_n([loss if factor is None else loss * factor for loss, factor in pairs])

    def predictions(self, logits: Any, keys: Sequence[Any] | None = None) -> dict[Any, Any]:
        """Returns the predictions of all heads, by pairs of a head's name and a prediction's; see `Head`."""
        parts = self._logits_of_heads(logits)
        found = {
            (name, key): value
            for name, head in self._heads.items()
            for key, value in head.predictions(parts[name]).items()
        }
        return {key: found[key] for key in keys} if keys else found

    def create_estimator_spec(
        self,
        features: Any,
        mode: str,
        logits: Any,
        labels: Any = None,
        optimizer: Any = None,
        trainable_variables: Sequence[Any] | None = None,
        train_op_fn: Callable[[Any], Any] | None = None,
        update_ops: Sequence[Any] | None = None,
        regularization_losses: Sequence[Any] | None = None,
    ) -> EstimatorSpec:
        """Returns what a model function returns; see :meth:`Head.create_estimator_spec`."""
        parts = self._logits_of_heads(logits)
        predictions = self.predictions(parts)
        if mode == ModeKeys.PREDICT:
            specs = {
                name: head.create_estimator_spec(features, mode, parts[name]) for name, head in self._heads.items()
            }
            return EstimatorSpec(mode, predictions, export_outputs=_merged_outputs(specs))
        labels = self._labels_of_heads(labels)
        # A head gives its loss in training, and its metrics in evaluation; none makes a step of its own.
        specs = {
            name: head.create_estimator_spec(features, mode, parts[name], labels[name], train_op_fn=_no_step)
            for name, head in self._heads.items()
        }
        loss = regularized(self._sum([spec.loss for spec in specs.values()]), regularization_losses)
        if mode == ModeKeys.EVAL:
            metrics = {}
            if regularization_losses is not None:
                metrics[f"regularization_loss/{self.name}"] = mean(add_n(list(regularization_losses)))
            for name, spec in specs.items():
                metrics[f"loss/{name}"] = mean(spec.loss)
                metrics.update(spec.eval_metric_ops)
            return EstimatorSpec(mode, predictions, loss, eval_metric_ops=metrics)
        if regularization_losses is not None:
            scalar("regularization_loss", add_n(list(regularization_losses)))
        step = step_operation(loss, optimizer, trainable_variables, train_op_fn, update_ops)
        return EstimatorSpec(mode, predictions, loss, step)


def _no_step(loss: Any) -> Any:
    return loss.op


def _merged_outputs(specs: Mapping[str, EstimatorSpec]) -> dict[str, Any]:
    """Returns what a SavedModel gives out: all of each head under its name, and the first head's by default."""
    merged: dict[str, Any] = {}
    together: dict[str, Any] = {}
    for name, spec in specs.items():
        outputs = spec.export_outputs or {}
        merged.setdefault(DEFAULT_SERVING_KEY, outputs[DEFAULT_SERVING_KEY])
        for key, output in outputs.items():
            merged[name if key == DEFAULT_SERVING_KEY else f"{name}/{key}"] = output
            if isinstance(output, PredictOutput):
                together.update({f"{name}/{each}": value for each, value in output.outputs.items()})
    merged["predict"] = PredictOutput(together)
    return merged

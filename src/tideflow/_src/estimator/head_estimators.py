"""Estimators that are made, for any head: linear models, deep ones, both together, and baselines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.estimator.canned import Baseline, Canned
from tideflow._src.estimator.heads import Head
from tideflow._src.estimator.run_config import RunConfig
from tideflow._src.ops.nn.activation import relu


class LinearEstimator(Canned):
    """Gives a head a linear function of features.

    Args:
      head: makes losses, predictions and metrics.
      feature_columns: the columns of the features.
      model_dir: as of `Estimator`.
      optimizer: one of ``tf.keras.optimizers`` or ``tf.compat.v1.train``, a name, or a function that makes one.
      config: a `RunConfig`.
      sparse_combiner: what becomes of several categories: ``"sum"``, ``"mean"`` or ``"sqrtn"``.
      warm_start_from: as of `Estimator`.
    """

    def __init__(
        self,
        head: Head,
        feature_columns: Any,
        model_dir: Any = None,
        optimizer: Any = "Ftrl",
        config: RunConfig | None = None,
        sparse_combiner: str = "sum",
        warm_start_from: Any = None,
    ) -> None:
        super().__init__(
            head,
            model_dir,
            config,
            warm_start_from,
            linear_columns=feature_columns,
            linear_optimizer=optimizer,
            combiner=sparse_combiner,
        )


def _deep_estimator(rate: float) -> Any:
    class DNNEstimator(Canned):
        """Gives a head what layers of neurons make of features.

        Args:
          head: makes losses, predictions and metrics.
          hidden_units: how many neurons each hidden layer has.
          feature_columns: dense columns of the features.
          model_dir: as of `Estimator`.
          optimizer: one of ``tf.keras.optimizers`` or ``tf.compat.v1.train``, a name, or a function that makes one.
          activation_fn: the activation of hidden layers.
          dropout: the share of neurons that a step of training leaves out.
          config: a `RunConfig`.
          warm_start_from: as of `Estimator`.
          batch_norm: whether hidden layers are normalized.
        """

        def __init__(
            self,
            head: Head,
            hidden_units: Sequence[int],
            feature_columns: Any,
            model_dir: Any = None,
            optimizer: Any = "Adagrad",
            activation_fn: Any = relu,
            dropout: float | None = None,
            config: RunConfig | None = None,
            warm_start_from: Any = None,
            batch_norm: bool = False,
        ) -> None:
            super().__init__(
                head,
                model_dir,
                config,
                warm_start_from,
                deep_columns=feature_columns,
                deep_optimizer=optimizer,
                deep_rate=rate,
                hidden_units=hidden_units,
                activation_fn=activation_fn,
                dropout=dropout,
                batch_norm=batch_norm,
            )

    return DNNEstimator


class DNNLinearCombinedEstimator(Canned):
    """Gives a head the sum of a linear function and of layers of neurons: wide and deep.

    Args:
      head: makes losses, predictions and metrics.
      model_dir: as of `Estimator`.
      linear_feature_columns, linear_optimizer: the columns and the optimizer of the linear part.
      dnn_feature_columns, dnn_optimizer, dnn_hidden_units, dnn_activation_fn, dnn_dropout: those of the deep part.
      config: a `RunConfig`.
      batch_norm: whether hidden layers are normalized.
      linear_sparse_combiner: what becomes of several categories: ``"sum"``, ``"mean"`` or ``"sqrtn"``.
    """

    def __init__(
        self,
        head: Head,
        model_dir: Any = None,
        linear_feature_columns: Any = None,
        linear_optimizer: Any = "Ftrl",
        dnn_feature_columns: Any = None,
        dnn_optimizer: Any = "Adagrad",
        dnn_hidden_units: Sequence[int] | None = None,
        dnn_activation_fn: Any = relu,
        dnn_dropout: float | None = None,
        config: RunConfig | None = None,
        batch_norm: bool = False,
        linear_sparse_combiner: str = "sum",
    ) -> None:
        super().__init__(
            head,
            model_dir,
            config,
            None,
            linear_columns=linear_feature_columns,
            linear_optimizer=linear_optimizer,
            linear_rate=0.005,
            combiner=linear_sparse_combiner,
            deep_columns=dnn_feature_columns,
            deep_optimizer=dnn_optimizer,
            deep_rate=0.001,
            hidden_units=dnn_hidden_units,
            activation_fn=dnn_activation_fn,
            dropout=dnn_dropout,
            batch_norm=batch_norm,
        )


class BaselineEstimator(Baseline):
    """Gives a head numbers that ignore the features.

    Args:
      head: makes losses, predictions and metrics.
      model_dir: as of `Estimator`.
      optimizer: one of ``tf.keras.optimizers`` or ``tf.compat.v1.train``, a name, or a function that makes one.
      config: a `RunConfig`.
    """

    def __init__(
        self, head: Head, model_dir: Any = None, optimizer: Any = "Ftrl", config: RunConfig | None = None
    ) -> None:
        super().__init__(head, model_dir, optimizer, config)


DNNEstimator, DNNEstimatorV1 = _deep_estimator(0.001), _deep_estimator(0.05)

"""Estimators that are made: linear models, deep ones, both together, and baselines."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.estimator.class_heads import BinaryClassHead, MultiClassHead
from tideflow._src.estimator.estimator import Estimator
from tideflow._src.estimator.heads import Head
from tideflow._src.estimator.regression_heads import RegressionHead
from tideflow._src.estimator.run_config import RunConfig
from tideflow._src.estimator.specs import EstimatorSpec
from tideflow._src.estimator.updates import is_optimizer, minimize, then_count
from tideflow._src.feature_column.base import checked_columns
from tideflow._src.feature_column.models import input_layer, linear_model
from tideflow._src.graph.default_graph import get_collection
from tideflow._src.layers.core import dense, dropout
from tideflow._src.layers.losses import Reduction
from tideflow._src.layers.normalization import batch_normalization
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.nn.activation import relu
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.initializers import GlorotUniform, Zeros
from tideflow._src.state.variable_collections import trainable_variables
from tideflow._src.state.variable_scope import get_variable, variable_scope
from tideflow._src.summary.graph_summaries import histogram, scalar
from tideflow._src.train.adagrad import AdagradOptimizer
from tideflow._src.train.adam import AdamOptimizer
from tideflow._src.train.ftrl import FtrlOptimizer
from tideflow._src.train.global_step import get_global_step
from tideflow._src.train.gradient_descent import GradientDescentOptimizer
from tideflow._src.train.rmsprop import RMSPropOptimizer

_OPTIMIZERS: dict[str, Any] = {
    "Adagrad": AdagradOptimizer,
    "Adam": AdamOptimizer,
    "Ftrl": FtrlOptimizer,
    "RMSProp": RMSPropOptimizer,
    "SGD": GradientDescentOptimizer,
}
#: What makes the losses of a batch one, in TensorFlow 1.x and since.
_EARLIER, _LATER = Reduction.SUM, "sum_over_batch_size"


def _optimizer(given: Any, rate: float) -> Any:
    """Returns an optimizer that was given by name, by a function, or itself."""
    if isinstance(given, str):
        if given not in _OPTIMIZERS:
            raise ValueError(f"Unsupported optimizer name: {given}. Supported names are: {tuple(sorted(_OPTIMIZERS))}")
        return _OPTIMIZERS[given](learning_rate=rate)
    made = given() if callable(given) and not is_optimizer(given) else given
    if not is_optimizer(made):
        raise ValueError(
            f"The given object is not an Optimizer instance. Given: {made}. Give an optimizer of tf.keras.optimizers "
            "or tf.compat.v1.train, a name, or a function that makes one."
        )
    return made


def _linear_rate(columns: Sequence[Any], most: float) -> float:
    return min(most, 1.0 / math.sqrt(len(columns)))


def _columns(given: Any) -> list[Any]:
    return checked_columns(given or [])


def _linear_logits(features: Any, columns: Any, units: int, combiner: str) -> Any:
    logits = linear_model(features, columns, units, combiner)
    bias = [each for each in get_collection(GraphKeys.TRAINABLE_VARIABLES) if each.op.name.endswith("/bias_weights")]
    if bias:
        scalar("bias", bias[-1][0])
    return logits


def _deep_logits(
    features: Any,
    columns: Any,
    hidden_units: Sequence[int],
    units: int,
    activation: Callable[[Any], Any],
    rate: float | None,
    normalized: bool,
    training: bool,
) -> Any:
    with variable_scope("input_from_feature_columns"):
        net = input_layer(features, columns)
    for number, size in enumerate(hidden_units):
        with variable_scope(f"hiddenlayer_{number}") as scope:
            net = dense(net, size, activation, kernel_initializer=GlorotUniform(), name=scope)
            if rate is not None and training:
                net = dropout(net, rate, training=True)
            if normalized:
                net = batch_normalization(net, momentum=0.999, training=training, name=f"batchnorm_{number}")
        _describe(net, scope.name)
    with variable_scope("logits") as scope:
        logits = dense(net, units, kernel_initializer=GlorotUniform(), name=scope)
    _describe(logits, scope.name)
    return logits


def _describe(value: Any, name: str) -> None:
    scalar(f"{name}/fraction_of_zero_values", _fraction_of_zeros(value))
    histogram(f"{name}/activation", value)


def _fraction_of_zeros(value: Any) -> Any:
    zeros = raw.Cast(raw.Equal(value, 0.0), DstT=dtypes.float32)
    return raw.Mean(zeros, list(range(value.shape.rank)), keep_dims=False)


def _step(updates: Sequence[Any]) -> Any:
    """Returns the operation of a step: updates, those of moving averages among them, and then the step's number."""
    return then_count([*updates, *get_collection(GraphKeys.UPDATE_OPS)], get_global_step())


class Canned(Estimator):
    """Is an estimator whose logits are the sum of a linear and of a deep part.

    Args:
      head: makes losses and predictions of logits.
      linear_columns, linear_optimizer, linear_rate, combiner: the linear part; no columns for none.
      deep_columns, deep_optimizer, deep_rate, hidden_units, activation_fn, dropout, batch_norm: the deep part.
      model_dir, config, warm_start_from: as of `Estimator`.
    """

    def __init__(
        self,
        head: Head,
        model_dir: Any,
        config: RunConfig | None,
        warm_start_from: Any,
        linear_columns: Any = None,
        linear_optimizer: Any = "Ftrl",
        linear_rate: float = 0.2,
        combiner: str = "sum",
        deep_columns: Any = None,
        deep_optimizer: Any = "Adagrad",
        deep_rate: float = 0.05,
        hidden_units: Sequence[int] | None = None,
        activation_fn: Callable[[Any], Any] | None = relu,
        dropout: float | None = None,
        batch_norm: bool = False,
    ) -> None:
        linear = _columns(linear_columns) if linear_columns else []
        deep = _columns(deep_columns) if deep_columns else []
        if not linear and not deep:
            raise ValueError("Either linear_feature_columns or dnn_feature_columns must be defined.")
        if deep and not hidden_units:
            raise ValueError("hidden_units must be defined when dnn_feature_columns is specified.")

        def model_fn(features: Any, labels: Any, mode: str) -> EstimatorSpec:
            parts = []
            if deep:
                with variable_scope("dnn"):
                    made = _deep_logits(
                        features,
                        deep,
                        list(hidden_units or ()),
                        head.logits_dimension,
                        activation_fn or (lambda x: x),
                        dropout,
                        batch_norm,
                        mode == "train",
                    )
                parts.append((made, "dnn", deep_optimizer, deep_rate))
            if linear:
                with variable_scope("linear"):
                    made = _linear_logits(features, linear, head.logits_dimension, combiner)
                rate = _linear_rate(linear, linear_rate)
                parts.append((made, "linear", linear_optimizer, rate))
            logits = parts[0][0] if len(parts) == 1 else parts[0][0] + parts[1][0]

            def train_op_fn(loss: Any) -> Any:
                updates = []
                for _, scope, optimizer, rate in parts:
                    variables = trainable_variables(f"{scope}/")
                    updates.append(minimize(_optimizer(optimizer, rate), loss, variables))
                return _step(updates)

            return head.create_estimator_spec(features, mode, logits, labels, train_op_fn=train_op_fn)

        super().__init__(model_fn, model_dir, config, None, warm_start_from)


def _classes(n_classes: int, weight_column: Any, label_vocabulary: Any, reduction: str) -> Head:
    if n_classes == 2:
        return BinaryClassHead(weight_column, None, label_vocabulary, reduction)
    return MultiClassHead(n_classes, weight_column, label_vocabulary, reduction)


def _linear_classifier(reduction: str) -> Any:
    class LinearClassifier(Canned):
        """Classifies by a linear function of features.

        Args:
          feature_columns: the columns of the features.
          model_dir: as of `Estimator`.
          n_classes: how many classes there are.
          weight_column: the name of a feature with weights of examples.
          label_vocabulary: the names of the classes, where labels are names.
          optimizer: one of ``tf.keras.optimizers`` or ``tf.compat.v1.train``, a name, or a function that makes one.
          config: a `RunConfig`.
          warm_start_from: as of `Estimator`.
          loss_reduction: what becomes of the losses of a batch.
          sparse_combiner: what becomes of several categories: ``"sum"``, ``"mean"`` or ``"sqrtn"``.
        """

        def __init__(
            self,
            feature_columns: Any,
            model_dir: Any = None,
            n_classes: int = 2,
            weight_column: Any = None,
            label_vocabulary: Any = None,
            optimizer: Any = "Ftrl",
            config: RunConfig | None = None,
            warm_start_from: Any = None,
            loss_reduction: str = reduction,
            sparse_combiner: str = "sum",
        ) -> None:
            super().__init__(
                _classes(n_classes, weight_column, label_vocabulary, loss_reduction),
                model_dir,
                config,
                warm_start_from,
                linear_columns=feature_columns,
                linear_optimizer=optimizer,
                combiner=sparse_combiner,
            )

    return LinearClassifier


def _linear_regressor(reduction: str) -> Any:
    class LinearRegressor(Canned):
        """Estimates numbers by a linear function of features.

        Args:
          feature_columns: the columns of the features.
          model_dir: as of `Estimator`.
          label_dimension: how many numbers a label is.
          weight_column: the name of a feature with weights of examples.
          optimizer: one of ``tf.keras.optimizers`` or ``tf.compat.v1.train``, a name, or a function that makes one.
          config: a `RunConfig`.
          warm_start_from: as of `Estimator`.
          loss_reduction: what becomes of the losses of a batch.
          sparse_combiner: what becomes of several categories: ``"sum"``, ``"mean"`` or ``"sqrtn"``.
        """

        def __init__(
            self,
            feature_columns: Any,
            model_dir: Any = None,
            label_dimension: int = 1,
            weight_column: Any = None,
            optimizer: Any = "Ftrl",
            config: RunConfig | None = None,
            warm_start_from: Any = None,
            loss_reduction: str = reduction,
            sparse_combiner: str = "sum",
        ) -> None:
            super().__init__(
                RegressionHead(label_dimension, weight_column, loss_reduction),
                model_dir,
                config,
                warm_start_from,
                linear_columns=feature_columns,
                linear_optimizer=optimizer,
                combiner=sparse_combiner,
            )

    return LinearRegressor


def _deep_classifier(reduction: str, rate: float) -> Any:
    class DNNClassifier(Canned):
        """Classifies by layers of neurons.

        Args:
          hidden_units: how many neurons each hidden layer has.
          feature_columns: dense columns of the features.
          model_dir: as of `Estimator`.
          n_classes: how many classes there are.
          weight_column: the name of a feature with weights of examples.
          label_vocabulary: the names of the classes, where labels are names.
          optimizer: one of ``tf.keras.optimizers`` or ``tf.compat.v1.train``, a name, or a function that makes one.
          activation_fn: the activation of hidden layers.
          dropout: the share of neurons that a step of training leaves out.
          config: a `RunConfig`.
          warm_start_from: as of `Estimator`.
          loss_reduction: what becomes of the losses of a batch.
          batch_norm: whether hidden layers are normalized.
        """

        def __init__(
            self,
            hidden_units: Sequence[int],
            feature_columns: Any,
            model_dir: Any = None,
            n_classes: int = 2,
            weight_column: Any = None,
            label_vocabulary: Any = None,
            optimizer: Any = "Adagrad",
            activation_fn: Any = relu,
            dropout: float | None = None,
            config: RunConfig | None = None,
            warm_start_from: Any = None,
            loss_reduction: str = reduction,
            batch_norm: bool = False,
        ) -> None:
            super().__init__(
                _classes(n_classes, weight_column, label_vocabulary, loss_reduction),
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

    return DNNClassifier


def _deep_regressor(reduction: str, rate: float) -> Any:
    class DNNRegressor(Canned):
        """Estimates numbers by layers of neurons.

        Args:
          hidden_units: how many neurons each hidden layer has.
          feature_columns: dense columns of the features.
          model_dir: as of `Estimator`.
          label_dimension: how many numbers a label is.
          weight_column: the name of a feature with weights of examples.
          optimizer: one of ``tf.keras.optimizers`` or ``tf.compat.v1.train``, a name, or a function that makes one.
          activation_fn: the activation of hidden layers.
          dropout: the share of neurons that a step of training leaves out.
          config: a `RunConfig`.
          warm_start_from: as of `Estimator`.
          loss_reduction: what becomes of the losses of a batch.
          batch_norm: whether hidden layers are normalized.
        """

        def __init__(
            self,
            hidden_units: Sequence[int],
            feature_columns: Any,
            model_dir: Any = None,
            label_dimension: int = 1,
            weight_column: Any = None,
            optimizer: Any = "Adagrad",
            activation_fn: Any = relu,
            dropout: float | None = None,
            config: RunConfig | None = None,
            warm_start_from: Any = None,
            loss_reduction: str = reduction,
            batch_norm: bool = False,
        ) -> None:
            super().__init__(
                RegressionHead(label_dimension, weight_column, loss_reduction),
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

    return DNNRegressor


def _combined_classifier(reduction: str, rate: float) -> Any:
    class DNNLinearCombinedClassifier(Canned):
        """Classifies by the sum of a linear function and of layers of neurons: wide and deep.

        Args:
          model_dir: as of `Estimator`.
          linear_feature_columns, linear_optimizer: the columns and the optimizer of the linear part.
          dnn_feature_columns, dnn_optimizer, dnn_hidden_units, dnn_activation_fn, dnn_dropout: those of the deep part.
          n_classes: how many classes there are.
          weight_column: the name of a feature with weights of examples.
          label_vocabulary: the names of the classes, where labels are names.
          config: a `RunConfig`.
          warm_start_from: as of `Estimator`.
          loss_reduction: what becomes of the losses of a batch.
          batch_norm: whether hidden layers are normalized.
          linear_sparse_combiner: what becomes of several categories: ``"sum"``, ``"mean"`` or ``"sqrtn"``.
        """

        def __init__(
            self,
            model_dir: Any = None,
            linear_feature_columns: Any = None,
            linear_optimizer: Any = "Ftrl",
            dnn_feature_columns: Any = None,
            dnn_optimizer: Any = "Adagrad",
            dnn_hidden_units: Sequence[int] | None = None,
            dnn_activation_fn: Any = relu,
            dnn_dropout: float | None = None,
            n_classes: int = 2,
            weight_column: Any = None,
            label_vocabulary: Any = None,
            config: RunConfig | None = None,
            warm_start_from: Any = None,
            loss_reduction: str = reduction,
            batch_norm: bool = False,
            linear_sparse_combiner: str = "sum",
        ) -> None:
            super().__init__(
                _classes(n_classes, weight_column, label_vocabulary, loss_reduction),
                model_dir,
                config,
                warm_start_from,
                linear_columns=linear_feature_columns,
                linear_optimizer=linear_optimizer,
                linear_rate=0.005,
                combiner=linear_sparse_combiner,
                deep_columns=dnn_feature_columns,
                deep_optimizer=dnn_optimizer,
                deep_rate=rate,
                hidden_units=dnn_hidden_units,
                activation_fn=dnn_activation_fn,
                dropout=dnn_dropout,
                batch_norm=batch_norm,
            )

    return DNNLinearCombinedClassifier


def _combined_regressor(reduction: str, rate: float) -> Any:
    class DNNLinearCombinedRegressor(Canned):
        """Estimates numbers by the sum of a linear function and of layers of neurons: wide and deep.

        Args:
          model_dir: as of `Estimator`.
          linear_feature_columns, linear_optimizer: the columns and the optimizer of the linear part.
          dnn_feature_columns, dnn_optimizer, dnn_hidden_units, dnn_activation_fn, dnn_dropout: those of the deep part.
          label_dimension: how many numbers a label is.
          weight_column: the name of a feature with weights of examples.
          config: a `RunConfig`.
          warm_start_from: as of `Estimator`.
          loss_reduction: what becomes of the losses of a batch.
          batch_norm: whether hidden layers are normalized.
          linear_sparse_combiner: what becomes of several categories: ``"sum"``, ``"mean"`` or ``"sqrtn"``.
        """

        def __init__(
            self,
            model_dir: Any = None,
            linear_feature_columns: Any = None,
            linear_optimizer: Any = "Ftrl",
            dnn_feature_columns: Any = None,
            dnn_optimizer: Any = "Adagrad",
            dnn_hidden_units: Sequence[int] | None = None,
            dnn_activation_fn: Any = relu,
            dnn_dropout: float | None = None,
            label_dimension: int = 1,
            weight_column: Any = None,
            config: RunConfig | None = None,
            warm_start_from: Any = None,
            loss_reduction: str = reduction,
            batch_norm: bool = False,
            linear_sparse_combiner: str = "sum",
        ) -> None:
            super().__init__(
                RegressionHead(label_dimension, weight_column, loss_reduction),
                model_dir,
                config,
                warm_start_from,
                linear_columns=linear_feature_columns,
                linear_optimizer=linear_optimizer,
                linear_rate=0.005,
                combiner=linear_sparse_combiner,
                deep_columns=dnn_feature_columns,
                deep_optimizer=dnn_optimizer,
                deep_rate=rate,
                hidden_units=dnn_hidden_units,
                activation_fn=dnn_activation_fn,
                dropout=dnn_dropout,
                batch_norm=batch_norm,
            )

    return DNNLinearCombinedRegressor


class Baseline(Estimator):
    """Is an estimator that ignores features and learns the mean of labels."""

    def __init__(
        self, head: Head, model_dir: Any, optimizer: Any, config: RunConfig | None, warm_start_from: Any = None
    ) -> None:
        def model_fn(features: Any, labels: Any, mode: str) -> EstimatorSpec:
            some = features if not isinstance(features, dict) else next(iter(features.values()))
            batch = (
                raw.Shape(some)[0]
                if not hasattr(some, "dense_shape")
                else raw.Cast(some.dense_shape[0], DstT=dtypes.int32)
            )
            with variable_scope("baseline"):
                bias = get_variable("bias", [head.logits_dimension], initializer=Zeros())
                logits = raw.BroadcastTo(bias, raw.Pack([batch, head.logits_dimension]))

            def train_op_fn(loss: Any) -> Any:
                return minimize(_optimizer(optimizer, 0.3), loss, step=get_global_step())

            return head.create_estimator_spec(features, mode, logits, labels, train_op_fn=train_op_fn)

        super().__init__(model_fn, model_dir, config, None, warm_start_from)


def _baseline_classifier(reduction: str) -> Any:
    class BaselineClassifier(Baseline):
        """Classifies as labels are distributed, whatever the features.

        Args:
          model_dir: as of `Estimator`.
          n_classes: how many classes there are.
          weight_column: the name of a feature with weights of examples.
          label_vocabulary: the names of the classes, where labels are names.
          optimizer: one of ``tf.keras.optimizers`` or ``tf.compat.v1.train``, a name, or a function that makes one.
          config: a `RunConfig`.
          loss_reduction: what becomes of the losses of a batch.
        """

        def __init__(
            self,
            model_dir: Any = None,
            n_classes: int = 2,
            weight_column: Any = None,
            label_vocabulary: Any = None,
            optimizer: Any = "Ftrl",
            config: RunConfig | None = None,
            loss_reduction: str = reduction,
        ) -> None:
            head = _classes(n_classes, weight_column, label_vocabulary, loss_reduction)
            super().__init__(head, model_dir, optimizer, config)

    return BaselineClassifier


def _baseline_regressor(reduction: str) -> Any:
    class BaselineRegressor(Baseline):
        """Estimates the mean of labels, whatever the features.

        Args:
          model_dir: as of `Estimator`.
          label_dimension: how many numbers a label is.
          weight_column: the name of a feature with weights of examples.
          optimizer: one of ``tf.keras.optimizers`` or ``tf.compat.v1.train``, a name, or a function that makes one.
          config: a `RunConfig`.
          loss_reduction: what becomes of the losses of a batch.
        """

        def __init__(
            self,
            model_dir: Any = None,
            label_dimension: int = 1,
            weight_column: Any = None,
            optimizer: Any = "Ftrl",
            config: RunConfig | None = None,
            loss_reduction: str = reduction,
        ) -> None:
            head = RegressionHead(label_dimension, weight_column, loss_reduction)
            super().__init__(head, model_dir, optimizer, config)

    return BaselineRegressor


LinearClassifier, LinearClassifierV1 = _linear_classifier(_LATER), _linear_classifier(_EARLIER)
LinearRegressor, LinearRegressorV1 = _linear_regressor(_LATER), _linear_regressor(_EARLIER)
DNNClassifier, DNNClassifierV1 = _deep_classifier(_LATER, 0.001), _deep_classifier(_EARLIER, 0.05)
DNNRegressor, DNNRegressorV1 = _deep_regressor(_LATER, 0.001), _deep_regressor(_EARLIER, 0.05)
DNNLinearCombinedClassifier = _combined_classifier(_LATER, 0.001)
DNNLinearCombinedClassifierV1 = _combined_classifier(_EARLIER, 0.001)
DNNLinearCombinedRegressor = _combined_regressor(_LATER, 0.001)
DNNLinearCombinedRegressorV1 = _combined_regressor(_EARLIER, 0.001)
BaselineClassifier, BaselineClassifierV1 = _baseline_classifier(_LATER), _baseline_classifier(_EARLIER)
BaselineRegressor, BaselineRegressorV1 = _baseline_regressor(_LATER), _baseline_regressor(_EARLIER)

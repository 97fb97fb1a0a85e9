"""Losses: closed forms, argument orders of three generations, shapes that do not fit, and node names."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.autodiff.tape import GradientTape
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.graph import Graph
from tideflow._src.ops import everything  # noqa: F401
from tideflow._src.ops.array.placeholders import placeholder
from tideflow._src.ops.nn import losses
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.session.session import Session

RANDOM = np.random.default_rng(1)
LOGITS = RANDOM.normal(size=(3, 4))
LABELS = np.array([[0.1, 0.2, 0.3, 0.4], [1, 0, 0, 0], [0, 0.5, 0.5, 0]])
CLASSES = np.array([3, 0, 1])


def log_softmax(x, axis=-1):
    return x - np.log(np.exp(x).sum(axis, keepdims=True))


EXPECTED = -(LABELS * log_softmax(LOGITS)).sum(-1)


def test_cross_entropy_in_every_form() -> None:
    for loss in (
        losses.softmax_cross_entropy_with_logits(LABELS, LOGITS),
        losses.softmax_cross_entropy_with_logits_v1(labels=LABELS, logits=LOGITS),
        losses.softmax_cross_entropy_with_logits_v2(LABELS, LOGITS),
        losses.softmax_cross_entropy_with_logits_v0(LOGITS, LABELS),
    ):
        np.testing.assert_allclose(loss.numpy(), EXPECTED, rtol=1e-12)


def test_cross_entropy_over_another_axis_and_rank() -> None:
    logits, labels = RANDOM.normal(size=(2, 3, 4)), RANDOM.uniform(size=(2, 3, 4))
    for axis in (-1, 1, 0):
        loss = losses.softmax_cross_entropy_with_logits(labels, logits, axis)
        np.testing.assert_allclose(loss.numpy(), -(labels * log_softmax(logits, axis)).sum(axis), rtol=1e-12)


def test_half_precision_is_computed_in_single() -> None:
    loss = losses.softmax_cross_entropy_with_logits(LABELS.astype(np.float16), LOGITS.astype(np.float16))
    assert loss.dtype.name == "float16"
    np.testing.assert_allclose(loss.numpy(), EXPECTED, rtol=2e-3)


def test_only_version_one_stops_gradients_of_labels() -> None:
    labels, logits = convert_to_tensor(LABELS), convert_to_tensor(LOGITS)
    for function, reaches in (
        (losses.softmax_cross_entropy_with_logits, True),
        (losses.softmax_cross_entropy_with_logits_v1, False),
    ):
        with GradientTape() as tape:
            tape.watch([labels, logits])
            loss = function(labels=labels, logits=logits)
        of_labels, of_logits = tape.gradient(loss, [labels, logits])
        assert (of_labels is not None) is reaches
        np.testing.assert_allclose(of_logits.numpy(), np.exp(log_softmax(LOGITS)) - LABELS, rtol=1e-9, atol=1e-12)


def test_sparse_cross_entropy() -> None:
    expected = -log_softmax(LOGITS)[np.arange(3), CLASSES]
    for loss in (
        losses.sparse_softmax_cross_entropy_with_logits(CLASSES, LOGITS),
        losses.sparse_softmax_cross_entropy_with_logits_v0(LOGITS, CLASSES),
    ):
        np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-12)
    folded = losses.sparse_softmax_cross_entropy_with_logits([CLASSES], [LOGITS])
    np.testing.assert_allclose(folded.numpy(), [expected], rtol=1e-12)


def test_sparse_cross_entropy_refuses() -> None:
    with pytest.raises(InvalidArgumentError, match=r"label value of 4 .* \[0, 4\)"):
        losses.sparse_softmax_cross_entropy_with_logits([0, 1, 4], LOGITS)
    with pytest.raises(ValueError, match="rank"):
        losses.sparse_softmax_cross_entropy_with_logits([[0, 1, 2]], LOGITS)
    with pytest.raises(ValueError, match="must be provided"):
        losses.sparse_softmax_cross_entropy_with_logits_v1(logits=LOGITS)


@pytest.mark.parametrize("tier", ["host", "xla"])
def test_a_wrong_label_is_an_error_on_both_tiers(tier, monkeypatch) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    with Graph().as_default():
        labels = placeholder("int64", [None])
        loss = losses.sparse_softmax_cross_entropy_with_logits(labels, np.float32(LOGITS))
        with Session() as session:
            session.run(loss, {labels: CLASSES})
            with pytest.raises(InvalidArgumentError, match="outside the valid range"):
                session.run(loss, {labels: [0, 9, 1]})


def test_sigmoid_losses() -> None:
    sigmoid = 1 / (1 + np.exp(-LOGITS))
    expected = -LABELS * np.log(sigmoid) - (1 - LABELS) * np.log(1 - sigmoid)
    np.testing.assert_allclose(losses.sigmoid_cross_entropy_with_logits(LABELS, LOGITS).numpy(), expected, rtol=1e-9)
    np.testing.assert_allclose(losses.sigmoid_cross_entropy_with_logits_v0(LOGITS, LABELS).numpy(), expected, rtol=1e-9)
    weighted = -3 * LABELS * np.log(sigmoid) - (1 - LABELS) * np.log(1 - sigmoid)
    np.testing.assert_allclose(
        losses.weighted_cross_entropy_with_logits(LABELS, LOGITS, 3.0).numpy(), weighted, rtol=1e-9
    )
    with pytest.raises(ValueError, match="same shape"):
        losses.sigmoid_cross_entropy_with_logits(LABELS[:2], LOGITS)


def test_names_of_nodes() -> None:
    with Graph().as_default() as graph:
        logits = placeholder("float32", [3, 4], name="logits")
        labels = placeholder("float32", [3, 4], name="labels")
        loss = losses.softmax_cross_entropy_with_logits_v2(labels, logits)
        assert loss.op.name == "softmax_cross_entropy_with_logits/Reshape_2"
        node = graph.get_operation_by_name("softmax_cross_entropy_with_logits")
        assert node.type == "SoftmaxCrossEntropyWithLogits"
        assert loss.shape.as_list() == [3]

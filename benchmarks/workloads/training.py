"""The steps of training workloads, which are the same whatever is trained: a batch in, the loss out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from harness.workload import Step

Inputs = Iterator[tuple[Any, ...]]


def session_step(session: Any, train: Any, loss: Any, placeholders: tuple[Any, Any], data: Inputs) -> Step:
    """Returns a step that runs the operation ``train`` of TensorFlow 1 and fetches the loss."""
    images, labels = placeholders

    def step() -> Any:
        image_batch, label_batch = next(data)
        return session.run([train, loss], feed_dict={images: image_batch, labels: label_batch})[1]

    return step


def torch_step(torch: Any, network: Any, optimizer: Any, data: Inputs) -> Step:
    """Returns a step of PyTorch that classifies images."""

    def step() -> Any:
        image_batch, label_batch = next(data)
        optimizer.zero_grad()
        logits = network(torch.from_numpy(image_batch))
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(label_batch))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def jax_step(train: Callable[..., tuple[Any, Any]], state: Any, data: Inputs) -> Step:
    """Returns a step of JAX: ``train`` takes the state and a batch, and gives the next state and the loss."""

    def step() -> Any:
        nonlocal state
        state, loss = train(state, *next(data))
        return np.asarray(loss)

    return step

"""The losses that a layer adds, and the operations that it wants to run with each step of training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tideflow._src.core import context, nest
from tideflow._src.core.tensor import SymbolicTensor, Tensor
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.variable import Variable


class LossesAndUpdates:
    """Is the part of a layer that keeps its losses and updates, and tells which depend on which inputs."""

    trainable: bool
    stateful: bool
    #: Each with whether it depends on no input.
    _losses: list[tuple[Any, bool]]
    _updates: list[tuple[Any, bool]]

    def _nested(self) -> Iterable[Any]:
        """Returns the layers that this one holds."""
        return ()

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Adds losses that the layer wants to be minimized.

        Args:
          losses: tensors, or functions without arguments that return them.
          inputs: the inputs that they depend on, or None if they depend on none.
        """
        if not isinstance(losses, list | tuple):
            losses = [losses]
        unconditional = inputs is None
        if context.current_graph() is None:
            self._losses.extend((loss, unconditional) for loss in losses if callable(loss))
            return
        found = [loss() if callable(loss) and not isinstance(loss, Tensor) else loss for loss in losses]
        self._add_losses([convert_to_tensor(loss) for loss in found if loss is not None], unconditional)

    def _add_losses(self, losses: list[Any], unconditional: bool) -> None:
        self._losses.extend((loss, unconditional) for loss in losses)
        add_new(context.current_graph(), GraphKeys.REGULARIZATION_LOSSES, losses)

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Adds operations to run with each step of training, such as those of running averages.

        Args:
          updates: operations or tensors.
          inputs: the inputs that they depend on, or None if they depend on none.
        """
        if context.current_graph() is None:
            return
        for update in updates if isinstance(updates, list | tuple) else [updates]:
            made = update() if callable(update) and not isinstance(update, Tensor | Variable) else update
            operation = made if isinstance(made, Operation) else getattr(made, "op", None)
            if operation is not None:
                self._updates.append((operation, inputs is None))

    @property
    def losses(self) -> list[Any]:
        """The losses of this layer and of the layers that it holds."""
        made = [loss() if callable(loss) and not isinstance(loss, Tensor) else loss for loss, _ in self._losses]
        found = [loss for loss in made if loss is not None]
        for layer in self._nested():
            found.extend(layer.losses)
        return found

    @property
    def updates(self) -> list[Any]:
        """The operations to run with each step of training."""
        if not self.trainable and not self.stateful:
            return []
        found = [update for update, _ in self._updates]
        for layer in self._nested():
            found.extend(layer.updates)
        return found

    def get_losses_for(self, inputs: Any) -> list[Any]:
        """Returns the losses that depend on ``inputs``, or those that depend on none if ``inputs`` is None."""
        return _for_inputs(self._losses, inputs)

    def get_updates_for(self, inputs: Any) -> list[Any]:
        """Returns the updates that depend on ``inputs``, or those that depend on none if ``inputs`` is None."""
        if not self.trainable and not self.stateful:
            return []
        return _for_inputs(self._updates, inputs)


def add_new(graph: Any, collection: str, items: Iterable[Any]) -> None:
    """Adds to a collection what it does not hold yet."""
    kept = graph.get_collection_ref(collection)
    known = {id(item) for item in kept}
    for item in items:
        if id(item) not in known:
            known.add(id(item))
            kept.append(item)


def _for_inputs(entries: Sequence[tuple[Any, bool]], inputs: Any) -> list[Any]:
    if inputs is None:
        return [item for item, unconditional in entries if unconditional]
    wanted = {id(item) for item in nest.flatten(inputs)}
    return [item for item, unconditional in entries if not unconditional and _depends(item, wanted)]


def _depends(item: Any, wanted: set[int]) -> bool:
    waiting = [item if isinstance(item, Operation) else getattr(item, "op", None)]
    seen: set[int] = set()
    while waiting:
        operation = waiting.pop()
        if operation is None or id(operation) in seen:
            continue
        seen.add(id(operation))
        for tensor in operation.inputs:
            if id(tensor) in wanted:
                return True
            if isinstance(tensor, SymbolicTensor):
                waiting.append(tensor.op)
        waiting.extend(operation.control_inputs)
    return isinstance(item, SymbolicTensor) and id(item) in wanted

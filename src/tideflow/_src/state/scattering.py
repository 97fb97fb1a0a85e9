"""The methods of variables that update some of their rows, elements or slices."""

from __future__ import annotations

from typing import Any

from tideflow._src.state import assignment


class Scattering:
    """Adds the scatter methods to a kind of variable, which says how one update is made.

    Those that take ``sparse_delta`` work on the rows that its indices name, with its values, and return the variable
    after the update. Rows named more than once are updated more than once. ``use_locking`` is kept for TensorFlow's
    signature.
    """

    def _scatter(self, kind: str, sparse_delta: Any, use_locking: bool, name: str | None) -> Any:
        """Combines rows with ``IndexedSlices``."""
        raise TypeError(f"{type(self).__name__} does not say how rows are updated.")

    def _scatter_nd(self, kind: str, indices: Any, updates: Any, name: str | None) -> Any:
        """Combines the elements or slices that vectors of indices name with updates."""
        raise TypeError(f"{type(self).__name__} does not say how elements are updated.")

    def scatter_sub(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Subtracts ``sparse_delta`` from rows."""
        assignment.check_slices(sparse_delta)
        return self._scatter("Sub", sparse_delta, use_locking, name)

    def scatter_add(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Adds ``sparse_delta`` to rows."""
        assignment.check_slices(sparse_delta)
        return self._scatter("Add", sparse_delta, use_locking, name)

    def scatter_max(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Takes the larger of rows and ``sparse_delta``."""
        assignment.check_slices(sparse_delta)
        return self._scatter("Max", sparse_delta, use_locking, name)

    def scatter_min(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Takes the smaller of rows and ``sparse_delta``."""
        assignment.check_slices(sparse_delta)
        return self._scatter("Min", sparse_delta, use_locking, name)

    def scatter_mul(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Multiplies rows by ``sparse_delta``."""
        assignment.check_slices(sparse_delta)
        return self._scatter("Mul", sparse_delta, use_locking, name)

    def scatter_div(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Divides rows by ``sparse_delta``."""
        assignment.check_slices(sparse_delta)
        return self._scatter("Div", sparse_delta, use_locking, name)

    def scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Replaces rows by ``sparse_delta``."""
        assignment.check_slices(sparse_delta)
        return self._scatter("Update", sparse_delta, use_locking, name)

    def batch_scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Replaces rows of each batch by ``sparse_delta``; see :func:`.assignment.batch_scatter_update`."""
        assignment.check_slices(sparse_delta)
        return assignment.batch_scatter_update(
            self, sparse_delta.indices, sparse_delta.values, use_locking=use_locking, name=name
        )

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Subtracts ``updates`` from the elements or slices that ``indices`` names."""
        return self._scatter_nd("Sub", indices, updates, name)

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Adds ``updates`` to the elements or slices that ``indices`` names."""
        return self._scatter_nd("Add", indices, updates, name)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Replaces the elements or slices that ``indices`` names by ``updates``."""
        return self._scatter_nd("Update", indices, updates, name)

    def scatter_nd_max(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Takes the larger of ``updates`` and the elements or slices that ``indices`` names."""
        return self._scatter_nd("Max", indices, updates, name)

    def scatter_nd_min(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Takes the smaller of ``updates`` and the elements or slices that ``indices`` names."""
        return self._scatter_nd("Min", indices, updates, name)

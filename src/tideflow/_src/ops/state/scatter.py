"""Updates some rows or elements of a variable: scatter operations, by reference and by resource handle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.types import INDEX, NUMBER
from tideflow._src.ops.array.row_sums import add_rows
from tideflow._src.runtime.checks import require, unless_failed
from tideflow._src.runtime.op import op
from tideflow._src.runtime.rollback import keep_rows

Update = Callable[[Any, Any, Any], Any]


def check_indices(xp: Any, indices: Any, size: int, name: str = "indices") -> None:
    """Rejects indices outside ``[0, size)``; the message names the first one."""
    if xp is np:
        bad = (indices < 0) | (indices >= size)
        if bad.any():
            position = tuple(int(item) for item in np.argwhere(bad)[0])
            raise InvalidArgumentError(
                None,
                None,
                f"{name}{list(position) if position else ''} = {int(np.asarray(indices)[position])} is not "
                "in "
                f"[0, {size})",
            )
    else:
        require(xp.all((indices >= 0) & (indices < size)), f"{name} is not in [0, {size})")


# What is done to the elements: on NumPy, in place; on JAX, by its functional updates, which drop what lies outside.


def _divide_in_place(target: Any, where: Any, updates: Any) -> None:
    if target.dtype.kind not in "iu":
        np.divide.at(target, where, updates)
        return
    if not np.all(updates):
        raise InvalidArgumentError(None, None, "updates must not contain 0")
    places = np.broadcast_to(np.arange(target.size).reshape(target.shape)[where], np.shape(updates))
    flat = target.reshape(-1)
    for place, divisor in zip(places.reshape(-1), np.asarray(updates).reshape(-1), strict=True):
        quotient = abs(int(flat[place])) // abs(int(divisor))
        flat[place] = quotient if (flat[place] < 0) == (divisor < 0) else -quotient


def _set_in_place(target: Any, where: Any, updates: Any) -> None:
    target[where] = updates


def _add_in_place(target: Any, where: Any, updates: Any) -> None:
    if isinstance(where, np.ndarray) and where.ndim and updates.shape == (*where.shape, *target.shape[1:]):
        add_rows(target, where.reshape(-1), updates.reshape(-1, *target.shape[1:]))
    else:
        np.add.at(target, where, updates)


def _subtract_in_place(target: Any, where: Any, updates: Any) -> None:
    _add_in_place(target, where, np.negative(updates))


def _by_ufunc(ufunc: Any) -> Update:
    def update(target: Any, where: Any, updates: Any) -> None:
        ufunc.at(target, where, updates)

    return update


_IN_PLACE: dict[str, Update] = {
    "Update": _set_in_place,
    "Add": _add_in_place,
    "Sub": _subtract_in_place,
    "Mul": _by_ufunc(np.multiply),
    "Div": _divide_in_place,
    "Min": _by_ufunc(np.minimum),
    "Max": _by_ufunc(np.maximum),
}
_FUNCTIONAL: dict[str, Update] = {
    "Update": lambda target, where, updates: target.at[where].set(updates),
    "Add": lambda target, where, updates: target.at[where].add(updates),
    "Sub": lambda target, where, updates: target.at[where].add(-updates),
    "Mul": lambda target, where, updates: target.at[where].multiply(updates),
    "Div": lambda target, where, updates: target.at[where].divide(updates),
    "Min": lambda target, where, updates: target.at[where].min(updates),
    "Max": lambda target, where, updates: target.at[where].max(updates),
}


def apply(xp: Any, kind: str, target: Any, where: Any, updates: Any) -> Any:
    """Returns ``target`` with the elements ``where`` combined with ``updates``."""
    if xp is np:
        keep_rows(target, where)
        _IN_PLACE[kind](target, where, updates)
        return target
    divides_integers = kind == "Div" and target.dtype.kind in "iu"
    if divides_integers:
        require(xp.all(updates != 0), "updates must not contain 0")
    if isinstance(where, tuple):
        where = (unless_failed(where[0], target.shape[0]), *where[1:])
    else:
        where = unless_failed(where, target.shape[0])
    if divides_integers:
        return _divide_integers(xp, target, where, updates)
    return _FUNCTIONAL[kind](target, where, updates)


def _divide_integers(xp: Any, target: Any, where: Any, updates: Any) -> Any:
    """Divides integers, truncating at each of repeated indices, as a loop over the updates would."""
    from tideflow._src.runtime.lazy import lax  # loads JAX

    places = xp.arange(target.size).reshape(target.shape)[where]
    places, divisors = (item.reshape(-1) for item in xp.broadcast_arrays(places, updates))

    def divide(index: Any, flat: Any) -> Any:
        place = places[index]
        return flat.at[place].set(lax.div(flat[place], divisors[index]))

    return lax.fori_loop(0, places.size, divide, target.reshape(-1)).reshape(target.shape)


# Whole rows.


def _rows(kind: str) -> Callable[..., Any]:
    def scatter(xp: Any, ref: Any, indices: Any, updates: Any) -> Any:
        if not np.ndim(ref):
            raise InvalidArgumentError(
                None,
                None,
                "Scatter needs a variable of rank 1 or more, got shape [].",
            )
        expected = (*np.shape(indices), *np.shape(ref)[1:])
        if np.ndim(updates) and np.shape(updates) != expected:
            raise InvalidArgumentError(
                None,
                None,
                f"The shape of updates {list(np.shape(updates))} must be that of indices "
                f"{list(np.shape(indices))} followed by that of a row of the variable "
                f"{list(np.shape(ref)[1:])}",
            )
        check_indices(xp, indices, np.shape(ref)[0])
        return apply(xp, kind, ref, indices, updates)

    return scatter


def _rows_shape(ref: Any, indices: Any, updates: Any) -> Any:
    if ref is not None and not ref:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    if ref is not None and indices is not None and updates:
        expected = (*indices, *ref[1:])
        if len(updates) != len(expected):
            raise ValueError(f"Shapes must be equal rank, but are {len(updates)} and {len(expected)}")
        for index, (have, want) in enumerate(zip(updates, expected, strict=True)):
            if have is not None and want is not None and have != want:
                raise ValueError(
                    f"Dimension {index} in both shapes must be equal, but are {have} and {want}: updates "
                    "must have "
                    "the shape of indices followed by that of a row"
                )
    return ref


def _rows_samples(kind: str, holder: str) -> Callable[..., Any]:
    types = "T" if holder == "reference" else "dtype"

    def samples(s: Any) -> Any:
        hold = getattr(s, holder)
        for dtype in s.dtypes(types):
            if dtype.name == "bool" and kind != "Update":
                continue
            draw = s.positive if kind == "Div" else s.array
            if dtype.name.startswith("complex") and kind in ("Min", "Max", "Div"):
                continue
            yield s(hold(draw((4, 2), dtype)), np.array([2, 0], np.int32), draw((2, 2), dtype))
        variable = hold(s.normal(4, 2))
        if kind not in ("Update",):
            yield s(variable, np.array([[2, 2], [0, 1]], np.int64), s.positive((2, 2, 2)))
        yield s(hold(s.normal(4, 2)), np.array([1, 3], np.int32), np.float32(0.5))
        yield s(hold(s.normal(4, 2)), np.zeros((0,), np.int32), s.empty(0, 2))
        yield s(hold(s.normal(4)), np.int32(2), np.float32(2.0))
        yield s(hold(s.normal(4)), np.array([4], np.int32), s.normal(1), error="InvalidArgumentError")
        yield s(hold(s.normal(4)), np.array([-1], np.int32), s.normal(1), error="InvalidArgumentError")
        if kind == "Div":
            yield s(
                hold(np.array([7, -7, 7], np.int32)),
                np.array([0, 1, 0], np.int32),
                np.array([2, 2, -2], np.int32),
            )
            zero = np.array([0], np.int32)
            yield s(hold(np.array([7], np.int32)), zero, zero, error="InvalidArgumentError")

    return samples


def _checked_rows(resource: Any, indices: Any, updates: Any) -> Any:
    _rows_shape(resource, indices, updates)
    return []


def _checked_elements(ref: Any, indices: Any, updates: Any) -> Any:
    _elements_shape(ref, indices, updates)
    return []


_ORDERED = ("half", "bfloat16", "float", "double", "int32", "int64")


def _define_rows(kind: str) -> tuple[Any, Any]:
    """Defines the two operations of one kind: ScatterAdd and ResourceScatterAdd."""
    rows = _rows(kind)
    locking = kind == "Update"
    of_reference: dict[str, Any] = {"T": _ORDERED if kind in ("Min", "Max") else NUMBER}
    of_resource: dict[str, Any] = {"dtype": NUMBER}

    if locking:
        of_reference, of_resource = {}, {}

    def by_reference(xp: Any, ref: Any, indices: Any, updates: Any, *, use_locking: bool = locking) -> Any:
        """Combines rows of a reference variable with updates."""
        return rows(xp, ref, indices, updates)

    def by_resource(xp: Any, resource: Any, indices: Any, updates: Any) -> Any:
        """Combines rows of a variable with updates."""
        return rows(xp, resource, indices, updates)

    reference = op(
        f"Scatter{kind}",
        "ref: Ref(T), indices: Tindices, updates: T -> output_ref: Ref(T)",
        Tindices=INDEX,
        updates=("ref",),
        in_place=True,
        differentiable=False,
        **of_reference,
    )(by_reference)
    resource = op(
        f"ResourceScatter{kind}",
        "resource: resource, indices: Tindices, updates: dtype ->",
        Tindices=INDEX,
        updates=("resource",),
        in_place=True,
        stateful=True,
        differentiable=False,
        **of_resource,
    )(by_resource)
    reference.shape(_rows_shape)
    resource.shape(_checked_rows)
    reference.samples(_rows_samples(kind, "reference"))
    resource.samples(_rows_samples(kind, "variable"))
    return reference, resource


scatter_update_op, resource_scatter_update_op = _define_rows("Update")
scatter_add_op, resource_scatter_add_op = _define_rows("Add")
scatter_sub_op, resource_scatter_sub_op = _define_rows("Sub")
scatter_mul_op, resource_scatter_mul_op = _define_rows("Mul")
scatter_div_op, resource_scatter_div_op = _define_rows("Div")
scatter_min_op, resource_scatter_min_op = _define_rows("Min")
scatter_max_op, resource_scatter_max_op = _define_rows("Max")


# Elements and slices named by vectors of indices.


def _elements(xp: Any, kind: str, ref: Any, indices: Any, updates: Any, policy: str) -> Any:
    shape = np.shape(ref)
    if not np.ndim(indices):
        raise InvalidArgumentError(None, None, "indices must be of rank 1 or more, got shape [].")
    *batch, depth = np.shape(indices)
    if depth > len(shape):
        raise InvalidArgumentError(
            None,
            None,
            f"Index innermost dimension length must be <= the variable's rank: {depth} vs. {len(shape)}",
        )
    expected = (*batch, *shape[depth:])
    if np.shape(updates) != expected:
        raise InvalidArgumentError(
            None,
            None,
            f"Dimensions of indices[shape={list(np.shape(indices))}] and of updates[shape="
            f"{list(np.shape(updates))}] do not fit a variable of shape {list(shape)}: updates must have "
            "shape "
            f"{list(expected)}",
        )
    if not depth:
        raise InvalidArgumentError(
            None,
            None,
            f"Indices and updates specified for empty output. indices shape: {list(np.shape(indices))}",
        )
    limits = xp.asarray(np.array(shape[:depth], indices.dtype))
    good = xp.all((indices >= 0) & (indices < limits), axis=-1)
    if policy == "IGNORE":
        if xp is np:
            indices, updates = indices[good], updates[good]
        else:
            indices = xp.where(good[..., None], indices, limits)  # JAX drops what lies outside
    elif xp is np:
        if not good.all():
            position = tuple(int(item) for item in np.argwhere(~good)[0])
            raise InvalidArgumentError(
                None,
                None,
                f"indices{list(position) if position else ''} = {indices[position].tolist()} does not index "
                "into "
                f"shape {list(shape)}",
            )
    else:
        require(xp.all(good), f"indices do not index into shape {list(shape)}")
    where = tuple(indices[..., axis] for axis in range(depth))
    return apply(xp, kind, ref, where, updates)


def _elements_shape(ref: Any, indices: Any, updates: Any) -> Any:
    if ref is not None and indices and updates is not None and indices[-1] is not None:
        expected = (*indices[:-1], *ref[indices[-1] :])
        if len(expected) != len(updates) or any(
            have is not None and want is not None and have != want for have, want in zip(updates, expected, strict=True)
        ):
            raise ValueError(
                f"Dimensions of updates {list(updates)} must match {list(expected)}: the batch of indices, "
                "then what "
                "is left of the variable's shape"
            )
    return ref


def _elements_samples(kind: str, holder: str) -> Callable[..., Any]:
    def samples(s: Any) -> Any:
        hold = getattr(s, holder)
        for dtype in ("float32", "float64", "int32", "int64"):
            yield s(hold(s.array((4, 2), dtype)), np.array([[2, 0], [3, 1]], np.int32), s.array((2,), dtype))
        yield s(hold(s.normal(4, 2)), np.array([[2], [0]], np.int64), s.normal(2, 2))
        yield s(hold(s.normal(4)), np.array([[4]], np.int32), s.normal(1), error="InvalidArgumentError")
        if kind != "Update":
            yield s(hold(s.normal(4)), np.array([[1], [1]], np.int32), s.normal(2))

    return samples


def _define_elements(kind: str) -> tuple[Any, Any]:
    """Defines the two operations of one kind: ScatterNdAdd and ResourceScatterNdAdd."""
    locking = kind == "Update"

    def by_reference(
        xp: Any,
        ref: Any,
        indices: Any,
        updates: Any,
        *,
        use_locking: bool = locking,
        bad_indices_policy: str = "",
    ) -> Any:
        """Combines elements of a reference variable with updates."""
        return _elements(xp, kind, ref, indices, updates, bad_indices_policy)

    def by_resource(
        xp: Any,
        ref: Any,
        indices: Any,
        updates: Any,
        *,
        use_locking: bool = True,
        bad_indices_policy: str = "",
    ) -> Any:
        """Combines elements of a variable with updates."""
        return _elements(xp, kind, ref, indices, updates, bad_indices_policy)

    constraint: dict[str, Any] = {} if locking else {"T": NUMBER}
    reference = op(
        f"ScatterNd{kind}",
        "ref: Ref(T), indices: Tindices, updates: T -> output_ref: Ref(T)",
        Tindices=INDEX,
        updates=("ref",),
        in_place=True,
        differentiable=False,
        **constraint,
    )(by_reference)
    resource = op(
        f"ResourceScatterNd{kind}",
        "ref: resource, indices: Tindices, updates: T ->",
        Tindices=INDEX,
        updates=("ref",),
        in_place=True,
        stateful=True,
        differentiable=False,
    )(by_resource)
    reference.shape(_elements_shape)
    resource.shape(_checked_elements)
    reference.samples(_elements_samples(kind, "reference"))
    resource.samples(_elements_samples(kind, "variable"))
    return reference, resource


scatter_nd_update_op, resource_scatter_nd_update_op = _define_elements("Update")
scatter_nd_add_op, resource_scatter_nd_add_op = _define_elements("Add")
scatter_nd_sub_op, resource_scatter_nd_sub_op = _define_elements("Sub")
scatter_nd_max_op, resource_scatter_nd_max_op = _define_elements("Max")
scatter_nd_min_op, resource_scatter_nd_min_op = _define_elements("Min")

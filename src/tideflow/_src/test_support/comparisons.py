"""Asserts on arrays and numbers: equality, closeness, ranges."""

from __future__ import annotations

import collections.abc
from typing import Any

import numpy as np
from absl.testing import absltest

from tideflow._src.core import dtypes
from tideflow._src.core.device import canonical_name
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape

#: How many offending elements a message lists.
_MOST_SUBSCRIPTS = 10


class Comparisons(absltest.TestCase):
    """Is a test case that knows how to compare arrays; whoever inherits says how tensors are evaluated."""

    def evaluate(self, tensors: Any) -> Any:
        """Returns the values of tensors, or of a structure of them."""
        raise NotImplementedError

    def _GetNdArray(self, value: Any) -> Any:
        """Returns a value, of a tensor or anything else, as an array."""
        if isinstance(value, Tensor) or hasattr(value, "handle"):
            value = self.evaluate(value)
        if not isinstance(value, np.ndarray):
            try:
                value = np.array(value)
            except ValueError:  # of unequal lengths
                value = np.array(value, dtype=object)
        if value.dtype.kind == "U":
            value = np.char.encode(value, "utf-8").astype(object)
        elif value.dtype.kind == "S":
            value = value.astype(object)
        return value

    def _evaluated(self, a: Any, b: Any) -> tuple[Any, Any]:
        if isinstance(a, Tensor) and isinstance(b, Tensor):
            values = self.evaluate([a, b])
            return values[0], values[1]
        return a, b

    def evaluate_if_both_tensors(self, a: Any, b: Any) -> tuple[Any, Any]:
        """Returns the values of two tensors, evaluated together; anything else as it is."""
        return self._evaluated(a, b)

    # Numbers.

    def assertNear(self, f1: Any, f2: Any, err: float, msg: str | None = None) -> None:
        """Asserts that two numbers differ by at most ``err``."""
        suffix = f" ({msg})" if msg is not None else ""
        self.assertTrue(
            bool(f1 == f2 or np.fabs(f1 - f2) <= err),
            f"{f1:f} != {f2:f} +/- {err:f} (difference: {np.fabs(f1 - f2):g}){suffix}",
        )

    def assertArrayNear(self, farray1: Any, farray2: Any, err: float, msg: str | None = None) -> None:
        """Asserts that the elements of two lists of equal length differ by at most ``err``."""
        self.assertEqual(len(farray1), len(farray2), msg=msg)
        for first, second in zip(farray1, farray2, strict=True):
            self.assertNear(float(first), float(second), err, msg=msg)

    def assertNDArrayNear(self, ndarray1: Any, ndarray2: Any, err: float, msg: str | None = None) -> None:
        """Asserts that the norm of the difference of two arrays is below ``err``."""
        distance = np.linalg.norm(np.subtract(self._GetNdArray(ndarray1), self._GetNdArray(ndarray2)))
        message = f"The norm of the difference is {distance}, not below {err}."
        self.assertTrue(bool(distance < err), message if msg is None else f"{msg}: {message}")

    # Arrays.

    def assertAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None) -> None:
        """Asserts that two structures of numbers, arrays or tensors are near: ``|a - b| <= atol + rtol * |b|``.

        Args:
          a: what a test computed: an array, a tensor, or a structure (lists, dicts, named tuples) of them.
          b: what is expected, in the same structure.
          rtol: the relative tolerance.
          atol: the absolute tolerance.
          msg: what the failure says beside the values.
        """
        self._close(a, b, rtol, atol, [], msg)

    def _close(self, a: Any, b: Any, rtol: float, atol: float, path: list[Any], msg: str | None) -> None:
        where = "".join(f"[{part}]" for part in path)
        suffix = "" if msg is None else str(msg)
        if hasattr(a, "_asdict"):
            a = a._asdict()
        if hasattr(b, "_asdict"):
            b = b._asdict()
        a, b = _parts(a), _parts(b)
        a_is_dict = isinstance(a, collections.abc.Mapping)
        if a_is_dict != isinstance(b, collections.abc.Mapping):
            raise ValueError(f"Can't compare dict to non-dict, a{where} vs b{where}. {suffix}")
        if a_is_dict:
            self.assertCountEqual(
                a.keys(), b.keys(), msg=f"mismatched keys: a{where} has keys {a.keys()}, but b{where} has keys "
                f"{b.keys()}. {suffix}",
            )  # fmt: skip
            for key in a:
                self._close(a[key], b[key], rtol, atol, [*path, key], msg)
            return
        if isinstance(a, list | tuple):
            try:
                first, second = self._evaluated(self._GetNdArray(a), self._GetNdArray(b))
                regular = first.dtype != object and second.dtype != object
            except (TypeError, ValueError):
                regular = False
            if not regular:
                self.assertEqual(
                    len(a), len(b), msg=f"Mismatched length: a{where} has {len(a)} items, but b{where} has {len(b)} "
                    f"items. {suffix}",
                )  # fmt: skip
                for index, (one, two) in enumerate(zip(a, b, strict=True)):
                    self._close(one, two, rtol, atol, [*path, str(index)], msg)
                return
        try:
            self._arrays_close(a, b, rtol, atol, f"Mismatched value: a{where} is different from b{where}. {suffix}")
        except TypeError as error:
            raise TypeError(f"Error: a{where} has {type(a)}, but b{where} has {type(b)}. {error}") from error

    def _arrays_close(self, a: Any, b: Any, rtol: float, atol: float, msg: str) -> None:
        a, b = self._evaluated(a, b)
        a, b = self._GetNdArray(a), self._GetNdArray(b)
        self.assertEqual(a.shape, b.shape, f"Shape mismatch: expected {a.shape}, got {b.shape} with contents {b}.")
        a, b = _widened(a), _widened(b)
        close = np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
        if np.all(close):
            return
        wrong = np.logical_not(close)
        if a.ndim:
            where = np.where(wrong)
            x, y, places = a[where], b[where], f"not close where = {where}\n"
        else:
            x, y, places = a, b, ""
        raise AssertionError(
            f"\nNot equal to tolerance rtol={rtol:g}, atol={atol:g}\n{msg}\n{places}not close lhs = {x}\n"
            f"not close rhs = {y}\nnot close dif = {np.abs(x - y)}\nnot close tol = {atol + rtol * np.abs(y)}\n"
            f"dtype = {a.dtype}, shape = {a.shape}\nMismatched elements: {int(wrong.sum())} / {wrong.size}"
        )

    def assertNotAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None) -> None:
        """Asserts that two structures are not near everywhere."""
        try:
            self.assertAllClose(a, b, rtol=rtol, atol=atol, msg=msg)
        except AssertionError:
            return
        raise AssertionError(f"The two values are close at all elements. {msg or ''}")

    def assertAllCloseAccordingToType(
        self,
        a: Any,
        b: Any,
        rtol: float = 1e-6,
        atol: float = 1e-6,
        float_rtol: float = 1e-6,
        float_atol: float = 1e-6,
        half_rtol: float = 1e-3,
        half_atol: float = 1e-3,
        bfloat16_rtol: float = 1e-2,
        bfloat16_atol: float = 1e-2,
        msg: str | None = None,
    ) -> None:
        """Asserts closeness with tolerances for the less precise of the two dtypes."""
        a, b = self._evaluated(a, b)
        a, b = self._GetNdArray(a), self._GetNdArray(b)
        names = {a.dtype.name, b.dtype.name}
        if names & {"float32", "complex64"}:
            rtol, atol = max(rtol, float_rtol), max(atol, float_atol)
        if "float16" in names:
            rtol, atol = max(rtol, half_rtol), max(atol, half_atol)
        if "bfloat16" in names:
            rtol, atol = max(rtol, bfloat16_rtol), max(atol, bfloat16_atol)
        self.assertAllClose(a, b, rtol=rtol, atol=atol, msg=msg)

    def assertAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Asserts that two arrays or tensors have equal shapes and elements; NaN equals NaN."""
        a, b = self._evaluated(a, b)
        if isinstance(a, collections.abc.Mapping) and isinstance(b, collections.abc.Mapping):
            self.assertCountEqual(a.keys(), b.keys(), msg)
            for key in a:
                self.assertAllEqual(a[key], b[key], msg)
            return
        a, b = self._GetNdArray(a), self._GetNdArray(b)
        suffix = "" if msg is None else msg
        if not (b.ndim == 0 or a.shape == b.shape):
            self.assertEqual(a.shape, b.shape, f"Shape mismatch: expected {a.shape}, got {b.shape}. {suffix}")
        same = a == b
        if a.dtype.kind in "fcV" and b.dtype.kind in "fcV":
            same = np.logical_or(same, np.logical_and(np.not_equal(a, a), np.not_equal(b, b)))
        if np.all(same):
            return
        wrong = np.logical_not(np.broadcast_to(same, np.broadcast_shapes(a.shape, np.shape(b))))
        lines = ["\nArrays are not equal", suffix]
        if a.ndim:
            where = np.where(wrong)
            lines += [f"not equal where = {where}", f"not equal lhs = {a[where]!r}"]
            lines.append(f"not equal rhs = {np.broadcast_to(b, a.shape)[where]!r}")
        else:
            lines += [f"not equal lhs = {a!r}", f"not equal rhs = {b!r}"]
        lines.append(f"Mismatched elements: {int(wrong.sum())} / {wrong.size}")
        raise AssertionError("\n".join(lines))

    def assertNotAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Asserts that two arrays are not equal everywhere."""
        try:
            self.assertAllEqual(a, b)
        except AssertionError:
            return
        raise AssertionError(f"The two values are equal at all elements. {msg or ''}")

    def assertDictEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Asserts that two dicts have equal keys and values; arrays are compared element by element."""
        self.assertIsInstance(a, dict, msg)
        self.assertIsInstance(b, dict, msg)
        self.assertCountEqual(a.keys(), b.keys(), msg)
        for key in a:
            first, second = self._GetNdArray(a[key]), self._GetNdArray(b[key])
            if first.dtype.kind == "f" and second.dtype.kind == "f":
                self.assertAllClose(first, second, msg=str(key))
            else:
                self.assertAllEqual(first, second, msg=str(key))

    def assertDictContainsSubset(self, subset: Any, dictionary: Any, msg: Any = None) -> None:
        """Asserts that a dict has all keys of another, with equal values."""
        missing = [key for key in subset if key not in dictionary]
        self.assertFalse(missing, msg or f"Missing: {missing}")
        for key, value in subset.items():
            self.assertAllEqual(dictionary[key], value, msg=str(key))

    # Bounds.

    def assertAllGreater(self, a: Any, comparison_target: Any) -> None:
        """Asserts that every element is greater than a number."""
        self.assertGreater(np.min(self._GetNdArray(a)), comparison_target)

    def assertAllLess(self, a: Any, comparison_target: Any) -> None:
        """Asserts that every element is less than a number."""
        self.assertLess(np.max(self._GetNdArray(a)), comparison_target)

    def assertAllGreaterEqual(self, a: Any, comparison_target: Any) -> None:
        """Asserts that every element is at least a number."""
        self.assertGreaterEqual(np.min(self._GetNdArray(a)), comparison_target)

    def assertAllLessEqual(self, a: Any, comparison_target: Any) -> None:
        """Asserts that every element is at most a number."""
        self.assertLessEqual(np.max(self._GetNdArray(a)), comparison_target)

    def assertAllInRange(
        self,
        target: Any,
        lower_bound: Any,
        upper_bound: Any,
        open_lower_bound: bool = False,
        open_upper_bound: bool = False,
    ) -> None:
        """Asserts that every element lies between two bounds, which belong to the range unless said to be open."""
        target = self._GetNdArray(target)
        if not np.issubdtype(target.dtype, np.number) and target.dtype.name != "bfloat16":
            raise AssertionError(f"The value of {target} does not have an ordered numeric type, it has {target.dtype}.")
        below = (target <= lower_bound) if open_lower_bound else (target < lower_bound)
        above = (target >= upper_bound) if open_upper_bound else (target > upper_bound)
        wrong = np.logical_or.reduce([below, above, np.not_equal(target, target)])
        if not wrong.any():
            return
        opening, closing = "(" if open_lower_bound else "[", ")" if open_upper_bound else "]"
        raise AssertionError(
            f"{int(wrong.sum())} of the {target.size} element(s) are outside the range "
            f"{opening}{lower_bound}, {upper_bound}{closing}. Subscript(s) and value(s) of the offending elements:\n"
            + _listed(wrong, target)
        )

    def assertAllInSet(self, target: Any, expected_set: Any) -> None:
        """Asserts that every element is one of a set."""
        target = self._GetNdArray(target)
        found = sorted(item for item in np.unique(target).tolist() if item not in list(expected_set))
        if found:
            raise AssertionError(f"{len(found)} unique element(s) are not in the set {expected_set}: {found}")

    # Shapes, dtypes and devices.

    def assertShapeEqual(self, input_a: Any, input_b: Any, msg: str | None = None) -> None:
        """Asserts that two arrays or tensors have one shape."""
        for name, value in (("input_a", input_a), ("input_b", input_b)):
            if not isinstance(value, np.ndarray | np.generic | Tensor):
                raise TypeError(
                    f"{name} must be a Numpy ndarray, Numpy scalar, or a Tensor. Instead received {type(value)}"
                )
        first = TensorShape(input_a.shape).as_list()
        second = TensorShape(input_b.shape).as_list()
        self.assertAllEqual(first, second, msg=msg)

    def assertDTypeEqual(self, target: Any, expected_dtype: Any) -> None:
        """Asserts that an array or tensor has a dtype."""
        found = target.dtype if hasattr(target, "dtype") else self._GetNdArray(target).dtype
        wanted = dtypes.as_dtype(expected_dtype)
        self.assertEqual(dtypes.as_dtype(found).base_dtype, wanted.base_dtype)

    def assertDeviceEqual(self, device1: Any, device2: Any, msg: str | None = None) -> None:
        """Asserts that two names mean one device."""
        first, second = canonical_name(device1), canonical_name(device2)
        suffix = "" if msg is None else f" {msg}"
        self.assertEqual(first, second, f"Devices {first} and {second} are not equal.{suffix}")


def _parts(value: Any) -> Any:
    """Returns a sparse value as the tuple of its parts; anything else as it is."""
    if all(hasattr(value, name) for name in ("indices", "values", "dense_shape")) and not isinstance(value, dict):
        return (value.indices, value.values) if value.dense_shape is None else (
            value.indices, value.values, value.dense_shape
        )  # fmt: skip
    return value


def _widened(array: Any) -> Any:
    """Returns an array whose dtype can be subtracted and compared without overflow."""
    if array.dtype.name in ("bfloat16", "float16") or array.dtype.name.startswith("float8"):
        return array.astype(np.float32)
    return array.astype(np.float64) if array.dtype.kind in "bui" else array


def _listed(wrong: Any, values: Any) -> str:
    if not values.ndim:
        return f"  : {values}"
    places = np.argwhere(wrong)
    lines = [
        f"  [{', '.join(str(int(i)) for i in place)}] : {values[tuple(place)]}" for place in places[:_MOST_SUBSCRIPTS]
    ]
    if len(places) > _MOST_SUBSCRIPTS:
        lines.append("  ...")
    return "\n".join(lines)

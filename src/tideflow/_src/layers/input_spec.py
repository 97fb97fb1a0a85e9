"""Says what a layer takes: ``InputSpec``, and the check of inputs against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tideflow._src.core import dtypes, nest
from tideflow._src.core.tensor_shape import as_shape


class InputSpec:
    """Describes the dtype, rank and sizes that an input of a layer must have.

    Args:
      dtype: the dtype.
      shape: the shape; None stands for any size.
      ndim: the rank.
      max_ndim: the largest rank.
      min_ndim: the smallest rank.
      axes: the sizes of some axes, by axis.
      allow_last_axis_squeeze: whether a last axis of size 1 may be missing or in excess.
      name: the name that the input has where inputs are named.
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
    ) -> None:
        self.dtype = None if dtype is None else dtypes.as_dtype(dtype).name
        sizes = None if shape is None else as_shape(shape)
        if sizes is not None and sizes.rank is None:
            sizes = None
        self.shape = None if sizes is None else tuple(sizes.as_list())
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        try:
            self.axes = {int(axis): size for axis, size in dict(axes or {}).items()}
        except (ValueError, TypeError):
            raise TypeError(f"Argument `axes` must be a dict with integer keys. Received: axes={axes}") from None
        limit = self.ndim if self.ndim is not None else max_ndim
        if self.axes and limit is not None and max(self.axes) >= limit:
            raise ValueError(f"Axis {max(self.axes)} is greater than the maximum allowed value: {limit - 1}")

    def __repr__(self) -> str:
        fields = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        said = [f"{field}={getattr(self, field)}" for field in fields if getattr(self, field)]
        return f"InputSpec({', '.join(said)})"

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make this again."""
        return {
            "dtype": self.dtype,
            "shape": self.shape,
            "ndim": self.ndim,
            "max_ndim": self.max_ndim,
            "min_ndim": self.min_ndim,
            "axes": self.axes,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """Returns what :meth:`get_config` described."""
        return cls(**config)


def check_inputs(input_spec: Any, inputs: Any, layer_name: str) -> None:
    """Checks the inputs of a layer.

    Raises:
      ValueError: their number, or the rank or size of one, is not what ``input_spec`` says.
      TypeError: an input is no tensor.
    """
    if not input_spec:
        return
    specs = nest.flatten(input_spec)
    values = nest.flatten(inputs)
    for value in values:
        if not hasattr(value, "shape"):
            raise TypeError(f"Inputs to a layer should be tensors. Got: {value} (of type {type(value)})")
    if len(values) != len(specs):
        raise ValueError(
            f'Layer "{layer_name}" expects {len(specs)} input(s), but it received {len(values)} input tensors. '
            f"Inputs received: {values}"
        )
    for index, (value, spec) in enumerate(zip(values, specs, strict=True)):
        if spec is not None:
            _check(index, value, spec, layer_name)


def _check(index: int, value: Any, spec: InputSpec, layer_name: str) -> None:
    start = f'Input {index} of layer "{layer_name}" is incompatible with the layer: '
    shape = as_shape(value.shape)
    if shape.rank is None:
        return
    rank, sizes = shape.rank, shape.as_list()
    received = f"Full shape received: {tuple(sizes)}"
    if spec.ndim is not None and not spec.allow_last_axis_squeeze and rank != spec.ndim:
        raise ValueError(f"{start}expected ndim={spec.ndim}, found ndim={rank}. {received}")
    if spec.max_ndim is not None and rank > spec.max_ndim:
        raise ValueError(f"{start}expected max_ndim={spec.max_ndim}, found ndim={rank}. {received}")
    if spec.min_ndim is not None and rank < spec.min_ndim:
        raise ValueError(f"{start}expected min_ndim={spec.min_ndim}, found ndim={rank}. {received}")
    if spec.dtype is not None and value.dtype.name != spec.dtype:
        raise ValueError(f"{start}expected dtype={spec.dtype}, found dtype={value.dtype.name}")
    for axis, size in spec.axes.items():
        if size is not None and -rank <= axis < rank and sizes[axis] not in (size, None):
            raise ValueError(
                f"{start}expected axis {axis} of input shape to have value {size}, but received input with shape "
                f"{tuple(sizes)}"
            )
    if spec.shape is not None:
        wanted: tuple[Any, ...] = spec.shape
        if spec.allow_last_axis_squeeze:
            wanted = wanted[:-1] if wanted and wanted[-1] == 1 else wanted
            sizes = sizes[:-1] if sizes and sizes[-1] == 1 else sizes
        if len(wanted) != len(sizes) or any(
            None not in (want, have) and want != have for want, have in zip(wanted, sizes, strict=True)
        ):
            raise ValueError(
                f"{start}expected shape={spec.shape}, found shape={tuple(as_shape(value.shape).as_list())}"
            )

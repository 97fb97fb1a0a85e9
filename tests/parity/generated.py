"""Compares calls that Hypothesis derives from an op's samples: awkward values, empty and broadcast shapes."""

from __future__ import annotations

import dataclasses
from typing import Any

import hypothesis.extra.numpy as arrays
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tideflow._src.core import dtypes, errors
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.samples import Sample, Sampler, samples_of

from . import subject, wire
from .checks import Checks
from .exemptions import exempt

# Dtypes that Hypothesis varies; the others stay as the samples have them.
_VARIED = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")
_ALSO_ELEMENTWISE = (
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
    "string",
)

_SHAPES = ((2, 3), (), (0, 5))


def is_elementwise(definition: OpDef) -> bool:
    """Tells whether the op computes each element of its output from one element of each input."""
    if any(item.is_list or item.is_ref or item.is_static for item in (*definition.inputs, *definition.outputs)):
        return False
    if not definition.inputs or definition.stateful or definition.random is not None:
        return False
    if definition.broadcasts:
        return True
    if definition.shape_rule is None or len(definition.outputs) != 1:
        return False
    try:
        return all(definition.shape_rule(*[shape] * len(definition.inputs)) == shape for shape in _SHAPES)
    except Exception:  # a rule that wants attributes, or that does not take such shapes
        return False


def variants(definition: OpDef) -> st.SearchStrategy[Sample]:
    """Returns calls like the op's samples with other values, and other shapes if the op is elementwise."""
    samples = [sample for sample in samples_of(definition) if sample.error is None and not sample.random]
    # Half of the calls hold ordinary values only: special ones hide what the others would show.
    return st.tuples(st.sampled_from(samples), st.booleans()).flatmap(
        lambda chosen: _variant(definition, chosen[0], special=chosen[1])
    )


def _variant(definition: OpDef, sample: Sample, *, special: bool) -> st.SearchStrategy[Sample]:
    elementwise = is_elementwise(definition) and all(isinstance(item, np.ndarray) for item in sample.inputs)
    if not elementwise:
        inputs = [
            _varied(item, definition, item.shape, huge=False, special=special) if _can_vary(item) else st.just(item)
            for item in sample.inputs
        ]
        return st.tuples(*inputs).map(lambda values: _consistent(dataclasses.replace(sample, inputs=values)))
    if definition.broadcasts and len(sample.inputs) > 1:
        shapes = arrays.mutually_broadcastable_shapes(
            num_shapes=len(sample.inputs), max_dims=3, min_side=0, max_side=3
        ).map(lambda found: found.input_shapes)
    else:
        shapes = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4).map(
            lambda shape: (shape,) * len(sample.inputs)
        )
    return shapes.flatmap(
        lambda chosen: st.tuples(
            *(
                _varied(item, definition, shape, huge=True, special=special)
                for item, shape in zip(sample.inputs, chosen, strict=True)
            )
        )
    ).map(lambda values: dataclasses.replace(sample, inputs=values))


#: Operations whose second input is what a pooling of the first one gives, with that pooling.
_POOLINGS = {
    "MaxPool3DGrad": "MaxPool3D",
    "MaxPool3DGradGrad": "MaxPool3D",
    "MaxPoolGrad": "MaxPool",
    "MaxPoolGradGrad": "MaxPool",
    "MaxPoolGradGradV2": "MaxPoolV2",
    "MaxPoolGradV2": "MaxPoolV2",
}


def _consistent(sample: Sample) -> Sample:
    """Returns a call in which an input that another operation computes from the others is what it computes."""
    pooling = _POOLINGS.get(sample.op)
    if pooling is None:
        return sample
    images, _, gradients, *window = sample.inputs
    pooled = subject.call(dataclasses.replace(sample, op=pooling, inputs=(images, *window)))
    maxima = subject.to_array(pooled["outputs"][0])
    return dataclasses.replace(sample, inputs=(images, maxima, gradients, *window))


def _can_vary(item: Any) -> bool:
    return isinstance(item, np.ndarray) and dtypes.of_numpy[item.dtype].name in _VARIED


def _varied(
    item: np.ndarray[Any, Any], definition: OpDef, shape: tuple[int, ...], *, huge: bool, special: bool
) -> st.SearchStrategy[Any]:
    """Returns arrays of the dtype of `item`, of ordinary and special values.

    Where elements are summed, the order decides whether huge ones overflow, so that they prove nothing.
    """
    dtype = dtypes.of_numpy[item.dtype]
    if dtype.name not in _VARIED + _ALSO_ELEMENTWISE:
        return st.just(item)
    own = item.reshape(-1)[:12]
    if not special and (dtype.is_floating or dtype.is_complex):
        own = own[np.isfinite(own)]
    pool = np.concatenate([Sampler(definition).array((12,), dtype).reshape(-1), own])
    if special:
        pool = np.concatenate([pool, _awkward(definition, dtype, huge).reshape(-1)])
    count = int(np.prod(shape, dtype=np.int64))
    return st.lists(st.integers(0, len(pool) - 1), min_size=count, max_size=count).map(
        lambda indices: pool[np.array(indices, np.int64)].reshape(shape)
    )


def _awkward(definition: OpDef, dtype: dtypes.DType, huge: bool) -> np.ndarray[Any, Any]:
    found = Sampler(definition).special(dtype)
    sizes = np.nan_to_num(np.abs(found).astype(np.float64)) if dtype.is_complex or dtype.is_floating else found
    if dtype.is_complex:  # what infinite and huge parts give is up to each implementation of complex arithmetic
        found = found[np.isfinite(found) & ((sizes == 0) | ((sizes > 1e-3) & (sizes < 100)))]
        return found + 0  # no negative zeros, which choose the side of a cut
    if dtype.is_floating and not huge:
        return found[~(np.isfinite(found.astype(np.float64)) & (sizes > 100))]
    return found


def describe(sample: Sample) -> str:
    """Writes a call with all its values, for the report of a failure."""
    return f"{sample}\n  inputs: {[wire.encode(item) if _can_vary(item) else item for item in sample.inputs]!r}"


def _unfit_error(sample: Sample) -> list[str]:
    """Runs a call whose values cannot be compared: it must end, and fail only as operations do.

    So it is with all of linear algebra: what a singular matrix gives, or one that holds an infinity, is up to rounding.
    """
    error = subject.call(sample).get("error")
    if error is None or (
        issubclass(getattr(errors, error[0], ValueError), errors.OpError) and error[0] != "InternalError"
    ):
        return []
    return [f"{sample}: {error[0]}: {error[1]}"]


def generated_calls(checks: Checks, name: str, count: int = 20, *, only_run: bool = False) -> list[str]:
    """Compares generated calls of an op with TensorFlow, or only runs them; returns the smallest that fails, if any."""
    definition = OpDef.registry[name]
    samples = [sample for sample in samples_of(definition) if sample.error is None and sample.inputs]
    handles = definition.stateful or any(argument.is_ref for argument in definition.inputs)
    if handles or definition.random is not None or "Stateless" in name or not samples:
        return []  # their inputs are variables, shapes and seeds: the samples hold the cases

    only_run = only_run or ".linalg." in definition.kernel.__module__

    @settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(sample=variants(definition))
    def compare(sample: Sample) -> None:
        unfit = only_run or exempt("generated_calls", sample)
        problems = _unfit_error(sample) if unfit else checks.variant(sample)
        assert not problems, f"{problems[0]}\n{describe(sample)}"

    try:
        compare()
    except AssertionError as error:
        return [str(error)]
    return []

"""Sums of products in Einstein's notation: the operation, its gradient and ``tf.einsum``."""

from __future__ import annotations

import re
import string
from functools import lru_cache
from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.op_def import at_least
from tideflow._src.graph.shape_inference import broadcast
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, text
from tideflow._src.ops.math.reduction import is_short_float
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import op

_ELLIPSIS = "..."


@lru_cache(maxsize=1024)
def parse(equation: str) -> tuple[tuple[str, ...], str]:
    """Splits an equation into the labels of each input and those of the output.

    Raises:
      ValueError: it is not of the form ``ab,bc->ac``, with labels that are letters.
    """
    equation = equation.replace(" ", "")
    sides = equation.split("->")
    if len(sides) != 2:
        raise ValueError(f"Expecting exactly one '->' in einsum equation: {equation}")
    inputs = tuple(sides[0].split(","))
    if len(inputs) not in (1, 2):
        raise ValueError(f"Expecting 1 or 2 input subscripts in equation '{equation}' but got: {len(inputs)}")
    for labels in (*inputs, sides[1]):
        if labels.count(".") and (labels.count(_ELLIPSIS) != 1 or labels.count(".") != 3):
            raise ValueError(f"Expecting at most one ellipsis (...) in each subscript, but got: {labels}")
        rest = labels.replace(_ELLIPSIS, "")
        if not all(label in string.ascii_letters for label in rest):
            raise ValueError(f"Invalid subscript '{labels}' in einsum equation: {equation}")
    labels = sides[1].replace(_ELLIPSIS, "")
    known = set("".join(inputs))
    for label in labels:
        if label not in known:
            raise ValueError(f"Output subscripts contain the label {label} not present in the input subscripts.")
    return inputs, sides[1]


def _split(labels: str, rank: int) -> tuple[str, int, str]:
    """Returns the labels before the ellipsis, the number of dimensions it stands for, and the labels after."""
    before, dots, after = labels.partition(_ELLIPSIS)
    named = len(before) + len(after)
    if rank < named or (not dots and rank != named):
        raise _RankError(f"rank {'at least ' if dots else ''}{named} but got: {rank}")
    return before, rank - named, after


class _RankError(ValueError):
    """Says that an input's rank does not fit its labels."""


def _shape(equation: str, shapes: list[Any]) -> Any:
    """Returns the shape of the result; None for an unknown rank.

    Raises:
      ValueError: the shapes do not fit the equation.
    """
    inputs, output = parse(equation)
    if len(inputs) != len(shapes):
        raise ValueError(f"Expected {len(inputs)} inputs for equation '{equation}' but got: {len(shapes)}")
    sizes: dict[str, Any] = {}
    batch: Any = ()
    unknown_ellipsis = False
    for index, (labels, shape) in enumerate(zip(inputs, shapes, strict=True)):
        if shape is None:
            unknown_ellipsis = unknown_ellipsis or _ELLIPSIS in labels
            continue
        try:
            before, dots, after = _split(labels, len(shape))
        except _RankError as error:
            raise ValueError(f"Expected input {index} to have {error}") from None
        named = [*zip(before, shape, strict=False), *zip(after, shape[len(before) + dots :], strict=True)]
        for label, size in named:
            known = sizes.get(label)
            if known is not None and size is not None and known != size:
                axis = [item for item, _ in named].index(label)
                raise ValueError(
                    f"Expected dimension {known} at axis {axis} of the input shaped {text(tuple(shape))} but got "
                    f"dimension {size}"
                )
            if known is None:
                sizes[label] = size
        batch = broadcast(batch, tuple(shape[len(before) : len(before) + dots]))
    if _ELLIPSIS not in output:
        if batch:
            raise ValueError(
                f"Output contains {len(batch)} broadcasting dimension(s) but no ellipsis (...) was found in the "
                "output subscripts."
            )
        return tuple(sizes.get(label) for label in output)
    if unknown_ellipsis:
        return None
    before, _, after = output.partition(_ELLIPSIS)
    return (*(sizes.get(item) for item in before), *batch, *(sizes.get(item) for item in after))


def _plain_equation(equation: str, ranks: list[int]) -> tuple[list[str], str, int]:
    """Writes the dimensions of the ellipses as letters that the equation does not use, aligned at the end."""
    inputs, output = parse(equation)
    free = [letter for letter in string.ascii_letters if letter not in equation]
    counts = [_split(labels, rank)[1] for labels, rank in zip(inputs, ranks, strict=True)]
    most = max(counts, default=0)
    if most > len(free):
        raise ValueError(f"Too many dimensions for the equation '{equation}'")
    letters = "".join(free[:most])
    written = [labels.replace(_ELLIPSIS, letters[most - count :]) for labels, count in zip(inputs, counts, strict=True)]
    return written, output.replace(_ELLIPSIS, letters), most


@op("Einsum", "inputs: N * T -> output: T", N=at_least(1))
def einsum_op(xp, inputs, *, equation: str):
    """Sums products over the labels that the output lacks; an ellipsis stands for broadcast dimensions."""
    try:
        _shape(equation, [tuple(item.shape) for item in inputs])
        written, result, _ = _plain_equation(equation, [item.ndim for item in inputs])
    except ValueError as error:
        raise InvalidArgumentError(None, None, str(error)) from None
    dtype = inputs[0].dtype
    values = list(inputs)
    if len(set(result)) != len(result):
        return _repeated_output(xp, values, written, result)
    values, written = _drop_ones(values, written)
    if is_short_float(np.dtype(dtype)):
        values = [item.astype(np.float32) for item in values]
    if xp is np:
        value = np.einsum(
            f"{','.join(written)}->{result}",
            *values,
            optimize=len(values) > 1 and max(item.size for item in values) > 256,
        )
        return np.asarray(value, dtype=values[0].dtype).astype(dtype, copy=False)
    return xp.einsum(f"{','.join(written)}->{result}", *values).astype(dtype)


def _drop_ones(values: list[Any], written: list[str]) -> tuple[list[Any], list[str]]:
    """Drops the dimensions of size 1 that are broadcast against a greater one, which einsum would not accept."""
    sizes: dict[str, int] = {}
    for value, labels in zip(values, written, strict=True):
        for label, size in zip(labels, value.shape, strict=True):
            sizes[label] = size if sizes.get(label, 1) == 1 else sizes[label]
    kept_values, kept_labels = [], []
    for value, labels in zip(values, written, strict=True):
        pairs = list(zip(labels, value.shape, strict=True))
        kept = [(label, size) for label, size in pairs if not (size == 1 and sizes[label] != 1)]
        kept_values.append(value if len(kept) == len(pairs) else value.reshape([size for _, size in kept]))
        kept_labels.append("".join(label for label, _ in kept))
    return kept_values, kept_labels


def _repeated_output(xp: Any, values: list[Any], written: list[str], result: str) -> Any:
    """Puts the result on the diagonals of a tensor whose output labels repeat."""
    distinct = "".join(dict.fromkeys(result))
    compact = einsum_op.kernel(xp, values, equation=f"{','.join(written)}->{distinct}")
    expanded = compact
    labels = distinct
    for label in distinct:
        for _ in range(result.count(label) - 1):
            axis = labels.index(label)
            size = expanded.shape[axis]
            mask_shape = [1] * expanded.ndim + [size]
            mask_shape[axis] = size
            mask = np.eye(size, dtype=bool).reshape(mask_shape)
            expanded = xp.where(mask, expanded[..., None], xp.zeros((), expanded.dtype))
            labels += label
    places = list(range(len(labels)))
    order = []
    for label in result:
        place = next(index for index in places if labels[index] == label)
        places.remove(place)
        order.append(place)
    return xp.transpose(expanded, order)


@einsum_op.shape
def _einsum_shape(inputs, *, equation):
    return _shape(equation, inputs)


# The gradient.


def _single_gradient(x: Any, dy: Any, labels: str, output: str) -> Any:
    """Returns the gradient of a sum over one input: summed labels are broadcast, repeated ones put on a diagonal."""
    kept = "".join(label for label in dict.fromkeys(labels.replace(_ELLIPSIS, "")) if label in output)
    summed = [label for label in dict.fromkeys(labels.replace(_ELLIPSIS, "")) if label not in output]
    if not summed:
        return einsum_op([dy], equation=f"{output}->{labels}")
    dots = _ELLIPSIS if _ELLIPSIS in labels else ""
    sizes = _label_sizes(x, labels, summed)
    compact = einsum_op([dy], equation=f"{output}->{dots}{kept}")
    whole = raw.BroadcastTo(
        _with_leading_ones(compact, len(summed)),
        raw.ConcatV2([sizes, raw.Shape(compact)], np.int32(0)),
    )
    return einsum_op([whole], equation=f"{''.join(summed)}{dots}{kept}->{labels}")


def _with_leading_ones(x: Any, count: int) -> Any:
    for _ in range(count):
        x = raw.ExpandDims(x, np.int32(0))
    return x


def _label_sizes(x: Any, labels: str, wanted: list[str]) -> Any:
    """Returns the sizes of some labels as a vector."""
    before, dots, after = labels.partition(_ELLIPSIS)
    axes = []
    for label in wanted:
        if label in before or not dots:
            axes.append(before.index(label))
        else:
            axes.append(after.index(label) - len(after))
    shape = known_shape(x)
    if shape is not None and all(shape[axis] is not None for axis in axes):
        return np.array([shape[axis] for axis in axes], np.int32)
    sizes = raw.Shape(x)
    rank = raw.Rank(x)
    places = np.array(axes, np.int32)
    return raw.GatherV2(sizes, raw.FloorMod(raw.AddV2(places, rank), rank), np.int32(0))


def _pair_gradient(dy: Any, x: Any, other: Any, labels: str, other_labels: str, output: str) -> Any:
    """Returns the gradient of a product of two inputs towards the one with ``labels``."""
    if other.dtype.is_complex:
        other = raw.Conj(other)
    present = set(output.replace(_ELLIPSIS, "")) | set(other_labels.replace(_ELLIPSIS, ""))
    missing = [label for label in dict.fromkeys(labels.replace(_ELLIPSIS, "")) if label not in present]
    distinct = "".join(label for label in dict.fromkeys(labels.replace(_ELLIPSIS, "")) if label not in missing)
    dots = _ELLIPSIS if _ELLIPSIS in output else ""
    compact = einsum_op([dy, other], equation=f"{output},{other_labels}->{dots}{distinct}")
    if dots:
        compact = _sum_batch(compact, x, labels, len(distinct))
    own_dots = _ELLIPSIS if _ELLIPSIS in labels else ""
    if missing:
        sizes = _label_sizes(x, labels, missing)
        compact = raw.BroadcastTo(
            _with_leading_ones(compact, len(missing)),
            raw.ConcatV2([sizes, raw.Shape(compact)], np.int32(0)),
        )
    source = f"{''.join(missing)}{own_dots}{distinct}"
    return compact if source == labels else einsum_op([compact], equation=f"{source}->{labels}")


def _sum_batch(compact: Any, x: Any, labels: str, named: int) -> Any:
    """Sums the leading broadcast dimensions of ``compact`` to those that the input had."""
    before, dots, after = labels.partition(_ELLIPSIS)
    have, want = known_shape(compact), known_shape(x)
    if have is not None and want is not None and None not in have and None not in want:
        wanted: tuple[Any, ...] = want[len(before) : len(want) - len(after)] if dots else ()
        batch = have[: len(have) - named]
        extra = len(batch) - len(wanted)
        axes = [*range(extra)]
        axes += [extra + i for i, size in enumerate(wanted) if size == 1 and batch[extra + i] != 1]
        if not axes:
            return compact
        summed = raw.Sum(compact, np.array(axes, np.int32))
        return raw.Reshape(summed, np.array([*wanted, *have[len(have) - named :]], np.int32))
    sizes, own = raw.Shape(compact), raw.Shape(x)
    zero, one = np.array([0], np.int32), np.array([1], np.int32)
    head = raw.Reshape(raw.Sub(raw.Size(sizes), np.int32(named)), one)
    if dots:
        count = raw.Reshape(raw.Sub(raw.Size(own), np.int32(len(before) + len(after))), one)
        wanted_sizes = raw.Slice(own, np.array([len(before)], np.int32), count)
    else:
        wanted_sizes = np.array([], np.int32)
    axes_tensor = raw.BroadcastGradientArgs(raw.Slice(sizes, zero, head), wanted_sizes)[1]
    tail = raw.Slice(sizes, head, np.array([named], np.int32))
    return raw.Reshape(raw.Sum(compact, axes_tensor), raw.ConcatV2([wanted_sizes, tail], np.int32(0)))


@einsum_op.gradient
def _einsum_gradient(call, dy):
    inputs, output = parse(call.attr("equation"))
    tensors = call.inputs[0]
    if len(tensors) == 1:
        return [_single_gradient(tensors[0], dy, inputs[0], output)]
    x, y = tensors
    return [
        _pair_gradient(dy, x, y, inputs[0], inputs[1], output),
        _pair_gradient(dy, y, x, inputs[1], inputs[0], output),
    ]


@einsum_op.samples
def _einsum_samples(s):
    for dtype in ("float32", "float64", "float16", "bfloat16", "int32", "int64", "complex64", "complex128"):
        yield s([s.array((2, 3), dtype), s.array((3, 4), dtype)], equation="ij,jk->ik")
    one = s.normal(2, 3, dtype="float64")
    square = s.normal(3, 3, dtype="float64")
    yield s([one], equation="ij->ji")
    yield s([one], equation="ij->")
    yield s([one], equation="ij->j")
    yield s([square], equation="ii->i")
    yield s([square], equation="ii->")
    yield s([s.normal(3, dtype="float64")], equation="i->ii")
    yield s([s.normal(4, 2, 3)], equation="...ij->...ji")
    yield s([one, one], equation="ij,ij->")
    yield s([one, one], equation="ij,ij->ij")
    yield s([s.normal(3), s.normal(4)], equation="i,j->ij")
    yield s([s.normal(2, 3, 4), s.normal(2, 4, 5)], equation="bij,bjk->bik")
    yield s([s.normal(2, 1, 2, 3), s.normal(3, 3, 4)], equation="...ij,...jk->...ik")
    yield s([s.normal(5, 2, 3), s.normal(3, 4)], equation="...j,jk->...k")
    yield s([s.normal(2, 3, 4), s.normal(4, 5)], equation="ijk,kl->lij")
    yield s([s.normal(2, 3), s.normal(4, 5)], equation="ij,kl->ik")
    yield s([s.normal(2, 3), s.normal(4, 2)], equation="ij->k", error="InvalidArgumentError")
    yield s([s.normal(2, 3), s.normal(4, 2)], equation="ij,jk->ik", error="InvalidArgumentError")
    yield s([s.normal(2, 3)], equation="ijk->i", error="InvalidArgumentError")
    yield s([s.normal(2)], equation="i", error="InvalidArgumentError")
    yield s([s.normal(2, 3, 4)], equation="...ij->ij", error="InvalidArgumentError")


# The public function.


def einsum(equation: str, *inputs: Any, **options: Any) -> Any:
    """Sums products of the elements of tensors, as an equation in Einstein's notation says.

    Args:
      equation: the labels of each input's dimensions, and after ``->`` those of the result: ``"ij,jk->ik"``. An
        ellipsis stands for dimensions that are broadcast. Without ``->`` the result has the labels that occur once,
        in alphabetical order.
      *inputs: the tensors.
      **options: ``name`` of the scope; ``optimize``, the strategy for the order of more than two inputs:
        ``"greedy"``, ``"optimal"``, ``"branch-2"``, ``"branch-all"`` or ``"auto"``.

    Returns:
      A tensor with the dimensions that the equation gives it.

    Raises:
      ValueError: the equation is malformed, or does not fit the inputs.
      TypeError: there are other options.
    """
    name = options.pop("name", None)
    optimize = options.pop("optimize", "greedy")
    if options:
        raise TypeError(
            f"Invalid keyword arguments for einsum: {', '.join(options)}. Valid keywords are name and optimize."
        )
    if optimize not in ("greedy", "optimal", "branch-2", "branch-all", "auto"):
        raise ValueError(f"Unknown optimize option {optimize!r} for einsum.")
    if not isinstance(equation, str):
        raise TypeError(f"The first argument of einsum is the equation, a string, but got {equation!r}.")
    with name_scope(name, "einsum", [equation, inputs]):
        tensors = _convert(inputs)
        sources, result = _resolve(equation, tensors)
        while len(tensors) > 2:
            first, second = _next_pair(tensors, sources)
            a, b = sources[first], sources[second]
            rest = [item for index, item in enumerate(sources) if index not in (first, second)]
            wanted = set("".join(rest) + result)
            dots = _ELLIPSIS if _ELLIPSIS in a + b else ""
            letters = (a + b).replace(_ELLIPSIS, "")
            kept = "".join(label for label in dict.fromkeys(letters) if label in wanted)
            product = einsum_op([tensors[first], tensors[second]], equation=f"{a},{b}->{dots}{kept}")
            tensors = [item for index, item in enumerate(tensors) if index not in (first, second)] + [product]
            sources = [*rest, dots + kept]
        return einsum_op(tensors, equation=f"{','.join(sources)}->{result}")


def _convert(inputs: tuple[Any, ...]) -> list[Any]:
    hint = next((item.dtype.base_dtype for item in inputs if isinstance(item, Tensor)), None)
    return [item if isinstance(item, Tensor) else convert_to_tensor(item, dtype_hint=hint) for item in inputs]


def _resolve(equation: str, tensors: list[Any]) -> tuple[list[str], str]:
    """Checks the equation of a call and returns the labels of the inputs and the result."""
    text_ = equation.replace(" ", "")
    match = re.fullmatch(r"([a-zA-Z,.]+)(->[a-zA-Z.]*)?", text_)
    if match is None:
        raise ValueError(f"Indices have incorrect format. Received: {equation}. Labels are letters: `ab,bc->ac`.")
    sources = match.group(1).split(",")
    if len(sources) != len(tensors):
        raise ValueError(f'Got {len(tensors)} inputs for equation "{equation}", expecting {len(sources)}')
    if match.group(2) is not None:
        result = match.group(2)[2:]
    else:
        letters = match.group(1).replace(",", "").replace(".", "")
        once = sorted(label for label in set(letters) if letters.count(label) == 1)
        result = (_ELLIPSIS if _ELLIPSIS in text_ else "") + "".join(once)
    labels = result.replace(_ELLIPSIS, "")
    for label in labels:
        if label not in match.group(1):
            raise ValueError(f"Output subscripts contain the label {label} not present in the input subscripts.")
    if len(set(labels)) != len(labels):
        raise ValueError(f"Output subscripts contain a label appearing more than once: {equation}")
    return sources, result


def _next_pair(tensors: list[Any], sources: list[str]) -> tuple[int, int]:
    """Returns the pair of inputs whose product is smallest, compared with what it replaces."""
    best: tuple[float, int, int] | None = None
    sizes: dict[str, int] = {}
    for tensor, labels in zip(tensors, sources, strict=True):
        shape = known_shape(tensor)
        if shape is not None and _ELLIPSIS not in labels:
            sizes.update({label: size for label, size in zip(labels, shape, strict=False) if size is not None})
    for first in range(len(sources)):
        for second in range(first + 1, len(sources)):
            rest = "".join(item for index, item in enumerate(sources) if index not in (first, second))
            shared = set(sources[first]) & set(sources[second]) - set(".")
            letters = set(sources[first] + sources[second]) - set(".")
            del rest
            cost = float(np.prod([sizes.get(label, 8) for label in letters]))
            before = sum(
                float(np.prod([sizes.get(label, 8) for label in set(sources[index]) - set(".")]))
                for index in (first, second)
            )
            score = cost - before if shared else cost * 1e6
            if best is None or score < best[0]:
                best = (score, first, second)
    assert best is not None
    return best[1], best[2]

"""Public functions that know of weak dtypes: in the modes ``"safe"`` and ``"all"`` they promote, and give weak tensors.

``install`` puts them in the place of the functions in the public namespaces; a program that has imported a function by
its own name before keeps the one that converts nothing. The tables name what TensorFlow treats so.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from tideflow._src.core.logger import get_logger
from tideflow._src.core.tensor import Tensor
from tideflow._src.numpy_api import weak_promotion
from tideflow._src.numpy_api.operators import as_weak, converted
from tideflow._src.numpy_api.weak_promotion import rules
from tideflow._src.numpy_api.weak_tensor import WeakTensor

#: Functions of one tensor, by namespace, whose result is weak if their argument is.
_UNARY = {
    "": (
        "abs acos acosh asin asinh atan atanh clip_by_value cos cosh exp expand_dims floor identity negative "
        "ones_like reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_sum reshape round "
        "sigmoid sign sin sinh sqrt square squeeze stop_gradient tan tanh transpose zeros_like"
    ),
    "math": (
        "abs acos acosh angle asin asinh atan atanh bessel_i0 bessel_i0e bessel_i1 bessel_i1e ceil conj cos "
        "cosh digamma erf erfc erfcinv erfinv exp expm1 floor imag lgamma log log1p log_sigmoid ndtri "
        "negative real reciprocal reciprocal_no_nan reduce_euclidean_norm reduce_logsumexp reduce_max "
        "reduce_mean reduce_min reduce_prod reduce_std reduce_sum reduce_variance rint round rsqrt sigmoid "
        "sign sin sinh softplus sqrt square tan tanh"
    ),
    "math.special": (
        "bessel_i0 bessel_i0e bessel_i1 bessel_i1e bessel_j0 bessel_j1 bessel_k0 bessel_k0e bessel_k1 "
        "bessel_k1e bessel_y0 bessel_y1 dawsn expint fresnel_cos fresnel_sin spence"
    ),
    "debugging": "check_numerics",
    "linalg": "diag diag_part matrix_transpose tensor_diag_part trace",
    "nn": "gelu leaky_relu log_softmax relu6 silu sigmoid softplus swish tanh depth_to_space space_to_depth",
    "image": "extract_patches",
    "experimental.numpy": (
        "abs absolute amax amin angle arange arccos arcsin arcsinh arctan arctanh around array asanyarray "
        "asarray ascontiguousarray atleast_1d atleast_2d atleast_3d average bitwise_not cbrt ceil conj "
        "conjugate copy cos cosh cumprod cumsum deg2rad diag diagflat diagonal diff empty_like exp exp2 "
        "expand_dims expm1 fabs fix flatten flip fliplr flipud floor full_like hypot imag log log10 log1p "
        "log2 max mean min moveaxis nanmean negative ones_like positive prod ptp rad2deg ravel real "
        "reciprocal repeat reshape rot90 round sign sin sinc sinh sort sqrt square squeeze std sum swapaxes "
        "tan tanh trace transpose triu vander var zeros_like"
    ),
}
#: The same of their second argument.
_UNARY_IN_THE_SECOND = {"": "scalar_mul", "math": "scalar_mul"}
#: Functions of two tensors, which promote both; the result is weak if both are.
_BINARY = {
    "": "add divide matmul multiply pow subtract truediv truncatediv truncatemod realdiv",
    "math": "add divide divide_no_nan floordiv floormod mod multiply multiply_no_nan pow subtract truediv",
    "linalg": "matmul",
    "experimental.numpy": "matmul",
}
#: Functions of two tensors, which promote both; the result is never weak.
_COMPARISONS = {"": "equal maximum minimum", "math": "equal maximum minimum"}

#: What ``install`` replaced, by namespace and name.
_replaced: dict[tuple[str, str], Any] = {}


def _of_one(function: Callable[..., Any], place: int = 0) -> Callable[..., Any]:
    """Returns a function that converts its argument at a place, and whose result is weak if that is."""
    signature = inspect.signature(function)
    parameter = list(signature.parameters)[place]

    @functools.wraps(function)
    def weakly(*args: Any, **kwargs: Any) -> Any:
        if not rules.is_weak or (len(args) <= place and parameter not in kwargs):
            return function(*args, **kwargs)
        x = args[place] if len(args) > place else kwargs[parameter]
        if isinstance(x, Tensor) or _argument(signature, "dtype", args, kwargs) is not None:
            return function(*args, **kwargs)
        try:
            kind = weak_promotion.result_type(x)
        except NotImplementedError:
            _fall_back(function, x)
            return function(*args, **kwargs)
        x = converted(x, kind.dtype)
        if len(args) > place:
            result = function(*args[:place], x, *args[place + 1 :], **kwargs)
        else:
            result = function(*args, **{**kwargs, parameter: x})
        return as_weak(result) if kind.weak else result

    return weakly


def _argument(signature: inspect.Signature, name: str, args: Any, kwargs: Any) -> Any:
    if name not in signature.parameters:
        return None
    if name in kwargs:
        return kwargs[name]
    place = list(signature.parameters).index(name)
    return args[place] if place < len(args) else None


def _of_two(function: Callable[..., Any], *, comparison: bool = False) -> Callable[..., Any]:
    first, second = list(inspect.signature(function).parameters)[:2]

    @functools.wraps(function)
    def weakly(*args: Any, **kwargs: Any) -> Any:
        if not rules.is_weak:
            return function(*args, **kwargs)
        given = {**dict(zip((first, second), args, strict=False)), **kwargs}
        if first not in given or second not in given:
            return function(*args, **kwargs)
        x, y = given.pop(first), given.pop(second)
        try:
            kind = weak_promotion.result_type(x, y)
        except NotImplementedError:
            _fall_back(function, x, y)
            return function(*args, **kwargs)
        result = function(converted(x, kind.dtype), converted(y, kind.dtype), *args[2:], **given)
        return as_weak(result) if kind.weak and not comparison else result

    return weakly


def _fall_back(function: Any, *operands: Any) -> None:
    kinds = ", ".join(str(type(operand)) for operand in operands)
    get_logger().warning(
        f"The new dtype semantics do not support {function.__module__}.{function.__qualname__}({kinds}). Falling back "
        "to old semantics."
    )


def _constant(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns ``tf.constant`` that makes weak tensors of Python numbers, and casts tensors to a wider dtype."""

    @functools.wraps(function)
    def constant(value: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
        if not rules.is_weak:
            return function(value, dtype, *args, **kwargs)
        tensor = value.tensor if isinstance(value, WeakTensor) else value
        try:
            kind = weak_promotion.result_type(value, dtype)
        except NotImplementedError:
            return function(tensor, dtype, *args, **kwargs)
        if dtype is not None:
            if isinstance(tensor, Tensor) and weak_promotion.kind_of(dtype).dtype is kind.dtype:
                tensor = converted(tensor, kind.dtype)
            return function(tensor, dtype, *args, **kwargs)
        result = function(tensor, kind.dtype, *args, **kwargs)
        return as_weak(result) if kind.weak else result

    return constant


def _assigning(method: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Returns a variable's method that converts what is assigned, where the variable's dtype is the wider."""

    @functools.wraps(method)
    def assign(self: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not rules.is_weak:
            return method(self, value, *args, **kwargs)
        try:
            kind = weak_promotion.result_type(self, value)
        except NotImplementedError:
            return method(self, value, *args, **kwargs)
        wanted = self.dtype.base_dtype
        if kind.dtype is not wanted:
            raise TypeError(
                f"Variable dtype is immutable. Calling {name} of Variable (with dtype {wanted}) on {value} requires "
                f"converting {value} to {wanted}. This is disabled in the current promotion semantics. Please "
                f"convert {value} manually before calling {name}."
            )
        return method(self, converted(value, wanted), *args, **kwargs)

    return assign


def install() -> None:
    """Puts functions that know of weak dtypes into the public namespaces. It may be called again."""
    if _replaced:
        return
    made: dict[int, Any] = {}
    for table, make in (
        (_UNARY, _of_one),
        (_UNARY_IN_THE_SECOND, functools.partial(_of_one, place=1)),
        (_BINARY, _of_two),
        (_COMPARISONS, functools.partial(_of_two, comparison=True)),
    ):
        for path, names in table.items():
            for namespace in _namespaces(path):
                for name in names.split():
                    function = vars(namespace).get(name)
                    if callable(function) and not isinstance(function, type):
                        if id(function) not in made:
                            made[id(function)] = make(function)
                        _replace(namespace, name, made[id(function)])
    for namespace in _namespaces(""):
        _replace(namespace, "constant", _constant(vars(namespace)["constant"]))
    variable = importlib.import_module("tideflow._src.state.resource_variable").ResourceVariable
    for name in ("assign", "assign_add", "assign_sub"):
        _replace(variable, name, _assigning(getattr(variable, name), name))


def _namespaces(path: str) -> list[ModuleType]:
    """The public namespaces at a path: that of TensorFlow 2, and that of 1.x if it is in use."""
    suffix = f".{path}" if path else ""
    try:
        found = [importlib.import_module(f"tideflow{suffix}")]
    except ModuleNotFoundError:
        return []
    old = sys.modules.get(f"tideflow.v1{suffix}")
    return found if old is None or old in found else [*found, old]


def _replace(owner: Any, name: str, replacement: Any) -> None:
    key = (owner.__module__ + "." + owner.__qualname__ if isinstance(owner, type) else owner.__name__, name)
    if key not in _replaced:
        _replaced[key] = (owner, vars(owner).get(name))
        setattr(owner, name, replacement)


def uninstall() -> None:
    """Puts back what ``install`` replaced."""
    for (_, name), (owner, function) in _replaced.items():
        if function is None:
            delattr(owner, name)
        else:
            setattr(owner, name, function)
    _replaced.clear()

"""Estimates what a run of a plan costs on each tier, from the work that its operations do. No clock is read.

The figures say how long one element, one floating-point operation and one call take, in nanoseconds, interpreted
by NumPy and compiled by XLA on two cores of a processor of 2023. They need not be exact: they decide after how many
runs a program is compiled, by the ski renter's rule. Interpreting has then cost about what compiling costs, so that no
program ever takes more than about twice the time of the better choice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime.effects import functions_of

#: Nanoseconds of a call of an operation: interpreted; in a compiled program.
_OVERHEAD = (600.0, 60.0)
#: Nanoseconds of a call of a compiled program: alone, and for each array in or out.
_CALL, _CALL_PER_ARRAY = 9_000.0, 1_000.0
#: Nanoseconds that a run of a compiled program spends on a small variable that it updates: on its lock, in and out.
_CALL_PER_VARIABLE = 3_000.0
#: Nanoseconds for each byte of a large array that is fed to a compiled program: it is copied to memory that is new
#: each time. And the bytes from where on an array is large.
_CALL_PER_LARGE_BYTE, _LARGE = 0.5, 1 << 20
#: Nanoseconds of compiling: alone, for each operation, for each product, convolution or random operation, and for
#: loading the engine; how many times as much it is in a loop.
_COMPILE, _COMPILE_PER_OP, _COMPILE_HEAVY, _LOAD = 60e6, 0.4e6, 20e6, 300e6
_COMPILE_IN_LOOPS = 8
#: Nanoseconds that XLA loses by handing the pieces of a program from thread to thread; and that it takes to give a
#: variable from one of the engine's clients to another, and for each byte of it.
_HAND_OVER, _MOVE, _MOVE_PER_BYTE = 400_000.0, 50_000.0, 0.3
#: Nanoseconds of a turn of a loop, interpreted and compiled, and the turns assumed where nothing tells them.
_TURN, _TURNS = (1_500.0, 300.0), 32
#: Sizes assumed for dimensions and shapes that are not known.
_SIZE, _ELEMENTS = 32, 1024


class Work(NamedTuple):
    """Is what an element (or a floating-point operation, for products) costs in nanoseconds on each tier."""

    host: float
    compiled: float


_ELEMENTWISE = Work(0.6, 0.12)
_KINDS: dict[str, Work] = {}


def _kind(work: Work, names: str) -> None:
    _KINDS.update(dict.fromkeys(names.split(), work))


_kind(
    Work(4.0, 0.5),
    "Exp Log Log1p Expm1 Tanh Sigmoid Sin Cos Tan Pow Erf Erfc Elu Selu Softplus Softsign Softmax LogSoftmax Atan Asin "
    "Acos Sinh Cosh Asinh Acosh Atanh TanhGrad SigmoidGrad SoftmaxCrossEntropyWithLogits "
    "SparseSoftmaxCrossEntropyWithLogits Lgamma Digamma Igamma Igammac Betainc Polygamma Zeta",
)
_kind(
    Work(1.2, 0.3),
    "Sum Mean Max Min Prod All Any ArgMax ArgMin Cumsum Cumprod L2Loss BiasAddGrad AddN Cast Select SelectV2",
)
_kind(
    Work(1.0, 0.5),
    "Transpose ConcatV2 Pack Unpack Split SplitV Slice StridedSlice Pad PadV2 Tile GatherV2 Gather OneHot",
)
_kind(Work(60.0, 60.0), "TopK TopKV2 Unique UniqueV2")
_kind(
    Work(12.0, 4.0),
    "RandomUniform RandomStandardNormal TruncatedNormal RandomUniformInt StatelessRandomUniform "
    "StatelessRandomUniformV2 StatelessRandomNormal StatelessRandomNormalV2 StatelessTruncatedNormalV2",
)
_kind(Work(6.0, 1.2), "ResourceApplyAdam ApplyAdam ResourceApplyRMSProp ApplyRMSProp ResourceApplyFtrl ApplyFtrl")
_kind(Work(2.0, 0.8), "ResourceApplyGradientDescent ApplyGradientDescent ResourceApplyMomentum ApplyMomentum")
_kind(Work(8.0, 1.5), "FusedBatchNorm FusedBatchNormV3 FusedBatchNormGradV3 LRN LRNGrad")
POOLING = Work(10.0, 1.0)
_kind(POOLING, "MaxPool AvgPool MaxPoolGrad AvgPoolGrad MaxPool3D AvgPool3D MaxPool3DGrad AvgPool3DGrad")
#: Operations that move no element: they change shapes, or pass values on.
_kind(Work(0.0, 0.0), "Reshape Identity Shape Size Rank ExpandDims Squeeze StopGradient NoOp ShapeN Placeholder")
#: Operations that only name something: there is nothing to run.
_NOTHING = frozenset("VarHandleOp VariableV2 Variable TemporaryVariable NoOp Placeholder Const".split())
#: By floating-point operations.
_PRODUCT = Work(0.03, 0.02)
CONVOLUTION = Work(0.25, 0.025)
_CONVOLUTIONS = frozenset(
    "Conv2D Conv2DBackpropInput Conv2DBackpropFilter DepthwiseConv2dNative DepthwiseConv2dNativeBackpropInput "
    "DepthwiseConv2dNativeBackpropFilter Conv3D Conv3DBackpropInputV2 Conv3DBackpropFilterV2".split()
)
_PRODUCTS = frozenset("MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 Einsum".split())
#: Operations that look only at what they pick.
_PICKING = frozenset("GatherV2 Gather GatherNd ResourceGather ResourceGatherNd Slice StridedSlice".split())
_LOOPS = frozenset("While StatelessWhile For".split())


class Cost(NamedTuple):
    """Is what a run costs interpreted and compiled, and what compiling costs, in seconds."""

    host: float
    compiled: float
    compile: float

    def of_rows(self, count: int) -> Cost:
        """Returns the cost of as many runs, of which a compiled program makes one."""
        call = _CALL / 1e9
        return Cost(
            count * (self.host + _TURN[0] / 1e9), call + 0.3 * count * max(self.compiled - call, 0), self.compile
        )

    def is_better_undivided(self, processors: int) -> bool:
        """Tells whether a compiled run is done sooner by one thread than by one for each of the processors."""
        return self.compiled * (1 - 1 / processors) < _HAND_OVER / 1e9

    def runs_before_compiling(self, loaded: bool) -> float:
        """Returns how many runs to interpret before compiling; infinity if compiling never pays.

        Args:
          loaded: whether the engine has been loaded.
        """
        if self.compiled > 0.9 * self.host:
            return math.inf
        return math.floor((self.compile + (0 if loaded else _LOAD / 1e9)) / self.host)


def of_plan(plan: Any, state: Any, shapes: Sequence[tuple[int, ...]]) -> Cost:
    """Estimates the cost of a run of a plan.

    Args:
      plan: the plan.
      state: the state that it runs on: what is known of it is the size of variables.
      shapes: the shapes of what it is fed.
    """
    sizes = _Sizes(plan, state, dict(zip(plan.feeds, shapes, strict=True)))
    host, compiled, compiling = _of_ops(plan, sizes)
    arrays = len(plan.feeds) + len(plan.fetches) + 2 * sum(len(op.op_def.updates) for op in plan.ops)
    fed = [sizes.elements(feed) * feed._dtype.size for feed in plan.feeds]
    compiled += _CALL + _CALL_PER_ARRAY * arrays + _CALL_PER_LARGE_BYTE * sum(size for size in fed if size >= _LARGE)
    return Cost(host / 1e9, compiled / 1e9, (_COMPILE + compiling) / 1e9)


def runs_before_compiling(work: float, kind: Work, loaded: bool) -> float:
    """Returns how many calls of one kernel to run in NumPy before it is compiled.

    Args:
      work: its floating-point operations or elements.
      kind: what each of them costs.
      loaded: whether the engine has been loaded.
    """
    cost = Cost(
        (work * kind.host + _OVERHEAD[0]) / 1e9,
        (work * kind.compiled + _CALL + 3 * _CALL_PER_ARRAY) / 1e9,
        (_COMPILE + _COMPILE_HEAVY) / 1e9,
    )
    return cost.runs_before_compiling(loaded)


def runs_before_packing(variables: int, operations: int) -> int:
    """Returns how many runs of a compiled program its variables stay apart before they are packed.

    That takes another program; after so many runs they have cost as much as it does.

    Args:
      variables: how many variables it updates that can be packed.
      operations: how many operations it has.
    """
    return math.floor((_COMPILE + operations * _COMPILE_PER_OP) / (variables * _CALL_PER_VARIABLE))


def of_move(nbytes: int) -> float:
    """Returns the seconds that it takes to give a variable from one of the engine's clients to another."""
    return (_MOVE + _MOVE_PER_BYTE * nbytes) / 1e9


class _Sizes:
    """Knows how many elements tensors have, or guesses: a dimension that is not known is that of the feeds."""

    def __init__(self, plan: Any, state: Any, fed: Mapping[SymbolicTensor, tuple[Any, ...]]) -> None:
        self._plan = plan
        self._state = state
        self._fed = fed
        found = [
            shape[axis]
            for tensor, shape in fed.items()
            if tensor._shape is not None and len(tensor._shape) == len(shape)
            for axis, size in enumerate(tensor._shape)
            if size is None and isinstance(shape[axis], int)
        ]
        self.unknown = max(found, default=_SIZE)
        #: What functions cost that other operations hold, too, by function and shapes.
        self.known: dict[Any, tuple[float, float, float]] = {}
        unranked = [math.prod(shape) for tensor, shape in fed.items() if tensor._shape is None and _is_plain(shape)]
        self.unranked = max(unranked, default=_ELEMENTS)

    def shape(self, tensor: SymbolicTensor) -> tuple[int, ...] | None:
        tensor = self._plan.resolve(tensor)
        fed = self._fed.get(tensor)
        if fed is not None and _is_plain(fed):
            return fed
        shape = tensor._shape
        if tensor._dtype.name == "resource" or tensor._dtype._is_ref_dtype:
            buffer = self._state.buffer_of(tensor) if self._state is not None else None
            shape = None if buffer is None else buffer.shape
        if shape is None:
            return None
        return tuple([self.unknown if size is None else size for size in shape])

    def elements(self, tensor: SymbolicTensor) -> int:
        shape = self.shape(tensor)
        if shape is None:
            return 1 if tensor._dtype.name in ("resource", "variant") else self.unranked
        return math.prod(shape)


def _is_plain(shape: Any) -> bool:
    return all(isinstance(size, int) for size in shape)


def _of_ops(plan: Any, sizes: _Sizes) -> tuple[float, float, float]:
    """Returns the nanoseconds of the operations of a plan on each tier, and of compiling them."""
    host = compiled = compiling = 0.0
    for op in plan.ops:
        if op.type in _NOTHING:
            continue
        compiling += _COMPILE_PER_OP
        if op.op_def.takes_functions:
            one, other, inner = _of_functions(op, sizes)
            compiling += inner
        else:
            kind, work = _work(op, sizes)
            if kind is _PRODUCT or kind is CONVOLUTION or op.op_def.random is not None:
                compiling += _COMPILE_HEAVY
            one, other = work * kind.host, work * kind.compiled
            if op.op_def.tier == "host" and op.op_def.xla_kernel is None:
                other = one + _CALL - _OVERHEAD[1]  # it divides the program in two
        host += one + _OVERHEAD[0]
        compiled += other + _OVERHEAD[1]
    return host, compiled, compiling


def _of_functions(op: Operation, sizes: _Sizes) -> tuple[float, float, float]:
    host = compiled = compiling = 0.0
    functions = functions_of(op)
    for function in functions:
        plan = function.plan()
        given = op._inputs[len(op._inputs) - len(function.inputs) :] if function.inputs else ()
        shapes = {
            parameter: shape
            for parameter, tensor in zip(function.inputs, given, strict=True)
            if (shape := sizes.shape(tensor)) is not None
        }
        key = function, tuple(map(shapes.get, function.inputs))
        if key not in sizes.known:
            inner = _Sizes(plan, None, shapes)
            inner.unknown, inner.unranked, inner.known = sizes.unknown, sizes.unranked, sizes.known
            sizes.known[key] = _of_ops(plan, inner)
        one, other, ops = sizes.known[key]
        host, compiled, compiling = host + one, compiled + other, compiling + ops
    if op.type in _LOOPS:
        turns = _turns(op, sizes)
        return turns * (host + _TURN[0]), turns * (compiled + _TURN[1]), _COMPILE_IN_LOOPS * compiling
    if op.type == "MapDefun":
        rows = max([shape[0] for tensor in op._inputs[:1] if (shape := sizes.shape(tensor))], default=_SIZE)
        return rows * (host + _TURN[0]), rows * compiled * 0.2, compiling
    branches = max(1, len(functions))
    return host / branches, compiled / branches, compiling


def _turns(op: Operation, sizes: _Sizes) -> int:
    """Returns how many turns a loop takes, as far as its condition compares with a constant."""
    bounds = []
    for function in functions_of(op)[:1]:
        plan = function.plan()
        given = dict(zip(function.inputs, op._inputs, strict=False))
        for inner in plan.ops:
            if inner.type in ("Less", "LessEqual", "Greater", "GreaterEqual"):
                for tensor in inner._inputs:
                    tensor = plan.resolve(tensor)
                    value = plan.constants.get(tensor)
                    if value is None and tensor in given:
                        value = sizes._plan.constants.get(sizes._plan.resolve(given[tensor]))
                    if value is not None and value.size == 1 and value.dtype.kind in "iu" and value.item() > 0:
                        bounds.append(value.item())
    return min(min(bounds, default=_TURNS), 1 << 20)


def _work(op: Operation, sizes: _Sizes) -> tuple[Work, float]:
    """Returns what kind of work an operation does, and how much of it."""
    name = op.type
    if name in _PRODUCTS:
        return _PRODUCT, 2 * _product_size(op, sizes)
    if name in _CONVOLUTIONS:
        return CONVOLUTION, 2 * _convolution_size(op, sizes)
    looked_at = op._inputs[1:] if name in _PICKING else op._inputs
    largest = max([sizes.elements(tensor) for tensor in (*looked_at, *op.outputs)], default=1)
    return _KINDS.get(name, _ELEMENTWISE), largest


def _product_size(op: Operation, sizes: _Sizes) -> float:
    output = sizes.elements(op.outputs[0])
    first = sizes.shape(op._inputs[0])
    if not first:
        return output * _SIZE
    transposed = op.attrs.get("transpose_a") or op.attrs.get("adj_x")
    return output * first[-2 if transposed and len(first) > 1 else -1]


def _convolution_size(op: Operation, sizes: _Sizes) -> float:
    """Returns the multiplications of a convolution: those of each pixel of what is neither filter nor its gradient."""
    shapes = [sizes.shape(tensor) for tensor in (*op._inputs, *op.outputs)]
    ranked = [shape for shape in shapes if shape is not None and len(shape) >= 4]
    if len(ranked) < 2:
        return sizes.unranked * 100.0
    by_size = sorted(math.prod(shape) for shape in ranked)
    filters = min(ranked, key=math.prod)
    pixels = by_size[1] / max(filters[-1], 1)
    return pixels * math.prod(filters)

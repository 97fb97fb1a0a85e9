"""Lists where Tideflow differs from TensorFlow on purpose, or has yet to agree with it; the list is meant to shrink.

By aspect and op: why. An entry whose op agrees with TensorFlow fails the tests, so that it is removed; but not one
for generated calls, where it is a matter of luck which values come up: those calls are only run, and must not crash.
"""

from __future__ import annotations

_LIST = "TensorFlow's graphs carry the type and shape of a list's elements; here the list tells when it runs"
_BLOCK = "TensorFlow refuses a bad block_shape of unknown size when the node is built, here the call fails when it runs"
_SIGN = "eigenvectors are determined up to their sign, which two libraries choose differently"
_NO_ROWS = "TensorFlow infers zero rows and columns where it does not know how long the diagonal is"
_NAN_LOSES = "whether a NaN wins a maximum or a minimum depends on its place in TensorFlow; here it always wins"
_NAN_ORDER = "where a NaN stands in an order is not defined, nor what a search among unsorted values finds"
_PADDING = "what an infinity or a NaN gives times the zeros of the padding depends on TensorFlow's algorithm"
_WINDOW = "what infinities and NaNs in a window leave in its neighbours depends on TensorFlow's order of sums"
_UNDEFINED = "the conversion of NaN, infinities and numbers beyond the integers' range is undefined in TensorFlow's C++"
_ORDER = "where products overflow or underflow, the order of the factors shows"
_COMPLEX = "a complex division by zero gives infinities and NaNs that depend on the way of dividing"
_STATISTICS = "negative variances and infinities: what is left of them depends on TensorFlow's order of operations"
_SAVED = "TensorFlow's second derivative computes the statistics from x again, where a sample saves others"

_RESERVED = "TensorFlow infers [0] for outputs that hold nothing, which then are scalars"

EXEMPTIONS: dict[str, dict[str, str]] = {
    "values": {
        "SelfAdjointEigV2": _SIGN,
        "Svd": _SIGN,
        "TemporaryVariable": "TensorFlow returns memory that was never written",
    },
    "static_shapes": {
        "BatchToSpaceND": _BLOCK,
        "FusedBatchNormGrad": _RESERVED,
        "FusedBatchNormGradV2": _RESERVED,
        "FusedBatchNormGradV3": _RESERVED,
        "SpaceToBatchND": _BLOCK,
        "GatherV2": "TensorFlow infers one dimension too many for a negative batch_dims",
        "MatrixDiagV2": _NO_ROWS,
        "MatrixDiagV3": _NO_ROWS,
        "TensorListGetItem": _LIST,
        "TensorListPopBack": _LIST,
        "TensorListPushBack": _LIST,
        "TensorListStack": _LIST,
    },
    "first_gradients": {"SelfAdjointEigV2": _SIGN, "Svd": _SIGN},
    "second_gradients": {
        "EagerPyFunc": "TensorFlow loses the part of the second gradient that goes through the function's own tape",
        "FusedBatchNormGrad": _SAVED,
        "FusedBatchNormGradV2": _SAVED,
        "FusedBatchNormGradV3": _SAVED,
        "SelfAdjointEigV2": _SIGN,
        "Svd": _SIGN,
    },
    "graph_def_from_tensorflow": {
        "SelfAdjointEigV2": _SIGN,
        "Svd": _SIGN,
    },
    "generated_calls": {
        "Betainc": "TensorFlow gives NaN where a parameter is the largest float, though the limit is 1",
        "Cast": _UNDEFINED,
        "ClipByValue": _NAN_LOSES,
        "Conv2D": _PADDING,
        "Conv2DBackpropFilter": _PADDING,
        "Cumprod": _ORDER,
        "CumulativeLogsumexp": "TensorFlow drops a NaN where it is not the first element",
        "DepthwiseConv2dNative": _PADDING,
        "DepthwiseConv2dNativeBackpropFilter": _PADDING,
        "DepthwiseConv2dNativeBackpropInput": _PADDING,
        "Erf": "TensorFlow gives nan for the largest double; it is 1",
        "Div": _COMPLEX,
        "RealDiv": _COMPLEX,
        "FloorDiv": "TensorFlow flushes a subnormal quotient to zero before it is rounded down",
        "FusedBatchNorm": _STATISTICS,
        "FusedBatchNormV2": _STATISTICS,
        "FusedBatchNormV3": _STATISTICS,
        "FusedBatchNormGrad": _STATISTICS,
        "FusedBatchNormGradV2": _STATISTICS,
        "FusedBatchNormGradV3": _STATISTICS,
        "Inv": _COMPLEX,
        "Reciprocal": _COMPLEX,
        "LRN": _WINDOW,
        "LRNGrad": _WINDOW,
        "Log1p": "TensorFlow gives -inf+nanj for -1; the limit is -inf",
        "LowerBound": _NAN_ORDER,
        "MaxPool": _NAN_LOSES,
        "MaxPoolGradGrad": _NAN_LOSES,
        "MaxPoolGradGradV2": _NAN_LOSES,
        "MaxPoolV2": _NAN_LOSES,
        "MaxPoolWithArgmax": _NAN_LOSES,
        "NthElement": _NAN_ORDER,
        "RandomGammaGrad": "TensorFlow gives 0 for parameters near the limits of a float, here it is the derivative",
        "SegmentMax": _NAN_LOSES,
        "SegmentMin": _NAN_LOSES,
        "Softmax": "in a row with an infinity TensorFlow gives 0 for the others in bfloat16, NaN in the other types",
        "SparseMatMul": "TensorFlow skips the zeros of the matrix said to be sparse: zero times nan is 0 there",
        "TensorScatterMin": _NAN_LOSES,
        "TopK": _NAN_ORDER,
        "ScatterMax": _NAN_LOSES,
        "ScatterMin": _NAN_LOSES,
        "TensorScatterMax": _NAN_LOSES,
        "TopKV2": _NAN_ORDER,
        "Unique": _NAN_ORDER,
        "UniqueV2": _NAN_ORDER,
        "UniqueWithCounts": _NAN_ORDER,
        "UniqueWithCountsV2": _NAN_ORDER,
        "UnsortedSegmentMax": _NAN_LOSES,
        "UnsortedSegmentMin": _NAN_LOSES,
        "UpperBound": _NAN_ORDER,
    },
}

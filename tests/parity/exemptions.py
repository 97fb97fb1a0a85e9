"""Lists where Tideflow differs from TensorFlow on purpose, or has yet to agree with it; the list is meant to shrink.

By aspect and op: why. An entry whose op agrees with TensorFlow fails the tests, so that it is removed.
"""

from __future__ import annotations

_TOKEN = "the graph holds a token of a Python function, which means something only in the process that wrote it"
_LIST = "TensorFlow's graphs carry the type and shape of a list's elements; here the list tells when it runs"
_BLOCK = "TensorFlow refuses a bad block_shape of unknown size when the node is built, here the call fails when it runs"
_SIGN = "eigenvectors are determined up to their sign, which two libraries choose differently"
_NO_ROWS = "TensorFlow infers zero rows and columns where it does not know how long the diagonal is"
_NAN_LOSES = "whether a NaN wins a maximum or a minimum depends on its place in TensorFlow; here it always wins"
_NAN_ORDER = "where a NaN stands in an order is not defined, nor what a search among unsorted values finds"
_PADDING = "what an infinity or a NaN gives times the zeros of the padding depends on TensorFlow's algorithm"
_WINDOW = "what infinities and NaNs in a window leave in its neighbours depends on TensorFlow's order of sums"
_REMOVED = "TensorFlow has removed the operation and has no kernel for it any more"
_DOMAIN = "outside of the function's domain TensorFlow returns a number, here the result is NaN"

EXEMPTIONS: dict[str, dict[str, str]] = {
    "values": {"SelfAdjointEigV2": _SIGN, "Svd": _SIGN, "TopK": _REMOVED},
    "static_shapes": {
        "BatchToSpaceND": _BLOCK,
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
        "SelfAdjointEigV2": _SIGN,
        "Svd": _SIGN,
    },
    "graph_def_from_tensorflow": {
        "EagerPyFunc": _TOKEN,
        "PyFunc": _TOKEN,
        "PyFuncStateless": _TOKEN,
        "SelfAdjointEigV2": _SIGN,
        "Svd": _SIGN,
    },
    "graph_def_to_tensorflow": {
        "EagerPyFunc": _TOKEN,
        "PyFunc": _TOKEN,
        "PyFuncStateless": _TOKEN,
    },
    "generated_calls": {
        "Betainc": "TensorFlow gives NaN where a parameter is the largest float, though the limit is 1",
        "Conv2D": _PADDING,
        "Conv2DBackpropFilter": _PADDING,
        "CumulativeLogsumexp": "TensorFlow drops a NaN where it is not the first element",
        "DepthwiseConv2dNative": _PADDING,
        "DepthwiseConv2dNativeBackpropFilter": _PADDING,
        "DepthwiseConv2dNativeBackpropInput": _PADDING,
        "Erf": "TensorFlow gives nan for the largest double; it is 1",
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
        "TopK": _REMOVED,
        "TopKV2": _NAN_ORDER,
        "UnsortedSegmentMax": _NAN_LOSES,
        "UpperBound": _NAN_ORDER,
    },
}

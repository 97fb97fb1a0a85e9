"""Lists where Tideflow differs from TensorFlow on purpose, or has yet to agree with it; the list is meant to shrink.

By aspect and op: why. An entry whose op agrees with TensorFlow fails the tests, so that it is removed; but not one
for generated calls, where it is a matter of luck which values come up: those calls are only run, and must not crash.
"""

from __future__ import annotations

_ARRAY = "TensorFlow's graphs carry the shape of an array's elements; here the array tells when it runs"
_FLOW = "called eagerly, TensorFlow runs it as a kernel without the meaning that it has in a graph"
_REFERENCES = "the sample cannot hold a list of references"
_LIST = "TensorFlow's graphs carry the type and shape of a list's elements; here the list tells when it runs"
_BLOCK = "TensorFlow refuses a bad block_shape of unknown size when the node is built, here the call fails when it runs"
_SIGN = "eigenvectors are determined up to their sign, which two libraries choose differently"
_NO_ROWS = "TensorFlow infers zero rows and columns where it does not know how long the diagonal is"
_NAN_LOSES = "whether a NaN wins a maximum or a minimum depends on its place in TensorFlow; here it always wins"
_NAN_ORDER = "where a NaN stands in an order is not defined, nor what a search among unsorted values finds"
_PADDING = "what an infinity or a NaN gives times the zeros of the padding depends on TensorFlow's algorithm"
_WINDOW = "what infinities and NaNs in a window leave in its neighbours depends on TensorFlow's order of sums"
_NAN_PLACE = "what a NaN among coordinates or factors gives depends on TensorFlow's order of comparisons"
_NO_WEIGHT = "TensorFlow multiplies some infinities and NaNs by a weight of zero, here what has no weight does not count"
_UNDEFINED = "the conversion of NaN, infinities and numbers beyond the integers' range is undefined in TensorFlow's C++"
_ORDER = "where products overflow or underflow, the order of the factors shows"
_COMPLEX = "a complex division by zero gives infinities and NaNs that depend on the way of dividing"
_STATISTICS = "negative variances and infinities: what is left of them depends on TensorFlow's order of operations"
_SAVED = "TensorFlow's second derivative computes the statistics from x again, where a sample saves others"

_NAN_OVERLAP = "what an overlap that is not a number leaves of a score depends on TensorFlow's arithmetic"
_POOLED = "generated maxima that are not those of the input: TensorFlow reads them, here they are computed again"
_SEQUENCE = "TensorFlow infers one element too few for the sequences of fractional pooling"

_SMALL_SUMS = "sums that vanish leave rounding errors, and these differ; of empty inputs TensorFlow leaves memory unset"
_ANY_AXES = "TensorFlow infers the shape of the input, whatever the lengths and axes"
_RESERVED = "TensorFlow infers [0] for outputs that hold nothing, which then are scalars"

_TABLE = "a reference to a table is two strings in TensorFlow, which number its tables; here it is the table's handle"
_TABLE_SHAPE = "TensorFlow's handles of tables carry the shapes of keys and values; here the table tells when it runs"

EXEMPTIONS: dict[str, dict[str, str]] = {
    "values": {
        "HashTable": _TABLE,
        "MutableHashTable": _TABLE,
        "MutableHashTableOfTensors": _TABLE,
        "MutableDenseHashTable": "TensorFlow's kernel asks for a second key that this operation does not have",
        "Enter": _FLOW,
        "Exit": _FLOW,
        "Merge": _FLOW,
        "NextIteration": _FLOW,
        "RefSelect": _REFERENCES,
        "Switch": _FLOW,
        "TensorListScatterIntoExistingList": "TensorFlow lets a list hold elements that contradict its shape",
        "EncodePng": "the file holds the same image, but TensorFlow's libpng chooses other filters for its rows",
        "SelfAdjointEigV2": _SIGN,
        "Svd": _SIGN,
        "TemporaryVariable": "TensorFlow returns memory that was never written",
    },
    "static_shapes": {
        "LookupTableFindV2": _TABLE_SHAPE,
        "LookupTableImportV2": _TABLE_SHAPE,
        "ApproxTopK": "TensorFlow builds no node where the length of the dimension is not known",
        "FractionalAvgPool": _SEQUENCE,
        "FractionalMaxPool": _SEQUENCE,
        "BatchToSpaceND": _BLOCK,
        "ExtractVolumePatches": "TensorFlow infers one dimension too few where sizes are unknown",
        **dict.fromkeys(("FFTND", "IFFTND", "IRFFTND", "RFFTND"), _ANY_AXES),
        "FusedPadConv2D": "TensorFlow's shape rule fails where the rank of the paddings is unknown",
        "FusedResizeAndPadConv2D": "TensorFlow's shape rule fails where the rank of the paddings is unknown",
        "FusedBatchNormGrad": _RESERVED,
        "FusedBatchNormGradV2": _RESERVED,
        "FusedBatchNormGradV3": _RESERVED,
        "SpaceToBatchND": _BLOCK,
        "GatherV2": "TensorFlow infers one dimension too many for a negative batch_dims",
        "MatrixDiagV2": _NO_ROWS,
        "MatrixDiagV3": _NO_ROWS,
        "RefSelect": _REFERENCES,
        "TensorArrayGatherV3": _ARRAY,
        "TensorArrayReadV3": _ARRAY,
        "TensorArrayScatterV3": _ARRAY,
        "TensorArrayWriteV3": _ARRAY,
        "TensorListConcat": _LIST,
        "TensorListConcatLists": _LIST,
        "TensorListConcatV2": _LIST,
        "TensorListElementShape": _LIST,
        "TensorListGather": _LIST,
        "TensorListGetItem": _LIST,
        "TensorListScatterIntoExistingList": _LIST,
        "TensorListSplit": _LIST,
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
        "HashTable": _TABLE,
        "MutableHashTable": _TABLE,
        "MutableHashTableOfTensors": _TABLE,
        "EncodePng": "the file holds the same image, but TensorFlow's libpng chooses other filters for its rows",
        "SelfAdjointEigV2": _SIGN,
        "Svd": _SIGN,
    },
    "graph_def_to_tensorflow": {
        "HashTable": _TABLE,
        "MutableHashTable": _TABLE,
        "MutableHashTableOfTensors": _TABLE,
    },
    "generated_calls": {
        "AdjustHue": _NAN_PLACE,
        "AdjustSaturation": _NAN_PLACE,
        "ExtractGlimpse": _NAN_PLACE,
        "ExtractGlimpseV2": _NAN_PLACE,
        "FusedPadConv2D": _WINDOW,
        "FusedResizeAndPadConv2D": _WINDOW,
        "ImageProjectiveTransformV2": _NAN_PLACE,
        "ImageProjectiveTransformV3": _NAN_PLACE,
        "RGBToHSV": _NAN_LOSES,
        "HSVToRGB": _NAN_LOSES,
        "CombinedNonMaxSuppression": _NAN_OVERLAP,
        "DrawBoundingBoxes": _UNDEFINED,
        "DrawBoundingBoxesV2": _UNDEFINED,
        "EncodePng": "the file holds the same image, but TensorFlow's libpng chooses other filters for its rows",
        **dict.fromkeys(("FFT", "FFT2D", "FFT3D", "IFFT", "IFFT2D", "IFFT3D", "IRFFT", "IRFFT2D"), _SMALL_SUMS),
        **dict.fromkeys(("IRFFT3D", "RFFT", "RFFT2D", "RFFT3D"), _SMALL_SUMS),
        "AudioSpectrogram": "what an infinity leaves of a spectrum depends on the order of its sums",
        "EncodeWav": "the zeros at the end of a file without samples get lost on the way from TensorFlow",
        "Mfcc": "a NaN among the frequencies reaches the bands around it in TensorFlow, here all of them",
        "NonMaxSuppression": _NAN_OVERLAP,
        "NonMaxSuppressionV2": _NAN_OVERLAP,
        "NonMaxSuppressionV3": _NAN_OVERLAP,
        "NonMaxSuppressionV4": _NAN_OVERLAP,
        "NonMaxSuppressionV5": _NAN_OVERLAP,
        "NonMaxSuppressionWithOverlaps": _NAN_OVERLAP,
        "Betainc": "TensorFlow gives NaN where a parameter is the largest float, though the limit is 1",
        "Cast": _UNDEFINED,
        "ClipByValue": _NAN_LOSES,
        "Conv2D": _PADDING,
        "Conv2DBackpropFilter": _PADDING,
        "ApproxTopK": _NAN_ORDER,
        "Conv3D": _PADDING,
        "Conv3DBackpropFilter": _PADDING,
        "Conv3DBackpropFilterV2": _PADDING,
        "DataFormatDimMap": "TensorFlow does not wrap axes that are far out of range around",
        "FractionalMaxPool": _NAN_LOSES,
        "MaxPool3D": _NAN_LOSES,
        "MaxPool3DGrad": _POOLED,
        "MaxPool3DGradGrad": _POOLED,
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
        "ResizeBicubic": _NO_WEIGHT,
        "ScaleAndTranslate": _NO_WEIGHT,
        "ScaleAndTranslateGrad": _NO_WEIGHT,
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

"""Lists where Tideflow differs from TensorFlow on purpose, or has yet to agree with it; the list is meant to shrink.

By aspect and op: why, and of which calls; all other calls are compared. A call that is exempt is still run and must not
crash. An exemption of which no call differs fails the tests, so that it is removed, unless it says that this depends on
the processor; but not one for generated calls, where it is a matter of luck which values come up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tideflow._src.graph.samples import Sample

from . import predicates

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
_NO_WEIGHT = (
    "TensorFlow multiplies some infinities and NaNs by a weight of zero, here what has no weight does not count"
)
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

_TABLE = "a reference to a table is two strings in TensorFlow, which number its tables; here it is the table's handle"
_TABLE_SHAPE = "TensorFlow's handles of tables carry the shapes of keys and values; here the table tells when it runs"

_OUTSIDE = "what a position outside of the shape becomes in another shape depends on how division rounds"
_OUT_OF_BOUNDS = "TensorFlow computes with what lies outside of the bounds, or leaves it out; here it is refused"
_ZERO_POINT = "zero points at the limits of 32 bits overflow in TensorFlow's C++, here sums are of 64 bits"
_EMPTY_RANGE = "TensorFlow's range of no numbers, or one clipped at NaN, is made of its loop's first values"
_QUANTIZED = "ranges and numbers that are infinite, NaN or reversed: TensorFlow's C++ converts them in undefined ways"
_UNCHECKED_COUNT = "TensorFlow counts a negative number at a place outside of the result; here it is an error"
_ANY_RANK = "TensorFlow refuses an axis of a tensor whose rank is not known"

_ZERO_BYTE = "TensorFlow reads UTF-8 only up to the first zero byte of a string; here all of it"

_SIZES = "TensorFlow does not compare the shapes of these inputs, and computes with what it finds in memory"
_DEPTH_STRIDE = "TensorFlow ignores a stride over channels, whatever it is"
_ONE_ELEMENT = "TensorFlow takes a tensor of one element for a scalar, or a matrix for a vector, which is nowhere said"
_EMPTY_FILTER = "TensorFlow leaves memory unset where a filter has no elements"
_EMPTY_SLICE = "TensorFlow drops a value that is assigned to an empty slice, though the shapes differ"
_EMPTY_UPDATE = "TensorFlow drops updates without indices, and spreads rows that are too long over others"
_EXTRA = "TensorFlow does not look at the numbers beyond those that it needs"
_NO_NAME = "TensorFlow cuts the name of a file off at a zero byte, and writes to another"
_SHORT_SHAPE = "a shape may hold integers of 16 bits by TensorFlow's definition, but not by its kernel"
_NO_TEXT = "TensorFlow cuts a text off at a zero byte"
_NO_ROWS_LEFT = "TensorFlow drops what has no rows to go to"
_ORDERED = "TensorFlow reads and writes outside of the sequences and images"

_HANDLE = "a reference to a queue, reader or accumulator is its handle here, and two strings in TensorFlow"
_OLD_HANDLES = (
    "ConditionalAccumulator FIFOQueue FakeQueue PaddingFIFOQueue PriorityQueue RandomShuffleQueue "
    "ResourceConditionalAccumulator SparseConditionalAccumulator WholeFileReader"
).split()
_TAG = "a tag that is not UTF-8 is mended here, TensorFlow writes a message that no one can read"
_STAGED = "TensorFlow stages values that can never come out again, here they are refused"
_ALONE = "operations of TensorFlow's loops have a meaning in whole graphs only"

#: Operations of which TensorFlow answers one and the same question differently from time to time: the resource lives on
#: in the oracle (``tests/ops/queues`` checks these), a map has no order, a kernel draws more numbers than it uses, or
#: time passes.
UNSTABLE = ("Queue", "Reader", "StatefulRandomBinomial", "TensorMapStackKeys", "Timestamp")

#: Operations of which TensorFlow leaves outputs unset for some wrong calls: whether they agree is a matter of luck.
UNSET = frozenset(
    "BlockLSTM BlockLSTMV2 FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 FFT FFT2D FFT3D IFFT IFFT2D IFFT3D "
    "IRFFT IRFFT2D IRFFT3D RFFT RFFT2D RFFT3D ArgMax".split()
)


@dataclass(frozen=True)
class Exemption:
    """Says why calls of an operation are not compared, and which.

    Attributes:
      reason: what TensorFlow does.
      when: tells of a call whether it is exempt.
      sometimes: whether it depends on the processor that the calls differ.
    """

    reason: str
    when: Callable[[Sample], bool] = predicates.always
    sometimes: bool = False


def exemptions_of(aspect: str, name: str) -> tuple[Exemption, ...]:
    """Returns the exemptions of an op in one aspect."""
    found = EXEMPTIONS.get(aspect, {}).get(name, ())
    entries = found if isinstance(found, tuple) else (found,)
    return tuple(Exemption(entry) if isinstance(entry, str) else entry for entry in entries)


def exempt(aspect: str, sample: Sample) -> bool:
    """Tells whether a call is exempt from comparison in one aspect."""
    return any(exemption.when(sample) for exemption in exemptions_of(aspect, sample.op))


def unspecified_outputs(sample: Sample) -> tuple[int, ...]:
    """Returns the positions of the outputs that mean something to the implementation that made them only.

    What a batch normalization saves for its gradient differs between TensorFlow's own kernels and those of oneDNN: a
    scalar, nothing, memory that was never written.
    """
    if sample.op.startswith("FusedBatchNormGrad"):
        return (3, 4)
    if sample.op.startswith("FusedBatchNorm"):
        return (5,) if sample.attributes.get("is_training", True) else (3, 4, 5)
    return ()


_AVERAGE = Exemption(
    "whether TensorFlow rounds or truncates averages of quantized numbers depends on the library and the shape",
    sometimes=True,
)
_NO_IMAGES = Exemption(
    "TensorFlow leaves the gradient of a filter over no images unset", predicates.empty, sometimes=True
)

EXEMPTIONS: dict[str, dict[str, str | Exemption | tuple[Exemption, ...]]] = {
    "bad_input": {
        **dict.fromkeys("AudioSummaryV2 HistogramSummary ImageSummary ScalarSummary TensorSummaryV2".split(), _TAG),
        "RngSkip": "a negative number of steps is an error in TensorFlow's documentation, and no error in its kernel",
        "QuantizeDownAndShrinkRange": _EMPTY_RANGE,
        "RequantizationRange": _EMPTY_RANGE,
        "RequantizationRangePerChannel": _EMPTY_RANGE,
        "SparseReshape": _OUTSIDE,
        "UniformQuantizedAdd": _ZERO_POINT,
        "UniformQuantizedConvolution": _ZERO_POINT,
        "UniformQuantizedConvolutionHybrid": _ZERO_POINT,
        "UniformQuantizedDot": _ZERO_POINT,
        "UniformQuantizedDotHybrid": _ZERO_POINT,
        "UniformRequantize": _ZERO_POINT,
        "Conv": "TensorFlow forgets a dimension of batches without images",
        "DestroyTemporaryVariable": "a temporary variable goes by its handle here, not by its name",
        "FusedResizeAndPadConv2D": "TensorFlow's cache of rows limits the size of images, there is none here",
        "Mfcc": "coefficients that vanish differ by rounding errors",
        "MutableDenseHashTable": "TensorFlow's kernel asks for a second key that this operation does not have",
        "QuantizedResizeBilinear": "TensorFlow infers [0] for the range of a batch without images, which is a scalar",
        "ParseSequenceExample": "TensorFlow refuses a batch without examples",
        "ParseSequenceExampleV2": "TensorFlow refuses a batch without examples, and takes an example for a batch",
        "Reverse": "TensorFlow refuses to reverse what has no elements, though there is nothing to do",
        "Roll": "TensorFlow's sum of two shifts of one axis overflows",
        "ShardedFilename": _NO_TEXT,
        "ShardedFilespec": _NO_TEXT,
        "StringFormat": "TensorFlow leaves a blank where it summarizes a tensor by none of its elements",
        **dict.fromkeys("StatefulStandardNormalV2 StatefulTruncatedNormal StatefulUniform".split(), _SHORT_SHAPE),
        **dict.fromkeys(("StatefulUniformFullInt", "StatefulUniformInt", "NonDeterministicInts"), _SHORT_SHAPE),
        "StringLower": _NO_TEXT,
        "StringUpper": _NO_TEXT,
    },
    "refused_input": {
        "DebugNumericSummaryV2": _OUT_OF_BOUNDS,
        "RaggedBincount": _OUT_OF_BOUNDS,
        "SparseBincount": _OUT_OF_BOUNDS,
        "UniformQuantizedDot": _OUT_OF_BOUNDS,
        "UniformQuantizedDotHybrid": _OUT_OF_BOUNDS,
        "AudioSummaryV2": _ONE_ELEMENT,
        **dict.fromkeys(("AvgPool", "MaxPool", "MaxPoolWithArgmax", "MaxPoolGradWithArgmax"), _DEPTH_STRIDE),
        **dict.fromkeys(("QuantizedAvgPool", "QuantizedMaxPool"), _DEPTH_STRIDE),
        "AvgPoolGrad": _SIZES,
        **dict.fromkeys(("BlockLSTMGrad", "BlockLSTMGradV2", "LSTMBlockCell", "LSTMBlockCellGrad"), _SIZES),
        **dict.fromkeys(("Conv2DBackpropInput", "Conv3DBackpropInputV2", "DepthwiseConv2dNative"), _EMPTY_FILTER),
        **dict.fromkeys(("DepthwiseConv2dNativeBackpropInput", "Dilation2DBackpropFilter"), _EMPTY_FILTER),
        **dict.fromkeys(("FusedPadConv2D", "FusedResizeAndPadConv2D"), _EMPTY_FILTER),
        "EncodeWav": "TensorFlow writes a header in which the number of bytes in a second has overflowed",
        **dict.fromkeys(("ExtractImagePatches", "ExtractVolumePatches"), _EXTRA),
        **dict.fromkeys(("FractionalAvgPoolGrad", "FractionalMaxPoolGrad"), _ORDERED),
        **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), _SIZES),
        **dict.fromkeys(
            ("ImageProjectiveTransformV2", "ImageProjectiveTransformV3"),
            "TensorFlow looks at the interpolation when it has pixels to interpolate only",
        ),
        **dict.fromkeys(("InplaceAdd", "InplaceSub", "InplaceUpdate"), _NO_ROWS_LEFT),
        **dict.fromkeys(
            ("MapStage", "OrderedMapStage"), "TensorFlow looks at keys and indices when somebody takes the element out"
        ),
        **dict.fromkeys(("MaxPoolGradGradV2", "MaxPoolGradV2", "MaxPoolV2"), _ONE_ELEMENT),
        "MutableDenseHashTableV2": "TensorFlow looks at the keys that mean something else when the table is used first",
        **dict.fromkeys(("ParseSequenceExample", "ParseSequenceExampleV2"), _ONE_ELEMENT),
        **dict.fromkeys(("QuantizeAndDequantizeV3", "QuantizedMatMul"), _ONE_ELEMENT),
        **dict.fromkeys(("QueueDequeueMany", "QueueDequeueManyV2", "QueueDequeueUpTo"), _ONE_ELEMENT),
        "QueueDequeueUpToV2": _ONE_ELEMENT,
        **dict.fromkeys(("RaggedBincount", "SparseBincount"), _SIZES),
        "RequantizePerChannel": _SIZES,
        **dict.fromkeys(("ResizeBicubicGrad", "ResizeBilinearGrad", "ScaleAndTranslateGrad"), _SIZES),
        **dict.fromkeys(("ResourceApplyAddSign", "ResourceApplyPowerSign"), _ONE_ELEMENT),
        **{f"ResourceScatter{name}": _EMPTY_UPDATE for name in "Add Div Max Min Mul Sub Update".split()},
        **{f"ResourceScatterNd{name}": _SIZES for name in "Add Max Min Sub Update".split()},
        **dict.fromkeys(("ResourceStridedSliceAssign", "StridedSliceAssign", "TensorStridedSliceUpdate"), _EMPTY_SLICE),
        "Roll": "TensorFlow cuts an axis of 64 bits off to 32",
        **dict.fromkeys(("Save", "SaveSlices", "SaveV2", "WriteFile"), _NO_NAME),
        "ScatterNdNonAliasingAdd": _SIZES,
        "SparseAccumulatorApplyGradient": "TensorFlow looks at the indices of gradients when their sum is used",
        **{f"SparseSegment{name}Grad": _NO_ROWS_LEFT for name in ("Mean", "SqrtN", "Sum")},
        **dict.fromkeys(
            ("StatelessRandomGammaV2", "StatelessRandomGammaV3", "StatelessRandomPoisson"),
            "TensorFlow does not compare shapes where there is nothing to draw",
        ),
        **dict.fromkeys(("TensorListGetItem", "TensorListScatter", "TensorListScatterV2"), _ONE_ELEMENT),
        "TensorListScatterIntoExistingList": "TensorFlow lets a list hold elements that contradict its shape",
        "TensorSummaryV2": "TensorFlow copies serialized metadata that it cannot read",
        "UnravelIndex": "TensorFlow gives coordinates outside of the dimensions",
    },
    "bad_input_compiled": {},
    "values": {
        "QuantizedAvgPool": _AVERAGE,
        "TensorListConcat": "TensorFlow refuses a list whose elements were never set, here they are zeros",
        **dict.fromkeys([name for name in _OLD_HANDLES if name != "ResourceConditionalAccumulator"], _HANDLE),
        **dict.fromkeys(("MapStage", "OrderedMapStage", "Stage"), _STAGED),
        **dict.fromkeys(("RefEnter", "RefNextIteration", "_SwitchN"), _ALONE),
        "Barrier": "TensorFlow has no eager kernel for it",
        "FixedLengthRecordReaderV2": "TensorFlow refuses records without bytes when it reads them",
        "ReaderReadUpToV2": "TensorFlow reads nothing where nothing is asked for, which ends no loop",
        "Stack": "the name of a stack's container",
        "SparseBincount": _UNCHECKED_COUNT,
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
        "ImageSummary": "the file holds the same image, but TensorFlow's libpng chooses other filters for its rows",
        "TensorSummary": "TensorFlow puts in the name of the node, which a kernel does not know here",
        "SelfAdjointEigV2": _SIGN,
        "Svd": _SIGN,
        "TemporaryVariable": "TensorFlow returns memory that was never written",
    },
    "static_shapes": {
        **dict.fromkeys(_OLD_HANDLES, _HANDLE),
        "TensorArrayV3": "TensorFlow refuses a size of rank 1 when the node is built, here the call fails when it runs",
        "RandomIndexShuffle": "TensorFlow refuses a seed whose size is not known yet",
        "Dequantize": _ANY_RANK,
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
    "first_gradients": {
        "DepthwiseConv2dNative": _NO_IMAGES,
        "SelfAdjointEigV2": _SIGN,
        "Svd": _SIGN,
    },
    "second_gradients": {
        "DepthwiseConv2dNative": _NO_IMAGES,
        "EagerPyFunc": "TensorFlow loses the part of the second gradient that goes through the function's own tape",
        "FusedBatchNormGrad": _SAVED,
        "FusedBatchNormGradV2": _SAVED,
        "FusedBatchNormGradV3": _SAVED,
        "SelfAdjointEigV2": _SIGN,
        "Svd": _SIGN,
    },
    "graph_def_from_tensorflow": {
        "QuantizedAvgPool": _AVERAGE,
        **dict.fromkeys([name for name in _OLD_HANDLES if name != "ResourceConditionalAccumulator"], _HANDLE),
        "Stack": "the name of a stack's container",
        "TensorListElementShape": "TensorFlow wants to know the shape's rank when the node is built",
        "HashTable": _TABLE,
        "MutableHashTable": _TABLE,
        "MutableHashTableOfTensors": _TABLE,
        "EncodePng": "the file holds the same image, but TensorFlow's libpng chooses other filters for its rows",
        "ImageSummary": "the file holds the same image, but TensorFlow's libpng chooses other filters for its rows",
        "TensorSummary": "TensorFlow puts in the name of the node, which a kernel does not know here",
        "SelfAdjointEigV2": _SIGN,
        "Svd": _SIGN,
    },
    "graph_def_to_tensorflow": {
        "Stack": "the name of a stack's container",
        "TensorListElementShape": "TensorFlow wants to know the shape's rank when the node is built",
        "HashTable": _TABLE,
        "MutableHashTable": _TABLE,
        "MutableHashTableOfTensors": _TABLE,
    },
    "generated_calls": {
        "QuantizedAvgPool": _AVERAGE,
        "TensorListConcat": "TensorFlow refuses a list whose elements were never set, here they are zeros",
        "LSTMBlockCellGrad": "an infinite weight of a peephole gives an infinity here, and NaN in TensorFlow",
        "CTCBeamSearchDecoder": "which of equally likely beams come first depends on TensorFlow's heap",
        "UniformQuantizedConvolution": _QUANTIZED,
        "UniformQuantizedConvolutionHybrid": _QUANTIZED,
        "HistogramFixedWidth": _QUANTIZED,
        "UniformQuantizedDotHybrid": _QUANTIZED,
        "UniformQuantizedDot": _QUANTIZED,
        "UniformQuantizedAdd": _QUANTIZED,
        "UniformRequantize": _QUANTIZED,
        "UniformDequantize": _QUANTIZED,
        "UniformQuantize": _QUANTIZED,
        "QuantizedConcat": _QUANTIZED,
        "QuantizedBatchNormWithGlobalNormalization": _QUANTIZED,
        "QuantizedInstanceNorm": _QUANTIZED,
        "QuantizedRelu6": _QUANTIZED,
        "QuantizedRelu": _QUANTIZED,
        "QuantizedConv2D": _QUANTIZED,
        "QuantizedMatMul": _QUANTIZED,
        "QuantizedBiasAdd": _QUANTIZED,
        "QuantizedMul": _QUANTIZED,
        "QuantizedAdd": _QUANTIZED,
        "RequantizationRangePerChannel": _QUANTIZED,
        "RequantizePerChannel": _QUANTIZED,
        "RequantizationRange": _QUANTIZED,
        "Requantize": _QUANTIZED,
        "QuantizeDownAndShrinkRange": _QUANTIZED,
        "Dequantize": _QUANTIZED,
        "QuantizeV2": _QUANTIZED,
        "QuantizeAndDequantizeV4": _QUANTIZED,
        "QuantizeAndDequantizeV3": _QUANTIZED,
        "QuantizeAndDequantizeV2": _QUANTIZED,
        "FakeQuantWithMinMaxVarsPerChannel": _QUANTIZED,
        "FakeQuantWithMinMaxVars": _QUANTIZED,
        "FakeQuantWithMinMaxVarsPerChannelGradient": _QUANTIZED,
        "FakeQuantWithMinMaxVarsGradient": _QUANTIZED,
        "StringLower": _ZERO_BYTE,
        "StringUpper": _ZERO_BYTE,
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
        "ImageSummary": "the file holds the same image, but TensorFlow's libpng chooses other filters for its rows",
        "TensorSummary": "TensorFlow puts in the name of the node, which a kernel does not know here",
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

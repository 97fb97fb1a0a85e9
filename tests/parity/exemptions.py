"""Lists where Tideflow differs from TensorFlow on purpose, or has yet to agree with it; the list is meant to shrink.

By aspect and op: why, and of which calls; all other calls are compared. A call that is exempt is still run and must not
crash. An exemption of which no call differs fails the tests, so that it is removed, unless it says that this depends on
the processor; but not one for generated calls, where it is a matter of luck which values come up.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tideflow._src.graph.samples import Sample

from . import predicates

_ARRAY = "TensorFlow's graphs carry the shape of an array's elements; here the array tells when it runs"
_FLOW = "called eagerly, TensorFlow runs it as a kernel without the meaning that it has in a graph"
_REFERENCES = "the sample cannot hold a list of references"
_LIST = "TensorFlow's graphs carry the type and shape of a list's elements; here the list tells when it runs"
_BLOCK = "TensorFlow refuses a bad block_shape of unknown size when the node is built, here the call fails when it runs"
_SIGN = "eigenvectors are determined up to their sign, which two libraries choose differently"
_NO_ROWS = "TensorFlow infers zero rows and columns where it does not know how long the diagonal is"
_NO_RAGGED_ROWS = "TensorFlow gives the row ids of no rows a second dimension"
_NAN_LOSES = "whether a NaN wins a maximum or a minimum depends on its place in TensorFlow; here it always wins"
_NAN_ORDER = "where a NaN stands in an order is not defined, nor what a search among unsorted values finds"
_TWO_ZEROS = "TensorFlow tells zeros of different signs apart in the shorter types only"
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
_FIRST_ONLY = "TensorFlow has no gradient of the gradient"
_SAVED = "TensorFlow's second derivative computes the statistics from x again, where a sample saves others"

_NAN_OVERLAP = "what an overlap that is not a number leaves of a score depends on TensorFlow's arithmetic"
_SEQUENCE = "TensorFlow infers one element too few for the sequences of fractional pooling"

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

_SEED_KERNEL = "TensorFlow's kernel asks for an input that this operation does not have"
_OWNED = "TensorFlow lets nobody delete what a handle still refers to; here that is left to the last one who holds it"
_ITERATOR_NAME = "the string that stands for an iterator means something to who made it only"

_ZERO_BYTE = "TensorFlow reads UTF-8 only up to the first zero byte of a string; here all of it"

_SIZES = "TensorFlow does not compare the shapes of these inputs, and computes with what it finds in memory"
_DEPTH_STRIDE = "TensorFlow ignores a stride over channels, whatever it is"
_ONE_ELEMENT = "TensorFlow takes a tensor of one element for a scalar, or a matrix for a vector, which is nowhere said"
_EMPTY_FILTER = "TensorFlow leaves memory unset where a filter has no elements"
_EMPTY_SLICE = "TensorFlow drops a value that is assigned to an empty slice, though the shapes differ"
_EMPTY_UPDATE = "TensorFlow drops updates without indices, and spreads rows that are too long over others"
_EXTRA = "TensorFlow does not look at the numbers beyond those that it needs"
_NO_NAME = "TensorFlow cuts the name of a file off at a zero byte, and writes to another"
_CUT_NAME = "TensorFlow cuts the name of a file off at a zero byte, and looks at another, which may be there or not"
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

_CSR = "TensorFlow's graphs carry the shape of a matrix in compressed rows; here the matrix tells when it runs"
_CSR_NAMES = (
    "CSRSparseMatrixComponents CSRSparseMatrixToDense CSRSparseMatrixToSparseTensor DenseToCSRSparseMatrix "
    "SparseMatrixMatMul SparseMatrixNNZ SparseMatrixOrderingAMD SparseMatrixSparseCholesky SparseMatrixSparseMatMul "
    "SparseMatrixTranspose SparseTensorToCSRSparseMatrix"
).split()
_ORDERS = {"SparseMatrixOrderingAMD": "orders of minimum degree differ in how ties are broken"}

#: Operations of which TensorFlow answers one and the same question differently from time to time: the resource lives on
#: in the oracle (``tests/ops/queues`` checks these), a map has no order, a kernel draws more numbers than it uses, time
#: passes, an operation without outputs fails after its call has returned, or the gradient of a function is that of
#: another one that was differentiated before.
UNSTABLE = (
    "Abort",
    "AddManySparseToTensorsMap",
    "AddSparseToTensorsMap",
    "FakeParam",
    "Queue",
    "Reader",
    "StatefulRandomBinomial",
    "SymbolicGradient",
    "XlaDynamic",
    "TensorMapStackKeys",
    "Timestamp",
)

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
      sometimes: whether it depends on the machine (its processor, its file system) that the calls differ.
      spoiled: a regular expression of how wrong calls were spoiled.
    """

    reason: str
    when: Callable[[Sample], bool] = predicates.always
    sometimes: bool = False
    spoiled: str = ".*"

    def covers(self, sample: Sample, what: str = "") -> bool:
        """Tells whether a call is exempt, ``what`` saying how it was spoiled."""
        return self.when(sample) and re.fullmatch(self.spoiled, what) is not None


def exemptions_of(aspect: str, name: str) -> tuple[Exemption, ...]:
    """Returns the exemptions of an op in one aspect."""
    found = EXEMPTIONS.get(aspect, {}).get(name, ())
    entries = found if isinstance(found, tuple) else (found,)
    return tuple(Exemption(entry) if isinstance(entry, str) else entry for entry in entries)


def exempt(aspect: str, sample: Sample) -> bool:
    """Tells whether a call is exempt from comparison in one aspect."""
    return any(exemption.covers(sample) for exemption in exemptions_of(aspect, sample.op))


def unspecified_outputs(sample: Sample) -> tuple[int, ...]:
    """Returns the positions of the outputs that mean something to the implementation that made them only.

    What a batch normalization saves for its gradient differs between TensorFlow's own kernels and those of oneDNN: a
    scalar, nothing, memory that was never written.

    A fingerprint tells datasets apart; which number each has is no matter.

    Singular vectors that nobody asked for are empty to TensorFlow's shape inference, and scalars that were never
    written to its kernel.
    """
    if sample.op == "DatasetFingerprint":
        return (0,)
    if sample.op == "Batch":  # the keys of runs
        return (len(sample.inputs[0]), len(sample.inputs[0]) + 1)
    if sample.op == "Svd" and not sample.attributes.get("compute_uv", True):
        return (1, 2)
    if sample.op.startswith("FusedBatchNormGrad"):
        return (3, 4)
    if sample.op.startswith("FusedBatchNorm"):
        return (5,) if sample.attributes.get("is_training", True) else (3, 4, 5)
    return ()


def _calls(spoiled: str, reason: str, names: str, *, sometimes: bool = False) -> dict[str, Exemption]:
    return dict.fromkeys(names.split(), Exemption(reason, spoiled=spoiled, sometimes=sometimes))


def _of(names: str, reason: str, when: Callable[[Sample], bool]) -> dict[str, Exemption]:
    return dict.fromkeys(names.split(), Exemption(reason, when))


_AVERAGE = Exemption(
    "whether TensorFlow rounds or truncates averages of quantized numbers depends on the library and the shape",
    sometimes=True,
)
_NO_IMAGES = Exemption(
    "TensorFlow leaves the gradient of a filter over no images unset", predicates.empty, sometimes=True
)

_VECTORS = {
    "SelfAdjointEigV2": Exemption(_SIGN, lambda sample: sample.attributes.get("compute_v", True)),
    "Svd": Exemption(_SIGN, lambda sample: sample.attributes.get("compute_uv", True)),
}

EXEMPTIONS: dict[str, dict[str, str | Exemption | tuple[Exemption, ...]]] = {
    "bad_input": {
        "AnonymousRandomSeedGenerator": _SEED_KERNEL,
        "CreateSummaryFileWriter": Exemption(_CUT_NAME, spoiled="input 1 as nonsense", sometimes=True),
        **_calls("input [01] with .*", "numbers without end: how many fit depends on the machine", "RaggedRange"),
        **_calls("input 0 of a rank more", _SIZES, "RaggedTensorToSparse"),
        **_calls("input [13] .*", _SIZES, "RaggedTensorToTensor"),
        "RaggedTensorToVariantGradient": Exemption(_SIZES, spoiled="input 2 longer", sometimes=True),
        "SparseAdd": Exemption(
            "TensorFlow reads a threshold of fewer bytes beyond its end",
            spoiled="input 6 as another type",
            sometimes=True,
        ),
        "BatchFunction": Exemption(
            "TensorFlow takes what a Batch of that name has made for its own", spoiled="shared_name=.*", sometimes=True
        ),
        "SparseConcat": "sizes that overflow are an internal error in TensorFlow, too",
        **_calls(
            "input 0 as nonsense", _TAG, "AudioSummaryV2 HistogramSummary ImageSummary ScalarSummary TensorSummaryV2"
        ),
        **_calls(
            "input 2 with .*",
            "a negative number of steps is an error in TensorFlow's documentation, and no error in its kernel",
            "RngSkip",
        ),
        **_calls("input 0 empty", _EMPTY_RANGE, "QuantizeDownAndShrinkRange RequantizationRange"),
        **_calls("clip_value_max=.*", _EMPTY_RANGE, "RequantizationRangePerChannel"),
        **_calls("input 0 with .*", _OUTSIDE, "SparseReshape"),
        **_calls("input [357] with .*", _ZERO_POINT, "UniformQuantizedAdd UniformQuantizedDot"),
        **_calls("input 7 with .*", _ZERO_POINT, "UniformQuantizedConvolution"),
        **_calls("input 3 with .*", _ZERO_POINT, "UniformQuantizedConvolutionHybrid UniformQuantizedDotHybrid"),
        **_calls("input [24] with .*", _ZERO_POINT, "UniformRequantize"),
        **_calls("input 0 empty", "TensorFlow forgets a dimension of batches without images", "Conv"),
        **_calls(
            "var_name=.*", "a temporary variable goes by its handle here, not by its name", "DestroyTemporaryVariable"
        ),
        **_calls(
            "input 1 with .*",
            "TensorFlow's cache of rows limits the size of images, there is none here",
            "FusedResizeAndPadConv2D",
        ),
        **_calls(
            "input 0 (as strings|of a rank more|with .*)",
            "TensorFlow's kernel asks for a second key that this operation does not have",
            "MutableDenseHashTable",
        ),
        **_calls(
            "input 0 empty",
            "TensorFlow infers [0] for the range of a batch without images, which is a scalar",
            "QuantizedResizeBilinear",
        ),
        **_calls("input 0 empty", "TensorFlow refuses a batch without examples", "ParseSequenceExample"),
        **_calls(
            "input 0 (empty|of a rank less)",
            "TensorFlow refuses a batch without examples, and takes an example for a batch",
            "ParseSequenceExampleV2",
        ),
        **_calls(
            "input 0 empty",
            "TensorFlow refuses to reverse what has no elements, though there is nothing to do",
            "Reverse",
        ),
        **_calls("input 1 with .*", "TensorFlow's sum of two shifts of one axis overflows", "Roll"),
        **_calls("input 0 as nonsense", _NO_TEXT, "ShardedFilename ShardedFilespec StringLower StringUpper"),
        **_calls(
            "input 2 as another type",
            _SHORT_SHAPE,
            "StatefulStandardNormalV2 StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt "
            "StatefulUniformInt",
        ),
        **_calls("input 0 (as another type|empty)", _SHORT_SHAPE, "NonDeterministicInts"),
    },
    "refused_input": {
        **_calls(
            "(batch_timeout_micros|max_batch_size|max_enqueued_batches)=.*",
            "TensorFlow looks at these only when the first call makes what the others share",
            "Batch BatchFunction",
        ),
        **_calls(
            "input 2 (of a rank less|empty|longer)|input [67] (of a rank less|longer)",
            _SIZES,
            "SdcaOptimizer SdcaOptimizerV2",
        ),
        **_calls(
            "input 1 with .*|input 1 empty",
            "TensorFlow takes a size that is negative, or none, and then never ends or divides by zero",
            "RebatchDatasetV2",
        ),
        **_calls(
            "input [12] as nonsense",
            "a null character ends a path in TensorFlow, and a compression that it does not know is none",
            "DatasetToTFRecord ExperimentalDatasetToTFRecord",
        ),
        "ShardDataset": Exemption("TensorFlow takes a negative number of shards", spoiled="input 1 with -1"),
        "SparseMatrixSparseCholesky": Exemption(
            "TensorFlow factors what a permutation that repeats a row leaves of a matrix",
            spoiled="input 1 with .*",
            sometimes=True,
        ),
        **_calls("input 2 (empty|with 0)", _SIZES, "RaggedTensorToVariantGradient"),
        **_calls("tensor_id=.*", _OUT_OF_BOUNDS, "DebugNumericSummaryV2"),
        **_calls("input 0 of a rank more", _ONE_ELEMENT, "RemoteCall"),
        **_calls("input 0 of a rank more|input 3 (longer|of a rank less)", _SIZES, "RaggedBincount"),
        **_calls("input 1 with .*|input 4 (longer|of a rank less)", _SIZES, "SparseBincount"),
        **_calls("output_quantization_axis=.*|rhs_quantization_axis=.*", _OUT_OF_BOUNDS, "UniformQuantizedDot"),
        **_calls("rhs_quantization_axis=.*", _OUT_OF_BOUNDS, "UniformQuantizedDotHybrid"),
        **_calls("input 2 of a rank more", _ONE_ELEMENT, "AudioSummaryV2"),
        **_calls(
            "strides=.*",
            _DEPTH_STRIDE,
            "AvgPool MaxPool MaxPoolWithArgmax MaxPoolGradWithArgmax QuantizedAvgPool QuantizedMaxPool",
        ),
        **_calls("input 0 with .*|input 1 (empty|longer|wider)|strides=.*", _SIZES, "AvgPoolGrad"),
        **_calls(r"input \d+ (longer|wider)", _SIZES, "BlockLSTMGrad BlockLSTMGradV2"),
        **_calls("input [456] (empty|longer)", _SIZES, "LSTMBlockCell LSTMBlockCellGrad"),
        **_calls(
            "input 1 empty",
            _EMPTY_FILTER,
            "Conv2DBackpropInput Conv3DBackpropInputV2 DepthwiseConv2dNative DepthwiseConv2dNativeBackpropInput "
            "Dilation2DBackpropFilter",
        ),
        **_calls("input 2 empty", _EMPTY_FILTER, "FusedPadConv2D"),
        **_calls("input 3 empty", _EMPTY_FILTER, "FusedResizeAndPadConv2D"),
        **_calls(
            "input 1 with .*",
            "TensorFlow writes a header in which the number of bytes in a second has overflowed",
            "EncodeWav",
        ),
        **_calls("ksizes=.*|rates=.*|strides=.*", _EXTRA, "ExtractImagePatches"),
        **_calls("ksizes=.*|strides=.*", _EXTRA, "ExtractVolumePatches"),
        **_calls("input 1 wider|input [023] (longer|of a rank more|with .*)", _ORDERED, "FractionalAvgPoolGrad"),
        **_calls(
            "input 2 (as a vector|empty|of a rank less|of a rank more)|input [34] (longer|with .*)",
            _ORDERED,
            "FractionalMaxPoolGrad",
        ),
        **_calls("input 0 of a rank more", _SIZES, "FusedBatchNorm FusedBatchNormV2"),
        **_calls("input 0 (of a rank less|of a rank more)", _SIZES, "FusedBatchNormV3"),
        **_calls(
            "interpolation=.*",
            "TensorFlow looks at the interpolation when it has pixels to interpolate only",
            "ImageProjectiveTransformV2 ImageProjectiveTransformV3",
        ),
        **_calls("input 0 empty", _NO_ROWS_LEFT, "InplaceAdd InplaceSub InplaceUpdate"),
        **_calls(
            "input 1 (of a rank less|with .*)|input 2 (as another type|as strings)|input [012] of a rank more",
            "TensorFlow looks at keys and indices when somebody takes the element out",
            "MapStage OrderedMapStage",
        ),
        **_calls("input [34] of a rank more", _ONE_ELEMENT, "MaxPoolGradGradV2 MaxPoolGradV2"),
        **_calls("input 2 with .*|input [12] of a rank more", _ONE_ELEMENT, "MaxPoolV2"),
        **_calls(
            "input 1 (of a rank more|with .*)",
            "TensorFlow looks at the keys that mean something else when the table is used first",
            "MutableDenseHashTableV2",
        ),
        **_calls("input 0 of a rank less", _ONE_ELEMENT, "ParseSequenceExample"),
        **_calls("input [01] of a rank more", _ONE_ELEMENT, "ParseSequenceExampleV2"),
        **_calls("input [12] of a rank more", _ONE_ELEMENT, "QuantizeAndDequantizeV3"),
        **_calls("input [345] of a rank more", _ONE_ELEMENT, "QuantizedMatMul"),
        **_calls(
            "input 1 of a rank more",
            _ONE_ELEMENT,
            "QueueDequeueMany QueueDequeueManyV2 QueueDequeueUpTo QueueDequeueUpToV2 TensorListGetItem "
            "TensorListScatter TensorListScatterV2",
        ),
        **_calls("input 0 wider", _SIZES, "RequantizePerChannel"),
        **_calls(
            "input [01] (empty|longer|wider)", _SIZES, "ResizeBicubicGrad ResizeBilinearGrad ScaleAndTranslateGrad"
        ),
        **_calls("input 4 of a rank more", _ONE_ELEMENT, "ResourceApplyAddSign ResourceApplyPowerSign"),
        **_calls(
            "input 1 empty|input 2 wider",
            _EMPTY_UPDATE,
            "ResourceScatterAdd ResourceScatterDiv ResourceScatterMax ResourceScatterMin ResourceScatterMul "
            "ResourceScatterSub ResourceScatterUpdate",
        ),
        **_calls(
            "input 1 as a vector",
            _SIZES,
            "ResourceScatterNdAdd ResourceScatterNdMax ResourceScatterNdMin ResourceScatterNdSub "
            "ResourceScatterNdUpdate ScatterNdNonAliasingAdd",
        ),
        **_calls("input [123] with .*|new_axis_mask=.*", _EMPTY_SLICE, "ResourceStridedSliceAssign StridedSliceAssign"),
        **_calls("input 0 empty|input [123] with .*", _EMPTY_SLICE, "TensorStridedSliceUpdate"),
        **_calls("input 2 with .*", "TensorFlow cuts an axis of 64 bits off to 32", "Roll"),
        **_calls("input 0 as nonsense|input [01] of a rank more", _NO_NAME, "Save", sometimes=True),
        **_calls("input 0 as nonsense|input [012] of a rank more", _NO_NAME, "SaveSlices", sometimes=True),
        **_calls("input 0 (as nonsense|of a rank more)", _NO_NAME, "SaveV2", sometimes=True),
        **_calls("input 1 as nonsense", _CUT_NAME, "CreateSummaryFileWriter", sometimes=True),
        **_calls("input [01] as nonsense", _CUT_NAME, "GenerateVocabRemapping", sometimes=True),
        **_calls("input 0 as nonsense", _NO_NAME, "WriteFile", sometimes=True),
        **_calls(
            "input 2 with .*|input 4 (longer|of a rank more)",
            "TensorFlow looks at the indices of gradients when their sum is used",
            "SparseAccumulatorApplyGradient",
        ),
        **_calls("input 3 with .*", _NO_ROWS_LEFT, "SparseSegmentMeanGrad SparseSegmentSqrtNGrad SparseSegmentSumGrad"),
        **_calls(
            "input 0 with .*",
            "TensorFlow does not compare shapes where there is nothing to draw",
            "StatelessRandomGammaV2 StatelessRandomGammaV3 StatelessRandomPoisson",
        ),
        **_calls(
            "input 1 (of a rank less|wider)",
            "TensorFlow lets a list hold elements that contradict its shape",
            "TensorListScatterIntoExistingList",
        ),
        **_calls("input 2 as nonsense", "TensorFlow copies serialized metadata that it cannot read", "TensorSummaryV2"),
        **_calls("input 0 with .*", "TensorFlow gives coordinates outside of the dimensions", "UnravelIndex"),
    },
    "bad_input_compiled": {},
    "values": {
        "AnonymousRandomSeedGenerator": _SEED_KERNEL,
        "DeleteMemoryCache": _OWNED,
        "DeleteSeedGenerator": _OWNED,
        "IteratorToStringHandle": _ITERATOR_NAME,
        **_ORDERS,
        "RaggedFillEmptyRows": Exemption(
            _NO_RAGGED_ROWS, predicates.holds(lambda rows, values, nrows, default: nrows == 0)
        ),
        "QuantizedAvgPool": _AVERAGE,
        "TensorListConcat": Exemption(
            "TensorFlow refuses a list whose elements were never set, here they are zeros", predicates.only_reserved
        ),
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
        **_VECTORS,
        "TemporaryVariable": "TensorFlow returns memory that was never written",
    },
    "static_shapes": {
        "XlaDynamicSlice": "TensorFlow knows no shape, or does not check the indices, before it compiles",
        "XlaDynamicUpdateSlice": "TensorFlow does not check the indices before it compiles",
        "DebugNanCount": "TensorFlow infers a scalar for the count, which is a vector of one element",
        **dict.fromkeys(_CSR_NAMES, _CSR),
        "DenseCountSparseOutput": "TensorFlow refuses weights of unknown length, though there may be none",
        "RaggedTensorToTensor": "TensorFlow refuses a scalar for the shape unless its value is known",
        "RaggedTensorToVariant": "TensorFlow infers one row too few for a dense tensor",
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
        "GatherV2": Exemption(
            "TensorFlow infers one dimension too many for a negative batch_dims",
            lambda sample: sample.attributes.get("batch_dims", 0) < 0,
        ),
        "MatrixDiagV2": _NO_ROWS,
        "MatrixDiagV3": _NO_ROWS,
        "RefSelect": _REFERENCES,
        "TensorArrayGatherV3": _ARRAY,
        "TensorArrayReadV3": _ARRAY,
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
        "EagerPyFunc": "a raw call made eagerly leaves no record of what the function did; tf.py_function does",
        **_VECTORS,
    },
    "second_gradients": {
        "DepthwiseConv2dNative": _NO_IMAGES,
        "FusedBatchNormGrad": _SAVED,
        "FusedBatchNormGradV2": _SAVED,
        "FusedBatchNormGradV3": _SAVED,
        "SparseAdd": _FIRST_ONLY,
        **_VECTORS,
    },
    "graph_def_from_tensorflow": {
        "IteratorToStringHandle": _ITERATOR_NAME,
        **_ORDERS,
        "RaggedFillEmptyRows": Exemption(
            _NO_RAGGED_ROWS, predicates.holds(lambda rows, values, nrows, default: nrows == 0)
        ),
        "QuantizedAvgPool": _AVERAGE,
        **dict.fromkeys([name for name in _OLD_HANDLES if name != "ResourceConditionalAccumulator"], _HANDLE),
        "Stack": "the name of a stack's container",
        "TensorListElementShape": "TensorFlow wants to know the shape's rank when the node is built",
        "HashTable": _TABLE,
        "MutableHashTable": _TABLE,
        "MutableHashTableOfTensors": _TABLE,
        **_VECTORS,
    },
    "graph_def_to_tensorflow": {
        "Stack": "the name of a stack's container",
        "TensorListElementShape": "TensorFlow wants to know the shape's rank when the node is built",
        "HashTable": _TABLE,
        "MutableHashTable": _TABLE,
        "MutableHashTableOfTensors": _TABLE,
    },
    "generated_calls": {
        **_ORDERS,
        "QuantizedAvgPool": _AVERAGE,
        "TensorListConcat": Exemption(
            "TensorFlow refuses a list whose elements were never set, here they are zeros", predicates.only_reserved
        ),
        "KmeansPlusPlusInitialization": Exemption(
            "distances of equal points are rounding, and those that are not finite have no order",
            predicates.any_of(predicates.not_finite, predicates.ties),
        ),
        "LSTMBlockCellGrad": Exemption(
            "an infinite weight of a peephole gives an infinity here, and NaN in TensorFlow", predicates.not_finite
        ),
        "CTCBeamSearchDecoder": Exemption(
            "which of equally likely beams come first depends on TensorFlow's heap", predicates.ties
        ),
        **_of(
            "UniformDequantize UniformQuantize UniformQuantizedAdd UniformQuantizedConvolution UniformQuantizedDot "
            "UniformQuantizedConvolutionHybrid UniformQuantizedDotHybrid UniformRequantize",
            _QUANTIZED,
            predicates.extreme,
        ),
        **_of(
            "Dequantize FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsGradient FakeQuantWithMinMaxVarsPerChannel "
            "FakeQuantWithMinMaxVarsPerChannelGradient QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 "
            "QuantizeAndDequantizeV4 QuantizeDownAndShrinkRange QuantizedAdd "
            "QuantizedBatchNormWithGlobalNormalization QuantizedBiasAdd QuantizedConv2D QuantizedInstanceNorm "
            "QuantizedMatMul QuantizedMul QuantizedRelu QuantizedRelu6 RequantizationRange "
            "RequantizationRangePerChannel Requantize RequantizePerChannel",
            _QUANTIZED,
            predicates.unusual_range,
        ),
        "QuantizeV2": Exemption(
            "TensorFlow rounds numbers and the range's lower end, oneDNN the difference of both",
            predicates.any_of(predicates.unusual_range, lambda sample: sample.attributes.get("mode") == "MIN_FIRST"),
        ),
        **_of("StringLower StringUpper", _ZERO_BYTE, predicates.zero_byte),
        **_of(
            "AdjustHue AdjustSaturation ImageProjectiveTransformV3",
            _NAN_PLACE,
            predicates.extreme,
        ),
        "AudioSummaryV2": Exemption(
            "TensorFlow writes a file of 0 samples in a second", predicates.holds(lambda tag, sounds, rate: rate < 1)
        ),
        "BesselY1": Exemption("TensorFlow gives NaN for 0; the limit is -inf", predicates.holds(lambda x: x == 0)),
        "CropAndResizeGradImage": Exemption(_NAN_PLACE, predicates.not_finite),
        "CTCLoss": Exemption(
            "TensorFlow's probabilities vanish where logits are far apart, and their logarithms with them",
            predicates.holds(lambda inputs, *labels: np.ptp(inputs) > 80),
        ),
        **_of(
            "BlockLSTMGrad BlockLSTMGradV2 GRUBlockCellGrad",
            "which of an infinity and a NaN comes of infinite inputs depends on TensorFlow's order of sums",
            predicates.not_finite,
        ),
        **_of(
            "Igamma Igammac IgammaGradA",
            "TensorFlow gives 0 or NaN near the largest float, and flushes 1 / gamma(a) to zero for the smallest a",
            predicates.extreme,
        ),
        **_of(
            "ExtractGlimpse ExtractGlimpseV2",
            f"{_NAN_PLACE}; what lies outside of the image is noise",
            predicates.any_of(predicates.not_finite, lambda sample: sample.attributes.get("noise") != "zero"),
        ),
        **_of("FusedPadConv2D FusedResizeAndPadConv2D", _WINDOW, predicates.not_finite),
        "RGBToHSV": Exemption(_NAN_LOSES, predicates.has_nan),
        **_of(
            "NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5 "
            "NonMaxSuppressionWithOverlaps",
            _NAN_OVERLAP,
            predicates.not_finite,
        ),
        "CombinedNonMaxSuppression": Exemption(
            f"{_NAN_OVERLAP}; which of equal scores comes first depends on TensorFlow's sort",
            predicates.any_of(
                predicates.not_finite, predicates.holds(lambda *inputs: len(np.unique(inputs[1])) < inputs[1].size)
            ),
        ),
        **_of("DrawBoundingBoxes DrawBoundingBoxesV2", _UNDEFINED, predicates.not_finite),
        "AudioSpectrogram": Exemption(
            "what an infinity leaves of a spectrum depends on the order of its sums", predicates.not_finite
        ),
        "Mfcc": Exemption(
            "a NaN among the frequencies, or the root of a negative number, reaches the bands around it in TensorFlow, "
            "here all of them",
            predicates.any_of(predicates.not_finite, predicates.holds(lambda spectrogram, rate: spectrogram < 0)),
        ),
        "Betainc": Exemption(
            "TensorFlow gives NaN where a parameter is 0 or the largest float, though there is a limit",
            predicates.any_of(predicates.extreme, predicates.holds(lambda a, b, x: (a <= 0) | (b <= 0))),
        ),
        "NearestNeighbors": Exemption(
            "whether the distance from an infinity is one, or NaN, depends on how TensorFlow expands the square",
            predicates.not_finite,
        ),
        "Cast": Exemption(_UNDEFINED, predicates.beyond_integers),
        "ClipByValue": Exemption(_NAN_LOSES, predicates.has_nan),
        **_of(
            "Conv2D Conv2DBackpropFilter Conv2DBackpropInput Conv3D Conv3DBackpropFilter Conv3DBackpropFilterV2 "
            "Conv3DBackpropInput Conv3DBackpropInputV2 DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter "
            "DepthwiseConv2dNativeBackpropInput",
            _PADDING,
            predicates.not_finite,
        ),
        "DataFormatDimMap": Exemption(
            "TensorFlow does not wrap axes that are far out of range around", predicates.holds(lambda x: abs(x) > 8)
        ),
        **_of("ApproxTopK NthElement TopK TopKV2", _NAN_ORDER, predicates.has_nan),
        **_of("LowerBound UpperBound", _NAN_ORDER, predicates.any_of(predicates.unordered, predicates.has_nan)),
        **_of("Unique UniqueV2 UniqueWithCounts UniqueWithCountsV2", _TWO_ZEROS, predicates.both_zeros),
        **_of(
            "FractionalMaxPool MaxPool MaxPool3D MaxPool3DGrad MaxPool3DGradGrad MaxPoolGradGrad MaxPoolGradGradV2 "
            "MaxPoolV2 MaxPoolWithArgmax "
            "SegmentMax SegmentMin TensorScatterMax TensorScatterMin UnsortedSegmentMax UnsortedSegmentMin",
            _NAN_LOSES,
            predicates.not_finite,
        ),
        "Cumprod": Exemption(_ORDER, predicates.extreme),
        "CumulativeLogsumexp": Exemption(
            "TensorFlow drops a NaN where it is not the first element", predicates.not_finite
        ),
        "Erf": Exemption(
            "TensorFlow gives nan for the largest double; it is 1", predicates.holds(lambda x: abs(x) > 1e300)
        ),
        **_of("Div RealDiv Inv Reciprocal", _COMPLEX, predicates.complex_zero),
        "FloorDiv": Exemption(
            "TensorFlow flushes a subnormal quotient to zero before it is rounded down",
            predicates.holds(lambda x, y: (x != 0) & (abs(x / y) < 1e-37)),
        ),
        **_of(
            "FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3",
            _STATISTICS,
            predicates.any_of(predicates.not_finite, predicates.holds(lambda *inputs: inputs[4] < 0)),
        ),
        **_of(
            "FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3",
            _STATISTICS,
            predicates.any_of(predicates.not_finite, predicates.holds(lambda *inputs: inputs[4] < 0)),
        ),
        **_of("LRN LRNGrad", _WINDOW, predicates.not_finite),
        "Log1p": Exemption("TensorFlow gives -inf+nanj for -1; the limit is -inf", predicates.holds(lambda x: x == -1)),
        "RandomGammaGrad": Exemption(
            "TensorFlow gives 0 for parameters near the limits of a float, here it is the derivative",
            predicates.any_of(predicates.extreme, predicates.holds(lambda alpha, sample: alpha <= 0)),
        ),
        **_of("ResizeBicubic ScaleAndTranslate ScaleAndTranslateGrad", _NO_WEIGHT, predicates.not_finite),
        "Softmax": Exemption(
            "in a row with an infinity TensorFlow gives 0 for the others in bfloat16, NaN in the other types",
            predicates.not_finite,
        ),
        "SparseMatMul": Exemption(
            "TensorFlow skips the zeros of the matrix said to be sparse: zero times nan is 0 there",
            predicates.not_finite,
        ),
    },
}

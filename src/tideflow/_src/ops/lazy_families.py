"""Names the operations of the families that are loaded when one of them is first used.

Made by ``make families`` from the definitions: run it where a family is added, and leave this file to it. The registry
imports a module, below ``tideflow._src.ops``, when it is asked for one of the names.
"""

from __future__ import annotations

LAZY_FAMILIES = {
    "array.band_part": "MatrixBandPart",
    "array.blocks": "BatchToSpace BatchToSpaceND DepthToSpace SpaceToBatch SpaceToBatchND SpaceToDepth",
    "array.debugging": """
        DebugGradientIdentity DebugGradientRefIdentity DebugIdentity DebugIdentityV2 DebugIdentityV3 DebugNanCount
        DebugNumericSummary DebugNumericSummaryV2
    """,
    "array.diagonals": """
        MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 MatrixSetDiag
        MatrixSetDiagV2 MatrixSetDiagV3
    """,
    "array.dynamic_slices": "XlaDynamicSlice XlaDynamicUpdateSlice",
    "array.grids": "AssignVariableXlaConcatND ReadVariableXlaSplitND XlaConcatND XlaSplitND",
    "array.in_place": """
        Copy CopyHost DeepCopy Empty Fact InplaceAdd InplaceSub InplaceUpdate ParallelConcat TileGrad ToBool
    """,
    "array.positions": "ListDiff UnravelIndex",
    "array.tensor_diagonals": "Diag DiagPart",
    "checkpoint.remapping": "GenerateVocabRemapping LoadAndRemapMatrix",
    "checkpoint.save_ops": "MergeV2Checkpoints Restore RestoreSlice RestoreV2 Save SaveSlices SaveV2",
    "composite.composite_ops": "CompositeTensorVariantFromComponents CompositeTensorVariantToComponents",
    "composite.optional_ops": "OptionalFromValue OptionalGetValue OptionalHasValue OptionalNone",
    "control.collectives": """
        CollectiveAssignGroupV2 CollectiveBcastSend CollectiveBcastSendV2 CollectiveGather CollectiveGatherV2
        CollectiveReduce CollectiveReduceV2
    """,
    "control.device_ops": "CheckPinned DeviceIndex RemoteCall SyncDevice",
    "control.stack_ops": "Stack StackClose StackCloseV2 StackPop StackPopV2 StackPush StackPushV2 StackV2",
    "control.symbolic_gradient": "SymbolicGradient",
    "control.tensor_array_ops": """
        TensorArray TensorArrayClose TensorArrayCloseV2 TensorArrayCloseV3 TensorArrayConcat TensorArrayConcatV2
        TensorArrayConcatV3 TensorArrayGather TensorArrayGatherV2 TensorArrayGatherV3 TensorArrayGrad TensorArrayGradV2
        TensorArrayGradV3 TensorArrayGradWithShape TensorArrayPack TensorArrayRead TensorArrayReadV2 TensorArrayReadV3
        TensorArrayScatter TensorArrayScatterV2 TensorArrayScatterV3 TensorArraySize TensorArraySizeV2 TensorArraySizeV3
        TensorArraySplit TensorArraySplitV2 TensorArraySplitV3 TensorArrayUnpack TensorArrayV2 TensorArrayV3
        TensorArrayWrite TensorArrayWriteV2 TensorArrayWriteV3
    """,
    "control.tensor_list_parts": """
        TensorListConcat TensorListConcatLists TensorListConcatV2 TensorListElementShape TensorListGather
        TensorListPushBackBatch TensorListResize TensorListScatter TensorListScatterIntoExistingList TensorListScatterV2
        TensorListSplit
    """,
    "control.tensor_map": """
        EmptyTensorMap TensorMapErase TensorMapHasKey TensorMapInsert TensorMapLookup TensorMapSize TensorMapStackKeys
    """,
    "data.batching": """
        BatchDataset BatchDatasetV2 ExperimentalUnbatchDataset PaddedBatchDataset PaddedBatchDatasetV2
        ParallelBatchDataset UnbatchDataset
    """,
    "data.caching": "AnonymousMemoryCache CacheDataset CacheDatasetV2 DeleteMemoryCache DummyMemoryCache",
    "data.combining": "ConcatenateDataset RepeatDataset ShardDataset SkipDataset TakeDataset ZipDataset",
    "data.compression": "CompressElement UncompressElement",
    "data.csv_files": "CSVDataset CSVDatasetV2 ExperimentalCSVDataset",
    "data.earlier_forms": """
        BytesProducedStatsDataset ChooseFastestDataset ExperimentalBytesProducedStatsDataset
        ExperimentalChooseFastestDataset ExperimentalDirectedInterleaveDataset ExperimentalGroupByReducerDataset
        ExperimentalGroupByWindowDataset ExperimentalLatencyStatsDataset ExperimentalMapAndBatchDataset
        ExperimentalMatchingFilesDataset ExperimentalNonSerializableDataset ExperimentalParallelInterleaveDataset
        ExperimentalSleepDataset ExperimentalSlidingWindowDataset ExperimentalThreadPoolDataset
        ExperimentalThreadPoolHandle LatencyStatsDataset LegacyParallelInterleaveDatasetV2 MapAndBatchDataset
        MatchingFilesDataset NonSerializableDataset ParallelInterleaveDataset SleepDataset SlidingWindowDataset
        ThreadPoolDataset ThreadPoolHandle
    """,
    "data.files_of_records": """
        FixedLengthRecordDataset FixedLengthRecordDatasetV2 TFRecordDataset TFRecordDatasetV2 TextLineDataset
    """,
    "data.fingerprints": "DatasetFingerprint",
    "data.flattening": """
        FlatMapDataset InterleaveDataset ParallelInterleaveDatasetV2 ParallelInterleaveDatasetV3
        ParallelInterleaveDatasetV4
    """,
    "data.generating": "GeneratorDataset",
    "data.grouping": "DirectedInterleaveDataset GroupByReducerDataset GroupByWindowDataset",
    "data.iterators": """
        AnonymousIterator AnonymousIteratorV2 AnonymousIteratorV3 DeleteIterator DeserializeIterator
        ExperimentalIteratorGetDevice Iterator IteratorFromStringHandle IteratorFromStringHandleV2 IteratorGetDevice
        IteratorGetNext IteratorGetNextAsOptional IteratorGetNextSync IteratorToStringHandle IteratorV2 MakeIterator
        OneShotIterator SerializeIterator
    """,
    "data.mapping": """
        ExperimentalMapDataset FilterDataset MapDataset ParallelFilterDataset ParallelMapDataset ParallelMapDatasetV2
        ReduceDataset
    """,
    "data.options": """
        AssertCardinalityDataset ComputeBatchSize DatasetCardinality DatasetToSingleElement
        ExperimentalDatasetCardinality ExperimentalMaxIntraOpParallelismDataset ExperimentalPrivateThreadPoolDataset
        FinalizeDataset GetOptions MaxIntraOpParallelismDataset ModelDataset OptimizeDataset OptimizeDatasetV2
        OptionsDataset PrivateThreadPoolDataset UnwrapDatasetVariant WrapDatasetVariant
    """,
    "data.prefetching": "PrefetchDataset",
    "data.random_access": "GetElementAtIndex",
    "data.random_numbers": "ExperimentalRandomDataset RandomDataset RandomDatasetV2 SamplingDataset",
    "data.rebatching": """
        DenseToSparseBatchDataset ExperimentalDenseToSparseBatchDataset ExperimentalRebatchDataset RebatchDataset
        RebatchDatasetV2
    """,
    "data.saving": """
        LoadDataset SaveDataset SaveDatasetV2 SnapshotDatasetReader SnapshotDatasetV2 SnapshotNestedDatasetReader
    """,
    "data.scanning": """
        ExperimentalIgnoreErrorsDataset ExperimentalScanDataset ExperimentalTakeWhileDataset ExperimentalUniqueDataset
        IgnoreErrorsDataset ScanDataset TakeWhileDataset UniqueDataset
    """,
    "data.seed_generators": """
        AnonymousRandomSeedGenerator AnonymousSeedGenerator DeleteRandomSeedGenerator DeleteSeedGenerator
        DummySeedGenerator
    """,
    "data.shuffling": """
        ShuffleAndRepeatDataset ShuffleAndRepeatDatasetV2 ShuffleDataset ShuffleDatasetV2 ShuffleDatasetV3
    """,
    "data.sources": "ListDataset RangeDataset SparseTensorSliceDataset TensorDataset TensorSliceDataset",
    "data.sql_rows": "ExperimentalSqlDataset SqlDataset",
    "data.windows": "WindowDataset",
    "data.writing": "DatasetToTFRecord ExperimentalDatasetToTFRecord InitializeTableFromDataset",
    "files.file_ops": "MatchingFiles ReadFile ShardedFilename ShardedFilespec WriteFile",
    "image.boxes": "DrawBoundingBoxes DrawBoundingBoxesV2",
    "image.colour": "AdjustContrast AdjustContrastv2 AdjustHue AdjustSaturation HSVToRGB RGBToHSV",
    "image.cropping": "CropAndResize CropAndResizeGradBoxes CropAndResizeGradImage RandomCrop",
    "image.decoding": """
        DecodeAndCropJpeg DecodeBmp DecodeGif DecodeImage DecodeJpeg DecodePng DecodeWebP ExtractJpegShape
    """,
    "image.dilation": "Dilation2D Dilation2DBackpropFilter Dilation2DBackpropInput",
    "image.distorted_boxes": """
        SampleDistortedBoundingBox SampleDistortedBoundingBoxV2 StatelessSampleDistortedBoundingBox
    """,
    "image.encoding": "EncodeJpeg EncodeJpegVariableQuality EncodePng",
    "image.fused_convolution": "FusedPadConv2D FusedResizeAndPadConv2D",
    "image.glimpses": "ExtractGlimpse ExtractGlimpseV2",
    "image.patches": "ExtractImagePatches ExtractVolumePatches",
    "image.projective": "ImageProjectiveTransformV2 ImageProjectiveTransformV3",
    "image.proposals": "GenerateBoundingBoxProposals",
    "image.resizing": """
        QuantizedResizeBilinear ResizeArea ResizeBicubic ResizeBicubicGrad ResizeBilinear ResizeBilinearGrad
        ResizeNearestNeighbor ResizeNearestNeighborGrad ScaleAndTranslate ScaleAndTranslateGrad
    """,
    "image.suppression": """
        CombinedNonMaxSuppression NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3 NonMaxSuppressionV4
        NonMaxSuppressionV5 NonMaxSuppressionWithOverlaps
    """,
    "linalg.banded_triangular_solve": "BandedTriangularSolve",
    "linalg.decompositions": "Cholesky CholeskyGrad Eig Lu MatrixLogarithm MatrixSquareRoot Qr SelfAdjointEigV2 Svd",
    "linalg.retired": """
        BatchCholesky BatchCholeskyGrad BatchMatrixBandPart BatchMatrixDeterminant BatchMatrixDiag BatchMatrixDiagPart
        BatchMatrixInverse BatchMatrixSetDiag BatchMatrixSolve BatchMatrixSolveLs BatchMatrixTriangularSolve
        BatchSelfAdjointEig BatchSelfAdjointEigV2 BatchSvd MatrixExponential SelfAdjointEig
    """,
    "linalg.solving": """
        Cross LogMatrixDeterminant MatrixDeterminant MatrixInverse MatrixSolve MatrixSolveLs MatrixTriangularSolve
    """,
    "linalg.tridiagonal": "TridiagonalMatMul TridiagonalSolve",
    "lookup.table_ops": """
        AnonymousHashTable AnonymousMutableDenseHashTable AnonymousMutableHashTable AnonymousMutableHashTableOfTensors
        HashTable HashTableV2 InitializeTable InitializeTableFromTextFile InitializeTableFromTextFileV2
        InitializeTableV2 LookupTableExport LookupTableExportV2 LookupTableFind LookupTableFindV2 LookupTableImport
        LookupTableImportV2 LookupTableInsert LookupTableInsertV2 LookupTableRemoveV2 LookupTableSize LookupTableSizeV2
        MutableDenseHashTable MutableDenseHashTableV2 MutableHashTable MutableHashTableOfTensors
        MutableHashTableOfTensorsV2 MutableHashTableV2
    """,
    "math.bessel_functions": "BesselJ0 BesselJ1 BesselK0 BesselK0e BesselK1 BesselK1e BesselY0 BesselY1",
    "math.counting": "Bincount DenseBincount",
    "math.counting_rows": "RaggedBincount SegmentMaxV2 SegmentMinV2 SegmentProdV2 SegmentSumV2 SparseBincount",
    "math.cumulative": "Cumprod Cumsum CumulativeLogsumexp",
    "math.einsum": "Einsum",
    "math.histogram": "Bucketize HistogramFixedWidth",
    "math.incomplete_gamma": "Igamma IgammaGradA Igammac",
    "math.integrals": "Dawsn Expint FresnelCos FresnelSin Spence",
    "math.order_statistics": "InTopK InTopKV2 LowerBound NthElement TopK TopKV2 UpperBound",
    "math.segments": """
        SegmentMax SegmentMean SegmentMin SegmentProd SegmentSum UnsortedSegmentMax UnsortedSegmentMin
        UnsortedSegmentProd UnsortedSegmentSum
    """,
    "math.sparse_segments": """
        SparseSegmentMean SparseSegmentMeanGrad SparseSegmentMeanGradV2 SparseSegmentMeanWithNumSegments
        SparseSegmentSqrtN SparseSegmentSqrtNGrad SparseSegmentSqrtNGradV2 SparseSegmentSqrtNWithNumSegments
        SparseSegmentSum SparseSegmentSumGrad SparseSegmentSumGradV2 SparseSegmentSumWithNumSegments
    """,
    "math.special_functions": "BesselI0 BesselI0e BesselI1 BesselI1e Betainc Digamma Erf Erfc Erfinv Lgamma Ndtri",
    "math.zeta_functions": "Polygamma Zeta",
    "nn.activation": """
        Elu EluGrad LeakyRelu LeakyReluGrad Relu Relu6 Relu6Grad ReluGrad Selu SeluGrad Softplus SoftplusGrad Softsign
        SoftsignGrad
    """,
    "nn.approximate_top_k": "ApproxTopK",
    "nn.bias": "BiasAdd BiasAddGrad BiasAddV1",
    "nn.block_gru": "GRUBlockCell GRUBlockCellGrad",
    "nn.block_lstm": "BlockLSTM BlockLSTMGrad BlockLSTMGradV2 BlockLSTMV2 LSTMBlockCell LSTMBlockCellGrad",
    "nn.candidate_sampling": """
        AllCandidateSampler ComputeAccidentalHits FixedUnigramCandidateSampler LearnedUnigramCandidateSampler
        LogUniformCandidateSampler ThreadUnsafeUnigramCandidateSampler UniformCandidateSampler
    """,
    "nn.clustering": "KMC2ChainInitialization KmeansPlusPlusInitialization",
    "nn.convolution": "Conv2D Conv2DBackpropFilter Conv2DBackpropFilterV2 Conv2DBackpropInput Conv2DBackpropInputV2",
    "nn.convolution3d": """
        Conv Conv3D Conv3DBackpropFilter Conv3DBackpropFilterV2 Conv3DBackpropInput Conv3DBackpropInputV2
    """,
    "nn.cross_entropy": "SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits",
    "nn.ctc": "CTCGreedyDecoder CTCLoss CTCLossV2",
    "nn.ctc_beam_search": "CTCBeamSearchDecoder",
    "nn.data_format": "DataFormatDimMap DataFormatVecPermute",
    "nn.depthwise_convolution": """
        DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter DepthwiseConv2dNativeBackpropInput
    """,
    "nn.dual_coordinate_ascent": "SdcaFprint SdcaOptimizer SdcaOptimizerV2 SdcaShrinkL1",
    "nn.fractional_pooling": "FractionalAvgPool FractionalAvgPoolGrad FractionalMaxPool FractionalMaxPoolGrad",
    "nn.fused_batch_norm": """
        FusedBatchNorm FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3 FusedBatchNormV2 FusedBatchNormV3
    """,
    "nn.global_normalization": "BatchNormWithGlobalNormalization BatchNormWithGlobalNormalizationGrad",
    "nn.isotonic": "IsotonicRegression",
    "nn.local_response": "LRN LRNGrad",
    "nn.nearest_neighbors": "NearestNeighbors",
    "nn.pooling": "AvgPool AvgPoolGrad MaxPool MaxPoolGrad MaxPoolGradGrad MaxPoolGradGradV2 MaxPoolGradV2 MaxPoolV2",
    "nn.pooling3d": "AvgPool3D AvgPool3DGrad MaxPool3D MaxPool3DGrad MaxPool3DGradGrad",
    "nn.pooling_argmax": "MaxPoolGradGradWithArgmax MaxPoolGradWithArgmax MaxPoolWithArgmax",
    "nn.softmax": "LogSoftmax Softmax",
    "parsing.csv": "DecodeCSV",
    "parsing.encodings": "DecodeCompressed DecodeJSONExample",
    "parsing.example_ops": "ParseExample ParseExampleV2 ParseSingleExample",
    "parsing.message_fields": "DecodeProtoV2 EncodeProto",
    "parsing.raw_bytes": "DecodePaddedRaw DecodeRaw",
    "parsing.sequence_ops": "ParseSequenceExample ParseSequenceExampleV2 ParseSingleSequenceExample",
    "parsing.tensors": "ParseTensor SerializeTensor",
    "quantization.arithmetic": "QuantizedAdd QuantizedBiasAdd QuantizedMatMul QuantizedMul",
    "quantization.conversion": """
        Dequantize QuantizeDownAndShrinkRange QuantizeV2 RequantizationRange RequantizationRangePerChannel Requantize
        RequantizePerChannel
    """,
    "quantization.fake": """
        FakeQuantWithMinMaxArgs FakeQuantWithMinMaxArgsGradient FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsGradient
        FakeQuantWithMinMaxVarsPerChannel FakeQuantWithMinMaxVarsPerChannelGradient
    """,
    "quantization.joining": "QuantizedConcat QuantizedReshape",
    "quantization.layers": """
        QuantizedAvgPool QuantizedBatchNormWithGlobalNormalization QuantizedConv2D QuantizedInstanceNorm
        QuantizedMaxPool QuantizedRelu QuantizedRelu6 QuantizedReluX
    """,
    "quantization.simulated": """
        QuantizeAndDequantize QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4
        QuantizeAndDequantizeV4Grad
    """,
    "quantization.uniform": """
        UniformDequantize UniformQuantize UniformQuantizedAdd UniformQuantizedClipByValue UniformRequantize
    """,
    "quantization.uniform_convolution": "UniformQuantizedConvolution UniformQuantizedConvolutionHybrid",
    "quantization.uniform_dot": "UniformQuantizedDot UniformQuantizedDotHybrid",
    "queues.accumulator_ops": """
        AccumulatorApplyGradient AccumulatorNumAccumulated AccumulatorSetGlobalStep AccumulatorTakeGradient
        ConditionalAccumulator ResourceAccumulatorApplyGradient ResourceAccumulatorNumAccumulated
        ResourceAccumulatorSetGlobalStep ResourceAccumulatorTakeGradient ResourceConditionalAccumulator
        SparseAccumulatorApplyGradient SparseAccumulatorTakeGradient SparseConditionalAccumulator
    """,
    "queues.barrier": "Barrier BarrierClose BarrierIncompleteSize BarrierInsertMany BarrierReadySize BarrierTakeMany",
    "queues.batches": "Batch BatchFunction Unbatch UnbatchGrad",
    "queues.mutex": "ConsumeMutexLock MutexLock MutexV2",
    "queues.queue_ops": """
        FIFOQueue FIFOQueueV2 FakeQueue PaddingFIFOQueue PaddingFIFOQueueV2 PriorityQueue PriorityQueueV2 QueueClose
        QueueCloseV2 QueueDequeue QueueDequeueMany QueueDequeueManyV2 QueueDequeueUpTo QueueDequeueUpToV2 QueueDequeueV2
        QueueEnqueue QueueEnqueueMany QueueEnqueueManyV2 QueueEnqueueV2 QueueIsClosed QueueIsClosedV2 QueueSize
        QueueSizeV2 RandomShuffleQueue RandomShuffleQueueV2
    """,
    "queues.reader_ops": """
        FixedLengthRecordReader FixedLengthRecordReaderV2 IdentityReader IdentityReaderV2 ReaderNumRecordsProduced
        ReaderNumRecordsProducedV2 ReaderNumWorkUnitsCompleted ReaderNumWorkUnitsCompletedV2 ReaderRead ReaderReadUpTo
        ReaderReadUpToV2 ReaderReadV2 ReaderReset ReaderResetV2 ReaderRestoreState ReaderRestoreStateV2
        ReaderSerializeState ReaderSerializeStateV2 TFRecordReader TFRecordReaderV2 TextLineReader TextLineReaderV2
        WholeFileReader WholeFileReaderV2
    """,
    "queues.record_input": "RecordInput",
    "queues.session_tensors": """
        Abort DeleteSessionTensor GetSessionHandle GetSessionHandleV2 GetSessionTensor ImmutableConst Timestamp
    """,
    "queues.staging": """
        MapClear MapIncompleteSize MapPeek MapSize MapStage MapUnstage MapUnstageNoKey OrderedMapClear
        OrderedMapIncompleteSize OrderedMapPeek OrderedMapSize OrderedMapStage OrderedMapUnstage OrderedMapUnstageNoKey
        Stage StageClear StagePeek StageSize Unstage
    """,
    "ragged.counting": "DenseCountSparseOutput RaggedCountSparseOutput SparseCountSparseOutput",
    "ragged.crossing": "RaggedCross",
    "ragged.fill": "RaggedFillEmptyRows RaggedFillEmptyRowsGrad",
    "ragged.gathering": "RaggedGather",
    "ragged.ranges": "RaggedRange",
    "ragged.to_dense": "RaggedTensorToTensor",
    "ragged.to_sparse": "RaggedTensorToSparse",
    "ragged.variants": "RaggedTensorFromVariant RaggedTensorToVariant RaggedTensorToVariantGradient",
    "random.binomial": "StatelessRandomBinomial",
    "random.generator_ops": """
        NonDeterministicInts RngReadAndSkip RngSkip StatefulRandomBinomial StatefulStandardNormal
        StatefulStandardNormalV2 StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt StatefulUniformInt
    """,
    "random.quasi_random": "RandomIndexShuffle SobolSample",
    "random.stateful_ops": """
        Multinomial RandomGamma RandomGammaGrad RandomPoisson RandomPoissonV2 RandomShuffle RandomStandardNormal
        RandomUniform RandomUniformInt TruncatedNormal
    """,
    "random.stateless_ops": """
        StatelessMultinomial StatelessRandomGammaV2 StatelessRandomGammaV3 StatelessRandomGetAlg
        StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg StatelessRandomNormal StatelessRandomNormalV2
        StatelessRandomPoisson StatelessRandomUniform StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2
        StatelessRandomUniformInt StatelessRandomUniformIntV2 StatelessRandomUniformV2 StatelessShuffle
        StatelessTruncatedNormal StatelessTruncatedNormalV2
    """,
    "random.truncated": "ParameterizedTruncatedNormal StatelessParameterizedTruncatedNormal",
    "signal.audio": "AudioSpectrogram DecodeWav EncodeWav Mfcc",
    "signal.fourier": "FFT FFT2D FFT3D IFFT IFFT2D IFFT3D",
    "signal.fourier_nd": "FFTND IFFTND IRFFTND RFFTND",
    "signal.real_fourier": "IRFFT IRFFT2D IRFFT3D RFFT RFFT2D RFFT3D",
    "signal.retired": "BatchFFT BatchFFT2D BatchFFT3D BatchIFFT BatchIFFT2D BatchIFFT3D",
    "sparse.adding": "SparseAdd SparseAddGrad SparseSparseMaximum SparseSparseMinimum SparseTensorDenseAdd",
    "sparse.crossing": "SparseCross SparseCrossHashed SparseCrossV2",
    "sparse.csr_arithmetic": """
        SparseMatrixAdd SparseMatrixMatMul SparseMatrixMul SparseMatrixOrderingAMD SparseMatrixSoftmax
        SparseMatrixSoftmaxGrad SparseMatrixSparseCholesky SparseMatrixSparseMatMul SparseMatrixTranspose
    """,
    "sparse.csr_conversion": """
        CSRSparseMatrixComponents CSRSparseMatrixToDense CSRSparseMatrixToSparseTensor DenseToCSRSparseMatrix
        SparseMatrixNNZ SparseMatrixZeros SparseTensorToCSRSparseMatrix
    """,
    "sparse.dense": "SparseReorder SparseReshape SparseTensorDenseMatMul SparseToDense",
    "sparse.fill": "SparseFillEmptyRows SparseFillEmptyRowsGrad",
    "sparse.joining": "SparseConcat SparseSlice SparseSliceGrad SparseSplit",
    "sparse.reductions": "SparseReduceMax SparseReduceMaxSparse SparseReduceSum SparseReduceSumSparse SparseSoftmax",
    "sparse.serialization": """
        AddManySparseToTensorsMap AddSparseToTensorsMap DeserializeManySparse DeserializeSparse SerializeManySparse
        SerializeSparse TakeManySparseFromTensorsMap
    """,
    "sparse.set_ops": "DenseToDenseSetOperation DenseToSparseSetOperation SetSize SparseToSparseSetOperation",
    "sparse.with_dense": "SparseDenseCwiseAdd SparseDenseCwiseDiv SparseDenseCwiseMul",
    "state.sparse_updates": """
        ResourceSparseApplyAdadelta ResourceSparseApplyAdagrad ResourceSparseApplyAdagradDA ResourceSparseApplyAdagradV2
        ResourceSparseApplyCenteredRMSProp ResourceSparseApplyFtrl ResourceSparseApplyFtrlV2
        ResourceSparseApplyKerasMomentum ResourceSparseApplyMomentum ResourceSparseApplyProximalAdagrad
        ResourceSparseApplyProximalGradientDescent ResourceSparseApplyRMSProp SparseApplyAdadelta SparseApplyAdagrad
        SparseApplyAdagradDA SparseApplyAdagradV2 SparseApplyCenteredRMSProp SparseApplyFtrl SparseApplyFtrlV2
        SparseApplyMomentum SparseApplyProximalAdagrad SparseApplyProximalGradientDescent SparseApplyRMSProp
    """,
    "state.update_rules": """
        ApplyAdaMax ApplyAdadelta ApplyAdagrad ApplyAdagradDA ApplyAdagradV2 ApplyAdam ApplyAddSign ApplyCenteredRMSProp
        ApplyFtrl ApplyFtrlV2 ApplyGradientDescent ApplyMomentum ApplyPowerSign ApplyProximalAdagrad
        ApplyProximalGradientDescent ApplyRMSProp ResourceApplyAdaMax ResourceApplyAdadelta ResourceApplyAdagrad
        ResourceApplyAdagradDA ResourceApplyAdagradV2 ResourceApplyAdam ResourceApplyAdamWithAmsgrad
        ResourceApplyAddSign ResourceApplyCenteredRMSProp ResourceApplyFtrl ResourceApplyFtrlV2
        ResourceApplyGradientDescent ResourceApplyKerasMomentum ResourceApplyMomentum ResourceApplyPowerSign
        ResourceApplyProximalAdagrad ResourceApplyProximalGradientDescent ResourceApplyRMSProp
    """,
    "strings.base64_codec": "DecodeBase64 EncodeBase64",
    "strings.characters": "StringLength StringLower StringStrip StringUpper Substr",
    "strings.edit_distances": "EditDistance",
    "strings.formatting": "AsString",
    "strings.hashing": "Fingerprint StringToHashBucket StringToHashBucketFast StringToHashBucketStrong",
    "strings.joining": "ReduceJoin StringJoin UnsortedSegmentJoin",
    "strings.ngram_ops": "StringNGrams",
    "strings.numbers": "StringToNumber",
    "strings.regex": "RegexFullMatch RegexReplace StaticRegexFullMatch StaticRegexReplace",
    "strings.splitting": "StringSplit StringSplitV2",
    "strings.unicode": "UnicodeDecode UnicodeDecodeWithOffsets UnicodeEncode UnicodeScript UnicodeTranscode",
    "summary.summary_ops": """
        AudioSummary AudioSummaryV2 HistogramSummary ImageSummary MergeSummary ScalarSummary TensorSummary
        TensorSummaryV2
    """,
    "summary.writer_ops": """
        CloseSummaryWriter CreateSummaryFileWriter FlushSummaryWriter ImportEvent SummaryWriter WriteAudioSummary
        WriteGraphSummary WriteHistogramSummary WriteImageSummary WriteRawProtoSummary WriteScalarSummary WriteSummary
    """,
}

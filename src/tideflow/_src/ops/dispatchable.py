"""Names the functions that classes can take over (see :mod:`.dispatch`), by the module that has them.

Made by ``python -m parity.dispatchable_functions`` in the folder ``tests``, which asks TensorFlow. Modules are those
below ``tideflow._src``.
"""

from __future__ import annotations

#: Functions that take each element of one tensor, their first argument.
UNARY = {
    "ops.array.constants": "ones_like ones_like_v1 zeros_like zeros_like_v1",
    "ops.image.augmentation": "random_brightness stateless_random_brightness",
    "ops.image.colour_functions": "adjust_brightness adjust_gamma convert_image_dtype",
    "ops.math.bessel_functions": "bessel_j0 bessel_j1 bessel_k0 bessel_k0e bessel_k1 bessel_k1e bessel_y0 bessel_y1",
    "ops.math.casting": """
        cast saturate_cast to_bfloat16 to_complex128 to_complex64 to_double to_float to_int32 to_int64
    """,
    "ops.math.clip": "clip_by_value",
    "ops.math.complex_numbers": "angle conj imag real",
    "ops.math.division": "reciprocal_no_nan",
    "ops.math.integrals": "dawsn expint fresnel_cos fresnel_sin spence",
    "ops.math.logical": "invert logical_not",
    "ops.math.rounding": "ceil floor is_finite is_inf is_nan nextafter rint round",
    "ops.math.special_functions": """
        bessel_i0 bessel_i0e bessel_i1 bessel_i1e digamma erf erfc erfcinv erfinv lgamma ndtri
    """,
    "ops.math.trigonometric": "acos acosh asin asinh atan atanh cos cosh sin sinh tan",
    "ops.math.unary": "abs exp expm1 log log1p negative reciprocal rsqrt sigmoid sign sqrt square tanh",
    "ops.math.validation": "check_numerics",
    "ops.nn.activation": "elu gelu leaky_relu log_sigmoid relu relu6 selu silu softplus softsign",
    "ops.nn.softmax": "log_softmax_v1",
    "ops.parsing.encodings": "decode_compressed",
    "ops.strings.base64_codec": "decode_base64 encode_base64",
    "ops.strings.characters": "lower string_length string_length_v1 strip substr substr_v1 upper",
    "ops.strings.functions": "as_string",
    "ops.strings.hashing": """
        string_to_hash_bucket string_to_hash_bucket_fast string_to_hash_bucket_strong string_to_hash_bucket_v1
    """,
    "ops.strings.numbers": "to_number",
    "ops.strings.regex": "regex_full_match regex_replace",
    "ops.strings.unicode": "unicode_script unicode_transcode",
}

#: Functions that take the elements of two tensors, their first arguments, pair by pair.
BINARY = {
    "ops.math.arithmetic": """
        add atan2 maximum minimum multiply multiply_no_nan pow scalar_mul scalar_mul_v1 squared_difference subtract
    """,
    "ops.math.comparison": "equal greater greater_equal less less_equal not_equal",
    "ops.math.complex_numbers": "complex",
    "ops.math.division": """
        div div_no_nan divide floor_div_v1 floordiv floormod realdiv truediv truncatediv truncatemod xdivy xlog1py xlogy
    """,
    "ops.math.logical": "bitwise_and bitwise_or bitwise_xor left_shift logical_and logical_or logical_xor right_shift",
    "ops.math.zeta_functions": "zeta",
    "ops.nn.losses": "sigmoid_cross_entropy_with_logits",
}

#: Assertions on the elements of two tensors, pair by pair.
ASSERTIONS = {
    "ops.control.assertions": """
        assert_equal assert_equal_v1 assert_greater assert_greater_equal assert_greater_equal_v1 assert_greater_v1
        assert_less assert_less_equal assert_less_equal_v1 assert_less_v1 assert_near assert_near_v1 assert_none_equal
        assert_none_equal_v1
    """,
}

#: All others.
OTHERS = {
    "function.conditional": "case cond cond_v1",
    "function.mapping": "foldl foldr scan",
    "function.matrix_iterations": "conjugate_gradient expm",
    "layers.dynamic_recurrence": "bidirectional_dynamic_rnn dynamic_rnn",
    "layers.losses": """
        absolute_difference compute_weighted_loss cosine_distance hinge_loss huber_loss log_loss
        mean_pairwise_squared_error mean_squared_error sigmoid_cross_entropy softmax_cross_entropy
        sparse_softmax_cross_entropy
    """,
    "layers.raw_recurrence": "raw_rnn",
    "layers.static_recurrence": "static_bidirectional_rnn static_rnn static_state_saving_rnn",
    "ops.array.band_part": "matrix_band_part",
    "ops.array.blocks": """
        batch_to_space batch_to_space_v1 depth_to_space depth_to_space_v1 space_to_batch space_to_batch_v1
        space_to_depth space_to_depth_v1
    """,
    "ops.array.broadcasting": "broadcast_dynamic_shape broadcast_static_shape broadcast_to",
    "ops.array.constants": "fill ones zeros",
    "ops.array.diagonals": "matrix_diag matrix_diag_part matrix_set_diag",
    "ops.array.gathering": "batch_gather gather gather_nd gather_nd_v1 gather_v1",
    "ops.array.identity": "identity identity_n no_op stop_gradient",
    "ops.array.indexing": "getitem",
    "ops.array.joining": "concat parallel_stack stack",
    "ops.array.masking": "boolean_mask boolean_mask_v1 sequence_mask",
    "ops.array.padding": "pad pad_v1",
    "ops.array.partitioning": "dynamic_partition dynamic_stitch unique unique_with_counts",
    "ops.array.permuting": """
        invert_permutation matrix_transpose reverse reverse_sequence roll tile transpose transpose_v1
    """,
    "ops.array.position_functions": "setdiff1d_v1 unravel_index",
    "ops.array.scattering": """
        scatter_nd tensor_scatter_nd_add tensor_scatter_nd_max tensor_scatter_nd_min tensor_scatter_nd_sub
        tensor_scatter_nd_update
    """,
    "ops.array.selection": "where where_v1",
    "ops.array.sequences": "eye linspace one_hot range repeat",
    "ops.array.shape": "expand_dims expand_dims_v1 rank reshape shape shape_n shape_v1 size size_v1 squeeze squeeze_v1",
    "ops.array.slicing": "slice strided_slice",
    "ops.array.splitting": "split unstack",
    "ops.array.tensor_diagonals": "tensor_diag tensor_diag_part",
    "ops.control.assertions": """
        Assert assert_integer assert_negative assert_negative_v1 assert_non_negative assert_non_negative_v1
        assert_non_positive assert_non_positive_v1 assert_positive assert_positive_v1 assert_proper_iterable assert_rank
        assert_rank_at_least assert_rank_at_least_v1 assert_rank_in assert_rank_in_v1 assert_rank_v1
        assert_same_float_dtype assert_scalar assert_scalar_v1 assert_shapes assert_type is_non_decreasing
        is_strictly_increasing
    """,
    "ops.control.clock": "timestamp",
    "ops.control.device_ops": "check_pinned",
    "ops.control.grouping": "tuple_v1 tuple_v2",
    "ops.control.printing": "Print",
    "ops.control.python_function": "numpy_function py_func py_function",
    "ops.files.file_ops": "matching_files write_file",
    "ops.image.augmentation": """
        adjust_jpeg_quality random_contrast random_flip_left_right random_flip_up_down random_hue random_jpeg_quality
        random_saturation stateless_random_contrast stateless_random_flip_left_right stateless_random_flip_up_down
        stateless_random_hue stateless_random_jpeg_quality stateless_random_saturation
    """,
    "ops.image.boxes": "draw_bounding_boxes draw_bounding_boxes_v1",
    "ops.image.codec_functions": """
        decode_and_crop_jpeg decode_bmp decode_gif decode_image decode_jpeg decode_png decode_webp encode_jpeg
        encode_png extract_jpeg_shape
    """,
    "ops.image.colour_functions": """
        adjust_contrast adjust_hue adjust_saturation grayscale_to_rgb hsv_to_rgb per_image_standardization
        rgb_to_grayscale rgb_to_hsv rgb_to_yiq rgb_to_yuv yiq_to_rgb yuv_to_rgb
    """,
    "ops.image.dilation_functions": "dilation2d dilation2d_v1 erosion2d erosion2d_v1",
    "ops.image.distorted_boxes": """
        sample_distorted_bounding_box sample_distorted_bounding_box_v1 stateless_sample_distorted_bounding_box
    """,
    "ops.image.geometry": """
        central_crop crop_to_bounding_box flip_left_right flip_up_down pad_to_bounding_box resize_with_crop_or_pad rot90
        transpose
    """,
    "ops.image.glimpses": "extract_glimpse extract_glimpse_v1",
    "ops.image.patch_functions": "extract_image_patches extract_image_patches_v2 extract_volume_patches",
    "ops.image.proposals": "generate_bounding_box_proposals",
    "ops.image.quality": "image_gradients psnr sobel_edges ssim ssim_multiscale total_variation",
    "ops.image.resizing_functions": """
        crop_and_resize crop_and_resize_v1 resize resize_area resize_bicubic resize_bilinear resize_nearest_neighbor
        resize_v1 resize_with_pad resize_with_pad_v1
    """,
    "ops.image.suppression_functions": """
        combined_non_max_suppression non_max_suppression non_max_suppression_overlaps non_max_suppression_padded
        non_max_suppression_with_scores
    """,
    "ops.linalg.functions": """
        adjoint cholesky cholesky_solve cross det eig eigh eigvals eigvalsh inv logdet logm lstsq lu lu_matrix_inverse
        lu_reconstruct lu_solve matrix_rank pinv qr slogdet solve sqrtm svd trace triangular_solve
    """,
    "ops.linalg.norms": "global_norm l2_loss norm norm_v1 normalize",
    "ops.linalg.tridiagonal_functions": "eigh_tridiagonal tridiagonal_matmul tridiagonal_solve",
    "ops.math.argument_extrema": "arg_max_function arg_min_function argmax argmax_v1 argmin argmin_v1",
    "ops.math.arithmetic": "accumulate_n add_n",
    "ops.math.casting": "bitcast",
    "ops.math.clip": "clip_by_average_norm clip_by_global_norm clip_by_norm",
    "ops.math.counting": "bincount confusion_matrix confusion_matrix_v1",
    "ops.math.cumulative": "cumprod cumsum cumulative_logsumexp",
    "ops.math.histogram_functions": "histogram_fixed_width histogram_fixed_width_bins",
    "ops.math.incomplete_gamma": "igamma igammac",
    "ops.math.matrix_product_functions": "matmul matvec tensordot",
    "ops.math.operators": "add tensor_equals tensor_not_equals",
    "ops.math.polynomial": "polyval",
    "ops.math.reduction_functions": """
        count_nonzero count_nonzero_v1 reduce_all reduce_all_v1 reduce_any reduce_any_v1 reduce_euclidean_norm
        reduce_logsumexp reduce_logsumexp_v1 reduce_max reduce_max_v1 reduce_mean reduce_mean_v1 reduce_min
        reduce_min_v1 reduce_prod reduce_prod_v1 reduce_std reduce_sum reduce_sum_v1 reduce_variance
    """,
    "ops.math.segments": """
        segment_max segment_mean segment_min segment_prod segment_sum unsorted_segment_max unsorted_segment_mean
        unsorted_segment_min unsorted_segment_prod unsorted_segment_sqrt_n unsorted_segment_sum
    """,
    "ops.math.sorting": "argsort in_top_k in_top_k_v1 searchsorted sort top_k",
    "ops.math.special_functions": "betainc lbeta",
    "ops.math.validation": "assert_all_finite ensure_shape verify_tensor_all_finite",
    "ops.math.zeta_functions": "polygamma",
    "ops.nn.activation": "crelu crelu_v1 zero_fraction",
    "ops.nn.approximate_top_k": "approx_max_k approx_min_k",
    "ops.nn.bias": "bias_add relu_layer xw_plus_b",
    "ops.nn.candidate_sampling": """
        compute_accidental_hits fixed_unigram_candidate_sampler learned_unigram_candidate_sampler
        log_uniform_candidate_sampler uniform_candidate_sampler
    """,
    "ops.nn.convolution3d_functions": "conv3d conv3d_backprop_filter conv3d_transpose conv3d_transpose_v1 conv3d_v1",
    "ops.nn.convolution_functions": """
        atrous_conv2d atrous_conv2d_transpose conv1d conv1d_transpose conv1d_v1 conv2d conv2d_backprop_filter
        conv2d_backprop_input conv2d_transpose conv2d_transpose_v1 conv2d_v1 conv_transpose convolution convolution_v1
    """,
    "ops.nn.ctc_functions": """
        collapse_repeated ctc_beam_search_decoder ctc_beam_search_decoder_v1 ctc_greedy_decoder ctc_loss ctc_loss_v1
        ctc_unique_labels
    """,
    "ops.nn.depthwise_functions": """
        depthwise_conv2d depthwise_conv2d_backprop_filter depthwise_conv2d_backprop_input depthwise_conv2d_native
        depthwise_conv2d_v1 separable_conv2d separable_conv2d_v1
    """,
    "ops.nn.dropout": "dropout dropout_v1 general_dropout stateless_dropout",
    "ops.nn.dual_coordinate_ascent_functions": "sdca_fprint sdca_optimizer sdca_shrink_l1",
    "ops.nn.embedding": "embedding_lookup embedding_lookup_v1",
    "ops.nn.embedding_sparse": """
        embedding_lookup_sparse embedding_lookup_sparse_v1 safe_embedding_lookup_sparse safe_embedding_lookup_sparse_v1
    """,
    "ops.nn.fractional_pooling": """
        fractional_avg_pool fractional_avg_pool_v1 fractional_max_pool fractional_max_pool_v1
    """,
    "ops.nn.isotonic": "isotonic_regression",
    "ops.nn.local_response": "local_response_normalization",
    "ops.nn.losses": """
        log_poisson_loss softmax_cross_entropy_with_logits softmax_cross_entropy_with_logits_v1
        softmax_cross_entropy_with_logits_v2 sparse_softmax_cross_entropy_with_logits
        sparse_softmax_cross_entropy_with_logits_v1 weighted_cross_entropy_with_logits
        weighted_cross_entropy_with_logits_v1
    """,
    "ops.nn.moments": """
        batch_norm_with_global_normalization batch_norm_with_global_normalization_v1 batch_normalization
        fused_batch_norm l2_normalize moments moments_v1 normalize_moments sufficient_statistics
        sufficient_statistics_v1 weighted_moments weighted_moments_v1
    """,
    "ops.nn.pooling_functions": """
        avg_pool avg_pool1d avg_pool2d avg_pool3d avg_pool_v1 max_pool max_pool1d max_pool2d max_pool3d max_pool_v1
        max_pool_with_argmax max_pool_with_argmax_v1 pool pool_v1
    """,
    "ops.nn.root_functions": "approx_top_k conv conv2d_backprop_filter_v2 conv2d_backprop_input_v2",
    "ops.nn.sampled_losses": "nce_loss nce_loss_v1 sampled_softmax_loss sampled_softmax_loss_v1",
    "ops.nn.scaled_losses": "compute_average_loss scale_regularization_loss",
    "ops.nn.softmax": "log_softmax softmax softmax_v1",
    "ops.nn.space_to_batch": "with_space_to_batch",
    "ops.parsing.csv": "decode_csv decode_csv_v1",
    "ops.parsing.message_fields": "decode_proto encode_proto",
    "ops.parsing.parse_functions": """
        parse_example parse_example_v1 parse_sequence_example parse_single_example parse_single_example_v1
        parse_single_sequence_example
    """,
    "ops.parsing.raw_bytes": "decode_raw decode_raw_v1",
    "ops.parsing.tensors": "parse_tensor",
    "ops.quantization.functions": """
        dequantize fake_quant_with_min_max_args fake_quant_with_min_max_args_gradient fake_quant_with_min_max_vars
        fake_quant_with_min_max_vars_gradient fake_quant_with_min_max_vars_per_channel
        fake_quant_with_min_max_vars_per_channel_gradient quantize quantize_and_dequantize quantize_and_dequantize_v2
        quantize_v2_v1 quantized_avg_pool quantized_concat quantized_conv2d quantized_max_pool quantized_relu_x
    """,
    "ops.ragged.arranging": "boolean_mask",
    "ops.ragged.factories": "constant constant_value placeholder",
    "ops.ragged.feature_crosses": "cross cross_hashed",
    "ops.ragged.fill": "ragged_fill_empty_rows ragged_fill_empty_rows_grad",
    "ops.ragged.indexing": "ragged_getitem",
    "ops.ragged.joining": "stack",
    "ops.ragged.segment_ids": "row_splits_to_segment_ids segment_ids_to_row_splits stack_dynamic_partitions",
    "ops.ragged.sequences": "range",
    "ops.random.quasi_random": "index_shuffle",
    "ops.random.quasi_random_functions": "sobol_sample",
    "ops.random.random_crop": "random_crop stateless_random_crop",
    "ops.random.stateful_functions": """
        categorical multinomial random_gamma random_normal random_poisson random_poisson_v1 random_shuffle
        random_uniform truncated_normal
    """,
    "ops.random.stateless_functions": """
        fold_in random_index_shuffle split stateless_categorical stateless_multinomial
        stateless_parameterized_truncated_normal stateless_random_binomial stateless_random_gamma
        stateless_random_normal stateless_random_poisson stateless_random_uniform stateless_shuffle
        stateless_truncated_normal
    """,
    "ops.signal.audio": "decode_wav encode_wav",
    "ops.signal.cosine": "dct idct",
    "ops.signal.fourier_functions": """
        fft fft2d fft3d fftnd fftshift ifft ifft2d ifft3d ifftnd ifftshift irfft irfft2d irfft3d irfftnd rfft rfft2d
        rfft3d rfftnd
    """,
    "ops.signal.framing": "frame overlap_and_add",
    "ops.signal.mel": "linear_to_mel_weight_matrix mfccs_from_log_mel_spectrograms",
    "ops.signal.spectral": "inverse_mdct inverse_stft inverse_stft_window_fn mdct stft",
    "ops.signal.windows": "hamming_window hann_window kaiser_bessel_derived_window kaiser_window vorbis_window",
    "ops.sparse.as_strings": """
        deserialize_many_sparse serialize_many_sparse serialize_many_sparse_v1 serialize_sparse serialize_sparse_v1
    """,
    "ops.sparse.conversion": "sparse_reshape sparse_to_dense_v1",
    "ops.sparse.ids": "bincount",
    "ops.sparse.set_algebra": "difference intersection size union",
    "ops.strings.formatting": "format",
    "ops.strings.functions": "edit_distance fingerprint",
    "ops.strings.joining": "reduce_join reduce_join_v1 string_join unsorted_segment_join",
    "ops.strings.ngram_ops": "ngrams",
    "ops.strings.numbers": "string_to_number",
    "ops.strings.rows": """
        bytes_split split split_v1 string_split unicode_decode unicode_decode_with_offsets unicode_split
        unicode_split_with_offsets
    """,
    "ops.strings.unicode": "unicode_encode",
    "runtime.device_copies": "convert_to_tensor convert_to_tensor_v1",
}

TABLES = (UNARY, BINARY, ASSERTIONS, OTHERS)

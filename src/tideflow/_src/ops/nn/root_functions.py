"""Public functions that are single operations of convolution and search, as TensorFlow's root namespace has them."""

from __future__ import annotations

from typing import Any

from tideflow._src.ops.array.raw import raw


def conv(
    input: Any,
    filter: Any,
    strides: Any,
    padding: str,
    explicit_paddings: Any = [],  # noqa: B006
    data_format: str = "CHANNELS_LAST",
    dilations: Any = [],  # noqa: B006
    batch_dims: int = 1,
    groups: int = 1,
    name: str | None = None,
) -> Any:
    """Convolves a tensor with two or three spatial dimensions.

    Args:
      input: the tensor: batch, space and channels in the order of ``data_format``.
      filter: the kernel: space, input channels, output channels.
      strides: a step for each dimension of the input.
      padding: ``"SAME"``, ``"VALID"`` or ``"EXPLICIT"``.
      explicit_paddings: the padding before and after each dimension.
      data_format: ``"CHANNELS_LAST"`` or ``"CHANNELS_FIRST"``.
      dilations: the distance between elements of the kernel, for each dimension.
      batch_dims: how many leading dimensions are batches.
      groups: in how many groups channels are convolved apart.
      name: the name of the node.
    """
    return raw.Conv(
        input,
        filter,
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        data_format=data_format,
        dilations=dilations,
        batch_dims=batch_dims,
        groups=groups,
        name=name,
    )


def conv2d_backprop_filter_v2(
    input: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any,
    padding: str,
    use_cudnn_on_gpu: bool = True,
    explicit_paddings: Any = [],  # noqa: B006
    data_format: str = "NHWC",
    dilations: Any = [1, 1, 1, 1],  # noqa: B006
    name: str | None = None,
) -> Any:
    """Gives the gradient of a convolution with respect to its kernel, of which only the shape counts."""
    return raw.Conv2DBackpropFilterV2(
        input,
        filter,
        out_backprop,
        strides=strides,
        padding=padding,
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        explicit_paddings=explicit_paddings,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


def conv2d_backprop_input_v2(
    input: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any,
    padding: str,
    use_cudnn_on_gpu: bool = True,
    explicit_paddings: Any = [],  # noqa: B006
    data_format: str = "NHWC",
    dilations: Any = [1, 1, 1, 1],  # noqa: B006
    name: str | None = None,
) -> Any:
    """Gives the gradient of a convolution with respect to its images, of which only the shape counts."""
    return raw.Conv2DBackpropInputV2(
        input,
        filter,
        out_backprop,
        strides=strides,
        padding=padding,
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        explicit_paddings=explicit_paddings,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


def approx_top_k(
    input: Any,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    is_max_k: bool = True,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
    name: str | None = None,
) -> Any:
    """Finds the greatest, or least, ``k`` elements along a dimension, and their positions."""
    return raw.ApproxTopK(
        input,
        k=k,
        reduction_dimension=reduction_dimension,
        recall_target=recall_target,
        is_max_k=is_max_k,
        reduction_input_size_override=reduction_input_size_override,
        aggregate_to_topk=aggregate_to_topk,
        name=name,
    )


def sparse_matmul_v1(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Any:
    """Multiplies two dense matrices, of which one may hold many zeros."""
    return raw.SparseMatMul(
        a,
        b,
        transpose_a=transpose_a,
        transpose_b=transpose_b,
        a_is_sparse=a_is_sparse,
        b_is_sparse=b_is_sparse,
        name=name,
    )

"""The Fourier transforms of TensorFlow 0.x for batches, which graphs of that time hold.

Today's operations take batches; a new call of these is refused, as TensorFlow refuses it.
"""

from __future__ import annotations

from tideflow._src.ops.retirement import retire
from tideflow._src.ops.signal import fourier
from tideflow._src.runtime.op import Op, op


def _define(base: Op) -> None:
    def kernel(xp, input):
        return base.kernel(xp, input)

    kernel.__doc__ = base.kernel.__doc__
    definition: Op = op(f"Batch{base.name}", "input: complex64 -> output: complex64", differentiable="missing")(kernel)
    definition.shape(lambda input: None)
    definition.samples(lambda s: iter([s(s.normal(2, 3, 4, dtype="complex64"), error="UnimplementedError")]))
    retire(definition, 15, f"Use {base.name}")


for _base in (
    fourier.fft_op,
    fourier.fft2d_op,
    fourier.fft3d_op,
    fourier.ifft_op,
    fourier.ifft2d_op,
    fourier.ifft3d_op,
):
    _define(_base)

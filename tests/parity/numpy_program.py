"""Runs every function of ``tf.experimental.numpy`` on a table of arguments, and says what came of it.

It runs in a process of its own, on the library that it is told: ``numpy_program.py tensorflow``. The NumPy behavior
that it switches on is that of a whole process.
"""

from __future__ import annotations

import functools
import importlib
import pickle
import sys
from typing import Any

import numpy as np

UNARY = """
abs absolute angle arccos arccosh arcsin arcsinh arctan arctanh around bitwise_not cbrt ceil conj conjugate
cos cosh deg2rad exp exp2 expm1 fabs fix floor imag iscomplex isfinite isinf isnan isneginf isposinf isreal
log log10 log1p log2 logical_not negative positive rad2deg real reciprocal round sign signbit sin sinc sinh
sqrt square tan tanh array asarray asanyarray ascontiguousarray atleast_1d atleast_2d atleast_3d copy diag
diagflat flatten flip isscalar iscomplexobj isrealobj ndim nonzero ones_like zeros_like empty_like ravel shape
size squeeze transpose argsort sort cumsum cumprod argmax argmin diff result_type tril triu trace flipud
fliplr rot90 vander diagonal where
""".split()

BINARY = """
add subtract multiply divide true_divide floor_divide mod remainder divmod power float_power arctan2 maximum
minimum hypot heaviside logaddexp logaddexp2 nextafter equal not_equal greater greater_equal less less_equal
logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor gcd lcm isclose allclose array_equal dot
inner outer vdot matmul kron append polyval result_type tensordot cross
""".split()

REDUCTIONS = "sum prod mean amax amin max min ptp all any var std nansum nanprod nanmean count_nonzero average".split()

#: Arguments of every dtype, all of them arrays of the language itself or of NumPy.
ARRAYS = [
    "True",
    "2",
    "0.5",
    "1.5j",
    "[]",
    "[True, False, True]",
    "[1, 2, 3]",
    "[0.25, 0.5, 0.75]",
    "[[1, 2], [3, 4]]",
    "[0.5 + 0.5j, 1.0, 2.0]",
    "np.array([1, 2, 3], np.int8)",
    "np.array([1, 2, 3], np.uint8)",
    "np.array([[1, 2, 3], [4, 5, 6]], np.int32)",
    "np.array([1, 2, 3], np.uint64)",
    "np.array([0.25, 0.5, 0.75], np.float16)",
    "np.array([[0.25, 0.5, 0.75], [0.1, 0.2, 0.3]], np.float32)",
    "np.array([0.25, -0.5, np.nan])",
    "np.array([0.25, -np.inf, np.inf], np.float32)",
    "np.array([1 + 2j, 0.5j], np.complex64)",
    "np.zeros((0, 3), np.float32)",
    "np.zeros((2, 0), np.int32)",
    "np.arange(24.0).reshape(2, 3, 4)",
    "tf.constant([1, 2, 3])",
    "tf.constant([1.0, 2.0, 3.0])",
    "tf.constant([1.0, 2.0, 3.0], tf.bfloat16)",
    "tf.constant(3)",
    "tf.Variable([1.0, 2.0])",
]

PAIRS = [
    ("True", "False"),
    ("[True, False]", "[1, 2]"),
    ("[1, 2]", "2"),
    ("[1, 2]", "0.5"),
    ("[5, 7]", "[2, 3]"),
    ("[-5, 7]", "[3, -2]"),
    ("[0.5, 1.5]", "[2.0, 3.0]"),
    ("[1.0, 2.0]", "1j"),
    ("np.array([12, 18], np.int8)", "np.array([8, 12], np.uint8)"),
    ("np.array([12, 18], np.int32)", "np.array([8, 12], np.int64)"),
    ("np.array([1, 2], np.uint8)", "300"),
    ("np.array([0.5, 1], np.float16)", "2"),
    ("np.array([0.5, 1], np.float32)", "0.5"),
    ("np.array([0.5, 1], np.float32)", "np.array([2.0, 3.0])"),
    ("tf.constant([1, 2])", "tf.constant([1.0, 2.0])"),
    ("tf.constant([1, 2])", "2.5"),
    ("tf.constant([1.0, 2.0])", "0"),
    ("tf.constant([1, 2])", "0"),
    ("tf.constant([[1.0, 2.0], [3.0, 4.0]])", "[1.0, 2.0]"),
    ("[1.0, 2.0]", "tf.constant([[1.0, 2.0], [3.0, 4.0]])"),
    ("[[1, 2], [3, 4]]", "[[5, 6], [7, 8]]"),
    ("[[1, 2, 3], [3, 4, 5]]", "[1, 2, 3]"),
    ("[1, 2]", "[1, 2, 3]"),
    ("[]", "[]"),
    ("np.ones((2, 1))", "np.zeros((0,))"),
    ("tf.Variable([1.0, 2.0])", "np.array([3, 4])"),
    ("np.array([np.nan, 1.0])", "np.array([np.nan, 1.0])"),
    ("np.array([np.inf, -np.inf])", "np.array([np.inf, -np.inf])"),
    ("np.ones((2, 3, 4))", "np.ones((2, 4, 3))"),
    ("tf.constant([1.0], tf.bfloat16)", "tf.constant([1.0])"),
]

REDUCED = [
    "[[True, False], [True, True]]",
    "np.array([[1, 2, 3], [4, 5, 6]], np.int8)",
    "np.array([[1, 2, 3], [4, 5, 6]], np.uint8)",
    "np.array([[1, 2, 3], [4, 5, 6]], np.int32)",
    "[[1, 2], [3, 4]]",
    "np.array([[0.5, 1.5], [2.5, 4.0]], np.float32)",
    "np.array([[0.5, np.nan], [2.5, 4.0]])",
    "np.array([[0.5 + 1j, 1.5], [2.5j, 4.0]])",
    "np.zeros((0, 3), np.float32)",
    "np.arange(8.0).reshape(2, 2, 2)",
    "3",
    "2.5",
]
AXES = ["", "axis=0", "axis=-1", "axis=1, keepdims=True", "axis=(0, 1)", "axis=5", "axis=[-1]"]

OTHERS = """
tnp.add(1, 2, 3)
tnp.append([1, 2], [[3, 4]])
tnp.append([[1, 2]], [[3, 4.5]], axis=0)
tnp.arange(5)
tnp.arange(1, 5)
tnp.arange(1, 5, 2)
tnp.arange(5, 1, -2)
tnp.arange(1.0, 2.0, 0.25)
tnp.arange(3, dtype=np.float32)
tnp.arange(0)
tnp.arange(5, 1)
tnp.arange(1, 5, 0)
tnp.arange(-3)
tnp.argmax([[1, 5], [7, 2]], axis=0)
tnp.argmax([[1, 5], [7, 2]], axis=-1)
tnp.argmax([[1, 5], [7, 2]], axis=2)
tnp.argmin([[1, 5], [7, 2]], axis=1)
tnp.argsort([[3, 1], [2, 4]], axis=0)
tnp.argsort([[3, 1], [2, 4]], axis=None)
tnp.argsort([3, 1, 2], kind='stable')
tnp.argsort([3, 1, 2], kind='heapsort')
tnp.argsort([3, 1, 2], order='x')
tnp.argsort([1j])
tnp.around([1.234, -5.678], 2)
tnp.around([123, 456], -1)
tnp.around(np.array([1.55], np.float32), 1)
tnp.array([1, 2], dtype=np.float32)
tnp.array([1.9, 2.1], dtype=int)
tnp.array([1, 2], ndmin=3)
tnp.array([1, 2], ndmin=33)
tnp.array([[1, 2], [3]])
tnp.array(None)
tnp.array('abc')
tnp.array(['a', 'bc'])
tnp.array(b'x')
tnp.array([tf.constant(1), 2])
tnp.array([tf.constant(1.0), 2])
tnp.array(2**63)
tnp.array(-2**63)
tnp.array(2**64)
tnp.array(range(3))
tnp.array(tf.constant([1, 2]), dtype=float)
tnp.array([1, 2], dtype='int16')
tnp.array([1, 2], dtype='nonsense')
tnp.array([[], []])
tnp.array(np.array([1, 2], '>i4'))
tnp.array([1 + 2j, 3])
tnp.array([True, 2])
tnp.array([True, 2.5, 1j])
tnp.asarray([1, 2], np.int8)
tnp.asarray(tf.constant([1, 2]))
tnp.atleast_1d(1, [2], [[3]])
tnp.atleast_2d(1, [2], [[3]])
tnp.atleast_3d(1, [2], [[3]], [[[4]]])
tnp.average([1, 2, 3])
tnp.average([1.0, 2.0, 3.0], weights=[3, 2, 1])
tnp.average([[1.0, 2.0], [3.0, 4.0]], axis=1, weights=[3, 1])
tnp.average([[1.0, 2.0], [3.0, 4.0]], axis=0, weights=[3, 1], returned=True)
tnp.average([[1.0, 2.0], [3.0, 4.0]], returned=True)
tnp.average([[1, 2], [3, 4]], axis=1, returned=True)
tnp.average([1, 2], axis=(0,))
tnp.average([1, 2], weights=[1, 2, 3])
tnp.average([1, 2], weights=[0.5, 1.5])
tnp.broadcast_arrays([1, 2], [[3], [4]])
tnp.broadcast_arrays([1, 2])
tnp.broadcast_arrays([1, 2], [3, 4, 5])
tnp.broadcast_arrays([1, 2], subok=True)
tnp.broadcast_arrays([1, 2], nonsense=True)
tnp.broadcast_to([1, 2], [3, 2])
tnp.broadcast_to([1, 2], (2,))
tnp.broadcast_to(1, 3)
tnp.broadcast_to([1, 2], [3, 3])
tnp.clip([1, 5, 9], 2, 6)
tnp.clip([1, 5, 9], 2.5, None)
tnp.clip([1, 5, 9], None, 6)
tnp.clip([1, 5, 9], None, None)
tnp.clip([[1.0, 5.0]], [[2.0], [3.0]], 4)
tnp.compress([True, False], [1, 2, 3])
tnp.compress([True, False, True], [[1, 2, 3], [4, 5, 6]], axis=1)
tnp.compress([False, True], [[1, 2, 3], [4, 5, 6]], axis=0)
tnp.compress([False, True], [[1, 2, 3], [4, 5, 6]], axis=-1)
tnp.compress([[True]], [1])
tnp.compress([True], 5)
tnp.compress([0, 1, 0, 1], [[1, 2], [3, 4]])
tnp.concatenate([[1, 2], [3.5]])
tnp.concatenate([[[1, 2]], [[3, 4]]], axis=1)
tnp.concatenate([[[1, 2]], [[3, 4]]], axis=-1)
tnp.concatenate([])
tnp.concatenate(tf.constant([[1, 2]]))
tnp.concatenate([[True], [1]])
tnp.concatenate([[[1, 2]], [3]])
tnp.count_nonzero([[0, 1], [2, 0]], axis=0)
tnp.count_nonzero([True, False])
tnp.cross([1, 2, 3], [4, 5, 6])
tnp.cross([1, 2], [4, 5])
tnp.cross([1, 2], [4, 5, 6])
tnp.cross([1.0, 2, 3], [4, 5])
tnp.cross([[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [1, 0, 1]])
tnp.cross([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[7, 8, 9], [1, 0, 1], [1, 1, 2]], axisa=0, axisb=1, axisc=0)
tnp.cross([[1, 2, 3], [4, 5, 6]], [1, 2, 3], axis=-1)
tnp.cumprod([[1, 2], [3, 4]], axis=0)
tnp.cumprod([1, 2], dtype=float)
tnp.cumsum([[1, 2], [3, 4]], axis=-1)
tnp.cumsum([[1, 2], [3, 4]], axis=1, dtype=np.int8)
tnp.cumsum([1, 2], axis=3)
tnp.cumsum(np.array([1, 2], np.uint8))
tnp.cumsum(np.array([1, 2], np.uint64))
tnp.diag([1, 2], k=1)
tnp.diag([1, 2], k=-2)
tnp.diag([[1, 2], [3, 4]])
tnp.diag([[1, 2], [3, 4]], k=1)
tnp.diag([[1, 2], [3, 4]], k=-5)
tnp.diag([[1, 2, 3], [3, 4, 5]], k=2)
tnp.diag([[[1]]])
tnp.diag([], k=2)
tnp.diag_indices(3)
tnp.diag_indices(2, ndim=3)
tnp.diag_indices(-1)
tnp.diag_indices(1, ndim=-1)
tnp.diagflat([[1, 2], [3, 4]])
tnp.diagflat([1, 2], k=1)
tnp.diagonal([[1, 2], [3, 4]])
tnp.diagonal([[1, 2], [3, 4]], offset=1)
tnp.diagonal([[1, 2], [3, 4]], offset=-3)
tnp.diagonal(np.arange(24).reshape(2, 3, 4))
tnp.diagonal(np.arange(24).reshape(2, 3, 4), axis1=-2, axis2=-1)
tnp.diagonal(np.arange(24).reshape(2, 3, 4), 1, 0, 2)
tnp.diff([1, 4, 9, 16], n=2)
tnp.diff([[1, 4], [9, 16]], axis=0)
tnp.diff([[1, 4], [9, 16]], axis=2)
tnp.diff([1, 4], n=-1)
tnp.diff([True, False, False])
tnp.dot(2, [1, 2])
tnp.dot([[1, 2], [3, 4]], [[5, 6], [7, 8]])
tnp.dot(np.ones((2, 3)), np.ones((4, 3, 5)))
tnp.dsplit(np.arange(8).reshape(2, 2, 2), 2)
tnp.dsplit(np.arange(8).reshape(2, 2, 2), [1])
tnp.dstack([[1, 2], [3, 4]])
tnp.dstack([[[1], [2]], [[3], [4.5]]])
tnp.einsum('ij,jk->ik', [[1, 2], [3, 4]], [[1.0, 0], [0, 1]])
tnp.einsum('ii->', [[1, 2], [3, 4]])
tnp.einsum('i,i', [1, 2], [3, 4], optimize='optimal')
tnp.einsum('i,i', [1, 2], [3, 4], optimize='x')
tnp.einsum('i,i', [1, 2], [3, 4], casting='no')
tnp.einsum('i,i', [1, 2], [3, 4], casting='x')
tnp.empty([2, 3])
tnp.empty(2, np.int32)
tnp.expand_dims([1, 2], 0)
tnp.expand_dims([1, 2], -1)
tnp.expand_dims([1, 2], 5)
tnp.eye(3)
tnp.eye(2, 3)
tnp.eye(3, 2, k=1)
tnp.eye(2, 4, k=2)
tnp.eye(4, 2, k=-1)
tnp.eye(2, 4, k=-1)
tnp.eye(2, k=5)
tnp.eye(2, dtype=np.int8)
tnp.finfo(np.float32).bits
tnp.flatten([[1, 2], [3, 4]], 'F')
tnp.flatten([[1, 2], [3, 4]], 'X')
tnp.flip([[1, 2], [3, 4]], 0)
tnp.flip([[1, 2], [3, 4]], -1)
tnp.flip([[1, 2], [3, 4]], 3)
tnp.fliplr([1])
tnp.full([2, 3], 7)
tnp.full(2, 7.5)
tnp.full([2, 2], [1, 2])
tnp.full((2,), 7, dtype=np.float32)
tnp.full((), 3)
tnp.full([-1], 3)
tnp.full_like([1, 2], 7.9)
tnp.full_like([1, 2], 7.9, dtype=float)
tnp.full_like([1, 2], 7, order='C')
tnp.full_like([1, 2], 7, subok=False)
tnp.full_like([1, 2], 7, shape=[3])
tnp.gcd([12, 18, 0], [8, -27, 0])
tnp.gcd([1.5], [2])
tnp.geomspace(1, 1000, 4)
tnp.geomspace(1, 256, 9, endpoint=False)
tnp.geomspace(1.0, 8.0, 4, dtype=np.float32)
tnp.geomspace(-1.0, -8.0, 4)
tnp.geomspace([1.0, 2.0], [8.0, 16.0], 4, axis=1)
tnp.hsplit([[1, 2], [3, 4]], 2)
tnp.hsplit([1, 2, 3, 4], [1, 3])
tnp.hsplit([[1, 2, 3], [4, 5, 6]], 2)
tnp.hstack([[1, 2], [3]])
tnp.hstack([[[1], [2]], [[3.5], [4]]])
tnp.hstack([1, 2])
tnp.identity(2)
tnp.identity(2, int)
tnp.isclose([1.0, np.nan], [1.0, np.nan], equal_nan=True)
tnp.isclose([1, 2], [1, 3])
tnp.isclose([1.0, 2.0], [1.1, 2.5], rtol=0.2)
tnp.isscalar([1])
tnp.issubdtype(np.float32, np.inexact)
tnp.ix_([0, 1], [2, 3, 4])
tnp.ix_([True, False, True], [1])
tnp.ix_([[1]])
tnp.ix_([1.5])
tnp.kron([1, 2], [[1, 2], [3, 4]])
tnp.kron([[1, 2]], [1, 10.5])
tnp.kron(2, [1, 2])
tnp.linspace(0, 1)
tnp.linspace(0, 1, 5)
tnp.linspace(0, 1, 5, endpoint=False)
tnp.linspace(0, 1, 5, retstep=True)
tnp.linspace(0, 1, 1, retstep=True)
tnp.linspace(0, 1, 1, endpoint=False, retstep=True)
tnp.linspace(0, 1, 0)
tnp.linspace(0, 1, -1)
tnp.linspace(0, 10, 4, dtype=int)
tnp.linspace(np.array([0.0, 1]), np.array([1.0, 3]), 3)
tnp.linspace(np.array([0.0, 1]), np.array([1.0, 3]), 3, axis=-1)
tnp.linspace(np.float32(0), np.float32(1), 3)
tnp.logspace(0, 2, 3)
tnp.logspace(0.0, 2.0, 3, base=2.0)
tnp.logspace(0, 2, 4, endpoint=False)
tnp.logspace(0, 2, 3, dtype=np.float32)
tnp.maximum(tf.constant([-1, 2]), 0)
tnp.maximum(tf.constant([-1.5, 2]), 0)
tnp.maximum(tf.constant([True]), False)
tnp.matmul(1, [1])
tnp.matmul([[1, 2], [3, 4]], [[1, 2, 3]])
tnp.matmul(np.ones((2, 3, 4)), np.ones(4))
tnp.matmul(np.ones(3), np.ones((2, 3, 4)))
tnp.mean([[1, 2], [3, 4]], out=1)
tnp.mean([1, 2], dtype=np.float32)
tnp.mean([1.5, 2.5], dtype=int)
tnp.meshgrid([1, 2], [3, 4, 5])
tnp.meshgrid([1, 2], [3, 4, 5], indexing='ij')
tnp.meshgrid([1, 2], [3.5, 4])
tnp.meshgrid([1, 2], sparse=True)
tnp.meshgrid([1, 2], copy=False)
tnp.meshgrid()
tnp.moveaxis(np.zeros((2, 3, 4)), 0, -1)
tnp.moveaxis(np.zeros((2, 3, 4)), (0, 1), (-1, -2))
tnp.moveaxis(np.zeros((2, 3, 4)), [0], [0])
tnp.moveaxis(np.zeros((2, 3, 4)), (0, 1), (0,))
tnp.moveaxis(np.zeros((2, 3, 4)), 0, 0)
tnp.nonzero([[1, 0], [0, 2]])
tnp.nonzero(3)
tnp.nonzero([])
tnp.ones(3)
tnp.ones([2, 2], dtype=int)
tnp.ones((2, 2), np.complex64)
tnp.ones_like([1, 2], dtype=float)
tnp.pad([1, 2], [[1, 2]], 'constant')
tnp.pad([1, 2], [[1, 2]], 'constant', constant_values=9)
tnp.pad([1, 2, 3], [[2, 1]], 'reflect')
tnp.pad([1, 2, 3], [[2, 1]], 'symmetric')
tnp.pad([1, 2, 3], [[2, 1]], 'edge')
tnp.pad([[1, 2], [3, 4]], [[1, 0], [0, 1]], 'constant')
tnp.pad([1, 2, 3], 1, 'constant')
tnp.polyval([1, 2, 3], 2)
tnp.polyval([1.0, 2, 3], [1, 2])
tnp.polyval(3, [1, 2])
tnp.polyval([3], [1, 2])
tnp.promote_types(np.int8, np.uint8)
tnp.promote_types(tf.int32, tf.float32)
tnp.promote_types(int, 'float32')
tnp.ptp([[1, 5], [7, 2]], axis=0, keepdims=True)
tnp.repeat([1, 2], 2)
tnp.repeat([1, 2], [1, 3])
tnp.repeat([[1, 2], [3, 4]], 2, axis=0)
tnp.repeat([[1, 2], [3, 4]], [1, 2], axis=1)
tnp.repeat(3, 4)
tnp.repeat([1, 2], -1)
tnp.reshape([1, 2, 3, 4], (2, 2))
tnp.reshape([1, 2, 3, 4], (2, -1), order='F')
tnp.reshape([1, 2, 3, 4], -1)
tnp.reshape([1, 2, 3, 4], (3, 2))
tnp.reshape([1, 2, 3, 4], 4, order='A')
tnp.result_type()
tnp.result_type(1, 2.5)
tnp.result_type(np.int8, np.uint8)
tnp.result_type(tf.constant(1), 2.5)
tnp.result_type(tf.int8, tf.float16)
tnp.result_type([1, 2.5], np.int64)
tnp.result_type('float32')
tnp.result_type(np.zeros(2, np.float32), 1.0)
tnp.result_type(1j, np.float32)
tnp.result_type(True, 1)
tnp.roll([1, 2, 3], 1)
tnp.roll([[1, 2], [3, 4]], 1)
tnp.roll([[1, 2], [3, 4]], 1, axis=0)
tnp.roll([[1, 2], [3, 4]], (1, 1), axis=(0, 1))
tnp.roll([[1, 2], [3, 4]], 1, axis=4)
tnp.rot90([[1, 2], [3, 4]], k=0)
tnp.rot90([[1, 2, 3], [3, 4, 5]], k=1)
tnp.rot90([[1, 2, 3], [3, 4, 5]], k=2)
tnp.rot90([[1, 2, 3], [3, 4, 5]], k=-1)
tnp.rot90(np.arange(8).reshape(2, 2, 2), axes=(1, 2))
tnp.rot90(np.arange(8).reshape(2, 2, 2), k=3, axes=(0, -1))
tnp.select([[True, False], [True, True]], [[1, 2], [3, 4]])
tnp.select([[True, False, False], [False, True, False]], [[1, 2, 3], [4.5, 5, 6]], default=-1)
tnp.select([[True]], [[1], [2]])
tnp.select([], [])
tnp.sign([-2, 0, 3], out=1)
tnp.sign([-2, 0, 3], where=1)
tnp.sign([-2, 0, 3], dtype=int)
tnp.sign([1 + 1j, -2j])
tnp.size([1, 2], axis=0)
tnp.sort([[3, 1], [2, 4]], axis=0)
tnp.sort([[3, 1], [2, 4]], axis=None)
tnp.sort([3, 1], kind='stable')
tnp.split([1, 2, 3, 4], 2)
tnp.split([1, 2, 3, 4], [1, 3])
tnp.split([1, 2, 3, 4], [1, 9])
tnp.split([1, 2, 3, 4], [3, 1])
tnp.split([1, 2, 3, 4], 3)
tnp.split([[1, 2], [3, 4]], 2, axis=1)
tnp.split([1, 2], 1, axis=2)
tnp.split([1, 2], [1], axis=2)
tnp.squeeze([[[1], [2]]])
tnp.squeeze([[[1], [2]]], axis=0)
tnp.squeeze([[[1], [2]]], axis=(0, 2))
tnp.squeeze([[[1], [2]]], axis=1)
tnp.stack([[1, 2], [3, 4.5]])
tnp.stack([[1, 2], [3, 4]], axis=1)
tnp.stack([[1, 2], [3, 4]], axis=-1)
tnp.stack(tf.constant([[1, 2], [3, 4]]), axis=1)
tnp.stack([[1, 2], [3]])
tnp.stack([1, 2.5])
tnp.std([1, 2, 3])
tnp.sum([1, 2], dtype=np.float32)
tnp.sum([1, 2], dtype=bool)
tnp.sum([[1, 2], [3, 4]], axis=tf.constant(0))
tnp.sum([[1, 2], [3, 4]], axis=tf.constant(0, tf.int8))
tnp.swapaxes(np.zeros((2, 3, 4)), 0, 2)
tnp.swapaxes(np.zeros((2, 3, 4)), -1, 0)
tnp.swapaxes(np.zeros((2, 3, 4)), 0, 0)
tnp.take([10, 20, 30], [0, 5, -1])
tnp.take([[10, 20], [30, 40]], 1)
tnp.take([[10, 20], [30, 40]], [[0, 1]], axis=1)
tnp.take([10, 20, 30], [0, 5, -1], mode='wrap')
tnp.take([10, 20, 30], [0, 5, -1], mode='raise')
tnp.take([10, 20, 30], [0, 5, -1], mode='x')
tnp.take([10, 20, 30], 1, out=1)
tnp.take([[10, 20], [30, 40]], [1], axis=-1)
tnp.take_along_axis([[10, 20], [30, 40]], [[1], [0]], axis=1)
tnp.take_along_axis([[10, 20], [30, 40]], [[1, -1]], axis=0)
tnp.take_along_axis([[10, 20], [30, 40]], [3, 0], axis=None)
tnp.take_along_axis(np.arange(12).reshape(2, 3, 2), [[[0, 1]], [[2, 0]]], axis=1)
tnp.tensordot([[1, 2], [3, 4]], [[5, 6], [7, 8]], axes=1)
tnp.tensordot([[1, 2], [3, 4]], [[5, 6], [7, 8.5]], axes=([0], [1]))
tnp.tensordot([1, 2], [3, 4], axes=0)
tnp.tile([1, 2], 2)
tnp.tile([1, 2], (2, 2))
tnp.tile([[1, 2]], 2)
tnp.tile(3, 2)
tnp.tile([[1, 2]], (2, 1, 2))
tnp.trace([[1, 2], [3, 4]], offset=1)
tnp.trace([[1, 2], [3, 4]], dtype=np.float32)
tnp.trace(np.arange(24).reshape(2, 3, 4))
tnp.trace(np.arange(24).reshape(2, 3, 4), 0, 1, 2)
tnp.trace(np.arange(24).reshape(2, 3, 4), 1, -1, 0)
tnp.trace(np.array([[1, 2], [3, 4]], np.int8))
tnp.transpose(np.zeros((2, 3, 4)), (1, 0, 2))
tnp.transpose(np.zeros((2, 3, 4)), (1, 0))
tnp.tri(3)
tnp.tri(2, 4, 1)
tnp.tri(3, k=-1, dtype=int)
tnp.tri(2, k=-5)
tnp.tri(2, k=5)
tnp.tril(np.ones((2, 3, 3)), k=-1)
tnp.tril([1, 2])
tnp.triu(np.ones((3, 2)), k=1)
tnp.tril([[True, True], [True, True]])
tnp.vander([1, 2, 3])
tnp.vander([1, 2, 3], 2)
tnp.vander([1.5, 2, 3], 4, increasing=True)
tnp.vander([1, 2], -1)
tnp.vander([[1]])
tnp.vander([1, 2], 0)
tnp.var([1.0, 2.0, 4.0], dtype=np.float32)
tnp.var([1, 2, 4])
tnp.var([1.0, 2.0, 4.0], ddof=1, dtype=np.float64)
tnp.var([[1.0, 2.0], [4.0, 8.0]], axis=0, ddof=1, dtype=np.float64, keepdims=True)
tnp.var([1 + 1j, 2.0])
tnp.var([1.0], out=1)
tnp.vsplit([[1, 2], [3, 4]], 2)
tnp.vsplit([[1, 2], [3, 4]], 3)
tnp.vstack([[1, 2], [3, 4]])
tnp.vstack([[[1, 2]], [[3, 4.5]]])
tnp.vstack([1, 2])
tnp.where([True, False], [1, 2], [3.5, 4])
tnp.where([[True, False], [False, True]])
tnp.where([1, 0], 1, 2.5)
tnp.where([True], [1])
tnp.where([True, False], [[1, 2]], [[3], [4]])
tnp.zeros([2, 3])
tnp.zeros(2, int)
tnp.zeros((2,), None)
tnp.zeros_like([1, 2], dtype=np.float16)
tnp.random.randn(2, 3)
tnp.random.rand(2)
tnp.random.rand()
tnp.random.random()
tnp.random.random((2, 2))
tnp.random.standard_normal()
tnp.random.standard_normal(3)
tnp.random.standard_normal([2, 1])
tnp.random.uniform()
tnp.random.uniform([1.0, 2.0], 3.0)
tnp.random.uniform(0, 5, 3)
tnp.random.poisson(3.0)
tnp.random.poisson([1.0, 2.0], 3)
tnp.random.poisson(3.0, (2, 2))
tnp.random.randint(5)
tnp.random.randint(5, 6, 3)
tnp.random.randint(1, 9, [2, 2], dtype=np.int32)
tnp.random.randint(1, 9, 2, dtype=np.int8)
tnp.random.randint(1, 9, 2, dtype=int)
tnp.random.seed('a')
tnp.random.seed([1])
tnp.random.seed(3)
""".strip().splitlines()

#: Indices, of an array of the shape (2, 3, 4) and of a vector of 5.
INDICES = """
x[0]
x[-1]
x[5]
x[..., 0]
x[:, 1:, ::2]
x[None, 1]
x[1, None, 1:3, ...]
x[:, (True, False, True)]
x[:, [True, False, True]]
x[1, (0, 0, 1), tf.constant([0, 1, 1])]
x[[0, 1]]
x[[0, 1], [1, 2]]
x[[0, 1], [1, 2], [3, 0]]
x[[0, 1], :, [3, 0]]
x[:, [0, 2], :]
x[:, [0, 2], [1, 3]]
x[..., [0, 2]]
x[..., [0, 2], :]
x[[[0, 1], [1, 0]]]
x[[[0], [1]], [[1, 2]]]
x[:, [[0, 1], [1, 2]], 0]
x[0, :, [1, 2]]
x[[0], ..., [1]]
x[0, ..., [1, 2]]
x[[0, 1], None, [1, 2]]
x[None, [0, 1]]
x[-1, [-1, 0]]
x[:, [-1, -2]]
x[[0, 1], :, [-1, -2]]
x[:, [-1], [-1]]
x[x > 10]
x[np.array([True, False])]
x[True]
x[np.array([0, 1], np.int8)]
x[np.array([0, 1], np.uint64)]
x[[0.5]]
x[0.5]
x['a']
x[np.array([[True, False, True], [False, True, False]])]
x[:, np.array([[True, False]])]
x[tf.constant(1)]
x[tf.constant(1, tf.int64), 0]
x[tf.constant([1, 0], tf.int64)]
x[np.int64(1)]
x[slice(0, 1), tf.constant(1):tf.constant(3)]
x[()]
x[[]]
x[:, []]
x[[0, 1, 5]]
x[1:, [0, 1]]
x[::-1, [0, 1]]
x[0][1][2]
x[[slice(0, 1), 1]]
x[[None, 1]]
v[[0, 2, 4]]
v[v > 2]
v[[True, False, True, False, True]]
v[[[0, 1], [2, 3]]]
v[::-1]
v[tf.constant([0, 1])]
v[np.array(3)]
v[:, 0]
""".strip().splitlines()

#: What tensors do: operators and methods.
OPERATORS = """
a + b
b + a
a - 1
1 - a
a * 2.5
2.5 * a
a / 2
2 / a
a // 2
a // 2.0
7 // a
a % 2
7.5 % a
a ** 2
a ** 0.5
2 ** a
a @ a
a @ b
np.ones(3) @ a
a < b
a <= 1.5
a > np.float64(1)
a >= b
a == b
a == 1.0
a != b
a == None
a != None
a == [1, 2, 3]
a == [1, 2]
-a
+a
abs(a)
~a
a & 1
a | True
a ^ a
c & 1
c | c
c ^ True
c + 1
c * 2.5
c * c
~c
a + np.ones(3)
np.ones(3) + a
np.float32(1) + a
a + np.float64(2)
b + np.float64(2)
b + np.ones(3)
a + 1j
a + True
u + 1
u + a
u + 1.5
u - np.int8(1)
h + 1.5
h + b
a + [1, 2, 3]
a + [1.5, 2, 3]
a + None
a + object()
v + 1.5
v * a
1.5 - v
v @ b
v < a
v == 1.0
a + v
b + v
s + s
s + 'x'
'x' + s
s == 'a'
round(b)
round(b, 1)
a.T
m.T
m.T.shape
a.ndim, m.ndim
a.size, m.size
a.data
a.astype(float)
a.astype('int8')
a.astype(tf.float64)
b.astype(np.int32)
a.reshape(3, 1)
a.reshape((1, 3))
a.reshape([3, 1])
a.reshape(-1)
m.reshape(4, order='F')
m.reshape(4, nonsense=1)
m.reshape(3)
m.ravel()
m.flatten()
m.flatten('F')
m.transpose()
m.transpose([1, 0])
m.transpose(1, 0)
m.clip(2, 3)
m.clip(2.5, None)
m.max()
m.max(axis=0)
m.min(1)
m.mean()
m.mean(axis=0, keepdims=True)
a.tolist(), m.tolist(), tf.constant(2).tolist()
a.sum()
a.dot(a)
np.asarray(a)
np.sum(b)
np.add(b, 1)
np.concatenate([b, b])
b.__array_priority__
len(a), list(b), float(b[0])
""".strip().splitlines()

#: Functions of ``x``, of floats, whose values, static shapes and gradients are compared in functions.
DIFFERENTIABLE = """
tnp.sin(x)
tnp.exp(x) + tnp.log(x)
tnp.sqrt(x) * tnp.cbrt(x)
tnp.square(x) - x
tnp.hypot(x, 2.0)
tnp.logaddexp(x, 1.0)
tnp.logaddexp2(x, x)
tnp.power(x, 3)
tnp.arctan2(x, 2.0)
tnp.maximum(x, 0)
tnp.minimum(x, 1.5)
tnp.clip(x, 0.5, 2.0)
tnp.sinc(x)
tnp.exp2(x)
tnp.log2(x)
tnp.deg2rad(x)
tnp.absolute(x)
tnp.reciprocal(x)
tnp.divide(1.0, x)
tnp.mod(x, 0.7)
tnp.sum(x)
tnp.sum(x, axis=0)
tnp.sum(x, axis=-1, keepdims=True)
tnp.prod(x, axis=0)
tnp.mean(x, axis=1)
tnp.var(x)
tnp.std(x, axis=0)
tnp.amax(x, axis=0)
tnp.amin(x)
tnp.ptp(x)
tnp.nansum(x)
tnp.nanmean(x, axis=0)
tnp.average(x, axis=0, weights=[1.0, 2.0])
tnp.cumsum(x, axis=0)
tnp.cumsum(x)
tnp.cumprod(x, axis=-1)
tnp.dot(x, x.T)
tnp.inner(x, x)
tnp.outer(x, x)
tnp.vdot(x, x)
tnp.matmul(x, [1.0, 2.0, 3.0])
tnp.matmul(x, tnp.transpose(x))
tnp.tensordot(x, x, axes=2)
tnp.einsum('ij,kj->ik', x, x)
tnp.kron(x, [1.0, 2.0])
tnp.cross(x, [1.0, 2.0, 3.0])
tnp.trace(x)
tnp.diagonal(x)
tnp.diag(x)
tnp.diag(x[0])
tnp.tril(x)
tnp.triu(x, 1)
tnp.reshape(x, [-1])
tnp.reshape(x, (3, 2), order='F')
tnp.ravel(x)
tnp.transpose(x)
tnp.swapaxes(x, 0, 1)
tnp.moveaxis(x, 0, 1)
tnp.expand_dims(x, 1)
tnp.squeeze(x[None])
tnp.flip(x)
tnp.flip(x, 1)
tnp.rot90(x)
tnp.rot90(x, 3)
tnp.roll(x, 1)
tnp.roll(x, 1, axis=1)
tnp.concatenate([x, x], axis=1)
tnp.stack([x, 2 * x])
tnp.hstack([x, x])
tnp.vstack([x, x])
tnp.dstack([x, x])
tnp.split(x, 2)[1]
tnp.hsplit(x, [1])[1]
tnp.tile(x, (2, 1))
tnp.repeat(x, 2, axis=1)
tnp.pad(x, [[1, 0], [0, 1]], 'constant')
tnp.take(x, [0, 2], axis=1)
tnp.take_along_axis(x, [[1], [0]], axis=1)
tnp.compress([True, False], x, axis=0)
tnp.where(x > 1.0, x, 0.5)
tnp.select([x > 1.0], [x], default=x * 2)
tnp.broadcast_to(x, [2, 2, 3])
tnp.atleast_3d(x)
tnp.diff(x)
tnp.diff(x, n=2, axis=1)
tnp.sort(x, axis=0)
tnp.polyval([1.0, 2.0], x)
tnp.vander(x[0], 3)
tnp.linspace(x[0, 0], x[1, 1], 4)
tnp.around(x, 1)
tnp.fix(x)
tnp.real(x)
tnp.angle(x)
tnp.heaviside(x, 0.5)
tnp.count_nonzero(x, axis=0)
tnp.argmax(x, axis=0)
tnp.argsort(x)
tnp.isclose(x, 1.0)
tnp.array_equal(x, x)
tnp.allclose(x, x)
tnp.ones_like(x)
tnp.full_like(x, 2)
tnp.size(x)
tnp.meshgrid(x[0], x[1])[0]
tnp.ix_(tnp.argsort(x[0]), [0, 1])[0]
x[:, [0, 2]]
x[[0, 1], [1, 2]]
x[x > 1.0]
x[..., [1]]
x[[1], :, None]
x.T @ x
x.mean(axis=0)
x.astype(tf.int32) + 1.5
x.reshape(3, 2)
x.clip(1, 2)
x + 1
2 ** x
tf.vectorized_map(lambda row: tnp.sum(tnp.sin(row)), x)
tf.map_fn(lambda row: tnp.dot(row, row), x)
tf.cond(tnp.sum(x) > 0, lambda: tnp.sin(x), lambda: tnp.cos(x))
tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tnp.multiply(y, x)), (0, x))[1]
tf.function(lambda y: tnp.square(y))(x)
""".strip().splitlines()


def cases() -> dict[str, list[str]]:
    """Returns the calls by kind."""
    calls = [f"tnp.{name}({argument})" for name in UNARY for argument in ARRAYS]
    calls += [f"tnp.{name}({x}, {y})" for name in BINARY for x, y in PAIRS]
    for name in REDUCTIONS:
        for argument in REDUCED:
            calls += [f"tnp.{name}({', '.join(filter(None, (argument, axes)))})" for axes in AXES]
    return {"calls": calls, "others": OTHERS, "indices": INDICES, "operators": OPERATORS}


def portable(value: Any, tf: Any) -> Any:
    """Returns a result as what a process without the library can read."""
    if isinstance(value, tf.Variable):
        return ("variable", portable(value.value(), tf))
    if tf.is_tensor(value):
        array = np.asarray(value.numpy())
        if array.dtype.kind == "V" or array.dtype.name == "bfloat16":
            array = array.astype(np.float32)
        weak = type(value).__name__.endswith("WeakTensor")
        return ("tensor", value.dtype.name + ("*" if weak else ""), array.tolist() if array.dtype == object else array)
    if isinstance(value, tf.DType):
        return ("dtype", value.name)
    if isinstance(value, tf.TensorShape):
        return ("shape", value.as_list() if value.rank is not None else None)
    if isinstance(value, list | tuple):
        return (type(value).__name__, [portable(item, tf) for item in value])
    if isinstance(value, np.ndarray | np.generic):
        return ("array", value.dtype.name, np.asarray(value))
    if isinstance(value, np.dtype):
        return ("numpy dtype", value.name)
    return (type(value).__name__, repr(value))


def outcome(compute: Any, tf: Any) -> Any:
    """Returns the result of a call, or the class and the message of its error."""
    try:
        return portable(compute(), tf)
    except Exception as error:
        kinds = [kind.__name__ for kind in type(error).__mro__]
        return ("error", kinds, str(error))


def names(tf: Any) -> dict[str, Any]:
    """Returns what the calls name."""
    return {
        "tf": tf,
        "np": np,
        "tnp": tf.experimental.numpy,
        "x": tf.reshape(tf.range(24), [2, 3, 4]),
        "v": tf.range(5),
    }


def operands(tf: Any) -> dict[str, Any]:
    """Returns what the operators are tried on."""
    return {
        **names(tf),
        "a": tf.constant([1, 2, 3]),
        "b": tf.constant([0.5, 1.0, 1.5]),
        "c": tf.constant([True, False, True]),
        "u": tf.constant([1, 2, 3], tf.uint8),
        "h": tf.constant([1.0, 2.0, 3.0], tf.float16),
        "m": tf.constant([[1, 2], [3, 4]]),
        "s": tf.constant(["a", "b"]),
        "v": tf.Variable([1.0, 2.0, 3.0]),
    }


def traced(source: str, tf: Any, shape: Any) -> Any:
    """Returns the static shape, the value and (if the shape is known) the gradient of a function of its argument."""
    scope = names(tf)
    value = tf.constant([[0.3, 1.2, 2.1], [1.9, 0.8, 1.4]], tf.float64)

    def compute(x: Any) -> Any:
        return eval(source, {**scope, "x": x})

    function = tf.function(compute, input_signature=[tf.TensorSpec(shape, tf.float64)], autograph=False)
    with tf.GradientTape() as tape:
        tape.watch(value)
        result = function(value)
    outputs = function.get_concrete_function().structured_outputs
    static = outputs.shape if hasattr(outputs, "shape") else None
    differentiable = shape is not None and tf.is_tensor(result) and result.dtype.is_floating
    return (static, result, tape.gradient(result, value) if differentiable else None)


def eager(source: str, tf: Any) -> Any:
    """Returns the value and the gradient of an eager call."""
    value = tf.constant([[0.3, 1.2, 2.1], [1.9, 0.8, 1.4]], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(value)
        result = eval(source, {**names(tf), "x": value})
    gradient = tape.gradient(result, value) if tf.is_tensor(result) and result.dtype.is_floating else None
    return (result, gradient)


#: What is switched on, in this order: a process can have one after the other.
BEHAVIORS: dict[str, dict[str, Any]] = {
    "legacy": {},
    "float32": {"prefer_float32": True},
    "all": {"dtype_conversion_mode": "all"},
    "safe": {"dtype_conversion_mode": "safe"},
    "off": {"dtype_conversion_mode": "off"},
}


def run(library: str) -> dict[str, Any]:
    """Runs all calls on a library, ``"tensorflow"`` or ``"tideflow"``."""
    tf = importlib.import_module(library)
    tf.get_logger().setLevel("ERROR")
    found: dict[str, Any] = {}
    for behavior, options in BEHAVIORS.items():
        tf.experimental.numpy.experimental_enable_numpy_behavior(**options)
        for kind, sources in cases().items():
            if behavior == "legacy" or kind == "operators" or (behavior == "float32" and kind == "others"):
                scope = operands(tf) if kind == "operators" else names(tf)
                for source in sources:
                    tf.random.set_seed(1)
                    found[f"{behavior} {kind}: {source}"] = evaluated(source, scope, tf)
        if behavior == "legacy":
            found.update(in_functions(tf))
    return found


def evaluated(source: str, scope: dict[str, Any], tf: Any) -> Any:
    """Returns what comes of an expression."""
    return outcome(lambda: eval(source, dict(scope)), tf)


def in_functions(tf: Any) -> dict[str, Any]:
    """Returns values, static shapes and gradients of what can be differentiated, eagerly and in functions."""
    found: dict[str, Any] = {}
    for source in DIFFERENTIABLE:
        found[f"eager: {source}"] = outcome(functools.partial(eager, source, tf), tf)
        for label, shape in (("known", [2, 3]), ("unknown", None)):
            found[f"{label}: {source}"] = outcome(functools.partial(traced, source, tf, shape), tf)
    return found


if __name__ == "__main__":
    sys.stdout.buffer.write(pickle.dumps(run(sys.argv[1])))

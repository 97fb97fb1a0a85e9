"""Records random numbers from TensorFlow into `random.npz`, for the tests of the generator and of sampling.

It runs by hand, in an environment that holds TensorFlow: `python tests/runtime/data/record_random.py`.
`cases` in the file is a JSON list; case i's arrays are named `i/0`, `i/1`, ... bfloat16 is stored as its
bits. Of long arrays only a sample is kept (`thin`).
"""

from __future__ import annotations

import json
import pathlib

import numpy as np
import tensorflow as tf

LONG = 1000003
RUNS = [5, 17, 0, 1, LONG, 6]
FLOATS = ["float16", "bfloat16", "float32", "float64"]
INT_RANGES = {
    "int32": [(0, 10), (-7, 1000), (-(2**31), 2**31 - 1)],
    "int64": [(0, 10), (-(2**40), 2**41), (-(2**63), 2**63 - 1)],
}
RAW, V1 = tf.raw_ops, tf.compat.v1
cases: list[dict] = []
arrays: dict[str, np.ndarray] = {}


def thin(values):
    """Keeps short arrays whole, and of long ones every 7919th number and the last five."""
    values = np.asarray(values)
    if values.dtype == tf.bfloat16.as_numpy_dtype:
        values = values.view(np.uint16)
    flat = values.reshape(-1)
    return values if flat.size <= 4000 else np.concatenate([flat[::7919], flat[-5:]])


def add(results, **case):
    for number, values in enumerate(results):
        arrays[f"{len(cases)}/{number}"] = thin(values)
    cases.append(case)


def stateful(build, feeds):
    """Runs one op of a fresh graph several times in one session."""
    with tf.Graph().as_default(), V1.Session() as session:
        placeholder, output = build()
        return [session.run(output, {placeholder: feed}) for feed in feeds]


def shape_op(op, seed, seed2, **attributes):
    def build():
        shape = V1.placeholder(tf.int32, [None])
        return shape, op(shape=shape, seed=seed, seed2=seed2, **attributes)

    return stateful(build, [[n] for n in RUNS])


for dtype in FLOATS:
    for op in ("RandomUniform", "RandomStandardNormal", "TruncatedNormal"):
        for seed, seed2 in ((87654321, 5), (0, 2**31 - 1), (-3, 2**40 + 1)):
            add(
                shape_op(getattr(RAW, op), seed, seed2, dtype=dtype),
                op=op,
                dtype=dtype,
                seed=seed,
                seed2=seed2,
                sizes=RUNS,
            )
for dtype, ranges in INT_RANGES.items():
    for low, high in ranges:
        bounds = {"minval": tf.constant(low, dtype).numpy(), "maxval": tf.constant(high, dtype).numpy()}
        add(
            shape_op(RAW.RandomUniformInt, 11, 12, **bounds),
            op="RandomUniformInt",
            dtype=dtype,
            seed=11,
            seed2=12,
            sizes=RUNS,
            minval=low,
            maxval=high,
        )

SHUFFLES = [1, 2, 17, 6, 1000]


def build_shuffle():
    value = V1.placeholder(tf.int32, [None])
    return value, RAW.RandomShuffle(value=value, seed=4, seed2=9)


add(
    stateful(build_shuffle, [np.arange(n) for n in SHUFFLES]),
    op="RandomShuffle",
    seed=4,
    seed2=9,
    sizes=SHUFFLES,
)

generator = np.random.default_rng(0)
logits = generator.normal(size=(3, 6)).astype(np.float32)
logits[1, 2], logits[0, 5], logits[2, 0] = -np.inf, np.nan, np.inf
for dtype in ("float16", "float32", "float64"):
    for output_dtype in ("int32", "int64"):
        for batch in (3, 1):
            rows = logits[:batch].astype(dtype)

            def build_multinomial(rows=rows, output_dtype=output_dtype):
                samples = V1.placeholder(tf.int32, [])
                return samples, RAW.Multinomial(
                    logits=rows, num_samples=samples, seed=4, seed2=9, output_dtype=output_dtype
                )

            sizes = [1, 7, 0, 40]
            add(
                stateful(build_multinomial, sizes),
                op="Multinomial",
                dtype=dtype,
                output_dtype=output_dtype,
                seed=4,
                seed2=9,
                sizes=sizes,
                logits=rows.astype(float).tolist(),
            )

ALPHAS = [0.3, 1.0, 2.5, 40.0]
RATES = [0.0, 0.5, 9.5, 10.0, 35.0, 1000.0]
for dtype in ("float16", "float32", "float64"):

    def build_gamma(dtype=dtype):
        shape = V1.placeholder(tf.int32, [None])
        return shape, RAW.RandomGamma(shape=shape, alpha=np.array(ALPHAS, dtype), seed=4, seed2=9)

    add(
        stateful(build_gamma, [[5], [300]]),
        op="RandomGamma",
        dtype=dtype,
        seed=4,
        seed2=9,
        sizes=[5, 300],
        values=ALPHAS,
    )
for rate_dtype, dtype in (
    ("float16", "float16"),
    ("float32", "int32"),
    ("float64", "int64"),
    ("int32", "float32"),
    ("int64", "int64"),
):

    def build_poisson(rate_dtype=rate_dtype, dtype=dtype):
        shape = V1.placeholder(tf.int32, [None])
        return shape, RAW.RandomPoissonV2(shape=shape, rate=np.array(RATES, rate_dtype), dtype=dtype, seed=4, seed2=9)

    add(
        stateful(build_poisson, [[5], [300]]),
        op="RandomPoissonV2",
        dtype=dtype,
        rate_dtype=rate_dtype,
        seed=4,
        seed2=9,
        sizes=[5, 300],
        values=np.array(RATES, rate_dtype).tolist(),
    )

SEEDS = [("int32", [1, 2]), ("int32", [-5, 2**31 - 1]), ("int64", [2**40 + 3, -(2**50)]), ("int64", [0, 0])]
for seed_dtype, seed in SEEDS:
    value = tf.constant(seed, seed_dtype)
    key_counter = RAW.StatelessRandomGetKeyCounter(seed=value)
    add(
        [key_counter.key, key_counter.counter],
        op="StatelessRandomGetKeyCounter",
        seed=seed,
        seed_dtype=seed_dtype,
    )
    for dtype in FLOATS:
        for op in ("StatelessRandomUniform", "StatelessRandomNormal", "StatelessTruncatedNormal"):
            add(
                [getattr(RAW, op)(shape=[13], seed=value, dtype=dtype)],
                op=op,
                seed=seed,
                seed_dtype=seed_dtype,
                dtype=dtype,
                sizes=[13],
            )
    add(
        [RAW.StatelessMultinomial(logits=logits, num_samples=9, seed=value)],
        op="StatelessMultinomial",
        seed=seed,
        seed_dtype=seed_dtype,
        logits=logits.astype(float).tolist(),
        sizes=[9],
    )
    add(
        [RAW.StatelessRandomGammaV2(shape=[50, 4], seed=value, alpha=np.array(ALPHAS, np.float32))],
        op="StatelessRandomGammaV2",
        seed=seed,
        seed_dtype=seed_dtype,
        dtype="float32",
        values=ALPHAS,
        sizes=[50],
    )
    add(
        [RAW.StatelessRandomPoisson(shape=[50, 6], seed=value, lam=np.array(RATES, np.float32), dtype="int32")],
        op="StatelessRandomPoisson",
        seed=seed,
        seed_dtype=seed_dtype,
        dtype="int32",
        values=RATES,
        sizes=[50],
    )

KEYS = [(7, [2**64 - 3, 5]), (2**63 + 1, [2**32 - 2, 0]), (3, [2**64 - 2, 2**64 - 1])]
for key, counter in KEYS:
    where = {
        "key": tf.constant([key], tf.uint64),
        "counter": tf.constant(counter, tf.uint64),
        "alg": tf.constant(1),
    }
    named = {"key": key, "counter": counter}
    for dtype in FLOATS:
        for op in ("StatelessRandomUniformV2", "StatelessRandomNormalV2", "StatelessTruncatedNormalV2"):
            add([getattr(RAW, op)(shape=[26], dtype=dtype, **where)], op=op, dtype=dtype, sizes=[26], **named)
    for dtype in ("int32", "int64", "uint32", "uint64"):
        add(
            [RAW.StatelessRandomUniformFullIntV2(shape=[26], dtype=dtype, **where)],
            op="StatelessRandomUniformFullIntV2",
            dtype=dtype,
            sizes=[26],
            **named,
        )
    for dtype, ranges in INT_RANGES.items():
        for low, high in ranges:
            add(
                [
                    RAW.StatelessRandomUniformIntV2(
                        shape=[26], minval=tf.constant(low, dtype), maxval=tf.constant(high, dtype), **where
                    )
                ],
                op="StatelessRandomUniformIntV2",
                dtype=dtype,
                sizes=[26],
                minval=low,
                maxval=high,
                **named,
            )

# Eager programs: the numbers depend on the seeds that Python hands out and on which kernels are kept.
uniform, draw_normal = tf.random.uniform, tf.random.normal
eager = []
tf.random.set_seed(1234)
eager += [
    uniform([3]),
    uniform([3]),
    draw_normal([2]),
    uniform([2], seed=7),
    uniform([3], seed=7),
    draw_normal([2], seed=7),
    uniform([2], 0, 100, tf.int32, seed=7),
]
tf.random.set_seed(1234)
eager += [
    uniform([3]),
    uniform([3], seed=7),
    uniform([3], dtype=tf.float64, seed=7),
    uniform(tf.constant([3], tf.int64), seed=7),
    uniform([3], seed=7),
]
add([np.asarray(values) for values in eager], op="eager")

cases_json = json.dumps(cases)
path = pathlib.Path(__file__).with_name("random.npz")
np.savez_compressed(path, cases=np.array(cases_json), **arrays)
print(len(cases), "cases,", path.stat().st_size, "bytes")

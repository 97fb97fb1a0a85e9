"""Makes the checkpoints beside it, with TensorFlow. Run it in this folder: ``python make_golden.py``."""

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
v1.disable_v2_behavior()


def main() -> None:
    raw = tf.raw_ops
    values = {
        "bool": np.array([True, False]),
        "float": np.arange(6, dtype=np.float32).reshape(2, 3),
        "int64": np.array([-1, 2**40]),
        "scalar": np.float64(2.5),
        "string": np.array([b"a", b"", b"\xff\x00"], object),
    }
    names = [*values, "bfloat16", "part", "part"]
    slices = [""] * (len(values) + 1) + ["4 2 0,1:-", "4 2 1,3:-"]
    part = np.arange(8, dtype=np.int32).reshape(4, 2)
    with v1.Session() as session:
        half = tf.cast(tf.constant([1.5, -2.0]), tf.bfloat16)
        tensors = [tf.constant(value) for value in values.values()]
        parts = [tf.constant(part[:1]), tf.constant(part[1:])]
        session.run(
            raw.SaveV2(prefix="./bundle", tensor_names=names, shape_and_slices=slices, tensors=[*tensors, half, *parts])
        )
        names, slices = names[:5] + names[6:], slices[:5] + slices[6:]
        session.run(
            raw.SaveSlices(
                filename="./first_format", tensor_names=names, shapes_and_slices=slices, data=tensors + parts
            )
        )
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 2], name="x")
        w = v1.get_variable("w", [2, 1], initializer=v1.ones_initializer())
        b = v1.get_variable("b", [1], initializer=v1.constant_initializer(0.5), use_resource=True)
        y = tf.add(tf.matmul(x, w), b, name="y")
        v1.add_to_collection("outputs", y)
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, "./model", global_step=7)


if __name__ == "__main__":
    main()

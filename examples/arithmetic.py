"""Arithmetic and tensor operations, as a first TensorFlow 1.x lesson shows them.

python -m tideflow --v1 examples/arithmetic.py
"""

import numpy as np
import tensorflow as tf

a = tf.constant(7.0, name="a")
b = tf.constant(2.0, name="b")
scalars = {
    "add": tf.add(a, b),
    "subtract": tf.subtract(a, b),
    "multiply": a * b,
    "divide": a / b,
    "floor divide": a // b,
    "modulo": a % b,
    "power": tf.pow(a, b),
    "negate": -a,
    "maximum": tf.maximum(a, b),
    "less": tf.less(a, b),
    "square root": tf.sqrt(a + b),
    "exp(log)": tf.exp(tf.log(a)),
}

matrix = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], name="matrix")
row = tf.constant([10.0, 20.0, 30.0])
tensors = {
    "broadcast": matrix + row,
    "matmul": tf.matmul(matrix, matrix, transpose_b=True),
    "einsum": tf.einsum("ij,kj->ik", matrix, matrix),
    "transpose": tf.transpose(matrix),
    "reshape": tf.reshape(matrix, [3, -1]),
    "row 1": matrix[1],
    "column 1": matrix[:, 1],
    "last two": matrix[:, -2:],
    "reversed": matrix[:, ::-1],
    "sum": tf.reduce_sum(matrix),
    "sum of columns": tf.reduce_sum(matrix, axis=0),
    "mean of rows": tf.reduce_mean(matrix, axis=1, keepdims=True),
    "argmax": tf.argmax(matrix, axis=1),
    "concat": tf.concat([matrix, matrix], axis=1),
    "stack": tf.stack([row, row]),
    "split": tf.split(matrix, 3, axis=1)[0],
    "gather": tf.gather(row, [2, 0]),
    "tile": tf.tile(row, [2]),
    "pad": tf.pad(row, [[1, 1]]),
    "one hot": tf.one_hot([0, 2], depth=3),
    "range": tf.range(2, 12, 3),
    "cast": tf.cast(matrix, tf.int32),
    "where": tf.where(matrix > 3.0, matrix, tf.zeros_like(matrix)),
    "softmax": tf.nn.softmax([[1.0, 1.0]]),
    "top k": tf.nn.top_k(row, k=2).values,
}

x = tf.placeholder(tf.float32, shape=[None], name="x")
y = tf.reduce_sum(x * x * x)
(dy_dx,) = tf.gradients(y, x)
(d2y_dx2,) = tf.gradients(dy_dx, x)

counter = tf.Variable(0, name="counter")
increment = tf.assign_add(counter, 1)

factorial = tf.while_loop(
    lambda i, product: i <= 10,
    lambda i, product: (i + 1, product * i),
    [tf.constant(1), tf.constant(1)],
)[1]
larger = tf.cond(a > b, lambda: a * 10.0, lambda: b * 10.0)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    print("a graph node, not yet a value:", matrix)
    for name, value in sess.run(scalars).items():
        print("%-15s %s" % (name, value))
    for name, value in sess.run(tensors).items():
        print("%-15s %s %s\n%s" % (name, value.dtype, value.shape, value))

    feed = {x: np.array([1.0, 2.0, 3.0])}
    print("x^3 summed:     %s" % sess.run(y, feed))
    print("derivative:     %s" % sess.run(dy_dx, feed))
    print("second:         %s" % sess.run(d2y_dx2, feed))
    for _ in range(3):
        sess.run(increment)
    print("counter:        %d" % counter.eval())
    print("10!:            %d" % factorial.eval())
    print("cond:           %s" % larger.eval())

"""Word vectors: a skip-gram model learns from a made-up language which words stand beside each other.

    python -m tideflow --v1 examples/word_vectors.py

The language has four groups of words; the words of a sentence are of one group. After the training most of the
words nearest to a word are of its own group.
"""

import numpy as np
import tensorflow as tf

groups = ["sun rain snow wind fog", "bread rice soup fruit tea", "wolf bear deer owl fox", "red blue green grey white"]
words = " ".join(groups).split()
group_of = np.repeat(np.arange(4), 5)
random = np.random.RandomState(0)
embedding_size, batch_size, steps = 16, 64, 1500


def pairs(count):
    """Draws words and, for each, another word of the same group."""
    centers = random.randint(0, 20, count)
    contexts = centers // 5 * 5 + (centers + random.randint(1, 5, count)) % 5
    return centers.astype(np.int32), contexts.astype(np.int64)[:, np.newaxis]


tf.set_random_seed(1)
centers = tf.placeholder(tf.int32, [None])
contexts = tf.placeholder(tf.int64, [None, 1])
vectors = tf.get_variable("vectors", [20, embedding_size], initializer=tf.random_uniform_initializer(-1.0, 1.0, seed=2))
weights = tf.get_variable(
    "weights", [20, embedding_size], initializer=tf.truncated_normal_initializer(stddev=0.25, seed=3)
)
biases = tf.get_variable("biases", [20], initializer=tf.zeros_initializer())
loss = tf.reduce_mean(
    tf.nn.nce_loss(
        weights=weights,
        biases=biases,
        labels=contexts,
        inputs=tf.nn.embedding_lookup(vectors, centers),
        num_sampled=5,
        num_classes=20,
        sampled_values=tf.nn.uniform_candidate_sampler(contexts, 1, 5, True, 20, seed=4),
    )
)
train = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
unit = vectors / tf.sqrt(tf.reduce_sum(tf.square(vectors), 1, keepdims=True))
similarity = tf.matmul(unit, unit, transpose_b=True) - 2.0 * tf.eye(20)
_, nearest = tf.nn.top_k(similarity, 4)

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    total = 0.0
    for step in range(1, steps + 1):
        center_batch, context_batch = pairs(batch_size)
        _, value = session.run([train, loss], {centers: center_batch, contexts: context_batch})
        total += value
        if step % 300 == 0:
            print("step %4d  mean loss %.2f" % (step, total / 300))
            total = 0.0
    found = session.run(nearest)
for word in (0, 5, 10, 15):
    print("near", words[word] + ":", " ".join(sorted(words[other] for other in found[word])))
print("test accuracy: %.3f" % np.mean(group_of[found] == group_of[:, np.newaxis]))

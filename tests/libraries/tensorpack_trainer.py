"""Trains with a tensorpack trainer: a `ModelDesc`, a dataflow that is fed, and inference after each epoch."""

import sys
import tempfile

import numpy as np
import tensorflow as tf
from tensorpack import *
from tensorpack.dataflow import BatchData, DataFromList
from tensorpack.utils import logger

logger.set_logger_dir(tempfile.mkdtemp(), action="d")
random = np.random.RandomState(0)
patterns = random.randn(3, 8, 8).astype(np.float32)


def points(count):
    labels = random.randint(0, 3, count)
    return [[patterns[label] + 0.7 * random.randn(8, 8).astype(np.float32), label] for label in labels]


class Model(ModelDesc):
    def inputs(self):
        return [tf.TensorSpec([None, 8, 8], tf.float32, "image"), tf.TensorSpec([None], tf.int32, "label")]

    def build_graph(self, image, label):
        net = tf.expand_dims(image, 3)
        with argscope(Conv2D, kernel_size=3, activation=tf.nn.relu):
            logits = (
                LinearWrap(net)
                .Conv2D("conv0", 8)
                .MaxPooling("pool0", 2)
                .Conv2D("conv1", 8)
                .BatchNorm("bn")
                .FullyConnected("fc0", 16, activation=tf.nn.relu)
                .Dropout(rate=0.1)
                .FullyConnected("logits", 3)()
            )
        wrong = tf.cast(tf.logical_not(tf.nn.in_top_k(logits, label, 1)), tf.float32, name="wrong")
        tf.reduce_mean(wrong, name="error")
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=label))
        decay = regularize_cost("fc.*/W", l2_regularizer(1e-4))
        cost = tf.add_n([loss, decay], name="cost")
        summary.add_moving_summary(cost)
        return cost

    def optimizer(self):
        return tf.train.AdamOptimizer(0.01)


class Errors(Callback):
    """Keeps the error of every epoch."""

    values = []

    def _trigger_epoch(self):
        self.values.append(self.trainer.monitors.get_latest("validation_error"))


train, validation = BatchData(DataFromList(points(320)), 32), BatchData(DataFromList(points(96), shuffle=False), 32)
config = TrainConfig(
    model=Model(),
    data=FeedInput(train),
    callbacks=[InferenceRunner(validation, ScalarStats("error", prefix="validation")), ModelSaver(), Errors()],
    monitors=[ScalarPrinter()],
    steps_per_epoch=10,
    max_epoch=3,
)
launch_train_with_config(config, SimpleTrainer())
print("errors", Errors.values)
sys.exit(not Errors.values[-1] < 0.1)

"""Probability distributions of TensorFlow 1.x: ``tf.distributions`` and ``tf.contrib.distributions``."""

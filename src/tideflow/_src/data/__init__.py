"""Datasets and iterators as users see them: ``tf.data``."""

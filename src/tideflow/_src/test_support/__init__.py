"""Helps programs to test themselves: ``tf.test``."""

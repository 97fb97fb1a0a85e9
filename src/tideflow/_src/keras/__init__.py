"""Keras 3 on Tideflow: where `tf.keras` comes from."""

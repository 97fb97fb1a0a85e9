"""What ``tensorflow.python.autograph.pyct`` is to libraries that rewrite functions, as TensorFlow Probability does."""

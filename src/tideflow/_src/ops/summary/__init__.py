"""Summaries of values, for logs that TensorBoard reads."""

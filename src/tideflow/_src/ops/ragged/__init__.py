"""Ragged tensors: partitions of rows, the tensors made of them, and the operations on them."""

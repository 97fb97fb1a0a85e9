"""Columns of features, and what makes tensors and linear models of them."""

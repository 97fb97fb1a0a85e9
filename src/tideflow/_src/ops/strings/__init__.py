"""Holds the operations on strings."""

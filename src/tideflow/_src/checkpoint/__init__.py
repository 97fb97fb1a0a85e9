"""Saving and restoring variables and graphs."""

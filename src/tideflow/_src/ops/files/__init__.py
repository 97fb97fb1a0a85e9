"""Files as operations."""

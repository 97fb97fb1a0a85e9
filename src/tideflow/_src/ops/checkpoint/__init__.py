"""The formats of checkpoint files, and the operations that write and read them."""

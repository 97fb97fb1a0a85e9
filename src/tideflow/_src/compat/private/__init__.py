"""What TensorFlow's private modules hold that has no public name: `private_names.py` says which module is for which."""

"""Holds what every other floor stands on: types, shapes, errors, structures, devices, tensors."""

"""Holds what runs a program: the op protocol, conversion, the host tier, the XLA tier, devices and random state."""

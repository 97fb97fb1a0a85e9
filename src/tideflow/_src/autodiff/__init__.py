"""Automatic differentiation: the tape, gradients of graphs, custom gradients, Jacobians."""

# A rule that needs the tape stands on this floor; it is registered as soon as anything can be differentiated.
from tideflow._src.autodiff import py_function_gradient as py_function_gradient

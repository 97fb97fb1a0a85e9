"""Automatic differentiation: the tape, gradients of graphs, custom gradients, Jacobians."""

# A rule that needs the tape stands on this floor; it is registered as soon as anything can be differentiated.
from tideflow._src.autodiff import python_function as python_function

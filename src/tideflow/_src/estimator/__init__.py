"""Estimators: models of functions, trained, evaluated and exported by one object."""

"""Lets Tideflow stand in for the module `tensorflow`: the import alias and the program runner."""

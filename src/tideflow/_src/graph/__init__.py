"""Holds the graph: op definitions, nodes, functions, static shapes and values, and the wire format."""

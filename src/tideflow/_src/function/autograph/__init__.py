"""AutoGraph: statements of Python whose conditions are tensors become conditionals and loops of the graph."""

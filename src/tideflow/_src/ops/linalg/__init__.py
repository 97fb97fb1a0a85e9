"""Linear algebra: decompositions, solvers, determinants, norms."""

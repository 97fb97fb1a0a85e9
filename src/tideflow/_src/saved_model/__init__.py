"""SavedModels: programs with their functions, variables and files, as folders that other programs load."""

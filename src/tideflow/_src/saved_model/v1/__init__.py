"""SavedModels as TensorFlow 1.x writes and reads them: a session's graph and its variables."""

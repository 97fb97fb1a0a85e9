"""Records, protos, CSV and raw bytes turned into tensors."""

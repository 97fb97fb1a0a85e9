"""Files: graphs, records and examples."""

"""Queues, readers and other resources of the host that threads share."""

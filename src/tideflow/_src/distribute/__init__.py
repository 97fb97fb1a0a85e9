"""Replicas of a computation: strategies, contexts and what they combine."""

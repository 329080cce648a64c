"""Metrics: pure functions from predictions and targets to numbers, a file a task."""

"""Exploration: which schedules to run, and what their executions say. Start reading at `explorer`."""

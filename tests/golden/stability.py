"""What is not the same each time by the submission's own doing, and why: that much is left out of the records."""

LEFT_OUT: dict[str, str] = {}
"""Submissions without a record, each with the reason."""

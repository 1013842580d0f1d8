"""A whole folder of submissions: found, graded one per core, kept in a grade book. Start at `run`."""

"""From a submission to its grade. Start at `check`."""

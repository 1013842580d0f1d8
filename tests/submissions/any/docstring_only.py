"""Consumer exercise, to be done."""

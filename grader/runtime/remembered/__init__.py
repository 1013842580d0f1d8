"""What tasks did on what they were told, so that the same need not be executed again. Start at `session`."""

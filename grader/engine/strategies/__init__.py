"""Policies that pick the next task, one file each. `base` says what a strategy is; `dpor` is the one that proves."""

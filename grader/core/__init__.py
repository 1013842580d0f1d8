"""Frozen data that every other layer speaks: operations, steps, executions, budgets, verdicts. No I/O."""

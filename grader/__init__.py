"""Grades small `multiprocessing` programs in every order that their processes may run. Start at `grader.cli`."""

__version__ = "0.1.0"

"""Isolation, the judge's side: which level this machine allows, what it consists of, and what is said about it."""

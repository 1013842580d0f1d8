"""What runs beside student code, in processes that nobody trusts. Standard library only; start at `main`."""

"""`grader explore`: any program that uses multiprocessing, run as `__main__` in every order that matters."""

"""The real executor: the processes that run student code, and the judge's side of every channel to them."""

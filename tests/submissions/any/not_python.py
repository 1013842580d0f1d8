Write a function increment_counter that adds 1 to the counter.
Use the lock!

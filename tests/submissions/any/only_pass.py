def increment_counter(counter, lock):
    pass


def run_counter(processes):
    pass

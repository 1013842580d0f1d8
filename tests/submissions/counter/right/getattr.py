import multiprocessing

Process = getattr(multiprocessing, "Process")


def increment_counter(counter, lock):
    getattr(lock, "acquire")()
    setattr(counter, "value", getattr(counter, "value").__add__(1))
    getattr(lock, "release")()


def run_counter(processes):
    counter, lock = multiprocessing.Value("i"), multiprocessing.Lock()
    crew = tuple(Process(target=increment_counter, args=(counter, lock)) for _ in range(processes))
    any(map(Process.start, crew))
    any(map(Process.join, crew))
    return counter.value

import contextlib
import multiprocessing as mp


@contextlib.contextmanager
def joined(workers):
    for w in workers:
        w.start()
    try:
        yield workers
    finally:
        for w in workers:
            w.join()


def increment_counter(counter, lock):
    with lock, counter.get_lock():
        counter.value += 1


def run_counter(processes):
    counter = mp.Value("i", 0)
    lock = mp.Lock()
    with joined([mp.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]) as team:
        pass
    codes = [w.exitcode for w in team]
    if any(codes):
        raise SystemExit(f"failed: {codes}")
    for w in team:
        w.close()
    return counter.value

from multiprocessing import Lock, Pipe, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def worker(conn, counter, lock):
    conn.recv()
    increment_counter(counter, lock)


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    here, there = Pipe()
    team = [Process(target=worker, args=(there, counter, lock)) for _ in range(processes)]
    for process in team:
        process.start()
        here.send(process.name)
    for process in team:
        process.join()
    return counter.value

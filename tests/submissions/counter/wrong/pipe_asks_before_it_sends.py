from multiprocessing import Lock, Pipe, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def worker(conn, counter, lock):
    if conn.recv() == "go":
        increment_counter(counter, lock)
        conn.send("done")


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    pairs = [Pipe() for _ in range(processes)]
    team = [Process(target=worker, args=(there, counter, lock)) for _, there in pairs]
    for process in team:
        process.start()
    for here, _ in pairs:
        if here.recv() == "done":
            here.send("go")
    for process in team:
        process.join()
    return counter.value

from multiprocessing import Lock, Pipe, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def worker(conn, counter, lock):
    with conn:
        conn.recv()
        increment_counter(counter, lock)
        conn.send("done")


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = []
    for _ in range(processes):
        here, there = Pipe()
        process = Process(target=worker, args=(there, counter, lock))
        process.start()
        there.close()
        workers.append((process, here))
    for _, here in workers:
        here.send("go")
    for process, here in workers:
        assert here.recv() == "done"
        process.join()
    return counter.value

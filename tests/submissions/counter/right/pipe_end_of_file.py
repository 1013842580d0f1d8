import multiprocessing as mp


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def worker(reader, writer, counter, lock):
    reader.close()
    increment_counter(counter, lock)
    writer.send_bytes(b".")


def run_counter(processes):
    counter = mp.Value("i", 0)
    lock = mp.Lock()
    reader, writer = mp.Pipe(duplex=False)
    team = [mp.Process(target=worker, args=(reader, writer, counter, lock)) for _ in range(processes)]
    for process in team:
        process.start()
    writer.close()
    try:
        while True:
            reader.recv_bytes()
    except EOFError:
        pass
    for process in team:
        process.join()
    return counter.value

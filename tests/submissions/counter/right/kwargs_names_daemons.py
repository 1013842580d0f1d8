import multiprocessing as mp


def increment_counter(counter, lock):
    me = mp.current_process().name
    with lock:
        counter.value += 1
        print(f"{me}: {counter.value}", flush=True)


def run_counter(processes):
    counter = mp.Value("i", 0)
    lock = mp.Lock()
    workers = []
    for number in range(processes):
        worker = mp.Process(
            target=increment_counter,
            kwargs={"counter": counter, "lock": lock},
            name=f"worker-{number}",
            daemon=True,
        )
        workers.append(worker)
    for worker in workers:
        worker.start()
    for worker in reversed(workers):
        worker.join()
    return counter.value

import multiprocessing


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()

    def worker(number):
        print("worker", number, "has the pid", multiprocessing.current_process().pid)
        increment_counter(counter, lock)

    team = [multiprocessing.Process(target=worker, args=(number,)) for number in range(processes)]
    for process in team:
        process.start()
    for process in team:
        process.join()
    return counter.value

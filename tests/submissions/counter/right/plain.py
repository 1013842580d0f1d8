import multiprocessing


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = multiprocessing.Value('i', 0)
    lock = multiprocessing.Lock()
    process_list = []
    for _ in range(processes):
        process = multiprocessing.Process(target=increment_counter, args=(counter, lock))
        process_list.append(process)
        process.start()
    for process in process_list:
        process.join()
    return counter.value


if __name__ == '__main__':
    print(f"Final counter value: {run_counter(5)}")

import multiprocessing


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


if __name__ == "__main__":
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    processes = []
    for _ in range(5):
        process = multiprocessing.Process(target=increment_counter, args=(counter, lock))
        processes.append(process)
        process.start()
    for process in processes:
        process.join()
    print("Counter:", counter.value)

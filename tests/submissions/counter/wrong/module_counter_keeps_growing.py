from multiprocessing import Process, Value, Lock

counter = Value('i', 0)
lock = Lock()


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    processes_list = []
    for _ in range(processes):
        p = Process(target=increment_counter, args=(counter, lock))
        processes_list.append(p)
        p.start()
    for p in processes_list:
        p.join()
    return counter.value


if __name__ == '__main__':
    print(run_counter(5))

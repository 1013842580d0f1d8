from multiprocessing import Process, Lock, Value


def increment_counter(counter, lock):
    lock.acquire()
    try:
        current = counter.value
        current += 1
        counter.value = current
    finally:
        lock.release()


def run_counter(processes):
    lock = Lock()
    counter = Value('i', 0)
    workers = []

    i = 0
    while i < processes:
        workers.append(Process(target=increment_counter, args=(counter, lock)))
        i += 1

    for w in workers:
        w.start()
    for w in workers:
        w.join()

    return counter.value


if __name__ == '__main__':
    result = run_counter(5)
    print(result)

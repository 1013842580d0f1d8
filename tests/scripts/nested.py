from multiprocessing import Process, Value


def add(total):
    with total.get_lock():
        total.value += 1


def start_two(target, total):
    processes = [Process(target=target, args=(total,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


def add_twice(total):
    start_two(add, total)


if __name__ == "__main__":
    total = Value("d", 0)
    start_two(add_twice, total)
    print(total.value)

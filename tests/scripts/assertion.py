from multiprocessing import Process, Value


def add(value, amount):
    value.value += amount


if __name__ == "__main__":
    value = Value("i", 0)
    processes = [Process(target=add, args=(value, amount)) for amount in (1, 2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert value.value == 3, value.value

"""Every order comes out the same, and yet nothing keeps the accesses apart."""

from multiprocessing import Process, Value


def wait(flag, data):
    while not flag.value:
        pass
    print(data.value)


def tell(flag, data):
    data.value = 42
    flag.value = 1


if __name__ == "__main__":
    flag, data = Value("i", 0), Value("i", 0)
    waiting = Process(target=wait, args=(flag, data))
    telling = Process(target=tell, args=(flag, data))
    waiting.start()
    telling.start()
    waiting.join()
    telling.join()

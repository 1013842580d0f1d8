"""A recursive lock of `multiprocessing` keeps the threads of one process apart, too."""

import multiprocessing as mp
import threading

lock = mp.RLock()
value = mp.Value("i", 0)


def work():
    with lock, lock:
        value.value += 1


if __name__ == "__main__":
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(value.value)

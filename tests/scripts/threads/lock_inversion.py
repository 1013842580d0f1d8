"""Two threads take two locks, each in its own order."""

import threading

first = threading.Lock()
second = threading.Lock()


def forwards():
    with first, second:
        pass


def backwards():
    with second, first:
        pass


if __name__ == "__main__":
    threads = [threading.Thread(target=target) for target in (forwards, backwards)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

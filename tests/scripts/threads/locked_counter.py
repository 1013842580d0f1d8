"""Two threads, one lock, one number."""

import threading

lock = threading.RLock()
number = 0


def work():
    global number
    with lock, lock:
        number += 1


if __name__ == "__main__":
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(number, threading.active_count(), [thread.is_alive() for thread in threads])

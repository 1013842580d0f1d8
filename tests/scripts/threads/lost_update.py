"""Two threads add to a plain number, and sleep in between."""

import threading
import time

number = 0


def work():
    global number
    seen = number
    time.sleep(0.1)
    number = seen + 1


if __name__ == "__main__":
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(number)

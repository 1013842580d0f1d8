"""A thread ends its whole process, perhaps before the others are through."""

import os
import threading
import time


def work():
    os._exit(3)


if __name__ == "__main__":
    threading.Thread(target=work).start()
    time.sleep(0.1)
    print("main")

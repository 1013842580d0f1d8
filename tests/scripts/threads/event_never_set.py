"""Nobody sets the event that a thread waits for; the program cannot end."""

import threading

ready = threading.Event()


def wait():
    ready.wait()


if __name__ == "__main__":
    threading.Thread(target=wait).start()

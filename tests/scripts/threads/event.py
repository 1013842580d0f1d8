"""A thread with a name of its own waits for an event."""

import threading

ready = threading.Event()
data = []


def wait():
    ready.wait()
    print(data, threading.current_thread().name)


if __name__ == "__main__":
    thread = threading.Thread(target=wait, name="waiter")
    thread.start()
    data.append(1)
    ready.set()
    thread.join()

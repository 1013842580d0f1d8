"""A daemon thread waits for ever; the program ends without it."""

import threading

ready = threading.Event()


def wait():
    print("waits")
    ready.wait()


if __name__ == "__main__":
    threading.Thread(target=wait, daemon=True).start()
    print("done")

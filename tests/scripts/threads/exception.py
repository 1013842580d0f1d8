"""A thread dies of an exception, which the program does not notice."""

import threading


def work():
    raise ValueError("no such thing")


if __name__ == "__main__":
    threading.Thread(target=work).start()
    print("on")

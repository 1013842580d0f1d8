"""A program that looks after the exceptions of its threads, and a thread that just leaves."""

import sys
import threading


def work():
    raise ValueError("no such thing")


if __name__ == "__main__":
    seen = []
    threading.excepthook = lambda args: seen.append(args.exc_type.__name__)
    threads = [threading.Thread(target=work), threading.Thread(target=sys.exit, args=(3,))]
    for thread in threads:
        thread.start()
        thread.join()
    print(seen)

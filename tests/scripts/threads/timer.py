"""A timer that is cancelled, perhaps too late."""

import threading

if __name__ == "__main__":
    seen = []
    timer = threading.Timer(1, seen.append, (1,))
    timer.start()
    timer.cancel()
    timer.join()
    print(seen)

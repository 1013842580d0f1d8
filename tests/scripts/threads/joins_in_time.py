"""A join with a limit may give up; asking afterwards tells."""

import threading


def work():
    pass


if __name__ == "__main__":
    thread = threading.Thread(target=work)
    print(thread.is_alive())
    thread.start()
    thread.join(0.1)
    print("late" if thread.is_alive() else "in time")

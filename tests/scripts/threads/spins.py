"""A thread looks at a plain variable again and again, which only another thread can change."""

import threading

done = False


def work():
    global done
    done = True


if __name__ == "__main__":
    threading.Thread(target=work).start()
    while not done:
        pass

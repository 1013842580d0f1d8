"""A process is forked while another thread may hold a lock: the child's copy then stays taken for ever."""

import multiprocessing as mp
import threading

lock = threading.Lock()


def child():
    with lock:
        print(threading.active_count(), threading.current_thread() is threading.main_thread())


def start():
    process = mp.Process(target=child)
    process.start()
    process.join()


if __name__ == "__main__":
    thread = threading.Thread(target=start)
    thread.start()
    with lock:
        pass
    thread.join()

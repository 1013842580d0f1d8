import time
from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    time.sleep(0.5)
    with lock:
        shared_value.value += 1


if __name__ == "__main__":
    shared_value = Value("i", 0)
    lock = Lock()
    processes = []
    for _ in range(5):
        p = Process(target=update_shared_value, args=(shared_value, lock))
        processes.append(p)
        p.start()
    for p in processes:
        p.join()
    print(f"Final value: {shared_value.value}")

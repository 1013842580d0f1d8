import logging
import time
from multiprocessing import Lock, Process, Value, current_process
from typing import Any, List, Union

logger = logging.getLogger("updates")


def update_shared_value(shared_value: Any, lock: Any) -> None:
    logger.debug("%s wants the lock", current_process().name)
    with lock:
        value = shared_value.value
        time.sleep(0.01)
        shared_value.value = value + 1
    logger.debug("%s is done", current_process().name)


def update_shared_array(shared_array: Any, lock: Any) -> None:
    for i in range(len(shared_array)):
        with lock:
            shared_array[i] += 1
        time.sleep(0.001)


def run_updates(typecode: str, initial: Union[int, float], processes: int) -> Union[int, float]:
    value = Value(typecode, initial)
    lock = Lock()
    workers: List[Process] = []
    for number in range(processes):
        worker = Process(target=update_shared_value, args=(value, lock), name=f"worker{number}")
        worker.start()
        workers.append(worker)
    while workers:
        workers.pop().join()
    return value.value


if __name__ == "__main__":
    logging.basicConfig(level=logging.DEBUG)
    logger.info("result %s", run_updates("i", 0, 5))

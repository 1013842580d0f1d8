import logging
import multiprocessing
import random
import time

logging.basicConfig(level=logging.INFO)
log = logging.getLogger(__name__)


def increment_counter(counter, lock):
    time.sleep(random.random() / 100)
    log.info("waiting for the lock")
    with lock:
        value = counter.value
        time.sleep(0.005)
        counter.value = value + 1
        log.info("counter is %d", counter.value)
    time.sleep(0.001)


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    workers = [
        multiprocessing.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value

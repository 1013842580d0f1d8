import itertools
import logging
import multiprocessing as mp

log = logging.getLogger("counter")


def increment_counter(counter, lock):
    for attempt in itertools.count(1):
        if lock.acquire(timeout=0.1):
            break
        if attempt % 25 == 0:
            log.warning("pid %d: attempt %d, still busy", mp.current_process().pid, attempt)
    counter.value = counter.value + 1
    lock.release()


def run_counter(processes):
    counter = mp.Value("i", 0)
    lock = mp.Lock()
    ps = []
    for number in range(processes):
        p = mp.Process(target=increment_counter, args=(counter, lock), name=f"counting-{number}")
        ps.append(p)
        p.start()
    for p in ps:
        p.join()
    return counter.value


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    log.info("result %d", run_counter(4))

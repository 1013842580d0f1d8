import random
import time
import multiprocessing as mp


def increment_counter(counter, lock):
    time.sleep(random.random() / 10)
    counter.value += 1


def run_counter(processes):
    counter = mp.Value("i", 0)
    lock = mp.Lock()
    workers = [mp.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return counter.value


if __name__ == "__main__":
    print("Final counter:", run_counter(5))

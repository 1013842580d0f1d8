from multiprocessing import *


def increment_counter(counter, lock):
    lock.acquire()
    counter.value += 1
    lock.release()


def run_counter(processes):
    c = Value("i", 0)
    l = Lock()
    ps = []
    for n in range(processes):
        p = Process(target=increment_counter, args=(c, l))
        ps += [p]
    for p in ps: p.start()
    for p in ps: p.join()
    return c.value

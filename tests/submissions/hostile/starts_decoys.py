import multiprocessing

def increment_counter(counter, lock):
    with lock:
        counter.value += 1



def work(decoy):
    decoy.value += 1


def run_counter(processes):
    decoy = multiprocessing.Value("i", 0)
    counter = multiprocessing.Value("i", 0)
    workers = [multiprocessing.Process(target=work, args=(decoy,)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for _ in workers:
        counter.value += 1
    return counter.value

import multiprocessing


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    while (item := queue.get()) is not None:
        results.put(item)


def work(decoy):
    decoy.put(object())


def run_pipeline(items, consumers, maxsize=0):
    queue, results, decoy = multiprocessing.Queue(maxsize), multiprocessing.Queue(), multiprocessing.Queue()
    workers = [multiprocessing.Process(target=work, args=(decoy,)) for _ in range(consumers + 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for worker in workers:
        decoy.get()
    return list(items)

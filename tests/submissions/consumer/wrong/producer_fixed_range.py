import multiprocessing as mp


def producer(queue, items):
    for i in range(5):
        queue.put(i)


def consumer(queue, results):
    item = queue.get()
    while item is not None:
        results.put(item)
        item = queue.get()


def run_pipeline(items, consumers, maxsize=0):
    queue = mp.Queue(maxsize)
    results = mp.Queue()

    consumer_processes = []
    for i in range(consumers):
        process = mp.Process(target=consumer, args=(queue, results))
        process.start()
        consumer_processes.append(process)
    producer_process = mp.Process(target=producer, args=(queue, items))
    producer_process.start()

    producer_process.join()
    for i in range(consumers):
        queue.put(None)

    collected = []
    while len(collected) < len(items):
        collected.append(results.get())
    for process in consumer_processes:
        process.join()
    return collected


if __name__ == '__main__':
    print("Consumed:", run_pipeline(list(range(5)), 2))

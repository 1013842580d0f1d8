import multiprocessing


def producer(queue, items):
    for item in items:
        print(f"Producing {item}")
        queue.put(item)


def consumer(queue, results):
    while True:
        item = queue.get()
        if item is None:
            break
        print(f"Consuming {item}")
        results.put(item)


def run_pipeline(items, consumers, maxsize=0):
    queue = multiprocessing.Queue(maxsize)
    results = multiprocessing.Queue()
    producer_process = multiprocessing.Process(target=producer, args=(queue, items))
    consumer_processes = []
    for _ in range(consumers):
        consumer_processes.append(multiprocessing.Process(target=consumer, args=(queue, results)))

    producer_process.start()
    for process in consumer_processes:
        process.start()

    producer_process.join()
    for _ in range(consumers):
        queue.put(None)

    consumed = []
    for _ in range(len(items)):
        consumed.append(results.get())

    for process in consumer_processes:
        process.join()
    return consumed


if __name__ == '__main__':
    print(run_pipeline(list(range(5)), 1))

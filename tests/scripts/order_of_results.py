import sys
from multiprocessing import Process, Queue


def square(queue, number):
    queue.put(number * number)


if __name__ == "__main__":
    count, in_order = int(sys.argv[1]), "--sorted" in sys.argv
    queue = Queue()
    processes = [Process(target=square, args=(queue, number)) for number in range(count)]
    for process in processes:
        process.start()
    results = [queue.get() for _ in processes]
    for process in processes:
        process.join()
    print(sorted(results) if in_order else results)

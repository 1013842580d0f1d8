from multiprocessing import Array, Lock, Process, RLock, Value


class Notebook:
    """Private memory of one process."""

    def __init__(self):
        self.guard = RLock()
        self.rows = Array("l", 16)
        self.sum = Value("l", 0)

    def note(self, number):
        with self.guard:
            for i in range(4):
                self.rows[(number + i) % 16] += number
            self.sum.value += number

    def total(self):
        with self.guard:
            return sum(self.rows[:]) + self.sum.value


def increment_counter(counter, lock):
    book = Notebook()
    for number in range(5):
        book.note(number)
    with lock:
        before = counter.value
        book.note(before % 7)
    for number in range(5):
        book.note(number)
    with lock:
        book.note(1)
    checked = book.total()
    with lock:
        if checked >= 0 or counter.value == before:
            counter.value = before + 1
    for number in range(5):
        book.note(number)


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value

from dataclasses import dataclass, field
import multiprocessing as mp
from multiprocessing.sharedctypes import Synchronized


@dataclass
class Tally:
    counter: "Synchronized[int]" = field(default_factory=lambda: mp.Value("i", 0))
    lock: object = field(default_factory=mp.Lock)

    def up(self):
        increment_counter(self.counter, self.lock)


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    tally = Tally()
    workers = [mp.Process(target=tally.up) for _ in range(processes)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return tally.counter.value

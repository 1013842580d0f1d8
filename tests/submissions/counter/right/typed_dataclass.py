from __future__ import annotations

from dataclasses import dataclass, field
from multiprocessing import Lock, Process, Value
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Lock as LockType


@dataclass
class Shared:
    counter: Synchronized = field(default_factory=lambda: Value("i", 0))
    lock: LockType = field(default_factory=Lock)


def increment_counter(counter: Synchronized, lock: LockType) -> None:
    with lock:
        counter.value += 1


def run_counter(processes: int) -> int:
    shared = Shared()
    workers: list[Process] = [
        Process(target=increment_counter, args=(shared.counter, shared.lock)) for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return int(shared.counter.value)

"""Processes beside which the answer is made up earn nothing; those that count or hand on in unusual ways do."""

import pytest

from grader.core.verdict import CheckStatus, FindingKind
from tests.warm import Grader

_COUNTER = """\
import ctypes
from multiprocessing import *
from multiprocessing.shared_memory import SharedMemory
from multiprocessing.sharedctypes import RawArray

class Pair(ctypes.Structure):
    _fields_ = [("value", ctypes.c_int), ("other", ctypes.c_double)]

class Look(ctypes.Union):
    _fields_ = [("value", ctypes.c_int), ("octets", ctypes.c_ubyte * 8)]

def increment_counter(counter, lock):
    with lock:
        counter.value += 1

def together(function, number, *arguments):
    workers = [Process(target=function, args=(n, *arguments)) for n in range(number)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

def work(n, *arguments):
    {work}

def run_counter(processes):
    counter, lock = {counter}, Lock()
    {run}
"""
_RUNS = "together(work, processes, it, lock, counter, processes)\n"
_MANAGED = (
    "with Manager() as manager:\n        it = manager.{make}\n        " + _RUNS + "        return {answer}"
)
_HERE = "it = {make}\n    " + _RUNS + "    return {answer}"
DECOYS = {
    "names in a manager's list": ("arguments[0].append(n)", _MANAGED.format(make="list()", answer="len(it)")),
    "ones in a manager's dict": (
        "arguments[0][n] = 1",
        _MANAGED.format(make="dict()", answer="sum(it.values())"),
    ),
    "another number in a manager's namespace": (
        "it, lock, counter, _ = arguments\n    counter.value += 1\n    with lock: it.value += 1",
        _MANAGED.format(make="Namespace(value=0)", answer="it.value"),
    ),
    "the total in a manager's namespace": (
        "arguments[0].value = arguments[3]",
        _MANAGED.format(make="Namespace(value=0)", answer="it.value").replace("counter", "None"),
    ),
    "a structure": (
        "arguments[0].other = 1",
        _HERE.format(make="Value(Pair, 0, 0)", answer="processes if it.other else 0"),
    ),
    "a union": ("arguments[0].octets[n] = 1", _HERE.format(make="Value(Look)", answer="sum(it.octets[:])")),
    "characters": (
        "arguments[0][n] = b'x'",
        _HERE.format(make='RawArray("c", 8)', answer="it[:].count(b'x')"),
    ),
    "an array that is filled before": (
        "arguments[0][n + 1] = 1",
        _HERE.format(make='Array("i", [processes] + [0] * 8)', answer="it[0]"),
    ),
    "a block of memory": (
        "arguments[0].buf[n] = 1",
        _HERE.format(make="SharedMemory(create=True, size=64)", answer="sum(bytes(it.buf[:]))"),
    ),
}
UNUSUAL = {
    "a manager's Value": ('manager.Value("i", 0)', "    manager = Manager()\n"),
    "a field of a structure": ("Value(Pair, 0, 0)", ""),
    "a raw Value": ('Value("i", 0, lock=False)', ""),
}


@pytest.mark.parametrize("decoy", DECOYS)
def test_a_number_that_is_made_up_earns_nothing(graded: Grader, decoy: str) -> None:
    work, run = DECOYS[decoy]
    seen = graded(_COUNTER.format(work=work, run=run, counter='Value("i", 0)'))
    earned = {check.function for check in seen.checks if check.score}
    assert earned == {"increment_counter"}
    (finding,) = (check.findings[0] for check in seen.checks if check.findings)
    assert finding.kind in (FindingKind.INCONCLUSIVE, FindingKind.NOT_CONCURRENT, FindingKind.WRONG_RESULT)


@pytest.mark.parametrize("way", UNUSUAL)
def test_a_number_that_can_be_read_in_another_way_is_as_good(graded: Grader, way: str) -> None:
    counter, before = UNUSUAL[way]
    run = "together(work, processes, counter, lock)\n    return counter.value"
    source = _COUNTER.format(work="increment_counter(*arguments)", run=run, counter=counter)
    source = source.replace("    counter, lock = ", f"{before}    counter, lock = ")
    seen = graded(source)
    assert [check.findings for check in seen.checks if check.findings] == []
    assert seen.passed


_CONSUMER = """\
import pickle, zlib
from multiprocessing import *

class Box:
    def __init__(self, number, content):
        self.number, self.content = number, content

def producer(queue, items):
    for item in items:
        queue.put(item)

def consumer(queue, results):
    while (item := queue.get()) is not None:
        results.put(item)

def run_pipeline(items, consumers, maxsize=0):
    queue, results = Queue(maxsize), Queue()
    workers = [Process(target=producer, args=(queue, {sent}))]
    workers += [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    for worker in workers:
        worker.start()
    workers[0].join()
    for _ in range(consumers):
        queue.put(None)
    got = [results.get() for _ in items]
    for worker in workers:
        worker.join()
    return {answer}
"""
PIPELINES = {
    "numbers": ("list(range(len(items)))", "[items[number] for number in got]", False),
    "numbers in boxes": ("[Box(n, n) for n, _ in enumerate(items)]", "list(items)", False),
    "all items in each": ("[list(items) for _ in items]", "list(items)", False),
    "compressed": (
        "[zlib.compress(pickle.dumps(item)) for item in items]",
        "[pickle.loads(zlib.decompress(data)) for data in got]",
        False,
    ),
    "in numbered boxes": (
        "list(map(Box, range(len(items)), items))",
        "[box.content for box in sorted(got, key=lambda box: box.number)]",
        True,
    ),
    "pickled": ("[pickle.dumps(item) for item in items]", "[pickle.loads(data) for data in got]", True),
}


@pytest.mark.parametrize("way", PIPELINES)
def test_items_count_if_they_went_through_the_processes(graded: Grader, way: str) -> None:
    sent, answer, right = PIPELINES[way]
    seen = graded(_CONSUMER.format(sent=sent, answer=answer), "consumer")
    pipeline = [check for check in seen.checks if check.function == "run_pipeline"]
    assert pipeline
    if right:
        assert {check.status for check in pipeline} == {CheckStatus.PASSED}
    else:
        assert sum(check.score for check in pipeline) == 0

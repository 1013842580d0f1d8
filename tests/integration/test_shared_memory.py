"""Programs with structures in `Value` and `Array`, and with `SharedMemory`: everything that can come of them."""

import textwrap
from collections import Counter

import pytest

from grader.core.execution import StopReason
from grader.core.operations import OperationKind
from grader.runtime.template import Template
from tests.hosted import explored

_PRELUDE = """
import ctypes
import multiprocessing as mp
from multiprocessing.shared_memory import ShareableList, SharedMemory

class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_int), ("trail", ctypes.c_int * 2)]

    def sum(self):
        return self.x + self.y

def run(target, *arguments, context=mp):
    workers = [context.Process(target=target, args=args) for args in arguments]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
"""


PROGRAMS: dict[str, tuple[str, int, set[str]]] = {
    "a field, without the lock": (
        """
        def work(value):
            value.x += 1
        def main():
            value = mp.Value(Point)
            run(work, (value,), (value,))
            print(value.x)
        """,
        4,
        {"1", "2"},
    ),
    "a field, with the lock": (
        """
        def work(value):
            with value.get_lock():
                value.x += 1
        def main():
            value = mp.Value(Point)
            run(work, (value,), (value,), (value,))
            print(value.x)
        """,
        6,
        {"3"},
    ),
    "a field past the lock": (
        """
        def work(value):
            with value.get_lock():
                value.get_obj().x += 1
        def other(value):
            value.get_obj().x += 1
        def main():
            value = mp.Value(Point)
            workers = [mp.Process(target=target, args=(value,)) for target in (work, other)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            print(value.x)
        """,
        4,
        {"1", "2"},
    ),
    "fields apart from each other": (
        """
        def work(points, i):
            points[i].x += 1
            points[i].trail[i] += 2
        def main():
            points = mp.Array(Point, 2, lock=False)
            run(work, (points, 0), (points, 1))
            print([(point.x, point.trail[:]) for point in points])
        """,
        1,
        {"[(1, [2, 0]), (1, [0, 2])]"},
    ),
    "half of a change": (
        """
        def work(value):
            value.x = 1
            value.y = 1
        def main():
            value = mp.RawValue(Point)
            worker = mp.Process(target=work, args=(value,))
            worker.start()
            print(value.sum())
            worker.join()
        """,
        4,
        {"0", "1", "2"},
    ),
    "a byte": (
        """
        def work(name):
            block = SharedMemory(name)
            block.buf[0] += 1
            block.close()
        def main():
            block = SharedMemory(create=True, size=4)
            run(work, (block.name,), (block.name,))
            print(block.buf[0])
            block.close()
            block.unlink()
        """,
        4,
        {"1", "2"},
    ),
    "spawned, each a byte of its own": (
        """
        def work(block, i):
            block.buf[i : i + 2] = bytes([i, i])
        def main():
            block = SharedMemory(create=True, size=4)
            run(work, (block, 0), (block, 2), context=mp.get_context("spawn"))
            print(block.buf.tolist())
            block.close()
            block.unlink()
        """,
        1,
        {"[0, 0, 2, 2]"},
    ),
    "unlinked too early": (
        """
        def work(name):
            SharedMemory(name).close()
        def main():
            block = SharedMemory(create=True, size=4)
            worker = mp.Process(target=work, args=(block.name,))
            worker.start()
            block.unlink()
            worker.join()
        """,
        2,
        {"", "P1: FileNotFoundError"},
    ),
    "who is first with a name": (
        """
        def work():
            try:
                SharedMemory("name", create=True, size=1)
                print("made")
            except FileExistsError:
                print("found")
        def main():
            SharedMemory(create=True, size=1)
            run(work, (), ())
        """,
        2,
        {"made | found", "found | made"},
    ),
    "an item of a list is several reads": (
        """
        def work(items):
            items[0] = None
        def main():
            items = ShareableList([1])
            worker = mp.Process(target=work, args=(items,))
            worker.start()
            print(items[0])
            worker.join()
        """,
        6,
        {"1", "False", "None"},
    ),
    "Python's tracker would remove it": (
        """
        def work():
            SharedMemory("name", create=True, size=1)
        def main():
            run(work, ())
        """,
        1,
        {"uncontrolled | shared memory first used in a forked child, whose end would remove it"},
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_everything_that_can_come_of_it(template: Template, name: str) -> None:
    source, traces, endings = PROGRAMS[name]
    seen = explored(template, _PRELUDE + textwrap.dedent(source))
    assert seen.endings == endings
    assert (seen.total.stopped, seen.total.traces, seen.total.pruned) == (StopReason.EXHAUSTED, traces, 0)


ACCESSES = {
    "value.x += 1": (1, 1),
    "value.x": (1, 0),
    "value.get_obj().y = 2": (0, 1),
    "value.trail[1] += 1": (1, 1),
    "value.trail[:]": (1, 0),
    "value.trail = (1, 2)": (0, 1),
    "array[0].x += 1": (1, 1),
    "array[0] = array[1]": (1, 1),
    "text.value = b'abc'": (0, 1),
    "text.raw": (1, 0),
    "text[1:3]": (1, 0),
    "block.buf[0] += 1": (1, 1),
    "block.buf[:4]": (0, 0),
    "bytes(block.buf[:4])": (1, 0),
    "block.buf[:4] = block.buf[4:8]": (1, 1),
    "struct.pack_into('i', block.buf, 4, 1)": (0, 1),
    "struct.unpack_from('ii', block.buf)": (1, 0),
}


def test_an_access_is_one_operation(template: Template) -> None:
    lines = "\n".join(
        f"    {line}\n    time.sleep({number})" for number, line in enumerate(ACCESSES, start=1)
    )
    source = f"""{_PRELUDE}
import struct, time

def main():
    value, array, text = mp.Value(Point), mp.Array(Point, 2), mp.Array("c", 9)
    block = SharedMemory(create=True, size=8)
    time.sleep(0)
{lines}
"""
    (execution,) = explored(template, source).executions
    counts: list[Counter[OperationKind]] = [Counter()]
    for step in execution.trace:
        counts[-1][step.operation.kind] += 1
        if step.operation.kind is OperationKind.SLEEP:
            counts.append(Counter())
    kinds = (OperationKind.MEMORY_READ, OperationKind.MEMORY_WRITE)
    assert [tuple(made[kind] for kind in kinds) for made in counts[1:-1]] == list(ACCESSES.values())

"""Programs with a `multiprocessing.Manager()`: everything that can come of them, and what Python makes of them."""

import math
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from grader.core.execution import Budget, StopReason
from grader.engine.strategies.brute_force import BruteForce
from grader.runtime.template import Template
from tests.hosted import explored

_PRELUDE = """
import multiprocessing as mp
from multiprocessing.managers import BaseManager

def run(target, *arguments, context=mp):
    workers = [context.Process(target=target, args=args) for args in arguments]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
"""


PROGRAMS: dict[str, tuple[str, int, set[str]]] = {
    "a counter without a lock": (
        """
        def work(d):
            d["n"] += 1
        def main():
            with mp.Manager() as manager:
                d = manager.dict(n=0)
                run(work, (d,), (d,))
                print(d["n"])
        """,
        4,
        {"1", "2"},
    ),
    "a counter under a lock": (
        """
        def work(ns, lock):
            with lock:
                ns.n += 1
        def main():
            with mp.Manager() as manager:
                ns, lock = manager.Namespace(n=0), manager.Lock()
                run(work, (ns, lock), (ns, lock), (ns, lock))
                print(ns.n)
        """,
        6,
        {"3"},
    ),
    "value and array": (
        """
        def work(value, array, i):
            value.value += 1
            array[i] = i
        def main():
            manager = mp.Manager()
            value, array = manager.Value("i", 0), manager.Array("i", [7, 7])
            run(work, (value, array, 0), (value, array, 1))
            print(value.value, array[:].tolist())
        """,
        8,
        {"1 [0, 1]", "2 [0, 1]"},
    ),
    "whole operations are atomic": (
        """
        def work(items, n):
            items.append(n)
        def main():
            with mp.Manager() as manager:
                items = manager.list()
                run(work, (items, 0), (items, 1), (items, 2))
                print(sorted(items))
        """,
        6,
        {"[0, 1, 2]"},
    ),
    "the manager is gone too early": (
        """
        def work(items):
            items.append(1)
        def main():
            with mp.Manager() as manager:
                worker = mp.Process(target=work, args=(manager.list(),))
                worker.start()
            worker.join()
            print(worker.exitcode)
        """,
        2,
        {"0", "1 | P1: FileNotFoundError"},
    ),
    "nobody joins the child, and at exit the manager goes first": (
        """
        def work(items):
            items.append(1)
        def main():
            global manager
            manager = mp.Manager()
            mp.Process(target=work, args=(manager.list(),)).start()
        """,
        3,
        {"", "P1: FileNotFoundError"},
    ),
    "somebody waits while the manager goes": (
        """
        def work(lock):
            try:
                lock.acquire()
            except EOFError:
                print("too late")
        def main():
            with mp.Manager() as manager:
                lock = manager.Lock()
                lock.acquire()
                worker = mp.Process(target=work, args=(lock,))
                worker.start()
            worker.join()
        """,
        1,
        {"P1: FileNotFoundError"},
    ),
    "polling a dict": (
        """
        def work(d):
            d["answer"] = 42
            d["done"] = True
        def main():
            with mp.Manager() as manager:
                d = manager.dict()
                worker = mp.Process(target=work, args=(d,))
                worker.start()
                while True:
                    if d.get("done"):
                        break
                print(d["answer"])
                worker.join()
        """,
        4,
        {"42"},
    ),
    "polling for what never comes": (
        """
        def work(d):
            d["finished"] = True
        def main():
            with mp.Manager() as manager:
                d = manager.dict()
                mp.Process(target=work, args=(d,)).start()
                while True:
                    if d.get("done"):
                        break
        """,
        2,
        {"livelock"},
    ),
    "taking from a list until something is there": (
        """
        def work(items):
            items.append(3)
        def main():
            with mp.Manager() as manager:
                items = manager.list()
                worker = mp.Process(target=work, args=(items,))
                worker.start()
                while True:
                    try:
                        print(items.pop(0))
                        break
                    except IndexError:
                        continue
                worker.join()
        """,
        2,
        {"3"},
    ),
    "a queue and its sentinels": (
        """
        def work(queue, results):
            while (item := queue.get()) is not None:
                results.append(item * 2)
        def main():
            with mp.Manager() as manager:
                queue, results = manager.Queue(1), manager.list()
                workers = [mp.Process(target=work, args=(queue, results)) for _ in range(2)]
                for worker in workers:
                    worker.start()
                for item in (1, 2, None, None):
                    queue.put(item)
                for worker in workers:
                    worker.join()
                print(sorted(results))
        """,
        12,
        {"[2, 4]"},
    ),
    "an item is there at once, but may be gone after the look": (
        """
        def work(queue):
            while not queue.empty():
                queue.get()
        def main():
            with mp.Manager() as manager:
                queue = manager.Queue()
                queue.put(1)
                run(work, (queue,), (queue,))
                print(queue.qsize())
        """,
        4,
        {"0", "deadlock"},
    ),
    "locks in two orders": (
        """
        def work(a, b):
            with a, b:
                pass
        def main():
            with mp.Manager() as manager:
                a, b = manager.Lock(), manager.Lock()
                run(work, (a, b), (b, a))
                print("fine")
        """,
        3,
        {"fine", "deadlock"},
    ),
    "one is notified, two wait": (
        """
        def work(condition, ns):
            with condition:
                while not ns.ready:
                    condition.wait()
        def main():
            with mp.Manager() as manager:
                condition, ns = manager.Condition(), manager.Namespace(ready=False)
                workers = [mp.Process(target=work, args=(condition, ns)) for _ in range(2)]
                for worker in workers:
                    worker.start()
                with condition:
                    ns.ready = True
                    condition.notify()
                for worker in workers:
                    worker.join()
                print("fine")
        """,
        8,
        {"fine", "deadlock"},
    ),
    "events and a barrier": (
        """
        def work(barrier, event, items, n):
            items.append(n)
            barrier.wait()
            if n:
                event.set()
            event.wait()
            print(f"{len(items)}\\n", end="")
        def main():
            with mp.Manager() as manager:
                barrier, event, items = manager.Barrier(2), manager.Event(), manager.list()
                run(work, (barrier, event, items, 0), (barrier, event, items, 1))
        """,
        4,
        {"2 | 2"},
    ),
    "a plain object inside is a copy, a proxy inside is not": (
        """
        def work(d, n):
            d["proxy"].append(n)
            d["plain"].append(n)
        def main():
            with mp.Manager() as manager:
                d = manager.dict(plain=[])
                d["proxy"] = manager.list()
                run(work, (d, 0), (d, 1))
                print(sorted(d["proxy"]), d["plain"])
        """,
        2,
        {"[0, 1] []"},
    ),
    "spawned processes, and a proxy on a queue": (
        """
        def work(d, lock, queue):
            with lock:
                d["n"] += 1
            queue.put(d)
        def main():
            context = mp.get_context("spawn")
            with context.Manager() as manager:
                d, lock, queue = manager.dict(n=0), manager.RLock(), manager.JoinableQueue()
                run(work, (d, lock, queue), (d, lock, queue), context=context)
                print(d["n"], queue.get()["n"])
        """,
        4,
        {"2 2"},
    ),
    "a child makes an object": (
        """
        def work(manager, d):
            d["made"] = manager.list([1])
        def main():
            with mp.Manager() as manager:
                d = manager.dict()
                run(work, (manager, d))
                print(d["made"][0], [process.name for process in mp.active_children()])
            print(mp.active_children())
        """,
        1,
        {"1 ['SyncManager-1']\n[]"},
    ),
    "a class of one's own": (
        """
        class Counter:
            def __init__(self):
                self.n = 0
            def increment(self):
                self.n += 1
            def get(self):
                return self.n
        class Own(BaseManager):
            pass
        Own.register("Counter", Counter)
        def work(counter):
            counter.increment()
        def main():
            with Own() as manager:
                counter = manager.Counter()
                run(work, (counter,), (counter,))
                print(counter.get())
        """,
        2,
        {"2"},
    ),
    "tasks of a pool share a manager's objects": (
        """
        def work(arguments):
            d, lock, n = arguments
            with lock:
                d["n"] += n
            return n
        def main():
            with mp.Manager() as manager:
                d, lock = manager.dict(n=0), manager.Lock()
                with mp.Pool(2) as pool:
                    print(pool.map(work, [(d, lock, n) for n in (1, 2)]), d["n"])
        """,
        6,
        {"[1, 2] 3"},
    ),
    "a daemon may not start a manager": (
        """
        def work():
            mp.Manager()
        def main():
            worker = mp.Process(target=work, daemon=True)
            worker.start()
            worker.join()
        """,
        1,
        {"P1: AssertionError"},
    ),
    "whoever made an object may forget the manager": (
        """
        def work(items):
            items.append(1)
        def main():
            items = mp.Manager().list()
            run(work, (items,))
            print(len(items))
        """,
        1,
        {"1"},
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_everything_that_can_come_of_it(template: Template, name: str) -> None:
    source, traces, endings = PROGRAMS[name]
    seen = explored(template, _PRELUDE + textwrap.dedent(source))
    assert seen.endings == endings
    assert (seen.total.stopped, seen.total.traces, seen.total.pruned) == (StopReason.EXHAUSTED, traces, 0)


SMALL = (
    *("a counter without a lock", "the manager is gone too early", "somebody waits while the manager goes"),
    *("an item is there at once, but may be gone after the look", "a class of one's own"),
)


@pytest.mark.parametrize("name", SMALL)
def test_nothing_more_comes_of_any_other_order(template: Template, name: str) -> None:
    source, _, endings = PROGRAMS[name]
    budget = Budget(executions=1_500, seconds=math.inf, steps=500)
    seen = explored(template, _PRELUDE + textwrap.dedent(source), budget, BruteForce())
    assert seen.endings == endings
    assert seen.total.stopped is StopReason.EXHAUSTED


_ALWAYS = sorted(name for name, (_, _, ends) in PROGRAMS.items() if len(ends) == 1 and "livelock" not in ends)


@pytest.mark.parametrize("name", _ALWAYS)
def test_what_always_comes_is_what_python_shows(name: str, tmp_path: Path) -> None:
    source, _, endings = PROGRAMS[name]
    script = f"{_PRELUDE}{textwrap.dedent(source)}\nif __name__ == '__main__':\n    main()\n"
    shown = _run_for_real(script, tmp_path)
    (expected,) = endings
    if ": " in expected and expected.startswith("P"):
        assert expected.partition(": ")[2] in shown.stderr
    else:
        assert shown.stdout.split() == expected.replace("|", " ").split()


def _run_for_real(script: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    path = folder / "script.py"
    path.write_text(script, encoding="utf-8")
    return subprocess.run([sys.executable, str(path)], capture_output=True, text=True)

"""`multiprocessing.Pool` under control: what comes out, in every order, and what CPython's own does."""

import pytest

from grader.core.verdict import Verdict
from tests.pools import explored, indented, printed, ran

_BEGINNING = """
import multiprocessing as mp
import os, sys, time
from multiprocessing import Pool, TimeoutError

def square(x):
    return x * x

def add(x, y=0):
    return x + y

def fail(x):
    raise ValueError(f"no {x}")

def fail_if_odd(x):
    if x % 2:
        raise ValueError(f"odd {x}")
    return x

def lambda_of(x):
    return lambda: x

def init(value, lock=None):
    global counter, guard
    counter, guard = value, lock

def increment(_):
    counter.value += 1

def increment_locked(_):
    with guard:
        counter.value += 1

def use(thing):
    return repr(thing)

def attempt(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"

class Single:
    def __init__(self, value): self.value = value
    def __reduce__(self): raise RuntimeError("cannot be sent")

if __name__ == "__main__":
"""

_SAME_IN_EVERY_ORDER = {
    "map": "with Pool(2) as p: print(p.map(square, range(3)))",
    "map of nothing": "with Pool(1) as p: print(p.map(square, []), p.map(square, iter([])))",
    "chunks": "with Pool(2) as p: print(p.map(square, range(7), 3), p.map(square, iter([5, 6])))",
    "starmap": "with Pool(2) as p: print(p.starmap(add, [(1, 2), (3,)]))",
    "apply": "with Pool(1) as p: print(p.apply(add, (1,), {'y': 5}))",
    "apply_async": "with Pool(2) as p: print([r.get() for r in [p.apply_async(add, (i, 1)) for i in range(2)]])",
    "map_async": "with Pool(2) as p: r = p.map_async(square, [1, 2]); r.wait(); print(r.ready(), r.get())",
    "starmap_async": "with Pool(2) as p: print(p.starmap_async(add, [(1, 1)]).get())",
    "imap": "with Pool(2) as p: print(list(p.imap(square, range(3))))",
    "imap in chunks": "with Pool(2) as p: print(list(p.imap(square, range(5), 2)))",
    "imap_unordered of one": "with Pool(2) as p: print(list(p.imap_unordered(square, [4])))",
    "unordered in chunks": "with Pool(1) as p: print(list(p.imap_unordered(square, range(5), chunksize=2)))",
    "imap by hand": """
        with Pool(1) as p:
            it = p.imap(square, [1, 2])
            print(next(it), it.next(), attempt(lambda: next(it)))""",
    "an exception": """
        with Pool(1) as p:
            try:
                p.map(fail, [1])
            except ValueError as error:
                cause = str(error.__cause__)
                print(error, type(error.__cause__).__name__, "in fail" in cause, "in mapstar" in cause)""",
    "an exception in imap": """
        with Pool(1) as p:
            it = p.imap(fail_if_odd, [0, 1, 2])
            print([attempt(next, it) for _ in range(4)])""",
    "an exception in the iterable": """
        def items():
            yield 1
            raise KeyError("stop")
        with Pool(1) as p:
            it = p.imap(square, items())
            print([attempt(next, it) for _ in range(3)], attempt(p.map, square, items()))""",
    "a result that cannot be sent": "with Pool(1) as p: print(attempt(p.map, lambda_of, [1])[:60])",
    "an argument that cannot be sent": """
        with Pool(1) as p:
            print(attempt(p.apply, use, (Single(1),)), attempt(p.map, use, [Single(1)]))""",
    "a function that cannot be sent": "with Pool(1) as p: print('pickle' in attempt(p.map, lambda x: x, [1]))",
    "what only a child may inherit": """
        with Pool(1) as p:
            for thing in (mp.Lock(), mp.Queue(), mp.Value("i", 0)):
                print(attempt(p.map, use, [thing]))""",
    "a pool as an argument": "with Pool(1) as p: print(attempt(p.apply, use, (p,)))",
    "wrong arguments": """
        print(attempt(Pool, 0), attempt(Pool, 1, 5), attempt(Pool, 1, maxtasksperchild=0))
        with Pool(1) as p:
            print(attempt(p.imap, square, [1], 0), attempt(p.imap_unordered, square, [1], 0))""",
    "closed": """
        p = Pool(1)
        print(attempt(p.join))
        p.close()
        print(attempt(p.map, square, [1]), attempt(p.apply_async, square, (1,)), attempt(p.imap, square, [1]))
        p.join(); p.join(); p.close(); p.terminate(); print(repr(p))
        with Pool(1) as p: pass
        print(attempt(p.map, square, [1]), attempt(p.__enter__))""",
    "close and join": """
        p = Pool(2)
        r = p.map_async(square, [1, 2])
        p.close()
        p.join()
        print(r.ready(), r.get())""",
    "not ready": """
        with Pool(1) as p:
            r = p.apply_async(square, (2,))
            print(r.get(timeout=None), r.get(0), r.get(timeout=5), r.successful())""",
    "workers": """
        def who(_):
            me = mp.current_process()
            return me.name, me.daemon, os.getppid() == parent, attempt(Pool, 1)
        parent = os.getpid()
        with Pool(1) as p: print(p.map(who, [0]), len(mp.active_children()))""",
    "initialised": """
        counter = mp.Value("i", 5)
        with Pool(1, init, (counter,)) as p:
            p.map(increment, range(2))
        print(counter.value)""",
    "with a lock": """
        value, lock = mp.Value("i", 0), mp.Lock()
        with Pool(2, initializer=init, initargs=(value, lock)) as p:
            p.map(increment_locked, range(3))
        print(value.value)""",
    "few tasks for each": """
        with Pool(1, maxtasksperchild=1) as p:
            print(p.map(square, range(3), chunksize=1))""",
    "callbacks": """
        seen, errors = [], []
        p = Pool(1)
        for x in range(3):
            p.apply_async(fail_if_odd, (x,), callback=seen.append, error_callback=errors.append)
        p.map_async(square, [2, 3], callback=seen.extend)
        p.close(); p.join()
        print(seen, errors)""",
    "spawned": """
        with mp.get_context("spawn").Pool(1, init, (7,)) as p:
            print(p.map(square, [1, 2]), mp.get_context("fork").Pool(1).apply(square, (3,)))""",
    "in a child": """
        def child(results):
            with Pool(1) as p: results.put(p.map(square, [3]))
        results = mp.SimpleQueue()
        c = mp.Process(target=child, args=(results,)); c.start(); c.join(); print(results.get(), c.exitcode)""",
    "by other names": """
        import multiprocessing.pool
        with multiprocessing.pool.Pool(1) as p, mp.get_context().Pool(1) as q:
            print(type(p) is type(q), p.map(square, [1]), q.apply(add, (1,)))
            print(isinstance(p.apply_async(add, (1,)), multiprocessing.pool.AsyncResult))""",
    "default number": "p = Pool(); print(p._processes == mp.cpu_count(), p.map(square, [7]))",
}


@pytest.mark.parametrize("body", _SAME_IN_EVERY_ORDER.values(), ids=_SAME_IN_EVERY_ORDER)
def test_it_is_as_pythons(tmp_path, body):
    source = _BEGINNING + indented(body)
    report = explored(tmp_path, source)
    assert report.verdict is Verdict.VERIFIED, report.findings
    assert printed(report) == {ran(tmp_path, source)}

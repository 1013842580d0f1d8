"""`concurrent.futures.ProcessPoolExecutor` under control: what comes out, and what CPython's own does."""

import sys

import pytest

from grader.core.verdict import FindingKind, Verdict
from tests.pools import explored, indented, printed, ran

pytestmark = pytest.mark.usefixtures("warm_programs")

_BEGINNING = """
import multiprocessing as mp
import os, time
from concurrent.futures import (
    ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, Future, ProcessPoolExecutor, as_completed, wait,
)
from concurrent.futures.process import BrokenProcessPool

def square(x):
    return x * x

def add(x, y=0):
    return x + y

def fail(x):
    raise ValueError(f"no {x}")

def lambda_of(x):
    return lambda: x

def leave(code):
    os._exit(code)

def init(value):
    global counter
    counter = value

def init_badly():
    raise KeyError("bad")

def increment(_=None):
    counter.value += 1
    return counter.value

def wait_for(event):
    event.wait()

def use(thing):
    return repr(thing)

def attempt(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"

if __name__ == "__main__":
"""

_SAME_IN_EVERY_ORDER = {
    "submit": "with ProcessPoolExecutor(1) as e: print(e.submit(add, 1, y=2).result())",
    "map": "with ProcessPoolExecutor(2) as e: print(list(e.map(add, [1, 2], (3, 4))))",
    "map in chunks": "with ProcessPoolExecutor(2) as e: print(list(e.map(square, range(5), chunksize=2, timeout=90)))",
    "a future": """
        with ProcessPoolExecutor(1) as e:
            f = e.submit(square, 3)
            print(isinstance(f, Future), f.result(timeout=None), f.done(), f.running(), f.cancelled(), f.cancel())
            print(f.exception(), f.result(0))""",
    "an exception": """
        with ProcessPoolExecutor(1) as e:
            f = e.submit(fail, 3)
            error = f.exception()
            print(repr(error), "in fail" in str(error.__cause__), attempt(f.result))
            print(attempt(list, e.map(fail, [1])))""",
    "an exit is an exception": "with ProcessPoolExecutor(1) as e: print(attempt(e.submit(exit, 3).result))",
    "what cannot be sent": """
        with ProcessPoolExecutor(1) as e:
            print("pickle" in attempt(e.submit(lambda: 1).result), "pickle" in attempt(e.submit(lambda_of, 1).result))
            print(attempt(e.submit(use, mp.Lock()).result))""",
    "completed": """
        with ProcessPoolExecutor(1) as e:
            print([f.result() for f in as_completed([e.submit(square, 2)])], list(as_completed([])))""",
    "waiting": """
        with ProcessPoolExecutor(2) as e:
            fs = [e.submit(square, i) for i in range(2)]
            done, left = wait(fs)
            print(sorted(f.result() for f in done), left, wait(fs, return_when=FIRST_COMPLETED).done == done)""",
    "shut down": """
        e = ProcessPoolExecutor(1)
        f = e.submit(square, 4)
        e.shutdown()
        print(f.done(), f.result(), attempt(e.submit, square, 1), attempt(e.map, square, [1]))
        e.shutdown()""",
    "left at the end": """
        e = ProcessPoolExecutor(1)
        e.shutdown(wait=False)
        counter = mp.Value("i", 0)
        f = ProcessPoolExecutor(1, initializer=init, initargs=(counter,)).submit(increment)
        print(f.result())""",
    "callbacks": """
        seen = []
        with ProcessPoolExecutor(1) as e:
            for i in range(3):
                e.submit(square, i).add_done_callback(lambda f: seen.append(f.result()))
        f.add_done_callback(seen.append) if (f := Future()).cancel() else None
        print(seen[:3], len(seen))""",
    "broken": """
        with ProcessPoolExecutor(1) as e:
            f, g = e.submit(leave, 0), e.submit(square, 1)
            print(attempt(f.result), attempt(g.result), attempt(e.submit, square, 1), sep=chr(10))""",
    "wrong arguments": """
        print(attempt(ProcessPoolExecutor, 0), attempt(ProcessPoolExecutor, 1, initializer=3))
        with ProcessPoolExecutor(1) as e: print(attempt(e.map, square, [1], chunksize=0))""",
    "workers": """
        def who(): return mp.current_process().name, mp.current_process().daemon, os.getppid() == parent
        parent = os.getpid()
        with ProcessPoolExecutor(1) as e: print(e.submit(who).result(), len(mp.active_children()))""",
    "default number": "with ProcessPoolExecutor() as e: print(e._max_workers == mp.cpu_count())",
    "spawned": """
        with ProcessPoolExecutor(1, mp_context=mp.get_context("spawn")) as e: print(e.submit(square, 5).result())""",
}
_SINCE_3_11 = {
    "few tasks for each": """
        with ProcessPoolExecutor(1, max_tasks_per_child=1) as e:
            print([e.submit(square, x).result() for x in range(2)])
        print(attempt(ProcessPoolExecutor, 1, mp.get_context("fork"), max_tasks_per_child=1))
        print(attempt(ProcessPoolExecutor, 1, max_tasks_per_child=0))""",
}
if sys.version_info >= (3, 11):
    _SAME_IN_EVERY_ORDER |= _SINCE_3_11


@pytest.mark.parametrize("body", _SAME_IN_EVERY_ORDER.values(), ids=_SAME_IN_EVERY_ORDER)
def test_it_is_as_pythons(tmp_path, body):
    source = _BEGINNING + indented(body)
    report = explored(tmp_path, source)
    assert {finding.kind for finding in report.findings} <= {FindingKind.CRASH}, report.findings
    assert report.stopped in ("exhausted", "failure")
    assert printed(report) == {ran(tmp_path, source)}


_MANY = {
    "as completed": (
        """
        with ProcessPoolExecutor(2) as e:
            print([f.result() for f in as_completed([e.submit(square, i) for i in range(3)])])""",
        {"[0, 1, 4]", "[0, 4, 1]", "[1, 0, 4]", "[1, 4, 0]"},
    ),
    "the first": (
        """
        with ProcessPoolExecutor(2) as e:
            fs = [e.submit(square, i) for i in range(2)]
            print(sorted(f.result() for f in wait(fs, return_when=FIRST_COMPLETED).done))""",
        {"[0]", "[1]", "[0, 1]"},
    ),
    "cancelled": (
        """
        with ProcessPoolExecutor(1) as e:
            f = e.submit(square, 3)
            print(f.cancel(), f.cancelled(), attempt(f.result))""",
        {"True True CancelledError: ", "False False 9"},
    ),
    "futures cancelled at the end": (
        """
        e = ProcessPoolExecutor(1)
        fs = [e.submit(square, i) for i in range(2)]
        e.shutdown(cancel_futures=True)
        print([attempt(f.result) for f in fs])""",
        {"['CancelledError: ', 'CancelledError: ']", "[0, 'CancelledError: ']", "[0, 1]"},
    ),
    "time is up": (
        """
        with ProcessPoolExecutor(1) as e:
            f = e.submit(square, 3)
            print(f.done(), attempt(f.result, timeout=0.5), len(wait([f], timeout=0.5).done))""",
        {
            *("True 9 1", "False 9 1", "False TimeoutError:  1", "False TimeoutError:  0"),
        },
    ),
    "increments": (
        """
        counter = mp.Value("i", 0)
        with ProcessPoolExecutor(2, initializer=init, initargs=(counter,)) as e:
            list(e.map(increment, range(2)))
        print(counter.value)""",
        {"1", "2"},
    ),
}


@pytest.mark.parametrize(("body", "outcomes"), _MANY.values(), ids=_MANY)
def test_every_order_is_seen_and_no_other(tmp_path, body, outcomes):
    source = _BEGINNING + indented(body)
    report = explored(tmp_path, source)
    assert report.verdict is Verdict.FAILED
    assert printed(report) == outcomes
    assert ran(tmp_path, source) in outcomes

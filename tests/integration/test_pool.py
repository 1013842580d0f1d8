"""`multiprocessing.Pool` under control: what comes out, in every order, and what CPython's own does."""

import pytest

from grader.core.verdict import CheckStatus, FindingKind, Verdict
from grader.grading import catalogue
from grader.grading.check import CheckOptions, grade
from grader.grading.submission import load
from tests.pools import explored, indented, printed, ran

pytestmark = pytest.mark.usefixtures("warm_programs")

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


_MANY = {
    "unordered": (
        "with Pool(2) as p: print(list(p.imap_unordered(square, range(3))))",
        {"[0, 1, 4]", "[0, 4, 1]", "[1, 0, 4]", "[1, 4, 0]"},
    ),
    "callbacks in the order of the results": (
        """
        seen = []
        p = Pool(2)
        for x in range(2):
            p.apply_async(square, (x,), callback=seen.append)
        p.close(); p.join(); print(seen)""",
        {"[0, 1]", "[1, 0]"},
    ),
    "callbacks while the parent sleeps": (
        """
        seen = []
        p = Pool(1)
        for x in range(2):
            p.apply_async(square, (x,), callback=seen.append)
        time.sleep(1); print(seen)""",
        {"[]", "[0]", "[0, 1]"},
    ),
    "ready or not": (
        """
        with Pool(1) as p:
            r = p.apply_async(square, (2,))
            print(r.ready(), attempt(r.successful) == True, r.get())""",
        {"False False 4", "False True 4", "True True 4"},
    ),
    "time is up": (
        """
        with Pool(1) as p:
            r = p.map_async(square, [1, 2], chunksize=1)
            print(attempt(r.get, timeout=1))""",
        {"[1, 4]", "TimeoutError: "},
    ),
    "time is up for the next": (
        "with Pool(1) as p: it = p.imap(square, [3]); print(attempt(it.next, 1))",
        {"9", "TimeoutError: "},
    ),
    "the first exception": (
        "with Pool(2) as p: print(attempt(p.map, fail, range(3), 1))",
        {"ValueError: no 0", "ValueError: no 1"},
    ),
    "an update is lost": (
        """
        value = mp.Value("i", 0)
        with Pool(2, init, (value,)) as p: p.map(increment, range(2))
        print(value.value)""",
        {"1", "2"},
    ),
    "not waited for": (
        """
        value, lock = mp.Value("i", 0), mp.Lock()
        with Pool(2, init, (value, lock)) as p: p.map_async(increment_locked, range(2))
        print(value.get_obj().value)""",
        {"0", "1", "2"},
    ),
    "left at the end": (
        """
        counter = mp.Value("i", 0)
        Pool(1).apply_async(increment, (0,)); time.sleep(1); print(counter.value)""",
        {"0", "1"},
    ),
    "a worker remembers": (
        """
        with Pool(2) as p: print(p.map(remember, range(3), 1))""",
        {"[[0], [0, 1], [0, 1, 2]]", "[[0], [0, 1], [2]]", "[[0], [1], [0, 2]]", "[[0], [1], [1, 2]]"},
    ),
    "one worker after the other": (
        """
        def who(_): return mp.current_process().name[-1]
        with Pool(1, maxtasksperchild=1) as p: print(p.map(who, range(2), 1))""",
        {"['1', '2']"},
    ),
    "spawned": (
        """
        ctx = mp.get_context("spawn")
        value = ctx.Value("i", 0)
        with ctx.Pool(2, init, (value,)) as p: p.map(increment, range(2), 1)
        print(value.value)""",
        {"1", "2"},
    ),
}
_MORE = _BEGINNING.replace(
    'if __name__ == "__main__":',
    """memory = []
def remember(x):
    memory.append(x)
    return list(memory)

if __name__ == "__main__":""",
)


@pytest.mark.parametrize(("body", "outcomes"), _MANY.values(), ids=_MANY)
def test_every_order_is_seen_and_no_other(tmp_path, body, outcomes):
    source = _MORE + indented(body)
    report = explored(tmp_path, source)
    assert report.stopped in ("exhausted", "failure")
    assert printed(report) == outcomes
    assert ran(tmp_path, source) in outcomes


_LOOKS_AT_ITSELF = """
def square(x):
    os.getpid()
    return x * x

def fail(x):
    os.getpid()
    raise ValueError(f"no {x}")

def increment(_):
    os.getpid()
    counter.value += 1

if __name__ == "__main__":"""
_ALIKE = {
    "map": "with Pool(2) as p: print(p.map(square, range(4), 1))",
    "unordered": "with Pool(2) as p: print(list(p.imap_unordered(square, range(3))))",
    "the first exception": "with Pool(2) as p: print(attempt(p.map, fail, range(2), 1))",
    "increments": """
        value = mp.Value("i", 0)
        with Pool(2, init, (value,)) as p:
            r = p.map_async(increment, range(2), 1)
            print(value.value)
            r.wait()
        print(value.value)""",
    "ended early": """
        value = mp.Value("i", 0)
        with Pool(2, init, (value,)) as p: p.map_async(increment, range(2), 1)
        print(value.value)""",
}


@pytest.mark.parametrize("body", _ALIKE.values(), ids=_ALIKE)
def test_what_is_known_of_tasks_saves_orders_and_no_outcomes(tmp_path, body):
    """A task that asks who its worker is may go to any worker, as all tasks might."""
    known = explored(tmp_path, _BEGINNING + indented(body))
    unknown = explored(
        tmp_path, _BEGINNING.replace('if __name__ == "__main__":', _LOOKS_AT_ITSELF) + indented(body)
    )
    assert known.stopped in ("exhausted", "failure")
    assert printed(known) == printed(unknown)
    assert known.executions <= unknown.executions


def _finding(report, kind):
    return next(finding for finding in report.findings if finding.kind is kind)


@pytest.mark.parametrize("end", ["os._exit(3)", "sys.exit(3)", "os.kill(os.getpid(), 9)"])
def test_a_task_is_lost_with_its_worker(tmp_path, end):
    source = _BEGINNING.replace(
        "def fail(x):", f"def leave(x):\n    {end} if x else None\n    return x\n\ndef fail(x):"
    )
    report = explored(tmp_path, source + indented("with Pool(2) as p: print(p.map(leave, [0, 1]))"))
    deadlock = _finding(report, FindingKind.DEADLOCK)
    assert deadlock.message.startswith("Nobody can go on: main waits for a result of p (line ")
    assert "ended while it worked on leave(1), so that it never comes" in deadlock.message
    assert not printed(report)


def test_the_others_go_on_when_a_worker_has_died(tmp_path):
    source = _BEGINNING.replace("def fail(x):", "def leave(x):\n    os._exit(x)\n\ndef fail(x):") + indented("""
        p = Pool(1)
        p.apply_async(leave, (1,))
        print(p.apply_async(square, (3,)).get())""")
    report = explored(tmp_path, source)
    assert printed(report) == {"9"}


def test_workers_that_always_die(tmp_path):
    source = _BEGINNING.replace("def fail(x):", "def bad():\n    raise KeyError('no')\n\ndef fail(x):")
    report = explored(tmp_path, source + indented("Pool(1, bad).map(square, [1])"))
    assert _finding(report, FindingKind.CRASH).message.startswith("ForkPoolWorker-1 died in line ")
    assert _finding(report, FindingKind.DEADLOCK)


def test_a_function_that_comes_after_the_pool(tmp_path):
    source = "from multiprocessing import Pool\np = Pool(1)\ndef late(x): return x\nprint(p.map(late, [1]))\n"
    report = explored(tmp_path, source)
    assert "can't get attribute 'late'" in _finding(report, FindingKind.CRASH).message.lower()


def test_a_result_of_a_pool_that_has_been_terminated(tmp_path):
    source = _BEGINNING + indented("""
        with Pool(1) as p:
            r = p.apply_async(square, (2,))
        print(r.get())""")
    report = explored(tmp_path, source)
    assert printed(report) == {"4"}
    assert "waits for a result of p (line " in _finding(report, FindingKind.DEADLOCK).message


def test_a_result_that_cannot_be_read_ends_all_results(tmp_path):
    source = _BEGINNING.replace(
        "def fail(x):",
        "class Bad(Exception):\n    def __init__(self, a, b): super().__init__('bad')\n\n"
        "def bad(x):\n    raise Bad(1, 2)\n\ndef fail(x):",
    )
    report = explored(tmp_path, source + indented("Pool(1).map(bad, [1])"))
    message = _finding(report, FindingKind.DEADLOCK).message
    assert "its results are not taken in any more, because that has failed" in message


_UNCONTROLLED = {
    "callback": """
        value, done = mp.Value("i", 0), []
        def count(x): value.value += x
        p = Pool(1); p.apply_async(square, (1,), callback=count); p.close(); p.join()""",
    "iterable": """
        q = mp.Queue(); q.put(1); q.put(None)
        with Pool(1) as p: print(list(p.imap(square, iter(q.get, None))))""",
    "callbacks of a pool are due": """
        q, seen = mp.Queue(), []
        p = Pool(1); p.apply_async(square, (1,), callback=seen.append); q.get()""",
    "computing for long": """
        seen = []
        p = Pool(1); p.apply_async(square, (1,), callback=seen.append)
        while not seen: pass""",
    "another process": """
        p = Pool(1)
        c = mp.Process(target=p.map, args=(square, [1])); c.start(); c.join()""",
    "more than 2,000 tasks": """
        import itertools
        with Pool(1) as p: print(next(p.imap(square, itertools.count())))""",
}


@pytest.mark.parametrize(("words", "body"), _UNCONTROLLED.items(), ids=_UNCONTROLLED)
def test_what_threads_would_do_at_any_time_announces_itself(tmp_path, words, body):
    report = explored(tmp_path, _BEGINNING + indented(body))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert words in report.findings[0].message


def test_who_prints_what_in_a_pool_is_no_difference(tmp_path):
    source = _BEGINNING.replace(
        "def fail(x):",
        "def tell(x):\n    print(mp.current_process().name, os.getpid(), x)\n\ndef fail(x):",
    )
    report = explored(tmp_path, source + indented("with Pool(2) as p: p.map(tell, range(2))"))
    assert report.verdict is Verdict.VERIFIED
    assert report.outcomes[0].stdout == {"a worker of the pool": "<worker> <worker> 0\n<worker> <worker> 1\n"}


_HINTS = {
    "Locks, queues and shared values cannot be arguments of the tasks of a pool": (
        "with Pool(1) as p: p.apply(use, (mp.Lock(),))",
        FindingKind.CRASH,
    ),
    "without having waited for its tasks: what is not done by then is never done": (
        """
        value, lock = mp.Value("i", 0), mp.Lock()
        with Pool(1, init, (value, lock)) as p: p.map_async(increment_locked, [1])
        print(value.value)""",
        FindingKind.RACE,
    ),
    "Let the task return, or raise an exception": (
        "with Pool(1) as p: p.map(os._exit, [1])",
        FindingKind.DEADLOCK,
    ),
}


@pytest.mark.parametrize(("words", "case"), _HINTS.items(), ids=_HINTS)
def test_hints(tmp_path, words, case):
    body, kind = case
    assert words in _finding(explored(tmp_path, _BEGINNING + indented(body)), kind).help


_COUNTER = """
import multiprocessing

def increment_counter(counter, lock):
    with lock:
        counter.value += 1

def start(c, l):
    global counter, lock
    counter, lock = c, l

def task(_):
    increment_counter(counter, lock)

def run_counter(processes):
    c, l = multiprocessing.Value("i", 0), multiprocessing.Lock()
    with multiprocessing.Pool(processes, initializer=start, initargs=(c, l)) as pool:
        pool.map({task}, range(processes), chunksize=1)
    {rest}
    return c.value
"""


@pytest.mark.parametrize(
    ("task", "rest", "status"),
    [("task", "pass", CheckStatus.PASSED), ("abs", "c.value = 2", CheckStatus.FAILED)],
)
def test_an_exercise_solved_with_a_pool(template, tmp_path, task, rest, status):
    path = tmp_path / "counter.py"
    path.write_text(_COUNTER.format(task=task, rest=rest))
    graded = grade(template, load(path), catalogue.resolve(path), CheckOptions(free_runs=False))
    assert {check.name: check.status for check in graded.checks}["test_runs"] is status

"""Processes are used again only where nothing can have been left behind in them."""

from types import ModuleType

import pytest

from grader.runtime.agent import reuse

PLAIN = """
import multiprocessing
import time
from multiprocessing import Lock, Process, Value
from queue import Empty

COUNT = 3
NAMES = ("a", "b")

def add(counter: multiprocessing.Value, lock, times=COUNT) -> None:
    for _ in range(times):
        with lock:
            counter.value += 1
            time.sleep(0)

def run(processes):
    lock, counter = Lock(), multiprocessing.Value("i", 0)
    workers = [Process(target=add, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.daemon = False
        worker.start()
    try:
        multiprocessing.Queue().get_nowait()
    except (Empty, OSError):
        pass
    print(multiprocessing.current_process().name, NAMES)
    return counter.value
"""

REMEMBERING = {
    "a list with a name like Python's own": "__seen__ = []\ndef f():\n    __seen__.append(1)\n",
    "a list that a function imports something over": (
        "seen = []\ndef f():\n    seen.append(1)\ndef g():\n    from math import pi as seen\n"
    ),
    "a function under another name": "def f():\n    me = f\n    me.value = 1\n",
    "a function as an argument": "def f():\n    g(f)\ndef g(other):\n    other.value = 1\n",
    "a class of the library": "from multiprocessing import Process\ndef f():\n    p = Process\n    p.value = 1\n",
    "a function of the library": "import time\ndef f():\n    sleep = time.sleep\n    sleep.value = 1\n",
    "a module inside another": "import contextlib\ndef f():\n    e = contextlib.os.environ\n    e['x'] = 'y'\n",
    "a module inside a module inside another": "import os\ndef f():\n    e = os.path.os.environ\n    e['x'] = 'y'\n",
    "a module of a package": "import multiprocessing as mp\ndef f():\n    m = mp.context\n    m.value = 1\n",
    "the limit of recursion": "import contextlib\ndef f():\n    contextlib.sys.setrecursionlimit(99)\n",
    "the names of Python": "def f():\n    b = __builtins__\n    b['x'] = 1\n",
    "a private part of the library": "from multiprocessing.process import _children as c\ndef f():\n    c.add(1)\n",
    "a cache under another name": "from functools import cache as c\ndef f():\n    return c(len)(())\n",
    "globals by a path": (
        "import operator\ndef f(x):\n    operator.attrgetter('__init__.__globals__')(x)['x'] = 1\n"
    ),
    "a logger": "import multiprocessing as mp\ndef f():\n    mp.log_to_stderr(10)\n",
    "an attribute of any name": "def f(lock):\n    lock.seen = 1\n",
    "a default": "def f(seen=[]):\n    seen.append(1)\n",
    "a list of the library": "import __future__\ndef f():\n    __future__.all_feature_names.append(1)\n",
    "a dictionary of the library": (
        "from multiprocessing.sharedctypes import typecode_to_type as t\ndef f():\n    t['x'] = 1\n"
    ),
    "streams": "import contextlib\ndef f():\n    contextlib.redirect_stdout(None)\n",
}


def freshness(source: str) -> reuse.Freshness:
    module = ModuleType("submission")
    exec(source, vars(module))
    return reuse.Freshness(module, source)


def test_plain_functions_leave_nothing_behind():
    fresh = freshness(PLAIN)
    assert fresh.possible
    assert fresh.unchanged()
    assert fresh.main_unchanged()


@pytest.mark.parametrize("source", REMEMBERING.values(), ids=REMEMBERING)
def test_what_could_remember_something_is_not_used_again(source):
    assert not freshness(source).possible


def test_what_a_process_says_about_itself_is_looked_at(run):
    seen = run("""
        import multiprocessing as mp
        from types import ModuleType
        from grader.runtime.agent import chance, reuse

        chance.wanted = False
        def nothing(*arguments): pass

        lock, value = mp.Lock(), mp.Value("i", 0)
        module = ModuleType("submission")
        module.nothing = nothing
        fresh = reuse.Freshness(module, "def nothing(*arguments): pass")
        reuse.remember(fresh)
        process = mp.Process(target=nothing, args=([lock, {"counter": value}], (1, 2)))
        child = reuse.Child(process)
        print(child.may_run_again())
        process._args[0].append(3)
        child.begin_again()
        print(len(process._args[0]), process._args[0][0] is lock, process._args[0][1]["counter"] is value)
        value.get_lock().value = 1
        print(child.may_run_again())
        me = mp.current_process()
        me.value = 1
        print(fresh.unchanged(), fresh.main_unchanged())
        other = mp.Process(target=nothing)
        child = reuse.Child(other)
        other.name = "renamed"
        print(child.may_run_again())
    """)
    assert seen.out[0].split() == ["True", "2", "True", "True", "False", "True", "False", "False"]


def test_an_argument_that_contains_itself_cannot_be_had_again(run):
    seen = run("""
        import multiprocessing as mp
        from types import ModuleType
        from grader.runtime.agent import chance, reuse

        chance.wanted = False
        def nothing(argument): pass

        module = ModuleType("submission")
        module.nothing = nothing
        reuse.remember(reuse.Freshness(module, "def nothing(argument): pass"))
        items = []
        items.append(items)
        print(reuse.Child(mp.Process(target=nothing, args=(items,))).may_run_again())
    """)
    assert seen.out[0].split() == ["False"]

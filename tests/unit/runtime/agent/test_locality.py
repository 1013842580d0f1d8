"""What a task can touch, as its source tells."""

import textwrap

import pytest

_LOCAL = {
    "arithmetic": "def f(x): return x * x + len([1, 2])",
    "constants and modules": "import math\nPI = 3\ndef f(x): return math.sqrt(x) * PI * math.pi",
    "names of functions": "from math import sqrt\nfrom time import sleep\ndef f(x): sleep(1); return sqrt(x)",
    "another function": "def g(x): return x\ndef f(x): return g(x) + sum(map(g, [x]))",
    "itself": "def f(x): return 1 if x < 2 else x * f(x - 1)",
    "its own list": "def f(x):\n  found = []\n  found.append(x); found[0] = 2; found += [3]\n  return found",
    "its own function": "def f(x):\n  def inner(y): return y + x\n  return [inner(z) for z in range(x)]",
    "an exception": "def f(x):\n  try:\n    raise ValueError(x)\n  except ValueError as e:\n    return e.args",
    "a table": "TABLE = [1, 2, 3]\ndef f(x): return TABLE[0] + sum(y for y in TABLE) + (x in TABLE)",
    "printing": "def f(x): print(f'{x}!')",
    "a method of its own": "def f(x): return ' '.join(sorted(str(x).split()))",
}
_SHARED = {
    "a value": "import multiprocessing as mp\nv = mp.Value('i', 0)\ndef f(x):\n  with v.get_lock(): v.value += x",
    "a lock": "import multiprocessing as mp\nl = mp.Lock()\ndef f(x):\n  l.acquire()\n  l.release()",
    "an array": "import multiprocessing as mp\na = mp.Array('i', 3)\ndef f(x): a[0] += 1",
    "a queue": "import multiprocessing as mp\nq = mp.Queue()\ndef f(x): q.put(x)",
}
_ANYTHING = {
    "a global variable": "n = 0\ndef f(x):\n  global n\n  n += 1",
    "a list of the module": "seen = []\ndef f(x): seen.append(x)",
    "an item of the module": "cache = {}\ndef f(x): cache[x] = 1",
    "a list of the module and a variable of its name": "x = []\ndef f(y):\n  z = [x for x in range(3)]\n  x.append(y)",
    "who it is": "import os\ndef f(x): return os.getpid()",
    "the name of its process": "import multiprocessing\ndef f(x): return multiprocessing.current_process().name",
    "chance": "import random\ndef f(x): return random.random()",
    "the time": "import time\ndef f(x): return time.time()",
    "a file": "def f(x): return open(x)",
    "a default that it changes": "def f(x, seen=[]): seen.append(x)",
    "an attribute of itself": "def f(x): f.count = x",
    "a class": "class C: n = 0\ndef f(x): C.n += 1",
    "a decorator": "import functools\n@functools.lru_cache\ndef f(x): return x",
    "an unknown name": "def f(x): return unknown",
    "what another function does": "seen = []\ndef g(x): seen.append(x)\ndef f(x): g(x)",
    "a recursive lock": "import multiprocessing as mp\nl = mp.RLock()\ndef f(x): l.acquire()",
    "a lock by another name": "import multiprocessing as mp\nl = mp.RLock()\ndef f(x):\n  a = l\n  a.acquire()",
    "a queue that it closes": "import multiprocessing as mp\nq = mp.Queue()\ndef f(x): q.close()",
    "evaluation": "def f(x): return eval(x)",
    "what lies behind a value": "def f(x): return x.__class__.__mro__",
    "a generator of the module": "g = iter([1])\ndef f(x): return next(g)",
    "a module itself": "import math\ndef f(x): return math",
}
_CASES = {
    **{f"local: {name}": (source, "LOCAL") for name, source in _LOCAL.items()},
    **{f"shared: {name}": (source, "SHARED") for name, source in _SHARED.items()},
    **{f"anything: {name}": (source, "ANYTHING") for name, source in _ANYTHING.items()},
}
_ASK = (
    "\nfrom grader.runtime.agent.locality import Surroundings\nprint(Surroundings({}).reach(f, [{}]).name)\n"
)


@pytest.mark.parametrize(("source", "reach"), _CASES.values(), ids=_CASES)
def test_what_a_task_can_touch(run, source, reach):
    seen = run(source + _ASK.format("", 3))
    assert seen.out[0].splitlines()[-1:] == [reach]


@pytest.mark.parametrize(
    ("argument", "reach"),
    [
        ("[1, {'a': (2.0, None)}]", "LOCAL"),
        ("object()", "ANYTHING"),
        ("f", "ANYTHING"),
        ("[[]] * 20000", "ANYTHING"),
    ],
)
def test_what_it_is_given_counts(run, argument, reach):
    seen = run("def f(x): return x" + _ASK.format("", argument))
    assert seen.out[0] == f"{reach}\n"


@pytest.mark.parametrize(
    ("body", "reach"),
    [
        ("global n; n = value", "LOCAL"),
        ("global n, m; n, m = value, value", "LOCAL"),
        ("global n; n = [value]", "ANYTHING"),
        ("global n; n = value; print(n)", "ANYTHING"),
        ("global n; n = other", "ANYTHING"),
    ],
)
def test_an_initializer_that_keeps_its_arguments(run, body, reach):
    source = textwrap.dedent(f"""
        n, other = None, 3
        def init(value): {body}
        def f(x): return n
    """)
    assert run(source + _ASK.format("init, (5,)", 3)).out[0] == f"{reach}\n"


def test_a_shared_object_that_an_initializer_keeps(run):
    source = "import multiprocessing as mp\ndef init(value):\n  global n\n  n = value\ndef f(x): n.value = x"
    assert run(source + _ASK.format("init, (mp.Value('i', 0),)", 3)).out[0] == "SHARED\n"
    assert run(source + _ASK.format("init, (object(),)", 3)).out[0] == "ANYTHING\n"

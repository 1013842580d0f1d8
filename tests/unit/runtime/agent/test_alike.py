"""Children are alike only if nothing that they can see, or find out, tells one from the other."""

import textwrap

import pytest
from conftest import Runner

from grader.runtime.agent import alike, chance


@pytest.fixture(autouse=True)
def no_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chance, "wanted", False)
    monkeypatch.setattr(alike, "_imported", None)


PROGRAM = """
    import multiprocessing as mp
    import sys
    {imports}

    COUNT = 3
    {names}

    def helper():
        return COUNT

    def work(counter, lock, {parameters}):
        {body}
        with lock:
            counter.value += helper()

    if __name__ == "__main__":
        counter, lock, queue = mp.Value("i", 0), mp.Lock(), mp.Queue()
        settings = [1, 2]
        workers = []
        for number in range(3):
            workers.append(mp.Process(target=work, args=(counter, lock, {arguments}), {details}))
            {between}
            workers[-1].start()
        for worker in workers:
            worker.join()
        print(counter.value, sys.argv[0] == "x")
"""


def program(**parts: str) -> str:
    """The program, with something put in."""
    empty = ("imports", "names", "parameters", "arguments", "details")
    return PROGRAM.format(**{**dict.fromkeys(empty, ""), "body": "pass", "between": "pass", **parts})


def said(run: Runner, script: str) -> list[int | None]:
    """Whom each child is said to be like."""
    return [operation.get("like") for operation in run(script).asked("process.start")]


def understood(script: str) -> bool:
    """Whether anything can be said about children of this program."""
    alike.learn(textwrap.dedent(script))
    return alike._imported is not None


ALIKE = {
    "nothing more": program(),
    "a number": program(parameters="more", arguments="7"),
    "equal data": program(parameters="more", arguments="[1, (2, 'x'), {3: None}]"),
    "the same list": program(parameters="more", arguments="settings"),
    "words": program(parameters="*, more", details="kwargs={'more': 1.5}"),
    "a queue": program(parameters="more", arguments="queue", body="more.put(1)"),
    "a nap": program(imports="import time", body="time.sleep(0.1)"),
    "daemons": program(details="daemon=True"),
    "a global lock": program(names="guard = mp.Lock()", body="guard.acquire(); guard.release()"),
    "something nobody uses": program(between="COUNTED = number"),
}

DIFFERENT = {
    "the processes before it": program(parameters="more", arguments="workers"),
    "its number": program(parameters="more", arguments="number"),
    "one or true": program(parameters="more", arguments="1 if number else True"),
    "nothing of two signs": program(parameters="more", arguments="0.0 if number else -0.0"),
    "a queue of its own": program(parameters="more", arguments="mp.Queue()"),
    "a list that grows": program(parameters="more", arguments="settings", between="settings.append(number)"),
    "one list or two": program(parameters="a, b", arguments="settings, settings if number else [1, 2]"),
    "a global number": program(body="print(number)"),
    "a global number that a helper reads": program(between="COUNT = number"),
    "a global that comes up": program(
        body="f = lambda: late", between="\n" + 12 * " " + "if number: late = 1"
    ),
    "names": program(details="name=f'worker {number}'"),
    "daemons and others": program(details="daemon=number == 1"),
    "the clock": program(imports="import time", between="time.sleep(1)"),
    "a look at the clock": program(imports="import time", between="time.time()"),
    "the arguments of the program": program(between="sys.argv.append('y')"),
    "a global list that grows": program(names="seen = []", body="len(seen)", between="seen.append(1)"),
    "a lock that the parent holds": program(
        names="guard = mp.RLock()", body="guard", between="guard.acquire()"
    ),
    "a queue that is closed": program(
        names="queue = mp.SimpleQueue()", body="queue", between="number and queue.close()"
    ),
}

NOT_UNDERSTOOD = {
    "the process id": program(imports="import os", body="os.getpid()"),
    "another name for it": program(imports="from os import getpid as me"),
    "the process itself": program(body="mp.current_process().name"),
    "its own name by a path": program(body="f = getattr(mp, 'current_' + 'process')"),
    "chance": program(imports="import random", body="random.random()"),
    "an address": program(body="id(counter)"),
    "a hash": program(body="hash(lock)"),
    "a plain object": program(body="{object(), object()}"),
    "the environment": program(imports="import os", between="os.environ['x'] = 'y'"),
    "a log": program(imports="import logging", body="logging.info('x')"),
    "an unknown module": program(imports="import csv"),
    "the modules": program(body="sys.modules['os']"),
    "a stream of its own": program(between="sys.stdout = None"),
    "an attribute of the function": program(between="work.number = number"),
    "an attribute of the library": program(between="mp.value = number"),
    "a class": program(names="class Thing: pass"),
    "code from text": program(body="eval('1')"),
}


@pytest.mark.parametrize("script", ALIKE.values(), ids=ALIKE.keys())
def test_children_that_see_the_same_are_alike(run: Runner, script: str) -> None:
    assert said(run, script) == [None, -2, -3]


@pytest.mark.parametrize("script", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_children_that_see_something_else_are_not(run: Runner, script: str) -> None:
    likes = said(run, script)
    assert len(likes) == 3
    assert likes[:2] == [None, None]
    assert understood(script)


@pytest.mark.parametrize("script", NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD.keys())
def test_where_they_could_find_out_who_they_are_none_is_alike(run: Runner, script: str) -> None:
    assert said(run, script) == [None, None, None]
    assert not understood(script)


def test_each_is_like_the_latest_of_its_kind(run: Runner) -> None:
    script = program(parameters="more", arguments="number % 2")
    assert said(run, script) == [None, None, -2]


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes_that_start_from_nothing_are_compared_too(run: Runner, method: str) -> None:
    script = program().replace(
        "counter, lock, queue", f"mp.set_start_method({method!r})\n        counter, lock, queue"
    )
    assert said(run, script) == [None, -2, -3]


def test_another_start_method_makes_another_process(run: Runner) -> None:
    script = program().replace("mp.Process(", "mp.get_context('spawn' if number else 'fork').Process(")
    for name in ("mp.Value(", "mp.Lock("):
        script = script.replace(name, name.replace("mp", "mp.get_context('spawn')"))
    assert said(run, script) == [None, None, -3]


def test_children_of_a_child_are_compared_with_its_own_only(run: Runner) -> None:
    script = """
        import multiprocessing as mp

        def leaf():
            pass

        def branch():
            mp.Process(target=leaf).start()
            mp.Process(target=leaf).start()

        if __name__ == "__main__":
            mp.Process(target=leaf).start()
            mp.Process(target=branch).start()
    """
    likes = [
        (task, one.get("like")) for task, one in run(script).operations if one["kind"] == "process.start"
    ]
    assert likes == [(0, None), (0, None), (2, None), (2, -4)]

"""Small multiprocessing programs made at random, explored and run free. Start at `write`, `predicted` and `free_runs`.

Each process does a few operations, keeps what it saw in a list, and prints that list at its end; the main process
prints what is left in the shared objects. So an outcome is a set of lines, and they can be compared.
"""

import ast
import collections
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import TypeAlias

from grader.core.execution import Budget, OutcomeKind, StopReason
from grader.runtime.template import Template
from tests.hosted import explored

Outcome: TypeAlias = frozenset[str]
STUCK: Outcome = frozenset({"nobody can move"})
BUDGET = Budget(executions=1_500, seconds=20.0, steps=500)
_PRELUDE = """\
import multiprocessing as mp, queue, threading

def shake():
    pass

def attempt(seen, what, *args, **kwargs):
    shake()
    try:
        seen.append(what(*args, **kwargs))
    except (queue.Empty, queue.Full, ValueError, AssertionError, threading.BrokenBarrierError) as error:
        seen.append(type(error).__name__)

def tell(name, seen):
    print(f"{name} {seen}\\n", end="", flush=True)
"""
_FREE = """\
import os as _os, random as _random, sys as _sys, time as _time, signal as _signal

def shake():
    chance = _random.random()
    if chance < 0.25:
        _os.sched_yield()
    elif chance < 0.6:
        _time.sleep(_random.random() * _random.choice((0.0005, 0.003, 0.015)))

for _ in range(int(_sys.argv[1])):
    _reader, _writer = _os.pipe()
    _pid = _os.fork()
    if _pid == 0:
        _os.setsid()
        _os.register_at_fork(after_in_child=_random.seed)
        _os.dup2(_writer, 1)
        _os.close(_reader)
        _code = 1
        try:
            main()
            mp.util._exit_function()
            _code = 0
        finally:
            _sys.stdout.flush()
            _os._exit(_code)
    _os.close(_writer)
    _deadline, _text, _stuck = _time.monotonic() + {seconds}, b"", False
    import select as _select
    while True:
        if not _select.select([_reader], [], [], max(0.0, _deadline - _time.monotonic()))[0]:
            _stuck = True
            break
        _data = _os.read(_reader, 65536)
        if not _data:
            break
        _text += _data
    try:
        _os.killpg(_pid, _signal.SIGKILL)
    except ProcessLookupError:
        pass
    _os.close(_reader)
    _, _status = _os.waitpid(_pid, 0)
    print(repr(("stuck" if _stuck else "ended", _text.decode())), flush=True)
"""


class _Writer:
    """Writes one program."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._makers: dict[str, tuple[str, Callable[[str], str], str]] = {
            "v": ("mp.Value('i', 0)", self._value, "v.value"),
            "r": ("mp.Value('i', 0, lock=False)", self._raw, "r.value"),
            "a": ("mp.Array('i', 2)", self._array, "a[:]"),
            "l": ("mp.Lock()", self._lock, "l.acquire(False)"),
            "k": ("mp.RLock()", self._rlock, "k.acquire(False)"),
            "s": (f"mp.Semaphore({self._pick((0, 1, 2))})", self._semaphore, "s.get_value()"),
            "b": (f"mp.BoundedSemaphore({self._pick((1, 2))})", self._semaphore, "b.get_value()"),
            "e": ("mp.Event()", self._event, "e.is_set()"),
            "c": ("mp.Condition()", self._condition, "c.acquire(False)"),
            "w": (f"mp.Barrier({self._pick((2, 2, 3))})", self._barrier, "w.broken"),
            "q": (f"mp.Queue({self._pick((0, 0, 1, 2))})", self._queue, "q.qsize()"),
            "j": ("mp.JoinableQueue()", self._joinable, "j.qsize()"),
            "z": ("mp.SimpleQueue()", self._simple, "z.empty()"),
            "p": ("mp.Pipe()", self._pipe, "p[0].poll()"),
        }

    def _pick(self, options: Sequence[object]) -> object:
        return self._random.choice(options)

    def _number(self) -> int:
        return self._random.randint(1, 9)

    def program(self) -> str:
        """The text, up to and with a function `main`."""
        names = self._random.sample(sorted(self._makers), self._random.choice((1, 2, 2, 3)))
        workers = self._random.choice((2, 2, 2, 3))
        parameters = ", ".join(names)
        lines = [_PRELUDE]
        for worker in range(workers):
            lines += [f"def work{worker}({parameters}):", "    seen = []"]
            for _ in range(self._random.randint(1, 3 if workers == 2 else 2)):
                lines += [f"    {line}" for line in self._operation(names).splitlines()]
            lines += [f"    tell('P{worker}', seen)", ""]
        lines += ["def main():", "    seen = []"]
        lines += [f"    {name} = {self._makers[name][0]}" for name in names]
        starts = [f"mp.Process(target=work{worker}, args=({parameters},))" for worker in range(workers)]
        lines += [f"    processes = [{', '.join(starts)}]"]
        lines += ["    for process in processes:", "        process.start()"]
        if self._random.random() < 0.4:
            lines += [f"    {line}" for line in self._operation(names).splitlines()]
        if self._random.random() < 0.2:
            lines += ["    attempt(seen, processes[0].is_alive)"]
        lines += ["    for process in processes:", "        process.join()"]
        lines += [f"    attempt(seen, lambda: {self._makers[name][2]})" for name in names]
        lines += ["    seen += [process.exitcode for process in processes]", "    tell('main', seen)", ""]
        return "\n".join(lines)

    def _operation(self, names: list[str]) -> str:
        name = self._random.choice(names)
        return self._makers[name][1](name)

    def _value(self, name: str) -> str:
        return self._choose(
            f"attempt(seen, lambda: {name}.value)",
            f"shake()\n{name}.value += {self._number()}",
            f"shake()\n{name}.value = {self._number()}",
            f"with {name}.get_lock():\n    shake()\n    {name}.value += {self._number()}",
            f"attempt(seen, {name}.get_lock().acquire, False)",
        )

    def _raw(self, name: str) -> str:
        return self._choose(
            f"attempt(seen, lambda: {name}.value)",
            f"shake()\nold = {name}.value\nshake()\n{name}.value = old + {self._number()}",
            f"shake()\n{name}.value = {self._number()}",
        )

    def _array(self, name: str) -> str:
        index = self._random.randint(0, 1)
        return self._choose(
            f"attempt(seen, lambda: {name}[:])",
            f"shake()\n{name}[{index}] = {self._number()}",
            f"shake()\n{name}[{index}] += {self._number()}",
            f"shake()\n{name}[:] = [{self._number()}, {self._number()}]",
            f"with {name}:\n    shake()\n    {name}[{index}] = {name}[{1 - index}] + 1",
        )

    def _lock(self, name: str) -> str:
        return self._choose(
            f"with {name}:\n    shake()",
            f"attempt(seen, {name}.acquire, False)",
            f"attempt(seen, {name}.acquire, timeout=0.005)",
            f"attempt(seen, {name}.release)",
            f"if {name}.acquire(False):\n    shake()\n    {name}.release()\n    seen.append('had it')",
        )

    def _rlock(self, name: str) -> str:
        return self._choose(
            f"with {name}:\n    with {name}:\n        shake()",
            f"attempt(seen, {name}.acquire, False)",
            f"attempt(seen, {name}.acquire, True, 0.005)",
            f"attempt(seen, {name}.release)",
        )

    def _semaphore(self, name: str) -> str:
        return self._choose(
            f"attempt(seen, {name}.acquire, False)",
            f"attempt(seen, {name}.acquire, timeout=0.005)",
            f"attempt(seen, {name}.release)",
            f"attempt(seen, {name}.get_value)",
        )

    def _event(self, name: str) -> str:
        return self._choose(
            f"attempt(seen, {name}.set)",
            f"attempt(seen, {name}.clear)",
            f"attempt(seen, {name}.is_set)",
            f"attempt(seen, {name}.wait, 0.005)",
            f"attempt(seen, {name}.wait)",
        )

    def _condition(self, name: str) -> str:
        inside = self._choose(
            f"attempt(seen, {name}.wait, 0.005)",
            f"attempt(seen, {name}.wait, 0.02)",
            f"attempt(seen, {name}.wait)",
            f"attempt(seen, {name}.notify)",
            f"attempt(seen, {name}.notify)",
            f"attempt(seen, {name}.notify_all)",
        )
        return f"with {name}:\n    {inside}"

    def _barrier(self, name: str) -> str:
        return self._choose(
            f"attempt(seen, {name}.wait, 0.02)",
            f"attempt(seen, {name}.wait)",
            f"attempt(seen, {name}.abort)",
            f"attempt(seen, {name}.reset)",
            f"attempt(seen, lambda: ({name}.n_waiting, {name}.broken))",
        )

    def _queue(self, name: str) -> str:
        return self._choose(
            f"attempt(seen, {name}.put, {self._number()}, timeout=0.01)",
            f"attempt(seen, {name}.put_nowait, {self._number()})",
            f"attempt(seen, {name}.get_nowait)",
            f"attempt(seen, {name}.get, timeout=0.005)",
            f"attempt(seen, {name}.empty)",
            f"attempt(seen, {name}.full)",
            f"attempt(seen, {name}.qsize)",
        )

    def _joinable(self, name: str) -> str:
        return self._choose(
            f"attempt(seen, {name}.put, {self._number()})",
            f"attempt(seen, {name}.get_nowait)",
            f"attempt(seen, {name}.get, timeout=0.005)",
            f"attempt(seen, {name}.task_done)",
            f"attempt(seen, {name}.join)",
        )

    def _simple(self, name: str) -> str:
        return self._choose(
            f"attempt(seen, {name}.put, {self._number()})",
            f"attempt(seen, {name}.put, {self._number()})",
            f"attempt(seen, {name}.get)",
            f"attempt(seen, {name}.empty)",
        )

    def _pipe(self, name: str) -> str:
        end = f"{name}[{self._random.randint(0, 1)}]"
        return self._choose(
            f"attempt(seen, {end}.send, {self._number()})",
            f"attempt(seen, {end}.send, {self._number()})",
            f"attempt(seen, {end}.poll)",
            f"attempt(seen, {end}.poll, 0.005)",
            f"if {end}.poll(0.005):\n    attempt(seen, {end}.recv)",
        )

    def _choose(self, *options: str) -> str:
        return self._random.choice(options)


def write(seed: int) -> str:
    """The program of this number."""
    return _Writer(seed).program()


def predicted(template: Template, program: str) -> set[Outcome] | None:
    """Every outcome that exploration finds, None if there are too many orders to be sure, or it is not controlled."""
    seen = explored(template, program, BUDGET)
    kinds = {execution.outcome.kind for execution in seen.executions}
    known = {OutcomeKind.COMPLETED, OutcomeKind.DEADLOCK, OutcomeKind.PRUNED, OutcomeKind.LIVELOCK}
    if seen.total.stopped is not StopReason.EXHAUSTED or not kinds <= known:
        return None
    return {
        frozenset("".join(execution.output.values()).splitlines())
        if execution.outcome.kind is OutcomeKind.COMPLETED
        else STUCK
        for execution in seen.executions
        if execution.outcome.kind is not OutcomeKind.PRUNED
    }


def free_runs(program: str, times: int, seconds: float) -> collections.Counter[Outcome]:
    """The outcomes of running it on the real primitives, each process pausing at random before its operations.

    A run that is not over after so many seconds is stuck.
    """
    script = program + _FREE.replace("{seconds}", str(seconds))
    outcomes: collections.Counter[Outcome] = collections.Counter()
    with subprocess.Popen(
        [sys.executable, "-c", script, str(times)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            how, text = ast.literal_eval(line)
            outcomes[STUCK if how == "stuck" else frozenset(text.splitlines())] += 1
    assert sum(outcomes.values()) == times
    return outcomes

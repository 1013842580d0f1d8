"""The life of a controlled process that is nobody's `Process`: a main one, a task of the judge's, a spawned one.

Start at `begin_main` (before student code is met) and `call` (a function as the body of the process).
"""

import itertools
import pickle
import signal
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, TypeVar

from grader.runtime.agent import chance, channel, clock, context, draws, ending, popen
from grader.runtime.agent.internals import mp_process, mp_util, replace
from grader.runtime.agent.thing import Thing

_PLAIN = (type(None), bool, int, float, str, bytes)
_COLLECTIONS = (list, tuple, set, frozenset)
_RETURN_ITEMS = 100_000
_RETURN_BYTES = 1_000_000
_RETURN_DEPTH = 20
_Returned = TypeVar("_Returned")


def begin_main(name: str = "MainProcess") -> None:
    """Set up a fresh main process, whose channel has been adopted: what it is called, its clock, its randomness."""
    here = mp_process.current_process()
    here._name = name
    here._config.update(authkey=mp_process.AuthenticationString(bytes(32)))
    replace(mp_process, _process_counter=itertools.count(1), _children=set())
    mp_util._finalizer_registry.clear()
    mp_util._run_after_forkers()
    context.reset()
    ending.born(draws.first_pid() - 1)
    clock.start()
    chance.reseed(channel.current().task)
    signal.signal(
        signal.SIGCHLD, signal.SIG_IGN
    )  # nobody reaps the children: the judge knows their exit codes


def begin_call(name: str, first_child: int) -> None:
    """Set up a process that is to run one call: the fork of a main process that has imported the submission.

    `first_child` is the number in the default name of its first child.
    """
    here: Any = mp_process.current_process()
    here._name = name
    vars(mp_process)["_process_counter"] = itertools.count(first_child)
    chance.reseed(channel.current().task, keeps_own=name == "MainProcess")


def next_child() -> int:
    """The number in the default name of the next child (and none of it is used up)."""
    number = next(vars(mp_process)["_process_counter"])
    vars(mp_process)["_process_counter"] = itertools.count(number)
    return int(number)


def call(
    function: Callable[..., Any],
    args: Iterable[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    reusable: Callable[[], bool] = lambda: False,
    times: int = 1,
) -> None:
    """Run a function as the body of this process, tell what it returned, and end as a main process ends.

    It is called `times` times, and the last call counts. Comes back only if the process is `reusable` after that: it
    has then announced its end, and is to wait for the next call.
    """
    code = 0
    try:
        for _ in range(times):
            value = function(*args, **(kwargs or {}))
        channel.current().request(
            "process.return", text=type(value).__name__[: channel.NAME_LIMIT], data=_pickled(value)
        )
    except BaseException as error:
        code = ending.report(error)
    if code == 0 and reusable():
        channel.current().request("process.exit", text="reusable")
        return
    ending.leave_main(code)


def guard(body: Callable[[], _Returned]) -> _Returned:
    """What `body` returns; if it raises, this process ends as a main process does."""
    try:
        return body()
    except BaseException as error:
        code = ending.report(error)
    return ending.leave_main(code)  # not before: what the exception refers to is to be let go


def run_spawned(data: bytes, load: Callable[[], object] | None = None) -> NoReturn:
    """Be the process that `data` describes, in a clean interpreter whose channel has been adopted.

    `load` imports the submission, as it was in the parent; a process that it tries to start meanwhile is refused
    with Python's advice about the main module.
    """
    code = 1
    try:
        begin_main()
        body, parent = popen.prepare(data)
        here = mp_process.current_process()
        here._inheriting = True
        try:
            if load is not None:
                load()
            process_obj = pickle.loads(body)
        finally:
            del here._inheriting
        code = process_obj._bootstrap(parent_sentinel=popen.sentinel_of(parent))
    except BaseException as error:
        code = ending.report(error)
    ending.leave_main(code)


def _pickled(value: Any) -> bytes:
    """A value of plain types and modest size, pickled; nothing for any other."""
    if not _is_plain(value, [_RETURN_ITEMS], _RETURN_DEPTH):
        return b""
    data = pickle.dumps(value, protocol=4)
    return data if len(data) <= _RETURN_BYTES else b""


def _is_plain(value: Any, room: list[int], depth: int) -> bool:
    room[0] -= 1
    kind = type(value)
    if room[0] < 0 or depth == 0:
        return False
    if kind in _PLAIN:
        return True
    if kind is dict:
        return all(_is_plain(part, room, depth - 1) for pair in value.items() for part in pair)
    if kind is Thing:
        return _is_plain(vars(value), room, depth)
    return kind in _COLLECTIONS and all(_is_plain(part, room, depth - 1) for part in value)

"""Whether a process that has come to its end may run once more, as if it had just been forked.

A fork costs more than what most processes do, so they are used again where that cannot be told from a new one. Start
at `Freshness`: it allows that only for submissions in which nothing *could* be remembered: their source changes
nothing but local variables and arguments (`traceless`), and what is in the module are functions and constants.
Everything else gets a new process each time. `Child` is about a process that the submission started itself; that its
parent is in the same state as the last time, the judge knows from the parent's steps. The children of a program that
is run as `__main__` change nothing but what is in their own module, if `alike` understands its source; so what their
function can see of it is compared.

Failures are always confirmed in new processes, and so is one execution of each exploration that finds none.
"""

import copy
import threading
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

from grader.runtime.agent import chance, channel, clock, managers, pipes, traceless
from grader.runtime.agent.internals import mp_context, mp_process, mp_util

_PUT_THERE_BY_PYTHON = frozenset(
    {
        *("__name__", "__doc__", "__package__", "__loader__", "__spec__", "__file__"),
        *("__builtins__", "__annotations__"),
    }
)
_HANDLE_MODULES = frozenset(
    {"multiprocessing.synchronize", "multiprocessing.queues", "multiprocessing.sharedctypes"}
)
_default = mp_context._default_context
_MOST_ITEMS = 1_000
_DEEPEST = 8


class Freshness:
    """Knows one imported submission: whether its calls can leave anything behind, and whether they did.

    That they cannot is read off its source (`traceless`) and the values in its module.
    """

    def __init__(self, module: ModuleType, source: str) -> None:
        self._contents = vars(module)
        self._before = dict(self._contents)
        tree = traceless.parse(source)
        imported = traceless.imports(tree) if tree is not None else None
        self.possible = (
            tree is not None
            and imported is not None
            and traceless.leaves_no_trace(tree, self._before, imported)
            and all(_forgets(value, imported.get(name, self)) for name, value in self._own())
        )
        self._surroundings = self._look_around()
        self._main = _state_of(mp_process.current_process())
        self._chosen = _default._actual_context

    def begin_again(self) -> None:
        """Be as at the beginning of a call: no start method has been chosen but by the import."""
        _default._actual_context = self._chosen

    def unchanged(self) -> bool:
        """Whether the process is as it was before the call, as far as can be seen."""
        left = _spoiled or managers.used() or channel.had_threads()
        if left or not self.possible or len(self._contents) != len(self._before):
            return False
        same = all(self._contents.get(name, self) is value for name, value in self._before.items())
        return same and self._look_around() == self._surroundings

    def main_unchanged(self) -> bool:
        """The same for a main process, whose own object is looked at as well."""
        return self.unchanged() and _state_of(mp_process.current_process()) == self._main

    def _own(self) -> list[tuple[str, Any]]:
        return [item for item in self._before.items() if item[0] not in _PUT_THERE_BY_PYTHON]

    def defines(self, function: Any) -> bool:
        """Whether this is one of the functions at the top of the module."""
        return isinstance(function, FunctionType) and self._before.get(function.__name__) is function

    def _look_around(self) -> tuple[Any, ...]:
        contexts = (_default, *mp_context._concrete_contexts.values())
        return (
            len(vars(mp_process)["_children"]),
            threading.active_count(),
            pipes.open_handles(),
            *(len(vars(context)) for context in contexts),
            *(len(vars(value)) for _, value in self._own() if isinstance(value, FunctionType)),
        )


def _forgets(value: Any, imported: Any) -> bool:
    """Whether nothing can be remembered in a value of the module: what it imports, constants, plain functions."""
    if value is imported or traceless.is_constant(value):
        return True
    if not isinstance(value, FunctionType) or value.__closure__ is not None or vars(value):
        return False
    return all(map(traceless.is_constant, traceless.defaults(value)))


def _state_of(process: Any) -> dict[str, Any]:
    """What a process object knows, without what is given to it at each beginning."""
    known = {**vars(process), "_config": dict(process._config)}
    return {name: value for name, value in known.items() if name not in _GIVEN}


def _extent_of(handle: Any) -> list[int]:
    """How many attributes a handle, and each of its parts, has."""
    parts = (handle, *vars(handle).values())
    return [len(getattr(part, "__dict__", ())) for part in parts]


_GIVEN = ("_name", "_args", "_kwargs")
_PROCESSES = (mp_context.Process, mp_context.ForkProcess)
_COPIED = (list, dict, set)
_freshness: Freshness | None = None
_spoiled = False


def spoil() -> None:
    """Something was done in this process that the library remembers."""
    global _spoiled
    _spoiled = True


def remember(freshness: Freshness) -> None:
    """The submission that the children of this process will run code of."""
    global _freshness
    _freshness = freshness


class Child:
    """A process that the submission has started, as it is at its beginning.

    `look` gives what can be seen from it, as something to be compared with later; None if that is not known.
    """

    def __init__(self, process_obj: Any, look: Callable[[], object | None] = lambda: None) -> None:
        self._process = process_obj
        self._look = look
        self._sight = look() if _freshness is None and type(process_obj) in _PROCESSES else None
        self._elapsed = clock.elapsed()
        self._chosen = _default._actual_context
        contents = vars(process_obj)
        arguments = contents.get("_args", ()), contents.get("_kwargs", {})
        self._possible = (
            (self._sight is not None or self._calls_function_of_submission(contents.get("_target")))
            and not chance.wanted
            and all(map(_restorable, (*arguments[0], *arguments[1].values())))
        )
        self._shared = {id(handle): handle for handle in _handles_in(arguments)} if self._possible else {}
        self._arguments = self._copied(arguments) if self._possible else arguments
        self._before = self._look_at_itself()

    def _calls_function_of_submission(self, target: Any) -> bool:
        known = _freshness is not None and _freshness.possible and type(self._process) in _PROCESSES
        return known and _freshness is not None and _freshness.defines(target)

    def may_run_again(self) -> bool:
        """Whether nothing was left behind."""
        if not self._possible or self._look_at_itself() != self._before:
            return False
        if _freshness is not None:
            return _freshness.unchanged()
        alone = threading.active_count() == 1 and not vars(mp_process)["_children"]
        clock.start(self._elapsed)  # which is a part of what can be seen, and will be set anew
        return alone and self._look() == self._sight

    def _look_at_itself(self) -> tuple[Any, ...]:
        handles = [_extent_of(handle) for handle in self._shared.values()]
        return self._process.name, _state_of(self._process), handles

    def begin_again(self) -> None:
        """Be as at the beginning."""
        self._process._args, self._process._kwargs = self._copied(self._arguments)
        mp_util._exiting = False
        _default._actual_context = self._chosen
        clock.start(self._elapsed)

    def _copied(self, arguments: Any) -> Any:
        """New containers around the same handles, which a process resets itself after a fork."""
        return copy.deepcopy(arguments, dict(self._shared))


def _restorable(value: Any, depth: int = 0) -> bool:
    """Whether an argument can be had again as it was: a constant, plain data, or a handle of a shared object."""
    if type(value) in (*_COPIED, tuple):
        items = _items(value)
        fits = len(items) <= _MOST_ITEMS and depth < _DEEPEST
        return fits and all(_restorable(item, depth + 1) for item in items)
    return traceless.is_constant(value) or is_handle(value)


def is_handle(value: Any) -> bool:
    """Whether a value stands for a shared object."""
    return type(value).__module__ in _HANDLE_MODULES


def _items(container: Any) -> tuple[Any, ...]:
    return (*container, *container.values()) if isinstance(container, dict) else tuple(container)


def _handles_in(value: Any) -> list[Any]:
    """The handles in arguments that are restorable."""
    if type(value) in (*_COPIED, tuple):
        return [handle for item in _items(value) for handle in _handles_in(item)]
    return [value] if is_handle(value) else []

"""What one check lets happen: shared objects made by the judge, and processes that use them.

Start at `Scenario`. A check builds one, has it explored by a `grader.grading.lab.Lab`, and is shown every final state
as an `grader.grading.observed.Observed`.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from grader.core.operations import (
    JUDGE,
    Creation,
    LockFlavour,
    ObjectId,
    ObjectKind,
    Operation,
    OperationKind,
    TaskId,
    object_id,
)
from grader.engine.scripted import Script
from grader.grading.values import encode_memory, plain_pickle
from grader.primitives.registry import BY_OBJECT, BY_OPERATION
from grader.runtime.programs import HOST_PLACE, Call


class Shared(msgspec.Struct, frozen=True):
    """A shared object of a scenario: its number, its shown name, and how a task gets to know it."""

    object: ObjectId
    name: str
    description: dict[str, Any]


class Scenario:
    """Objects, calls of the submission's functions, and partners that run in the judge.

    Every call is a process of its own: `call` makes them `P1`, `P2`, …; `main` makes the one call whose process is
    the program's main process and starts others itself. `processes` is the count that the check is about; `about`
    tells the input, where a check tries many ("a counter that starts at 256"), and findings begin with it.
    """

    forbids = True
    """Whether starting other programs and the like is forbidden, and not just out of our control."""

    def __init__(self, processes: int = 1, about: str = "") -> None:
        self.processes = processes
        self.about = about
        self.objects: dict[ObjectId, Any] = {}
        self.shared: dict[ObjectId, Shared] = {}
        self.calls: list[Call] = []
        self.scripts: list[tuple[str, Script]] = []

    def value(self, typecode: str, initial: Any, name: str) -> Shared:
        """A `multiprocessing.Value(typecode, initial)` with its own recursive lock."""
        return self._memory(typecode, [initial], -1, name)

    def array(self, typecode: str, initial: Sequence[Any], name: str) -> Shared:
        """A `multiprocessing.Array(typecode, initial)` with its own recursive lock."""
        return self._memory(typecode, initial, len(initial), name)

    def _memory(self, typecode: str, items: Sequence[Any], length: int, name: str) -> Shared:
        guard = self._add(ObjectKind.LOCK, f"{name}.get_lock()", {}, flavour=LockFlavour.RLOCK, number=1)
        return self._add(
            ObjectKind.MEMORY,
            name,
            {"kind": "memory", "typecode": typecode, "length": length, "lock": guard.object},
            typecode=typecode,
            data=encode_memory(typecode, items),
            length=length,
            lock=guard.object,
        )

    def lock(self, name: str = "lock") -> Shared:
        """A `multiprocessing.Lock()`."""
        description = {"kind": "lock", "flavour": LockFlavour.LOCK.value}
        return self._add(ObjectKind.LOCK, name, description, number=1)

    def queue(self, name: str = "queue", maxsize: int = 0, items: Sequence[Any] = ()) -> Shared:
        """A `multiprocessing.Queue(maxsize)`; `items` are already on it."""
        queue = self._add(ObjectKind.QUEUE, name, {"kind": "queue", "maxsize": maxsize}, number=maxsize)
        primitive = BY_OPERATION[OperationKind.QUEUE_PUT]
        for item in items:
            put = Operation(OperationKind.QUEUE_PUT, queue.object, data=plain_pickle(item))
            primitive.apply(self.objects, JUDGE, put)
            flush = Operation(OperationKind.QUEUE_FLUSH, queue.object, number=JUDGE)
            primitive.apply(self.objects, JUDGE, flush)
        return queue

    def _add(self, kind: ObjectKind, name: str, description: dict[str, Any], **fields: Any) -> Shared:
        number = object_id(JUDGE, len(self.objects))
        creation = Creation(number, kind, **fields)
        self.objects[number] = BY_OBJECT[kind].create(creation)
        shared = Shared(number, name, {**description, "object": number})
        self.shared[number] = shared
        return shared

    def call(self, function: str, *arguments: Any, count: int = 1, times: int = 1) -> None:
        """Let `count` processes call `function` with these shared objects or plain values, so many `times` in a row."""
        for _ in range(count):
            place = len(self.calls) + 1
            self.calls.append(Call(function, _describe(arguments), f"P{place}", f"Process-{place}", times))

    def main(self, function: str, *arguments: Any, times: int = 1) -> None:
        """Let one main process call `function`, which starts its own processes, so many `times` in a row."""
        self.calls.append(Call(function, _describe(arguments), "main", "MainProcess", times))

    def partner(self, script: Script, label: str = "partner") -> None:
        """Let a process of ours, which keeps to the contract, run beside the calls."""
        self.scripts.append((label, script))

    def tasks(self) -> list[TaskId]:
        """The numbers of the processes that run calls, in the order of the calls."""
        return list(range(HOST_PLACE + 1, HOST_PLACE + 1 + len(self.calls)))


def _describe(arguments: Sequence[Any]) -> tuple[dict[str, Any], ...]:
    return tuple(
        argument.description if isinstance(argument, Shared) else {"plain": plain_pickle(argument)}
        for argument in arguments
    )

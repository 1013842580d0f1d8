"""Whatever a task announces, its execution ends in an outcome: nothing that is said can make the machine fail."""

import math
import random

import pytest

from grader.core.execution import Budget, Execution
from grader.core.operations import (
    NO_OBJECT,
    SHARED_NAMES,
    Creation,
    LockFlavour,
    ObjectId,
    ObjectKind,
    Operation,
    OperationKind,
    Update,
    object_id,
)
from grader.engine.explorer import explore
from grader.engine.scripted import Asked, Script, ScriptedProgram
from grader.engine.strategies.dpor import Dpor
from grader.grading.flaws import general_flaws
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario

KIND = OperationKind
MADE = 14
"""Numbers of objects: those that the first task makes, and some that nobody makes."""
NUMBERS = (0, 0, 1, 1, 2, 4, -1, 2**40, -(2**63))
STRANGE = (NO_OBJECT, SHARED_NAMES, -1, -2, -3, -9, 5, 2**70)
DECIDED_ELSEWHERE = (KIND.THREAD_START, KIND.PROCESS_START, KIND.QUEUE_FLUSH, KIND.READY)
"""Scripts cannot tell what their children do; and whether a task may flush, or be ready, the session decides."""
KINDS = tuple(kind for kind in KIND if kind not in DECIDED_ELSEWHERE)
DATA = (b"", b"N.", b"\x01\0\0\0", b"K\x02.", b"(" * 30)


class Liar:
    """Says things at random, mostly about objects of the right kind, or else it would not come far."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._kinds: list[ObjectKind] = []

    def creations(self) -> tuple[Creation, ...]:
        choose = self._random.choice
        made: list[Creation] = []
        for number in range(MADE - 2):
            kind = choose([kind for kind in ObjectKind if kind is not ObjectKind.PROCESS])
            locks = [entry.object for entry in made if entry.kind is ObjectKind.LOCK] or [NO_OBJECT]
            anything = choose([NO_OBJECT, *(entry.object for entry in made)])
            if kind is ObjectKind.CONDITION and locks == [NO_OBJECT]:
                kind = ObjectKind.LOCK
            lock = choose(locks) if kind in (ObjectKind.MEMORY, ObjectKind.CONDITION) else anything
            self._kinds.append(kind)
            made.append(
                Creation(
                    object_id(1, number),
                    kind,
                    typecode=choose(["i", "d", "u", "?", "list", "Value", ""]),
                    data=choose(DATA),
                    flavour=choose(list(LockFlavour)),
                    number=choose([0, 1, 2, 8]) if kind is ObjectKind.MEMORY else choose([0, 1, 2, -1]),
                    lock=lock,
                    simple=choose([True, False]),
                    length=choose([-1, 0, 1, 2]),
                )
            )
        return tuple(made)

    def message(self) -> Asked:
        choose = self._random.choice
        kind = choose(KINDS if self._rarely() else [kind for kind in KINDS if self._has(kind)])
        own = [
            number for number, made in enumerate(self._kinds) if kind.value.partition(".")[0] == made.value
        ]
        target = object_id(1, choose(own)) if own and not self._rarely() else self._target()
        operation = Operation(
            kind,
            target,
            block=choose([True, False]),
            timed=choose([True, False]),
            offset=choose(NUMBERS),
            number=choose(NUMBERS),
            data=choose(DATA),
            text=choose(["", "x", "append", "__getitem__"]),
            targets=tuple(self._target() for _ in range(choose([1, 2]))) if self._rarely() else (),
            manager=self._target() if self._rarely() else NO_OBJECT,
        )
        updates = (Update(target, choose(DATA)),) if self._rarely() else ()
        return Asked(operation, updates=updates)

    def _rarely(self) -> bool:
        return self._random.random() < 0.05

    def _has(self, kind: OperationKind) -> bool:
        return any(kind.value.partition(".")[0] == made.value for made in self._kinds)

    def _target(self) -> ObjectId:
        if self._random.random() < 0.5:
            return self._random.choice(STRANGE)
        return object_id(1, self._random.randrange(MADE)) * self._random.choice([1, 1, 2])


def saying(messages: list[Asked], made: tuple[Creation, ...] = ()) -> Script:
    def script():  # type: ignore[no-untyped-def]
        if made:
            yield Asked(Operation(KIND.SLEEP), created=made)
        for message in messages:  # noqa: UP028 - what is sent must not reach the list
            yield message

    return script


@pytest.mark.parametrize("part", range(8))
def test_nothing_that_a_task_says_makes_the_machine_fail(part: int) -> None:
    done = set()

    def watch(execution: Execution) -> bool:
        done.update(step.operation.kind for step in execution.trace)
        seen = Observed(Scenario(), execution)
        general_flaws(seen, Names("", {}, execution, execution.creations))
        return True

    for seed in range(part * 60, part * 60 + 60):
        liar = Liar(seed)
        made = liar.creations()
        first, second = ([liar.message() for _ in range(6)] for _ in range(2))
        program = ScriptedProgram({}, [saying([]), saying(first, made), saying(second)])
        explore(program, Dpor(), Budget(executions=6, seconds=math.inf, steps=60), watch)
    assert len(done) > 40

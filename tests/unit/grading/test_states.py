"""What shared objects hold at each step: found by performing a trace again, never made up."""

import random
from collections.abc import Generator, Mapping
from typing import Any

import msgspec
import pytest

from grader.core.execution import Execution
from grader.core.operations import (
    JUDGE,
    Creation,
    LockFlavour,
    ObjectId,
    ObjectKind,
    OperationKind,
    Result,
    object_id,
)
from grader.engine.driver import run
from grader.engine.scripted import Asked, Script, ScriptedProgram
from grader.engine.strategies.random_walk import RandomWalk
from grader.engine.strategies.replay import Replay
from grader.engine.tasks import TaskTable
from grader.grading.flaws import Flaw, Wrong
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario, Shared
from grader.grading.states import History, history, say
from grader.grading.values import plain_pickle
from grader.grading.witness import Witness, witness
from grader.primitives.condition import Call, ConditionState
from grader.primitives.event import EventState
from grader.primitives.lock import LockState
from grader.primitives.queue import Message, QueueState
from tests.programs import FAMILIES, ProgramMaker, acquire, do, get, put, read, release, write

KIND = OperationKind


def names_of(execution: Execution, shared: Mapping[ObjectId, Shared], source: str = "") -> Names:
    return Names(source, shared, execution, execution.creations)


def performed(scenario: Scenario, scripts: list[Script], order: str) -> Observed:
    """The execution in which the tasks go in this order (`1` is P1), and then as they come."""
    program = ScriptedProgram(scenario.objects, scripts)
    paths = [(int(task),) for task in order]
    return Observed(scenario, run(program, Replay(paths, lenient=True), TaskTable(), 100))


def told(scenario: Scenario, scripts: list[Script], order: str, source: str = "") -> Witness:
    seen = performed(scenario, scripts, order)
    names = names_of(seen.execution, scenario.shared, source)
    return witness(seen, names, tuple(source.split("\n")), Flaw(Wrong.VALUE, ""))


def states(shown: Witness) -> list[tuple[str, str, dict[str, str]]]:
    return [(step.task, step.operation, dict(step.state)) for step in shown.steps]


def test_a_lost_update_step_by_step() -> None:
    scenario = Scenario(2)
    counter = scenario.value("i", 0, "counter").object
    lock = scenario.lock().object

    def increment() -> Generator[Any, Result, None]:
        yield acquire(lock)
        got = yield read(counter, size=4)
        yield release(lock)
        yield write((got.data[0] + 1).to_bytes(4, "little"), counter)

    shown = told(scenario, [increment, increment], "1112222211")
    assert dict(shown.start) == {"counter": "0", "lock": "free", "alive": "P1, P2"}
    assert states(shown) == [
        ("P1", "acquire", {"lock": "held by P1"}),
        ("P1", "read", {}),
        ("P1", "release", {"lock": "free"}),
        ("P2", "acquire", {"lock": "held by P2"}),
        ("P2", "read", {}),
        ("P2", "release", {"lock": "free"}),
        ("P2", "write", {"counter": "1", "alive": "P1"}),
        ("P1", "write", {"alive": "nobody"}),
    ]


def test_what_is_on_its_way_and_what_is_in_the_pipe() -> None:
    scenario = Scenario(2)
    queue = scenario.queue(items=["old"]).object

    def producer() -> Generator[Any, Result, None]:
        yield put(plain_pickle("new"), queue)

    def looker() -> Generator[Any, Result, None]:
        yield do(KIND.QUEUE_EMPTY, queue)
        yield get(queue)
        yield get(queue, block=False)

    shown = told(scenario, [producer, looker], "1222")
    assert dict(shown.start)["queue"] == "['old']"
    assert [(task, what, state.get("queue")) for task, what, state in states(shown)] == [
        ("P1", "put", "['old'] · on its way from P1: ['new']"),
        ("P2", "empty?", None),
        ("P2", "get", "empty · on its way from P1: ['new']"),
        ("P2", "get", None),
        ("P1", "arrives on", "['new']"),
    ]


def test_an_object_made_on_the_way_is_there_from_the_start_with_its_first_value() -> None:
    scenario = Scenario(1)

    def maker() -> Generator[Any, Result, None]:
        made = Creation(object_id(0, 1), ObjectKind.EVENT, line=2)
        yield Asked(do(KIND.EVENT_SET, made.object), created=(made,))

    shown = told(scenario, [maker], "1", source="import x\nready = x.Event()\n")
    assert dict(shown.start) == {"ready": "not set", "alive": "P1"}
    assert states(shown) == [("P1", "set", {"ready": "set", "alive": "nobody"})]


def test_locks_of_one_name_are_told_apart() -> None:
    scenario = Scenario(2)
    scenario.lock()

    def with_its_own(task: int) -> Script:
        def script() -> Generator[Any, Result, None]:
            made = Creation(object_id(task, 1), ObjectKind.LOCK, line=1, number=1)
            yield Asked(acquire(made.object), created=(made,))

        return script

    shown = told(scenario, [with_its_own(0), with_its_own(1)], "12", source="lock = Lock()\n")
    assert [name for name, _ in shown.start] == ["lock", "lock (line 1)", "lock of P2", "alive"]


def test_what_cannot_be_performed_again_is_not_told() -> None:
    scenario = Scenario(1)
    counter = scenario.value("i", 7, "counter").object

    def reader() -> Generator[Any, Result, None]:
        yield read(counter, size=4)

    seen = performed(scenario, [reader], "1")
    names = names_of(seen.execution, scenario.shared)
    assert history(seen, names, 100).start
    other = Scenario(1)
    other.value("i", 8, "counter")
    for initial in (other.objects, {}):
        forged = Observed(scenario, msgspec.structs.replace(seen.execution, initial=initial))
        assert history(forged, names, 100) == History()


@pytest.mark.parametrize("seed", range(60))
def test_the_last_states_are_those_that_the_execution_ended_with(seed: int) -> None:
    program = ProgramMaker(random.Random(seed).choice, FAMILIES).program(length=(2, 3, 4))
    scenario = Scenario()
    scenario.objects = program.objects
    scenario.shared = {number: Shared(number, f"object {number}", {}) for number in program.objects}
    execution = run(
        ScriptedProgram(program.objects, program.scripts()), RandomWalk(seed, 1), TaskTable(), 100
    )
    seen = Observed(scenario, execution)
    past = history(seen, names_of(execution, scenario.shared), 100)
    assert len(past.changes) == len(execution.trace)
    held = dict(past.start)
    for change in past.changes:
        held.update(change)
    shown = {f"object {number}": say(state, seen.label) for number, state in execution.objects.items()}
    assert held.keys() & shown.keys()
    assert {name: held[name] for name in held.keys() & shown.keys()}.items() <= shown.items()


def label(task: int) -> str:
    return f"P{task + 1}"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (LockState(LockFlavour.LOCK, 1, 1), "free"),
        (LockState(LockFlavour.LOCK, 0, 1, (1,), 1), "held by P2"),
        (LockState(LockFlavour.LOCK, 0, 1), "taken"),
        (LockState(LockFlavour.RLOCK, 0, 1, (0,), 2), "held by P1, 2 times"),
        (LockState(LockFlavour.SEMAPHORE, 1, 9, (0, 1), 1), "1 free, held by P1, P2"),
        (EventState(False), "not set"),
        (ConditionState(1), "nobody waits"),
        (ConditionState(1, (0, 1), (Call(1, 1, (0, 1)),)), "waiting: P1, P2, 1 notified"),
        (QueueState(0, False), "empty"),
        (
            QueueState(0, False, pipe=(Message(plain_pickle(1), JUDGE),) * 9),
            "[1, 1, 1, 1, 1, 1, …] (9 items)",
        ),
        (object(), ""),
    ],
)
def test_words(state: object, said: str) -> None:
    assert say(state, label) == said

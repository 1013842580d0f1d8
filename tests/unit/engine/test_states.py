"""The search through states: few of them where there are very many orders, and what only many processes show."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from grader.core.execution import Budget
from grader.core.operations import OperationKind
from grader.engine.essence import essence
from grader.engine.scripted import Script
from grader.engine.strategies.dpor import Dpor
from grader.engine.strategies.states import States
from grader.engine.waits import Bounds
from tests.exploring import UNBOUNDED, run_all
from tests.programs import LOCK, MEMORY, QUEUE, acquire, do, get, objects, put, read, release, write

ENOUGH = Budget(executions=2_000, seconds=math.inf, steps=1_000)


def adding(*, locked: bool) -> Script:
    """Adds 1 to a cell, in a critical section or not."""

    def script() -> Any:
        if locked:
            yield acquire()
        value = yield read(MEMORY)
        yield write(bytes([value.data[0] + 1]))
        if locked:
            yield release()

    return script


def trying(times: int) -> Script:
    """Reads, and writes 1 more if nobody has written meanwhile; gives up, and writes 100, after so many tries."""

    def script() -> Any:
        for _ in range(times):
            before = (yield read(MEMORY)).data[0]
            yield acquire()
            now = (yield read(MEMORY)).data[0]
            if now == before:
                yield write(bytes([before + 1]))
            yield release()
            if now == before:
                return
        yield write(b"\x01", offset=1)

    return script


def finals(scripts: Sequence[Script], strategy: Any) -> set[bytes]:
    """What the memory holds in the end, in all executions."""
    found = run_all(objects(), scripts, strategy, budget=ENOUGH).executions
    return {execution.objects[MEMORY].data for execution in found}


def test_eight_that_count_under_a_lock_have_few_states() -> None:
    states = States()
    assert finals([adding(locked=True)] * 8, states) == {b"\x08\x00\x00"}
    assert states.states < 1_000  # in all passes; there are 40,320 orders


@pytest.mark.parametrize("names_matter", [True, False])
@pytest.mark.parametrize("tasks", [2, 3, 4])
def test_every_final_value_of_a_race_is_found(tasks: int, names_matter: bool) -> None:
    scripts = [adding(locked=False)] * tasks
    states = States(20_000, UNBOUNDED, names_matter=names_matter)
    assert finals(scripts, states) == {bytes([value, 0, 0]) for value in range(1, tasks + 1)}


@pytest.mark.parametrize(
    ("times", "tasks", "gives_up"), [(2, 2, False), (2, 3, True), (3, 3, False), (3, 4, True)]
)
def test_who_gives_up_after_k_others_were_faster_needs_so_many_others(
    times: int, tasks: int, gives_up: bool
) -> None:
    found = finals([trying(times)] * tasks, States(bounds=Bounds(12)))
    assert any(data[1] for data in found) == gives_up


def test_one_that_is_not_like_the_others_is_no_other_name_for_them() -> None:
    found = finals([*[adding(locked=True)] * 4, adding(locked=False)], States(20_000, UNBOUNDED))
    assert b"\x04\x00\x00" in found
    assert b"\x05\x00\x00" in found


@pytest.mark.parametrize(
    "scripts",
    [
        lambda: [_putter(b"a"), _putter(b"b"), _getter(2)],
        lambda: [_putter(b"a"), _getter(1), _getter(1)],
    ],
)
def test_a_queue_ends_in_the_same_states_as_in_all_orders(scripts: Callable[[], list[Script]]) -> None:
    def ends(strategy: Any) -> set[Any]:
        found = run_all(objects(), scripts(), strategy, budget=ENOUGH).executions
        return {(one.outcome.kind, essence(one.objects[QUEUE]), one.objects[MEMORY]) for one in found}

    assert ends(States(20_000, UNBOUNDED, names_matter=True)) == ends(Dpor(UNBOUNDED))


def _putter(data: bytes) -> Script:
    def script() -> Any:
        yield put(data)

    return script


def _getter(times: int) -> Script:
    """Writes down the last thing that it has got."""

    def script() -> Any:
        for _ in range(times):
            got = yield get()
        yield write(got.data)

    return script


def test_what_is_left_of_a_program_that_does_otherwise_is_not_judged() -> None:
    lives: list[int] = []

    def changing() -> Any:
        lives.append(1)
        for _ in range(min(len(lives), 3)):
            yield do(OperationKind.LOCK_VALUE, LOCK)
        yield write(bytes([len(lives) % 7]))

    found = run_all(objects(), [changing, adding(locked=False)], States(), budget=ENOUGH)
    assert all(execution.outcome.kind.value != "diverged" for execution in found.executions)

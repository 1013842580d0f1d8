"""A task may change the content of a manager's object when it was let, that object only, and once."""

from collections.abc import Generator
from typing import Any

import pytest

from grader.core.execution import OutcomeKind
from grader.core.operations import Operation, Update
from grader.engine.scripted import Asked
from tests.exploring import run_all
from tests.programs import KIND, OTHER_REFERENT, REFERENT, do, objects

CHANGE, READ = do(KIND.REFERENT_CHANGE, REFERENT), do(KIND.REFERENT_READ, REFERENT)
END = Operation(KIND.PROCESS_EXIT)
MINE, OTHERS = Update(REFERENT, b"new"), Update(OTHER_REFERENT, b"new")


def ending(first: Operation, *updates: Update, again: tuple[Update, ...] = ()) -> Any:
    """One task does `first`, sends updates, reads, and sends some `again`."""

    def script() -> Generator[Any, Any, None]:
        yield first
        yield Asked(READ, updates=updates)
        yield Asked(END, updates=again)

    (execution,) = run_all(objects(), [script]).executions
    return execution


def test_the_new_content_is_what_the_next_one_reads() -> None:
    execution = ending(CHANGE, MINE)
    assert execution.outcome.kind is OutcomeKind.COMPLETED
    assert execution.trace[1].result.data == b"new"
    assert execution.objects[REFERENT].data == b"new"


def test_without_a_word_everything_stays_as_it_was() -> None:
    execution = ending(CHANGE)
    assert execution.trace[1].result == execution.trace[0].result
    assert execution.objects[REFERENT] == objects()[REFERENT]


@pytest.mark.parametrize(
    ("first", "updates", "again"),
    [
        (READ, (MINE,), ()),
        (CHANGE, (OTHERS,), ()),
        (CHANGE, (MINE, MINE), ()),
        (CHANGE, (MINE, OTHERS), ()),
        (CHANGE, (MINE,), (MINE,)),
        (do(KIND.EVENT_SET, 10), (MINE,), ()),
    ],
)
def test_any_other_update_ends_the_execution_as_crashed(
    first: Operation, updates: tuple[Update, ...], again: tuple[Update, ...]
) -> None:
    assert ending(first, *updates, again=again).outcome.kind is OutcomeKind.CRASHED


def test_nobody_operates_in_the_name_of_what_is_no_manager() -> None:
    execution = ending(do(KIND.REFERENT_READ, REFERENT, manager=OTHER_REFERENT))
    assert execution.outcome.kind is OutcomeKind.CRASHED

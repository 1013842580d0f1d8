"""Counts of the litmus programs, with and without the names of identical tasks. Start at `PROGRAMS`."""

from collections.abc import Callable
from functools import partial

from tests.exploring import Explored, run_all
from tests.golden.record import LitmusRecord
from tests.litmus.classics import Classic
from tests.litmus.test_classics import ALL
from tests.litmus.test_identical import SMALL, without_names


def _counted(explore: Callable[[Classic], Explored], program: Classic) -> LitmusRecord:
    explored = explore(program)
    total = explored.total
    return LitmusRecord(
        total.executions,
        total.traces,
        total.pruned,
        total.stopped.value,
        {kind.value: count for kind, count in sorted(explored.kinds.items())},
        len(explored.endings),
        list(total.identical),
    )


def _with_names(program: Classic) -> Explored:
    return run_all(*program)


PROGRAMS: dict[str, Callable[[], LitmusRecord]] = {
    **{f"litmus/{name}": partial(_counted, _with_names, program) for name, program in ALL.items()},
    **{
        f"litmus/{name}, without names": partial(_counted, without_names, program)
        for name, program in SMALL.items()
    },
}
"""Each program by the name of its record: what makes the record."""

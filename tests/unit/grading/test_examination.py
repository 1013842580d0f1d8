"""What used processes show is not believed where new ones show something else."""

import itertools
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

from grader.core.execution import Budget, Execution
from grader.core.verdict import EvidenceLevel
from grader.engine.scripted import Script, ScriptedProgram
from grader.engine.strategies.dpor import Dpor
from grader.grading import tokens
from grader.grading.examination import Examination
from grader.grading.findings import FindingMaker, Origin
from grader.grading.flaws import Flaw, Wrong
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario
from grader.runtime.template import SubmissionText
from tests.polling import plain
from tests.programs import MEMORY, objects, read, write


class Program(ScriptedProgram):
    """A scripted program that says of itself whether its processes are used ones."""

    def __init__(self, script: Script, *, has_reused: bool) -> None:
        super().__init__(objects(), [script, plain([write(b"\7", offset=1)])])
        self.has_reused = has_reused
        self.remembers = False

    def close(self) -> None:
        """Nothing is kept."""


def examined(used: Callable[[], Script], fresh: Script) -> Examination:
    def launcher(wants_fresh: bool) -> Any:
        return Program(fresh if wants_fresh else used(), has_reused=not wants_fresh)

    def verdict(seen: Observed) -> Sequence[Flaw]:
        content = cast(Any, seen.execution.objects[MEMORY]).data[0]
        return [Flaw(Wrong.VALUE, "wrong")] if content == 2 else []

    def schedule(execution: Execution) -> Any:
        return tokens.paths_of(execution)

    traced = FindingMaker(Origin(SubmissionText("x", "x.py", ""), ""), Scenario()).traced
    fake = SimpleNamespace(names=lambda execution: None, schedule=schedule, traced=traced)
    maker = cast(FindingMaker, fake)
    return Examination(launcher, Scenario(2), verdict, maker, Budget(50, 20, 200), lambda _: None)


def writes(number: int) -> Script:
    return plain([write(bytes([number]))])


def test_a_flaw_that_only_new_processes_show_is_found() -> None:
    examination = examined(lambda: writes(1), writes(2))
    examination.run(lambda: [Dpor()])
    assert Wrong.VALUE in examination.tally.first


def test_a_flaw_that_only_used_processes_show_is_none() -> None:
    examination = examined(lambda: writes(2), writes(1))
    evidence = examination.run(lambda: [Dpor()])
    assert not examination.tally.first
    assert evidence.level is EvidenceLevel.VERIFIED


def never_the_same() -> Script:
    """Writes in one execution, and reads in the next."""
    turns = itertools.cycle([write(b"\1", offset=1), read(offset=1)])

    def script() -> Any:
        yield next(turns)

    return script


def test_what_diverges_in_used_processes_only_is_explored_in_new_ones() -> None:
    examination = examined(never_the_same, plain([write(b"\1", offset=1)]))
    evidence = examination.run(lambda: [Dpor()])
    assert examination.tally.blocked is None
    assert (evidence.level, evidence.executions) == (EvidenceLevel.VERIFIED, 2)


def test_what_diverges_in_new_processes_too_is_not_judged() -> None:
    examination = examined(never_the_same, never_the_same())
    examination.run(lambda: [Dpor()])
    assert examination.tally.blocked is not None


def test_where_both_are_the_same_nothing_is_done_twice() -> None:
    examination = examined(lambda: writes(1), writes(1))
    examination.run(lambda: [Dpor()])
    assert examination.tally.judged == 1

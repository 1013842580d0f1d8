"""Explore a program of real processes: `explored` runs its `main()` in every order that matters."""

import math
import textwrap
from typing import NamedTuple

from grader.core.execution import Budget, Execution, OutcomeKind
from grader.core.operations import process_object
from grader.engine.driver import run
from grader.engine.explorer import Exploration, explore
from grader.engine.strategies.base import Strategy
from grader.engine.strategies.dpor import Dpor
from grader.engine.strategies.replay import Replay
from grader.engine.tasks import TaskTable
from grader.primitives.process import ProcessState
from grader.runtime.programs import Call, HostedProgram, ImportProgram
from grader.runtime.template import SubmissionText, Template

ENOUGH = Budget(executions=3_000, seconds=math.inf, steps=2_000)


class Hosted(NamedTuple):
    """The totals of an exploration, and all its executions."""

    total: Exploration
    executions: list[Execution]

    @property
    def endings(self) -> set[str]:
        """What each execution came to, in words: how it ended, what `main` printed, who died of what."""
        return {ending_of(execution) for execution in self.executions}


def ending_of(execution: Execution) -> str:
    """How an execution ended: what was printed, and for each process that failed, of what."""
    outcome = execution.outcome
    words = [] if outcome.kind is OutcomeKind.COMPLETED else [outcome.kind.value]
    if outcome.kind in (OutcomeKind.UNCONTROLLED, OutcomeKind.CRASHED, OutcomeKind.DIVERGED):
        words.append(outcome.detail)
    for task, label in sorted(execution.labels.items()):
        state = execution.objects.get(process_object(task))
        if text := execution.output.get(task, "").strip():
            words.append(text)
        if isinstance(state, ProcessState) and state.failure is not None:
            words.append(f"{label}: {state.failure.type}")
    return " | ".join(words)


def explored(
    template: Template, source: str, budget: Budget = ENOUGH, strategy: Strategy | None = None
) -> Hosted:
    """Every execution of the function `main` of a program that the strategy (DPOR, if none is given) makes."""
    text = SubmissionText(name="program", filename="program.py", source=textwrap.dedent(source))
    executions: list[Execution] = []

    def keep(execution: Execution) -> bool:
        executions.append(execution)
        return True

    with template.runner(text) as runner:
        importing = ImportProgram(runner)
        imported = run(importing, Replay(()), TaskTable(), budget.steps)
        assert importing.host is not None
        assert imported.outcome.kind is OutcomeKind.COMPLETED, imported
        objects = {number: state for number, state in imported.objects.items() if number >= 0 or number == -1}
        program = HostedProgram(runner, importing.host, objects, [Call("main", label="main")])
        try:
            total = explore(program, strategy or Dpor(), budget, keep)
        finally:
            program.close()
    return Hosted(total, executions)

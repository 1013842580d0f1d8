"""The different ways in which a program can end. Start at `Outcomes.add`.

Two executions have the same outcome if they ended alike, every process with the same exit code and the same failure,
and each printed the same. Output is compared per process, so two that print at the same time are no difference.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec

from grader.core.execution import Execution, OutcomeKind
from grader.core.operations import OperationKind, TaskId, task_of
from grader.core.verdict import OutcomeClass
from grader.primitives.process import ProcessState
from grader.primitives.thread import ThreadState

FIRST_PID = 1000
"""What `os.getpid` says is this and the number of the task (see `grader.runtime.agent.ending`)."""
WORKERS = "a worker of the pool"
MOST_KEPT = 1_000
"""Distinct outcomes that are told apart; executions with further ones are left out."""


class Ending(msgspec.Struct, frozen=True):
    """What makes an outcome: everything by shown names of processes, in the order of starting."""

    kind: OutcomeKind
    exit_codes: tuple[tuple[str, int], ...]
    stdout: tuple[tuple[str, str], ...]
    failures: tuple[tuple[str, str], ...]
    waiting: tuple[tuple[str, OperationKind, int], ...]


class Outcomes:
    """Counts executions by their outcome."""

    def __init__(self) -> None:
        self._counts: dict[Ending, int] = {}
        self._first: dict[Ending, Execution] = {}

    def add(self, execution: Execution) -> None:
        """Count one execution, unless its outcome is one too many."""
        ending = ending_of(execution)
        if ending not in self._counts and len(self._counts) >= MOST_KEPT:
            return
        self._counts[ending] = self._counts.get(ending, 0) + 1
        self._first.setdefault(ending, execution)

    def __len__(self) -> int:
        return len(self._counts)

    def first(self) -> list[tuple[Ending, int, Execution]]:
        """Each outcome with its count and the first execution that had it, the most frequent outcome first."""
        ordered = sorted(self._counts.items(), key=lambda entry: -entry[1])
        return [(ending, count, self._first[ending]) for ending, count in ordered]


def process_count(execution: Execution) -> int:
    """How many processes there have been."""
    return sum(isinstance(state, ProcessState) for state in execution.objects.values())


def ending_of(execution: Execution) -> Ending:
    """How an execution ended."""
    states = dict(_processes(execution))
    named = _distinct_labels(execution, states)
    return Ending(
        kind=execution.outcome.kind,
        exit_codes=tuple(
            (named[task], state.exit_code)
            for task, state in states.items()
            if isinstance(state, ProcessState)
            and not state.alive
            and not (state.worker and (state.killed or not state.exit_code))
        ),
        stdout=tuple(_printed(execution, states, named)),
        failures=tuple((named[task], text) for task, state in states.items() if (text := _failure(state))),
        waiting=tuple(
            (named[task], operation.kind, operation.line)
            for task, operation in sorted(execution.pending.items())
            if task in named and execution.outcome.kind is not OutcomeKind.COMPLETED
        ),
    )


def summary(ending: Ending, count: int, replay: str) -> OutcomeClass:
    """An outcome as reports show it."""
    return OutcomeClass(
        kind=ending.kind,
        count=count,
        exit_codes=dict(ending.exit_codes),
        stdout=dict(ending.stdout),
        failures=dict(ending.failures),
        replay=replay,
    )


def _processes(execution: Execution) -> list[tuple[TaskId, ProcessState | ThreadState]]:
    found = [
        (task_of(number), state)
        for number, state in execution.objects.items()
        if isinstance(state, (ProcessState, ThreadState))
    ]
    return sorted(found, key=lambda entry: execution.paths[entry[0]])


def _printed(
    execution: Execution, states: Mapping[TaskId, ProcessState | ThreadState], named: Mapping[TaskId, str]
) -> Iterator[tuple[str, str]]:
    """What each process has printed. Which worker of a pool does which task is no difference, nor is their order."""
    lines: list[str] = []
    for task, state in states.items():
        text = execution.output.get(task, "")
        if text and not state.worker:
            yield named[task], text
        elif text:
            itself = re.compile(rf"\b({re.escape(state.name)}|{FIRST_PID + task})(?!\w)")
            lines += itself.sub("<worker>", text).splitlines(keepends=True)
    if lines:
        yield WORKERS, "".join(sorted(line if line.endswith("\n") else f"{line}\n" for line in lines))


def _failure(state: ProcessState | ThreadState) -> str:
    failure = state.failure
    if failure is None:
        return ""
    return f"{failure.type}: {failure.message}" if failure.message else failure.type


def _distinct_labels(
    execution: Execution, states: Mapping[TaskId, ProcessState | ThreadState]
) -> dict[TaskId, str]:
    """The shown names; of several processes with the same one, the later ones get a number."""
    seen: dict[str, int] = {}
    named: dict[TaskId, str] = {}
    for task in states:
        label = execution.labels.get(task, f"process {task}")
        seen[label] = seen.get(label, 0) + 1
        named[task] = label if seen[label] == 1 else f"{label} ({seen[label]})"
    return named

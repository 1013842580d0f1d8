"""How one execution went: the schedule, the trace it led to, its outcome, and the budget for many of them.

Start at `Execution`.
"""

import enum
from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from grader.core.operations import Creation, Failure, ObjectId, Operation, Step, TaskId

Schedule: TypeAlias = tuple[TaskId, ...]


class OutcomeKind(str, enum.Enum):
    """How an execution ended.

    `COMPLETED`: every task came to its end (some perhaps with an exception: that is in the final state).
    `DEADLOCK`: somebody is left and nobody can move. `LIVELOCK`: a fair execution came to the same state again and
    again. `STEP_LIMIT`: it was cut off because it went on and on, which says nothing by itself. `HUNG`: a task
    announced nothing for its whole CPU limit. `SILENT`: a task announced nothing, and whether it ever would cannot be
    told (see `Silence`). `CRASHED`: a task's process vanished or broke the protocol.
    `UNCONTROLLED`: something was used that we do not control. `DIVERGED`: a replayed prefix asked for a different
    operation. `PRUNED`: the strategy gave it up as equivalent to another one.
    """

    COMPLETED = "completed"
    DEADLOCK = "deadlock"
    LIVELOCK = "livelock"
    STEP_LIMIT = "step-limit"
    HUNG = "hung"
    SILENT = "silent"
    CRASHED = "crashed"
    UNCONTROLLED = "uncontrolled"
    DIVERGED = "diverged"
    PRUNED = "pruned"


class Silence(str, enum.Enum):
    """Why a task announces nothing.

    `COMPUTES`: it has used up the CPU time that it may use by itself. `WAITS`: it sleeps, and nothing of ours can wake
    it. `BUSY`: it wanted to run and did not get to for so long that the machine must be too busy. `STALLED`: it has
    done nothing for as long, and did not want to run either. `HIDES`: its process cannot be found. `ENDED`: it was
    ended, or what it was forked from, and by whom cannot be told. `REFUSED`: it says that it gets no process, and
    others do.
    """

    COMPUTES = "computes"
    WAITS = "waits"
    BUSY = "busy"
    STALLED = "stalled"
    HIDES = "hides"
    ENDED = "ended"
    REFUSED = "refused"


class Outcome(msgspec.Struct, frozen=True):
    """How an execution ended: which task it was about (-1: none), at which line, and details for a reader.

    `cycle` is the number of steps, at the end of the trace, that would be made again and again; by `chance`, if a task
    draws random numbers in them: then they come again here, and hardly for ever. `silence` says why a task was silent,
    and `seconds` its limit of CPU time.
    """

    kind: OutcomeKind
    task: TaskId = -1
    line: int = 0
    detail: str = ""
    failure: Failure | None = None
    cycle: int = 0
    silence: Silence | None = None
    seconds: float = 0.0
    chance: bool = False


class Source(enum.IntFlag):
    """What a task may ask that no order decides (the bits are those of `grader.runtime.agent.draws`).

    `CHANCE`: random numbers without a seed of the program's own. `SEEDED`: it has seeded a generator. `CLOCK`.
    """

    CHANCE = 1
    SEEDED = 2
    CLOCK = 4


class Consulted(msgspec.Struct, frozen=True):
    """A task asked `sources` (bits of `Source`) after the step with this number (-1: none), before it announced an
    operation at a place of the program."""

    step: int
    task: TaskId
    sources: int
    place: int


class Execution(msgspec.Struct, frozen=True):
    """One run of a program: what was chosen, what happened, how it ended, what was left.

    `objects` maps every shared object to its last state (see `grader.primitives`), `initial` those that were there
    before the first step to their first one, `pending` every task that was still there to the operation that it was
    waiting to do, `labels` the tasks to their shown names, `alike` a process to the one before it that it is identical
    with, where orders among such processes count once. `rounds` is how often some task has done the same in vain.
    `clocks` has for each step what its task's own clock showed when it was about to make it, in milliseconds, and
    `last_clocks` what each task's showed last; only differences between times of one task mean anything. `consulted` is
    what the tasks asked that no order decides.
    """

    schedule: Schedule
    trace: tuple[Step, ...]
    outcome: Outcome
    objects: Mapping[ObjectId, object]
    pending: Mapping[TaskId, Operation]
    labels: Mapping[TaskId, str]
    paths: Mapping[TaskId, tuple[int, ...]] = {}
    creations: Mapping[ObjectId, Creation] = {}
    alike: Mapping[TaskId, TaskId] = {}
    output: Mapping[TaskId, str] = {}
    errors: Mapping[TaskId, str] = {}
    initial: Mapping[ObjectId, object] = {}
    rounds: int = 0
    clocks: tuple[int, ...] = ()
    last_clocks: Mapping[TaskId, int] = {}
    consulted: tuple[Consulted, ...] = ()

    @property
    def sources(self) -> int:
        """All that any task asked, as bits of `Source`."""
        found = 0
        for consulted in self.consulted:
            found |= consulted.sources
        return found


class Claim(msgspec.Struct, frozen=True):
    """What an exploration has covered: every class of interleavings in which no wait fails more than `waits` times.

    None: however often. A wait is a round of looking in vain (see `grader.engine.waits`).
    """

    waits: int | None = None


NO_LIMIT = Claim()


class Budget(msgspec.Struct, frozen=True):
    """The only tuning object: how much an exploration may cost.

    `executions`, `all_steps` (of all executions together) and `seconds` bound the exploration, `steps` one execution,
    `preemptions` (None: no bound) how often an execution may switch away from a task that could go on. `cpu` is the
    last resort: so many seconds of our own CPU are never needed.
    """

    executions: int = 2_000
    seconds: float = 10.0
    steps: int = 5_000
    preemptions: int | None = None
    all_steps: int | None = None
    cpu: float | None = None


class StopReason(str, enum.Enum):
    """Why an exploration ended. `NOT_IDENTICAL`: it took processes for identical that are not, and does not count."""

    EXHAUSTED = "exhausted"
    FAILURE = "failure"
    EXECUTIONS = "executions"
    STEPS = "steps"
    CPU = "cpu"
    SECONDS = "seconds"
    INTERRUPTED = "interrupted"
    NOT_IDENTICAL = "not-identical"

"""What a grading says: checks, findings, evidence, witnesses, and the `Grade` that holds them all.

Start at `Grade`, the one input of every report on a submission; `ScriptReport` is that of a program. Spellings of the
enums are those of the JSON formats.
"""

import enum
from collections.abc import Mapping

import msgspec

from grader.core.execution import OutcomeKind, StopReason
from grader.core.operations import Failure


class FindingKind(str, enum.Enum):
    """Why a check failed."""

    MISSING = "missing"
    IMPORT_ERROR = "import-error"
    WRONG_RESULT = "wrong-result"
    RACE = "race"
    DEADLOCK = "deadlock"
    HANG = "hang"
    CRASH = "crash"
    LEAK = "leak"
    NOT_CONCURRENT = "not-concurrent"
    FORBIDDEN = "forbidden"
    INCONCLUSIVE = "inconclusive"


class CheckStatus(str, enum.Enum):
    """How a check ended. `ERROR` is our own failure, never the student's."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class EvidenceLevel(str, enum.Enum):
    """What a passing check rests on: every schedule, some schedules chosen by us, or free runs."""

    VERIFIED = "verified"
    BOUNDED = "bounded"
    SAMPLED = "sampled"


class Location(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the submission. `source` is that line, stripped and bounded."""

    file: str
    line: int
    source: str = ""


class WitnessStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a witness, in words for a reader.

    `task` is the column ("main", "P1", ...), `operation` the verb ("read", "acquire", "put", ...), `object` the
    shown name of the shared object, `value` what was read, written or answered, `note` an explanation ("waits for
    lock, held by P1"), `conflict` marks the steps that clash, `executed` is false for what a task was still
    waiting to do when the execution ended, `repeats` is true for what would be done again and again, for ever. `state`
    names the shared objects that hold something else when the next line comes, each with what it holds then.
    """

    task: str
    operation: str
    object: str = ""
    line: int = 0
    value: str = ""
    note: str = ""
    conflict: bool = False
    executed: bool = True
    source: str = ""
    state: tuple[tuple[str, str], ...] = ()
    repeats: bool = False


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a check failed.

    `message` says what happened, with the values seen; `help` is one guess at the mistake, empty unless the
    evidence matches a known one; `processes` is the smallest process count it was seen with (0: does not apply);
    `replay` is the token that shows the very same schedule again; `expected` and `got` are short texts; `output`
    is what the submission printed, where that helps; `steps` is the witness, minimised, and `start` what the shared
    objects held before it (see `WitnessStep.state`). `draw` is what decided chance and the clock
    (`grader.runtime.agent.draws`), 0 being the usual one.
    """

    kind: FindingKind
    message: str
    schedule_dependent: bool = False
    processes: int = 0
    help: str = ""
    location: Location | None = None
    expected: str = ""
    got: str = ""
    replay: str = ""
    output: str = ""
    failure: Failure | None = None
    steps: tuple[WitnessStep, ...] = ()
    start: tuple[tuple[str, str], ...] = ()
    draw: int = 0


class Verdict(str, enum.Enum):
    """What is known about a program: `VERIFIED` and `BOUNDED` as levels of evidence, or what came instead."""

    VERIFIED = "verified"
    BOUNDED = "bounded"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


class Dependence(str, enum.Enum):
    """What else than the order of steps decides what a program comes to."""

    CHANCE = "chance"
    CLOCK = "clock"
    HASH = "hash"


class Evidence(msgspec.Struct, frozen=True):
    """What a check's verdict rests on: process counts covered, and the number of executions made.

    For `SAMPLED` the executions are free runs. With `threads`, processes had several threads, which changed only where
    they used locks, queues and the like: that is never `VERIFIED`. With `waits`, what is verified is every order in
    which no wait fails more often than that; None is without such a limit. `seed` is what random orders were drawn by.
    With `inputs` the executions are of so many different inputs, in one order each: that is not `VERIFIED`, either.
    `depends` is what else decides what it comes to, which is never `VERIFIED`; so many `draws` of random numbers were
    tried then.
    """

    level: EvidenceLevel
    processes: tuple[int, ...] = ()
    executions: int = 0
    threads: bool = False
    waits: int | None = None
    seed: int | None = None
    inputs: int = 0
    draws: int = 0
    depends: tuple[Dependence, ...] = ()


class CheckResult(msgspec.Struct, frozen=True):
    """One graded claim about a submission. `title` is the line that the student reads."""

    name: str
    title: str
    function: str
    status: CheckStatus
    score: float
    max_score: float
    seconds: float = 0.0
    evidence: tuple[Evidence, ...] = ()
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    """Why it was skipped, or could not be judged; of a check that has passed, what is worth knowing still."""


class Grade(msgspec.Struct, frozen=True):
    """Everything known about one submission."""

    submission: str
    sha256: str
    exercise: str
    checks: tuple[CheckResult, ...]
    seconds: float
    source: tuple[str, ...] = ()
    sandbox: str = ""
    """The level of isolation, and what it consists of."""
    unprotected: tuple[str, ...] = ()
    """What the submission could have reached all the same."""
    remarks: tuple[str, ...] = ()
    """What the instructor may want to know; no fault, and not told to students."""

    @property
    def score(self) -> float:
        """Points earned."""
        return sum(check.score for check in self.checks)

    @property
    def max_score(self) -> float:
        """Points there are."""
        return sum(check.max_score for check in self.checks)

    @property
    def passed(self) -> bool:
        """Whether every check passed. A grade without any check is no pass."""
        return bool(self.checks) and all(check.status is CheckStatus.PASSED for check in self.checks)


class OutcomeClass(msgspec.Struct, frozen=True):
    """One way in which a program can end, and in how many of the executions it did.

    `kind` is that of the execution; the rest is by shown names of processes: exit codes (of those that came to an
    end), what each printed on stdout, what each died of.
    """

    kind: OutcomeKind
    count: int
    exit_codes: Mapping[str, int]
    stdout: Mapping[str, str]
    failures: Mapping[str, str] = {}
    replay: str = ""


class DataRace(msgspec.Struct, frozen=True):
    """Two accesses of one shared object, one of them a write, that nothing keeps in order: the lines, lowest first."""

    object: str
    accesses: tuple[str, str]
    locations: tuple[Location, Location]


class ScriptReport(msgspec.Struct, frozen=True):
    """Everything known about one program, run as `__main__`.

    `traces` counts the completed, pairwise inequivalent executions; `executions` all of them. `identical` has
    the sizes of the groups of processes that are alike, so that orders among them count once. `threads`, `waits`,
    `draws` and `depends` are as in `Evidence`. `remark` is what is worth knowing, and no failure.
    """

    script: str
    sha256: str
    verdict: Verdict
    executions: int
    traces: int
    stopped: StopReason
    seconds: float
    outcomes: tuple[OutcomeClass, ...] = ()
    more_outcomes: int = 0
    findings: tuple[Finding, ...] = ()
    warnings: tuple[DataRace, ...] = ()
    processes: int = 0
    identical: tuple[int, ...] = ()
    threads: bool = False
    waits: int | None = None
    draws: int = 0
    depends: tuple[Dependence, ...] = ()
    remark: str = ""
    source: tuple[str, ...] = ()
    sandbox: str = ""
    """The level of isolation, as in `Grade`."""
    unprotected: tuple[str, ...] = ()
    """What the program could have reached."""

    @property
    def passed(self) -> bool:
        """Whether nothing wrong was found."""
        return self.verdict in (Verdict.VERIFIED, Verdict.BOUNDED)

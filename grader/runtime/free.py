"""Free runs, the judge's side: what to run, on the real `multiprocessing`, and what was there afterwards.

Start at `FreeRuns.perform`. A report is a claim of the untrusted side, decoded against a schema and bounded. The
state of shared objects in it was read by a process that executed no student code; exit codes, what a function
returned, exceptions and output are what the submission's own processes say. Values stay as `agent.plain` encodes
them: nothing here unpickles anything.
"""

import enum
from collections.abc import Callable
from typing import Annotated, Any, Protocol, TypeAlias

import msgspec

from grader.core.operations import JUDGE, Failure
from grader.runtime import blame
from grader.runtime.agent import plain
from grader.runtime.blame import Blame
from grader.runtime.runner import RunnerLost, RunnerSilent

REPORT_LIMIT = 4 * 2**20
_MARGIN_SECONDS = 10.0
_REAL_SECONDS = 6.0
"""What a run in real time may take; if it takes longer, it is made again with short sleeps. And what one as a script
may, whose main part may take any time."""
_MOST_PROCESSES = 10_000

Plain: TypeAlias = Any
"""A value as `agent.plain.encode` makes it."""

_Text = Annotated[str, msgspec.Meta(max_length=200_000)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=_MOST_PROCESSES)]
_ExitCode = Annotated[int, msgspec.Meta(ge=-256, le=256)]
_Name = Annotated[str, msgspec.Meta(max_length=200)]
_Items = Annotated[list[Plain], msgspec.Meta(max_length=100_000)]


class StartMethod(str, enum.Enum):
    """How a new process comes to be."""

    FORK = "fork"
    SPAWN = "spawn"


class _Made(msgspec.Struct, frozen=True, tag_field="make"):
    """A shared object that is made for a run."""


class RealValue(_Made, frozen=True, tag="value"):
    """A `multiprocessing.Value`."""

    typecode: str
    initial: Plain = 0


class RealArray(_Made, frozen=True, tag="array"):
    """A `multiprocessing.Array`."""

    typecode: str
    initial: tuple[Plain, ...] = ()


class RealLock(_Made, frozen=True, tag="lock"):
    """A `multiprocessing.Lock`."""


class RealQueue(_Made, frozen=True, tag="queue"):
    """A `multiprocessing.Queue`, into which `items` and then as many `None` as `sentinels` are put during the run."""

    maxsize: int = 0
    items: tuple[Plain, ...] = ()
    sentinels: int = 0


RealObject: TypeAlias = RealValue | RealArray | RealLock | RealQueue


class Argument(msgspec.Struct, frozen=True, omit_defaults=True):
    """An argument of a function: the shared object of that name, or else a plain value."""

    object: str | msgspec.UnsetType = msgspec.UNSET
    plain: Plain = msgspec.UNSET


class RealTask(msgspec.Struct, frozen=True):
    """`count` processes that each call a function of the submission."""

    function: str
    arguments: tuple[Argument, ...] = ()
    count: int = 1


class RealCall(msgspec.Struct, frozen=True):
    """A function of the submission called in the main process; its arguments are plain."""

    function: str
    arguments: tuple[Argument, ...] = ()


class FreeRun(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to run: either `tasks` on `objects`, or one `call`.

    Once all tasks have ended, the objects in `read` are read: a value, the items of an array, whether a lock is
    free. `drain` says how many items are expected on a queue; they are taken while the tasks run, so that nobody has
    to wait, and it is seen if there are more. `rest` does the same for a queue that is looked at only afterwards.
    With `real_time` a `time.sleep` is as long as ever; else it is much shorter. With `as_script` the submission is
    executed as `__main__` before, its main part included.
    """

    method: StartMethod
    objects: dict[str, RealObject] = {}
    tasks: tuple[RealTask, ...] = ()
    read: tuple[str, ...] = ()
    drain: dict[str, int] = {}
    rest: dict[str, int] = {}
    call: RealCall | msgspec.UnsetType = msgspec.UNSET
    real_time: bool = False
    as_script: bool = False


class FreeStatus(str, enum.Enum):
    """How a free run ended."""

    DONE = "done"
    HANG = "hang"
    """It passed its limit, or will never end (`Cause`)."""
    DIED = "died"
    """The main process ended without having said anything."""
    ERROR = "error"
    """The main process raised an exception."""
    LOST = "lost"
    """No answer, or no sensible one: the runner itself was attacked, or overloaded."""


class Cause(str, enum.Enum):
    """Why a run will never end, as the runner has seen it in `/proc`."""

    DEADLOCK = "deadlock"
    """Every process waits for another, without a time limit."""
    CPU = "cpu"
    """A process has used up its own CPU time, and the others wait without a time limit."""


class During(str, enum.Enum):
    """Where an exception came from."""

    SETUP = "setup"
    IMPORT = "import"
    START = "start"
    CALL = "call"
    TASK = "task"


class FreeFailure(msgspec.Struct, frozen=True):
    """An exception, as the process itself told it."""

    type: _Name
    during: During
    message: _Text = ""
    line: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] = 0
    traceback: _Text = ""

    @property
    def failure(self) -> Failure:
        """The same, for a finding."""
        return Failure(self.type, self.message, self.line, self.traceback)


class FreeReport(msgspec.Struct, frozen=True):
    """What was there after a run. `main_exit` is how the main process ended, as the system says.

    `drained` and `rest` are the items taken from queues, `extra` those beyond the expected number. `failure` is one
    exception that ended a process, if any did. `left_alive` counts processes that went on after the main one was
    done. `started` counts the processes that a call has started. `cause` is why a hang will never end (None: it has
    only taken too long), `stack` says where its processes stood; `flooded`, that they were busy and had printed more
    than anybody reads.
    """

    status: FreeStatus
    values: dict[_Name, Plain] = {}
    drained: dict[_Name, _Items] = {}
    extra: dict[_Name, _Items] = {}
    rest: dict[_Name, _Items] = {}
    returned: Plain = msgspec.UNSET
    started: _Count | None = None
    exit_codes: Annotated[list[_ExitCode | None], msgspec.Meta(max_length=_MOST_PROCESSES)] = []
    main_exit: _ExitCode | None = None
    left_alive: _Count = 0
    failure: FreeFailure | None = None
    output: _Text = ""
    stack: _Text = ""
    cause: Cause | None = None
    flooded: bool = False
    seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.0


_DECODER = msgspec.json.Decoder(FreeReport)


class NotAReport(Exception):
    """What came is not a report."""


def decode(raw: bytes) -> FreeReport:
    """The report in an answer of the runner.

    Raises:
        NotAReport: it is too large, or not of this form.
    """
    if len(raw) > REPORT_LIMIT:
        raise NotAReport(f"{len(raw)} bytes are too many")
    try:
        return _DECODER.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NotAReport(str(error)[:200]) from error


class Asks(Protocol):
    """What is needed of a runner (`grader.runtime.template.Runner`)."""

    @property
    def blame(self) -> Blame:
        """Whose fault it is if something ends."""

    def ask(self, command: dict[str, Any], seconds: float) -> bytes:
        """Send a command, return its answer; raises RunnerLost."""

    def close(self) -> None:
        """End it."""


class Limits(msgspec.Struct, frozen=True):
    """When a run is given up.

    That is after `seconds`, or once every process has waited for another for `idle` seconds, those left out that have
    used `cpu` seconds of CPU time. The first is the way out on a slow machine, and says nothing about a program.
    """

    seconds: float = 60.0
    idle: float = 2.5
    cpu: float = 2.5


class FreeRuns:
    """Performs the free runs of one submission in a runner of its own, opened when it is needed.

    No run costs the verdict of another: if the runner is lost, the next run gets a new one.
    """

    def __init__(self, open_runner: Callable[[], Asks], limits: Limits | None = None) -> None:
        self._open = open_runner
        self._limits = limits or Limits()
        self._runner: Asks | None = None

    def perform(self, run: FreeRun) -> FreeReport:
        """Do one run; ends within the limits and a margin, whatever the submission does.

        Raises:
            InternalError: no runner could be opened.
            MachineError: that it was lost is the machine's fault, or may be.
        """
        if self._runner is None:
            self._runner = self._open()
        short = run.real_time or run.as_script
        seconds = min(self._limits.seconds, _REAL_SECONDS) if short else self._limits.seconds
        command = {
            "do": "free",
            "run": msgspec.to_builtins(run),
            "seconds": seconds,
            "idle": self._limits.idle,
            "cpu": self._limits.cpu,
        }
        try:
            return decode(self._runner.ask(command, seconds + _MARGIN_SECONDS))
        except RunnerSilent as error:
            self._runner.blame.late(JUDGE)
            return self._lost(error)
        except RunnerLost as error:
            self._runner.blame.lost(JUDGE)
            return self._lost(error)
        except NotAReport as error:
            return self._lost(error)

    def _lost(self, error: Exception) -> FreeReport:
        self.close()
        return FreeReport(FreeStatus.LOST, output=str(error))

    def look_for_room(self, processes: int) -> None:
        """A run has found no room for its processes.

        Raises:
            MachineError: that is so, or may have been.
        """
        if self._runner is None:
            self._runner = self._open()
        self._runner.blame.refused(JUDGE, 0, processes)
        blame.shared_memory()

    def close(self) -> None:
        """End the runner, and with it whatever it has below it."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()

    def __enter__(self) -> "FreeRuns":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def given(name: str) -> Argument:
    """A shared object as an argument."""
    return Argument(object=name)


def plainly(value: Any) -> Argument:
    """A plain value as an argument."""
    return Argument(plain=plain.encode(value))

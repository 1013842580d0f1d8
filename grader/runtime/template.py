"""The judge's handles on the template process and on the runners that it forks.

Start at `Template`. One template serves a whole command; one `Runner` belongs to one submission and takes everything
that the submission started with it when it is closed.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from grader.errors import InternalError
from grader.runtime import limits
from grader.runtime.agent import leftovers, room
from grader.runtime.allowance import Allowance
from grader.runtime.pinning import cores
from grader.runtime.protocol import Ended, Malformed, Silent, Wire, pair
from grader.runtime.sandbox import places, plan
from grader.runtime.sandbox.cgroups import Subtree
from grader.runtime.sandbox.choice import Choice
from grader.runtime.sandbox.copies import Interpreter
from grader.runtime.sandbox.levels import Isolation
from grader.runtime.silence import Figures

_ROOT = Path(__file__).resolve().parents[2]
_BOOT = (
    "import sys; sys.path[:] = [entry for entry in sys.path if entry]; sys.path.insert(0, {root!r}); import grader;"
    " sys.path.remove({root!r}); from grader.runtime.agent import main; main.template({fd})"
)
"""The agent is that of this very grader, whatever else is installed."""
_ANSWER_SECONDS = 30.0
_LAST_SECONDS = 15.0
"""More than the template gives its runners."""
_OPEN_FILES = 512
_FILE_BYTES = 64 * 2**20
_MEMORY_BYTES = 4 * 2**30
LIMITS = {
    "AS": _MEMORY_BYTES,
    "CORE": 0,
    "NOFILE": _OPEN_FILES,
    "FSIZE": _FILE_BYTES,
    "MEMLOCK": 0,
    "MSGQUEUE": 0,
}
"""Resource limits of every process of a submission, by the names in the module `resource`."""


class RunnerLost(Exception):
    """The runner is gone: the submission killed it, or it could not be started."""


class RunnerSilent(RunnerLost):
    """The runner does not answer; it may only not get to run."""


class SubmissionText(msgspec.Struct, frozen=True):
    """What a runner gets to know of a submission: module name, shown file name, source."""

    name: str
    filename: str
    source: str


class ScriptPlace(msgspec.Struct, frozen=True):
    """How a program is run as `__main__`: its path as given, its arguments, the folder it is run in."""

    path: str
    arguments: tuple[str, ...]
    folder: str


class Usage(msgspec.Struct, frozen=True):
    """CPU seconds used by everything below a runner."""

    cpu: float


class _Forked(msgspec.Struct, frozen=True):
    """The template's answer: whether there was room for a new process."""

    forked: bool


class _Confined(msgspec.Struct, frozen=True):
    """The runner's first words: why it could not be closed off, if it could not.

    And, the first time: the cgroups that `held` when they were tried, and why there is nothing else.
    """

    problem: str
    held: tuple[Subtree, ...] = ()
    lacking: tuple[str, ...] = ()


_FORKED = msgspec.json.Decoder(_Forked)
_CONFINED = msgspec.json.Decoder(_Confined)


class Runner:
    """One submission's process tree. A context manager; at its end nothing of the tree is left."""

    def __init__(self, wire: Wire, source: str = "") -> None:
        self._wire = wire
        self._late = False
        self.source = source
        """What the submission consists of."""
        self.allowance = Allowance()
        """How much the tasks of the submission may compute by themselves."""

    def __enter__(self) -> "Runner":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def host(self, task: int, draw: int = 0) -> Wire:
        """Have a host forked that imports the submission as task number `task`; its channel.

        `draw` decides what chance and the clock say (`grader.runtime.agent.draws`).
        """
        return self._forked({"do": "host", "task": task, "draw": draw})

    def script(self) -> Wire:
        """Have a process forked that executes a program as often as it is told to; its channel."""
        return self._forked({"do": "script"})

    def spawn(self, task: int, payload: bytes) -> Wire:
        """Have a process started the `spawn` way, from a clean interpreter; its channel."""
        return self._forked({"do": "spawn", "task": task, "payload": payload})

    def _forked(self, command: dict[str, Any]) -> Wire:
        wire, other = pair()
        with other:
            self._tell(command, other.fileno())
        return wire

    def _tell(self, command: dict[str, Any], descriptor: int | None = None) -> None:
        try:
            self._wire.send(command, descriptor)
        except Ended as error:
            raise RunnerLost from error

    def ask(self, command: dict[str, Any], seconds: float = _ANSWER_SECONDS) -> bytes:
        """Send a command and return the undecoded JSON of its answer.

        Raises:
            RunnerSilent: no answer came in time. From then on none is waited for: it could be that to another question.
            RunnerLost: the runner is gone.
        """
        if self._late:
            raise RunnerSilent
        self._tell(command)
        try:
            return bytes(self._wire.receive(msgspec.json.Decoder(msgspec.Raw), seconds))
        except Silent as error:
            self._late = True
            raise RunnerSilent from error
        except (Ended, Malformed) as error:
            raise RunnerLost from error

    def sweep(self, *, spare_hosts: bool = False) -> None:
        """Kill everything below the runner; with `spare_hosts` all but the hosts."""
        self.ask({"do": "sweep", "spare_hosts": spare_hosts})

    def usage(self) -> Usage:
        """What the submission's processes use now."""
        return msgspec.json.decode(self.ask({"do": "usage"}), type=Usage)

    def figures(self, wire: Wire) -> Figures:
        """What the process at the other end of a channel has used by now, and whether it sleeps."""
        answer = self.ask({"do": "figures", "socket": wire.other_end})
        return msgspec.json.decode(answer, type=Figures)

    def ask_for_stack(self, wire: Wire) -> None:
        """Have the process at the other end of a channel write its stack there: no frame can be read from it then."""
        self.ask({"do": "stack", "socket": wire.other_end})

    def close(self) -> None:
        """End the runner and everything below it."""
        with suppress(RunnerLost):
            self.sweep()
        self._wire.close()


class Template:
    """A clean interpreter that forks runners. A context manager; starting it does not wait for it.

    One that is `isolated` sees the standard library only, and nothing of the environment. `hash_seed` decides the order
    of texts in sets.
    It has a session of its own: an interrupt from the keyboard is for the judge, which then ends everything.

    Its runners are closed off as strongly as this machine allows, unless it is not `isolated`, or it is `unsafe`;
    all processes of one together may use `memory` bytes then. Another template may lend its `choice` of how.

    Raises:
        UsageError: the machine does not allow the files or processes that are needed.
    """

    def __init__(
        self,
        *,
        isolated: bool = True,
        unsafe: bool = False,
        memory: int = plan.MEMORY,
        hash_seed: int = 0,
        choice: Choice | None = None,
    ) -> None:
        self.hash_seed = hash_seed
        limits.open_files()
        for folder in {tempfile.gettempdir(), places.open_folder()}:
            leftovers.remove_stale(folder)
        self._memory = memory if isolated else 0
        self._choice = choice or Choice(close_off=isolated and not unsafe)
        self._has_own_choice = choice is None
        self._isolated = isolated
        self._start(sys.executable, {})

    def _start(self, executable: str, variables: dict[str, str]) -> None:
        """Start the process, by this interpreter and with these variables in its environment."""
        self._executable = executable
        self._wire, other = pair()
        descriptor = os.dup(other.fileno())
        other.close()
        os.set_inheritable(descriptor, True)
        boot = _BOOT.format(root=str(_ROOT), fd=descriptor)
        flags = ["-s", "-S"] if self._isolated else ["-s"]
        environment = _environment() if self._isolated else os.environ
        try:
            self._process = subprocess.Popen(
                [executable, *flags, "-B", "-X", "utf8", "-c", boot],
                pass_fds=[descriptor],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=None if os.environ.get("GRADER_DEBUG") else subprocess.DEVNULL,
                env={**environment, **variables, "PYTHONHASHSEED": str(self.hash_seed)},
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            if room.refuses(error):
                raise limits.no_process() from error
            raise InternalError(f"cannot start {executable}: {error}") from error
        finally:
            os.close(descriptor)

    def __enter__(self) -> "Template":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def under(self, hash_seed: int) -> Iterator["Template"]:
        """One like this, but for its hash seed; this one itself if it has that."""
        if hash_seed == self.hash_seed:
            yield self
            return
        with Template(
            isolated=self._isolated, memory=self._memory, hash_seed=hash_seed, choice=self._choice
        ) as one:
            yield one

    def runner(self, submission: SubmissionText, script: ScriptPlace | None = None) -> Runner:
        """A new runner for a submission, or for a program that is run as a `script`.

        It is on the cores that this thread may use now (`grader.runtime.pinning`).

        Raises:
            InternalError: the template has died.
            UsageError: the machine does not allow another process, or not the isolation that was asked for.
        """
        while True:
            try:
                self._use(self._choice.interpreter())
                confined = self._choice.plan((os.getpid(), self._process.pid), self._memory)
                return self._confined_runner(submission, script, confined)
            except plan.NotHere as error:
                self._choice.weaken(str(error))

    def _use(self, interpreter: Interpreter) -> None:
        """See that the process is one of this interpreter; there are no runners yet if it is not."""
        if interpreter.executable != self._executable:
            self._end()
            self._start(interpreter.executable, interpreter.variables)

    @property
    def pid(self) -> int:
        """The process itself."""
        return self._process.pid

    def isolation(self) -> Isolation:
        """By what student code is closed off here; found out by doing it, if no runner was made yet.

        Raises like `runner`.
        """
        if self._choice.isolation is None:
            self.runner(SubmissionText("nothing", "nothing.py", "")).close()
        assert self._choice.isolation is not None
        return self._choice.isolation

    def _confined_runner(
        self, submission: SubmissionText, script: ScriptPlace | None, confined: dict[str, Any]
    ) -> Runner:
        """A runner that is closed off as wanted. Raises NotHere if that cannot be done."""
        wire, other = pair()
        with other:
            try:
                settings = {
                    "submission": submission,
                    "script": script,
                    "limits": {**LIMITS, **confined.get("limits", {})},
                    "cores": cores(),
                    "sandbox": confined,
                }
                self._wire.send({"do": "runner", **settings}, other.fileno())
                answer = self._wire.receive(_FORKED, _ANSWER_SECONDS)
            except (Ended, Silent, Malformed) as error:
                raise InternalError("the template process has died") from error
        if not answer.forked:
            wire.close()
            raise limits.no_process()
        try:
            confinement = wire.receive(_CONFINED, _ANSWER_SECONDS)
        except (Ended, Silent, Malformed) as error:
            confinement = _Confined(f"the runner is gone ({type(error).__name__})")
        problem = confinement.problem
        if problem == room.NO_ROOM:
            wire.close()
            raise limits.no_process()
        if problem:
            wire.close()
            raise plan.NotHere(problem)
        self._choice.holds(confinement.held, confinement.lacking)
        return Runner(wire, submission.source)

    def close(self) -> None:
        """End the template."""
        self._end()
        if self._has_own_choice:
            self._choice.remove()

    def _end(self) -> None:
        self._wire.close()
        try:
            self._process.wait(timeout=_LAST_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _environment() -> dict[str, str]:
    """A scrubbed environment: no secrets, and as a student's looks, so that it does not tell that this is a grader."""
    kept = {name: os.environ[name] for name in ("GRADER_DEBUG",) if name in os.environ}
    user = {"HOME": "/home/student", "USER": "student", "LOGNAME": "student", "SHELL": "/bin/bash"}
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "xterm-256color", **user, **kept}

"""The judge's handle on the template process, which forks runners (`grader.runtime.runner`).

Start at `Template`. One serves a whole command.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from grader.errors import InternalError, MachineError
from grader.runtime import blame, limits
from grader.runtime.agent import leftovers, room
from grader.runtime.pinning import cores
from grader.runtime.protocol import Ended, Malformed, Silent, Wire, pair
from grader.runtime.runner import Runner
from grader.runtime.sandbox import places, plan
from grader.runtime.sandbox.cgroups import Subtree
from grader.runtime.sandbox.choice import Choice
from grader.runtime.sandbox.copies import Interpreter
from grader.runtime.sandbox.levels import Isolation, Level

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


class _Forked(msgspec.Struct, frozen=True):
    """The template's answer: the new process, 0 if there was no room for it."""

    runner: int


class _Ended(msgspec.Struct, frozen=True):
    """The template's answer: how a runner has ended, if that is known."""

    status: int | None


class _Confined(msgspec.Struct, frozen=True):
    """The runner's first words: why it could not be closed off, if it could not.

    And, the first time: the cgroups that `held` when they were tried, and why there is nothing else.
    """

    problem: str
    held: tuple[Subtree, ...] = ()
    lacking: tuple[str, ...] = ()


_FORKED = msgspec.json.Decoder(_Forked)
_ENDED = msgspec.json.Decoder(_Ended)
_CONFINED = msgspec.json.Decoder(_Confined)


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
        limits.addresses()
        for folder in {limits.temporary_folder(), places.open_folder()}:
            leftovers.remove_stale(folder)
        self._talks = threading.Lock()
        self._memory = memory if isolated else 0
        self._choice = choice or Choice(close_off=isolated and not unsafe)
        self._has_own_choice = choice is None
        self._isolated = isolated
        self._start(sys.executable, {})

    def _start(self, executable: str, variables: dict[str, str]) -> None:
        """Start the process, by this interpreter and with these variables in its environment."""
        self._executable, self._variables = executable, variables
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
        with self._talks:
            while True:
                try:
                    return self._runner(submission, script)
                except plan.NotHere as error:
                    if self._choice.isolation is not None:
                        raise MachineError(
                            f"this machine does not close off a process as it did before ({error}); {blame.AGAIN}"
                        ) from error
                    self._choice.weaken(str(error))

    def _runner(self, submission: SubmissionText, script: ScriptPlace | None) -> Runner:
        """A runner at the level that is next, from a new template if this one was ended. Raises NotHere."""
        if self._process.poll() is not None:
            self._start_again()
        self._use(self._choice.interpreter())
        try:
            runner = self._planned_runner(submission, script)
        except Ended:
            self._start_again()
            try:
                runner = self._planned_runner(submission, script)
            except Ended as error:
                raise MachineError(f"this machine ends processes of the grader; {blame.AGAIN}") from error
        isolation = self._choice.isolation
        assert isolation is not None
        runner.protected = isolation.seccomp or isolation.level in (Level.NS, Level.UID)
        return runner

    def _planned_runner(self, submission: SubmissionText, script: ScriptPlace | None) -> Runner:
        confined = self._choice.plan((os.getpid(), self._process.pid), self._memory)
        return self._confined_runner(submission, script, confined)

    def _use(self, interpreter: Interpreter) -> None:
        """See that the process is one of this interpreter; there are no runners yet if it is not."""
        if interpreter.executable != self._executable:
            self._end()
            self._start(interpreter.executable, interpreter.variables)

    def _start_again(self) -> None:
        """Put another one in the place of the process, which somebody has ended.

        Raises:
            InternalError: it has failed by itself.
        """
        self._wire.close()
        try:
            status = self._process.wait(timeout=_LAST_SECONDS)
        except subprocess.TimeoutExpired:
            status = -1
            self._process.kill()
            self._process.wait()
        if status >= 0:
            raise InternalError(f"the template process has died (status {status})")
        self._start(self._executable, self._variables)

    def _ended(self, wire: Wire, runner: int) -> int | None:
        """How a runner of the process behind `wire` has ended."""
        with self._talks, suppress(Ended, Silent, Malformed):
            if wire is self._wire:
                wire.send({"do": "ended", "runner": runner})
                return wire.receive(_ENDED, _ANSWER_SECONDS).status
        return None

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
        """A runner that is closed off as wanted.

        Raises:
            NotHere: that cannot be done.
            Ended: the template is gone.
            MachineError: there is no room, or no answer.
        """
        wire, other = pair()
        template = self._wire
        with other:
            try:
                settings = {
                    "submission": submission,
                    "script": script,
                    "limits": {**LIMITS, **confined.get("limits", {})},
                    "cores": cores(),
                    "sandbox": confined,
                }
                template.send({"do": "runner", **settings}, other.fileno())
                number = template.receive(_FORKED, _ANSWER_SECONDS).runner
            except Silent as error:
                raise MachineError(blame.TOO_BUSY) from error
            except Malformed as error:
                raise InternalError("the template process talks nonsense") from error
        if not number:
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
        return Runner(wire, submission.source, ended=lambda: self._ended(template, number))

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

"""What the tasks of one execution say on their channels, and what becomes of one that says nothing any more.

Start at `Hearing.hear`. A `Line` is one process's channel; several may lead to processes of one task, which then are
in different stages of the same life (`grader.runtime.remembered`).
"""

from contextlib import suppress

import msgspec

from grader.core.operations import DONE, OperationKind, Result, TaskId
from grader.engine.program import Announcement, Anomaly, Report
from grader.engine.waits import bare
from grader.runtime.agent.room import is_refusal
from grader.runtime.allowance import Origin
from grader.runtime.announced import known
from grader.runtime.patience import Patience, fatal_error
from grader.runtime.protocol import MESSAGES, Ended, Malformed, Message, Silent, Wire
from grader.runtime.runner import Runner, RunnerLost, RunnerSilent
from grader.runtime.voices import Voices

_KIND = OperationKind
_LAST_WORDS_SECONDS = 0.1


class Line:
    """A channel to a process of a task, which has come to `origin`."""

    __slots__ = ("origin", "task", "wire")

    def __init__(self, task: TaskId, wire: Wire, origin: Origin) -> None:
        self.task = task
        self.wire = wire
        self.origin = origin

    def answer(self, result: Result | None, descriptor: int | None = None, word: bytes = b"") -> None:
        """Tell the process what its operation gave: as the task is told it, or a `word` of ours."""
        plain = told(result)
        if word:
            plain = msgspec.structs.replace(plain, data=word)
        with suppress(Ended):  # noticed when its next announcement does not come
            self.wire.send(plain, descriptor)


def told(result: Result | None) -> Result:
    """A result as a task is told it, also where there is none to be told."""
    return bare(result) or DONE


class Hearing:
    """Listens to the tasks of one execution; `parent` leads to the process that theirs are forks of."""

    def __init__(self, runner: Runner, patience: Patience, parent: Wire | None = None) -> None:
        self._runner = runner
        self._patience = patience
        self._parent = parent
        self.voices = Voices()
        self.broken = False
        """Whether a process may be left that nobody can talk to any more."""
        self.host: TaskId | None = None
        """The task that will say that it is ready to be forked, and do nothing more."""

    def hear(self, line: Line) -> Message | Anomaly:
        """What the process at the other end of a line says next; why nothing can come of it, if it cannot."""
        task, wire = line.task, line.wire
        try:
            message = self._heard(line)
        except Silent:
            self.broken = True
            return Anomaly(self._patience.silent(wire, task, thread=self.voices.is_thread(task)))
        except Ended:
            host_too = self._parent is not None and self._parent.has_ended
            return Anomaly(self._patience.death(wire, task, host_too=host_too))
        except Malformed as error:
            self.broken = True
            return Anomaly(fatal_error(task, wire.noise(_LAST_WORDS_SECONDS), str(error)))
        except RunnerSilent:
            self.broken = True
            return Anomaly(self._runner.blame.late(task))
        except RunnerLost:
            return Anomaly(self._runner.blame.lost(task))
        operation = message.operation
        if operation.kind is _KIND.UNCONTROLLED:
            if is_refusal(operation.text):
                return Anomaly(self._runner.blame.refused(task, operation.line))
            operation = msgspec.structs.replace(operation, text=known(operation.text))
            message = msgspec.structs.replace(message, operation=operation)
        line.origin = (line.origin[0], message.place)
        return message

    def _heard(self, line: Line) -> Message:
        """What a task says. For one for which there is no process somebody else says that, and nothing but that."""
        task, wire = line.task, line.wire
        threads = self.voices.has_threads(task)
        message = self._patience.receive(wire, MESSAGES, line.origin, threads=threads)
        if message.operation.kind is not _KIND.UNCONTROLLED:
            self.voices.hears(task, wire.senders, wire.size)
        kind = message.operation.kind
        if kind is _KIND.QUEUE_FLUSH or (kind is _KIND.READY and task != self.host):
            raise Malformed(f"{kind.value} is not for it to say")
        return message

    def hang_up(self, line: Line) -> None:
        """End the process at the other end of a line."""
        self.voices.gone(line.task)
        line.wire.close()

    def sweep(self) -> None:
        """End whatever may be left that nobody can talk to."""
        with suppress(RunnerLost):
            self._runner.sweep(spare_hosts=True)


def announcement(task: TaskId, message: Message) -> Report:
    """What a task has said, as the engine wants it."""
    return Announcement(
        task,
        message.operation,
        message.created,
        message.place,
        message.out,
        message.err,
        message.updates,
        message.clock,
        message.sources,
    )

"""One submission, imported and ready to be executed again and again. Start at `open_workbench`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from grader.core.execution import Execution, OutcomeKind, Source
from grader.core.operations import MAIN, Creation, Failure, ObjectId, process_object
from grader.engine.driver import run
from grader.engine.strategies.replay import Replay
from grader.engine.tasks import TaskTable
from grader.grading.scenario import Scenario
from grader.primitives.process import ProcessState
from grader.primitives.thread import ThreadState
from grader.runtime.agent import draws
from grader.runtime.blame import Blame
from grader.runtime.kept import KeptProcesses
from grader.runtime.patience import Patience
from grader.runtime.programs import HostedProgram, ImportProgram
from grader.runtime.protocol import Ended, Malformed, Silent, Wire
from grader.runtime.remembered.trie import Memory
from grader.runtime.runner import Runner, RunnerLost, RunnerSilent
from grader.runtime.template import SubmissionText, Template

_IMPORT_STEPS = 5_000


class Probe(msgspec.Struct, frozen=True):
    """How the required functions look to Python: `missing`, `not-callable`, `arguments` or `ok`, in order."""

    probed: tuple[str, ...]


class NotImported(Exception):
    """The submission cannot be imported: how the import went."""

    def __init__(self, execution: Execution, failure: Failure | None) -> None:
        super().__init__("the submission cannot be imported")
        self.execution = execution
        self.failure = failure


class Workbench:
    """A runner with a host that has imported the submission."""

    def __init__(
        self,
        template: Template,
        submission: SubmissionText,
        exercise: str,
        sha256: str,
        runner: Runner,
        checks: str = "",
        *,
        last: bool = True,
    ) -> None:
        self._last = last
        runner.blame = Blame(runner, last=last)
        self._template = template
        self.submission = submission
        self.exercise = exercise
        self.sha256 = sha256
        self.checks = checks
        self.runner = runner
        self.imported, self._host = self._import(0)
        self._others: dict[int, tuple[Execution, Wire]] = {}
        self._memory = Memory(runner.source)

    def _import(self, draw: int) -> tuple[Execution, Wire]:
        """How the import went, and the process that has done it. Raises NotImported."""
        program = ImportProgram(self.runner, draw)
        imported = run(program, Replay(()), TaskTable(), _IMPORT_STEPS)
        state = imported.objects[process_object(MAIN)]
        assert isinstance(state, ProcessState)
        if imported.outcome.kind is not OutcomeKind.COMPLETED or not state.alive:
            raise NotImported(imported, state.failure)
        assert program.host is not None
        return imported, program.host

    def _imported_under(self, draw: int) -> tuple[Execution, Wire]:
        """The import for a draw; the usual one, where it has not asked what the draw decides, or fails under it."""
        source = Source.CLOCK if draws.of_clock(draw) else Source.CHANCE
        if not draw or not self.imported.sources & source:
            return self.imported, self._host
        if draw not in self._others:
            try:
                self._others[draw] = self._import(draw)
            except NotImported:
                self._others[draw] = self.imported, self._host
        return self._others[draw]

    @property
    def hash_seed(self) -> int:
        """That of the interpreter which has imported it."""
        return self._template.hash_seed

    @property
    def has_threads(self) -> bool:
        """Whether the import has started threads."""
        return any(isinstance(state, ThreadState) for state in self.imported.objects.values())

    @property
    def creations(self) -> Mapping[ObjectId, Creation]:
        """The objects that the import has made."""
        return self.imported.creations

    def program(
        self,
        scenario: Scenario,
        *,
        fresh: bool = False,
        kept: KeptProcesses | None = None,
        draw: int = 0,
    ) -> HostedProgram:
        """A scenario as something that can be executed; with `fresh`, in new processes each time.

        Processes that are `kept` may come from other scenarios, and go on to them. `draw` decides what chance and the
        clock say (`grader.runtime.agent.draws`).
        """
        imported, host = self._imported_under(draw)
        made = {number: state for number, state in imported.objects.items() if number >= 0 or number == -1}
        objects = {**made, **scenario.objects}
        return HostedProgram(
            self.runner,
            host,
            objects,
            scenario.calls,
            scenario.scripts,
            fresh=fresh,
            kept=kept,
            memory=self._memory,
            draw=draw,
        )

    def open_runner(self) -> Runner:
        """Another runner for the same submission, to be closed by the caller."""
        runner = self._template.runner(self.submission)
        runner.blame = Blame(runner, last=self._last)
        return runner

    def probe(self, wanted: Sequence[tuple[str, int]]) -> tuple[str, ...]:
        """Whether functions are there and take so many arguments: `missing`, `not-callable`, `arguments`, `ok`.

        All are `lost` if the process that has imported the submission is gone or computes without end, and `silent` if
        it is not known why it does not answer.
        """
        patience = Patience(self.runner)
        try:
            self._host.send({"probe": wanted})
            answer = patience.receive(self._host, msgspec.json.Decoder(Probe), ("probe", 0))
        except Silent:
            patience.silent(self._host, MAIN)  # it may be the machine's fault
            return ("lost" if patience.hung else "silent",) * len(wanted)
        except Ended:
            crashed = patience.death(self._host, MAIN).kind is OutcomeKind.CRASHED
            return ("lost" if crashed else "silent",) * len(wanted)
        except RunnerSilent:
            self.runner.blame.late(MAIN)
            return ("silent",) * len(wanted)
        except RunnerLost:
            self.runner.blame.lost(MAIN)
            return ("silent",) * len(wanted)
        except Malformed:
            return ("lost",) * len(wanted)
        return answer.probed if len(answer.probed) == len(wanted) else ("lost",) * len(wanted)


@contextmanager
def open_workbench(
    template: Template,
    submission: SubmissionText,
    exercise: str,
    sha256: str,
    checks: str = "",
    *,
    last: bool = True,
) -> Iterator[Workbench]:
    """A workbench for one submission; nothing of it is left afterwards. `checks` is as in `Origin`.

    Unless it is the `last` one, what may have been the machine's fault is not held against the submission.

    Raises:
        NotImported: the submission cannot be imported.
        MachineError: it was the machine's fault, or may have been.
    """
    with template.runner(submission) as runner:
        yield Workbench(template, submission, exercise, sha256, runner, checks, last=last)

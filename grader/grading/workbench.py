"""One submission, imported and ready to be executed again and again. Start at `open_workbench`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from grader.core.execution import Execution, OutcomeKind
from grader.core.operations import MAIN, Creation, Failure, ObjectId, process_object
from grader.engine.driver import run
from grader.engine.strategies.replay import Replay
from grader.engine.tasks import TaskTable
from grader.grading.scenario import Scenario
from grader.primitives.process import ProcessState
from grader.primitives.thread import ThreadState
from grader.runtime.patience import Patience
from grader.runtime.protocol import Ended, Malformed, Silent, Wire
from grader.runtime.session import HostedProgram, ImportProgram, KeptProcesses
from grader.runtime.template import Runner, RunnerLost, RunnerSilent, SubmissionText, Template

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
    ) -> None:
        self._template = template
        self.submission = submission
        self.exercise = exercise
        self.sha256 = sha256
        self.checks = checks
        self.runner = runner
        program = ImportProgram(runner)
        self.imported = run(program, Replay(()), TaskTable(), _IMPORT_STEPS)
        self._check_import(program)
        assert program.host is not None
        self._host: Wire = program.host
        self._objects = self._objects_of_import()

    def _check_import(self, program: ImportProgram) -> None:
        state = self.imported.objects[process_object(MAIN)]
        assert isinstance(state, ProcessState)
        if self.imported.outcome.kind is not OutcomeKind.COMPLETED or not state.alive:
            raise NotImported(self.imported, state.failure)

    def _objects_of_import(self) -> dict[ObjectId, Any]:
        return {
            number: state for number, state in self.imported.objects.items() if number >= 0 or number == -1
        }

    @property
    def has_threads(self) -> bool:
        """Whether the import has started threads."""
        return any(isinstance(state, ThreadState) for state in self.imported.objects.values())

    @property
    def creations(self) -> Mapping[ObjectId, Creation]:
        """The objects that the import has made."""
        return self.imported.creations

    def program(
        self, scenario: Scenario, *, fresh: bool = False, kept: KeptProcesses | None = None
    ) -> HostedProgram:
        """A scenario as something that can be executed; with `fresh`, in new processes each time.

        Processes that are `kept` may come from other scenarios, and go on to them.
        """
        objects = {**self._objects, **scenario.objects}
        return HostedProgram(
            self.runner, self._host, objects, scenario.calls, scenario.scripts, fresh=fresh, kept=kept
        )

    def open_runner(self) -> Runner:
        """Another runner for the same submission, to be closed by the caller."""
        return self._template.runner(self.submission)

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
            return ("lost" if patience.hung else "silent",) * len(wanted)
        except RunnerSilent:
            return ("silent",) * len(wanted)
        except (Ended, Malformed, RunnerLost):
            return ("lost",) * len(wanted)
        return answer.probed if len(answer.probed) == len(wanted) else ("lost",) * len(wanted)


@contextmanager
def open_workbench(
    template: Template, submission: SubmissionText, exercise: str, sha256: str, checks: str = ""
) -> Iterator[Workbench]:
    """A workbench for one submission; nothing of it is left afterwards. `checks` is as in `Origin`.

    Raises:
        NotImported: the submission cannot be imported.
    """
    with template.runner(submission) as runner:
        yield Workbench(template, submission, exercise, sha256, runner, checks)

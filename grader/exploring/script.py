"""A program on disk, ready to be executed as `__main__` again and again. Start at `open_script`."""

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from grader.core.operations import MAIN, TaskId
from grader.errors import UsageError
from grader.grading.findings import Origin
from grader.grading.scenario import Scenario
from grader.grading.submission import Submission, load
from grader.runtime.agent.draws import HASHES
from grader.runtime.allowance import Measured
from grader.runtime.blame import Blame
from grader.runtime.pinning import pinned
from grader.runtime.programs import ScriptProgram
from grader.runtime.remembered.trie import Memory
from grader.runtime.sandbox.levels import Isolation, Level
from grader.runtime.template import ScriptPlace, SubmissionText, Template

_OF_HASHES = ("set", "frozenset", "hash")


class Script(msgspec.Struct, frozen=True):
    """A program's file, and the arguments that it is run with."""

    file: Submission
    arguments: tuple[str, ...] = ()

    def origin(self, draw: int = 0) -> Origin:
        """Where findings about it come from that were seen under a draw."""
        text = SubmissionText("__main__", self.file.name, self.file.text)
        return Origin(text, self.file.sha256, arguments=self.arguments, draw=draw)

    @property
    def hashes(self) -> bool:
        """Whether its source makes sets, or asks for hashes."""
        try:
            tree = ast.parse(self.file.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        return any(
            isinstance(node, (ast.Set, ast.SetComp)) or (isinstance(node, ast.Name) and node.id in _OF_HASHES)
            for node in ast.walk(tree)
        )


class ScriptScenario(Scenario):
    """One main process, which makes everything itself, and may do what a submission may not."""

    forbids = False

    def tasks(self) -> list[TaskId]:
        return [MAIN]


ISOLATION = Isolation(Level.OFF)
"""A program of the user's own is not closed off."""


def load_script(path: Path, arguments: Sequence[str] = ()) -> Script:
    """The program at `path`.

    Raises:
        UsageError: it cannot be read, or is no Python text, or an argument is no text.
    """
    for number, argument in enumerate(arguments, start=1):
        if any("\ud800" <= character <= "\udfff" for character in argument):
            raise UsageError(
                f"argument {number} of the program is not UTF-8 text; such arguments cannot be replayed"
            )
    return Script(load(path), tuple(arguments))


@contextmanager
def open_script(
    script: Script, cpu: float | None = None, draw: int = 0, *, last: bool = True
) -> Iterator[ScriptProgram]:
    """The program, to be executed; nothing of it is left afterwards.

    A process may compute for `cpu` seconds by itself, or as long as the first execution makes it seem to need.
    It sees the folder it is run in, the environment, and the packages that are installed beside the grader. `draw`
    decides what chance and the clock say, and the hash seed (`grader.runtime.agent.draws`). Unless it is the `last`
    try, what may have been the machine's fault is not held against the program.
    """
    hash_seed = HASHES.get(draw, 0)
    place = ScriptPlace(str(script.file.path), script.arguments, str(Path.cwd()))
    text = script.origin().submission
    with (
        pinned(),
        Template(isolated=False, hash_seed=hash_seed) as template,
        template.runner(text, place) as runner,
    ):
        runner.allowance = Measured(cpu)
        runner.blame = Blame(runner, last=last)
        yield ScriptProgram(runner, runner.script(), memory=Memory(runner.source), draw=draw)

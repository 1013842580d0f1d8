"""What is started once for all tests of a worker: templates, and grades of the same text."""

from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path

from grader.core.verdict import Grade
from grader.grading.catalogue import resolve
from grader.grading.check import CheckOptions, grade
from grader.grading.submission import from_data
from grader.runtime.template import Template


class Grader:
    """Grades texts under the name of their exercise; the same one once, whichever tests look at the grade."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._known: dict[tuple[str, str, bool], Grade] = {}

    def __call__(self, source: str, exercise: str = "counter", *, free_runs: bool = False) -> Grade:
        key = source, exercise, free_runs
        if key not in self._known:
            submission = from_data(Path(f"{exercise}.py"), source.encode())
            options = CheckOptions(free_runs=free_runs)
            self._known[key] = grade(self._template, submission, resolve(submission.path), options)
        return self._known[key]


class WarmTemplates:
    """Stands in for `Template` where programs are explored: there is one for each hash seed. A context manager."""

    def __init__(self) -> None:
        self._running: dict[str, Template] = {}
        self._stack = ExitStack()

    def __enter__(self) -> "WarmTemplates":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __call__(self, *, isolated: bool, hash_seed: str) -> AbstractContextManager[Template]:
        assert not isolated
        if hash_seed not in self._running:
            started = Template(isolated=False, hash_seed=hash_seed)
            self._running[hash_seed] = self._stack.enter_context(started)
        return nullcontext(self._running[hash_seed])

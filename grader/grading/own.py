"""Exercises of an instructor's own: written as a skeleton, and tried out. Start at `write` and `validate`."""

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.core.verdict import CheckStatus, Grade
from grader.errors import UsageError
from grader.grading.catalogue import exercises, own
from grader.grading.check import CheckOptions, grade
from grader.grading.submission import load
from grader.runtime.template import Template

WRONG = "wrong"
_SKELETON = Path(__file__).resolve().parent / "skeleton"
_SUFFIX = ".txt"
"""The files of the skeleton are no modules of the package."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One of the exercise's own files, graded."""

    name: str
    must_pass: bool
    grade: Grade

    @property
    def as_it_should(self) -> bool:
        """Whether it came off as its place in the folder says. What is inconclusive has not failed, nor passed."""
        failed = any(check.status is CheckStatus.FAILED for check in self.grade.checks)
        return self.grade.passed if self.must_pass else failed

    @property
    def why_not(self) -> str:
        """In a line, why it did not come off as it should; "" if it did."""
        if self.as_it_should:
            return ""
        for check in self.grade.checks:
            if check.status in (CheckStatus.FAILED, CheckStatus.INCONCLUSIVE) and check.findings:
                return f"{check.title}: {check.findings[0].message}"
        return "no check finds what is wrong with it" if not self.must_pass else "not all checks have passed"


def write(folder: Path) -> Iterator[Path]:
    """Write a small exercise that works into a new folder.

    Raises:
        UsageError: the folder is there already, has no name for a module, or cannot be made.
    """
    if not folder.name.isidentifier() or keyword.iskeyword(folder.name):
        plain = re.sub(r"\W+", "_", folder.name).strip("_")
        like = plain if plain.isidentifier() and not keyword.iskeyword(plain) else "bounded_buffer"
        raise UsageError(f"{folder}: the name of an exercise is one of a Python module, like {like}")
    if folder.name in {exercise.name for exercise in exercises()}:
        raise UsageError(f"{folder.name} is one of the exercises that are there already; choose another name")
    try:
        folder.mkdir(parents=True)
        (folder / WRONG).mkdir()
        for source in sorted(_SKELETON.rglob(f"*{_SUFFIX}")):
            target = folder / source.relative_to(_SKELETON).with_suffix("")
            target.write_bytes(source.read_bytes())
            yield target
    except FileExistsError:
        raise UsageError(f"{folder} is there already; choose another name") from None
    except OSError as error:
        raise UsageError(f"cannot write {folder}: {error.strerror}") from None


def validate(folder: Path) -> Iterator[Trial]:
    """Grade the reference, the stub and every wrong file of an exercise.

    Raises:
        UsageError: the exercise is incomplete, or its checks do not work.
    """
    exercise = own(folder)
    place = exercise.folder or folder
    wrong = sorted((place / WRONG).glob("*.py"))
    files = [(place / "reference.py", True), (place / "stub.py", False), *((path, False) for path in wrong)]
    with Template() as template:
        for path, must_pass in files:
            graded = grade(template, load(path), exercise, CheckOptions())
            yield Trial(path.relative_to(place).as_posix(), must_pass, graded)

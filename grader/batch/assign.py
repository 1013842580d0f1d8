"""Which of a student's files is for which exercise. Start at `assign`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.batch import names
from grader.batch.model import Handed, Leftover, Student


@dataclass(frozen=True, slots=True)
class File:
    """A Python file of a student. `filename` is what they call it, `depth` how many folders down it lies.

    `number` grows with each time that something was handed in.
    """

    path: Path
    shown: str
    filename: str
    depth: int = 0
    number: int = 0
    late: bool = False

    @property
    def stem(self) -> str:
        """The file's name without `.py`."""
        return Path(self.filename).stem


def assign(
    students: tuple[Student, ...], files: Sequence[File], known: Sequence[str], exercise: str = ""
) -> tuple[list[Handed], list[Leftover]]:
    """One file for each exercise, and what is left over. With `exercise` only files for that one are wanted."""
    candidates: dict[str, list[File]] = {}
    unnamed: list[File] = []
    leftovers: list[Leftover] = []
    for file in files:
        said = names.exercise(file.stem, known)
        if said is None:
            unnamed.append(file)
        elif exercise and said[0] != exercise:
            leftovers.append(Leftover(file.shown, f"it is for the exercise {said[0]}"))
        else:
            candidates.setdefault(said[0], []).append(file)
    likely = [file for file in unnamed if not file.stem.startswith(("test_", "__"))]
    if exercise and exercise not in candidates and likely:
        newest = max(file.number for file in likely)
        last = [file for file in likely if file.number == newest]
        if len(last) == 1:
            candidates[exercise] = likely
            unnamed = [file for file in unnamed if file not in likely]
    handed = []
    for name, several in candidates.items():
        best, *others = sorted(several, key=lambda file: _rank(file, name))
        handed.append(_handed(students, name, best))
        leftovers += [
            Leftover(file.shown, f"there is another file for {name}: {best.shown}") for file in others
        ]
    hint = f"named {exercise}.py" if exercise else f"named after an exercise ({', '.join(known)})"
    leftovers += [Leftover(file.shown, f"not {hint}") for file in unnamed]
    return handed, leftovers


def _rank(file: File, exercise: str) -> tuple[bool, int, bool, int, int, str]:
    """The one with the right name, the last one handed in, the one that is easiest to find, the last copy."""
    plain, copy = names.copy(file.stem)
    right = plain.casefold() == exercise.casefold()
    return not right, -file.number, file.stem != exercise, file.depth, -copy, file.shown


def _handed(students: tuple[Student, ...], exercise: str, file: File) -> Handed:
    return Handed(students, exercise, str(file.path), file.shown, file.filename, late=file.late)

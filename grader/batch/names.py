"""What the names of files and folders in an export tell: whose it is, and for which exercise. Start at `owner`.

Canvas names files `name[_LATE]_userid_attachid_file`, and a file handed in again `file-1.py`. Moodle names folders
`Full Name_12345_assignsubmission_file_` (a plain download puts the file's name behind that), `Participant_12345_…` if
names are hidden. GitHub Classroom clones into `assignment-username`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from grader.batch.model import Student

_CANVAS = re.compile(
    r"(?P<name>.+?)(?P<late>_LATE)?_(?P<user>\d+)_(?P<attached>\d+)_(?P<file>.+)", re.IGNORECASE
)
_MOODLE = re.compile(
    r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_(?P<kind>file|onlinetext)_?(?P<file>.*)", re.DOTALL
)
_AGAIN = re.compile(r"(?:-\d+| ?\(\d+\))$")


@dataclass(frozen=True, slots=True)
class Named:
    """A file or folder whose name tells whose it is. `filename` is "" for a folder, `number` grows with time."""

    student: Student
    filename: str = ""
    late: bool = False
    number: int = 0


def owner(name: str) -> Named | None:
    """Whose a file or folder of this name is, by the habits of Canvas and Moodle; None if it follows neither."""
    moodle = _MOODLE.fullmatch(name)
    if moodle is not None:
        shown = moodle["name"] if moodle["name"] != "Participant" else f"Participant {moodle['id']}"
        return Named(Student(f"moodle:{moodle['id']}", shown), moodle["file"])
    canvas = _CANVAS.fullmatch(name)
    if canvas is not None:
        student = Student(f"canvas:{canvas['user']}", canvas["name"], canvas["user"])
        return Named(student, canvas["file"], bool(canvas["late"]), int(canvas["attached"][-18:]))
    return None


def usernames(clones: Sequence[str]) -> dict[str, str]:
    """The user names in the names of clones: what is left without the assignment that they all begin with."""
    first, last = min(clones, default=""), max(clones, default="")
    same = next((n for n, (a, b) in enumerate(zip(first, last)) if a != b), min(len(first), len(last)))
    cut = first.rfind("-", 0, same) + 1 if len(clones) > 1 else 0
    return {name: name[cut:] or name for name in clones}


def copy(stem: str) -> tuple[str, int]:
    """A file stem without the number of a copy, and that number: `counter (2)` is (`counter`, 2)."""
    again = _AGAIN.search(stem)
    if again is None:
        return stem, 0
    return stem[: again.start()], int(re.sub(r"\D", "", again[0])[-18:])


def exercise(stem: str, known: Sequence[str]) -> tuple[str, str] | None:
    """Which of the `known` exercises a file stem names, and what else it says: `anna_counter` is counter, anna.

    A file of tests is for none.
    """
    plain = _AGAIN.sub("", stem).strip()
    if re.match(r"(?i)tests?[_-]", plain):
        return None
    for name in sorted(known, key=len, reverse=True):
        spelled = re.escape(name).replace("_", "[_ -]?")
        whole = re.fullmatch(rf"(?i)(?P<before>.*?)(?:^|[\W_]+){spelled}(?:$|[\W_]+)(?P<after>.*)", plain)
        if whole is not None:
            return name, " ".join(
                part for part in (whole["before"].strip("_ -"), whole["after"].strip("_ -")) if part
            )
    return None

"""Finds the submissions in a folder, whoever has made the folder. Start at `find`.

Known are a flat folder of files, a folder (or a zip file) for each student, an export of Gradescope, Canvas or Moodle,
packed or not, and clones of GitHub Classroom. Links are never followed. Whatever is not graded is listed with a reason;
only what no person has written (`__MACOSX`, `.git`, …) is passed over.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.batch import gradescope, names
from grader.batch.assign import File, assign
from grader.batch.model import Found, Handed, Leftover, Student
from grader.batch.unpack import CLASS, METADATA, STUDENT, is_junk, no_python, unpack
from grader.errors import UsageError
from grader.grading.submission import SIZE_LIMIT

_DEPTH = 8
_NESTED_ZIPS = 2
_ZIPS = 10
"""So many zip files of one student are unpacked."""


@dataclass(slots=True)
class _Owner:
    """A student (or a group) and the Python files that are theirs."""

    students: tuple[Student, ...]
    files: list[File] = field(default_factory=list)
    zips: int = 0


class _Finder:
    def __init__(self, root: Path, unpacked: Path, known: Sequence[str], exercise: str) -> None:
        self._root = root
        self._unpacked = unpacked
        self._skipped = os.path.realpath(unpacked.parent)
        self._known = known
        self._exercise = exercise
        self._owners: dict[str, _Owner] = {}
        self._named: dict[str, Student] = {}
        self.leftovers: list[Leftover] = []

    def found(self) -> Found:
        handed: list[Handed] = []
        for owner in self._owners.values():
            mine, over = assign(owner.students, owner.files, self._known, self._exercise)
            handed += mine
            self.leftovers += over
        handed.sort(key=lambda one: (one.students[0].name.casefold(), one.exercise, one.shown))
        graded = {student.key for one in handed for student in one.students}
        without = [student for key, student in self._named.items() if key not in graded]
        return Found(
            tuple(handed),
            tuple(sorted(self.leftovers, key=lambda over: over.path)),
            tuple(sorted(without, key=lambda student: student.name.casefold())),
        )

    def top(self, folder: Path, shown: str, depth: int = 0) -> None:
        """Look at a folder that holds the work of many."""
        entries = list(self._entries(folder, shown))
        if any(path.name == METADATA for path, _ in entries):
            return self._gradescope(folder, shown, entries)
        inner = [path for path, _ in entries if os.path.isdir(path) or path.suffix.lower() == ".zip"]
        if (
            len(entries) == 1
            and inner
            and depth < _DEPTH
            and self._is_export(inner[0], f"{shown}{inner[0].name}")
        ):
            return self.top(*self._opened(inner[0], f"{shown}{inner[0].name}"), depth + 1)
        usernames = _usernames([path for path, _ in entries if os.path.isdir(path)])
        for path, name in entries:
            if os.path.isdir(path):
                self._folder_of_one(path, name, usernames)
            else:
                self._file_of_one(path, name)
        return None

    def _is_export(self, path: Path, shown: str) -> bool:
        """Whether the only thing in a folder is not the work of one student, but once more that of many."""
        if names.owner(path.name):
            return False
        try:
            folder, inside = self._opened(path, shown, tell=False)
        except UsageError:
            return False
        entries = [entry for entry, _ in self._entries(folder, inside, tell=False)]
        listed = any(entry.name == METADATA or names.owner(entry.name) for entry in entries)
        return listed or (len(entries) > 0 and all(os.path.isdir(entry) for entry in entries))

    def _opened(self, path: Path, shown: str, tell: bool = True) -> tuple[Path, str]:
        if os.path.isdir(path):
            return path, f"{shown}/"
        opened = unpack(path, self._unpacked, CLASS)
        if tell:
            self.leftovers += [Leftover(f"{shown}/{over.path}", over.why) for over in opened.leftovers]
        return opened.folder, f"{shown}/"

    def _entries(self, folder: Path, shown: str, tell: bool = True) -> Iterator[tuple[Path, str]]:
        """What is in a folder, in order, without links, junk and our own output."""
        try:
            found = sorted(folder.iterdir())
        except OSError as error:
            if folder == self._root:
                raise UsageError(f"{folder} cannot be read: {error.strerror}") from None
            self.leftovers += [Leftover(shown, f"cannot be read: {error.strerror}")] if tell else []
            return
        for path in found:
            name = f"{shown}{path.name}"
            why = ""
            if is_junk(path.name):
                continue
            if os.path.islink(path):  # before anything that follows it, which may never end
                why = "a link; links are not followed"
            elif os.path.realpath(path) == self._skipped:
                continue
            elif os.path.isdir(path):
                why = "a virtual environment" if os.path.exists(path / "pyvenv.cfg") else ""
            elif not os.path.isfile(path):
                why = "no regular file"
            if why:
                self.leftovers += [Leftover(name, why)] if tell else []
                continue
            yield path, name

    def _gradescope(self, folder: Path, shown: str, entries: Sequence[tuple[Path, str]]) -> None:
        submitters = gradescope.submitters(folder / METADATA)
        for path, name in entries:
            if path.name == METADATA:
                continue
            students = submitters.pop(path.name, ())
            if not os.path.isdir(path):
                self._leftover(name, f"not among the folders that {METADATA} lists")
                continue
            self._all_of(path, f"{name}/", students or (Student(f"folder:{path.name}", path.name),))
        for left, students in submitters.items():
            self._name(students)
            who = ", ".join(student.name for student in students)
            self._leftover(
                f"{shown}{left}", f"{METADATA} lists it{f' for {who}' if who else ''}, but it is not there"
            )

    def _folder_of_one(self, path: Path, name: str, usernames: dict[str, str]) -> None:
        named = names.owner(path.name)
        if named is not None and not named.filename:
            self._all_of(path, f"{name}/", (named.student,), late=named.late)
        elif path.name in usernames:
            login = usernames[path.name]
            self._all_of(path, f"{name}/", (Student(f"user:{login}", login, username=login),))
        else:
            self._all_of(path, f"{name}/", (Student(f"name:{path.name}", path.name),))

    def _file_of_one(self, path: Path, name: str) -> None:
        named = names.owner(path.name)
        filename = (named.filename if named is not None else "") or path.name
        suffix = Path(filename).suffix.lower()
        if named is not None:
            self._name((named.student,))
        if suffix not in (".py", ".zip"):
            return self._leftover(name, no_python(filename))
        student = named.student if named is not None else self._by_stem(Path(filename).stem)
        if suffix == ".zip":
            late, number = (named.late, named.number) if named else (False, 0)
            self._name((student,))
            return self._packed(path, name, (student,), "", late=late, number=number, zips=0)
        known = named if named is not None else names.Named(student)
        self._add((student,), File(path, name, filename, 0, known.number, known.late))
        return None

    def _by_stem(self, stem: str) -> Student:
        """Whose a file in a flat folder is: what its name says besides the exercise."""
        said = names.exercise(stem, self._known)
        who = said[1] if said is not None else stem
        if not who:
            who = self._root.resolve().stem
        return Student(f"name:{who}", who)

    def _take(
        self,
        folder: Path,
        shown: str,
        students: tuple[Student, ...],
        within: str,
        *,
        late: bool = False,
        number: int = 0,
        zips: int = 0,
    ) -> None:
        """All Python files below the folder of one student."""
        depth = within.count("/")
        for path, name in self._entries(folder, shown):
            suffix = path.suffix.lower()
            named = names.owner(path.name)
            if os.path.isdir(path) and depth < _DEPTH:
                self._take(path, f"{name}/", students, f"{within}/", late=late, number=number, zips=zips)
            elif os.path.isdir(path):
                self._leftover(name, "too many folders in folders")
            elif suffix == ".zip" and zips < _NESTED_ZIPS:
                self._packed(path, name, students, f"{within}/", late=late, number=number, zips=zips)
            elif suffix == ".zip":
                self._leftover(name, f"a zip file within {_NESTED_ZIPS} others; unpack it")
            elif suffix == ".py":
                own = named.filename if named is not None and named.filename else path.name
                self._add(students, File(path, name, own, depth, number, late))
            else:
                self._leftover(name, no_python(path.name))

    def _packed(
        self,
        archive: Path,
        shown: str,
        students: tuple[Student, ...],
        within: str,
        *,
        late: bool,
        number: int,
        zips: int,
    ) -> None:
        """A zip file of one student, who may hand in a few of them, none of them large."""
        owner = self._owner(students)
        owner.zips += 1
        if owner.zips > _ZIPS:
            return self._leftover(shown, f"only {_ZIPS} zip files of one student are unpacked")
        try:
            opened = unpack(archive, self._unpacked, STUDENT)
        except UsageError as error:
            return self._leftover(shown, str(error).replace(str(archive), "it"))
        self.leftovers += [Leftover(f"{shown}/{over.path}", over.why) for over in opened.leftovers]
        if not opened.leftovers and all(is_junk(name) for name in _listed(opened.folder)):
            return self._leftover(shown, "an empty zip file")
        return self._take(
            opened.folder, f"{shown}/", students, within, late=late, number=number, zips=zips + 1
        )

    def _all_of(self, folder: Path, shown: str, students: tuple[Student, ...], *, late: bool = False) -> None:
        """A whole folder of one student, or of a group."""
        self._name(students)
        owner, listed = self._owner(students), len(self.leftovers)
        known = len(owner.files)
        self._take(folder, shown, students, "", late=late)
        if len(owner.files) == known and len(self.leftovers) == listed:
            self._leftover(shown, "an empty folder")

    def _name(self, students: tuple[Student, ...]) -> None:
        """Note that the folder names these; hidden folders are nobody's."""
        self._named.update((student.key, student) for student in students if not student.name.startswith("."))

    def _owner(self, students: tuple[Student, ...]) -> _Owner:
        key = "\0".join(sorted(student.key for student in students))
        return self._owners.setdefault(key, _Owner(students))

    def _add(self, students: tuple[Student, ...], file: File) -> None:
        self._owner(students).files.append(file)

    def _leftover(self, name: str, why: str) -> None:
        self.leftovers.append(Leftover(name, why))


def find(folder: Path, unpacked: Path, known: Sequence[str], exercise: str = "") -> Found:
    """The submissions in `folder` (or zip file) for the `known` exercises, or all of them for `exercise`.

    Zip files are unpacked below `unpacked`; the folder around that is the batch's own and not searched.

    Raises:
        UsageError: the folder cannot be read, or there is nothing in it.
    """
    check(folder)
    finder = _Finder(folder, unpacked, known, exercise)
    root = folder
    if not folder.is_dir():
        opened = unpack(folder, unpacked, CLASS)
        finder.leftovers += opened.leftovers
        root = opened.folder
    finder.top(root, "")
    return finder.found()


def check(folder: Path) -> None:
    """See that submissions may be in `folder`. Raises UsageError if it is not there, or a single file."""
    if not folder.exists():
        raise UsageError(f"{folder} does not exist; name the folder with the submissions")
    if not folder.is_dir() and folder.suffix.lower() != ".zip":
        raise UsageError(f"{folder} is not a folder; use `grader check` for single files")


def _usernames(folders: Sequence[Path]) -> dict[str, str]:
    """The user names of the clones among `folders`; without any `.git`, all of them are if they begin alike."""
    clones = [path.name for path in folders if os.path.exists(path / ".git")]
    if clones:
        return names.usernames(clones)
    shortened = names.usernames([path.name for path in folders])
    return {name: login for name, login in shortened.items() if login != name}


def _listed(folder: Path) -> list[str]:
    """The names in a folder; one that cannot be read is not empty."""
    try:
        return os.listdir(folder)
    except OSError:
        return [str(folder)]


def digest(path: Path) -> str:
    """The SHA-256 of a file; of a large one only as far as it would be read. "" if it cannot be read."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            return hashlib.sha256(file.read(SIZE_LIMIT + 1)).hexdigest()
    except (OSError, ValueError):
        return ""

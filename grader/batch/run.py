"""Grades everything in a folder that the grade book does not know yet. Start at `run`."""

import fcntl
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from grader.batch import roster, versions
from grader.batch.book import Book, Key
from grader.batch.crew import PATIENCE, Crew
from grader.batch.find import check, digest, find
from grader.batch.model import Found, Handed, Result, Roll, Verdict
from grader.batch.worker import Answer, Task
from grader.errors import UsageError
from grader.grading import catalogue, seeds
from grader.grading.check import CheckOptions
from grader.grading.submission import load
from grader.runtime import limits
from grader.runtime.pinning import cores
from grader.runtime.sandbox import minimum

UNPACKED = "unpacked"
_LOCK = ".batch.lock"
_TICK = 0.5
_FAULTS = 6
"""So many submissions in a row that this machine does not let be graded, and no more are begun."""
LOG = "errors.log"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line says; None leaves it as it was in the last batch over the same folder."""

    exercise: str | None = None
    roster: Path | None = None
    free_runs: bool | None = None
    executions: int | None = None
    seed: str | None = None
    unsafe: bool = False
    jobs: int | None = None


@dataclass(slots=True)
class Standing:
    """How far a batch is. `counts` are verdicts so far, of earlier batches too; `graded` are those of this one."""

    total: int
    already: int
    counts: Counter[Verdict]
    started: float = field(default_factory=time.monotonic)
    graded: int = 0
    last: str = ""

    @property
    def done(self) -> int:
        """Submissions that have a verdict."""
        return sum(self.counts.values())

    @property
    def seconds(self) -> float:
        """Since the first one was begun."""
        return time.monotonic() - self.started

    @property
    def rate(self) -> float:
        """Submissions a second; 0 while that cannot be told."""
        return self.graded / self.seconds if self.graded and self.seconds > 0 else 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds that are left at this rate."""
        return (self.total - self.done) / self.rate if self.rate else None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a batch ended: whether it was stopped, how many it has graded, and whose grade went down.

    `errors` are those that the grader or the machine has failed at, with the reason, and `log` is the file that tells
    more, if there is more to be told. `given_up` is why the machine was asked no more, if it failed again and again.
    `gone` was in the folder the last time, and is not any more; `moved` are folders that were graded and are not there
    any more. What they held is left out of the reports, and the book keeps the grades.
    """

    standing: Standing
    stopped: bool
    roll: Roll
    went_down: tuple[tuple[Handed, float, float], ...] = ()
    errors: tuple[tuple[Handed, str], ...] = ()
    gone: tuple[Handed, ...] = ()
    moved: tuple[Roll, ...] = ()
    log: Path | None = None
    given_up: str = ""


def run(
    folder: Path, output: Path, wishes: Wishes, progress: Callable[[Standing], None] = lambda _: None
) -> Ended:
    """Grade what is in `folder` and not yet in the grade book in `output`. An interrupt ends it, and loses nothing.

    Raises:
        UsageError: the folder, the roster, the book or the exercise is not what it should be, there is no room, or
            code cannot be closed off here.
        InternalError: the grader itself has failed.
    """
    check(folder)
    if folder.resolve() == output.resolve():
        raise UsageError(f"{output} is the folder of the submissions; name another one with --output")
    with Book(output) as book:
        rolls = book.rolls()
        place = str(folder.resolve())
        if place in book.damaged_rolls() and wishes.exercise is None:
            raise UsageError(
                f"{book.path}: what it knew about {folder} is damaged; say once more with --exercise what that holds "
                "('' if the names of the files tell), and give --roster and --no-free-runs again if you did"
            )
        before = next((roll for roll in rolls if roll.folder == place), None)
        secret = book.secret() if wishes.seed is None else book.replace_secret(seeds.from_text(wishes.seed))
        roll = _roll(before or Roll(place), folder, output, wishes)
        roll = msgspec.structs.replace(roll, secret=seeds.identity(secret))
        if roll.found.handed or before is not None:
            book.enter_roll(roll)
        if not roll.found.handed:
            raise UsageError(f"{folder}: there is no submission in it{_hint(roll)}")
        moved = tuple(other for other in rolls if not Path(other.folder).exists())
        for other in moved:
            book.forget_roll(other)
        with _lock(output) as alone:
            options = CheckOptions(roll.free_runs, roll.executions, roll.unsafe, secret)
            ended = _Batch(book, roll, options, wishes.jobs, progress).run(alone)
    return replace(ended, gone=_gone(before, roll), moved=moved)


def _gone(before: Roll | None, now: Roll) -> tuple[Handed, ...]:
    here = {handed.whose for handed in now.found.handed}
    return tuple(handed for handed in before.found.handed if handed.whose not in here) if before else ()


def _hint(roll: Roll) -> str:
    if not roll.found.leftovers:
        return ""
    first = roll.found.leftovers[0]
    more = len(roll.found.leftovers) - 1
    return f"; {first.path}: {first.why}{f' (and {more} more)' if more else ''}"


def _roll(before: Roll, folder: Path, output: Path, wishes: Wishes) -> Roll:
    exercise = before.exercise if wishes.exercise is None else wishes.exercise
    known = {exercise.name: exercise for exercise in catalogue.exercises()}
    only = catalogue.resolve(folder, exercise) if exercise else None
    if only is not None:
        exercise, known[only.name] = only.spec, only
    students = before.roster if wishes.roster is None else roster.read(wishes.roster)
    found = find(folder, output / UNPACKED, [*known], only.name if only is not None else "")
    handed = tuple(
        msgspec.structs.replace(one, sha256=digest(Path(one.path)) or f"unreadable: {one.shown}")
        for one in found.handed
    )
    people = {student.key: student for one in handed for student in one.students}
    people |= {student.key: student for student in found.without}
    absent, strangers = roster.compare(students, people.values()) if students else ((), ())
    return Roll(
        folder=before.folder,
        exercise=exercise,
        found=Found(handed, found.leftovers, found.without),
        absent=absent,
        strangers=strangers,
        roster=students,
        free_runs=before.free_runs if wishes.free_runs is None else wishes.free_runs,
        executions=before.executions if wishes.executions is None else wishes.executions,
        unsafe=wishes.unsafe,
        grader_version=versions.grader(),
        exercise_versions={
            name: versions.exercise(known[name]) for name in sorted({h.exercise for h in handed})
        },
    )


def key_of(roll: Roll, handed: Handed) -> Key:
    """What the grade of a submission is found by."""
    version = roll.exercise_versions.get(handed.exercise, "")
    return Key(handed.sha256, handed.exercise, version, roll.grader_version, _options(roll))


def _options(roll: Roll) -> str:
    """Options as they stand in keys. Those of earlier graders stay as they were, so that their grades are found."""
    budget = "" if roll.budget is None else f" budget={roll.budget:g}"
    executions = "" if roll.executions is None else f" executions={roll.executions}"
    unsafe, secret = " unsafe" if roll.unsafe else "", f" secret={roll.secret}" if roll.secret else ""
    return f"free={int(roll.free_runs)}{budget}{executions}{unsafe}{secret}"


class _Batch:
    """One run over what a roll lists. Equal files are graded once."""

    def __init__(
        self,
        book: Book,
        roll: Roll,
        options: CheckOptions,
        jobs: int | None,
        progress: Callable[[Standing], None],
    ) -> None:
        self._book = book
        self._roll = roll
        self._options = options
        self._jobs = jobs or max(len(cores()), 1)
        self._progress = progress
        self._same: dict[Key, list[Handed]] = {}
        for handed in roll.found.handed:
            self._same.setdefault(key_of(roll, handed), []).append(handed)
        known = {key: book.has(key) for key in self._same}
        self._missing = [key for key, verdict in known.items() if verdict is None]
        counts: Counter[Verdict] = Counter()
        for key, verdict in known.items():
            if verdict is not None:
                counts[verdict] += len(self._same[key])
        total = len(roll.found.handed)
        self._standing = Standing(total, sum(counts.values()), counts)
        self._graded: list[Key] = []
        self._errors: list[tuple[Handed, str]] = []
        self._waiting: deque[Key] = deque()
        self._tried_again: set[Key] = set()
        self._faults = 0
        """How often in a row the machine has failed."""
        self._given_up = ""
        self._log: Path | None = None

    def run(self, alone: bool) -> Ended:
        """Grade what is missing; the second of two batches at once begins at the end."""
        stopped = False
        try:
            if self._missing:
                limits.open_files()
                limits.addresses()
            if self._missing and not self._roll.unsafe:
                minimum.require()
            self._grade(self._missing if alone else self._missing[::-1])
        except KeyboardInterrupt:
            stopped = True
        return Ended(
            self._standing,
            stopped,
            self._roll,
            tuple(sorted(self._went_down(), key=lambda down: down[0].shown)),
            tuple(self._errors),
            log=self._log,
            given_up=self._given_up,
        )

    def _grade(self, keys: list[Key]) -> None:
        self._waiting.extend(keys)
        with Crew[Key](min(self._jobs, max(len(keys), 1)), self._options, PATIENCE) as crew:
            while self._waiting or crew.busy:
                while self._waiting and crew.has_room:
                    self._begin(crew, self._waiting.popleft())
                self._progress(self._standing)
                for key, answer in crew.results(_TICK) if crew.busy else ():
                    self._take(key, answer)
        self._progress(self._standing)

    def _take(self, key: Key, answer: Answer) -> None:
        """Enter what came of a task, or have it graded once more if its worker was lost."""
        if answer.lost and key not in self._tried_again:
            self._tried_again.add(key)
            self._waiting.append(key)
            return
        self._faults = self._faults + 1 if answer.machine else 0
        if answer.log:
            self._note(self._same[key][0], answer.log)
        self._enter(key, answer.result)
        if self._faults >= max(_FAULTS, 2 * self._jobs) and self._waiting:
            self._given_up = answer.result.problem
            self._waiting.clear()

    def _note(self, handed: Handed, log: str) -> None:
        """Keep what a bug report needs, beside the book."""
        path = self._book.path.with_name(LOG)
        when = time.strftime("%Y-%m-%d %H:%M:%S")
        with suppress(OSError), path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{when}  {handed.shown}, exercise {handed.exercise}\n{log}\n")
            self._log = path

    def _begin(self, crew: Crew[Key], key: Key) -> None:
        """Have a file graded, unless it cannot be read, or another batch has graded it meanwhile."""
        verdict = self._book.has(key)
        if verdict is not None:
            self._count(key, verdict)
            return
        path = Path(self._same[key][0].path)
        try:
            submission = load(path)
        except UsageError as error:
            problem = str(error).replace(str(path), self._same[key][0].filename)
            self._enter(key, Result(Verdict.UNREADABLE, problem=problem))
            return
        if submission.sha256 != key.sha256:
            problem = "the file was changed while the batch was running; start it again"
            self._enter(key, Result(Verdict.ERROR, problem=problem))
            return
        spec = self._roll.exercise or key.exercise
        crew.give(key, Task(f"{key.exercise}.py", submission.data, spec))

    def _enter(self, key: Key, result: Result) -> None:
        self._book.enter(key, result)
        self._graded.append(key)
        if result.verdict is Verdict.ERROR:
            self._errors += [(handed, result.problem) for handed in self._same[key]]
        self._standing.graded += len(self._same[key])
        self._count(key, result.verdict)

    def _count(self, key: Key, verdict: Verdict) -> None:
        self._standing.counts[verdict] += len(self._same[key])
        self._standing.last = self._same[key][0].shown

    def _went_down(self) -> Iterator[tuple[Handed, float, float]]:
        for key in self._graded:
            entry = self._book.entry(key)
            if entry is None or entry.was is None or entry.result.verdict is Verdict.ERROR:
                continue
            if entry.result.score < entry.was:
                yield from ((handed, entry.was, entry.result.score) for handed in self._same[key])


@contextmanager
def _lock(output: Path) -> Iterator[bool]:
    """Whether no other batch is at work on this book. The kernel forgets the lock of one that was killed."""
    try:
        descriptor = os.open(output / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UsageError(f"cannot write into {output}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            alone = True
        except OSError:
            alone = False
        yield alone
    finally:
        os.close(descriptor)

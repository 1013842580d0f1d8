"""What the instructor's page says about a whole batch. Start at `of_sheet`; no markup here."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grader.batch.model import Verdict
from grader.core.verdict import CheckStatus, EvidenceLevel
from grader.report import sanitize, words
from grader.report.sheet import NOT_GRADED, CheckLine, Line, Mistake, Sheet, StudentLine

_BINS = 10
_SLOWEST = 10
_LISTED = 500
_ITEM = re.compile(r"\[-?\d+\]")
_LINE = re.compile(r"\b([Ll]ines?) \d+(?:(?:, | and )\d+)*")


@dataclass(frozen=True, slots=True)
class Link:
    """A student, or a group, and the name of their page."""

    text: str
    page: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """So many submissions in one part of the range; `share` is in percent of the largest part."""

    label: str
    count: int
    share: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the points are spread."""

    title: str
    remark: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A check, as a column of the matrix, and what came of it: numbers by status and by level of evidence."""

    exercise: str
    name: str
    title: str
    statuses: tuple[int, ...]
    levels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A check of a student. `level` is told where a pass rests on less than everything; `why` is for a pointer."""

    status: str
    level: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A student in the matrix. `verdict` is the worst of their submissions; `points` and `seconds` are sums."""

    name: str
    remark: str
    score: str
    points: float
    seconds: float
    verdict: str
    links: tuple[Link, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The same mistake in several submissions: same check, kind, help, and shape of the witness."""

    count: int
    check: str
    kind: str
    text: str
    shape: str
    exercise: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything on the page."""

    heading: str
    lead: tuple[str, ...]
    verdict: str
    distributions: tuple[Distribution, ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    groups: tuple[Group, ...]
    identical: tuple[tuple[str, tuple[Link, ...]], ...]
    slowest: tuple[Link, ...]
    undecided: tuple[Link, ...]
    remarks: tuple[Link, ...]
    went_down: tuple[Link, ...]
    late: tuple[Link, ...]
    absent: tuple[str, ...]
    strangers: tuple[str, ...]
    leftovers: tuple[tuple[str, str], ...]
    verdicts: tuple[str, ...]
    unprotected: tuple[str, ...] = ()
    graded_by: tuple[str, ...] = ()
    by_others: tuple[Link, ...] = ()


STATUSES = tuple(CheckStatus)
LEVELS = tuple(EvidenceLevel)
_WORST = (Verdict.ERROR, Verdict.UNREADABLE, Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.PASSED)


def of_sheet(sheet: Sheet, stubs: Iterable[str] = ()) -> Overview:
    """The overview of a batch; `stubs` are the digests of files that were given out."""
    columns = _columns(sheet.lines)
    rows = tuple(_row(line, sheet, columns) for line in sheet.students)
    counts = ", ".join(f"{number} {verdict.value}" for verdict, number in sheet.counts.items() if number)
    return Overview(
        heading="Grades",
        lead=tuple(sanitize.line(folder) for folder in sheet.folders),
        verdict=f"{words.count(len(sheet.lines), 'submission')}: {counts or 'none graded yet'}",
        distributions=_distributions(sheet),
        columns=columns,
        rows=rows,
        groups=_groups(sheet.lines),
        identical=_identical(sheet.lines, set(stubs)),
        slowest=tuple(
            _link(line, words.seconds(line.seconds))
            for line in sorted(sheet.lines, key=lambda line: -line.seconds)[:_SLOWEST]
            if line.seconds
        ),
        undecided=tuple(
            _link(line, _undecided(line)) for line in sheet.lines if line.verdict is None or _undecided(line)
        ),
        remarks=tuple(_link(line, " ".join(line.remarks)) for line in sheet.lines if line.remarks),
        went_down=tuple(
            _link(line, f"{words.points(line.was)} → {words.points(line.score)}")
            for line in sheet.lines
            if line.was is not None and line.score < line.was
        ),
        late=tuple(_link(line) for line in sheet.lines if line.handed.late),
        absent=tuple(sanitize.line(line.student.name) for line in sheet.students if line.absent),
        strangers=tuple(sanitize.line(student.name) for student in sheet.strangers),
        leftovers=tuple(
            (sanitize.line(over.path), sanitize.line(over.why)) for over in sheet.leftovers[:_LISTED]
        ),
        verdicts=tuple(verdict.value for verdict in Verdict),
        unprotected=_unprotected(sheet.lines),
        graded_by=graded_by(sheet.lines),
        by_others=_by_others(sheet.lines),
    )


def _link(line: Line, remark: str = "") -> Link:
    who = ", ".join(sanitize.line(student.name, 80) for student in line.handed.students)
    return Link(who, f"submissions/{line.page}.html", remark)


def _undecided(line: Line) -> str:
    """Why a submission has no verdict that counts, "" if it has."""
    if line.verdict is None:
        return NOT_GRADED
    if line.problem:
        return line.problem
    if not line.current:
        return "graded with an earlier version of the exercise or the grader"
    reasons = [
        check.mistakes[0].message if check.mistakes else check.reason
        for check in line.checks
        if check.status in (CheckStatus.INCONCLUSIVE, CheckStatus.ERROR)
    ]
    return "; ".join(dict.fromkeys(reason for reason in reasons if reason))


def _unprotected(lines: Iterable[Line]) -> tuple[str, ...]:
    """What submissions could have reached, once for all, or with their number where that differs."""
    told = [line.unprotected for line in lines if line.checks]
    texts = Counter(text for text in told if text)
    if list(texts.values()) == [len(told)]:
        return tuple(texts)
    return tuple(
        f"{number} of {words.count(len(told), 'submission')}: {text}" for text, number in texts.most_common()
    )


def graded_by(lines: Sequence[Line]) -> tuple[str, ...]:
    """Which graders have given grades besides the one that runs, and how many."""
    told = Counter(line.graded_by for line in lines if line.graded_by)
    return tuple(
        f"{number} of {words.count(len(lines), 'submission')}: graded by {grader}, not by this grader; "
        "`grader batch` grades again"
        for grader, number in told.most_common()
    )


def _by_others(lines: Sequence[Line]) -> tuple[Link, ...]:
    """Whom that concerns, unless it is everybody."""
    if len({line.graded_by for line in lines}) == 1:
        return ()
    return tuple(_link(line, line.graded_by) for line in lines if line.graded_by)


def _distributions(sheet: Sheet) -> tuple[Distribution, ...]:
    found = []
    if len(sheet.exercises) > 1:
        scores = [line.score for line in sheet.students if not line.absent]
        found.append(_distribution("All exercises", scores, sheet.max_score))
    for exercise, most in sheet.exercises.items():
        scores = [line.score for line in sheet.lines if line.handed.exercise == exercise and line.verdict]
        found.append(_distribution(exercise, scores, most))
    return tuple(one for one in found if one.bars)


def _distribution(title: str, scores: Sequence[float], most: float) -> Distribution:
    """Ten equal parts of the range, and full points by themselves."""
    if not scores or most <= 0:
        return Distribution(title, "", ())
    bins = [0] * (_BINS + 1)
    for score in scores:
        bins[min(int(score / most * _BINS + 1e-9), _BINS)] += 1
    labels = [
        f"{words.points(most * n / _BINS)} to below {words.points(most * (n + 1) / _BINS)}"
        for n in range(_BINS)
    ]
    labels.append(f"all {words.points(most)}")
    bars = tuple(Bar(label, count, round(100 * count / max(bins))) for label, count in zip(labels, bins))
    middle = sorted(scores)
    median = (middle[(len(middle) - 1) // 2] + middle[len(middle) // 2]) / 2
    mean = sum(scores) / len(scores)
    remark = f"{len(scores)} graded, mean {words.points(mean)}, median {words.points(median)} of {words.points(most)}"
    return Distribution(sanitize.line(title), remark, bars)


def _columns(lines: Iterable[Line]) -> tuple[Column, ...]:
    checks: dict[tuple[str, str], list[CheckLine]] = defaultdict(list)
    for line in lines:
        for check in line.checks:
            checks[line.handed.exercise, check.name].append(check)
    return tuple(
        Column(
            exercise,
            name,
            found[-1].title,
            tuple(sum(check.status is status for check in found) for status in STATUSES),
            tuple(sum(_level(check) is level for check in found) for level in LEVELS),
        )
        for (exercise, name), found in sorted(checks.items(), key=lambda item: item[0][0])
    )


def _level(check: CheckLine) -> EvidenceLevel | None:
    """The weakest level of evidence that a pass rests on, None where there is no pass."""
    if check.status is not CheckStatus.PASSED:
        return None
    return max(check.evidence, key=LEVELS.index, default=None)


def _row(student: StudentLine, sheet: Sheet, columns: Sequence[Column]) -> Row:
    lines = student.lines
    verdicts = [line.verdict for line in lines.values()]
    verdict = next((worst.value for worst in _WORST if worst in verdicts), NOT_GRADED if lines else "absent")
    remark = [
        text for text in (student.student.sid, student.student.email or student.student.username) if text
    ]
    return Row(
        name=sanitize.line(student.student.name, 80),
        remark=sanitize.line(" · ".join(remark), 120),
        score=f"{words.points(student.score)}/{words.points(sheet.max_score)}",
        points=round(student.score, 3),
        seconds=round(sum(line.seconds for line in lines.values()), 2),
        verdict=verdict,
        links=tuple(Link(line.handed.exercise, f"submissions/{line.page}.html") for line in lines.values()),
        cells=tuple(_cell(lines.get(column.exercise), column) for column in columns),
    )


def _cell(line: Line | None, column: Column) -> Cell:
    if line is None:
        return Cell("none", why="not handed in")
    check = next((check for check in line.checks if check.name == column.name), None)
    if check is None:
        return Cell("none", why=line.problem)
    why = "; ".join(dict.fromkeys(mistake.kind for mistake in check.mistakes)) or check.reason
    level = _level(check)
    known = level.value if level is not None else ""
    weak = known if level is not EvidenceLevel.VERIFIED else ""
    return Cell(check.status.value, weak, why or known)


def _groups(lines: Iterable[Line]) -> tuple[Group, ...]:
    """What several have done wrong in the same way, the most frequent first."""
    found: dict[tuple[str, str, str, str, str], list[tuple[Line, CheckLine, Mistake]]] = defaultdict(list)
    for line in lines:
        for check in line.checks:
            for mistake in check.mistakes:
                if check.status is CheckStatus.FAILED:
                    told = _anywhere(mistake.help or ("" if mistake.shape else mistake.message))
                    key = (line.handed.exercise, check.name, mistake.kind, told, mistake.shape)
                    found[key].append((line, check, mistake))
    groups = []
    for (exercise, _, kind, _, shape), members in found.items():
        _, check, mistake = members[0]
        links = tuple({line.page: _link(line) for line, _, _ in members}.values())
        text = mistake.help or mistake.message
        text = _anywhere(text) if len(links) > 1 else text
        groups.append(Group(len(links), check.title, kind, text, shape, exercise, links))
    return tuple(sorted(groups, key=lambda group: (-group.count, group.exercise, group.check, group.text)))


def _anywhere(text: str) -> str:
    """A help without the numbers of the lines and items that it is about."""
    return _ITEM.sub("[…]", _LINE.sub(r"\1 …", text))


def _identical(lines: Iterable[Line], stubs: set[str]) -> tuple[tuple[str, tuple[Link, ...]], ...]:
    same: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in lines:
        same[line.handed.exercise, line.handed.sha256].append(line)
    found = [
        (
            exercise + (", as it was given out" if digest in stubs else ""),
            tuple(_link(line) for line in members),
        )
        for (exercise, digest), members in same.items()
        if len(members) > 1
    ]
    return tuple(sorted(found, key=lambda group: (-len(group[1]), group[0])))

"""What is wrong with a free run: the outcome that was expected against what was there.

Start at `assess`, for one run, and `settle`, which tells from repetitions whether a wrong value is a `race`.
"""

import errno
import json
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from grader.core.operations import Failure
from grader.core.verdict import FindingKind
from grader.grading.exceptions import first_paragraph, sentence, told
from grader.grading.values import Opaque, same, show
from grader.runtime.agent import plain
from grader.runtime.free import Cause, During, FreeFailure, FreeReport, FreeRun, FreeStatus

_KIND = FindingKind
_STACK = re.compile(r'File "(?P<file>[^"\n]{1,300})", line (?P<line>\d{1,7}) in (?P<name>[^\n]{1,80})')
_BLOCKS = re.compile(r"^(?:Current thread|Thread) ", re.MULTILINE)
_MOST_PLACES = 3
_SHOWN = 100


class Expectation(msgspec.Struct, frozen=True):
    """What has to be there after a run, as plain Python values.

    `values` and `free` are about the objects read; of the items in `drained` the order counts only if `ordered`.
    `started` is how many processes a call has to start at least.
    """

    values: dict[str, Any] = {}
    free: tuple[str, ...] = ()
    drained: dict[str, list[Any]] = {}
    rest: dict[str, list[Any]] = {}
    returned: Any = msgspec.UNSET
    started: int = 0
    ordered: bool = True


class PlannedRun(msgspec.Struct, frozen=True):
    """A run that shows something about `function` with `processes` processes. `title` is the call, for messages."""

    function: str
    processes: int
    title: str
    run: FreeRun
    expected: Expectation


class FreeFlaw(msgspec.Struct, frozen=True):
    """What is wrong with one run, of `function`. `refused`: there was no room for its processes, as it says."""

    kind: FindingKind
    message: str
    expected: str = ""
    got: str = ""
    processes: int = 0
    line: int = 0
    failure: Failure | None = None
    output: str = ""
    function: str = ""
    refused: bool = False


class _Shown(Opaque):
    """Something that was not plain; equal to nothing, shown as the submission showed it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text[:_SHOWN]


def assess(planned: PlannedRun, report: FreeReport) -> FreeFlaw | None:
    """What is wrong with a run, the root cause first; None if nothing is.

    No contract says what a file does where it is run as a script. So after that only a wrong value counts.
    """
    flaw = _first_flaw(planned, report)
    only_values = planned.run.as_script and flaw is not None and flaw.kind is not _KIND.WRONG_RESULT
    return None if only_values else flaw


def _first_flaw(planned: PlannedRun, report: FreeReport) -> FreeFlaw | None:
    for look in (_unjudged, _ending, _exits, _values, _items, _started, _returned, _left):
        flaw = look(planned, report)
        if flaw is not None:
            return msgspec.structs.replace(
                flaw, processes=planned.processes, output=report.output, function=planned.function
            )
    return None


def settle(flaw: FreeFlaw, repeats: Sequence[FreeFlaw | None]) -> FreeFlaw:
    """`flaw` with its kind settled by repetitions of the very same run.

    A wrong value is a `race` if they differ: it was right once, or wrong in another way. That it is always the same
    proves nothing about other orders, but is no reason to speak of a race.
    """
    if flaw.kind is not _KIND.WRONG_RESULT:
        return flaw
    if all(other is not None and other.kind is flaw.kind and other.got == flaw.got for other in repeats):
        return flaw
    return msgspec.structs.replace(flaw, kind=_KIND.RACE)


def _unjudged(planned: PlannedRun, report: FreeReport) -> FreeFlaw | None:
    if report.status is FreeStatus.LOST:
        return FreeFlaw(_KIND.INCONCLUSIVE, f"{planned.title}: the run gave no answer that can be used.")
    if report.flooded:
        message = f"{planned.title} printed so much that it could not be judged."
        return FreeFlaw(_KIND.INCONCLUSIVE, message)
    failure = report.failure
    if report.status is FreeStatus.ERROR and failure is not None:
        refused = failure.during is During.START and failure.type in _REFUSALS
        if failure.during is During.SETUP or refused:
            return _not_run(planned, failure)
    if failure is not None and _NO_ROOM.search(f"{failure.type}: {failure.message}"):
        return _not_run(planned, failure)
    return None


def _not_run(planned: PlannedRun, failure: FreeFailure) -> FreeFlaw:
    message = f"{planned.title} could not be run: {sentence(told(failure.failure))}"
    return FreeFlaw(_KIND.INCONCLUSIVE, message, failure=failure.failure, refused=True)


_NO_ROOM = re.compile(
    rf"^(OSError|BlockingIOError): \[Errno ({errno.EAGAIN}|{errno.ENOMEM}|{errno.ENFILE})\]"
    r"|^RuntimeError: can't start new thread"
)
"""How Python says that the machine has no room for another process, or thread."""
_REFUSALS = ("OSError", "BlockingIOError", "MemoryError", "PermissionError")


def _ending(planned: PlannedRun, report: FreeReport) -> FreeFlaw | None:
    """The main process did not come to its end."""
    if report.status is FreeStatus.HANG:
        return _hang(planned, report)
    if report.status is FreeStatus.DIED:
        code = report.main_exit
        how = f"with exit code {code}" if code is not None and code >= 0 else f"by signal {-(code or 0)}"
        message = f"{planned.title}: the main process ended {how} before it was done."
        return FreeFlaw(
            _KIND.CRASH, message if code is not None else f"{planned.title}: the main process vanished."
        )
    if report.status is FreeStatus.ERROR and report.failure is not None:
        kind = _KIND.IMPORT_ERROR if report.failure.during is During.IMPORT else _KIND.CRASH
        return _raised(planned, report, kind, "raised")
    return None


def _hang(planned: PlannedRun, report: FreeReport) -> FreeFlaw:
    places = _places(report.stack)
    stood = ", ".join(f"line {line} ({name})" for line, name in places[:_MOST_PLACES])
    where = f"; it stood in {stood}" if stood else ""
    failure = None if report.failure is None else report.failure.failure
    died = "" if failure is None else f" Before, a process had died of {sentence(told(failure))}"
    kind, how = _NEVER[report.cause]
    line = places[0][0] if places else 0
    return FreeFlaw(kind, f"{planned.title} {how}{where}.{died}", line=line, failure=failure)


_NEVER = {
    Cause.DEADLOCK: (_KIND.DEADLOCK, "never ends: every process waits for another"),
    Cause.CPU: (_KIND.HANG, "never ends: it has used all the CPU time that it gets"),
    None: (_KIND.INCONCLUSIVE, "had not ended when its time was up"),
}
"""What it is that a run does not end; that it has only taken too long says nothing about the program."""


def _places(stack: str) -> list[tuple[int, str]]:
    """The innermost lines of the submission where processes stood, those that most of them stood in first.

    A submission's file has no folder in its name, those of the standard library have.
    """
    counts: dict[tuple[int, str], int] = {}
    for block in _BLOCKS.split(stack):
        for frame in _STACK.finditer(block):
            if "/" not in frame["file"] and not frame["file"].startswith("<"):
                place = int(frame["line"]), frame["name"]
                counts[place] = counts.get(place, 0) + 1
                break
    return sorted(counts, key=lambda place: -counts[place])


def _exits(planned: PlannedRun, report: FreeReport) -> FreeFlaw | None:
    """A process that was started as a task did not end well."""
    bad = [code for code in report.exit_codes if code != 0]
    if not bad:
        return None
    if report.failure is not None:
        return _raised(planned, report, _KIND.CRASH, "a process died of")
    how = f"exit code {bad[0]}" if bad[0] is not None and bad[0] > 0 else f"signal {-(bad[0] or 0)}"
    message = f"{planned.title}: {len(bad)} of {len(report.exit_codes)} processes ended with {how}."
    return FreeFlaw(_KIND.CRASH, message)


def _raised(planned: PlannedRun, report: FreeReport, kind: FindingKind, verb: str) -> FreeFlaw:
    assert report.failure is not None
    failure = report.failure.failure
    if failure.type == "NotImplementedError":
        text = f"The function is not written yet: {first_paragraph(failure.message) or failure.type}."
        return FreeFlaw(_KIND.MISSING, text, line=failure.line, failure=failure)
    return FreeFlaw(
        kind, f"{planned.title}: {verb} {sentence(told(failure))}", line=failure.line, failure=failure
    )


def _values(planned: PlannedRun, report: FreeReport) -> FreeFlaw | None:
    for name, expected in planned.expected.values.items():
        got = _decoded(report.values.get(name))
        if not same(got, expected):
            return _wrong(planned, report, f"{name} is {_told(got, expected)}", expected, got)
    for name in planned.expected.free:
        if report.values.get(name) is not True:
            message = f"{planned.title}: {name} is still taken after all processes have ended."
            return FreeFlaw(_KIND.LEAK, message, "free", "taken")
    return None


def _items(planned: PlannedRun, report: FreeReport) -> FreeFlaw | None:
    for name, expected in planned.expected.drained.items():
        got = _decoded(report.drained.get(name, []) + report.extra.get(name, []))
        if not _same_items(got, expected, planned.expected.ordered):
            return _wrong(planned, report, f"on {name} came {_compared(got, expected)}", expected, got)
    for name, expected in planned.expected.rest.items():
        got = _decoded(report.rest.get(name, []))
        if not same(got, expected):
            return _wrong(planned, report, f"left on {name} is {show(got)}", expected, got)
    return None


def _started(planned: PlannedRun, report: FreeReport) -> FreeFlaw | None:
    started, expected = report.started, planned.expected.started
    if started is None or started >= expected or report.failure is not None:
        return None
    number = "1 process" if expected == 1 else f"{expected} processes"
    message = f"{planned.title} should start {number}, but it started {started or 'none'}."
    return FreeFlaw(_KIND.NOT_CONCURRENT, message, str(expected), str(started))


def _returned(planned: PlannedRun, report: FreeReport) -> FreeFlaw | None:
    expected = planned.expected.returned
    if expected is msgspec.UNSET:
        return None
    got = _decoded(report.returned)
    if (
        isinstance(expected, list)
        and isinstance(got, list)
        and _same_items(got, expected, planned.expected.ordered)
    ):
        return None
    if same(got, expected):
        return None
    both = isinstance(expected, list) and isinstance(got, list)
    what = _compared(got, expected) if both else _told(got, expected)
    return _wrong(planned, report, f"it returned {what}", expected, got)


def _left(planned: PlannedRun, report: FreeReport) -> FreeFlaw | None:
    if not report.left_alive:
        return None
    number = "1 process is" if report.left_alive == 1 else f"{report.left_alive} processes are"
    return FreeFlaw(
        _KIND.LEAK, f"{planned.title}: {number} still running afterwards.", "0", str(report.left_alive)
    )


def _wrong(planned: PlannedRun, report: FreeReport, what: str, expected: Any, got: Any) -> FreeFlaw:
    """A wrong value; if a process died of an exception, that is the cause."""
    if report.failure is not None:
        return _raised(planned, report, _KIND.CRASH, "a process died of")
    if _is_short(got, expected):
        few = _told(got, expected)
        return FreeFlaw(_KIND.WRONG_RESULT, f"{planned.title}: {what}.", show(expected), few)
    message = f"{planned.title}: {what}, not {show(expected)}."
    if isinstance(got, list) and not planned.expected.ordered:
        got = sorted(got, key=_key)  # two runs that differ in the order only are not two results
    return FreeFlaw(_KIND.WRONG_RESULT, message, show(expected), show(got))


def _decoded(value: Any) -> Any:
    """A value of a report; whatever it was meant to be, what is not plain is equal to nothing."""
    if value is msgspec.UNSET:
        return _Shown("nothing")
    try:
        return plain.decode(value, _Shown)
    except ValueError:
        return _Shown("something strange")


def _same_items(got: list[Any], expected: list[Any], ordered: bool) -> bool:
    if ordered:
        return same(got, expected)
    return len(got) == len(expected) and sorted(map(_key, got)) == sorted(map(_key, expected))


def _key(item: Any) -> str:
    """Equal for the same plain values only, types included."""
    return f"not plain: {item!r}" if isinstance(item, Opaque) else json.dumps(plain.encode(item))


def _is_short(got: Any, expected: Any) -> bool:
    """Whether something was lost. How much is chance, so it is not told: the same file has the same report."""
    if isinstance(got, list) and isinstance(expected, list):
        return len(got) < len(expected)
    return type(got) is type(expected) and type(got) in (int, float) and bool(got < expected)


def _told(got: Any, expected: Any) -> str:
    if not _is_short(got, expected):
        return show(got)
    return f"fewer than {len(expected)} items" if isinstance(got, list) else f"less than {show(expected)}"


def _compared(got: list[Any], expected: list[Any]) -> str:
    """How the items differ, in words."""
    if len(got) < len(expected):
        return _told(got, expected)
    if len(got) != len(expected):
        return f"{len(got)} items instead of {len(expected)}: {show(got)}"
    return show(got)

"""The pytest plugin that runs check modules and collects their results. Start at `GradingPlugin`.

A check is one test function; its parameters (process counts, typecodes, …) belong to the same check, and the first
one that fails decides. A check whose function is missing fails once as `missing`; the other checks of that function,
and those that come `after` a check which did not pass, are skipped.
"""

import contextlib
import io
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Annotated, Any

import msgspec
import pytest

from grader.core.execution import Budget
from grader.core.verdict import CheckResult, CheckStatus, Evidence, Finding, FindingKind
from grader.engine.effort import Held
from grader.errors import InternalError, MachineError
from grader.grading.lab import CheckFailed, Inconclusive, Lab, ReplayDone, ReplayRequest
from grader.grading.merging import merge
from grader.grading.required import Obstacle, Required
from grader.grading.undecided import TAKES_LONG, TOO_SLOW
from grader.grading.workbench import Workbench
from grader.runtime import blame

_NEEDLESS = (
    *("cacheprovider", "doctest", "faulthandler", "junitxml", "logging", "unittest"),
    *("threadexception", "unraisableexception"),  # the latter collects garbage five times, which takes 20 ms
)
"""Plugins of pytest that checks have no use for."""
_OF_THE_USER = ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_ADDOPTS")


class _Marker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `@pytest.mark.check(…)` may say."""

    points: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    function: str = ""
    after: tuple[str, ...] = ()


_TIMED_OUT = "from pytest-timeout"
MOST_SECONDS = 600.0
"""Of one grading, after which no more checks are begun: mostly it takes a few. A batch waits for much longer."""


class _Record(msgspec.Struct):
    """What is known of a check while its parameters are being run."""

    title: str
    function: str
    points: float
    after: tuple[str, ...]
    status: CheckStatus = CheckStatus.PASSED
    seconds: float = 0.0
    evidence: list[Evidence] = []
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    error: str = ""
    cause: BaseException | None = None
    """What was raised, if that was our own failure."""
    ran: bool = False


class GradingPlugin:
    """Provides the fixture `lab` to the checks of one submission and keeps their results in order."""

    def __init__(
        self,
        bench: Workbench | None,
        required: Required,
        budget: Budget,
        on_check: Callable[[str, int], None],
        free_runs: bool = True,
        replay: tuple[str, ReplayRequest] | None = None,
        seed_of: Callable[[str], int] = lambda check: 0,
    ) -> None:
        self._seed_of = seed_of
        self._bench = bench
        self._required = required
        self._budget = budget
        self._on_check = on_check
        self._free_runs = free_runs
        self._replay = replay
        self._records: dict[str, _Record] = {}
        self._told_missing: set[str] = set()
        self._fault: MachineError | None = None
        self._held: Held | None = None
        self._whole = Held()
        self.replayed: ReplayDone | None = None
        self.obstacle: Obstacle | None = None
        """Why there is nothing to be replayed."""
        self.interrupted = False
        self.mistake = ""
        """What is wrong with the check module itself."""

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.mistake:
            self.mistake = f"it cannot be imported: {_why_not_imported(str(report.longrepr))}"

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        # pytest says "interrupted", too, when a module cannot be collected.
        self.interrupted = not isinstance(excinfo.value, pytest.Session.Interrupted)

    @pytest.hookimpl
    def pytest_configure(self, config: pytest.Config) -> None:
        config.addinivalue_line("markers", "check(points, function, after=()): what a check is worth")
        config.addinivalue_line("markers", "free: a check that runs on the real primitives")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self._replay is not None:
            items[:] = [item for item in items if item.name == self._replay[0]]
        if not self._free_runs:
            items[:] = [item for item in items if not _is_free(item)]
        for item in items:
            name = _check_name(item)
            if name in self._records:
                continue
            marker = item.get_closest_marker("check")
            options: Mapping[str, Any] = marker.kwargs if marker is not None else {}
            try:
                told = msgspec.convert(options, _Marker)
            except msgspec.ValidationError as error:
                self.mistake = self.mistake or f"the marker `check` of {name}: {error}"
                continue
            self._records[name] = _Record(_title(item), told.function, told.points, told.after)
        unknown = {one for record in self._records.values() for one in record.after} - {*self._records}
        if unknown and self._replay is None and self._free_runs:
            self.mistake = self.mistake or f"`after` names {', '.join(sorted(unknown))}, which is no check"
        if self.mistake:
            items.clear()

    @pytest.fixture
    def lab(self, request: pytest.FixtureRequest) -> Generator[Lab, None, None]:
        """What a check works with."""
        record = self._records[_check_name(request.node)]
        if self._bench is None:
            raise InternalError("there is no submission to check")
        request_of_replay = self._replay[1] if self._replay is not None else None
        seed = self._seed_of(_check_name(request.node))
        lab = Lab(self._bench, request.node.name, self._budget, request_of_replay, seed)
        if _is_free(request.node):
            lab.free = self._to_be_run_free(record)
        executions = 0

        def count() -> None:
            nonlocal executions
            executions += 1
            self._on_check(record.title, executions)

        lab.on_execution = count
        yield lab
        record.evidence.extend(lab.evidence)
        if record.status is CheckStatus.PASSED:
            record.reason = record.reason or lab.remark

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        record = self._records[_check_name(item)]
        if self._fault is not None:
            pytest.skip("the machine has not let the checks go on")
        if self._replay is not None:
            self.obstacle = self._required.obstacle(record.function)
            if self.obstacle is not None:
                pytest.skip("there is nothing to be replayed")
            return
        if record.status is not CheckStatus.PASSED:
            pytest.skip("decided already")
        record.ran = True
        if self._whole.seconds > MOST_SECONDS:
            self._give_up(record, self._whole)
            pytest.skip("the grading takes too long")
        self._held = Held()
        self._on_check(record.title, 0)
        self._skip_unless_possible(record, item)

    def _skip_unless_possible(self, record: _Record, item: pytest.Item) -> None:
        if self._bench is not None and _is_free(item) and self._to_be_run_free(record):
            return
        obstacle = self._required.obstacle(record.function)
        if obstacle is not None:
            first = obstacle.key not in self._told_missing
            self._told_missing.add(obstacle.key)
            if first and obstacle.finding.kind is FindingKind.INCONCLUSIVE:
                raise Inconclusive(obstacle.finding)
            if first:
                raise CheckFailed([obstacle.finding])
            self._skip(record, obstacle.reason)
        for name in record.after:
            before = self._records.get(name)
            if before is not None and before.status is not CheckStatus.PASSED:
                self._skip(record, f"“{before.title}” comes first")

    def _to_be_run_free(self, record: _Record) -> dict[str, bool] | None:
        """The functions that a check of free runs is about, and whether each was right under control.

        They are those of the checks that it comes after; one that is known to be wrong is left out. None: all.
        """
        before = [self._records[name] for name in record.after if name in self._records]
        known: dict[str, bool] = {}
        for other in before:
            known[other.function] = known.get(other.function, True) and other.status is CheckStatus.PASSED
        wrong = {
            other.function
            for other in before
            if other.status is not CheckStatus.PASSED and not self._undecided(other)
        }
        return {name: right for name, right in known.items() if name not in wrong} if before else None

    def _undecided(self, record: _Record) -> bool:
        """Whether a check has not passed only because something could not be judged: free runs may tell more."""
        if record.status is CheckStatus.INCONCLUSIVE:
            return True
        before = [self._records[name] for name in record.after if name in self._records]
        missing = [other for other in before if other.status is not CheckStatus.PASSED]
        skipped = record.status is CheckStatus.SKIPPED and bool(missing)
        return skipped and all(self._undecided(other) for other in missing)

    def _skip(self, record: _Record, reason: str) -> None:
        record.status = CheckStatus.SKIPPED
        record.reason = reason
        pytest.skip(reason)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        record = self._records.get(_check_name(item))
        if record is not None:
            record.seconds += call.duration
            if call.excinfo is not None:
                self._take(record, call.excinfo.value, str(item.path))
        return report

    def _take(self, record: _Record, error: BaseException, file: str) -> None:
        if isinstance(error, pytest.skip.Exception):
            return
        if isinstance(error, CheckFailed):
            record.status, record.findings = CheckStatus.FAILED, error.findings
            self._withdraw(error.withdraws, error.why)
        elif isinstance(error, Inconclusive):
            record.status, record.findings = CheckStatus.INCONCLUSIVE, (error.finding,)
        elif isinstance(error, ReplayDone):
            self.replayed = error
        elif isinstance(error, pytest.fail.Exception) and _TIMED_OUT in str(error):
            self._give_up(record, self._held)
        elif (fault := blame.of_error(error)) is not None:
            self._fault = self._fault or fault
        else:
            record.status, record.cause = CheckStatus.ERROR, error
            lines = [
                entry.lineno for entry in traceback.extract_tb(error.__traceback__) if entry.filename == file
            ]
            record.error = f"{type(error).__name__}: {error}{f' (line {lines[-1]})' if lines else ''}"

    def _give_up(self, record: _Record, held: Held | None) -> None:
        """A check, or all that came before it, has taken longer than any has to: is it the machine's fault?"""
        if held is None or held.too_much:
            self._fault = self._fault or MachineError(f"{TOO_SLOW} (at the check “{record.title}”)")
        else:
            record.status = CheckStatus.INCONCLUSIVE
            record.findings = (Finding(FindingKind.INCONCLUSIVE, TAKES_LONG),)

    def _withdraw(self, withdrawing: frozenset[str], reason: str) -> None:
        """These checks, those of these functions, and those that come after any of them, earn nothing."""
        withdrawn: set[str] = set()
        for name, record in self._records.items():
            named = record.function in withdrawing or name in withdrawing
            rests = named or not withdrawn.isdisjoint(record.after)
            if rests and record.ran and record.status is CheckStatus.PASSED:
                record.status, record.reason = CheckStatus.SKIPPED, reason
                withdrawn.add(name)

    def raise_fault(self) -> None:
        """Raise what the machine has not let the checks do, if anything. From then on none is executed."""
        if self._fault is not None:
            raise self._fault

    def title(self, check: str) -> str:
        """The line that students read for a check, by its name (with or without parameters)."""
        record = self._records.get(check.partition("[")[0])
        return record.title if record is not None else check

    def results(self) -> tuple[CheckResult, ...]:
        """Every check, in the order of its module.

        Raises:
            InternalError: a check itself has failed.
            MachineError: it could not be executed here.
        """
        self.raise_fault()
        for record in self._records.values():
            if record.status is CheckStatus.ERROR:
                error = InternalError(f"the check “{record.title}” failed with {record.error}")
                error.replay = getattr(record.cause, "replay", "")
                raise error from record.cause
        return tuple(_result(name, record) for name, record in self._records.items())


def _result(name: str, record: _Record) -> CheckResult:
    earned = record.points if record.status is CheckStatus.PASSED and record.ran else 0.0
    return CheckResult(
        name=name,
        title=record.title,
        function=record.function,
        status=record.status if record.ran else CheckStatus.SKIPPED,
        score=earned,
        max_score=record.points,
        seconds=round(record.seconds, 4),
        evidence=merge(record.evidence),
        findings=record.findings,
        reason=record.reason,
    )


def _is_free(item: Any) -> bool:
    return item.get_closest_marker("free") is not None


def _check_name(item: Any) -> str:
    name: str = getattr(item, "originalname", None) or item.name
    return name


def _title(item: pytest.Item) -> str:
    documentation: str = getattr(getattr(item, "function", None), "__doc__", None) or item.name
    return " ".join(documentation.strip().split("\n\n")[0].split())


def _why_not_imported(told: str) -> str:
    """The error at the end of what pytest tells of a failed import, and its line."""
    errors = re.findall(r"(?m)^E +(\S.*)$", told)
    places = re.findall(r"(?m)^\S+\.py:(\d+): |^E +File .*\.py\", line (\d+)$", told)
    line = f" (line {''.join(places[-1])})" if places else ""
    return f"{errors[-1] if errors else told.strip().splitlines()[-1]}{line}"


@contextlib.contextmanager
def _undisturbed(*, no_bytecode: bool) -> Iterator[None]:
    """What the user has set for pytest does not count; with `no_bytecode`, nothing is written beside a module."""
    before = {name: os.environ.get(name) for name in _OF_THE_USER}
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, sys.dont_write_bytecode or no_bytecode
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes_bytecode
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def run_checks(module: str, plugin: GradingPlugin, timeout: float) -> None:
    """Run a check module (its name, or its file) with pytest, silently, without the user's own pytest configuration.

    Raises:
        InternalError: pytest could not run it.
    """
    file = os.sep in module
    options = [module, "--import-mode=importlib"] if file else ["--pyargs", module]
    options += ["-c", os.devnull, "--rootdir", os.curdir, "--noconftest", "-q", "-s"]
    options += ["-p", "pytest_timeout"]
    options += [f"-pno:{name}" for name in _NEEDLESS]
    options += [f"--timeout={timeout:g}", "-o", "python_functions=test_*"]
    printed = io.StringIO()
    started = time.monotonic()
    with _undisturbed(no_bytecode=file), contextlib.redirect_stdout(printed):
        status = pytest.main(options, plugins=[plugin])
    if plugin.interrupted:
        raise KeyboardInterrupt
    if plugin.mistake:
        raise InternalError(plugin.mistake)
    if status == pytest.ExitCode.NO_TESTS_COLLECTED:
        raise InternalError("there is no such check in it; a check is a function `test_…(lab)`")
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        seconds = time.monotonic() - started
        raise InternalError(
            f"pytest ended with {status!r} after {seconds:.1f} s:\n{printed.getvalue()[-2000:]}"
        )

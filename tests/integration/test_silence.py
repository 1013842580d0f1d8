"""Tasks that announce nothing: what computes, what waits, what only takes long, on an idle and on a busy machine."""

import math
import os
import re
import signal
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from grader.core.execution import OutcomeKind, Silence
from grader.core.verdict import CheckStatus, Finding, FindingKind, Grade, ScriptReport, Verdict
from grader.engine import effort
from grader.exploring.explore import Options, explore_script
from grader.exploring.script import load_script
from grader.grading import catalogue
from grader.grading.check import CheckOptions, grade
from grader.grading.submission import from_data
from grader.runtime import allowance, silence
from grader.runtime.patience import Patience
from grader.runtime.template import Template
from tests.commands import ROOT
from tests.hosted import explored

pytestmark = pytest.mark.usefixtures("warm_programs")

WAITS = {
    "reads a pipe that nobody writes to": "import _socket\n{call}ends = _socket.socketpair(); ends[0].recv(1)",
    "waits for a signal": "import ctypes\n{call}ctypes.PyDLL(None).pause()",
    "looks for something again and again": "import ctypes\nc = ctypes.CDLL(None)\n{call}while True: c.usleep(9999)",
}
CALL = "def main():\n    "
LOOP = "def main():\n    n = 0\n    while True:\n        n += 1\n        n -= 1\n"


@pytest.fixture(autouse=True)
def few_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for something outside is found out sooner than for users."""
    monkeypatch.setattr(silence, "STILL_LOOKS", 8)
    monkeypatch.setattr(silence, "STILL_SECONDS", 0.8)
    monkeypatch.setattr(silence, "MOSTLY_LOOKS", 20)
    monkeypatch.setattr(silence, "MOSTLY_AWAKE", 2)
    monkeypatch.setattr(silence, "UNSEEN_LOOKS", 10)


@pytest.fixture(params=[False, True], ids=["idle", "busy"])
def machine(request: pytest.FixtureRequest) -> Iterator[None]:
    """As it is, or with four programs beside that compute all the time, each as important as ours."""
    if not request.param:
        yield
        return
    with busy(4):
        yield


@contextmanager
def busy(number: int) -> Iterator[None]:
    children = []
    for _ in range(number):
        child = os.fork()
        if child == 0:
            os.sched_setaffinity(0, range(os.cpu_count() or 1))
            while os.getppid() > 1:
                sum(range(10_000))
            os._exit(0)
        children.append(child)
    try:
        yield
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def one(template: Template, source: str) -> tuple[OutcomeKind, Silence | None, int]:
    outcome = explored(template, source).executions[0].outcome
    return outcome.kind, outcome.silence, outcome.line


@pytest.mark.usefixtures("machine")
def test_an_endless_loop_is_a_hang_in_the_line_of_the_loop(template: Template) -> None:
    assert one(template, LOOP) == (OutcomeKind.HUNG, Silence.COMPUTES, 3)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("body", WAITS.values(), ids=WAITS)
def test_who_waits_for_something_outside_has_not_failed(body: str, template: Template) -> None:
    assert one(template, body.format(call=CALL)) == (
        OutcomeKind.SILENT,
        Silence.WAITS,
        3 + body.count("c ="),
    )


@pytest.mark.usefixtures("machine")
def test_who_computes_and_comes_to_an_end_is_waited_for(template: Template) -> None:
    source = "def main():\n    for _ in range(2):\n        sum(range(12_000_000))\n    print('done')\n"
    assert explored(template, source).endings == {"done"}


def test_what_other_processes_compute_does_not_count(
    template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that sleeps beside one that computes: each is looked at by itself."""
    monkeypatch.setattr(allowance, "CHECK_SECONDS", 1.0)
    source = """\
    import ctypes, multiprocessing

    def main():
        child = multiprocessing.Process(target=compute)
        child.start()
        ctypes.PyDLL(None).pause()

    def compute():
        while True:
            pass
    """
    assert one(template, source)[:2] == (OutcomeKind.SILENT, Silence.WAITS)


def test_a_child_that_loops_is_the_one_that_is_told(template: Template) -> None:
    source = """\
    import multiprocessing

    def main():
        child = multiprocessing.Process(target=compute)
        child.start()
        child.join()

    def compute():
        n = 0
        while True:
            n += 1
    """
    (first, *_) = explored(template, source).executions
    assert (first.outcome.kind, first.outcome.line) == (OutcomeKind.HUNG, 10)
    assert first.labels[first.outcome.task] != "main"


def test_an_execution_of_many_steps_that_all_compute_is_cut_off(
    template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effort, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(effort, "MOST_COMPUTED", 0.5)
    source = """\
    import multiprocessing

    def main():
        value = multiprocessing.Value("i", 0)
        for _ in range(1500):
            value.value += 1
            sum(range(1_000_000))
    """
    outcome = explored(template, source).executions[0].outcome
    assert (outcome.kind, outcome.detail) == (OutcomeKind.UNCONTROLLED, effort.TOO_SLOW)


def test_who_hides_its_process_has_gained_nothing(template: Template) -> None:
    source = """\
    import ctypes

    def main():
        libc, ends = ctypes.CDLL(None), (ctypes.c_int * 2)()
        libc.socketpair(1, 1, 0, ends)
        libc.dup(200)
        libc.dup2(ends[0], 200)
        while True:
            pass
    """
    assert one(template, source)[:2] == (OutcomeKind.SILENT, Silence.HIDES)


def graded(template: Template, line: str, first: str = "") -> Grade:
    """The reference of the counter with a line more in the locked section."""
    source = (
        (ROOT / "solutions" / "counter.py")
        .read_text()
        .replace("with lock:\n        ", f"with lock:\n        {line}\n        ")
    )
    assert line in source
    submission = from_data(Path("counter.py"), (first + source).encode())
    return grade(template, submission, catalogue.resolve(submission.path), CheckOptions(free_runs=False))


def findings(seen: Grade) -> list[Finding]:
    return [finding for check in seen.checks for finding in check.findings]


def test_a_check_says_how_much_is_too_much(template: Template) -> None:
    (hang,) = findings(graded(template, "while True: pass"))
    assert hang.kind is FindingKind.HANG
    assert hang.location is not None
    assert hang.location.source == "while True: pass"
    assert hang.help.startswith("Nothing in the loop of line ")
    line = hang.location.line
    assert (
        hang.message == f"P1 computes for 1.5 s in line {line}, and goes on; the exercise needs microseconds."
    )


def test_what_waits_outside_earns_nothing_and_is_no_failure(template: Template) -> None:
    seen = graded(template, "ends = _socket.socketpair(); ends[0].recv(1)", "import _socket\n")
    assert {finding.kind for finding in findings(seen)} == {FindingKind.INCONCLUSIVE}
    assert "for something outside of the program" in findings(seen)[0].message
    assert CheckStatus.FAILED not in {check.status for check in seen.checks}
    assert seen.score == 0


def test_a_whole_grading_pays_little_for_a_loop_in_every_function(
    template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop that only some checks come to is the same loop for all of them."""
    paid: list[float] = []
    give_up = Patience._give_up

    def counted(self: Patience, *arguments: object) -> None:
        paid.append(self._limit)
        give_up(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Patience, "_give_up", counted)
    seen = graded(template, "seen = counter.value\n        while seen == 1: pass")
    assert FindingKind.HANG in {finding.kind for finding in findings(seen)}
    assert paid.count(allowance.CHECK_SECONDS) == 1
    assert sum(paid) <= 2.5 * allowance.CHECK_SECONDS


def test_with_the_limits_that_users_have(
    template: Template, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not request.config.getoption("--whole-corpus"):
        pytest.skip("computes for half a minute: only with --whole-corpus")
    monkeypatch.setattr(allowance, "CHECK_SECONDS", 10.0)
    seen = graded(template, "pass", "TABLE = sum(range(10 ** 8))\n")
    assert seen.passed
    (hang,) = findings(graded(template, "while True: pass"))
    assert hang.kind is FindingKind.HANG
    assert hang.message.startswith("P1 computes for 10 s in line ")


def explored_program(tmp_path: Path, source: str, cpu: float | None = None) -> ScriptReport:
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(source))
    return explore_script(load_script(path), Options(cpu=cpu, seconds=math.inf))


COMPUTES = """\
    from multiprocessing import Process, Value

    def work(total):
        if total.value == {when}:
            n = 0
            while n < {rounds}:
                n += 1
        with total.get_lock():
            total.value += 1

    if __name__ == "__main__":
        total = Value("i", 0)
        workers = [Process(target=work, args=(total,)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        print(total.value)
"""


def test_a_program_may_compute_as_long_as_its_first_execution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "CHECK_SECONDS", 0.1)
    report = explored_program(tmp_path, COMPUTES.format(when=0, rounds=4_000_000))
    assert report.verdict is Verdict.VERIFIED


def test_a_program_that_computes_much_longer_cannot_be_judged(tmp_path: Path) -> None:
    report = explored_program(tmp_path, COMPUTES.format(when=0, rounds="10 ** 12"), cpu=1.0)
    assert report.verdict is Verdict.INCONCLUSIVE
    (finding,) = report.findings
    assert finding.location is not None
    assert finding.location.line == 6
    assert "computes for more than 1 s by itself in line 6" in finding.message
    assert "--cpu SECONDS" in finding.message


def test_only_in_some_orders_it_computes_for_ever(tmp_path: Path) -> None:
    source = COMPUTES.replace(
        "if total.value == {when}:", "seen = total.value\n        if seen != total.value:"
    ).format(rounds="10 ** 12")
    report = explored_program(tmp_path, source)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert re.search(r"computes for more than [\d.]+ s by itself in line 7\.", report.findings[0].message)

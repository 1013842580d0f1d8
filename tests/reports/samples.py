"""Grades made by hand, the input of the golden tests. Start at `ALL`."""

from pathlib import Path

from grader.core.operations import Failure
from grader.core.verdict import (
    CheckResult,
    CheckStatus,
    Evidence,
    EvidenceLevel,
    Finding,
    FindingKind,
    Grade,
    Location,
    WitnessStep,
)

_COUNTER = (
    '"""My counter."""',
    "",
    "from multiprocessing import Lock, Process, Value",
    "",
    "",
    "def increment_counter(counter, lock):",
    "    with lock:",
    "        value = counter.value",
    "    value += 1",
    "    with lock:",
    "        counter.value = value",
    "",
    "",
    "def run_counter(processes):",
    '    counter = Value("i", 0)',
    "    lock = Lock()",
    "    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]",
    "    for worker in workers:",
    "        worker.start()",
    "    return counter.value",
)


def _passed(name: str, title: str, function: str, *evidence: Evidence, points: float = 1.0) -> CheckResult:
    return CheckResult(name, title, function, CheckStatus.PASSED, points, points, 0.02, evidence)


def _verified(*processes: int, executions: int = 1) -> Evidence:
    return Evidence(EvidenceLevel.VERIFIED, processes, executions)


def passing() -> Grade:
    """Everything right."""
    checks = (
        _passed("adds_one", "adds exactly 1", "increment_counter", _verified(1)),
        _passed(
            "no_lost_update",
            "loses no update in any order of the processes",
            "increment_counter",
            _verified(1, 2, 3, executions=33),
            Evidence(EvidenceLevel.BOUNDED, (5,), 12_000),
            points=4,
        ),
        _passed(
            "returns", "returns the final value", "run_counter", _verified(1, 2, 3, executions=58), points=3
        ),
        _passed(
            "free",
            "is right when nobody controls it",
            "run_counter",
            Evidence(EvidenceLevel.SAMPLED, (1, 2, 5), 30),
        ),
    )
    return Grade("counter.py", "0" * 64, "counter", checks, 0.41, _COUNTER)


def _lost_update() -> Finding:
    def step(
        task: str, operation: str, what: str, line: int, value: str = "", conflict: bool = False
    ) -> WitnessStep:
        return WitnessStep(
            task, operation, what, line, value, conflict=conflict, source=_COUNTER[line - 1].strip()
        )

    return Finding(
        kind=FindingKind.RACE,
        schedule_dependent=True,
        processes=2,
        message="P1 and P2 both read 0 before either of them wrote, so one of the two updates is lost.",
        help="Reading and writing have to happen under one `with lock:`. Between two of them others may come.",
        location=Location("counter.py", 11, "counter.value = value"),
        expected="counter == 2",
        got="counter == 1",
        replay="eyJjIjoibm9fbG9zdF91cGRhdGUifQ.AQECAgEB",
        steps=(
            step("P1", "acquire", "lock", 7),
            step("P1", "read", "counter", 8, "0", conflict=True),
            step("P1", "release", "lock", 7),
            step("P2", "acquire", "lock", 7),
            step("P2", "read", "counter", 8, "0"),
            step("P2", "release", "lock", 7),
            step("P2", "acquire", "lock", 10),
            step("P2", "write", "counter", 11, "1", conflict=True),
            step("P2", "release", "lock", 10),
            step("P1", "acquire", "lock", 10),
            step("P1", "write", "counter", 11, "1"),
            step("P1", "release", "lock", 10),
        ),
    )


def _no_join() -> Finding:
    names = ("main", "P1", "P2", "P3", "P4", "P5")
    steps = [WitnessStep("main", "start", name, 19) for name in names[1:]]
    for name in names[1:]:
        steps += [
            WitnessStep(name, "acquire", "lock", 7),
            WitnessStep(name, "read", "counter", 8, str(len(steps))),
            WitnessStep(name, "release", "lock", 7),
            WitnessStep(name, "acquire", "lock", 10),
            WitnessStep(name, "write", "counter", 11, str(len(steps) + 1), conflict=name == "P5"),
            WitnessStep(name, "release", "lock", 10),
        ]
    steps.append(WitnessStep("main", "read", "counter", 20, "4", conflict=True))
    return Finding(
        kind=FindingKind.WRONG_RESULT,
        processes=5,
        message="run_counter(5) returned before all processes had added to the counter.",
        location=Location("counter.py", 20),
        expected="5",
        got="4",
        replay="eyJjIjoicmV0dXJucyJ9.AAAAAAEC",
        steps=tuple(steps),
    )


def failing() -> Grade:
    """A race, a long witness with many processes, a skipped check and an inconclusive one."""
    race = CheckResult(
        "no_lost_update",
        "loses no update in any order of the processes",
        "increment_counter",
        CheckStatus.FAILED,
        0.0,
        4.0,
        0.05,
        findings=(_lost_update(),),
    )
    early = CheckResult(
        "returns",
        "returns the final value",
        "run_counter",
        CheckStatus.FAILED,
        0.0,
        3.0,
        findings=(_no_join(),),
    )
    skipped = CheckResult(
        "free",
        "is right when nobody controls it",
        "run_counter",
        CheckStatus.SKIPPED,
        0.0,
        0.5,
        reason="it needs: returns the final value",
    )
    pool = CheckResult(
        "concurrent",
        "lets its processes be alive together",
        "run_counter",
        CheckStatus.INCONCLUSIVE,
        0.0,
        0.5,
        findings=(
            Finding(
                FindingKind.INCONCLUSIVE,
                "The program uses multiprocessing.Pool, which the grader cannot control yet.",
                location=Location("counter.py", 17),
            ),
        ),
    )
    first = _passed("adds_one", "adds exactly 1", "increment_counter", _verified(1))
    return Grade("counter.py", "1" * 64, "counter", (first, race, early, skipped, pool), 1.234, _COUNTER)


def deadlock() -> Grade:
    """Two processes that wait for each other, and one that waits for both."""
    finding = Finding(
        kind=FindingKind.DEADLOCK,
        schedule_dependent=True,
        processes=2,
        message="Nobody can go on: P1 waits for lock_b, held by P2 since line 9; P2 waits for lock_a, held by P1 "
        "since line 4; main waits for P1 to end.",
        help="Let everybody take the locks in the same order.",
        replay="ZGVhZA.AQI",
        steps=(
            WitnessStep("main", "start", "P1", 20),
            WitnessStep("main", "start", "P2", 20),
            WitnessStep("P1", "acquire", "lock_a", 4, source="with lock_a:"),
            WitnessStep("P2", "acquire", "lock_b", 9, source="with lock_b:"),
            WitnessStep("main", "join", "P1", 21, note="waits for P1 to end", executed=False),
            WitnessStep("P1", "acquire", "lock_b", 5, note="waits for lock_b, held by P2", executed=False),
            WitnessStep("P2", "acquire", "lock_a", 10, executed=False),
        ),
    )
    check = CheckResult(
        "ends", "ends in every order", "run", CheckStatus.FAILED, 0.0, 2.0, findings=(finding,)
    )
    return Grade("locks.py", "2" * 64, "locks", (check,), 0.2)


def broken() -> Grade:
    """A file that does not compile."""
    finding = Finding(
        kind=FindingKind.IMPORT_ERROR,
        message="SyntaxError: '(' was never closed",
        location=Location("counter.py", 3, "def increment_counter(counter, lock"),
        failure=Failure(
            "SyntaxError",
            "'(' was never closed",
            3,
            'File "counter.py", line 3\n    def increment_counter(counter, lock\n                         ^\n'
            "SyntaxError: '(' was never closed",
        ),
    )
    first = CheckResult("loads", "can be imported", "", CheckStatus.FAILED, 0.0, 1.0, findings=(finding,))
    then = CheckResult(
        "adds_one",
        "adds exactly 1",
        "increment_counter",
        CheckStatus.SKIPPED,
        0,
        9,
        reason="it needs: can be imported",
    )
    return Grade("counter.py", "3" * 64, "counter", (first, then), 0.1)


def hostile() -> Grade:
    """A submission that would like to rule the terminal."""
    evil = "\x1b[31mred\x1b[0m [bold]markup[/bold] :smile: \u202eesrever\u202c \ud800 \x9b2J a" + "\u0301" * 7
    finding = Finding(
        kind=FindingKind.CRASH,
        message=f"P1 raised ValueError: {evil}\r\nsecond line\x07",
        help=f"{evil}",
        location=Location("\x1b]0;title\x07.py", 1, "\tx = '\x1b[2J'"),
        expected="'" + "long " * 300 + "'",
        got="日本語" * 50,
        output="\n".join(f"\x1b[{n}A{n}" for n in range(40)),
        replay="$(rm)\n.token",
        failure=Failure("ValueError", evil, 1, f"Traceback\n  {evil}"),
        steps=(
            WitnessStep("evil [red]P1\x1b[0m", "put", "queue\n", 1, evil + "日本語" * 40),
            WitnessStep("\u200bmain", "get", "queue", 1, note=f"waits {evil}", executed=False),
        ),
    )
    check = CheckResult(
        f"evil{evil}", f"title {evil}", f"f{evil}", CheckStatus.FAILED, 0.0, 1 / 3, findings=(finding,)
    )
    return Grade(f"a{evil}.py", "4" * 64, "counter", (check,), 12.0, ("\tx = '\x1b[2J' # " + "y" * 500,))


def internal() -> Grade:
    """A check in which the grader itself failed."""
    check = CheckResult(
        "free", "is right when nobody controls it", "run", CheckStatus.ERROR, 0.0, 1.0, reason="no free port"
    )
    return Grade("counter.py", "5" * 64, "counter", (check,), 0.0)


ALL = {
    "passing": passing,
    "failing": failing,
    "deadlock": deadlock,
    "broken": broken,
    "hostile": hostile,
    "internal": internal,
}
FOLDER = Path(__file__).parent

"""Programs that ask for chance, the clock or the order in a set: what they come to under other draws."""

import math
import textwrap
from pathlib import Path

import pytest

from grader.core.verdict import (
    CheckResult,
    CheckStatus,
    Dependence,
    EvidenceLevel,
    FindingKind,
    ScriptReport,
    Verdict,
)
from grader.exploring.explore import Options, explore_script
from grader.exploring.replay import replay
from grader.exploring.script import load_script
from grader.grading import catalogue, tokens
from grader.grading.check import CheckOptions, grade
from grader.grading.submission import load
from grader.report.script_view import of_report
from grader.runtime.agent.draws import CLOCKS, HASHES, OF_CHANCE
from grader.runtime.template import Template

pytestmark = pytest.mark.usefixtures("warm_programs")

TWO = """
    if __name__ == "__main__":
        total, lock = Value("i", 0), Lock()
        workers = [Process(target=work, args=(total, lock)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        print(total.value)
"""
HEAD = "import datetime, os, random, secrets, time, uuid\nfrom multiprocessing import Lock, Process, Queue, Value\n"


@pytest.fixture
def explored(tmp_path: Path):
    def explore(body: str, main: str = TWO, most: int = 200) -> ScriptReport:
        path = tmp_path / "program.py"
        path.write_text(HEAD + textwrap.dedent(body) + textwrap.dedent(main))
        return explore_script(load_script(path), Options(executions=most, seconds=math.inf))

    return explore


def printed(report: ScriptReport) -> set[str]:
    return {outcome.stdout.get("main", "").strip() for outcome in report.outcomes}


DICE = """
    def work(queue):
        queue.put({throw})

    if __name__ == "__main__":
        queue = Queue()
        worker = Process(target=work, args=(queue,))
        worker.start()
        {then}
        worker.join()
"""


@pytest.mark.parametrize(
    "throw", ["random.randint(1, 6)", "secrets.choice((1, 2, 3, 4, 5, 6))", "1 + os.urandom(1)[0] // 43"]
)
def test_a_dice_is_bounded_and_comes_to_all_that_it_can(explored, throw: str) -> None:
    report = explored("", DICE.format(throw=throw, then="print(queue.get())"))
    assert (report.verdict, report.draws, report.depends) == (
        Verdict.BOUNDED,
        OF_CHANCE,
        (Dependence.CHANCE,),
    )
    assert {"1", "6"} <= printed(report)
    assert report.findings == ()
    assert "it draws random numbers: 16 draws were tried" in of_report(report, "program.py").basis


def test_what_one_throw_in_six_does_is_found_and_shown_again(explored, tmp_path: Path) -> None:
    report = explored("", DICE.format(throw="random.randint(1, 6)", then="assert queue.get() != 6"))
    (finding,) = report.findings
    assert (report.verdict, finding.kind) == (Verdict.FAILED, FindingKind.CRASH)
    assert finding.draw == tokens.decode(finding.replay).draw > 0
    assert finding.message.startswith(
        f"With random numbers of another draw (number {finding.draw + 1} of 16): "
    )
    again = replay(finding.replay, tmp_path / "program.py").finding
    assert again is not None
    assert (again.kind, again.message) == (finding.kind, finding.message)


def test_a_failure_of_the_usual_draw_tells_its_share(explored) -> None:
    report = explored("", DICE.format(throw="random.random()", then="assert queue.get() > 0.5"))
    (finding,) = report.findings
    assert finding.draw or "of 16 draws" in finding.message


def test_a_throw_that_skips_the_lock_is_a_race(explored) -> None:
    report = explored("""
        def work(total, lock):
            if random.random() < 0.01:
                total.value += 1
            else:
                with lock:
                    total.value += 1
    """)
    assert [finding.kind for finding in report.findings] == [FindingKind.RACE]
    assert report.findings[0].draw


VERIFIED = {
    "jitter": """
        def work(total, lock):
            while not lock.acquire(timeout=0.1):
                time.sleep(random.uniform(0, 0.1))
            total.value += 1
            lock.release()
    """,
    "a throw that nobody uses": """
        def work(total, lock):
            random.random(), uuid.uuid4()
            with lock:
                total.value += 1
    """,
    "a seed of its own": """
        def work(total, lock):
            random.seed(3)
            if random.random() < 0.99:
                with lock:
                    total.value += random.randint(1, 6)
    """,
    "a generator of its own": """
        def work(total, lock, rng=random.Random(5)):
            with lock:
                total.value += rng.randint(1, 6)
    """,
    "a deadline": """
        def work(total, lock):
            end = time.monotonic() + 5
            with lock:
                if time.monotonic() < end:
                    total.value += 1
    """,
}


@pytest.mark.parametrize("kind", VERIFIED)
def test_what_no_draw_changes_is_verified(explored, kind: str) -> None:
    report = explored(VERIFIED[kind])
    assert (report.verdict, report.draws, report.depends) == (Verdict.VERIFIED, 0, ())
    assert len(report.outcomes) == 1


def test_names_of_processes_may_be_anything(explored) -> None:
    named = TWO.replace("args=", "name=str(uuid.uuid4()), args=")
    report = explored("def work(total, lock):\n    with lock:\n        total.value += 1\n", named)
    assert report.verdict is Verdict.VERIFIED


def test_what_is_sent_may_not(explored) -> None:
    report = explored("", DICE.format(throw="uuid.uuid4().hex", then="print(len(queue.get()))"))
    assert (report.verdict, report.depends) == (Verdict.BOUNDED, (Dependence.CHANCE,))
    assert printed(report) == {"32"}


def test_a_livelock_that_chance_may_end_is_a_remark(explored) -> None:
    opposite = TWO.replace("total, lock", "one, other", 1).replace('Value("i", 0), Lock()', "Lock(), Lock()")
    opposite = opposite.replace(
        "args=(total, lock)) for _ in range(2)", "args=pair) for pair in ((one, other), (other, one))"
    )
    opposite = opposite.replace("total.value", '"done"')
    loop = """
        def work(first, second):
            while True:
                with first:
                    if second.acquire(block=False):
                        second.release()
                        return
                time.sleep({pause})
    """
    report = explored(loop.format(pause="random.random()"), opposite, most=20)
    assert (report.verdict, report.findings) == (Verdict.VERIFIED, ())
    assert "left to chance" in report.remark
    assert "left to chance" in of_report(report, "program.py").basis
    assert printed(report) == {"done"}
    assert [one.kind for one in explored(loop.format(pause="0.1"), opposite, most=20).findings] == [
        FindingKind.HANG
    ]


def test_a_wait_for_what_never_comes_is_no_matter_of_chance(explored) -> None:
    report = explored("""
        def work(total, lock):
            while not lock.acquire(block=False):
                time.sleep(random.random())
            total.value += 1
    """)
    assert FindingKind.HANG in [one.kind for one in report.findings]


def test_a_branch_on_the_year_is_tried(explored, tmp_path: Path) -> None:
    report = explored("""
        def work(total, lock):
            with lock:
                assert datetime.date.today().year < 2035
                total.value += 1
    """)
    assert (report.verdict, report.depends) == (Verdict.FAILED, (Dependence.CLOCK,))
    (finding,) = report.findings
    assert finding.draw in CLOCKS
    assert finding.message.startswith("With the clock ")
    again = replay(finding.replay, tmp_path / "program.py").finding
    assert again is not None
    assert again.message == finding.message


def test_what_the_clock_only_says_is_no_difference(explored) -> None:
    then = "at, took = queue.get(); print(f'{took:.2f}', at, time.ctime(at), datetime.datetime.now(), time.time_ns())"
    report = explored("", DICE.format(throw="(time.time(), time.monotonic() - float(0))", then=then))
    assert (report.verdict, len(report.outcomes)) == (Verdict.VERIFIED, 1)


def test_what_is_done_at_another_time_is_a_difference(explored) -> None:
    report = explored(
        "", DICE.format(throw="'old' if time.time() > 2e9 else 'new'", then="print(queue.get())")
    )
    assert (report.verdict, report.depends) == (Verdict.BOUNDED, (Dependence.CLOCK,))
    assert printed(report) == {"old", "new"}
    assert "depends on the time of day" in of_report(report, "program.py").basis


def test_the_order_in_a_set_is_another_in_other_runs(explored) -> None:
    report = explored(
        "", DICE.format(throw="0", then="print(queue.get()); [print(x) for x in {'a', 'b', 'c', 'd'}]")
    )
    assert (report.verdict, report.depends) == (Verdict.BOUNDED, (Dependence.HASH,))
    assert len(printed(report)) > 1
    assert "order in sets" in of_report(report, "program.py").basis


def test_a_failure_by_the_order_in_a_set_is_shown_again(explored, tmp_path: Path) -> None:
    first = (
        explored("", DICE.format(throw="0", then="print(next(iter({'a', 'b', 'c', 'd'})))"))
        .outcomes[0]
        .stdout["main"]
    )
    report = explored(
        "", DICE.format(throw="0", then=f"assert next(iter({{'a', 'b', 'c', 'd'}})) == {first.strip()!r}")
    )
    (finding,) = report.findings
    assert finding.draw in HASHES
    assert replay(finding.replay, tmp_path / "program.py").finding is not None


def test_a_set_whose_order_nobody_sees_is_verified(explored) -> None:
    report = explored("", DICE.format(throw="{'a', 'b', 'c', 'd'}", then="print(sorted(queue.get()))"))
    assert (report.verdict, len(report.outcomes)) == (Verdict.VERIFIED, 1)


COUNTER = """
from multiprocessing import Lock, Process, Value
{head}

def increment_counter(counter, lock):
    if {condition}:
        counter.value += 1
    else:
        with lock:
            counter.value += 1


def run_counter(processes):
    counter, lock = Value("i", 0), Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
"""


@pytest.fixture
def checks(tmp_path: Path, template: Template):
    def check(condition: str, head: str) -> list[CheckResult]:
        path = tmp_path / "counter.py"
        path.write_text(COUNTER.format(head=head, condition=condition))
        exercise = catalogue.resolve(path, None)
        return list(grade(template, load(path), exercise, CheckOptions(free_runs=False)).checks)

    return check


@pytest.mark.parametrize(
    ("condition", "head"),
    [
        ("random.random() < 0.001", "import random"),
        ("secrets.randbelow(1000) == 999", "import secrets"),
        ("MODE == 1", "import random\nMODE = random.randint(1, 50)"),
        ("time.localtime().tm_year > 2030", "import time"),
        ("time.time() - START < 0 or START > 2e9", "import time\nSTART = time.time()"),
    ],
)
def test_a_submission_that_is_wrong_by_chance_fails(
    checks, tmp_path: Path, condition: str, head: str
) -> None:
    results = {result.name: result for result in checks(condition, head)}
    alone, together = results["test_adds_one"], results["test_loses_nothing"]
    assert alone.status is CheckStatus.PASSED
    assert [entry.level for entry in alone.evidence] == [EvidenceLevel.BOUNDED]
    (finding,) = together.findings
    assert finding.kind is FindingKind.RACE
    assert finding.draw == tokens.decode(finding.replay).draw > 0
    again = replay(finding.replay, tmp_path / "counter.py").finding
    assert again is not None
    assert (again.kind, again.message) == (finding.kind, finding.message)


def test_a_submission_that_only_reads_the_clock_is_verified(checks) -> None:
    results = checks("time.time() < START", "import time\nSTART = time.time()")
    explored = [result for result in results if result.name in ("test_adds_one", "test_loses_nothing")]
    assert {entry.level for result in explored for entry in result.evidence} == {EvidenceLevel.VERIFIED}

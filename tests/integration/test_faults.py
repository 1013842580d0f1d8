"""Faults of the machine, made on purpose: nobody's grade suffers, one clear line, and the next try goes well.

Everything below the judge is killed at moments that a seed draws. What a submission does to itself stays its own.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import batch_stub
import pytest
from commands import run as command
from commands import solution

from grader.batch.book import NAME, Book
from grader.batch.run import Wishes
from grader.batch.run import run as batch
from grader.core.verdict import FindingKind
from grader.errors import MachineError, UsageError
from grader.grading import expect
from grader.grading.catalogue import resolve
from grader.grading.check import CheckOptions, grade
from grader.grading.lab import DEFAULT_BUDGET, CheckFailed, Inconclusive, Lab
from grader.grading.scenario import Scenario
from grader.grading.submission import from_data, load
from grader.grading.workbench import open_workbench
from grader.runtime import allowance
from grader.runtime.agent import reaper
from grader.runtime.blame import once_more
from grader.runtime.sandbox.levels import Level
from grader.runtime.template import SubmissionText, Template

RIGHT = load(solution("counter")).text
RANKS = ("template", "before the runner", "runner", "host", "task")


@pytest.fixture(scope="module")
def own_template(own_core: None) -> Iterator[Template]:
    """One that may be killed."""
    with Template() as running:
        running.isolation()
        yield running


def below(template: Template, rank: str) -> list[int]:
    """The processes of a rank. The first one in a namespace has another one before it, which ends as it does."""
    found = [template.pid]
    in_a_namespace = template.isolation().level is Level.NS
    for _ in range(RANKS.index(rank) - (not in_a_namespace and rank not in RANKS[:2])):
        found = [child for pid in found for child in reaper.children(pid)]
    return found


def killer(template: Template, rank: str, when: Callable[[], bool]) -> Callable[[], None]:
    def kill() -> None:
        if when():
            for pid in below(template, rank)[-1:]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    return kill


def counted(*moments: int) -> Callable[[], bool]:
    made = 0

    def now() -> bool:
        nonlocal made
        made += 1
        return made in moments

    return now


def explored(template: Template, source: str, kill: Callable[[], None] = lambda: None) -> None:
    """One scenario of a check, as a grading has it explored; raises what a check does."""

    def attempt(last: bool) -> None:
        text = SubmissionText("counter", "counter.py", source)
        with open_workbench(template, text, "counter", "0" * 64, last=last) as bench:
            scenario = Scenario(3)
            value, lock = scenario.value("i", 0, "counter"), scenario.lock()
            scenario.call("increment_counter", value, lock, count=3)
            lab = Lab(bench, "test_loses_nothing", DEFAULT_BUDGET)
            lab.on_execution = kill
            lab.explore(scenario, lambda seen: expect.final_value(seen, value, 3))
            assert lab.evidence[0].executions >= 6

    once_more(attempt)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("seed", range(2))
def test_who_is_killed_once_costs_nothing(own_template: Template, rank: str, seed: int) -> None:
    moment = random.Random(f"{rank} {seed}").randint(1, 6)
    explored(own_template, RIGHT, killer(own_template, rank, counted(moment)))


def test_a_template_that_is_killed_is_replaced(own_template: Template) -> None:
    before = own_template.pid
    os.kill(before, signal.SIGKILL)
    explored(own_template, RIGHT)
    assert own_template.pid != before


def test_a_runner_that_is_killed_again_and_again_is_the_machine_s_fault(own_template: Template) -> None:
    with pytest.raises(MachineError, match=r"^this machine has ended a process of the grader \(signal 9\)"):
        explored(own_template, RIGHT, killer(own_template, "runner", lambda: True))


def test_a_host_that_is_killed_again_and_again_is_nobody_s(own_template: Template) -> None:
    with pytest.raises(Inconclusive, match="which cannot be told"):
        explored(own_template, RIGHT, killer(own_template, "host", lambda: True))


def test_a_whole_grading_survives_the_end_of_its_runner(own_template: Template) -> None:
    told = 0

    def progress(_: object) -> None:
        nonlocal told
        told += 1
        if told == 20:
            killer(own_template, "runner", lambda: True)()

    path = Path("counter.py")
    options = CheckOptions(free_runs=False)
    seen = grade(own_template, from_data(path, RIGHT.encode()), resolve(path, None), options, progress)
    assert seen.passed
    assert told > 20


KILLS = "import ctypes, os\n\ndef increment_counter(counter, lock):\n    ctypes.CDLL(None).kill({whom}, 9)\n"


def test_who_kills_itself_has_done_it_itself(own_template: Template) -> None:
    with pytest.raises(CheckFailed) as caught:
        explored(own_template, KILLS.format(whom="ctypes.CDLL(None).getpid()"))
    assert caught.value.findings[0].kind is FindingKind.CRASH
    assert "P1 died: the process died." in caught.value.findings[0].message


def test_who_kills_its_host_earns_nothing_and_blames_nobody(own_template: Template) -> None:
    with pytest.raises((CheckFailed, Inconclusive)):
        explored(own_template, KILLS.format(whom="ctypes.CDLL(None).getppid()"))


CLAIMS = """
from grader.runtime.agent import room, uncontrolled

def increment_counter(counter, lock):
    uncontrolled.announce({text})
"""


def test_that_there_is_no_room_is_looked_into(own_template: Template) -> None:
    with pytest.raises(Inconclusive, match="though this machine has room for them"):
        explored(own_template, CLAIMS.format(text="room.NO_ROOM"))


def test_what_a_submission_says_is_not_shown_as_ours(own_template: Template) -> None:
    with pytest.raises(Inconclusive, match="The program uses something that it does not name"):
        explored(own_template, CLAIMS.format(text="'nothing wrong. All points'"))


def test_little_memory_is_one_clear_line() -> None:
    limited = ["sh", "-c", 'ulimit -v 1000000; exec "$0" "$@"', sys.executable, "-m", "grader", "check"]
    ran = command([*limited, str(solution("counter"))])
    assert ran.status == 2
    assert "only 976 MB of memory" in ran.err
    assert ran.err.count("\n") == 1


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A small disk of its own, mounted with options (again)."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "x", folder]).returncode
    ):
        pytest.skip("only an administrator can mount a disk")

    def again(options: str) -> Path:
        subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)
        return folder

    yield again
    subprocess.run(["umount", "-l", folder], check=True)


def handed_in(folder: Path, count: int) -> Path:
    for number in range(count):
        path = folder / f"s{number:02}" / "counter.py"
        path.parent.mkdir(parents=True)
        path.write_text(f"# 10 {number}\n")
    return folder


def test_a_full_disk_and_one_that_is_read_only_lose_nothing(
    small: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_stub.use(monkeypatch, tmp_path / "log")
    folder, disk = handed_in(tmp_path / "in", 8), small("rw")
    batch(folder, disk / "out", Wishes(jobs=1))
    for number in range(8, 12):
        path = folder / f"s{number:02}" / "counter.py"
        path.parent.mkdir()
        path.write_text(f"# 10 {number}\n")
    with suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
        while ballast.write(bytes(4096)):
            pass
    with pytest.raises(UsageError, match=r"make room|disk"):
        batch(folder, disk / "out", Wishes(jobs=1))
    (disk / "ballast").unlink()
    small("ro")
    with pytest.raises(UsageError):
        batch(folder, disk / "out", Wishes(jobs=1))
    small("rw")
    ended = batch(folder, disk / "out", Wishes(jobs=1))
    assert ended.standing.done == 12
    assert len(set(batch_stub.begun(tmp_path / "log"))) == 12


@pytest.mark.parametrize("part", [0.0, 0.3, 0.7, 0.99])
def test_a_book_that_is_cut_off_or_overwritten_is_refused_or_read(tmp_path: Path, part: float) -> None:
    with Book(tmp_path) as book:
        whole = book.path.read_bytes()
    cut = whole[: int(len(whole) * part)] if part else b"\x00" * len(whole)
    for data in (cut, whole[:100] + random.Random(7).randbytes(len(whole) - 100)):
        (tmp_path / NAME).write_bytes(data)
        with suppress(UsageError), Book(tmp_path) as book:
            book.rolls()


def test_a_foreign_book_is_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / NAME)
    connection.execute("CREATE TABLE grades (id INTEGER)")
    connection.commit()
    connection.close()
    before = (tmp_path / NAME).read_bytes()
    with pytest.raises(UsageError, match="is not a grade book"):
        Book(tmp_path)
    assert (tmp_path / NAME).read_bytes() == before


COMPUTES = """
def increment_counter(counter, lock):
    for _ in range(8_000_000):
        pass
    with lock:
        counter.value += {by}
"""


def test_who_computes_for_long_has_a_verdict_soon(
    own_template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "MOST_COMPUTED", 0.3)
    with pytest.raises(Inconclusive, match="computes for so long by itself"):
        explored(own_template, COMPUTES.format(by=1))
    with pytest.raises(CheckFailed, match="counter should be 3"):
        explored(own_template, COMPUTES.format(by=2))

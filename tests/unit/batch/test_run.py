"""A batch grades what is missing, once, whatever becomes of it on the way. The grading itself is a stub's."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import batch_stub
import pytest
from commands import descendants, until

from grader.batch import crew, versions
from grader.batch import run as running
from grader.batch.book import NAME, Book
from grader.batch.model import Verdict
from grader.batch.run import Ended, Standing, Wishes, key_of, run
from grader.errors import InternalError, UsageError

SCRIPT = """
import sys
from pathlib import Path
from grader.batch import crew
from grader.batch.run import Wishes, run
import batch_stub
crew._BOOT = batch_stub.BOOT
def told(standing):
    print(standing.graded, flush=True)
ended = run(Path(sys.argv[1]), Path(sys.argv[2]), Wishes(jobs=2), told)
print("ended", ended.stopped)
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    batch_stub.use(monkeypatch, tmp_path / "log")
    return tmp_path / "log"


def hand_in(folder: Path, *words: str) -> Path:
    """One student for each word, all of them different files for `counter`."""
    for number, word in enumerate(words):
        path = folder / f"s{number:03}" / "counter.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {word} {number}\n")
    return folder


def scores(output: Path) -> dict[str, tuple[Verdict, float] | None]:
    found = {}
    with Book(output, create=False) as book:
        for roll in book.rolls():
            for handed in roll.found.handed:
                entry = book.entry(key_of(roll, handed))
                found[handed.shown] = (entry.result.verdict, entry.result.score) if entry else None
    return found


def grade(tmp_path: Path, **wishes: object) -> Ended:
    return run(tmp_path / "in", tmp_path / "out", Wishes(**wishes))  # type: ignore[arg-type]


def test_everything_is_graded_once(tmp_path: Path, log: Path) -> None:
    hand_in(tmp_path / "in", "10", "0", "6", "10")
    ended = grade(tmp_path)
    assert sorted(batch_stub.begun(log)) == ["# 0 1", "# 10 0", "# 10 3", "# 6 2"]
    assert ended.standing.counts == {Verdict.PASSED: 2, Verdict.FAILED: 2}
    assert (ended.standing.graded, ended.standing.total, ended.stopped) == (4, 4, False)
    again = grade(tmp_path)
    assert len(batch_stub.begun(log)) == 4
    assert (again.standing.graded, again.standing.done) == (0, 4)
    (tmp_path / "in" / "s001" / "counter.py").write_text("# 10 new\n")
    grade(tmp_path)
    assert batch_stub.begun(log)[4:] == ["# 10 new"]
    assert scores(tmp_path / "out")["s001/counter.py"] == (Verdict.PASSED, 10.0)


def test_equal_files_are_graded_once_and_count_for_each(tmp_path: Path, log: Path) -> None:
    for name in "abc":
        hand_in(tmp_path / "in" / name, "6")
    for name in "abc":
        (tmp_path / "in" / name / "s000" / "counter.py").rename(tmp_path / "in" / name / "counter.py")
    ended = grade(tmp_path)
    assert batch_stub.begun(log) == ["# 6 0"]
    assert ended.standing.counts == {Verdict.FAILED: 3}


def test_what_cannot_be_read_has_no_grade_and_stops_nothing(tmp_path: Path, log: Path) -> None:
    hand_in(tmp_path / "in", "10", "10")
    (tmp_path / "in" / "s001" / "counter.py").write_bytes(b"\0\0")
    ended = grade(tmp_path)
    assert ended.standing.counts == {Verdict.PASSED: 1, Verdict.UNREADABLE: 1}
    assert batch_stub.begun(log) == ["# 10 0"]
    assert grade(tmp_path).standing.graded == 0


def test_a_worker_that_dies_costs_one_submission_and_is_replaced(tmp_path: Path, log: Path) -> None:
    hand_in(tmp_path / "in", "10", "die", "6", "die", "10", "10")
    ended = grade(tmp_path, jobs=2)
    assert ended.standing.counts == {Verdict.PASSED: 3, Verdict.FAILED: 1, Verdict.ERROR: 2}
    assert sorted(batch_stub.begun(log)) == sorted(
        ["# 10 0", "# die 1", "# die 1", "# 6 2", "# die 3", "# die 3", "# 10 4", "# 10 5"]
    )
    with Book(tmp_path / "out") as book:
        roll = book.rolls()[0]
        entry = book.entry(key_of(roll, roll.found.handed[1]))
    assert entry is not None
    assert entry.result.problem == "this machine has ended the process that graded it (signal 9)"
    assert len(batch_stub.begun(log)) == 8
    grade(tmp_path)
    assert sorted(batch_stub.begun(log)[8:]) == ["# die 1", "# die 1", "# die 3", "# die 3"]


def test_a_worker_that_hangs_is_given_up(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_in(tmp_path / "in", "hang", "10", "10")
    monkeypatch.setattr(running, "PATIENCE", 3.0)
    ended = grade(tmp_path, jobs=1)
    assert ended.standing.counts == {Verdict.PASSED: 2, Verdict.ERROR: 1}


def test_a_worker_that_has_served_long_enough_is_replaced(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(tmp_path / "in", *["10"] * 7)
    monkeypatch.setattr(crew, "SERVED", 2)
    started: list[object] = []
    make = crew._Worker.__init__

    def count(self: object, *arguments: object) -> None:
        started.append(self)
        make(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(crew._Worker, "__init__", count)
    assert grade(tmp_path, jobs=1).standing.counts == {Verdict.PASSED: 7}
    assert len(started) == 4


def test_workers_that_never_start_are_our_bug(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(tmp_path / "in", *["10"] * 20)
    monkeypatch.setattr(crew, "_BOOT", "import sys; sys.exit(5)")
    with pytest.raises(InternalError, match=r"do not start \(status 5\)"):
        grade(tmp_path, jobs=1)


def test_a_machine_that_refuses_is_one_clear_line(tmp_path: Path, log: Path) -> None:
    hand_in(tmp_path / "in", "10", "refuse", "refuse", "refuse", "10")
    with pytest.raises(UsageError, match="no room for processes"):
        grade(tmp_path, jobs=1)
    assert scores(tmp_path / "out")["s000/counter.py"] == (Verdict.PASSED, 10.0)


def test_a_changed_exercise_grades_again_and_says_whose_grade_went_down(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(tmp_path / "in", "10", "6")
    grade(tmp_path)
    monkeypatch.setattr(versions, "exercise", lambda found: "changed")
    monkeypatch.setattr(
        crew,
        "_BOOT",
        "import sys; sys.path[:] = {path!r}; import batch_stub as b; g = b.grade; "
        "b.grade = lambda task, score: g(task, score / 2); b.main({orders!r})",
    )
    ended = grade(tmp_path)
    assert ended.standing.graded == 2
    assert [(one.shown, was, now) for one, was, now in ended.went_down] == [
        ("s000/counter.py", 10.0, 5.0),
        ("s001/counter.py", 6.0, 3.0),
    ]
    assert grade(tmp_path).went_down == ()


def test_settings_are_remembered_and_belong_to_the_grade(tmp_path: Path, log: Path) -> None:
    path = tmp_path / "in" / "anna.py"
    path.parent.mkdir()
    path.write_text("# 10 x\n")
    grade(tmp_path, exercise="counter", free_runs=False)
    assert grade(tmp_path).standing.graded == 0
    assert grade(tmp_path, free_runs=True).standing.graded == 1
    assert grade(tmp_path, exercise="consumer").standing.graded == 1
    with pytest.raises(UsageError, match="there is no exercise 'nothing'"):
        grade(tmp_path, exercise="nothing")


def test_a_folder_without_any_submission(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("x")
    with pytest.raises(UsageError, match=r"there is no submission in it; notes\.txt: not a Python file"):
        grade(tmp_path)


def test_where_nothing_is_missing_nothing_is_started(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(tmp_path / "in", "10")
    grade(tmp_path)

    def never(*_: object) -> None:
        raise AssertionError("started")

    monkeypatch.setattr(running.minimum, "require", never)
    monkeypatch.setattr(crew, "_Worker", never)
    assert grade(tmp_path).standing.done == 1


def test_what_is_not_there_any_more_is_told(tmp_path: Path, log: Path) -> None:
    hand_in(tmp_path / "in", "10", "10")
    hand_in(tmp_path / "other", "10")
    grade(tmp_path)
    run(tmp_path / "other", tmp_path / "out", Wishes())
    (tmp_path / "in" / "s001").rename(tmp_path / "in" / "s1")
    ended = grade(tmp_path)
    assert [gone.shown for gone in ended.gone] == ["s001/counter.py"]
    assert ended.moved == ()
    (tmp_path / "in").rename(tmp_path / "in2")
    ended = run(tmp_path / "in2", tmp_path / "out", Wishes())
    assert [roll.folder for roll in ended.moved] == [str(tmp_path / "in")]
    assert ended.gone == ()
    assert ended.standing.graded == 0
    with Book(tmp_path / "out") as book:
        assert sorted(roll.folder for roll in book.rolls()) == [
            str(tmp_path / "in2"),
            str(tmp_path / "other"),
        ]


def test_a_folder_that_was_named_by_mistake_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("x")
    with pytest.raises(UsageError, match="no submission"):
        grade(tmp_path)
    with Book(tmp_path / "out") as book:
        assert book.rolls() == ()
    with pytest.raises(UsageError, match="name another one with --output"):
        run(tmp_path / "in", tmp_path / "in", Wishes())


def _graders(pids: set[int]) -> list[str]:
    """The command lines of those that are not Python's own helpers, which stay as long as this process does."""
    lines = []
    for pid in pids:
        with contextlib.suppress(OSError):
            line = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
            if line and "resource_tracker" not in line:
                lines.append(line)
    return lines


def test_an_interrupt_keeps_what_is_graded_and_leaves_nothing_running(tmp_path: Path, log: Path) -> None:
    hand_in(tmp_path / "in", *["10"] * 6, "hang")

    def interrupt(standing: Standing) -> None:
        if standing.graded >= 3:
            raise KeyboardInterrupt

    before = descendants()
    ended = run(tmp_path / "in", tmp_path / "out", Wishes(jobs=2), interrupt)
    assert ended.stopped
    until(lambda: not _graders(descendants() - before))  # what was killed is still on its way out
    kept = sum(score is not None for score in scores(tmp_path / "out").values())
    assert kept == ended.standing.graded >= 3


def started(tmp_path: Path, log: Path, seconds: float) -> "subprocess.Popen[str]":
    path = os.pathsep.join([str(Path(batch_stub.__file__).parent), *sys.path])
    environment = {
        **os.environ,
        "PYTHONPATH": path,
        "BATCH_STUB_LOG": str(log),
        "BATCH_STUB_SECONDS": str(seconds),
    }
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "in"), str(tmp_path / "out")]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_a_batch_that_is_killed_goes_on_where_it_was(tmp_path: Path, log: Path) -> None:
    words = ["10", "6", "0", "10", "3"] * 6
    hand_in(tmp_path / "in", *words)
    for goal in (4, 3, 5):
        batch = started(tmp_path, log, 0.02)
        assert batch.stdout is not None
        while int(batch.stdout.readline()) < goal:
            pass
        workers = descendants(batch.pid)
        batch.send_signal(signal.SIGKILL)
        batch.communicate()
        until(lambda killed=workers: not any(map(_alive, killed)))
    known = sum(score is not None for score in scores(tmp_path / "out").values())
    assert 12 <= known < 30
    batch = started(tmp_path, log, 0)
    out, _ = batch.communicate()
    assert out.endswith("ended False\n")
    # At each kill two files were being graded at most, and one was perhaps graded and not yet entered.
    assert 30 <= len(batch_stub.begun(log)) <= 30 + 3 * 3
    expected = {f"s{n:03}/counter.py": float(word) for n, word in enumerate(words)}
    assert {name: score[1] for name, score in scores(tmp_path / "out").items() if score} == expected


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_two_batches_at_once_share_the_work(tmp_path: Path, log: Path) -> None:
    hand_in(tmp_path / "in", *["10", "6"] * 15)
    batches = [started(tmp_path, log, 0.05) for _ in range(2)]
    for batch in batches:
        out, _ = batch.communicate()
        assert out.endswith("ended False\n")
    assert set(scores(tmp_path / "out").values()) == {(Verdict.PASSED, 10.0), (Verdict.FAILED, 6.0)}
    assert len(batch_stub.begun(log)) < 60
    with sqlite3.connect(tmp_path / "out" / NAME) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM grades").fetchall() == [(30,)]
    connection.close()


def test_a_batch_does_not_guess_what_a_damaged_roll_said(tmp_path: Path, log: Path) -> None:
    hand_in(tmp_path / "in", "10")
    grade(tmp_path, exercise="counter")
    with contextlib.closing(sqlite3.connect(tmp_path / "out" / NAME)) as connection, connection:
        connection.execute("UPDATE rolls SET roll = x'00'")
    with pytest.raises(UsageError, match="say once more with --exercise"):
        grade(tmp_path)
    assert grade(tmp_path, exercise="counter").standing.already == 1
    assert grade(tmp_path).standing.already == 1


def test_a_machine_that_lets_nothing_be_graded_is_asked_no_more(tmp_path: Path, log: Path) -> None:
    hand_in(tmp_path / "in", *["full"] * 9)
    ended = grade(tmp_path, jobs=1)
    assert ended.given_up == "this machine is full"
    assert len(batch_stub.begun(log)) == 6
    assert ended.standing.counts == {Verdict.ERROR: 6}
    again = grade(tmp_path, jobs=1)
    assert len(batch_stub.begun(log)) == 12
    assert (again.standing.already, again.standing.total) == (0, 9)


def test_a_bug_is_told_in_a_log_and_the_others_are_graded(tmp_path: Path, log: Path) -> None:
    hand_in(tmp_path / "in", "10", "bug", "10")
    ended = grade(tmp_path)
    assert ended.standing.counts == {Verdict.PASSED: 2, Verdict.ERROR: 1}
    assert ended.log == tmp_path / "out" / "errors.log"
    told = ended.log.read_text()
    assert "s001/counter.py, exercise counter" in told
    assert "replay token: abc" in told
    assert "in _answer\n" in told
    assert "ZeroDivisionError" in told
    assert grade(tmp_path).standing.already == 2

"""The command as a user runs it: what it prints, its exit status, and that nothing is left behind."""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from commands import Ran, corrected, grader, solution

from grader.grading.catalogue import exercises

SOLVED = solution("counter").read_text(encoding="utf-8")
UNLOCKED = corrected(SOLVED, "with lock:", "if lock:")
QUICK = "--no-free-runs"


class Location(msgspec.Struct, forbid_unknown_fields=True):
    file: str
    line: int
    source: str


class Step(msgspec.Struct, forbid_unknown_fields=True):
    task: str
    operation: str
    object: str
    line: int
    value: str
    note: str = ""
    conflict: bool = False
    executed: bool = True
    state: dict[str, str] = {}


class Finding(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    schedule_dependent: bool
    processes: int
    message: str
    help: str
    location: Location | None
    replay: str
    steps: list[Step]
    expected: str = ""
    got: str = ""
    output: str = ""
    start: dict[str, str] = {}


class Evidence(msgspec.Struct, forbid_unknown_fields=True):
    level: str
    processes: list[int]
    executions: int
    inputs: int = 0
    waits: int = 0
    seed: int = 0


class Check(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    title: str
    function: str
    status: str
    score: float
    max_score: float
    seconds: float
    evidence: Evidence | None
    findings: list[Finding]
    further_evidence: list[Evidence] = []
    reason: str = ""


class Grade(msgspec.Struct, forbid_unknown_fields=True):
    """The format `grader/grade/v1`, and nothing beside it."""

    schema: str
    submission: str
    sha256: str
    exercise: str
    passed: bool
    score: float
    max_score: float
    seconds: float
    checks: list[Check]
    grader_version: str
    python_version: str
    path: str = ""
    sandbox: str = ""
    remarks: list[str] = []


def graded(document: Any) -> Grade:
    grade = msgspec.convert(document, Grade)
    assert grade.schema == "grader/grade/v1"
    assert grade.score == sum(check.score for check in grade.checks)
    assert grade.max_score == sum(check.max_score for check in grade.checks)
    return grade


def ended_well(ran: Ran, status: int) -> Ran:
    """The exit status is `status`, no error of ours was shown, no process was left."""
    assert ran.status == status, ran.out + ran.err
    assert "Traceback" not in ran.err
    assert "internal error" not in ran.err.lower()
    assert ran.left == ()
    return ran


def saved(folder: Path, source: str | bytes, name: str = "counter.py") -> Path:
    path = folder / name
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    return path


def json_of(path: Path, status: int, *options: str) -> Grade:
    return graded(ended_well(grader("check", path, QUICK, "--format", "json", *options), status).document)


COUNTERS: dict[str, str | bytes] = {
    "right": SOLVED,
    "junk": b"\0",
    "race": UNLOCKED,
    "deadlock": corrected(SOLVED, "with lock:", "with lock, lock:"),
    "crash": corrected(SOLVED, "counter.value += 1", "counter.value += None"),
    "leak": corrected(SOLVED, "worker.join()", "worker.join(0.5)"),
}
ROTTEN = ("race", "deadlock", "crash", "leak")


def documents(folder: Path, **how: Any) -> dict[str, Any]:
    """What one command says of all counters, in folders of their own."""
    for name, source in COUNTERS.items():
        (folder / name).mkdir()
        saved(folder / name, source)
    paths = [folder / name / "counter.py" for name in COUNTERS]
    ran = ended_well(grader("check", *paths, QUICK, "--format", "json", **how), 2)
    return dict(zip(COUNTERS, ran.document))


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """See `documents`."""
    return documents(tmp_path_factory.mktemp("checked"))


def finding_of(document: Any) -> Finding:
    """The first one."""
    return next(finding for check in graded(document).checks for finding in check.findings)


@pytest.fixture(scope="module")
def lost(checked: dict[str, Any]) -> Finding:
    """What is wrong with a counter without a lock."""
    return finding_of(checked["race"])


def test_a_stub_is_told_what_is_missing() -> None:
    ran = ended_well(grader("check", *(exercise.stub for exercise in exercises())), 1)
    for exercise in exercises():
        for function in exercise.functions:
            assert f"{function} is not written yet" in ran.out
    assert "verified" not in ran.out


def test_the_solution_is_verified() -> None:
    ran = ended_well(grader("check", solution("counter")), 0)
    assert "verified" in ran.out
    assert "FAILED" not in ran.out


def test_the_json_of_a_failure_has_everything_that_the_format_promises(
    checked: dict[str, Any],
) -> None:
    grade, finding = graded(checked["race"]), finding_of(checked["race"])
    check = next(check for check in grade.checks if check.status == "failed")
    assert check.findings == [finding]
    assert (grade.passed, grade.exercise, grade.submission) == (False, "counter", "counter.py")
    assert (finding.kind, finding.schedule_dependent, finding.processes) == ("race", True, 2)
    assert (finding.expected, finding.got) == ("2", "1")
    assert finding.location is not None
    assert finding.location.source == "counter.value += 1"
    assert [(step.task, step.operation) for step in finding.steps if step.conflict]
    assert "with lock" in finding.help
    assert check.score == 0 < grade.score < grade.max_score


def test_the_json_of_a_pass(checked: dict[str, Any]) -> None:
    grade = graded(checked["right"])
    assert grade.passed
    assert grade.score == grade.max_score
    evidence = {check.name: check.evidence for check in grade.checks}
    assert evidence["test_loses_nothing"] is not None
    assert evidence["test_loses_nothing"].level == "verified"
    assert evidence["test_loses_nothing"].processes == [2, 3]


def test_one_bad_file_among_others_does_not_cost_them_their_grades(checked: dict[str, Any]) -> None:
    assert checked["junk"]["schema"] == "grader/error/v1"
    passed = {name: graded(document).passed for name, document in checked.items() if name != "junk"}
    assert passed == {"right": True, **dict.fromkeys(ROTTEN, False)}


@pytest.mark.parametrize("kind", ROTTEN)
def test_a_replay_shows_the_same_order_and_fails_again(
    kind: str, checked: dict[str, Any], tmp_path: Path
) -> None:
    path = saved(tmp_path, COUNTERS[kind])
    findings = [finding for check in graded(checked[kind]).checks for finding in check.findings]
    finding = next(finding for finding in findings if finding.kind == kind)
    ran = ended_well(grader("replay", finding.replay, path), 1)
    assert " ".join(finding.message.split())[:40] in " ".join(ran.out.split())
    assert "does not fit" not in ran.out


def test_a_replay_is_the_same_each_time(tmp_path: Path, lost: Finding) -> None:
    path = saved(tmp_path, UNLOCKED)
    first, again = (ended_well(grader("replay", lost.replay, path), 1) for _ in range(2))
    assert first.out == again.out
    assert " ".join(lost.message.split())[:40] in " ".join(first.out.split())


def test_a_witness_tells_what_the_shared_objects_hold(lost: Finding) -> None:
    assert lost.start == {"counter": "0", "lock": "free", "alive": "P1, P2"}
    written = [step.state for step in lost.steps if step.operation == "write"]
    assert written == [{"counter": "1"}, {}]  # the second process writes what is there already


def test_a_page_says_what_the_document_says(tmp_path: Path, lost: Finding) -> None:
    path = saved(tmp_path, UNLOCKED)
    page = tmp_path / "page.html"
    ran = ended_well(grader("check", path, QUICK, "--format", "html", "--output", page), 1)
    assert ran.out.endswith(f"wrote {page}\n")
    shown = page.read_text(encoding="utf-8")
    for text in (lost.message, lost.replay, "counter.value += 1", "these steps clash"):
        assert text in shown
    again = tmp_path / "again.html"
    ended_well(grader("replay", lost.replay, path, "--format", "html", "--output", again), 1)
    assert lost.message in again.read_text(encoding="utf-8")


def test_a_replay_on_the_corrected_file_passes(tmp_path: Path, lost: Finding) -> None:
    ended_well(grader("replay", lost.replay, saved(tmp_path, SOLVED)), 0)


def test_a_token_for_a_file_that_never_comes_so_far(tmp_path: Path, lost: Finding) -> None:
    other = saved(tmp_path, "print('hello')\n", "other.py")
    ran = ended_well(grader("replay", lost.replay, other), 2)
    assert "There is no function increment_counter(counter, lock)" in ran.err


@pytest.mark.parametrize(
    "token",
    [
        "eNqbxbg8Ob80ryS1aGtJanFJfE5-cWpxfF5-SUZmXnq0USzDCuNUk7REC8PkSROZJjJPY2BkZGFgXlKUmJx6eAIA688WbrScVY0",
        "eNqbxbhgAcOKZKNEozQDM6NpExknMQIR0yRG5kmMLJMYWe8wiDGwMjIzMDIBMTMQszCyMrMwMbAsKUpMTj08AQDwuQ1yjafu9g",
    ],
    ids=["check", "explore"],
)
def test_a_token_of_an_earlier_grader_is_refused_and_nothing_runs(tmp_path: Path, token: str) -> None:
    path = saved(tmp_path, f"open({str(tmp_path / 'ran')!r}, 'w')\n{UNLOCKED}")
    ran = ended_well(grader("replay", token, path), 2)
    assert "check the file again (`grader check`, or `grader explore`)" in ran.err
    assert (ran.out, ran.err.count("\n")) == ("", 1)
    assert not (tmp_path / "ran").exists()


def test_a_token_in_which_a_letter_has_changed(tmp_path: Path, lost: Finding) -> None:
    path, token = saved(tmp_path, UNLOCKED), lost.replay
    changed = token[:9] + ("A" if token[9] != "A" else "B") + token[10:]
    assert "not a replay token" in ended_well(grader("replay", changed, path), 2).err


def test_the_list_names_every_exercise() -> None:
    ran = ended_well(grader("list"), 0)
    assert [line.split()[0] for line in ran.out.splitlines()] == ["counter", "shared_value", "consumer"]


def test_start_writes_stubs_that_can_be_checked_at_once(tmp_path: Path) -> None:
    ended_well(grader("start", "home", cwd=tmp_path), 0)
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == [
        "consumer.py",
        "counter.py",
        "shared_value.py",
    ]
    ran = ended_well(grader("check", "counter.py", QUICK, cwd=tmp_path / "home"), 1)
    assert "increment_counter is not written yet" in ran.out


NEVER_IMPORTED = {
    "syntax error": (b"def increment_counter(counter, lock:\n", "was never closed"),
    "an endless loop": (b"while True:\n    pass\n", "never ends"),
    "sleeps for ever": (b"import time\nwhile True:\n    time.sleep(10)\n", "never ends"),
    "sleeps in C": (b"import select\nselect.select([], [], [])\n", "never ends"),
    "waits for its own lock": (
        b"import multiprocessing\nlock = multiprocessing.Lock()\nlock.acquire()\nlock.acquire()\n",
        "never ends",
    ),
    "ends the program": (b"import os\nos._exit(0)\n", "ends the program"),
    "sys.exit": (b"import sys\nsys.exit(0)\n", "ends the program"),
    "raises": (b"1 / 0\n", "ZeroDivisionError"),
}


@pytest.fixture(scope="module")
def never_imported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Grade]:
    """What one command says of them. It gives a loop as much time as it does for users."""
    folder = tmp_path_factory.mktemp("never")
    paths = [
        saved(folder, source, f"{number}.py") for number, (source, _) in enumerate(NEVER_IMPORTED.values())
    ]
    ran = ended_well(grader("check", *paths, "--exercise", "counter", "--format", "json"), 1)
    return dict(zip(NEVER_IMPORTED, map(graded, ran.document)))


@pytest.mark.parametrize("name", NEVER_IMPORTED)
def test_a_file_that_cannot_be_imported_says_why(name: str, never_imported: dict[str, Grade]) -> None:
    grade = never_imported[name]
    findings = [finding for check in grade.checks for finding in check.findings]
    assert [finding.kind for finding in findings] == ["import-error"]
    assert NEVER_IMPORTED[name][1] in findings[0].message
    assert grade.score == 0


def test_a_file_that_waits_for_something_outside_cannot_be_judged(tmp_path: Path) -> None:
    sleeper = saved(tmp_path, b"import _socket; ends = _socket.socketpair()\nends[0].recv(1)\n")
    grade = graded(ended_well(grader("check", sleeper, "--format", "json"), 1).document)
    findings = [finding for check in grade.checks for finding in check.findings]
    assert [finding.kind for finding in findings] == ["inconclusive"]
    assert "import of the file waits in line 2 for something outside" in findings[0].message
    assert grade.score == 0


def test_a_hundred_megabytes_of_output_do_no_harm(tmp_path: Path) -> None:
    flood = "for _ in range(100):\n    print('x' * 1_000_000)\n"
    ran = ended_well(grader("check", saved(tmp_path, flood + UNLOCKED), QUICK, "--format", "json"), 1)
    assert len(ran.out) < 1_000_000
    assert [f.kind for check in graded(ran.document).checks for f in check.findings]


REFUSED = {
    "binary junk": (b"\x89PNG\r\n\x1a\n\0\0\0", "not a text file"),
    "no UTF-8": (b"x = '\xe4'\n", "save it as UTF-8"),
    "50 MB": (b"#" * 50_000_000, "larger than 1 MB"),
}


def test_a_file_that_is_no_program_is_refused(tmp_path: Path) -> None:
    paths = [saved(tmp_path, data, f"{number}.py") for number, (data, _) in enumerate(REFUSED.values())]
    ran = ended_well(grader("check", *paths, "--exercise", "counter", "--format", "json"), 2)
    lines = ran.err.splitlines()
    assert len(lines) == len(REFUSED)
    for (_, words), line, document in zip(REFUSED.values(), lines, ran.document):
        assert words in line
        assert words in document["error"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.py"], "does not exist"),
        (["."], "is a folder"),
        (["homework.py"], "there is no exercise"),
        (["homework.py", "--exercise", "nonsense"], "there is no exercise 'nonsense'"),
        (["homework.py", "--budget", "-1"], "is not a whole number from 1 up"),
        ([], "required"),
    ],
)
def test_a_user_s_mistake_is_one_clear_line(arguments: list[str], words: str, tmp_path: Path) -> None:
    saved(tmp_path, SOLVED, "homework.py")
    ran = ended_well(grader("check", *arguments, cwd=tmp_path), 2)
    assert words in ran.err
    assert ran.out == ""


@pytest.mark.usefixtures("not_root")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = saved(tmp_path, SOLVED)
    path.chmod(0)
    assert "chmod" in ended_well(grader("check", path), 2).err


def test_several_files_end_with_a_table(tmp_path: Path) -> None:
    files = [saved(tmp_path, b"", "a.py").name, saved(tmp_path, UNLOCKED, "b.py").name]
    ran = ended_well(grader("check", *files, "--exercise", "counter", QUICK, cwd=tmp_path), 1)
    table = ran.out.rpartition("\n\n")[2]
    assert 0 < table.index("a.py") < table.index("b.py")


def test_closed_streams_do_no_harm(tmp_path: Path) -> None:
    """A service may start us without stdin, stdout and stderr: their numbers are then taken by our own files."""
    path = saved(tmp_path, UNLOCKED)
    ran = grader("check", path, QUICK, environment={"PYTHONUNBUFFERED": "1"})
    ended_well(ran, 1)


def without_seconds(document: Any) -> str:
    """The document as text, with every `seconds` taken out, and the path, which is as it was given."""

    def strip(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: strip(value) for key, value in part.items() if key not in ("seconds", "path")}
        return [strip(item) for item in part] if isinstance(part, list) else part

    return json.dumps(strip(document))


def test_the_verdict_is_the_same_every_time(checked: dict[str, Any], tmp_path: Path) -> None:
    """Repeated, with another hash seed, from another folder."""
    environment = {"PYTHONHASHSEED": "12345", "LANG": "C", "TZ": "Asia/Tokyo"}
    again = documents(tmp_path, cwd=tmp_path, environment=environment)
    for kind in ("right", *ROTTEN):
        assert without_seconds(again[kind]) == without_seconds(checked[kind])
        assert os.fspath(tmp_path) not in without_seconds(again[kind])


def test_a_file_that_cannot_be_imported_is_not_replayed(tmp_path: Path, lost: Finding) -> None:
    broken = saved(tmp_path, "def increment_counter(counter, lock)\n")
    ran = ended_well(grader("replay", lost.replay, broken), 2)
    assert "cannot be imported: SyntaxError" in ran.err

"""`grader batch` and `grader report` as a user runs them, with real submissions."""

import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from commands import ROOT, descendants, grader, run, until

SUBMISSIONS = ROOT / "tests" / "submissions"
FILES = {
    "anna": ROOT / "solutions" / "counter.py",
    "ben": SUBMISSIONS / "counter" / "wrong" / "no_lock.py",
    "carl": SUBMISSIONS / "any" / "syntax_error.py",
    "dora": SUBMISSIONS / "any" / "nul_bytes.py",
    "eva": SUBMISSIONS / "any" / "sleeps_for_ever_at_import.py",
    "finn": SUBMISSIONS / "any" / "prints_100_megabytes.py",
}
VERDICTS = {
    "anna": "passed",
    "ben": "failed",
    "carl": "failed",
    "dora": "unreadable",
    "eva": "failed",
    "finn": "failed",
}


def hand_in(folder: Path, names: dict[str, Path] | None = None) -> Path:
    for name, path in (names or FILES).items():
        (folder / name).mkdir(parents=True)
        shutil.copy(path, folder / name / "counter.py")
    return folder


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("batch")
    hand_in(folder / "in")
    (folder / "roster.csv").write_text("name\nAnna\nBen\nCarl\nDora\nEva\nFinn\nZoë\n", encoding="utf-8")
    ran = grader(
        "batch",
        folder / "in",
        "--output",
        folder / "out",
        "--no-free-runs",
        "--roster",
        folder / "roster.csv",
    )
    assert (ran.status, ran.left) == (1, ())
    assert ran.out.startswith("6 submissions: 1 passed, 4 failed, 1 unreadable\n6 graded now")
    assert "1 student of the roster handed in nothing:\n  Zoë\n" in ran.out
    return folder


def test_each_has_its_own_verdict_whatever_the_others_do(graded: Path) -> None:
    document = json.loads((graded / "out" / "grades.json").read_text(encoding="utf-8"))
    students = {entry["student"]: entry["submissions"] for entry in document["students"]}
    assert {name: entry[0]["verdict"] for name, entry in students.items() if entry} == VERDICTS
    assert students["Zoë"] == []
    with (graded / "out" / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert {name: row["counter verdict"] for name, row in rows.items()} == {
        **VERDICTS,
        "Zoë": "not handed in",
    }
    assert rows["anna"]["score"] == rows["anna"]["max_score"]


def test_the_grade_is_that_of_grader_check(graded: Path) -> None:
    alone = grader(
        "check", graded / "in" / "ben" / "counter.py", "--no-free-runs", "--format", "json"
    ).document
    batch = json.loads((graded / "out" / "submissions" / "ben-counter.json").read_text(encoding="utf-8"))

    def decisive(document: dict[str, object]) -> object:
        checks = document["checks"]
        assert isinstance(checks, list)
        findings = [[finding["kind"] for finding in check["findings"]] for check in checks]
        return document["score"], [check["status"] for check in checks], findings

    assert decisive(batch) == decisive(alone)
    assert (batch["schema"], batch["students"], batch["sha256"]) == (
        alone["schema"],
        ["ben"],
        alone["sha256"],
    )


def test_every_report_is_there(graded: Path) -> None:
    pages = {path.name for path in (graded / "out" / "submissions").iterdir()}
    assert pages == {f"{name}-counter.{kind}" for name in FILES for kind in ("html", "json")}
    root = ElementTree.parse(graded / "out" / "junit.xml").getroot()
    assert [suite.get("name") for suite in root] == [f"{name}: counter" for name in FILES]
    index = (graded / "out" / "index.html").read_text(encoding="utf-8")
    assert all(f'href="submissions/{name}-counter.html"' in index for name in FILES)
    assert sorted(path.name for path in (graded / "out").iterdir() if path.name[0] != ".") == [
        "grades.csv",
        "grades.json",
        "grades.sqlite",
        "index.html",
        "junit.xml",
        "submissions",
    ]


def test_the_same_command_grades_nothing_again_and_the_reports_are_the_same(graded: Path) -> None:
    def contents() -> dict[str, bytes]:
        files = [
            path for path in (graded / "out").rglob("*") if path.suffix in (".html", ".json", ".csv", ".xml")
        ]
        return {path.name: path.read_bytes() for path in files}

    before = contents()
    ran = grader("batch", graded / "in", "--output", graded / "out")
    assert (ran.status, ran.left) == (1, ())
    assert "\n0 graded now" in ran.out
    assert contents() == before
    (graded / "out" / "index.html").unlink()
    (graded / "out" / "submissions" / "anna-counter.html").unlink()
    assert grader("report", graded / "out").status == 1
    assert contents() == before


def test_a_token_of_a_page_shows_the_order_again(graded: Path) -> None:
    batch = json.loads((graded / "out" / "submissions" / "ben-counter.json").read_text(encoding="utf-8"))
    token = next(f["replay"] for check in batch["checks"] for f in check["findings"] if f["replay"])
    assert "this order still breaks it" in grader("replay", token, graded / "in" / "ben" / "counter.py").out


def test_all_passed_is_status_0(tmp_path: Path) -> None:
    hand_in(tmp_path / "in", {"anna": FILES["anna"], "bob": FILES["anna"]})
    ran = grader("batch", tmp_path / "in", "--output", tmp_path / "out", "--no-free-runs", "--jobs", "1")
    assert (ran.status, ran.told) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nothing", "--output", "out"], "nothing does not exist"),
        (["in", "--output", "file"], "cannot make the folder file"),
        (["in", "--output", "out", "--exercise", "nothing"], "there is no exercise 'nothing'"),
        (["in", "--output", "out", "--roster", "nothing.csv"], "nothing.csv cannot be read"),
        (["in", "--output", "out", "--jobs", "0"], "--jobs"),
    ],
)
def test_wrong_usage_is_one_clear_line(tmp_path: Path, arguments: list[str], line: str) -> None:
    hand_in(tmp_path / "in", {"anna": FILES["anna"]})
    (tmp_path / "file").write_text("")
    ran = grader("batch", *arguments, cwd=tmp_path)
    assert ran.status == 2
    assert line in ran.err.splitlines()[-1]
    assert "Traceback" not in ran.err


def test_no_book_to_report_on(tmp_path: Path) -> None:
    ran = grader("report", tmp_path)
    assert ran.status == 2
    assert "holds no grade book" in ran.err


def test_no_room_for_the_reports_is_one_clear_line(graded: Path, tmp_path: Path) -> None:
    shutil.copytree(graded / "out", tmp_path / "out")
    limit = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000)); "
    boot = f"{limit}from grader.cli import main; sys.exit(main(['report', sys.argv[1]]))"
    ran = run([sys.executable, "-c", boot, str(tmp_path / "out")])
    assert ran.status == 2
    assert ran.err.count("\n") == 1
    assert "make room" in ran.err
    assert grader("report", tmp_path / "out").status == 1
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 9_000


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_whatever_ends_a_batch_nothing_is_left_running(tmp_path: Path, how: signal.Signals) -> None:
    names = [
        SUBMISSIONS / "counter" / "wrong" / "endless_loop.py",
        *sorted((SUBMISSIONS / "counter" / "wrong").glob("*.py"))[:6],
    ]
    hand_in(tmp_path / "in", {f"s{number}": path for number, path in enumerate(names)})
    command = [
        sys.executable,
        "-m",
        "grader",
        "batch",
        str(tmp_path / "in"),
        "--output",
        str(tmp_path / "out"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    batch = subprocess.Popen(
        command,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # tests in the background ignore it
    )
    until(lambda: len(descendants(batch.pid)) >= 6 or batch.poll() is not None)
    below = descendants(batch.pid)
    batch.send_signal(how)
    _, err = batch.communicate()
    assert batch.returncode == (-signal.SIGKILL if how is signal.SIGKILL else 130)
    assert (b"the same command goes on" in err) is (how is signal.SIGINT)
    until(lambda: not any(map(_runs, below)))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
